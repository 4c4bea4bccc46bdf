package reward

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/secret"
)

var testKey = secret.Key{ID: "k", Secret: bytes.Repeat([]byte{7}, 32)}

func TestCode(t *testing.T) {
	salt := bytes.Repeat([]byte{1}, saltSize)
	for _, prefix := range []string{"", "CVP", "VVVVVVVV"} {
		text := code(testKey, "acme", prefix, salt)
		shown := grouped(text)
		if len(text) != len(prefix)+random+1 || !strings.HasPrefix(text, prefix) {
			t.Fatal(text)
		}
		for _, typed := range []string{
			text, shown, strings.ToLower(shown), " " + strings.ReplaceAll(shown, "-", " ") + "\n", qrPrefix + text,
			strings.ToLower(qrPrefix + text), wide(shown), strings.ReplaceAll(strings.ReplaceAll(shown, "0", "o"), "1", "l"),
			strings.ReplaceAll(shown, "1", "I"),
		} {
			if got, err := read(typed); err != nil || got != text {
				t.Errorf("%q is read as %q, %v", typed, got, err)
			}
		}
	}
	t.Run("differs with the salt and with the key", func(t *testing.T) {
		other := bytes.Repeat([]byte{8}, 32)
		one := code(testKey, "acme", "", salt)
		another := code(secret.Key{ID: "k", Secret: other}, "acme", "", salt)
		if one == another || one == code(testKey, "acme", "", bytes.Repeat([]byte{2}, saltSize)) || bytes.Equal(mac(testKey, "acme", one), mac(testKey, "acme", another)) {
			t.Error(one, another)
		}
	})
	t.Run("finds each single wrong character and each two that were swapped", func(t *testing.T) {
		text := code(testKey, "acme", "CVPCVPCV", salt)
		refused := func(b []byte) {
			var input *errs.InputError
			if _, err := read(string(b)); !errors.As(err, &input) || input.Field != "code" {
				t.Errorf("%s passes for %s", b, text)
			}
		}
		for i := range len(text) {
			for _, c := range []byte(alphabet) {
				if b := []byte(text); c != b[i] {
					b[i] = c
					refused(b)
				}
			}
			for j := range i {
				if b := []byte(text); b[i] != b[j] {
					b[i], b[j] = b[j], b[i]
					refused(b)
				}
			}
		}
	})
	t.Run("that can't be one is an error that does not say it", func(t *testing.T) {
		for _, typed := range []string{"", "CUP", "U" + code(testKey, "acme", "", salt)[1:], strings.Repeat("A", 25), strings.Repeat("-", 200), "密码密码密码密码", code(testKey, "acme", "", salt) + "*"} {
			var input *errs.InputError
			if _, err := read(typed); !errors.As(err, &input) || typed != "" && strings.Contains(err.Error(), typed) {
				t.Errorf("%q: %v", typed, err)
			}
		}
	})
}

// wide is the full-width form.
func wide(s string) string {
	return strings.Map(func(r rune) rune { return r - '!' + '！' }, s)
}

func FuzzRead(f *testing.F) {
	f.Add("CVP-7K3M-9QX2-WZ4T-HB5N")
	f.Add("voucher:０１２３４５６７８９ＡＢＣＤＥ")
	f.Fuzz(func(t *testing.T, typed string) {
		text, err := read(typed)
		if err != nil {
			return
		}
		if again, err := read(grouped(text)); err != nil || again != text {
			t.Errorf("%q is read as %s, and that as %s, %v", typed, text, again, err)
		}
	})
}
