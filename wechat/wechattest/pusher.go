package wechattest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"
)

// A Pusher pushes messages and events in WeChat's secure mode, to the address of a service.
type Pusher struct {
	URL      string           // address
	Token    string           // of the console
	AESKey   string           // EncodingAESKey of the console
	Receiver string           // AppID, or corp id
	Now      func() time.Time // the clock; nil: time.Now
	JSON     bool             // it pushes JSON, and not XML
}

// Push pushes a message once and returns the answer. WeChat pushes it again where the answer is no
// 200, or comes after 5 seconds: three times in all.
func (p Pusher) Push(message string) (status int, answer string, err error) {
	r, err := p.Request(message)
	if err != nil {
		return 0, "", err
	}
	return Send(r)
}

// Deliver pushes messages as a bad day has it: each of them one to three times, and all in an order
// that rng draws. It returns an error unless the service answers each with 200.
func (p Pusher) Deliver(rng *mathrand.Rand, messages ...string) error {
	var all []string
	for _, m := range messages {
		for range 1 + rng.IntN(3) {
			all = append(all, m)
		}
	}
	rng.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	for _, m := range all {
		status, answer, err := p.Push(m)
		if err != nil {
			return err
		}
		if status != http.StatusOK {
			return fmt.Errorf("wechattest: a push is answered with %d %q", status, answer)
		}
	}
	return nil
}

// Request returns the request of a push, which may be changed before it is sent.
func (p Pusher) Request(message string) (*http.Request, error) {
	ciphertext, err := p.Encrypt(message)
	if err != nil {
		return nil, err
	}
	var body []byte
	if p.JSON {
		body, _ = json.Marshal(map[string]string{"ToUserName": "gh_test", "Encrypt": ciphertext})
	} else {
		body = fmt.Appendf(nil, "<xml><ToUserName><![CDATA[gh_test]]></ToUserName><Encrypt><![CDATA[%s]]></Encrypt></xml>", ciphertext)
	}
	stamp, nonce := fmt.Sprint(p.now().Unix()), rand.Text()[:10]
	q := url.Values{
		"timestamp": {stamp}, "nonce": {nonce}, "openid": {"o"}, "encrypt_type": {"aes"},
		"signature": {sign(p.Token, stamp, nonce)}, "msg_signature": {sign(p.Token, stamp, nonce, ciphertext)},
	}
	return http.NewRequest(http.MethodPost, p.URL+"?"+q.Encode(), bytes.NewReader(body))
}

// Ask asks as the console does whether the address is the service's, which answers with echo.
func (p Pusher) Ask(echo string) (status int, answer string, err error) {
	stamp, nonce := fmt.Sprint(p.now().Unix()), rand.Text()[:10]
	q := url.Values{"timestamp": {stamp}, "nonce": {nonce}, "echostr": {echo}, "signature": {sign(p.Token, stamp, nonce)}}
	r, err := http.NewRequest(http.MethodGet, p.URL+"?"+q.Encode(), nil)
	if err != nil {
		return 0, "", err
	}
	return Send(r)
}

// Send sends a request, and returns the status and the text of the answer.
func Send(r *http.Request) (status int, answer string, err error) {
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	return a.StatusCode, string(text), err
}

func (p Pusher) now() time.Time {
	if p.Now == nil {
		return time.Now()
	}
	return p.Now()
}

func (p Pusher) cipher() (cipher.Block, []byte, error) {
	key, err := base64.StdEncoding.DecodeString(p.AESKey + "=")
	if err != nil {
		return nil, nil, err
	}
	b, err := aes.NewCipher(key)
	return b, key[:16], err
}

// Encrypt returns the ciphertext of a message.
func (p Pusher) Encrypt(message string) (string, error) {
	b, iv, err := p.cipher()
	if err != nil {
		return "", err
	}
	text := []byte(rand.Text()[:16])
	text = binary.BigEndian.AppendUint32(text, uint32(len(message)))
	text = append(text, message+p.Receiver...)
	pad := 32 - len(text)%32
	text = append(text, bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(b, iv).CryptBlocks(text, text)
	return base64.StdEncoding.EncodeToString(text), nil
}

// Decrypt returns the message of a ciphertext that a service replied with.
func (p Pusher) Decrypt(ciphertext string) (string, error) {
	b, iv, err := p.cipher()
	if err != nil {
		return "", err
	}
	text, err := base64.StdEncoding.DecodeString(ciphertext)
	if err != nil || len(text) == 0 || len(text)%32 != 0 {
		return "", fmt.Errorf("wechattest: no ciphertext: %v", err)
	}
	cipher.NewCBCDecrypter(b, iv).CryptBlocks(text, text)
	text = text[:len(text)-int(text[len(text)-1])]
	n := binary.BigEndian.Uint32(text[16:20])
	return string(text[20 : 20+n]), nil
}

func sign(parts ...string) string {
	sort.Strings(parts)
	return fmt.Sprintf("%x", sha1.Sum([]byte(strings.Join(parts, ""))))
}
