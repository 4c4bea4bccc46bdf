package desk

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/lead/routing"
	"github.com/scrmkit/scrmkit/scrm/ticket"
	"github.com/scrmkit/scrmkit/storage"
)

// A TargetError reports a target that cannot handle tickets: its code or pool is unknown or not in
// use, or no port of the code has its account.
type TargetError struct {
	Target ticket.Target // where the ticket was to go
	Reason ticket.Reason // why it can't
}

// Error implements error.
func (e *TargetError) Error() string {
	return fmt.Sprintf("desk: the ticket cannot go to %s: %s", e.Target, map[ticket.Reason]string{
		ticket.CodeUnknown: "there is no such code; name another", ticket.CodeDisabled: "the code is disabled; have it enabled",
		ticket.CodeExpired: "the code has expired; have its expiry moved", ticket.CodeDeleted: "the code is deleted; name another",
		ticket.AccountGone: "no port of the code has the account, or it is banned; link it first",
		ticket.PoolUnknown: "there is no such line; put it first",
	}[e.Reason])
}

// Is reports whether target is errs.Conflict.
func (e *TargetError) Is(target error) bool { return target == errs.Conflict }

// unusable returns why a target cannot handle tickets; "": it can. An account is gone where no port
// has it, it is banned, or it is at another code. One that is named without a code is not looked
// for: the embedder has it.
func (d *Desk) unusable(ctx context.Context, tx storage.Tx, t ticket.Target) (ticket.Reason, error) {
	if t.Pool != "" && t.Code == "" {
		_, err := d.p.Lines.In(tx).Line(ctx, t.Pool)
		if errors.Is(err, routing.ErrUnknownLine) {
			return ticket.PoolUnknown, nil
		}
		return "", err
	}
	if t.Code == "" {
		return "", nil
	}
	code := t.Code
	state, err := d.p.Codes.In(tx).State(ctx, code)
	if errors.Is(err, activation.ErrUnknownCode) {
		return ticket.CodeUnknown, nil
	}
	if err != nil {
		return "", err
	}
	switch state {
	case activation.Disabled:
		return ticket.CodeDisabled, nil
	case activation.Expired:
		return ticket.CodeExpired, nil
	case activation.Deleted:
		return ticket.CodeDeleted, nil
	}
	if t.Account == "" {
		return "", nil
	}
	for a, err := range d.p.Codes.In(tx).Agents(ctx, activation.PortQuery{Code: code, Accounts: []ids.Account{t.Account}}) {
		if err != nil {
			return "", err
		}
		if a.State != activation.Banned {
			return "", nil
		}
	}
	return ticket.AccountGone, nil
}

// Recall makes those tickets Manual that are Pending or Assigned at a code that is not in use any
// more, or at an account that is gone, each with the reason, and returns how many it was. It looks
// at each target once, and at the tickets of those alone that are gone. It may run anywhere, any
// number of times: run it after codes were disabled or deleted and, for those that expire, every
// minute or so.
func (d *Desk) Recall(ctx context.Context) (n int, err error) {
	ctx, call := d.unit.Begin(ctx, "desk.recall", "")
	defer call.End(&err)
	var failed []error
	for t, err := range d.p.Tickets.Targets(ctx) {
		if err == nil && t.Code == "" {
			continue
		}
		var why ticket.Reason
		if err == nil {
			err = d.unit.InSave(ctx, func(ctx context.Context, tx storage.Tx) (err error) {
				why, err = d.unusable(ctx, tx, t)
				return err
			})
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("desk: recall: %w", err))
			continue
		}
		if why == "" {
			continue
		}
		for _, state := range []ticket.State{ticket.Pending, ticket.Assigned} {
			k, err := d.recallAll(ctx, ticket.Query{Code: t.Code, Account: t.Account, State: state, Oldest: true})
			n += k
			if err != nil {
				failed = append(failed, err)
			}
		}
	}
	return n, errors.Join(failed...)
}

// recallAll recalls those tickets of the query whose targets cannot handle them.
func (d *Desk) recallAll(ctx context.Context, q ticket.Query) (n int, err error) {
	var failed []error
	for t, err := range d.p.Tickets.Tickets(ctx, q) {
		recalled := false
		if err == nil {
			err = d.unit.InSave(ctx, func(ctx context.Context, tx storage.Tx) (err error) {
				recalled, err = d.recall(ctx, tx, t.ID, t.Target)
				return err
			})
		}
		switch {
		case errors.Is(err, ticket.ErrState): // it has gone elsewhere
		case err != nil:
			failed = append(failed, fmt.Errorf("desk: recall %s: %w", t.ID, err))
		case recalled:
			n++
		}
	}
	return n, errors.Join(failed...)
}

