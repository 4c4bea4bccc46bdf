package authenticator

import (
	"crypto/hmac"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/keyring"
)

const (
	// RecoveryCodes is how many codes a set of recovery codes has.
	RecoveryCodes = 10

	recoveryLen = 24 // characters of base 32: 120 bits
	group       = 4
	maxTyped    = 128 // bytes
)

// A set is what is stored of recovery codes, sealed.
type set struct {
	Key  []byte   `json:"key"`  // 32 random bytes, of no other set
	MACs [][]byte `json:"macs"` // HMAC-SHA-256 of each code that is not used yet
}

// newSet returns a set with its codes, as they are shown.
func newSet() (s set, codes []string) {
	s.Key = make([]byte, 32)
	rand.Read(s.Key)
	for range RecoveryCodes {
		code := rand.Text()[:recoveryLen]
		s.MACs = append(s.MACs, s.mac(code))
		codes = append(codes, grouped(code))
	}
	return s, codes
}

func (s set) mac(code string) []byte { return keyring.Sum(s.Key, "authenticator.v1 recovery", code) }

// use returns the set without a code, which readRecovery returned. ok is false where it has none
// such.
func (s set) use(code string) (_ set, ok bool) {
	mac := s.mac(code)
	var left [][]byte
	for _, m := range s.MACs {
		if hmac.Equal(m, mac) {
			ok = true
		} else {
			left = append(left, m)
		}
	}
	s.MACs = left
	return s, ok
}

// grouped returns a recovery code as people read it: "K7QX-...", in groups of four.
func grouped(code string) string {
	var groups []string
	for g := range slices.Chunk([]byte(code), group) {
		groups = append(groups, string(g))
	}
	return strings.Join(groups, "-")
}

// readRecovery returns the characters of a recovery code as people type it: in whatever case and
// width, with spaces and hyphens, and with digits that its letters are taken for. *errs.InputError:
// it can't be one.
func readRecovery(typed string) (string, error) {
	text, err := fold(typed)
	if err != nil {
		return "", err
	}
	text = strings.NewReplacer("0", "O", "1", "I", "8", "B").Replace(text)
	if len(text) != recoveryLen || strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
		return "", &errs.InputError{Field: "code", Reason: fmt.Sprintf("is no recovery code of %d letters and digits", recoveryLen)}
	}
	return text, nil
}

// readCode returns the digits of a code as people type it: in whatever width, with spaces and
// hyphens. *errs.InputError: it has another character, or not 6 to 8 digits.
func readCode(typed string) (string, error) {
	text, err := fold(typed)
	if err != nil {
		return "", err
	}
	if len(text) < minDigits || len(text) > maxDigits || strings.Trim(text, "0123456789") != "" {
		return "", &errs.InputError{Field: "code", Reason: fmt.Sprintf("is not %d to %d digits", minDigits, maxDigits)}
	}
	return text, nil
}

// fold returns a text in the width of ASCII and upper case, without spaces and hyphens.
func fold(typed string) (string, error) {
	if len(typed) > maxTyped {
		return "", &errs.InputError{Field: "code", Reason: fmt.Sprintf("is longer than %d bytes", maxTyped)}
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, width.Fold.String(typed)), nil
}
