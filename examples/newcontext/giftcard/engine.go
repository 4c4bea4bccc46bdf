package giftcard

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Options configures an Engine. Nil and zero fields mean the documented defaults.
type Options struct {
	Now  func() time.Time // the clock; nil: time.Now
	Hook storage.Hook     // of traces and metrics; nil: none
}

// An Engine runs commands on cards. It is safe for concurrent use.
//
// A command that is repeated with its key changes nothing and returns its first outcome, and is
// journal.ErrKeyReused where it differs. Besides the errors that its comment lists, a command
// returns *errs.InputError, journal.ErrConflict where other changes came first twenty times in a
// row, and what the database said; after the last two it may be run again with its key.
type Engine struct {
	frame  engine.Frame
	runner *combine.Runner[op, *unit, Outcome]
}

// An Outcome is what a command came to.
type Outcome struct {
	Card     Card  `json:"card"`  // after it
	Moved    int64 `json:"moved"` // what it added to the balance, in minor units
	Replayed bool  `json:"-"`     // the command was done before
}

// New returns an engine on a store.
func New(s storage.Tx, opts *Options) *Engine {
	o := cmp.Or(opts, &Options{})
	return on(engine.New(s, o.Now, o.Hook))
}

func on(f engine.Frame) *Engine { return &Engine{f, combine.New(work{f.Store})} }

// In returns a copy that is bound to a unit of work, of any tenant of the database: what it does is
// committed or rolled back with tx.
func (e *Engine) In(tx storage.Tx) *Engine { return on(e.frame.In(tx)) }

// Issue makes a card. ErrIssued: there is one of that name.
func (e *Engine) Issue(ctx context.Context, c Issue) (Outcome, error) {
	return e.do(ctx, op{Command: c.Command, input: c, apply: c.apply, kind: "giftcard.issue", bad: cmp.Or(c.Amount.check(), valid.Time("ends", c.Ends))})
}

// Charge takes money off a card. Errors: ErrUnknownCard, ErrVoided, ErrExpired, ErrCurrency,
// *InsufficientError.
func (e *Engine) Charge(ctx context.Context, c Charge) (Outcome, error) {
	return e.do(ctx, op{Command: c.Command, input: c, apply: c.apply, kind: "giftcard.charge", of: c.Key, bad: c.Amount.check()})
}

// TopUp puts money on a card. Errors: ErrUnknownCard, ErrVoided, ErrExpired, ErrCurrency,
// ErrOverflow.
func (e *Engine) TopUp(ctx context.Context, c TopUp) (Outcome, error) {
	return e.do(ctx, op{Command: c.Command, input: c, apply: c.apply, kind: "giftcard.topup", bad: c.Amount.check()})
}

// Refund puts money back that a Charge took off. Errors: those of TopUp, ErrUnknownCharge,
// *InsufficientError.
func (e *Engine) Refund(ctx context.Context, c Refund) (Outcome, error) {
	return e.do(ctx, op{Command: c.Command, input: c, apply: c.apply, kind: "giftcard.refund", of: c.Of, bad: cmp.Or(valid.ID("of", c.Of), c.Amount.check())})
}

// Void ends a card, expired or not. Errors: ErrUnknownCard, ErrVoided.
func (e *Engine) Void(ctx context.Context, c Void) (Outcome, error) {
	return e.do(ctx, op{Command: c.Command, input: c, apply: c.apply, kind: "giftcard.void"})
}

// Card returns a card. ErrUnknownCard: there is none.
func (e *Engine) Card(ctx context.Context, id CardID) (Card, error) {
	r, err := row{Card: Card{ID: id}}, valid.ID("card", id)
	if err == nil {
		err = e.frame.Store.Load(ctx, []storage.Look{{Reads: []storage.Read{cards.Get(&r)}}})
	}
	if err == nil && r.Seq == 0 {
		err = ErrUnknownCard
	}
	if err != nil {
		return Card{}, fmt.Errorf("giftcard: card %s: %w", id, err)
	}
	return r.Card, nil
}

// Ending yields the cards with a balance that end before a time, in the order of their ends.
func (e *Engine) Ending(ctx context.Context, before time.Time) iter.Seq2[Card, error] {
	if err := valid.RequiredTime("before", before); err != nil {
		return engine.Failed[Card](fmt.Errorf("giftcard: ending: %w", err))
	}
	return func(yield func(Card, error) bool) {
		for r, err := range storage.List(ctx, e.frame.Store, byEnd, storage.Range{To: before}) {
			if !yield(r.Card, err) {
				return
			}
		}
	}
}