// recall makes a ticket Manual that is at a target that cannot handle it.
func (d *Desk) recall(ctx context.Context, tx storage.Tx, id ticket.ID, at ticket.Target) (recalled bool, err error) {
	why, err := d.unusable(ctx, tx, at)
	if err != nil || why == "" {
		return false, err
	}
	_, err = d.p.Tickets.In(tx).Recall(ctx, ticket.Recall{Ticket: id, Target: at, Reason: why})
	return err == nil, err
}

// An Order is what an agent does with a ticket of the code that he is signed in with.
type Order struct {
	Token  string    // of the session
	Ticket ticket.ID // ticket at the code
	Note   string    // for the ticket
	Key    string    // idempotency key; required
}

// Mine yields the tickets that are at the code of a session, in one state or, with "", in all, the
// newest first. Errors: activation.ErrSignedOut, and those of ticket.Engine.Tickets.
func (d *Desk) Mine(ctx context.Context, token string, state ticket.State, limit int) iter.Seq2[ticket.Ticket, error] {
	return func(yield func(ticket.Ticket, error) bool) {
		access, err := d.p.Codes.Check(ctx, token)
		if err != nil {
			yield(ticket.Ticket{}, fmt.Errorf("desk: tickets of an agent: %w", err))
			return
		}
		d.p.Tickets.Tickets(ctx, ticket.Query{Code: access.Code.ID, State: state, Limit: limit})(yield)
	}
}

// Take gives a ticket that is at the code of a session to its agent. Of several who take it one
// gets it. Errors: activation.ErrSignedOut, *TargetError, and those of ticket.Engine.Take.
func (d *Desk) Take(ctx context.Context, c Order) (ticket.Outcome, error) {
	return d.order(ctx, "desk.take", "take", c, func(ctx context.Context, e *ticket.Engine, code ids.Code, by string) (ticket.Outcome, error) {
		return e.Take(ctx, ticket.Take{Ticket: c.Ticket, Code: code, By: by, Key: c.Key})
	})
}

// HandBack returns a ticket that is at the code of a session: it becomes Manual for
// ticket.HandedBack, with the note. Errors: activation.ErrSignedOut, *TargetError, and those of
// ticket.Engine.HandBack.
func (d *Desk) HandBack(ctx context.Context, c Order) (ticket.Outcome, error) {
	return d.order(ctx, "desk.handBack", "hand back", c, func(ctx context.Context, e *ticket.Engine, code ids.Code, by string) (ticket.Outcome, error) {
		return e.HandBack(ctx, ticket.HandBack{Ticket: c.Ticket, Code: code, Note: c.Note, By: by, Key: c.Key})
	})
}

// Finish ends a ticket that is at the code of a session and was handled. Errors:
// activation.ErrSignedOut, *TargetError, and those of ticket.Engine.Finish.
func (d *Desk) Finish(ctx context.Context, c Order) (ticket.Outcome, error) {
	return d.order(ctx, "desk.finish", "finish", c, func(ctx context.Context, e *ticket.Engine, code ids.Code, by string) (ticket.Outcome, error) {
		return e.Finish(ctx, ticket.Finish{Ticket: c.Ticket, Code: code, Note: c.Note, By: by, Key: c.Key})
	})
}

func (d *Desk) order(
	ctx context.Context, name, kind string, c Order,
	run func(ctx context.Context, e *ticket.Engine, code ids.Code, by string) (ticket.Outcome, error),
) (out ticket.Outcome, err error) {
	ctx, call := d.unit.Begin(ctx, name, c.Ticket.Subject())
	defer call.End(&err)
	if err := valid.Text("note", c.Note); err != nil {
		return out, fmt.Errorf("desk: %s: %w", kind, err)
	}
	err = d.unit.InSave(ctx, func(ctx context.Context, tx storage.Tx) error {
		call.Attempts++
		access, err := d.p.Codes.In(tx).Check(ctx, c.Token)
		if err != nil {
			return err
		}
		code := access.Code.ID
		why, err := d.unusable(ctx, tx, ticket.Target{Code: code})
		if err == nil && why != "" {
			err = &TargetError{ticket.Target{Code: code}, why}
		}
		if err == nil {
			out, err = run(ctx, d.p.Tickets.In(tx), code, access.ID().String())
		}
		return err
	})
	if err != nil {
		return ticket.Outcome{}, fmt.Errorf("desk: %s: %w", kind, err)
	}
	call.Replayed = out.Replayed
	return out, nil
}
