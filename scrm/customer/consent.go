package customer

import (
	"cmp"
	"encoding/hex"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// A ConsentKind is how a consent was asked for.
type ConsentKind string

const (
	Plain    ConsentKind = "plain"    // with others, by one text
	Separate ConsentKind = "separate" // by itself (单独同意), as articles 23, 25, 29 and 39 of the PIPL want it
	Guardian ConsentKind = "guardian" // of the parent or guardian of a child under AdultAge
	Guidance ConsentKind = "guidance" // to a platform's privacy guidance (隐私保护指引): as the front end tells, not proven
)

// AdultAge is from when on nobody else consents for a customer: article 31 of the PIPL.
const AdultAge = 14

// A Consent is what a customer said at one time to one use of their data: yes, or no again.
// Consents are kept for good, in the order in which they came.
type Consent struct {
	Purpose string      `json:"purpose"`           // for what, by a name of the service's: "marketing"
	Channel string      `json:"channel,omitempty"` // by which way; "": by every
	Kind    ConsentKind `json:"kind"`              // how it was asked for
	Given   bool        `json:"given"`             // false: withdrawn, or refused
	Version string      `json:"version"`           // of the text that was shown
	Hash    string      `json:"hash,omitempty"`    // SHA-256 of the text, in hexadecimal
	Way     string      `json:"way"`               // how it was said: "miniprogram", "paper"
	Time    time.Time   `json:"time"`              // when it was said; what is ahead of the clock counts as now
	By      string      `json:"by,omitempty"`      // who noted it: RecordConsent.By
}

// check refuses what can't be a consent.
func (c Consent) check() error {
	err := cmp.Or(valid.ID("consent.purpose", c.Purpose), valid.OptionalID("consent.channel", c.Channel), valid.ID("consent.version", c.Version),
		valid.ID("consent.way", c.Way), valid.RequiredTime("consent.time", c.Time))
	if err != nil {
		return err
	}
	if !slices.Contains([]ConsentKind{Plain, Separate, Guardian, Guidance}, c.Kind) {
		return &errs.InputError{Field: "consent.kind", Reason: "is none of plain, separate, guardian and guidance"}
	}
	if sum, err := hex.DecodeString(c.Hash); err != nil || c.Hash != "" && len(sum) != 32 {
		return &errs.InputError{Field: "consent.hash", Reason: "is no SHA-256 in hexadecimal"}
	}
	return nil
}

// over reports whether the consent is a later word than o; at the same time, a no is.
func (c Consent) over(o Consent) bool {
	if n := c.Time.Compare(o.Time); n != 0 {
		return n > 0
	}
	return !c.Given || o.Given
}

// heard returns the last words on each use and kind, after one more.
func heard(all []Consent, c Consent) []Consent {
	i := slices.IndexFunc(all, func(o Consent) bool { return o.Purpose == c.Purpose && o.Channel == c.Channel && o.Kind == c.Kind })
	switch {
	case i < 0:
		return append(slices.Clip(all), c)
	case c.over(all[i]):
		all = slices.Clone(all)
		all[i] = c
	}
	return all
}

// A Use is what a service wants to do with data of a customer.
type Use struct {
	Purpose  string // for what
	Channel  string // by which way; "": by none in particular
	Separate bool   // it needs a consent of its own kind: Separate
}

// agreed reports whether the last word on a use, of consents of a kind, is yes. A word on every
// channel counts for each.
func agreed(all []Consent, u Use, kind ConsentKind) bool {
	var last *Consent
	for i, c := range all {
		if c.Purpose == u.Purpose && c.Kind == kind && (c.Channel == "" || c.Channel == u.Channel) && (last == nil || c.over(*last)) {
			last = &all[i]
		}
	}
	return last != nil && last.Given
}

// Errors of uses.
var (
	ErrNoConsent = errs.New(errs.Denied, "customer: the customer has not agreed to that")
	ErrMinor     = errs.New(errs.Denied, "customer: the customer is a child, and no guardian has agreed to that")
)

// May reports why data of the customer may not be used so at now, whose zone says which day it is:
// ErrErased, also from when the customer wants to be erased; ErrNoConsent where the last word on it
// is not yes; ErrMinor where the customer is under AdultAge and the last word of a guardian on it
// is not yes either. Nil: it may. Who has told no year of birth counts as an adult.
func (c Customer) May(u Use, now time.Time) error {
	kind := Plain
	if u.Separate {
		kind = Separate
	}
	if !c.Erased.IsZero() || !c.EraseBy.IsZero() {
		return ErrErased
	}
	if !agreed(c.Consents, u, kind) {
		return ErrNoConsent
	}
	if years, ok := c.Profile.Birthday.Age(now); ok && years < AdultAge && !agreed(c.Consents, u, Guardian) {
		return ErrMinor
	}
	return nil
}
