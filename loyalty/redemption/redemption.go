// Package redemption is where members exchange points for rewards (积分兑换). Points, stock and
// vouchers change in one transaction: who has the voucher has paid for it, and who has paid has it.
package redemption

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/flow"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A Desk joins the engines of points and of rewards. It is safe for concurrent use.
//
// Every command has a key, which names it within the member's vouchers of the catalog: repeated
// with it, a command changes nothing and gives its first result with Replayed true.
//
// Every command follows a merger of members: what names one who turned out to be another is done
// for that one, who has the vouchers and the reservations of both, and for whom limits count both.
// So to reserve, merge and capture comes to the same as to merge, reserve and capture.
type Desk struct {
	unit    flow.Unit
	points  *loyalty.Engine
	rewards *reward.Engine
}

// Options configures a Desk. Nil and zero fields mean the documented defaults.
type Options struct {
	Hook storage.Hook // of traces and metrics; nil: none
}

// New returns a desk. The engines must be made on the stores of db.
func New(db storage.DB, points *loyalty.Engine, rewards *reward.Engine, opts *Options) *Desk {
	return &Desk{flow.On(db, nil, cmp.Or(opts, &Options{}).Hook), points, rewards}
}

// In returns a copy that is bound to a unit of work: what it does is committed or rolled back with
// tx, which is of the database and the tenant of the desk. It gives nothing back to the stock that
// was reserved and not captured in time: the owner of the transaction does, with
// reward.Engine.Reclaim outside of it, where an order returns reward.ErrSoldOut.
func (d *Desk) In(tx storage.Tx) *Desk {
	b := *d
	b.unit = d.unit.In(tx)
	return &b
}

// An Order is what a member exchanges points for.
type Order struct {
	Holder reward.HolderID // member and catalog
	Reward reward.RewardID // reward of the catalog
	N      int64           // pieces; 0 is 1
	Price  reward.Price    // the one of the reward's that the member agreed to; of a table the most points. Its money is for the caller to collect
	Cart   *reward.Cart    // of a table: what the points are to pay, at most as much of it as the reward lets them; nil: any
	Of     string          // the order that it is taken with, for its refund; "": the key names it
	By     string          // who did it, for the journal
	Key    string          // idempotency key; required
}

// A Reserve sets pieces and their points aside for a time, to be captured or cancelled: while the
// money is paid.
type Reserve struct {
	Order
	For time.Duration // up to reward.MaxReservation
}

// A Result is what was done.
type Result struct {
	reward.Outcome
	Points *loyalty.Outcome `json:"points,omitempty"` // nil: none were concerned, or the command is replayed
}

// Redeem exchanges points for vouchers. Errors: those of reward.Rules.Issue and
// loyalty.Program.Redeem.
func (d *Desk) Redeem(ctx context.Context, o Order) (Result, error) {
	return d.take(ctx, "redeem", o, func(ctx context.Context, rewards *reward.Engine, t reward.Take) (reward.Outcome, error) {
		return rewards.Issue(ctx, reward.Issue{Take: t, By: o.By, Key: o.Key})
	}, func(ctx context.Context, points *loyalty.Engine, id loyalty.AccountID, out reward.Outcome, keys keys) (loyalty.Outcome, error) {
		return points.Redeem(ctx, loyalty.Redeem{
			Account: id, Currency: out.Price.Currency, N: out.Price.Points, Reason: reason(o), By: o.By, Key: keys.spend,
		})
	})
}

// Reserve sets pieces of a reward and their points aside. After that time both are given back by
// themselves. Errors: those of reward.Rules.Reserve and loyalty.Program.Reserve.
func (d *Desk) Reserve(ctx context.Context, r Reserve) (Result, error) {
	o := r.Order
	return d.take(ctx, "reserve", o, func(ctx context.Context, rewards *reward.Engine, t reward.Take) (reward.Outcome, error) {
		return rewards.Reserve(ctx, reward.Reserve{Take: t, For: r.For, By: o.By, Key: o.Key})
	}, func(ctx context.Context, points *loyalty.Engine, id loyalty.AccountID, out reward.Outcome, keys keys) (loyalty.Outcome, error) {
		return points.Reserve(ctx, loyalty.Reserve{
			Account: id, Currency: out.Price.Currency, N: out.Price.Points, Until: out.Vouchers[0].To, By: o.By, Key: keys.hold,
		})
	})
}

