package storagetest

import (
	"context"

	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

func cards(s suite) {
	s.each("that are not there load as version 0 of the id", func(s *scene) {
		s.do(func(ctx context.Context, tx storage.Tx) {
			id := stamps.CardID{Program: "coffee", Member: "alice", Claim: 2}
			got := lookup(ctx, s, tx,
				stamps.Lookup{Card: id, Record: 1, Coupon: 1, Above: 5, Claims: true, Entry: "stamps", Key: "key"},
				stamps.Lookup{Card: id, Record: -1})
			equal(s.t, "loaded", got, []stamps.Loaded{{Card: stamps.Card{ID: id}}, {Card: stamps.Card{ID: id}}})
		})
	})
	s.each("answer lookups in their order", cardsInOrder)
	s.each("load with the record that is asked for", recordAsked)
	s.each("load with the coupons that are asked for", couponsAsked)
	s.each("load with how much of the handout is gone", handout)
	s.each("are stored whole, and records and coupons too", cardsWhole)
	s.each("never share a number in a program", takenNumber)
}

func lookup(ctx context.Context, s *scene, tx storage.Tx, lookups ...stamps.Lookup) []stamps.Loaded {
	s.t.Helper()
	loaded, err := tx.Stamps().Load(ctx, lookups)
	must(s.t, err)
	if len(loaded) != len(lookups) {
		s.t.Fatalf("%d answers for %d lookups", len(loaded), len(lookups))
	}
	return loaded
}

func saveCards(ctx context.Context, s *scene, tx storage.Tx, changes ...stamps.Change) {
	s.t.Helper()
	must(s.t, allOf(tx.Stamps().Save(ctx, changes)))
}

func cardsInOrder(s *scene) {
	a, b := card("a", 1), card("b", 1)
	ofA, ofB := entry("stamps/a", "key", 1), entry("stamps/b", "key", 1)
	first := record(a.ID, 1)
	s.do(func(ctx context.Context, tx storage.Tx) {
		saveCards(ctx, s, tx,
			stamps.Change{Cards: []stamps.Card{a}, Records: []stamps.Record{first}, Entries: []journal.Entry{ofA}},
			stamps.Change{Cards: []stamps.Card{b}, Entries: []journal.Entry{ofB}})
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		none := stamps.CardID{Program: "coffee", Member: "none"}
		equal(s.t, "loaded", lookup(ctx, s, tx,
			stamps.Lookup{Card: b.ID, Record: 1, Entry: "stamps/a", Key: "key"}, stamps.Lookup{Card: none},
			stamps.Lookup{Card: a.ID, Record: 1}, stamps.Lookup{Card: b.ID, Entry: "stamps/b", Key: "key"}, stamps.Lookup{Card: a.ID},
		), []stamps.Loaded{
			{Card: b, Entry: &ofA}, {Card: stamps.Card{ID: none}}, {Card: a, Record: &first}, {Card: b, Entry: &ofB}, {Card: a},
		})
	})
}

func recordAsked(s *scene) {
	a := card("a", 1)
	records := []stamps.Record{record(a.ID, 1), record(a.ID, 2), record(a.ID, 3), record(a.ID, 4)}
	records[1].N, records[1].Cancelled = 3, 2
	records[2].N, records[2].Cancelled = 3, 3
	records[3].Purpose, records[3].N, records[3].Of = stamps.PurposeCancel, -3, 3
	s.do(func(ctx context.Context, tx storage.Tx) {
		saveCards(ctx, s, tx, stamps.Change{Cards: []stamps.Card{a}, Records: records},
			stamps.Change{Cards: []stamps.Card{card("b", 1)}, Records: []stamps.Record{record(card("b", 1).ID, 9)}})
		got := lookup(ctx, s, tx, stamps.Lookup{Card: a.ID}, stamps.Lookup{Card: a.ID, Record: 4}, stamps.Lookup{Card: a.ID, Record: 9},
			stamps.Lookup{Card: a.ID, Record: -1}, stamps.Lookup{Card: card("c", 1).ID, Record: -1})
		equal(s.t, "loaded", got, []stamps.Loaded{
			{Card: a}, {Card: a, Record: &records[3]}, {Card: a}, {Card: a, Record: &records[1]}, {Card: stamps.Card{ID: card("c", 1).ID}},
		})
	})
}

func couponsAsked(s *scene) {
	a := card("a", 1)
	a.Total = 12
	var coupons []stamps.Coupon
	for n := range int64(12) {
		coupons = append(coupons, coupon(a.ID, n+1))
		coupons[n].Pos = n + 1
	}
	coupons[10].State, coupons[10].Ended = stamps.Voided, at(3)
	coupons[11].State, coupons[11].Ended, coupons[11].Shop, coupons[11].By = stamps.Redeemed, at(3), "north", "manager"
	s.do(func(ctx context.Context, tx storage.Tx) {
		saveCards(ctx, s, tx, stamps.Change{Cards: []stamps.Card{a}, Coupons: coupons})
		for _, c := range []struct {
			l    stamps.Lookup
			want []stamps.Coupon
		}{
			{stamps.Lookup{}, nil},
			{stamps.Lookup{Coupon: 11}, coupons[10:11]},
			{stamps.Lookup{Coupon: 13}, nil},
			{stamps.Lookup{Above: 1}, coupons[11:]},
			{stamps.Lookup{Above: 4}, []stamps.Coupon{coupons[8], coupons[9], coupons[11]}},
			{stamps.Lookup{Above: 3, Coupon: 2}, []stamps.Coupon{coupons[1], coupons[9], coupons[11]}},
			{stamps.Lookup{Above: 3, Coupon: 10}, []stamps.Coupon{coupons[9], coupons[11]}},
			{stamps.Lookup{Above: 1, Coupon: 11}, coupons[10:]},
		} {
			c.l.Card = a.ID
			equal(s.t, "coupons", lookup(ctx, s, tx, c.l)[0].Coupons, c.want)
		}
	})
}

func handout(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		other := claim("alice", 9, 100)
		other.ID.Program = "tea"
		for _, c := range []stamps.Card{card("alice", 1), claim("alice", 1, 1), claim("alice", 2, 2), claim("bob", 1, 3), other} {
			saveCards(ctx, s, tx, stamps.Change{Cards: []stamps.Card{c}})
		}
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		for _, c := range []struct {
			card           stamps.CardID
			taken, claimed int64
		}{
			{stamps.CardID{Program: "coffee", Member: "alice"}, 3, 2},
			{stamps.CardID{Program: "coffee", Member: "alice", Claim: 1}, 3, 2},
			{stamps.CardID{Program: "coffee", Member: "bob", Claim: 2}, 3, 1},
			{stamps.CardID{Program: "coffee", Member: "carol"}, 3, 0},
			{stamps.CardID{Program: "tea", Member: "alice"}, 100, 9},
			{stamps.CardID{Program: "cake", Member: "alice"}, 0, 0},
		} {
			got := lookup(ctx, s, tx, stamps.Lookup{Card: c.card, Claims: true})[0]
			equal(s.t, "taken and claimed, for "+c.card.String(), []int64{got.Taken, got.Claimed}, []int64{c.taken, c.claimed})
			got = lookup(ctx, s, tx, stamps.Lookup{Card: c.card})[0]
			equal(s.t, "where nobody asked", []int64{got.Taken, got.Claimed}, []int64{0, 0})
		}
	})
}

