package authenticator

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/errs"
)

func TestSets(t *testing.T) {
	form := regexp.MustCompile(`^[A-Z2-7]{4}(-[A-Z2-7]{4}){5}$`)
	s, codes := newSet()
	other, _ := newSet()
	seen := map[string]bool{}
	if len(codes) != RecoveryCodes || len(s.MACs) != RecoveryCodes {
		t.Fatalf("%d codes", len(codes))
	}
	for i, shown := range codes {
		code, err := readRecovery(shown)
		if err != nil || !form.MatchString(shown) || seen[shown] {
			t.Errorf("%s: %v", shown, err)
		}
		seen[shown] = true
		if _, ok := other.use(code); ok {
			t.Errorf("%s is in another set", shown)
		}
		before := len(s.MACs)
		left, ok := s.use(code)
		if !ok || len(left.MACs) != RecoveryCodes-i-1 || len(s.MACs) != before {
			t.Errorf("%s: %d left, %t", shown, len(left.MACs), ok)
		}
		s = left
		if _, ok := s.use(code); ok {
			t.Errorf("%s is good twice", shown)
		}
	}
}

func TestReadRecovery(t *testing.T) {
	const code = "ABCDEFGHIJKLMNOPQRSTUVWX"
	wide := strings.Map(func(r rune) rune { return r + '！' - '!' }, code)
	for _, typed := range []string{
		code, grouped(code), strings.ToLower(grouped(code)), wide, strings.ToLower(wide), " ABCD efgh\u3000IJKL–MNOP—QRST\tUVWX\n",
		"A8CDEFGH1JKLMN0PQRSTUVWX", "Ａ８CDEFGH１JKLMN０PQRSTUVWX", "ABCD－EFGH‐IJKL-MNOP-QRST-UVWX",
	} {
		if got, err := readRecovery(typed); err != nil || got != code {
			t.Errorf("%q is read as %q, %v", typed, got, err)
		}
	}
	for _, typed := range []string{"", code[1:], code + "A", code[1:] + "9", code[1:] + "é", code[1:] + "\x00", strings.Repeat("-", 129), "123456"} {
		var e *errs.InputError
		if got, err := readRecovery(typed); !errors.As(err, &e) || e.Field != "code" || typed != "" && strings.Contains(err.Error(), typed) {
			t.Errorf("%q is read as %q, %v", typed, got, err)
		}
	}
}

func TestReadCode(t *testing.T) {
	for typed, want := range map[string]string{"123456": "123456", "１２３ ４５６": "123456", "1234-5678": "12345678", "\u3000007 007": "007007"} {
		if got, err := readCode(typed); err != nil || got != want {
			t.Errorf("%q is read as %q, %v", typed, got, err)
		}
	}
	for _, typed := range []string{"", "12345", "123456789", "12345a", "١٢٣٤٥٦", "+12345", "12345６７８９", strings.Repeat("1 ", 65)} {
		var e *errs.InputError
		if got, err := readCode(typed); !errors.As(err, &e) || e.Field != "code" {
			t.Errorf("%q is read as %q, %v", typed, got, err)
		}
	}
}

// What is read is of the form that is stored, and is read as itself.
func FuzzReadCodes(f *testing.F) {
	f.Add("１２３ ４５６")
	f.Add("abcd-efgh-ijkl-mnop-qrst-uvwx")
	f.Add("\xff\u3000ﬀ")
	f.Fuzz(func(t *testing.T, typed string) {
		for form, read := range map[string]func(string) (string, error){`^[0-9]{6,8}$`: readCode, `^[A-Z2-7]{24}$`: readRecovery} {
			got, err := read(typed)
			if err != nil {
				continue
			}
			again, err := read(got)
			if err != nil || again != got || !regexp.MustCompile(form).MatchString(got) {
				t.Fatalf("%q is read as %q, and that as %q: %v", typed, got, again, err)
			}
		}
	})
}