// An op is a command on its way to its card.
type op struct {
	Command
	kind  string // of its entry
	of    string // key of the payment that it is about; "": none
	bad   error  // what is wrong with it, besides the Command
	input any    // the command itself
	apply func(Card, payment, time.Time) (Card, payment, error)

	subject string
	now     time.Time
	hash    []byte
}

func (e *Engine) do(ctx context.Context, o op) (out Outcome, err error) {
	o.subject = journal.Subject("giftcard", string(o.Card))
	ctx, call := e.frame.Begin(ctx, o.kind, o.subject)
	defer call.End(&err)
	err = cmp.Or(valid.ID("card", o.Card), valid.OptionalID("by", o.By), valid.ID("key", o.Key), o.bad)
	if err == nil {
		o.now, o.hash = e.frame.Now(), journal.Hash(o.kind, o.input)
		out, err = engine.Together(ctx, e.frame, call, e.runner, o, false)
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", o.kind, err)
	}
	call.Replayed = out.Replayed
	return out, nil
}

// A unit is a card with what the commands at hand need and change of it.
type unit struct {
	row      row
	payments map[string]payment
	entries  []journal.Entry // that were stored before
	changed  map[string]bool // keys of payments
	written  []journal.Entry
}

// work is combine.Work for the commands of an engine.
type work struct{ storage.Store }

func (work) Subject(o op) string { return o.subject }

func (w work) Load(ctx context.Context, groups [][]op, _ bool) ([]*unit, error) {
	var units, owners []*unit
	var looks []storage.Look
	var paid []*payment
	for _, group := range groups {
		u, first := &unit{row: row{Card: Card{ID: group[0].Card}}, payments: map[string]payment{}, changed: map[string]bool{}}, len(looks)
		units = append(units, u)
		reads := []storage.Read{cards.Get(&u.row)} // the root first, so that an older one meets a conflict
		for _, o := range group {
			p := &payment{Card: o.Card, Key: o.of}
			if o.of != "" {
				reads = append(reads, payments.Get(p))
			}
			looks = append(looks, storage.Look{Subject: o.subject, Key: o.Key})
			owners, paid = append(owners, u), append(paid, p)
		}
		looks[first].Reads = reads
	}
	if err := w.Store.Load(ctx, looks); err != nil {
		return nil, err
	}
	for i, u := range owners {
		u.payments[paid[i].Key] = *paid[i]
		if looks[i].Entry != nil {
			u.entries = append(u.entries, *looks[i].Entry)
		}
	}
	return units, nil
}

// Stale asks what was refused again once the commands before it are stored: they may yet fail.
func (w work) Stale(u *unit) bool { return w.Dirty(u) }

func (work) Dirty(u *unit) bool { return len(u.written) > 0 }

func (work) Decide(_ context.Context, u *unit, o op) (out Outcome, err error) {
	if e := engine.Find(o.Key, u.entries, u.written); e != nil {
		err = e.Replay(o.hash, &out)
		out.Replayed = true
		return out, err
	}
	before := u.row.Card
	card, paid, err := o.apply(before, u.payments[o.of], o.now)
	if err != nil {
		return out, err
	}
	card.Seq++
	out = Outcome{Card: card, Moved: card.Balance.Minor - before.Balance.Minor}
	entry := journal.Entry{
		Subject: o.subject, Seq: card.Seq, Key: o.Key, Kind: o.kind, At: o.now, By: o.By, Input: o.hash, Result: journal.JSON(out),
	}
	if before.Seq > 0 {
		entry.Before = journal.JSON(before)
	}
	if o.of != "" {
		u.payments[o.of], u.changed[o.of] = paid, true
	}
	u.row.Card, u.written = card, append(u.written, entry)
	return out, nil
}

func (w work) Save(ctx context.Context, units []*unit) ([]error, error) {
	changes := make([]storage.Change, len(units))
	for i, u := range units {
		u.row.version++
		changes[i] = storage.Change{Rows: []storage.Row{cards.Save(&u.row)}, Entries: u.written}
		for key := range u.changed {
			p := u.payments[key]
			changes[i].Rows = append(changes[i].Rows, payments.Put(&p))
		}
	}
	return w.Store.Save(ctx, changes)
}
