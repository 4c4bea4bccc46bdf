package callback

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/scrmkit/scrmkit/storage/storagetest"
)

func TestRows(t *testing.T) { storagetest.Mapping(t, pushes, nil) }

// vectors are samples of Tencent's documents, as a directory of data sets has them.
func vectors(t *testing.T) (all []struct {
	Name      string `json:"name"`
	Token     string `json:"token"`
	AESKey    string `json:"encodingAESKey"`
	Receiver  string `json:"expected_receiveId"`
	Stamp     string `json:"timestamp"`
	Nonce     string `json:"nonce"`
	Encrypt   string `json:"encrypt"`
	Signature string `json:"msg_signature"`
	Plain     string `json:"expected_plaintext"`
	Random    string `json:"expected_random16_hex"`
}) {
	t.Helper()
	dir, given := os.LookupEnv("SCRMKIT_DATA")
	if !given {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	text, err := os.ReadFile(filepath.Join(dir, "wechat", "wechat_vectors.json"))
	if err != nil {
		if given {
			t.Fatal(err)
		}
		t.Skip("no data: set SCRMKIT_DATA to a directory that holds wechat/wechat_vectors.json")
	}
	var file map[string]json.RawMessage
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(file["biz_msg_crypt"], &all); err != nil || len(all) == 0 {
		t.Fatal(err)
	}
	return all
}

func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		c, err := newCrypt(Secret{v.Token, v.AESKey})
		if err != nil {
			t.Fatal(v.Name, err)
		}
		if !c.signed(v.Signature, v.Stamp, v.Nonce, v.Encrypt) {
			t.Error(v.Name, "the signature is refused")
		}
		if c.signed(v.Signature, v.Stamp, v.Nonce+"0", v.Encrypt) || c.signed("", v.Stamp, v.Nonce, v.Encrypt) {
			t.Error(v.Name, "another signature is taken")
		}
		message, receiver, err := c.decrypt(v.Encrypt)
		if err != nil || string(message) != v.Plain || receiver != v.Receiver {
			t.Errorf("%s: %q for %q, %v", v.Name, message, receiver, err)
		}
		if _, err := hex.DecodeString(v.Random); err != nil {
			t.Error(err)
		}
	}
}

// What encrypt writes is read again, and no other text is read as anything but an error.
func FuzzDecrypt(f *testing.F) {
	c, err := newCrypt(Secret{"token", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("", "", "AAAA")
	f.Add("<xml></xml>", "wx1", "")
	f.Add(`{"a":1}`, "wx1", c.encrypt([]byte("x"), "y"))
	f.Fuzz(func(t *testing.T, message, receiver, ciphertext string) {
		got, whom, err := c.decrypt(c.encrypt([]byte(message), receiver))
		if err != nil || string(got) != message || whom != receiver {
			t.Errorf("%q for %q is read as %q for %q, %v", message, receiver, got, whom, err)
		}
		_, _, _ = c.decrypt(ciphertext)
	})
}

// A message is read or refused, and has the same sum in whatever order its members are.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`<xml><A><![CDATA[x]]></A><List><B>1</B></List><List><B>2</B></List></xml>`))
	f.Add([]byte(`{"A":"x","List":[{"B":1},{"B":2}]}`))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`))
	f.Add([]byte("\xef\xbb\xbf{}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		root, _, err := parse(text)
		if err != nil {
			return
		}
		again, _, err := parse(text)
		if err != nil || root.sum() != again.sum() {
			t.Errorf("%q is read in two ways, %v", text, err)
		}
	})
}

func TestParse(t *testing.T) {
	for _, text := range []string{
		"", "x", "[]", "1", "{", `{"a":1}{}`, `{"a":1} x`, "<a>", "<a></b>", "<a/><b/>", "x<a/>", "<a>&b;</a>", "<!DOCTYPE a><a/>",
		`<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>`,
	} {
		if root, _, err := parse([]byte(text)); err == nil {
			t.Errorf("%q is read as %+v", text, root)
		}
	}
	deep := func(open, shut string) []byte {
		var text string
		for range 2 * maxDepth {
			text = open + text + shut
		}
		return []byte(text)
	}
	for _, text := range [][]byte{deep("<a>", "</a>"), deep(`{"a":`, "}"), deep("[", "]")} {
		if _, _, err := parse(text); err == nil {
			t.Errorf("%q is read", text)
		}
	}
	sum := func(text string) [32]byte {
		root, _, err := parse([]byte(text))
		if err != nil {
			t.Fatal(text, err)
		}
		root.name = ""
		return root.sum()
	}
	same := sum(`{"A":"x","List":[{"B":1,"C":2},{"B":3,"C":4}]}`)
	for text, want := range map[string]bool{
		`{"List":[{"C":4,"B":3},{"B":1,"C":2}],"A":"x"}`: true, `<xml><A>x</A><List><B>1</B><C>2</C></List><List><B>3</B><C>4</C></List></xml>`: true,
		"<xml>\n<A><![CDATA[x]]></A>\n<List><C>2</C><B>1</B></List><List><B>3</B><C>4</C></List></xml>": true,
		`{"A":"x","List":[{"B":1,"C":4},{"B":3,"C":2}]}`:                                                false, `{"A":"x","List":{"B":1,"C":2}}`: false, `{"A":"y","List":[{"B":1,"C":2},{"B":3,"C":4}]}`: false,
	} {
		if (sum(text) == same) != want {
			t.Errorf("%s is the same: %t", text, !want)
		}
	}
}
