package otp

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"golang.org/x/text/width"

	"github.com/scrmkit/scrmkit/errs"
)

// draw returns that many unbiased decimal digits: a random 64-bit number is taken where it is below
// the largest multiple of the range, so that each text is as likely as any other.
func draw(digits int) string {
	n := uint64(pow10(digits))
	limit := ^uint64(0) - ^uint64(0)%n
	var b [8]byte
	for {
		rand.Read(b[:])
		if v := binary.BigEndian.Uint64(b[:]); v < limit {
			return fmt.Sprintf("%0*d", digits, v%n)
		}
	}
}

// Normalize returns the digits of what a person typed: full-width digits (１２３) become plain, spaces
// and hyphens go. *errs.InputError: it has another character, or not 6 to 8 digits.
func Normalize(typed string) (string, error) {
	if len(typed) > 64 {
		return "", &errs.InputError{Field: "code", Reason: "is longer than 64 bytes"}
	}
	digits := make([]byte, 0, maxDigits)
	for _, r := range width.Fold.String(typed) {
		switch {
		case '0' <= r && r <= '9':
			digits = append(digits, byte(r))
		case r == ' ', r == '-':
		default:
			return "", &errs.InputError{Field: "code", Reason: "has a character that is no digit, space or hyphen"}
		}
	}
	if len(digits) < minDigits || len(digits) > maxDigits {
		return "", &errs.InputError{Field: "code", Reason: fmt.Sprintf("has not %d to %d digits", minDigits, maxDigits)}
	}
	return string(digits), nil
}
