package session

import (
	"cmp"
	"math"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
)

var (
	// ErrInvalid: the token is malformed, unknown, of another realm or tenant, or of a session that
	// is over. The user has to sign in.
	ErrInvalid = errs.New(errs.Denied, "session: invalid or expired token; sign in again")
	// ErrUnknown: the subject has no session with that ID, or it was ended before.
	ErrUnknown = errs.New(errs.NotFound, "session: unknown session; list the sessions of the subject")
)

// A Subject is who signed in, as the service knows them: a member, a member of staff.
type Subject string

// An ID names a session among those of its subject, and gives no access. IDs grow in the order in
// which sessions begin, with gaps: an ID is the Seq of the journal's entry on the start.
type ID int64

// A Session is one sign-in of a subject.
type Session struct {
	Subject Subject   `json:"subject"`          // who signed in
	ID      ID        `json:"id"`               // names it among the sessions of the subject
	Way     string    `json:"way"`              // how the subject signed in: Start.Way
	Device  string    `json:"device,omitempty"` // where: Start.Device
	Started time.Time `json:"started"`          // when the subject signed in
	Seen    time.Time `json:"seen"`             // last use that was written, as Policy.Idle says
	Expires time.Time `json:"expires"`          // when it ends unless it is used before
}

// Start begins a session of a subject that has proved who it is.
type Start struct {
	Subject Subject `json:"subject"`          // who signed in
	Way     string  `json:"way"`              // how: "wechat.miniprogram", "sms"
	Device  string  `json:"device,omitempty"` // where, for people to tell sessions apart; no secrets
}

// Started is a session with its new token.
type Started struct {
	Token   string    `json:"-"`                 // what Check takes; shown this once
	Session Session   `json:"session"`           // what it is of
	Evicted []Session `json:"evicted,omitempty"` // sessions that gave way, the one idle longest first
}

// Revoke ends a session of a subject.
type Revoke struct {
	Subject Subject `json:"subject"`      // whose session it is
	ID      ID      `json:"id"`           // which one
	By      string  `json:"by,omitempty"` // who did it, for the journal; "": the subject
	Key     string  `json:"-"`            // idempotency key; required
}

// RevokeAll ends the sessions of a subject.
type RevokeAll struct {
	Subject Subject `json:"subject"`          // whose sessions they are
	Except  ID      `json:"except,omitempty"` // session that stays, such as that of the caller; 0: none
	By      string  `json:"by,omitempty"`     // who did it, for the journal; "": the subject
	Key     string  `json:"-"`                // idempotency key; required
}

// Revoked is the answer to a Revoke or a RevokeAll.
type Revoked struct {
	Sessions []Session `json:"sessions,omitempty"` // sessions that were ended, by ID
	Replayed bool      `json:"-"`                  // the key was used before, and this is the first answer
}

// JournalSubject returns the subject of the journal's entries on the sessions of a subject in a
// realm. None of them holds a token or its hash.
func JournalSubject(realm string, s Subject) string {
	return journal.Subject("session", realm, string(s))
}

func (c Start) check() error {
	return cmp.Or(valid.ID("subject", c.Subject), valid.ID("way", c.Way), valid.Text("device", c.Device))
}

func (c Revoke) check() error {
	return cmp.Or(valid.ID("subject", c.Subject), valid.Between("id", int64(c.ID), 1, math.MaxInt64), valid.Text("by", c.By), valid.ID("key", c.Key))
}

func (c RevokeAll) check() error {
	return cmp.Or(valid.ID("subject", c.Subject), valid.Between("except", int64(c.Except), 0, math.MaxInt64), valid.Text("by", c.By), valid.ID("key", c.Key))
}
