package refund

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/redemption"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A session is a refund with the engines of its unit of work.
type session struct {
	Refund
	points     *loyalty.Engine
	rewards    *reward.Engine
	cards      *stamps.Engine
	redemption *redemption.Desk
}

// run takes back what there is.
func (s session) run(ctx context.Context) (r Result, err error) {
	r.Whole = s.All
	out, err := s.points.Refund(ctx, s.Refund.points(s.Key))
	var before error
	switch {
	case s.All && errors.Is(err, loyalty.ErrTooMuch):
		before, err = err, nil // its points are back, and what else there is may not be
	case unknown(err):
		err = nil
	case err == nil:
		r.Points = &out
		r.Whole, err = s.whole(ctx)
	}
	if err == nil {
		r.Stamps, err = s.stamps(ctx, r.Whole)
	}
	if err == nil {
		r.Vouchers, err = s.vouchers(ctx, r.Whole)
	}
	switch {
	case err != nil:
	case before != nil && !r.took():
		err = before
	case before == nil && r.Points == nil && len(r.Stamps) == 0 && len(r.Vouchers) == 0:
		err = ErrUnknownOrder
	}
	return r, err
}

// took reports whether stamps or vouchers were taken back.
func (r Result) took() bool {
	return slices.ContainsFunc(r.Stamps, func(b StampsBack) bool { return b.Fate == TakenBack }) ||
		slices.ContainsFunc(r.Vouchers, func(b VoucherBack) bool { return b.Fate == TakenBack })
}

// whole reports whether nothing is left of the order to refund.
func (s session) whole(ctx context.Context) (bool, error) {
	if s.All {
		return true, nil
	}
	rest := s.Refund.points(s.keyOf(reward.VoucherID{}))
	rest.Amount, rest.Lines, rest.All = 0, nil, true
	_, err := s.points.Preview().Refund(ctx, rest)
	if errors.Is(err, loyalty.ErrTooMuch) {
		return true, nil
	}
	return false, err
}

// stamps takes back those of each card of the member that the order gave some to.
func (s session) stamps(ctx context.Context, whole bool) (all []StampsBack, err error) {
	for card, err := range s.cards.Cards(ctx, s.Account.Member) {
		if err != nil {
			return nil, err
		}
		if card.ID.Claim != 0 {
			continue
		}
		x := stamps.Cancel{Card: card.ID, Of: s.Order, Reason: s.Reason, Place: stamps.Place{By: s.By}, Key: s.Key}
		n, named := s.named(card.ID.Program)
		if !whole {
			x.N = n
		}
		back, some, cards := StampsBack{Program: card.ID.Program}, whole || named, s.cards
		if !some {
			cards = cards.Preview() // which reports whether the order gave any
		}
		out, err := cards.Cancel(ctx, x)
		var used *stamps.UsedError
		switch {
		case err != nil && named && !whole:
			return nil, err
		case errors.Is(err, stamps.ErrUnknownRecord), errors.Is(err, stamps.ErrUnknownCard):
			continue
		case errors.As(err, &used):
			back.Fate = KeptUsed
		case errors.Is(err, stamps.ErrCancelled):
			back.Fate = KeptEnded
		case errors.Is(err, stamps.ErrTooFew):
			back.Fate = KeptCounted
		case err != nil:
			return nil, err
		case some:
			back.Fate, back.Outcome = TakenBack, &out
		default:
			back.Fate = KeptPart
		}
		all = append(all, back)
	}
	for _, x := range s.Stamps {
		if !slices.ContainsFunc(all, func(b StampsBack) bool { return b.Program == x.Program }) {
			return nil, stamps.ErrUnknownRecord
		}
	}
	slices.SortFunc(all, func(a, b StampsBack) int { return cmp.Compare(a.Program, b.Program) })
	return all, nil
}

// named returns how many stamps of a program the refund names.
func (s session) named(id stamps.ProgramID) (n int64, named bool) {
	i := slices.IndexFunc(s.Stamps, func(o Stamps) bool { return o.Program == id })
	if i < 0 {
		return 0, false
	}
	return s.Stamps[i].N, true
}

