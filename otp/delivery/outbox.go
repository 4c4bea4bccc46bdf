package delivery

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/scrm/message"
)

const (
	// SendTimeout is how long a message.Sender may take for one message.
	SendTimeout = 30 * time.Second
	// Lease is how long a message may be under way. What came of one that is under way for longer
	// is StateUnknown.
	Lease = 2 * time.Minute
)

// A State is what has become of a message.
type State string

const (
	StatePending     State = "pending"     // not sent yet, or to be tried again
	StateSending     State = "sending"     // being handed over
	StateSent        State = "sent"        // handed over
	StateUnknown     State = "unknown"     // handed over or not: it was not told in time; it is not sent again
	StateRejected    State = "rejected"    // not sent, for the address or the message
	StateDropped     State = "dropped"     // not sent, for its code was no good any more
	StateDelivered   State = "delivered"   // received, by a receipt
	StateUndelivered State = "undelivered" // not received, by a receipt
	StateSilent      State = "silent"      // never sent: see Send.Silent
)

// A note is a message in the outbox.
type note struct {
	Ref       string
	Version   int64 // number of the change that made it so
	State     State
	Due       time.Time // when it is to be looked at; zero: no more
	Tries     int       // how often it was begun to hand it over
	Recipient []byte    // hash of the address
	Channel   message.Channel
	Purpose   Purpose
	Template  string
	Language  string
	Made      time.Time // when the code was made
	Expires   time.Time // the code is good before it
	Changed   time.Time // when State became what it is
	ID        string    // that the sender's vendor has of it
	Reason    string    // why it was not sent at the last try
	KeyID     string    // id of the key that Sealed is made with
	Sealed    []byte    // address and code; empty once they are of no use
}

// to returns the message in another state, without its contents where it is not to be sent any
// more.
func (n note) to(s State, due, now time.Time) note {
	n.State, n.Due, n.Changed = s, due, now
	if s != StatePending && s != StateSending {
		n.Sealed = nil
	}
	return n
}

// lease returns the message as it is while it is being handed over.
func (n note) lease(now time.Time) note {
	n.Tries++
	return n.to(StateSending, now.Add(Lease), now)
}

// An outcome is what came of handing a message over.
type outcome struct {
	state  State         // Sent, StateRejected or StateUnknown; StatePending: it may be tried again
	id     string        // that the vendor has of it
	reason string        // why it was not sent
	wait   time.Duration // of StatePending: how long at least
	fault  error         // that whoever runs the service is to hear of
}

// outcomeOf returns what a Sender's answer means. Nothing of it holds one of the secrets, whatever
// the sender wrote.
func outcomeOf(id string, err error, secrets ...string) outcome {
	clean := func(text string) string {
		holds := func(secret string) bool { return strings.Contains(strings.ToLower(text), secret) }
		if slices.ContainsFunc(secrets, holds) || valid.OptionalID("", text) != nil {
			return ""
		}
		return text
	}
	if err == nil {
		return outcome{state: StateSent, id: clean(id)}
	}
	kind := kindOf(err)
	told, o := kind, outcome{}
	if e, ok := errors.AsType[*message.Error](err); ok {
		told, o.wait = &message.Error{Vendor: clean(e.Vendor), Code: clean(e.Code), RetryAfter: e.RetryAfter, Kind: kind}, e.RetryAfter
	}
	switch o.reason = told.Error(); kind {
	case message.ErrUnknown:
		o.state = StateUnknown
	case message.ErrThrottled:
		o.state = StatePending
	case message.ErrRefused, message.ErrAddress, errInput:
		o.state = StateRejected
	default:
		o.state, o.fault = StatePending, told
	}
	return o
}

// errInput is the kind of an *errs.InputError, without what it says.
var errInput = errors.New("the sender refuses the message as invalid")

// kindOf returns the kind of a Sender's error. Where it has several or none, it is open whether the
// message was sent.
func kindOf(err error) (kind error) {
	if _, ok := errors.AsType[*errs.InputError](err); ok {
		kind = errInput
	}
	for _, k := range []error{
		message.ErrUnknown, message.ErrThrottled, message.ErrRefused, message.ErrAddress, message.ErrSettings, message.ErrBalance, message.ErrUnavailable,
	} {
		if !errors.Is(err, k) {
			continue
		}
		if kind != nil {
			return message.ErrUnknown
		}
		kind = k
	}
	return cmp.Or(kind, message.ErrUnknown)
}

// settle returns the message after the try with that number came to an outcome, and whether that
// changes it. What a receipt told counts for more, and a message whose lease ran out is not tried
// again.
func (n note) settle(try int, o outcome, now time.Time) (note, bool) {
	if n.Tries != try || n.State != StateSending && (n.State != StateUnknown || o.state == StatePending || o.state == StateUnknown) {
		return n, false
	}
	n.ID, n.Reason = o.id, o.reason
	if o.state != StatePending {
		return n.to(o.state, time.Time{}, now), true
	}
	due := now.Add(max(o.wait, backoff(n.Tries)))
	if !due.Before(n.Expires) {
		return n.to(StateDropped, time.Time{}, now), true
	}
	return n.to(StatePending, due, now), true
}

// backoff returns how long to wait after so many tries: 2, 4, 8 seconds and so on, a minute at
// most.
func backoff(tries int) time.Duration { return min(time.Second<<min(tries, 6), time.Minute) }

// receive returns the message after a receipt, and whether that changes it. Of contrary receipts
// the one that says delivered counts.
func (n note) receive(delivered bool, now time.Time) (note, bool) {
	switch {
	case n.State == StateDelivered || n.State == StateSilent:
	case delivered:
		return n.to(StateDelivered, time.Time{}, now), true
	case n.State == StateSending || n.State == StateSent || n.State == StateUnknown:
		return n.to(StateUndelivered, time.Time{}, now), true
	}
	return n, false
}
