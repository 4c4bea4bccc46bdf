package loyaltytest

import (
	"cmp"
	"context"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/redemption"
	"github.com/scrmkit/scrmkit/loyalty/refund"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/stamps"
)

// done is what a command came to.
type done struct {
	loyalty.Outcome // of the points
	replayed        bool
	deducted        int64
}

// A run does a command.
type run func(context.Context) (done, error)

// on adds the run of a command that the step has, after its account and key were put in.
func on[C any](all *[]run, c *C, set func(*C), do func(context.Context, C) (done, error)) {
	if c == nil {
		return
	}
	own := *c
	set(&own)
	*all = append(*all, func(ctx context.Context) (done, error) { return do(ctx, own) })
}

// of returns a command on points as one that a run does.
func of[C any](do func(context.Context, C) (loyalty.Outcome, error)) func(context.Context, C) (done, error) {
	return func(ctx context.Context, c C) (done, error) {
		out, err := do(ctx, c)
		return done{Outcome: out, replayed: out.Replayed}, err
	}
}

// commands returns the command of the step on points, or on an order.
func (s Step) commands(w *world, program ids.Program) (all []run) {
	id := loyalty.AccountID{Program: program, Member: s.Member}
	on(&all, s.Earn, func(c *loyalty.Earn) { c.Account, c.Key = id, s.Key }, of(w.points.Earn))
	on(&all, s.Redeem, func(c *loyalty.Redeem) { c.Account, c.Key = id, s.Key }, of(w.points.Redeem))
	on(&all, s.Reserve, func(c *loyalty.Reserve) { c.Account, c.Key = id, s.Key }, of(w.points.Reserve))
	on(&all, s.Capture, func(c *loyalty.Capture) { c.Account, c.Key = id, s.Key }, of(w.points.Capture))
	on(&all, s.Release, func(c *loyalty.Release) { c.Account, c.Key = id, s.Key }, of(w.points.Release))
	on(&all, s.Activate, func(c *loyalty.Activate) { c.Account, c.Key = id, s.Key }, of(w.points.Activate))
	on(&all, s.Adjust, func(c *loyalty.Adjust) { c.Account, c.Key = id, s.Key }, of(w.points.Adjust))
	on(&all, s.Transfer, func(c *loyalty.Transfer) { c.Account, c.Key = id, s.Key }, of(w.points.Transfer))
	on(&all, s.Refund, func(c *loyalty.Refund) { c.Account, c.Key = id, s.Key }, of(w.points.Refund))
	on(&all, s.Return, func(c *loyalty.Return) { c.Account, c.Key = id, s.Key }, of(w.points.Return))
	on(&all, s.Expire, func(c *loyalty.Expire) { c.Account, c.Key = id, s.Key }, of(w.points.Expire))
	on(&all, s.SetTier, func(c *loyalty.SetTier) { c.Account, c.Key = id, s.Key }, of(w.points.SetTier))
	on(&all, s.Merge, func(c *loyalty.Merge) { c.Account, c.Key = id, s.Key }, of(w.desk.Merge))
	on(&all, s.RefundOrder, func(c *refund.Refund) { c.Account, c.Key = id, s.Key }, func(ctx context.Context, c refund.Refund) (done, error) {
		r, err := w.refunds.Refund(ctx, c)
		return done{paid(r.Points), r.Replayed, 0}, err
	})
	return all
}

