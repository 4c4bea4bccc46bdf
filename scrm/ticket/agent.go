package ticket

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// A Take gives a ticket that is Pending or Assigned at a code to one of the code's agents.
type Take struct {
	Ticket ID       `json:"ticket"`       // ticket to take
	Code   ids.Code `json:"code"`         // of the agent
	By     string   `json:"by,omitempty"` // the agent
	Key    string   `json:"-"`            // idempotency key; required
}

// A HandBack returns a ticket from a code to those who assign by hand: it becomes Manual for
// HandedBack.
type HandBack struct {
	Ticket ID       `json:"ticket"`       // ticket to return
	Code   ids.Code `json:"code"`         // of the agent
	Note   string   `json:"note"`         // why
	By     string   `json:"by,omitempty"` // who did it, for the journal
	Key    string   `json:"-"`            // idempotency key; required
}

// A Finish ends an Assigned ticket that was handled.
type Finish struct {
	Ticket ID       `json:"ticket"`         // ticket that was handled
	Code   ids.Code `json:"code,omitempty"` // of the agent; "": an administrator finishes it
	Note   string   `json:"note,omitempty"` // for people
	By     string   `json:"by,omitempty"`   // who did it, for the journal
	Key    string   `json:"-"`              // idempotency key; required
}

// A Recall makes a ticket Manual whose target cannot handle it any more.
type Recall struct {
	Ticket ID     `json:"ticket"` // ticket to take back
	Target Target `json:"target"` // where the ticket is; at another one it stays there
	Reason Reason `json:"reason"` // CodeUnknown, CodeDisabled, CodeExpired, CodeDeleted, AccountGone or PoolUnknown
}

func (c Take) check() error {
	return cmp.Or(c.Ticket.check(), valid.ID("code", c.Code), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
}

func (c HandBack) check() error {
	err := cmp.Or(c.Ticket.check(), valid.ID("code", c.Code), valid.Text("note", c.Note), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
	if err == nil && c.Note == "" {
		err = &errs.InputError{Field: "note", Reason: "is missing: say why"}
	}
	return err
}

func (c Finish) check() error {
	return cmp.Or(c.Ticket.check(), valid.OptionalID("code", c.Code), valid.Text("note", c.Note), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
}

func (c Recall) check() error {
	err := cmp.Or(c.Ticket.check(), c.Target.check())
	if err == nil && !slices.Contains([]Reason{CodeUnknown, CodeDisabled, CodeExpired, CodeDeleted, AccountGone, PoolUnknown}, c.Reason) {
		err = &errs.InputError{Field: "reason", Reason: "is none of codeUnknown, codeDisabled, codeExpired, codeDeleted, accountGone and poolUnknown"}
	}
	return err
}

// open reports whether the ticket is at a target that is to handle it.
func (t Ticket) open() bool { return t.State == Pending || t.State == Assigned }

// of returns an error where the ticket is not open at the code: ErrNotYours, ErrState. An agent who
// asks for a ticket of another code is told what one who asks for none is.
func (t Ticket) of(code ids.Code) error {
	switch {
	case t.Version == 0 || t.Target.Code != code:
		return ErrNotYours
	case !t.open():
		return ErrState
	}
	return nil
}

// back reports whether the ticket was handed back after those templates had decided.
func (t Ticket) back(d Templates) bool {
	return t.State == Manual && t.Reason == HandedBack && t.Templates == d.ID && t.Decided == d.Version
}

// manual returns the ticket without a target.
func (t Ticket) manual(why Reason, note string, now time.Time) Ticket {
	t.State, t.Reason, t.Target, t.Note, t.Updated = Manual, why, Target{}, note, now
	t.Agent, t.Taken = "", time.Time{}
	return t
}

// Take decides on a Take. Errors: ErrNotYours, ErrState; ErrTaken where somebody took it before.
func (t Ticket) Take(c Take, now time.Time) (Ticket, error) {
	if err := t.of(c.Code); err != nil {
		return t, err
	}
	if !t.Taken.IsZero() {
		return t, ErrTaken
	}
	t.State, t.Reason, t.Agent, t.Taken, t.Updated = Assigned, "", c.By, now, now
	return t, nil
}

// HandBack decides on a HandBack. Errors: ErrNotYours, ErrState.
func (t Ticket) HandBack(c HandBack, now time.Time) (Ticket, error) {
	if err := t.of(c.Code); err != nil {
		return t, err
	}
	return t.manual(HandedBack, c.Note, now), nil
}

// Finish decides on a Finish. Errors: ErrNotYours, for an administrator ErrUnknownTicket; ErrState
// where the ticket is not Assigned.
func (t Ticket) Finish(c Finish, now time.Time) (Ticket, error) {
	err := t.known()
	if c.Code != "" {
		err = t.of(c.Code)
	}
	if err != nil {
		return t, err
	}
	if t.State != Assigned {
		return t, ErrState
	}
	t.State, t.Reason, t.Note, t.Updated = Done, "", c.Note, now
	return t, nil
}

// Recall decides on a Recall. Errors: ErrUnknownTicket; ErrState where the ticket is not open at
// that target.
func (t Ticket) Recall(c Recall, now time.Time) (Ticket, error) {
	if err := t.known(); err != nil {
		return t, err
	}
	if !t.open() || t.Target != c.Target {
		return t, ErrState
	}
	return t.manual(c.Reason, t.Note, now), nil
}

// Take gives a ticket to an agent of the code that it is at. Of several agents one takes it.
// Errors: those of Ticket.Take.
func (e *Engine) Take(ctx context.Context, c Take) (Outcome, error) {
	return e.onTicket(ctx, KindTake, c.check, c.Ticket, c.Key, c.By, c, func(t Ticket, now time.Time) (Ticket, error) { return t.Take(c, now) })
}

// HandBack returns a ticket from the code that it is at. Errors: those of Ticket.HandBack.
func (e *Engine) HandBack(ctx context.Context, c HandBack) (Outcome, error) {
	return e.onTicket(ctx, KindHandBack, c.check, c.Ticket, c.Key, c.By, c, func(t Ticket, now time.Time) (Ticket, error) { return t.HandBack(c, now) })
}

// Finish ends a ticket that was handled. Errors: those of Ticket.Finish.
func (e *Engine) Finish(ctx context.Context, c Finish) (Outcome, error) {
	return e.onTicket(ctx, KindFinish, c.check, c.Ticket, c.Key, c.By, c, func(t Ticket, now time.Time) (Ticket, error) { return t.Finish(c, now) })
}

// Recall makes a ticket Manual whose target cannot handle it any more. Errors: those of
// Ticket.Recall.
func (e *Engine) Recall(ctx context.Context, c Recall) (Outcome, error) {
	return e.onTicket(ctx, KindRecall, c.check, c.Ticket, "", "", c, func(t Ticket, now time.Time) (Ticket, error) { return t.Recall(c, now) })
}