// Capture issues what was reserved, and spends its points. Errors: those of reward.Rules.Capture
// and loyalty.Program.Capture.
func (d *Desk) Capture(ctx context.Context, c reward.Capture) (Result, error) {
	return d.settle(ctx, "capture", c.Holder, func(ctx context.Context, rewards *reward.Engine, _ ids.Level) (reward.Outcome, error) {
		return rewards.Capture(ctx, c)
	}, func(ctx context.Context, points *loyalty.Engine, id loyalty.AccountID, out reward.Outcome, keys keys) (loyalty.Outcome, error) {
		return points.Capture(ctx, loyalty.Capture{
			Account: id, Currency: out.Price.Currency, Hold: keys.hold, N: out.Price.Points, By: c.By, Key: keys.spend,
		})
	})
}

// Cancel gives back what was reserved, and its points. Errors: those of reward.Rules.Cancel and
// loyalty.Program.Release.
func (d *Desk) Cancel(ctx context.Context, c reward.Cancel) (Result, error) {
	return d.settle(ctx, "cancel", c.Holder, func(ctx context.Context, rewards *reward.Engine, _ ids.Level) (reward.Outcome, error) {
		return rewards.Cancel(ctx, c)
	}, func(ctx context.Context, points *loyalty.Engine, id loyalty.AccountID, out reward.Outcome, keys keys) (loyalty.Outcome, error) {
		return points.Release(ctx, loyalty.Release{
			Account: id, Currency: out.Price.Currency, Hold: keys.hold, By: c.By, Key: keys.back,
		})
	})
}

// Return takes a voucher back that was not redeemed, and gives its points back to the lots that
// they came from; where its member was merged into another one, to that one. Errors: those of
// reward.Rules.Return and loyalty.Program.Return.
func (d *Desk) Return(ctx context.Context, c reward.Return) (Result, error) {
	return d.settle(ctx, "return", c.Voucher.Holder, func(ctx context.Context, rewards *reward.Engine, _ ids.Level) (reward.Outcome, error) {
		return rewards.Return(ctx, c)
	}, func(ctx context.Context, points *loyalty.Engine, id loyalty.AccountID, out reward.Outcome, keys keys) (loyalty.Outcome, error) {
		return giveBack(ctx, points, out.Holder, loyalty.Return{
			Account: id, Of: keys.spend, N: out.Price.Points, Reason: c.Reason, By: c.By, Key: keys.back,
		})
	})
}

type (
	give func(ctx context.Context, rewards *reward.Engine, level ids.Level) (reward.Outcome, error)
	pay  func(ctx context.Context, points *loyalty.Engine, id loyalty.AccountID, out reward.Outcome, keys keys) (loyalty.Outcome, error)
)

// take settles for the level that the member has, and again where reservations that lapsed had
// emptied the stock.
func (d *Desk) take(
	ctx context.Context, name string, o Order,
	give func(ctx context.Context, rewards *reward.Engine, t reward.Take) (reward.Outcome, error), pay pay,
) (Result, error) {
	run := func() (Result, error) {
		return d.settle(ctx, name, o.Holder, func(ctx context.Context, rewards *reward.Engine, level ids.Level) (reward.Outcome, error) {
			return give(ctx, rewards, reward.Take{Holder: o.Holder, Reward: o.Reward, N: o.N, Price: o.Price, Cart: o.Cart, Of: o.Of, Level: level})
		}, pay)
	}
	r, err := run()
	if !errors.Is(err, reward.ErrSoldOut) || d.unit.Bound {
		return r, err
	}
	n, reclaimErr := d.rewards.Reclaim(ctx, o.Holder.Catalog, o.Reward)
	if n == 0 || reclaimErr != nil {
		return r, errors.Join(err, reclaimErr)
	}
	return run()
}

