package customer

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// A SignIn is somebody who has just proven an identity.
type SignIn struct {
	Identity Identity   // that was proven
	Also     []Identity // that were told with it by the same authority, such as the unionid; at most 4
	Way      string     // how it was proven: "wechat", "sms"
	Member   ids.Member // id that a new customer gets; "": one that is made
}

// A SignedIn is whose sign-in it was.
type SignedIn struct {
	Member ids.Member `json:"member"`           // the customer
	New    bool       `json:"new,omitempty"`    // who was made by it
	Linked int        `json:"linked,omitempty"` // how many identities were linked by it
	Clash  bool       `json:"clash,omitempty"`  // one of SignIn.Also belongs to another customer, and stays there
}

// A Link adds an identity that was proven to a customer.
type Link struct {
	Member   ids.Member // who has proven it
	Identity Identity   // that was proven
	Way      string     // how: "quick", "realtime", "sms"
	Replace  bool       // the customer's other identity of that platform and namespace is unlinked
	By       string     // who did it, for the journal
	Key      string     // idempotency key; required
}

// An Unlink takes an identity from a customer.
type Unlink struct {
	Member   ids.Member // who has it
	Identity Identity   // to take away
	By       string     // who did it, for the journal
	Key      string     // idempotency key; required
}

// A PutProfile stores a profile in the place of the one before.
type PutProfile struct {
	Member  ids.Member // whose it is
	Profile Profile    // all of it
	Version int64      // of the customer that was read; another one is stored: ErrChanged. 0: any
	By      string     // who did it, for the journal
	Key     string     // idempotency key; required
}

// A PutPreferences stores preferences in the place of those before.
type PutPreferences struct {
	Member      ids.Member  `json:"member"`       // whose they are
	Preferences Preferences `json:"preferences"`  // all of them
	By          string      `json:"by,omitempty"` // who did it, for the journal
	Key         string      `json:"-"`            // idempotency key; required
}

// A RecordConsent notes what a customer said to a use of their data. One that was said before what
// is known already is kept, and does not change what the last word is.
type RecordConsent struct {
	Member  ids.Member `json:"member"`       // who said it
	Consent Consent    `json:"consent"`      // without By
	By      string     `json:"by,omitempty"` // who noted it
	Key     string     `json:"-"`            // idempotency key; required
}

// A ScheduleErasure notes until when a customer who asked for it is to be erased.
type ScheduleErasure struct {
	Member ids.Member `json:"member"`       // who asked for it
	Due    time.Time  `json:"due,omitzero"` // until when; zero: they want to stay
	By     string     `json:"by,omitempty"` // who did it, for the journal
	Key    string     `json:"-"`            // idempotency key; required
}

// An Erase forgets a person: profile, preferences and identities. What the customer agreed to
// stays, as evidence of what was done by it, and so does the id, which names nobody any more.
type Erase struct {
	Member ids.Member `json:"member"`       // whom to forget
	By     string     `json:"by,omitempty"` // who did it, for the journal
	Key    string     `json:"-"`            // idempotency key; required
}

// An Outcome is what a command did.
type Outcome struct {
	Member   ids.Member `json:"member"`  // the customer
	Version  int64      `json:"version"` // of the customer after it
	Former   *Identity  `json:"-"`       // of Link: what the identity took the place of, so that its holder can be told; of Unlink: the identity
	Replayed bool       `json:"-"`       // the key was used before, and this is the first result
}

// ErrChanged: somebody changed the customer since it was read.
var ErrChanged = errs.New(errs.Conflict, "customer: the customer was changed since; read it again")

const maxAlso = 4

func (c SignIn) check() error {
	err := cmp.Or(c.Identity.check("identity"), valid.ID("way", c.Way), valid.OptionalID("member", c.Member))
	if err == nil && len(c.Also) > maxAlso {
		err = &errs.InputError{Field: "also", Reason: fmt.Sprintf("has more than %d identities", maxAlso)}
	}
	all := append([]Identity{c.Identity}, c.Also...)
	for i, o := range c.Also {
		field := fmt.Sprintf("also[%d]", i)
		err = cmp.Or(err, o.check(field))
		if err == nil && slices.ContainsFunc(all[:i+1], o.beside) {
			err = &errs.InputError{Field: field, Reason: "is of a kind that is there before"}
		}
	}
	return err
}

func (c Link) check() error {
	return cmp.Or(valid.ID("member", c.Member), c.Identity.check("identity"), valid.ID("way", c.Way), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
}

func (c Unlink) check() error {
	return cmp.Or(valid.ID("member", c.Member), c.Identity.check("identity"), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
}

func (c PutProfile) check() error {
	return cmp.Or(valid.ID("member", c.Member), c.Profile.check(), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
}

func (c PutPreferences) check() error {
	return cmp.Or(valid.ID("member", c.Member), c.Preferences.check(), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
}

func (c RecordConsent) check() error {
	err := cmp.Or(valid.ID("member", c.Member), c.Consent.check(), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
	if err == nil && c.Consent.By != "" {
		err = &errs.InputError{Field: "consent.by", Reason: "is given; it is that of the command"}
	}
	return err
}

func (c ScheduleErasure) check() error {
	return cmp.Or(valid.ID("member", c.Member), valid.Time("due", c.Due), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
}

func (c Erase) check() error {
	return cmp.Or(valid.ID("member", c.Member), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
}
