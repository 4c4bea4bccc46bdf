package valid

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/errs"
)

// A Checker collects the mistakes of a definition.
type Checker struct{ mistakes []errs.Mistake }

// Err returns an *errs.DefinitionError where there are mistakes.
func (c *Checker) Err() error {
	if len(c.mistakes) == 0 {
		return nil
	}
	return &errs.DefinitionError{Mistakes: c.mistakes}
}

// Add notes a mistake.
func (c *Checker) Add(path, reason string) {
	c.mistakes = append(c.mistakes, errs.Mistake{Path: path, Reason: reason})
}

// Field notes what an *errs.InputError says, at its field.
func (c *Checker) Field(err error) { c.At("", err) }

// At notes what an *errs.InputError says, at its field below the path.
func (c *Checker) At(path string, err error) {
	var e *errs.InputError
	if errors.As(err, &e) {
		c.Add(path+e.Field, e.Reason)
	}
}

// Between accepts from <= n <= to.
func (c *Checker) Between(path string, n, from, to int64) { c.Field(Between(path, n, from, to)) }

// Window accepts times with from before to, where both are given.
func (c *Checker) Window(path string, from, to time.Time) {
	c.Field(Time(path+"from", from))
	c.Field(Time(path+"to", to))
	if !from.IsZero() && !to.IsZero() && !from.Before(to) {
		c.Add(path+"to", "is not after from")
	}
}

// OneOf accepts one of the values.
func (c *Checker) OneOf(path, value string, values ...string) {
	if !slices.Contains(values, value) {
		c.Add(path, "is none of "+strings.Join(values, ", "))
	}
}

// Zone returns the time zone of that IANA name, and notes a mistake where this machine has none.
func (c *Checker) Zone(path, name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if name == "" || name == "Local" || err != nil {
		c.Add(path, "is no IANA time zone of this machine")
	}
	return zone
}

// Currency accepts the form of ISO 4217: three capital letters.
func Currency(field, code string) error {
	if len(code) != 3 || strings.ContainsFunc(code, func(r rune) bool { return r < 'A' || r > 'Z' }) {
		return &errs.InputError{Field: field, Reason: "is not an ISO 4217 code like CNY"}
	}
	return nil
}

// Parse reads a D from JSON. *errs.InputError: it is no JSON of one, or has a field that a D does not know.
func Parse[D any](field string, text []byte) (D, error) {
	var d, none D
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return none, &errs.InputError{Field: field, Reason: "can't be read: " + err.Error()}
	}
	if _, err := dec.Token(); err != io.EOF {
		return none, &errs.InputError{Field: field, Reason: "is followed by something else"}
	}
	return d, nil
}
