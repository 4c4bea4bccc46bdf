// Package decimal makes codes of decimal digits, and reads them as people type them.
package decimal

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"golang.org/x/text/width"

	"github.com/scrmkit/scrmkit/errs"
)

// Draw returns n unbiased decimal digits, at most 18: a random 64-bit number is taken where it is
// below the largest multiple of the range, so that each text is as likely as any other.
func Draw(n int) string {
	all := uint64(Pow10(n))
	limit := ^uint64(0) - ^uint64(0)%all
	var b [8]byte
	for {
		rand.Read(b[:])
		if v := binary.BigEndian.Uint64(b[:]); v < limit {
			return fmt.Sprintf("%0*d", n, v%all)
		}
	}
}

// Pow10 returns how many texts of n digits there are, of at most 18.
func Pow10(n int) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}

// Normalize returns the digits of what a person typed: full-width digits (１２３) become plain, spaces
// and hyphens go. *errs.InputError: it has another character, or not from least to most digits.
func Normalize(typed string, least, most int) (string, error) {
	if len(typed) > 64 {
		return "", &errs.InputError{Field: "code", Reason: "is longer than 64 bytes"}
	}
	digits := make([]byte, 0, most)
	for _, r := range width.Fold.String(typed) {
		switch {
		case '0' <= r && r <= '9':
			digits = append(digits, byte(r))
		case r == ' ', r == '-':
		default:
			return "", &errs.InputError{Field: "code", Reason: "has a character that is no digit, space or hyphen"}
		}
	}
	switch {
	case least <= len(digits) && len(digits) <= most:
		return string(digits), nil
	case least == most:
		return "", &errs.InputError{Field: "code", Reason: fmt.Sprintf("has not %d digits", least)}
	}
	return "", &errs.InputError{Field: "code", Reason: fmt.Sprintf("has not %d to %d digits", least, most)}
}
