package delivery

import (
	"time"

	"github.com/scrmkit/scrmkit/internal/outbox"
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

// states are those of messages by what came of handing them over.
var states = map[outbox.Verdict]State{
	outbox.Again: StatePending, outbox.Sent: StateSent, outbox.Rejected: StateRejected, outbox.Unknown: StateUnknown,
}

// settle returns the message after the try with that number came to an outcome, and whether that
// changes it. What a receipt told counts for more, and a message whose lease ran out is not tried
// again.
func (n note) settle(try int, o outbox.Outcome, now time.Time) (note, bool) {
	known := o.Verdict == outbox.Sent || o.Verdict == outbox.Rejected
	if n.Tries != try || n.State != StateSending && !(n.State == StateUnknown && known) {
		return n, false
	}
	n.ID, n.Reason = o.ID, o.Reason
	if o.Verdict != outbox.Again {
		return n.to(states[o.Verdict], time.Time{}, now), true
	}
	due := now.Add(max(o.Wait, backoff(n.Tries)))
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
