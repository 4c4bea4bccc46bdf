package giftcard

import (
	"cmp"
	"context"
	"math"
	"time"

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
// journal.ErrKeyReused where it differs. Besides the errors that its comment lists, a command returns
// *errs.InputError, journal.ErrConflict where other changes came first twenty times in a row, and
// what the database said; after the last two it may be run again with its key.
type Engine struct {
	store storage.Store
	cards engine.Roots[ledger, Outcome]
}

// The kinds of the package's entries in the journal. Their subject is "giftcard/<card>".
const (
	KindIssue  journal.Kind[Outcome] = "giftcard.issue"  // a card was made
	KindCharge journal.Kind[Outcome] = "giftcard.charge" // money was taken off a card
	KindRefund journal.Kind[Outcome] = "giftcard.refund" // money was put back
)

// An Outcome is what a command came to.
type Outcome struct {
	Card     Card  `json:"card"`  // after it
	Moved    int64 `json:"moved"` // what it added to the balance, in minor units
	Replayed bool  `json:"-"`     // the command was done before
}

// New returns an engine on a store.
func New(s storage.Tx, opts *Options) *Engine {
	o := cmp.Or(opts, &Options{})
	return &Engine{s, engine.NewRoots[ledger, Outcome](engine.New(s, o.Now, o.Hook), kind)}
}

// In returns a copy whose commands are committed or rolled back with tx, of any tenant.
func (e *Engine) In(tx storage.Tx) *Engine { return &Engine{tx, e.cards.In(tx)} }

// Issue makes a card. ErrIssued: there is one of that name.
func (e *Engine) Issue(ctx context.Context, c Issue) (Outcome, error) {
	return e.do(ctx, KindIssue, c.Command, c, "", nil, c.apply)
}

// Charge takes money off a card. Errors: ErrUnknownCard, ErrCurrency, ErrInsufficient.
func (e *Engine) Charge(ctx context.Context, c Charge) (Outcome, error) {
	return e.do(ctx, KindCharge, c.Command, c, c.Key, nil, c.apply)
}

// Refund puts money back that a Charge took off. Errors: those of Charge.
func (e *Engine) Refund(ctx context.Context, c Refund) (Outcome, error) {
	return e.do(ctx, KindRefund, c.Command, c, c.Of, valid.ID("of", c.Of), c.apply)
}

// Card returns a card. ErrUnknownCard: there is none.
func (e *Engine) Card(ctx context.Context, id CardID) (Card, error) {
	l, err := ledger{Card: Card{ID: id}}, valid.ID("card", id)
	if err == nil {
		err = e.store.Load(ctx, []storage.Look{{Reads: []storage.Read{cards.Get(&l)}}})
	}
	if err == nil && l.Seq == 0 {
		err = ErrUnknownCard
	}
	return l.Card, err
}

// do runs a command on a card and the payment with the key of; bad is what is wrong with it.
func (e *Engine) do(
	ctx context.Context, kind journal.Kind[Outcome], c Command, input any, of string, bad error, apply func(*Card, *payment) error,
) (out Outcome, err error) {
	out, replayed, err := e.cards.Do(ctx, engine.On[ledger, Outcome]{
		Command: engine.Command{
			Name: string(kind), Subject: journal.Subject("giftcard", string(c.Card)), Key: c.Key, By: c.By, Input: input,
			Check: func() error {
				return cmp.Or(valid.ID("card", c.Card), valid.OptionalID("by", c.By), valid.ID("key", c.Key), bad,
					valid.Between("amount.minor", c.Amount.Minor, 1, math.MaxInt64), valid.Currency("amount.currency", c.Amount.Currency))
			},
		},
		New: func() ledger { return ledger{Card: Card{ID: c.Card}, payments: map[string]*payment{}} },
		Reads: func(l *ledger) []storage.Read {
			l.payments[of] = &payment{Card: c.Card, Key: of}
			return []storage.Read{payments.Get(l.payments[of])}
		},
		Do: func(l *ledger, _ time.Time) (Outcome, error) {
			card, paid := l.Card, *l.payments[of]
			if err := apply(&card, &paid); err != nil {
				return Outcome{}, err
			}
			moved := card.Balance.Minor - l.Balance.Minor
			card.Seq++
			l.Card, *l.payments[of] = card, paid
			if of != "" {
				l.changed = append(l.changed, payments.Put(l.payments[of]))
			}
			return Outcome{Card: card, Moved: moved}, nil
		},
	})
	out.Replayed = replayed
	return out, err
}
