package storagetest

import (
	"context"
	"errors"
	"testing"

	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Rule 3: a change is stored whole or not at all, by itself: in a transaction that commits, and
// beside other changes of its Save, which are stored.
func atomicity(s suite) {
	for name, cards := range map[string][]stamps.Card{
		"cards, of which the first is stale":           {card("from", 5), card("to", 1)},
		"cards, of which the second is stale":          {card("from", 1), card("to", 5)},
		"cards, of which the first has a taken number": {claim("from", 1, 1), card("to", 1)},
		"cards, of which the second has one":           {card("from", 1), claim("to", 1, 1)},
	} {
		change := stamps.Change{Cards: cards, Entries: []journal.Entry{entry("transfer", "new", 1)}}
		s.each(name+", stores nothing of them", losingCards(change, journal.ErrConflict))
	}
	twoKeys := []journal.Entry{entry("transfer", "new", 1), entry("taken", "key", 2)}
	s.each("cards with a used key stores nothing of them",
		losingCards(stamps.Change{Cards: []stamps.Card{card("from", 1), card("to", 1)}, Entries: twoKeys}, journal.ErrDuplicate))
	s.each("cards that are stale, with a used key, answers duplicate",
		losingCards(stamps.Change{Cards: []stamps.Card{card("from", 5), card("to", 1)}, Entries: twoKeys}, journal.ErrDuplicate))
	s.each("cards with one number gives it to one of them", oneNumber)

	s.each("of a scope that is stale stores nothing of it", losingScope(2, entry("otp", "new", 1), journal.ErrConflict))
	s.each("of a scope with a used key stores nothing of it", losingScope(0, entry("taken", "key", 1), journal.ErrDuplicate))
	s.each("spent codes stores those that stand", losingSpend)
}

// withRows gives each card of a change a record and a coupon.
func withRows(c stamps.Change) stamps.Change {
	for _, card := range c.Cards {
		c.Records = append(c.Records, record(card.ID, 1))
		c.Coupons = append(c.Coupons, coupon(card.ID, 1))
	}
	return c
}

func losingCards(loser stamps.Change, want error) func(s *scene) {
	loser = withRows(loser)
	return func(s *scene) {
		before := withRows(stamps.Change{Cards: []stamps.Card{card("before", 1), card("beside", 1)},
			Entries: []journal.Entry{entry("winner", "before", 1)}})
		after := withRows(stamps.Change{Cards: []stamps.Card{card("after", 1)},
			Entries: []journal.Entry{entry("winner", "after", 2)}})
		s.do(func(ctx context.Context, tx storage.Tx) {
			must(s.t, one(tx.Stamps().Save(ctx, []stamps.Change{
				{Cards: []stamps.Card{claim("holder", 1, 1)}, Entries: []journal.Entry{entry("taken", "key", 1)}},
			})))
			errs, err := tx.Stamps().Save(ctx, []stamps.Change{before, loser, after})
			must(s.t, err)
			if len(errs) != 3 {
				s.t.Fatalf("%d answers for 3 changes", len(errs))
			}
			must(s.t, errors.Join(errs[0], errs[2]))
			isError(s.t, "loser", errs[1], want)
		})
		s.do(func(ctx context.Context, tx storage.Tx) {
			holdsRows(ctx, s.t, tx, loser, false)
			holdsRows(ctx, s.t, tx, before, true)
			holdsRows(ctx, s.t, tx, after, true)
			equal(s.t, "entries of the loser", len(list(s.t, tx.Journal().Of(ctx, "transfer"))), 0)
			equal(s.t, "entries of the winners", len(list(s.t, tx.Journal().Of(ctx, "winner"))), 2)
			equal(s.t, "entries of the key's owner", len(list(s.t, tx.Journal().Of(ctx, "taken"))), 1)
		})
	}
}

func holdsRows(ctx context.Context, t testing.TB, tx storage.Tx, c stamps.Change, stored bool) {
	t.Helper()
	for i, card := range c.Cards {
		want := stamps.Loaded{Card: stamps.Card{ID: card.ID}}
		if stored {
			want = stamps.Loaded{Card: card, Record: &c.Records[i], Coupons: c.Coupons[i : i+1]}
		}
		got, err := tx.Stamps().Load(ctx, []stamps.Lookup{{Card: card.ID, Record: 1, Coupon: 1}})
		must(t, err)
		equal(t, "rows of "+card.ID.String(), got, []stamps.Loaded{want})
	}
}

func oneNumber(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		errs, err := tx.Stamps().Save(ctx, []stamps.Change{
			{Cards: []stamps.Card{claim("a", 1, 7)}}, {Cards: []stamps.Card{claim("b", 1, 7)}}, {Cards: []stamps.Card{claim("c", 1, 8)}},
		})
		must(s.t, err)
		must(s.t, errs[2])
		lost := 0
		for _, err := range errs[:2] {
			if err != nil {
				isError(s.t, "the other", err, journal.ErrConflict)
				lost++
			}
		}
		equal(s.t, "changes that lost", lost, 1)
	})
}

