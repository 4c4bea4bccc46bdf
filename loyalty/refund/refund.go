// Package refund takes back what an order gave, with one command and in one transaction: the points
// that it earned, the stamps that it gave, and the vouchers that were given for it and are not
// used.
//
// An order is named by one key: that of loyalty.Earn and of stamps.Add, and of vouchers
// reward.Take.Of, or the key that they were taken under. Where an engine knows nothing of it there
// is nothing to take back there; where none does it is ErrUnknownOrder. It is refunded under the
// member who earned it, also after a merger. Give no two members orders of one name: after a merger
// their vouchers could not be told apart, and would go back together.
//
// Points are taken back in the proportion of what came back of the order, as loyalty.Refund says.
// Stamps and vouchers have no parts: they are kept while some of the order is, and taken back by
// the refund that completes it, whether that says All or what came back before and with it adds up
// to the order. A partial refund takes some of them where it names them; what it names and the
// order did not give is an error. Vouchers that were reserved together go back together.
//
// What can't be taken back does not stop the rest, for the goods are back already: a voucher that
// was used, stamps whose coupon was, stamps or vouchers that lapsed or were taken back before. Each
// part says what became of it.
package refund

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/flow"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/redemption"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// ErrUnknownOrder: no engine gave anything under that key. It is a loyalty.ErrRefused too.
var ErrUnknownOrder = fmt.Errorf("refund: nothing was given for that order: %w", loyalty.ErrUnknownBooking)

// A Desk joins the engines that an order gives by. It is safe for concurrent use.
type Desk struct {
	unit       flow.Unit
	points     *loyalty.Engine
	rewards    *reward.Engine
	cards      *stamps.Engine
	redemption *redemption.Desk
}

// Options configures a Desk. Nil and zero fields mean the documented defaults.
type Options struct {
	Hook storage.Hook // of traces and metrics; nil: none
}

// New returns a desk. The engines must be made on the stores of db.
func New(db storage.DB, points *loyalty.Engine, rewards *reward.Engine, cards *stamps.Engine, opts *Options) *Desk {
	hook := cmp.Or(opts, &Options{}).Hook
	return &Desk{
		unit: flow.On(db, nil, hook), points: points, rewards: rewards, cards: cards,
		redemption: redemption.New(db, points, rewards, &redemption.Options{Hook: hook}),
	}
}

// In returns a copy that is bound to a unit of work: what it does is committed or rolled back with
// tx, which is of the database and the tenant of the desk.
func (d *Desk) In(tx storage.Tx) *Desk {
	b := *d
	b.unit = d.unit.In(tx)
	return &b
}

// A Refund takes back what an order gave, as far as it came back: by Amount, by Lines, or all that
// is left of it.
type Refund struct {
	Account loyalty.AccountID    `json:"account"`          // that earned the points; its member is that of the cards and vouchers too
	Order   string               `json:"order"`            // the key that the order gave under
	Amount  int64                `json:"amount,omitempty"` // minor units, spread over the lines as they were paid
	Lines   []loyalty.LineRefund `json:"lines,omitempty"`  // what came back of each line
	All     bool                 `json:"all,omitempty"`    // all that is left of the order came back

	Stamps   []Stamps           `json:"stamps,omitempty"`   // of a part of the order: which go back with it; none: they are kept
	Vouchers []reward.VoucherID `json:"vouchers,omitempty"` // of a part of the order: which go back with it; none: they are kept

	Reason string `json:"reason,omitempty"` // for the journal
	By     string `json:"by,omitempty"`     // who did it, for the journal
	Key    string `json:"-"`                // idempotency key; required
}

// Stamps are those that go back of a program's card.
type Stamps struct {
	Program stamps.ProgramID `json:"program"`     // program of the card
	N       int64            `json:"n,omitempty"` // 0: all that the order gave
}

// A Fate says what became of what an order gave.
type Fate string

const (
	TakenBack   Fate = "taken back"                            // nothing of it is left with the member
	KeptPart    Fate = "kept: a part of the order is"          // goes back with the refund that completes the order
	KeptUsed    Fate = "kept: it was used"                     // a voucher that was redeemed, or stamps whose coupon was
	KeptEnded   Fate = "kept: it had ended before"             // it had lapsed or was taken back before
	KeptCounted Fate = "kept: the stamps don't stand any more" // the card has fewer stamps than the order gave
)

