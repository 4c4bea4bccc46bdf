package notice

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/outbox"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// MaxContent is how many bytes Notice.Content may have.
const MaxContent = 4096

// A Kind is what a notice is about, by a name of the service's: "points.earned".
type Kind string

// A Notice is something that a member is told, once.
type Notice struct {
	Member  ids.Member      `json:"member"`        // who is told
	Key     string          `json:"key"`           // names it within the member; required
	Kind    Kind            `json:"kind"`          // what it is about; required
	Content json.RawMessage `json:"content"`       // what its Sender needs to tell it: JSON of at most MaxContent bytes
	From    time.Time       `json:"from,omitzero"` // it is not told before; zero: at once
	Until   time.Time       `json:"until"`         // it is told before that time or never; required
}

func (n Notice) check() error {
	err := cmp.Or(
		valid.ID("member", n.Member), valid.ID("key", n.Key), valid.ID("kind", n.Kind),
		valid.Time("from", n.From), valid.RequiredTime("until", n.Until),
	)
	switch {
	case err != nil:
		return err
	case !n.From.Before(n.Until):
		return &errs.InputError{Field: "until", Reason: "is not after from"}
	case len(n.Content) > MaxContent:
		return &errs.InputError{Field: "content", Reason: "is too long"}
	case !json.Valid(n.Content):
		return &errs.InputError{Field: "content", Reason: "is not JSON"}
	}
	return nil
}

// A State is what has become of a notice.
type State string

const (
	Pending  State = "pending"  // not told yet
	Sent     State = "sent"     // handed over
	Rejected State = "rejected" // not told: the member does not want it, or can't be reached so
	Expired  State = "expired"  // not told in time
	Unknown  State = "unknown"  // handed over or not: the Sender could not tell
)

// A Status is a notice with what has become of it.
type Status struct {
	Notice
	State   State     `json:"state"`            // what has become of it
	Due     time.Time `json:"due,omitzero"`     // when it is looked at next; zero: no more
	Tries   int       `json:"tries,omitempty"`  // how often it was handed to a Sender
	Changed time.Time `json:"changed"`          // when it became so
	ID      string    `json:"id,omitempty"`     // that the platform has of it; "": none
	Reason  string    `json:"reason,omitempty"` // why it was not told at the last try
	version int64
}

// posted returns a notice as it is put into the outbox.
func posted(n Notice, now time.Time) Status {
	n.From, n.Until = journal.Instant(n.From), journal.Instant(n.Until)
	due := now
	if n.From.After(now) {
		due = n.From
	}
	return Status{Notice: n, State: Pending, Due: due, Changed: now, version: 1}
}

// to returns the notice in a state that does not change any more.
func (s Status) to(state State, now time.Time) Status {
	s.State, s.Due, s.Changed = state, time.Time{}, now
	return s
}

// lease returns a notice that is due as it is while a worker has it.
func (s Status) lease(now time.Time) Status {
	if !now.Before(s.Until) {
		return s.to(Expired, now)
	}
	s.Tries, s.Due, s.Changed = s.Tries+1, now.Add(Lease), now
	return s
}

// settle returns the notice after the try with that number came to an outcome, and whether that
// changes it.
func (s Status) settle(try int, o outbox.Outcome, now time.Time) (Status, bool) {
	if s.State != Pending || s.Tries != try {
		return s, false
	}
	s.ID, s.Reason = o.ID, o.Reason
	switch o.Verdict {
	case outbox.Sent:
		return s.to(Sent, now), true
	case outbox.Rejected:
		return s.to(Rejected, now), true
	case outbox.Unknown:
		return s.to(Unknown, now), true
	}
	s.Due, s.Changed = now.Add(max(o.Wait, backoff(s.Tries))), now
	if !s.Due.Before(s.Until) {
		return s.to(Expired, now), true
	}
	return s, true
}

// backoff returns how long to wait after so many tries: half a minute, one, two and so on, an hour
// at most.
func backoff(tries int) time.Duration { return min(15*time.Second<<min(tries, 8), time.Hour) }
