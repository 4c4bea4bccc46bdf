// Package phone reads telephone numbers (电话号码) as people type them, and writes them in the one form of E.164.
//
// It guesses nothing. A number without a country code is read as one of the region that the caller gives, and must be in
// use there by the numbering plan; a number with one must be as long as numbers of that country are. What is neither is
// refused, for somebody to look at. Numbering plans change: whether a number is Valid is an answer of today and is not to
// be stored. No error holds a number.
//
// The numbering plans are those of libphonenumber, in the version of the module that this one requires.
package phone

import (
	"errors"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers/v2"
	"golang.org/x/text/width"
)

// A Number is one that was read.
type Number struct {
	E164   string // "+", the country code and the national number, in digits
	Region string // ISO 3166-1 alpha-2, or "001" for a number of no country; "": several share it, or none is known to have it
	Valid  bool   // by the numbering plans of today
}

// A Reason tells why a text is no number.
type Reason string

// The reasons.
const (
	Missing  Reason = "there is none"
	Garbled  Reason = "it holds other things than digits, spaces and the signs + ( ) - . /"
	Regional Reason = "it has no country code, and no region is known to read it in"
	Length   Reason = "no number of its country is as short or as long"
	Unused   Reason = "it has no country code, and no number of the region is like it"
	Country  Reason = "there is no such country code"
)

// An Error is a text that is no number.
type Error struct{ Reason Reason }

func (e *Error) Error() string { return "phone: the number can't be read: " + string(e.Reason) }

const (
	maxText = 64 // bytes of a text
	maxArea = 6  // digits before a "/": after more of them it is between two numbers
)

// Parse reads a number that was typed by somebody in a region, as ISO 3166-1 alpha-2, or "" where that is not known. It
// takes digits of all scripts and widths, spaces, the usual signs between digits, "(0)" after a country code, which is left out where
// the number is valid without it alone, and 00 for the "+" before it, which counts where the text is no number of the region by
// itself. *Error: it is none.
func Parse(text, region string) (Number, error) {
	if folded := width.Fold.String(text[:min(len(text), maxText)]); optional.MatchString(folded) && len(text) <= maxText {
		if n, _ := parse(optional.ReplaceAllLiteralString(folded, ""), region); n.Valid {
			return n, nil
		}
	}
	return parse(text, region)
}

// optional is a zero that is dialled in the country alone.
var optional = regexp.MustCompile(`\(\s*0\s*\)`)

func parse(text, region string) (Number, error) {
	digits, plus, reason := clean(text)
	if reason != "" {
		return Number{}, &Error{reason}
	}
	reason = Length
	if !plus {
		n, err := phonenumbers.Parse(digits, strings.ToUpper(region))
		switch {
		case errors.Is(err, phonenumbers.ErrInvalidCountryCode):
			reason = Regional
		case err == nil && phonenumbers.IsValidNumber(n):
			return number(n), nil
		default:
			reason = Unused
		}
	}
	if !plus && !strings.HasPrefix(digits, "00") {
		return Number{}, &Error{reason}
	}
	return international("+" + strings.TrimPrefix(digits, "00"))
}

// international reads a number with a country code.
func international(text string) (Number, error) {
	n, err := phonenumbers.Parse(text, "")
	switch {
	case errors.Is(err, phonenumbers.ErrInvalidCountryCode):
		return Number{}, &Error{Country}
	case err != nil || phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE && !phonenumbers.IsValidNumber(n):
		return Number{}, &Error{Length}
	}
	found := number(n)
	if found.E164 != text {
		return international(found.E164) // without the digit that is dialled in the country alone; a shorter one each time
	}
	return found, nil
}

func number(n *phonenumbers.PhoneNumber) Number {
	return Number{
		E164:   phonenumbers.Format(n, phonenumbers.E164),
		Region: phonenumbers.GetRegionCodeForNumber(n),
		Valid:  phonenumbers.IsValidNumber(n),
	}
}

// clean returns the digits of a text as ASCII, and whether a "+" comes first.
func clean(text string) (digits string, plus bool, reason Reason) {
	if len(text) > maxText || !utf8.ValidString(text) {
		return "", false, Garbled
	}
	var b strings.Builder
	slash := false
	for _, r := range width.Fold.String(text) {
		switch {
		case unicode.Is(unicode.Nd, r):
			b.WriteByte('0' + digit(r))
		case r == '+' && !plus && b.Len() == 0:
			plus = true
		case r == '/' && !slash && b.Len() <= maxArea:
			slash = true
		case unicode.IsSpace(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Pd, r), strings.ContainsRune("()[].·", r):
		default:
			return "", false, Garbled
		}
	}
	if b.Len() == 0 {
		return "", false, Missing
	}
	return b.String(), plus, ""
}

// digit returns the value of a decimal digit. Unicode has those of a script in a row, from zero.
func digit(r rune) byte {
	for _, t := range unicode.Nd.R16 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return byte((r - rune(t.Lo)) % 10)
		}
	}
	for _, t := range unicode.Nd.R32 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return byte((r - rune(t.Lo)) % 10)
		}
	}
	return 0
}