// A Result is what was taken back, and what was not.
type Result struct {
	Whole    bool             `json:"whole"`              // all of the order came back
	Points   *loyalty.Outcome `json:"points,omitempty"`   // nil: the order earned none
	Stamps   []StampsBack     `json:"stamps,omitempty"`   // of each card that the order gave stamps to, in the order of the programs
	Vouchers []VoucherBack    `json:"vouchers,omitempty"` // what became of each voucher that the order gave

	Replayed bool `json:"-"` // the key was used before, and this is what was done then
}

// StampsBack is what became of the stamps of a card.
type StampsBack struct {
	Program stamps.ProgramID `json:"program"`           // program of the card
	Fate    Fate             `json:"fate"`              // what became of the stamps
	Outcome *stamps.Outcome  `json:"outcome,omitempty"` // nil: they were kept
}

// VoucherBack is what became of a voucher.
type VoucherBack struct {
	Voucher reward.Voucher   `json:"voucher"`          // as it is then
	Fate    Fate             `json:"fate"`             // what became of the voucher
	Points  *loyalty.Outcome `json:"points,omitempty"` // those that it had cost; nil: none, or they were given back with another
}

// Refund takes back what an order gave. Repeated with its key it changes nothing, and gives what
// was taken back then with Replayed true. Errors: *errs.InputError, ErrUnknownOrder,
// journal.ErrKeyReused, those of loyalty.Program.Refund, stamps.ErrUnknownRecord and those of
// stamps.Rules.Cancel for Stamps, reward.ErrUnknownVoucher for Vouchers.
func (d *Desk) Refund(ctx context.Context, c Refund) (r Result, err error) {
	ctx, call := d.unit.Begin(ctx, "refund.refund", c.Account.Subject())
	defer call.End(&err)
	if err := c.check(); err != nil {
		return Result{}, fmt.Errorf("refund: %w", err)
	}
	err = d.unit.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		call.Attempts++
		s := session{c, d.points.In(tx), d.rewards.In(tx), d.cards.In(tx), d.redemption.In(tx)}
		// A part that was done under the key says that all of it was: nothing else is done under it
		// any more.
		if r, err = s.seen(ctx); err == nil && !r.Replayed {
			r, err = s.run(ctx)
		}
		return err
	})
	if err != nil {
		return Result{}, fmt.Errorf("refund: order %s: %w", c.Order, err)
	}
	call.Replayed = r.Replayed
	return r, nil
}

// check leaves to loyalty.Refund how much of the order it is.
func (c Refund) check() error {
	err := cmp.Or(
		valid.ID("account.program", c.Account.Program), valid.ID("account.member", c.Account.Member), valid.ID("order", c.Order),
		valid.Between("stamps", int64(len(c.Stamps)), 0, 100), valid.Between("vouchers", int64(len(c.Vouchers)), 0, 1000),
		valid.Text("reason", c.Reason), valid.Text("by", c.By), valid.ID("key", c.Key),
	)
	for i, s := range c.Stamps {
		err = cmp.Or(err, valid.ID(fmt.Sprintf("stamps[%d].program", i), s.Program))
		if err == nil && slices.ContainsFunc(c.Stamps[:i], func(o Stamps) bool { return o.Program == s.Program }) {
			err = &errs.InputError{Field: fmt.Sprintf("stamps[%d].program", i), Reason: "is there twice"}
		}
	}
	ways := 0
	for _, set := range []bool{c.Amount != 0, len(c.Lines) > 0, c.All} {
		if set {
			ways++
		}
	}
	switch {
	case err != nil:
	case ways != 1:
		err = &errs.InputError{Field: "amount", Reason: "or lines or all is needed, and one of them"}
	case c.All && len(c.Stamps)+len(c.Vouchers) > 0:
		err = &errs.InputError{Field: "all", Reason: "takes all stamps and vouchers; leave them out"}
	case c.Order == c.Key:
		err = &errs.InputError{Field: "key", Reason: "is that of the order; use one of the refund"}
	}
	return err
}

// keyOf names the return of a voucher among the commands of its holder.
func (c Refund) keyOf(id reward.VoucherID) string {
	return journal.DerivedKey("refund", c.Key, id.N)
}

func (c Refund) points(key string) loyalty.Refund {
	return loyalty.Refund{
		Account: c.Account, Of: c.Order, Amount: c.Amount, Lines: c.Lines, All: c.All, Reason: c.Reason, By: c.By, Key: key,
	}
}

// unknown reports whether nothing was booked for the order, or the member has no account.
func unknown(err error) bool {
	return errors.Is(err, loyalty.ErrUnknownBooking) || errors.Is(err, loyalty.ErrUnknownAccount)
}
