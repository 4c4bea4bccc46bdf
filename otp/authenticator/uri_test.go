package authenticator

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"

	"github.com/scrmkit/scrmkit/errs"
)

func TestURI(t *testing.T) {
	got, err := standard().URI("望京 Coffee & Co", "alice@example.com")
	const want = "otpauth://totp/%E6%9C%9B%E4%BA%AC%20Coffee%20%26%20Co:alice%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" +
		"&issuer=%E6%9C%9B%E4%BA%AC%20Coffee%20%26%20Co&algorithm=SHA1&digits=6&period=30"
	if err != nil || got != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
	for _, size := range []int{200, 2000} {
		picture, err := QR(got, size)
		if err != nil || picture.Bounds().Dx() != size || picture.Bounds().Dy() != size {
			t.Errorf("a picture of %d: %v", size, err)
		}
	}
	for field, err := range map[string]error{
		"size": second(QR(got, 199)), "size of the largest": second(QR(got, 2001)), "uri": second(QR(strings.Repeat(got, 100), 200)),
		"uri that is none": second(QR("otpauth://%zz"+got, 200)),
	} {
		var e *errs.InputError
		if !errors.As(err, &e) || !strings.HasPrefix(field, e.Field) || strings.Contains(err.Error(), "GEZDGNBV") {
			t.Errorf("%s: %v", field, err)
		}
	}
	long := TOTP{make([]byte, 64), SHA512, 8, 30 * time.Second}
	uri, err := long.URI(strings.Repeat("望", 42), strings.Repeat("京", 42))
	if err == nil {
		_, err = QR(uri, 200)
	}
	if err != nil {
		t.Error("the longest URI:", err)
	}
}

func second[A any](_ A, err error) error { return err }

func TestLabels(t *testing.T) {
	for _, label := range []string{"", ":", "a:b", "a\nb", " a", "a ", strings.Repeat("a", 129), "\xff"} {
		var e *errs.InputError
		if _, err := standard().URI(label, "alice"); !errors.As(err, &e) || e.Field != "issuer" {
			t.Errorf("issuer %q: %v", label, err)
		}
		if _, err := standard().URI("scrmkit", label); !errors.As(err, &e) || e.Field != "account" {
			t.Errorf("account %q: %v", label, err)
		}
	}
}

// An app reads from a URI what it was made of.
func FuzzURI(f *testing.F) {
	f.Add("scrmkit", "alice@example.com", "12345678901234567890")
	f.Add("/%3A?&#", "//..;a=b+c", "12345678901234567890")
	f.Add("望京 😀", "%00", "12345678901234567890\x00\xff")
	f.Fuzz(func(t *testing.T, issuer, account, secret string) {
		totp := standard()
		totp.Secret = []byte(secret)
		uri, err := totp.URI(issuer, account)
		if err != nil {
			return
		}
		key, err := otp.NewKeyFromURL(uri)
		if err != nil || key.Issuer() != issuer || key.AccountName() != account || key.Secret() != totp.Base32() || key.Type() != "totp" ||
			key.Period() != 30 || key.Digits() != 6 || key.Algorithm() != otp.AlgorithmSHA1 {
			t.Fatalf("%q, %q: %s is read as %q, %q: %v", issuer, account, uri, key.Issuer(), key.AccountName(), err)
		}
	})
}