func losingScope(version int64, e journal.Entry, want error) func(s *scene) {
	return func(s *scene) {
		s.do(func(ctx context.Context, tx storage.Tx) {
			must(s.t, cardWriter.save(ctx, tx, "a", 0, "k"))
			must(s.t, one(tx.OTP().Save(ctx, []otp.Change{
				{Scope: otp.ScopeRow{Scope: "other"}, Entries: []journal.Entry{entry("taken", "key", 1)}},
			})))
			errs, err := tx.OTP().Save(ctx, []otp.Change{
				{Scope: otp.ScopeRow{Scope: "north", Version: version}, Meters: []otp.Meter{typist("north", "t", at(9))},
					Codes: []otp.Code{code("north", 1)}, Entries: []journal.Entry{entry("otp", "first", 1), e}},
				{Scope: otp.ScopeRow{Scope: "south"}, Meters: []otp.Meter{typist("south", "t", at(9))},
					Codes: []otp.Code{code("south", 1)}, Entries: []journal.Entry{entry("otp", "second", 2)}},
			})
			must(s.t, err)
			isError(s.t, "loser", errs[0], want)
			must(s.t, errs[1])
		})
		s.do(func(ctx context.Context, tx storage.Tx) {
			got, err := tx.OTP().Load(ctx, []otp.Lookup{
				{Scope: "north", Parties: parties("t"), MACs: [][]byte{mac(1)}, Entry: "otp", Key: "first"},
				{Scope: "south", Parties: parties("t"), MACs: [][]byte{mac(1)}, Entry: "otp", Key: "second"},
			}, at(1))
			must(s.t, err)
			second := entry("otp", "second", 2)
			equal(s.t, "state", got, []otp.State{
				{Scope: otp.ScopeRow{Scope: "north"}},
				{Scope: otp.ScopeRow{Scope: "south", Version: 1}, Meters: []otp.Meter{typist("south", "t", at(9))},
					Codes: []otp.Code{code("south", 1)}, Count: map[int]int64{6: 1}, Record: &second},
			})
		})
	}
}

func losingSpend(s *scene) {
	spend := func(n byte, version int64, e journal.Entry) otp.Spent {
		c := code("north", n)
		c.Version, c.Ended, c.EndedAt, c.EndedBy, c.Sealed = version, otp.Used, at(3), "manager", nil
		return otp.Spent{Code: c, Entries: []journal.Entry{e}}
	}
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, one(tx.OTP().Save(ctx, []otp.Change{{
			Scope: otp.ScopeRow{Scope: "north"}, Codes: []otp.Code{code("north", 1), code("north", 2), code("north", 3)},
			Entries: []journal.Entry{entry("taken", "key", 1)},
		}})))
		errs, err := tx.OTP().Spend(ctx, []otp.Spent{
			spend(1, 2, entry("otp", "stale", 1)), spend(2, 1, entry("otp", "won", 2)), spend(3, 1, entry("taken", "key", 3)),
		})
		must(s.t, err)
		isError(s.t, "stale", errs[0], journal.ErrConflict)
		must(s.t, errs[1])
		isError(s.t, "used key", errs[2], journal.ErrDuplicate)
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		got, err := tx.OTP().Load(ctx, []otp.Lookup{{Scope: "north", MACs: [][]byte{mac(1), mac(2), mac(3)}}}, at(1))
		must(s.t, err)
		won := spend(2, 2, journal.Entry{}).Code
		equal(s.t, "codes", got[0].Codes, []otp.Code{code("north", 1), won, code("north", 3)})
		equal(s.t, "the scope's version", got[0].Scope.Version, 1)
		equal(s.t, "entries", len(list(s.t, tx.Journal().Of(ctx, "otp"))), 1)
	})
}
