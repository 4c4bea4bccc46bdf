package lead

import (
	"cmp"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// An Owner (主账号) has jobs, and consents to their being compared with those of others (关联账号). Two
// owners are linked while both consent.
type Owner struct {
	ID       OwnerID   `json:"id"`                 // unique in the tenant
	Version  int64     `json:"version"`            // number of the change that made it so
	Seq      int64     `json:"seq"`                // entries of the journal
	Consents []Consent `json:"consents,omitempty"` // to being compared with others
}

// A Consent of an owner's is for the events in [From, To).
type Consent struct {
	With OwnerID   `json:"with"`        // the other owner
	From time.Time `json:"from"`        // when it begins
	To   time.Time `json:"to,omitzero"` // zero: without end
}

// A Link is an owner's consent to being compared with another one, for the events from Notice after
// now on. They are linked once the other one consents as well.
type Link struct {
	Owner OwnerID `json:"owner"`        // who consents
	With  OwnerID `json:"with"`         // the other owner
	By    string  `json:"by,omitempty"` // who did it, for the journal
	Key   string  `json:"-"`            // idempotency key; required
}

// An Unlink ends an owner's consent, for the events from Notice after now on.
type Unlink struct {
	Owner OwnerID `json:"owner"`        // whose consent ends
	With  OwnerID `json:"with"`         // the other owner
	By    string  `json:"by,omitempty"` // who did it, for the journal
	Key   string  `json:"-"`            // idempotency key; required
}

// maxConsents is how many times an owner may consent.
const maxConsents = 1000

// consents reports whether the owner does at that time.
func (o Owner) consents(with OwnerID, at time.Time) bool {
	return slices.ContainsFunc(o.Consents, func(c Consent) bool {
		return c.With == with && !at.Before(c.From) && (c.To.IsZero() || at.Before(c.To))
	})
}

// Link decides on a Link. One that is there already is no error. Errors: *errs.InputError.
func (o Owner) Link(c Link, now time.Time) (Owner, error) {
	if err := c.check(); err != nil {
		return o, err
	}
	from := now.Add(Notice)
	next := o
	next.ID, next.Version = c.Owner, o.Version+1
	if o.consents(c.With, from) {
		return next, nil
	}
	if len(o.Consents) == maxConsents {
		return o, &errs.InputError{Field: "owner", Reason: "consented too often"}
	}
	next.Consents = append(slices.Clone(o.Consents), Consent{With: c.With, From: from})
	return next, nil
}

// Unlink decides on an Unlink. Where there is no consent that is no error. Errors:
// *errs.InputError.
func (o Owner) Unlink(c Unlink, now time.Time) (Owner, error) {
	if err := c.check(); err != nil {
		return o, err
	}
	to := now.Add(Notice)
	next := o
	next.ID, next.Version, next.Consents = c.Owner, o.Version+1, slices.Clone(o.Consents)
	for i := range next.Consents {
		if k := &next.Consents[i]; k.With == c.With && (k.To.IsZero() || k.To.After(to)) {
			k.To = latest(to, k.From)
		}
	}
	return next, nil
}

func (c Link) check() error {
	err := cmp.Or(valid.ID("owner", c.Owner), valid.ID("with", c.With), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
	if err == nil && c.Owner == c.With {
		err = &errs.InputError{Field: "with", Reason: "is the same owner"}
	}
	return err
}

func (c Unlink) check() error { return Link(c).check() }

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