// vouchers takes back those that were given for the order and are not used. What was reserved for
// it is cancelled.
func (s session) vouchers(ctx context.Context, whole bool) (all []VoucherBack, err error) {
	given, err := s.given(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range s.Vouchers {
		if !slices.ContainsFunc(given, func(v reward.Voucher) bool { return v.ID == id }) {
			return nil, reward.ErrUnknownVoucher
		}
	}
	for i := 0; i < len(given); i++ {
		v := given[i]
		back := VoucherBack{Voucher: v, Fate: KeptEnded}
		var r redemption.Result
		switch {
		case v.State == reward.Redeemed:
			back.Fate = KeptUsed
		case v.State != reward.Issued && v.State != reward.Reserved:
		case !whole && !slices.Contains(s.Vouchers, v.ID):
			back.Fate = KeptPart
		case v.State == reward.Issued:
			r, err = s.redemption.Return(ctx, reward.Return{Voucher: v.ID, Reason: s.Reason, By: s.By, Key: s.keyOf(v.ID)})
		default:
			r, err = s.redemption.Cancel(ctx, reward.Cancel{
				Holder: v.ID.Holder, Order: v.Order, Reason: s.Reason, By: s.By, Key: s.keyOf(v.ID),
			})
		}
		if err != nil {
			return nil, err
		}
		for n, done := range r.Vouchers {
			if n > 0 {
				i++ // a reservation goes back as one
				all = append(all, back)
				back.Points = nil
			}
			back.Voucher, back.Fate = done, TakenBack
			if n == 0 {
				back.Points = r.Points
			}
		}
		all = append(all, back)
	}
	return all, nil
}

// given returns the vouchers of the order: of the member, and of who the member was merged into.
func (s session) given(ctx context.Context) (all []reward.Voucher, err error) {
	for id := s.Account; id.Member != ""; {
		for v, err := range s.rewards.Vouchers(ctx, reward.VoucherQuery{Member: id.Member}) {
			if err != nil {
				return nil, err
			}
			known := slices.ContainsFunc(all, func(o reward.Voucher) bool { return o.ID == v.ID })
			if v.Of == s.Order && !known {
				all = append(all, v)
			}
		}
		a, err := s.points.Account(ctx, id)
		if err != nil && !errors.Is(err, loyalty.ErrUnknownAccount) {
			return nil, err
		}
		id.Member = a.Merged
	}
	return all, nil
}

// seen returns what was done under the key, with Replayed true where anything was.
func (s session) seen(ctx context.Context) (r Result, err error) {
	out, err := s.points.Preview().Refund(ctx, s.Refund.points(s.Key))
	switch {
	case errors.Is(err, journal.ErrKeyReused):
		return r, err
	case err == nil && out.Replayed:
		r.Points, r.Replayed = &out, true
	}
	for card, err := range s.cards.Cards(ctx, s.Account.Member) {
		if err != nil {
			return r, err
		}
		if card.ID.Claim != 0 {
			continue
		}
		n, _ := s.named(card.ID.Program)
		for _, n := range slices.Compact([]int64{n, 0}) {
			x := stamps.Cancel{Card: card.ID, Of: s.Order, N: n, Reason: s.Reason, Place: stamps.Place{By: s.By}, Key: s.Key}
			out, err := s.cards.Preview().Cancel(ctx, x)
			if err == nil && out.Replayed {
				r.Replayed = true
				r.Stamps = append(r.Stamps, StampsBack{card.ID.Program, TakenBack, &out})
			}
		}
	}
	given, err := s.given(ctx)
	if err != nil {
		return r, err
	}
	for _, v := range given {
		var out reward.Outcome
		switch v.State {
		case reward.Returned:
			out, err = s.rewards.Preview().Return(ctx, reward.Return{Voucher: v.ID, Reason: s.Reason, By: s.By, Key: s.keyOf(v.ID)})
		case reward.Cancelled:
			out, err = s.rewards.Preview().Cancel(ctx, reward.Cancel{Holder: v.ID.Holder, Order: v.Order, Reason: s.Reason, By: s.By, Key: s.keyOf(v.ID)})
		}
		if err == nil && out.Replayed {
			r.Replayed = true
			for _, done := range out.Vouchers {
				r.Vouchers = append(r.Vouchers, VoucherBack{Voucher: done, Fate: TakenBack})
			}
		}
	}
	if r.Points != nil {
		r.Whole, err = s.whole(ctx)
		return r, err
	}
	r.Whole = s.All
	return r, nil
}