// commands returns the command on rewards.
func (r *Reward) commands(w *world, s Step) (all []run) {
	if r == nil {
		return nil
	}
	holder := reward.HolderID{Catalog: r.Catalog, Member: s.Member}
	if r.Catalog == "" && len(w.catalogs) > 0 {
		holder.Catalog = w.catalogs[0]
	}
	order := func(x Redemption) redemption.Order {
		return redemption.Order{Holder: holder, Reward: x.Reward, N: x.N, Price: x.Price, Cart: x.Cart, Of: x.Of, Key: s.Key}
	}
	own := func(id *reward.VoucherID) { id.Holder = cmp.Or(id.Holder, holder) }
	on(&all, r.Redeem, func(*Redemption) {}, func(ctx context.Context, x Redemption) (done, error) {
		if !x.Until.IsZero() {
			return done{}, &errs.InputError{Field: "until", Reason: "is there, and the command is no reservation"}
		}
		return settled(w.desk.Redeem(ctx, order(x)))
	})
	on(&all, r.Reserve, func(*Redemption) {}, func(ctx context.Context, x Redemption) (done, error) {
		return settled(w.desk.Reserve(ctx, redemption.Reserve{Order: order(x), For: x.Until.Sub(s.At)}))
	})
	on(&all, r.Capture, func(c *reward.Capture) { c.Holder, c.Key = cmp.Or(c.Holder, holder), s.Key }, func(ctx context.Context, c reward.Capture) (done, error) {
		return settled(w.desk.Capture(ctx, c))
	})
	on(&all, r.Cancel, func(c *reward.Cancel) { c.Holder, c.Key = cmp.Or(c.Holder, holder), s.Key }, func(ctx context.Context, c reward.Cancel) (done, error) {
		return settled(w.desk.Cancel(ctx, c))
	})
	on(&all, r.Return, func(c *reward.Return) { own(&c.Voucher); c.Key = s.Key }, func(ctx context.Context, c reward.Return) (done, error) {
		return settled(w.desk.Return(ctx, c))
	})
	on(&all, r.Gift, func(c *reward.Issue) { c.Holder, c.Gift, c.Key = cmp.Or(c.Holder, holder), true, s.Key }, func(ctx context.Context, c reward.Issue) (done, error) {
		out, err := w.rewards.Issue(ctx, c)
		return settled(redemption.Result{Outcome: out}, err)
	})
	on(&all, r.Use, func(c *reward.Redeem) { own(&c.Voucher); c.Key = s.Key }, func(ctx context.Context, c reward.Redeem) (done, error) {
		out, err := w.rewards.Redeem(ctx, c)
		return settled(redemption.Result{Outcome: out}, err)
	})
	return all
}

// settled is what a command on rewards came to.
func settled(r redemption.Result, err error) (done, error) {
	d := done{Outcome: paid(r.Points), replayed: r.Replayed}
	if r.Deduction != nil {
		d.deducted = r.Deduction.Total
	}
	return d, err
}

func paid(points *loyalty.Outcome) (out loyalty.Outcome) {
	if points != nil {
		out = *points
	}
	return out
}

// commands returns the command on cards or coupons.
func (c *Stamps) commands(w *world, s Step) (all []run) {
	if c == nil {
		return nil
	}
	card := stamps.CardID{Program: c.Program, Member: s.Member}
	if c.Program == "" && len(w.stamped) > 0 {
		card.Program = w.stamped[0]
	}
	did := func(out stamps.Outcome, err error) (done, error) { return done{replayed: out.Replayed}, err }
	on(&all, c.Add, func(a *stamps.Add) { a.Card, a.Key = cmp.Or(a.Card, card), s.Key }, func(ctx context.Context, a stamps.Add) (done, error) {
		return did(w.cards.Add(ctx, a))
	})
	on(&all, c.Cancel, func(x *stamps.Cancel) { x.Card, x.Key = cmp.Or(x.Card, card), s.Key }, func(ctx context.Context, x stamps.Cancel) (done, error) {
		return did(w.cards.Cancel(ctx, x))
	})
	on(&all, c.Adjust, func(a *stamps.Adjust) { a.Card, a.Key = cmp.Or(a.Card, card), s.Key }, func(ctx context.Context, a stamps.Adjust) (done, error) {
		return did(w.cards.Adjust(ctx, a))
	})
	on(&all, c.Claim, func(x *stamps.Claim) {
		x.Program, x.Member, x.Key = cmp.Or(x.Program, card.Program), cmp.Or(x.Member, card.Member), s.Key
	}, func(ctx context.Context, x stamps.Claim) (done, error) { return did(w.cards.Claim(ctx, x)) })
	on(&all, c.Redeem, func(x *stamps.Redeem) { x.Key = s.Key }, func(ctx context.Context, x stamps.Redeem) (done, error) {
		return did(w.cards.Redeem(ctx, x))
	})
	on(&all, c.Undo, func(x *stamps.Undo) { x.Key = s.Key }, func(ctx context.Context, x stamps.Undo) (done, error) {
		return did(w.cards.Undo(ctx, x))
	})
	on(&all, c.Void, func(x *stamps.Void) { x.Key = s.Key }, func(ctx context.Context, x stamps.Void) (done, error) {
		return did(w.cards.Void(ctx, x))
	})
	return all
}
