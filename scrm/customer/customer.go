package customer

import (
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
)

// A Customer is who somebody is to the service.
type Customer struct {
	ID          ids.Member  `json:"id"`                   // the member in points, cards and rewards
	Created     time.Time   `json:"created"`              // when the customer first signed in, or was made
	Profile     Profile     `json:"profile"`              // what they tell of themselves
	Preferences Preferences `json:"preferences"`          // how they want to be addressed
	Identities  []Linked    `json:"identities,omitempty"` // with which they sign in, the oldest first
	Consents    []Consent   `json:"consents,omitempty"`   // the last words on each use: see May
	EraseBy     time.Time   `json:"eraseBy,omitzero"`     // until when they are to be erased; zero: nobody asked for it
	Erased      time.Time   `json:"erased,omitzero"`      // when they were; zero: they are there
	Version     int64       `json:"version"`              // number of the change that made it so
}

// Identity returns the identity of a platform and namespace that the customer has.
func (c Customer) Identity(p Platform, namespace string) (Linked, bool) {
	i := slices.IndexFunc(c.Identities, func(l Linked) bool { return l.Platform == p && l.Namespace == namespace })
	if i < 0 {
		return Linked{}, false
	}
	return c.Identities[i], true
}

// known reports ErrUnknown or ErrErased, or nil.
func (c Customer) known() error {
	switch {
	case c.Version == 0:
		return ErrUnknown
	case !c.Erased.IsZero():
		return ErrErased
	}
	return nil
}
