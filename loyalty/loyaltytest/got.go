package loyaltytest

import (
	"context"
	"errors"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/stamps"
)

// got returns what the step came to, as far as it wants to know.
func (w *world) got(s Step, out done) (Want, error) {
	ctx, got := context.Background(), s.Want
	id := loyalty.AccountID{Program: w.program.Definition().ID, Member: s.Member}
	a, err := w.account(id)
	if err != nil {
		return got, err
	}
	got.Earned = moved(got.Earned, out.Moves, func(m loyalty.Move) int64 { return loyalty.Sum(m.Credited) })
	got.Owed = moved(got.Owed, out.Moves, func(m loyalty.Move) int64 { return m.Owed })
	got.Forgone = moved(got.Forgone, out.Moves, func(m loyalty.Move) int64 { return m.Forgone })
	if got.Expiring != nil {
		got.Expiring = map[ids.Currency][]loyalty.Lot{}
		for u := range s.Want.Expiring {
			got.Expiring[u] = a.Wallet(u).Expiring(w.now)
		}
	}
	if got.Totals != nil {
		totals, err := w.points.Totals(ctx, id.Program)
		if err != nil {
			return got, err
		}
		got.Totals = map[ids.Currency]*loyalty.Totals{}
		for u, t := range totals {
			got.Totals[u] = &t
		}
	}
	if got.Until != nil {
		got.Until = &a.Status.Until
	}
	next, ways := w.program.Progress(a, w.now)
	if got.Next != nil {
		got.Next = &next
	}
	if got.Ways != nil {
		got.Ways = ways
	}
	if got.Steps != nil {
		got.Steps = out.Steps
	}
	if got.Entries != nil {
		var n int64
		for _, err := range w.points.Ledger(ctx, id) {
			if err != nil {
				return got, err
			}
			n++
		}
		got.Entries = &n
	}
	if got.Replayed != nil {
		got.Replayed = &out.replayed
	}
	if got.Deducted != nil {
		got.Deducted = &out.deducted
	}
	if got.Stock, err = w.stock(s.Member, got.Stock); err != nil {
		return got, err
	}
	if got.Standing, err = w.standing(id, got.Standing); err != nil {
		return got, err
	}
	if got.Others != nil {
		got.Others = map[ids.Member]Standing{}
		for member, wanted := range s.Want.Others {
			other := loyalty.AccountID{Program: id.Program, Member: member}
			if got.Others[member], err = w.standing(other, wanted); err != nil {
				return got, err
			}
		}
	}
	return got, nil
}

// account returns an account as it is now, or an empty one.
func (w *world) account(id loyalty.AccountID) (loyalty.Account, error) {
	a, err := w.points.Current(context.Background(), id)
	if errors.Is(err, loyalty.ErrUnknownAccount) {
		return loyalty.Account{}, nil
	}
	return a, err
}

// moved returns what a command did, of the currencies that are wanted and of the others where it
// did something.
func moved(wanted map[ids.Currency]int64, moves []loyalty.Move, of func(loyalty.Move) int64) map[ids.Currency]int64 {
	if wanted == nil {
		return nil
	}
	got := map[ids.Currency]int64{}
	for u := range wanted {
		got[u] = 0
	}
	for _, m := range moves {
		if _, ok := got[m.Currency]; ok || of(m) != 0 {
			got[m.Currency] += of(m)
		}
	}
	return got
}

// standing returns how a member stands, as far as that is wanted.
func (w *world) standing(id loyalty.AccountID, s Standing) (Standing, error) {
	a, err := w.account(id)
	if err != nil {
		return s, err
	}
	each := func(wanted map[ids.Currency]int64, of func(loyalty.Balance) int64) map[ids.Currency]int64 {
		if wanted == nil {
			return nil
		}
		got := map[ids.Currency]int64{}
		for u := range wanted {
			got[u] = of(a.Wallet(u).Balance(w.now))
		}
		return got
	}
	s.Balance = each(s.Balance, func(b loyalty.Balance) int64 { return b.Available - b.Debt })
	s.Pending = each(s.Pending, func(b loyalty.Balance) int64 { return b.Pending })
	s.Held = each(s.Held, func(b loyalty.Balance) int64 { return b.Held })
	if s.Level != nil {
		s.Level = &a.Status.Level
	}
	if s.Gifts != nil {
		gifts := map[ids.Level]int64{}
		for level := range s.Gifts {
			gifts[level] = 0
		}
		for _, g := range a.Gifts {
			if _, wanted := gifts[g.Level]; wanted {
				gifts[g.Level] = g.N
			}
		}
		s.Gifts = gifts
	}
	if s.Merged != nil {
		s.Merged = &a.Merged
	}
	if s.Vouchers != nil {
		s.Vouchers = zeros(s.Vouchers)
		for v, err := range w.rewards.Vouchers(context.Background(), reward.VoucherQuery{Member: id.Member}) {
			if err != nil {
				return s, err
			}
			count(s.Vouchers, v.Reward, v.State)
		}
	}
	if s.Coupons != nil {
		s.Coupons = zeros(s.Coupons)
		for c, err := range w.cards.Coupons(context.Background(), id.Member, "") {
			if err != nil {
				return s, err
			}
			count(s.Coupons, c.Reward, c.State)
		}
	}
	s.Cards, err = w.cardsOf(id.Member, s.Cards)
	return s, err
}

// zeros returns the counts that are wanted, each as none.
func zeros[R, S comparable](wanted map[R]map[S]int64) map[R]map[S]int64 {
	none := map[R]map[S]int64{}
	for r, states := range wanted {
		none[r] = map[S]int64{}
		for state := range states {
			none[r][state] = 0
		}
	}
	return none
}

// count adds one of a reward that is wanted.
func count[R, S comparable](counts map[R]map[S]int64, r R, state S) {
	if states, ok := counts[r]; ok {
		states[state]++
	}
}

// cardsOf returns the cards that are wanted; one that was never opened has nothing.
func (w *world) cardsOf(member ids.Member, wanted map[stamps.ProgramID]Card) (map[stamps.ProgramID]Card, error) {
	if wanted == nil {
		return nil, nil
	}
	got := map[stamps.ProgramID]Card{}
	for program, c := range wanted {
		card, err := w.cards.Card(context.Background(), stamps.CardID{Program: program, Member: member})
		if err != nil && !errors.Is(err, stamps.ErrUnknownCard) {
			return nil, err
		}
		if c.Count != nil {
			c.Count = &card.Count
		}
		if c.Total != nil {
			c.Total = &card.Total
		}
		if c.Round != nil {
			c.Round = &card.Round
		}
		got[program] = c
	}
	return got, nil
}

// stock returns what is left of the rewards that are wanted; nil of one without bound, and of one
// that the member does not see.
func (w *world) stock(member ids.Member, wanted map[reward.RewardID]*int64) (map[reward.RewardID]*int64, error) {
	if wanted == nil {
		return nil, nil
	}
	got := map[reward.RewardID]*int64{}
	for _, catalog := range w.catalogs {
		offers, err := w.desk.Offers(context.Background(), reward.HolderID{Catalog: catalog, Member: member})
		if err != nil {
			return nil, err
		}
		for _, o := range offers {
			if _, ok := wanted[o.Reward.ID]; ok {
				got[o.Reward.ID] = o.Left
			}
		}
	}
	return got, nil
}