func cardsWhole(s *scene) {
	a, r, cp := card("a", 1), record(card("a", 1).ID, 1), coupon(card("a", 1).ID, 1)
	bareCard := stamps.Card{ID: a.ID, Version: 2}
	bareRecord := stamps.Record{Card: a.ID, Seq: 1, Purpose: stamps.PurposeAdjust, N: -4, Cancelled: -4, At: at(9)}
	bareCoupon := stamps.Coupon{ID: cp.ID, State: stamps.Voided, Issued: at(2)}
	whole := func(c stamps.Card, r stamps.Record, cp stamps.Coupon) {
		s.do(func(ctx context.Context, tx storage.Tx) {
			saveCards(ctx, s, tx, stamps.Change{Cards: []stamps.Card{c}, Records: []stamps.Record{r}, Coupons: []stamps.Coupon{cp}})
		})
		s.do(func(ctx context.Context, tx storage.Tx) {
			want := []stamps.Loaded{{Card: c, Record: &r, Coupons: []stamps.Coupon{cp}}}
			equal(s.t, "loaded", lookup(ctx, s, tx, stamps.Lookup{Card: a.ID, Record: 1, Coupon: 1}), want)
			equal(s.t, "cards", list(s.t, tx.Stamps().Cards(ctx, stamps.CardQuery{Member: "a"})), []stamps.Card{c})
			equal(s.t, "records", list(s.t, tx.Stamps().Records(ctx, stamps.RecordQuery{Card: &a.ID})), []stamps.Record{r})
			equal(s.t, "coupons", list(s.t, tx.Stamps().Coupons(ctx, stamps.CouponQuery{Member: "a"})), []stamps.Coupon{cp})
		})
	}
	whole(a, r, cp)
	whole(bareCard, bareRecord, bareCoupon)
	a.Version, r.Cancelled = 3, 1
	whole(a, r, cp)
}

func takenNumber(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		save := func(c stamps.Card) error {
			return one(tx.Stamps().Save(ctx, []stamps.Change{{Cards: []stamps.Card{c}}}))
		}
		must(s.t, save(claim("alice", 1, 1)))
		isError(s.t, "another member", save(claim("bob", 1, 1)), journal.ErrConflict)
		isError(s.t, "another claim", save(claim("alice", 2, 1)), journal.ErrConflict)
		other := claim("bob", 1, 1)
		other.ID.Program = "tea"
		must(s.t, save(other))
		must(s.t, save(claim("bob", 1, 2)))
		must(s.t, save(claim("carol", 1, 0)))
		must(s.t, save(claim("dave", 1, 0)))
		again := claim("alice", 1, 1)
		again.Version = 2
		must(s.t, save(again))
	})
}
