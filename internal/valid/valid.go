// Package valid holds the checks that every command passes before anything is loaded: what they let
// through, each database stores as it is.
package valid

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/scrmkit/scrmkit/errs"
)

// The longest texts, in bytes.
const (
	MaxID   = 128
	MaxText = 1024
)

func fail(field, reason string) error { return &errs.InputError{Field: field, Reason: reason} }

// ID accepts 1 to MaxID bytes of printable UTF-8 without spaces.
func ID[S ~string](field string, id S) error {
	switch {
	case id == "":
		return fail(field, "is missing")
	case len(id) > MaxID:
		return fail(field, fmt.Sprintf("is longer than %d bytes", MaxID))
	case plain(string(id)):
		return nil
	case !utf8.ValidString(string(id)):
		return fail(field, "is not UTF-8")
	case strings.ContainsFunc(string(id), func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }):
		return fail(field, "has a space or a control character")
	}
	return nil
}

// plain reports whether all of the text is printable ASCII without spaces.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// OptionalID accepts what ID accepts, and nothing.
func OptionalID[S ~string](field string, id S) error {
	if id == "" {
		return nil
	}
	return ID(field, id)
}

// Text accepts up to MaxText bytes of UTF-8 without control characters.
func Text(field, text string) error {
	switch {
	case len(text) > MaxText:
		return fail(field, fmt.Sprintf("is longer than %d bytes", MaxText))
	case !utf8.ValidString(text):
		return fail(field, "is not UTF-8")
	case strings.ContainsFunc(text, unicode.IsControl):
		return fail(field, "has a control character")
	}
	return nil
}

// Between accepts from <= n <= to.
func Between(field string, n, from, to int64) error {
	switch {
	case from <= n && n <= to:
		return nil
	case to == math.MaxInt64:
		return fail(field, fmt.Sprintf("is less than %d", from))
	}
	return fail(field, fmt.Sprintf("is not between %d and %d", from, to))
}

// RequiredTime accepts what Time accepts but for the zero time.
func RequiredTime(field string, t time.Time) error {
	if t.IsZero() {
		return fail(field, "is missing")
	}
	return Time(field, t)
}

// Time accepts the years 1970 to 9999 of UTC, in a zone less than 24 hours from it where the year
// has four digits too, and the zero time in such a zone.
func Time(field string, t time.Time) error {
	// A time of other years, or with another offset, has no RFC 3339 text and so no JSON.
	if _, offset := t.Zone(); offset <= -24*60*60 || offset >= 24*60*60 {
		return fail(field, "has a zone of 24 hours or more from UTC")
	}
	if t.IsZero() {
		return nil
	}
	if utc := t.UTC().Year(); utc < 1970 || max(utc, t.Year()) > 9999 {
		return fail(field, "is not in the years 1970 to 9999 of UTC")
	}
	return nil
}

// Past returns a time as it is stored, UTC in microseconds, or now for the zero time. It accepts none
// after now.
func Past(field string, t, now time.Time) (time.Time, error) {
	if t = t.UTC().Truncate(time.Microsecond); t.After(now) {
		return t, fail(field, "is in the future")
	}
	if t.IsZero() {
		return now, nil
	}
	return t, nil
}
