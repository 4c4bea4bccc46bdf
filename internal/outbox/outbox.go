// Package outbox hands over what waits in a table: the loop of the workers that share one, and what
// the answer of a sender means.
package outbox

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/scrm/message"
)

// Look is how many messages Box.Due gives at most.
const Look = 16

// A Box is an outbox with messages M.
type Box[M any] struct {
	// Due returns messages that were due at start and still are.
	Due func(ctx context.Context, start time.Time) ([]M, error)
	// Take leases a message to the caller, so that it is due no more until the lease ends. False:
	// it is not to be sent, which is stored, or another worker has it.
	Take func(ctx context.Context, m M) (M, bool, error)
	// Send hands a message over that was taken.
	Send func(ctx context.Context, m M) Outcome
	// Settle stores what came of it.
	Settle func(ctx context.Context, m M, o Outcome) error
}

// Deliver hands over what was due at start, one message after the other, and returns how many were
// handed over. It ends once nothing is due that was at start; or where ctx ends, with the message
// that is under way. The error is the database's or that of ctx; or it joins the faults of
// outcomes, each once.
func (b Box[M]) Deliver(ctx context.Context, start time.Time) (n int, err error) {
	// A message that is under way when the caller gives up would be one of which nothing is known.
	whole := context.WithoutCancel(ctx)
	faults := map[string]error{}
	for {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		due, err := b.Due(ctx, start)
		if err != nil {
			return n, err
		}
		if len(due) == 0 {
			break
		}
		// Workers that look at once begin in different places, so that they seldom take the same.
		rand.Shuffle(len(due), func(i, k int) { due[i], due[k] = due[k], due[i] })
		for _, m := range due {
			m, taken, err := b.Take(ctx, m)
			if err != nil {
				return n, err
			}
			if !taken {
				continue
			}
			o := b.Send(whole, m)
			if o.Fault != nil {
				faults[o.Fault.Error()] = o.Fault
			}
			if o.Verdict == Sent {
				n++
			}
			if err := b.Settle(whole, m, o); err != nil {
				return n, err
			}
			if ctx.Err() != nil {
				break
			}
		}
	}
	var all []error
	for _, text := range slices.Sorted(maps.Keys(faults)) {
		all = append(all, faults[text])
	}
	return n, errors.Join(all...)
}

// A Verdict is what is to become of a message.
type Verdict int

const (
	Again    Verdict = iota // it is not sent, and may be tried again
	Sent                    // it is handed over
	Rejected                // it is not sent, and never will be
	Unknown                 // handed over or not: it is not to be tried again
)

// An Outcome is what came of handing a message over.
type Outcome struct {
	Verdict Verdict
	ID      string        // that the vendor has of it
	Reason  string        // why it was not sent
	Wait    time.Duration // of Again: how long at least
	Fault   error         // that whoever runs the service is to hear of
}

// OutcomeOf returns what the answer of a sender, as message.Sender has it, means. Nothing of it
// holds one of the secrets, which are in lower case, whatever the sender wrote.
func OutcomeOf(id string, err error, secrets ...string) Outcome {
	clean := func(text string) string {
		holds := func(secret string) bool { return strings.Contains(strings.ToLower(text), secret) }
		if slices.ContainsFunc(secrets, holds) || valid.OptionalID("", text) != nil {
			return ""
		}
		return text
	}
	kind := message.KindOf(err)
	if kind == nil {
		return Outcome{Verdict: Sent, ID: clean(id)}
	}
	told, o := kind, Outcome{}
	if e, ok := errors.AsType[*message.Error](err); ok {
		told, o.Wait = &message.Error{Vendor: clean(e.Vendor), Code: clean(e.Code), RetryAfter: e.RetryAfter, Kind: kind}, e.RetryAfter
	}
	switch o.Reason = told.Error(); kind {
	case message.ErrUnknown:
		o.Verdict = Unknown
	case message.ErrThrottled, message.ErrLater:
	case message.ErrRefused, message.ErrAddress, message.ErrInvalid:
		o.Verdict = Rejected
	default:
		o.Fault = told
	}
	return o
}
