package authenticator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A command is one that an engine runs on a subject.
type command struct {
	name    journal.Kind[Result]
	subject Subject
	by, key string
	input   any
	others  []any
	invalid error // what is wrong with its own fields
	uses    []use // secrets that it reads
	// apply decides and changes the subject, and returns why a code is refused; "": it is not.
	apply func(h *holder, now time.Time) (refused string, err error)
}

// do runs a command. ErrInvalidCode: its code is refused, and that is stored.
func (e *Engine) do(ctx context.Context, c command) (Outcome, error) {
	a, replayed, err := e.holders.Do(ctx, engine.On[holder, Result]{
		Command: engine.Command{
			Name: string(c.name), Subject: subjectOf(c.subject), Key: c.key, By: c.by, Input: c.input, Others: c.others,
			Check: func() error {
				return cmp.Or(valid.ID("subject", c.subject), valid.Text("by", c.by), valid.ID("key", c.key), c.invalid)
			},
		},
		New:   func() holder { return newHolder(c.subject) },
		Reads: func(h *holder) []storage.Read { return h.reads(c.uses...)[1:] },
		Do: func(h *holder, now time.Time) (Result, error) {
			refused, err := c.apply(h, now)
			if err != nil {
				return Result{}, err
			}
			h.Seq++
			return Result{Outcome{At: now, Status: h.Status}, refused}, nil
		},
	})
	if err == nil && a.Refused != "" {
		err = fmt.Errorf("%s: %w", c.name, ErrInvalidCode)
	}
	if err != nil {
		return Outcome{}, err
	}
	a.Outcome.Replayed = replayed
	return a.Outcome, nil
}

// code runs a command with a code. A key that was used before with another code would give guesses
// at that one away uncounted, so such a command is an attempt of its own. ErrInvalidCode: the code
// is refused, or was accepted for that key RepeatWithin ago or earlier.
func (e *Engine) code(ctx context.Context, c command, code string) (Outcome, error) {
	inputs := e.keys.inputs(e.frame.Tenant(), c.subject, code)
	c.input, c.others = inputs[0], inputs[1:]
	out, err := e.do(ctx, c)
	if errors.Is(err, journal.ErrKeyReused) {
		c.key = journal.DerivedKey("reused", c.key, c.name, c.input)
		out, err = e.do(ctx, c)
	}
	if err == nil && out.Replayed && e.frame.Now().Sub(out.At) >= RepeatWithin {
		return Outcome{}, fmt.Errorf("%s: %w", c.name, ErrInvalidCode)
	}
	return out, err
}

// unbound returns an error of an engine that is bound to a unit of work.
func (e *Engine) unbound() error {
	if e.frame.Bound {
		return errors.New("a code is checked outside of the transaction, whose rollback would forgive a wrong one")
	}
	return nil
}

func subjectOf(s Subject) string { return journal.Subject("authenticator", string(s)) }