// settle changes vouchers and points together. Where the key of the vouchers is known, so are the
// points.
func (d *Desk) settle(ctx context.Context, name string, of reward.HolderID, give give, pay pay) (r Result, err error) {
	ctx, call := d.unit.Begin(ctx, "redemption."+name, of.Subject())
	defer call.End(&err)
	err = d.unit.InSave(ctx, func(ctx context.Context, tx storage.Tx) error {
		call.Attempts++
		rewards, points := d.rewards.In(tx), d.points.In(tx)
		a, _, err := account(ctx, rewards, points, of)
		if err == nil {
			err = follow(ctx, rewards, points, of, a.ID)
		}
		if err != nil {
			return err
		}
		out, err := give(ctx, rewards, a.Status.Level)
		r = Result{Outcome: out}
		if err != nil || out.Replayed || out.Price.Points == 0 {
			return err
		}
		c, err := rewards.Catalog(ctx, out.Holder.Catalog, out.Vouchers[0].Version)
		if err != nil {
			return err
		}
		id := loyalty.AccountID{Program: c.Definition().Program, Member: a.ID.Member}
		paid, err := pay(ctx, points, id, out, keysOf(out.Vouchers[0]))
		r.Points = &paid
		return err
	})
	if err != nil {
		return Result{}, fmt.Errorf("redemption: %s: %w", name, err)
	}
	call.Replayed = r.Replayed
	return r, nil
}

// account returns the account that has the member's points in the program of a catalog, as it
// is now, and the program's first currency: the member's own, or that of who the member turned
// out to be. Where there is none it has no more than its id.
func account(
	ctx context.Context, rewards *reward.Engine, points *loyalty.Engine, id reward.HolderID,
) (a loyalty.Account, first ids.Currency, err error) {
	c, err := rewards.Catalog(ctx, id.Catalog, 0)
	if err != nil {
		return a, "", err
	}
	p, err := points.Program(ctx, c.Definition().Program, 0)
	if err != nil {
		return a, "", err
	}
	first = p.Definition().Currencies[0].ID
	own := loyalty.AccountID{Program: p.Definition().ID, Member: id.Member}
	for {
		a, err = points.Current(ctx, own)
		switch {
		case errors.Is(err, loyalty.ErrUnknownAccount):
			return loyalty.Account{ID: own}, first, nil
		case err != nil || a.Merged == "":
			return a, first, err
		}
		own.Member = a.Merged
	}
}

// keys name what is done with the points of vouchers. They hold the member too: who that one is
// merged into has vouchers of the same numbers.
type keys struct{ hold, spend, back string }

func keysOf(v reward.Voucher) keys {
	of := v.ID.Holder.Subject()
	return keys{
		hold:  journal.DerivedKey("reward-hold", of, v.Order),
		spend: journal.DerivedKey("reward-spend", of, v.Order),
		back:  journal.DerivedKey("reward-back", of, v.ID.N),
	}
}

func reason(o Order) string { return "reward " + string(o.Reward) }

// An Offer is a reward that a member may take, and what the member's points come to.
type Offer struct {
	reward.Offer
	Pieces []int64 `json:"pieces,omitempty"` // how many the points pay, by Reward.Prices
	Value  int64   `json:"value,omitempty"`  // of a table: what they come to
}

// Offers returns what the member may take now, in the order of the catalog. ErrUnknownCatalog:
// there is none.
func (d *Desk) Offers(ctx context.Context, id reward.HolderID) ([]Offer, error) {
	a, first, err := account(ctx, d.rewards, d.points, id)
	if err != nil {
		return nil, fmt.Errorf("redemption: offers: %w", err)
	}
	found, err := d.rewards.Offers(ctx, id, a.Status.Level)
	if err != nil {
		return nil, fmt.Errorf("redemption: offers: %w", err)
	}
	available := func(currency ids.Currency) int64 {
		w := a.Wallet(cmp.Or(currency, first))
		return w.Balance(a.At).Available
	}
	offers := make([]Offer, len(found))
	for i, f := range found {
		o := Offer{Offer: f}
		for _, p := range f.Reward.Prices {
			n := int64(reward.MaxPieces)
			if p.Points > 0 {
				n = min(n, available(p.Currency)/p.Points)
			}
			o.Pieces = append(o.Pieces, n)
		}
		if t := f.Reward.Table; t != nil {
			_, _, o.Value = t.Fit(available(t.Currency))
		}
		offers[i] = o
	}
	return offers, nil
}
