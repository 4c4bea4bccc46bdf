// Package phone reads telephone numbers (电话号码) as people type them, and writes them in the one form
// of E.164.
//
// It guesses nothing. A number without a country code is read as one of the region that the caller
// gives, and must be in use there by the numbering plan; a number with one must be as long as
// numbers of that country are. What is neither is refused, for somebody to look at. Numbering plans
// change: whether a number is Valid is an answer of today and is not to be stored. No error holds a
// number.
//
// The numbering plans are those of libphonenumber, in the version of the module that this one
// requires.
package phone

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers/v2"
	"golang.org/x/text/width"

	"github.com/scrmkit/scrmkit/errs"
)

// A Number is one that was read.
type Number struct {
	E164   string // "+", the country code and the national number, in digits
	Region string // ISO 3166-1 alpha-2, or "001" for a number of no country; "": several share it, or none is known to have it
	Valid  bool   // by the numbering plans of today
}

// A Reason is why a text is not a number.
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

// An Error reports a text that is not a telephone number.
type Error struct {
	Reason Reason // why it is not a number
}

// Error implements error.
func (e *Error) Error() string { return "phone: the number can't be read: " + string(e.Reason) }

// Is reports whether target is errs.Invalid.
func (e *Error) Is(target error) bool { return target == errs.Invalid }

const (
	maxText = 64 // bytes of a text
	maxArea = 6  // digits before a "/": after more of them it is between two numbers
)

// Parse reads a number that was typed by somebody in a region, as ISO 3166-1 alpha-2, or "" where
// that is not known. It takes digits of all scripts and widths, spaces, the usual signs between
// digits, "(0)" after a country code, which is left out where the number is valid without it alone,
// and 00 for the "+" before it, which counts where the text is no number of the region by itself.
// It takes tel URIs (RFC 3966), with a country code of their own or in a phone-context, and no
// other parameters. The 1 of mobile numbers in Mexico until 2019 is left out; after the country
// code 1 nothing is. *Error: the text is not a number.
func Parse(text, region string) (Number, error) {
	if len(text) > maxText {
		return Number{}, &Error{Garbled}
	}
	text, err := local(text)
	if err != nil {
		return Number{}, err
	}
	if folded := width.Fold.String(text); optional.MatchString(folded) {
		if n, _ := parse(optional.ReplaceAllLiteralString(folded, ""), region); n.Valid {
			return n, nil
		}
	}
	return parse(text, region)
}

// local returns the number of a tel URI, with its context before it, and any other text as it is.
func local(text string) (string, error) {
	text, params, isURI := strings.Cut(strings.TrimSpace(text), ";")
	if len(text) >= 4 && strings.EqualFold(text[:4], "tel:") {
		text = text[4:]
	}
	if !isURI {
		return text, nil
	}
	name, context, _ := strings.Cut(params, "=")
	switch digits, plus, reason := clean(context); {
	case !strings.EqualFold(name, "phone-context") || strings.Contains(context, ";"):
		return "", &Error{Garbled}
	case !plus || reason != "":
		return "", &Error{Regional} // it is a number of some domain
	case !strings.HasPrefix(text, "+"):
		return "+" + digits + " " + text, nil
	case !strings.HasPrefix(strings.TrimLeft(text, "+"), digits):
		return "", &Error{Garbled} // the two disagree
	}
	return text, nil
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
		case err == nil && phonenumbers.IsValidNumber(n) && !shortened(digits, strings.ToUpper(region), n):
			return number(n), nil
		case err == nil && mexican(number(n).E164) != number(n).E164: // with what is dialled for another country
			return international(number(n).E164)
		default:
			reason = Unused
		}
	}
	if !plus && !strings.HasPrefix(digits, "00") {
		return Number{}, &Error{reason}
	}
	return international("+" + strings.TrimPrefix(digits, "00"))
}

// shortened reports whether a number of the country code 1 lacks digits that were typed in the
// region: with one too many, every number there could be read as that of a stranger.
func shortened(digits, region string, n *phonenumbers.PhoneNumber) bool {
	national := phonenumbers.GetNationalSignificantNumber(n)
	if n.GetCountryCode() != 1 || digits == national {
		return false
	}
	before, ok := strings.CutSuffix(digits, "1"+national)
	if !ok || before == "" {
		return !ok
	}
	// What comes before is dialled for another country, where any number of one follows.
	const other = "442070313000"
	to, err := phonenumbers.Parse(before+other, region)
	return err != nil || phonenumbers.Format(to, phonenumbers.E164) != "+"+other
}

// mexican returns a number with a country code without the 1 of mobile numbers in Mexico.
func mexican(text string) string {
	if mobile, ok := strings.CutPrefix(text, "+521"); ok && len(mobile) == 10 {
		return "+52" + mobile
	}
	return text
}

// international reads a number with a country code.
func international(text string) (Number, error) {
	text = mexican(text)
	n, err := phonenumbers.Parse(text, "")
	switch {
	case errors.Is(err, phonenumbers.ErrInvalidCountryCode):
		return Number{}, &Error{Country}
	case err != nil || phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE && !phonenumbers.IsValidNumber(n):
		return Number{}, &Error{Length}
	}
	found := number(n)
	if found.E164 != text && strings.HasPrefix(text, "+1") {
		return Number{}, &Error{Length}
	}
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

// dashes are signs that stand for a hyphen and are none by Unicode: the minus signs, the hyphen
// bullet, lines, and the long vowel sign of Japanese keyboards.
const dashes = "\u2212\u207b\u208b\u02d7\u2796\u2043\u23af\u2500\u2501\u30fc"

// countryCode reports whether the digits are the code of a country.
func countryCode(digits string) bool {
	n, err := strconv.Atoi(digits)
	return err == nil && len(digits) <= 3 && len(phonenumbers.GetRegionCodesForCountryCode(n)) > 0
}

// clean returns the digits of a text as ASCII, and whether a "+" comes first.
func clean(text string) (digits string, plus bool, reason Reason) {
	if len(text) > maxText || !utf8.ValidString(text) {
		return "", false, Garbled
	}
	var b strings.Builder
	slash, again := false, false
	for _, r := range width.Fold.String(text) {
		switch {
		case unicode.Is(unicode.Nd, r):
			b.WriteByte('0' + digit(r))
		case r == '+' && !plus && b.Len() == 0:
			plus = true
		case r == '+' && plus && !again && countryCode(b.String()): // between the country code and the number
			again = true
		case r == '/' && !slash && b.Len() <= maxArea:
			slash = true
		case unicode.IsSpace(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Pd, r), strings.ContainsRune("()[].·"+dashes, r):
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
