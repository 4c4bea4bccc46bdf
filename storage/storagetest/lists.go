package storagetest

import (
	"context"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage"
)

func lists(s suite) {
	s.each("of records have the newest first", newestFirst)
	s.each("of records keep to their query", recordQueries)
	s.each("of records find a part of a nickname, in any case", nicknames)
	s.each("of coupons keep to their query, in the order of their ids", couponQueries)
	s.each("of cards keep to their query, in the order of their ids", cardQueries)
	s.each("that are long are whole", longLists)
}

func newestFirst(s *scene) {
	a, b := card("a", 1), card("b", 1)
	var records []stamps.Record
	for n := range int64(12) {
		records = append(records, record(a.ID, n+1))
		records[n].At = at(n / 4) // several of one time
	}
	other := record(b.ID, 1)
	other.At = at(1).Add(time.Second)
	s.do(func(ctx context.Context, tx storage.Tx) {
		saveCards(ctx, s, tx, stamps.Change{Cards: []stamps.Card{a}, Records: records},
			stamps.Change{Cards: []stamps.Card{b}, Records: []stamps.Record{other}})
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		seqs := func(q stamps.RecordQuery) (all []string) {
			for _, r := range list(s.t, tx.Stamps().Records(ctx, q)) {
				all = append(all, fmt.Sprint(r.Card.Member, r.Seq))
			}
			return all
		}
		equal(s.t, "of the card", seqs(stamps.RecordQuery{Card: &a.ID}),
			[]string{"a12", "a11", "a10", "a9", "a8", "a7", "a6", "a5", "a4", "a3", "a2", "a1"})
		equal(s.t, "of the shop", seqs(stamps.RecordQuery{Shop: "north"}),
			[]string{"a12", "a11", "a10", "a9", "b1", "a8", "a7", "a6", "a5", "a4", "a3", "a2", "a1"})
		equal(s.t, "the first of the shop", seqs(stamps.RecordQuery{Shop: "north", Limit: 6}),
			[]string{"a12", "a11", "a10", "a9", "b1", "a8"})
	})
}

func recordQueries(s *scene) {
	a, b := card("a", 1), card("b", 1)
	purposes := []stamps.Purpose{stamps.PurposeStamp, stamps.PurposeCancel, stamps.PurposeRedeem}
	var records []stamps.Record
	for n := range int64(6) {
		r := record(a.ID, n+1)
		r.Purpose, r.Shop = purposes[n%3], []stamps.ShopID{"north", "south"}[n%2]
		records = append(records, r)
	}
	s.do(func(ctx context.Context, tx storage.Tx) {
		saveCards(ctx, s, tx, stamps.Change{Cards: []stamps.Card{a}, Records: records},
			stamps.Change{Cards: []stamps.Card{b}, Records: []stamps.Record{record(b.ID, 20)}})
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		for name, c := range map[string]struct {
			q    stamps.RecordQuery
			want []int64
		}{
			"card":            {stamps.RecordQuery{Card: &a.ID}, []int64{6, 5, 4, 3, 2, 1}},
			"shop":            {stamps.RecordQuery{Shop: "north"}, []int64{20, 5, 3, 1}},
			"card and shop":   {stamps.RecordQuery{Card: &a.ID, Shop: "north"}, []int64{5, 3, 1}},
			"from":            {stamps.RecordQuery{Card: &a.ID, From: at(4)}, []int64{6, 5, 4}},
			"after that":      {stamps.RecordQuery{Card: &a.ID, From: at(4).Add(time.Microsecond)}, []int64{6, 5}},
			"to":              {stamps.RecordQuery{Card: &a.ID, To: at(3)}, []int64{2, 1}},
			"from and to":     {stamps.RecordQuery{Card: &a.ID, From: at(2), To: at(4)}, []int64{3, 2}},
			"another zone":    {stamps.RecordQuery{Card: &a.ID, From: at(2).In(shanghai), To: at(4).In(shanghai)}, []int64{3, 2}},
			"one purpose":     {stamps.RecordQuery{Card: &a.ID, Purposes: purposes[1:2]}, []int64{5, 2}},
			"two purposes":    {stamps.RecordQuery{Card: &a.ID, Purposes: purposes[1:]}, []int64{6, 5, 3, 2}},
			"limit":           {stamps.RecordQuery{Card: &a.ID, Limit: 2}, []int64{6, 5}},
			"limit of enough": {stamps.RecordQuery{Card: &a.ID, Limit: 6}, []int64{6, 5, 4, 3, 2, 1}},
			"all of it": {stamps.RecordQuery{Card: &a.ID, Shop: "south", From: at(1), To: at(6), Purposes: purposes[:2],
				Nickname: "nick A", Limit: 1}, []int64{4}},
			"nothing": {stamps.RecordQuery{Shop: "west"}, nil},
		} {
			var got []int64
			for _, r := range list(s.t, tx.Stamps().Records(ctx, c.q)) {
				got = append(got, r.Seq)
			}
			equal(s.t, name, got, c.want)
		}
	})
}

func nicknames(s *scene) {
	names := []string{
		"Alice", "ALINA", "中文昵称", "50% off", "50 of 100", "snake_case", "snakeXcase", `back\slash`, `quo"te's`,
		"Öl und ÄÖÜ", "🙂 Li", "",
	}
	a := card("a", 1)
	var records []stamps.Record
	for i, name := range names {
		records = append(records, record(a.ID, int64(i+1)))
		records[i].Nickname = name
	}
	s.do(func(ctx context.Context, tx storage.Tx) {
		saveCards(ctx, s, tx, stamps.Change{Cards: []stamps.Card{a}, Records: records})
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		for part, want := range map[string][]string{
			"ali": {"ALINA", "Alice"}, "ALICE": {"Alice"}, "文昵": {"中文昵称"}, "%": {"50% off"}, "0% O": {"50% off"},
			"_": {"snake_case"}, "E_C": {"snake_case"}, `\`: {`back\slash`}, `"TE'`: {`quo"te's`}, "🙂": {"🙂 Li"},
			"äöü": {"Öl und ÄÖÜ"}, "öL": {"Öl und ÄÖÜ"}, "nobody": nil,
		} {
			var got []string
			for _, r := range list(s.t, tx.Stamps().Records(ctx, stamps.RecordQuery{Card: &a.ID, Nickname: part})) {
				got = append(got, r.Nickname)
			}
			equal(s.t, "with "+part, got, want)
		}
		equal(s.t, "with anything", len(list(s.t, tx.Stamps().Records(ctx, stamps.RecordQuery{Card: &a.ID}))), len(names))
	})
}

var shanghai = time.FixedZone("CST", 8*60*60)

func couponQueries(s *scene) {
	id := func(program, member string, claim int64) stamps.CardID {
		return stamps.CardID{Program: stamps.ProgramID(program), Member: stamps.MemberID(member), Claim: claim}
	}
	var all []stamps.Coupon
	for _, card := range []stamps.CardID{
		id("Tea", "alice", 0), id("coffee", "Bob", 0), id("coffee", "alice", 0), id("coffee", "alice", 2), id("coffee", "alice", 10),
		id("tea", "alice", 0), id("tea", "alice-2", 0), id("tea", "émile", 0), id("tea", "爱丽丝", 0),
	} {
		all = append(all, coupon(card, 2), coupon(card, 10))
	}
	late, redeemed, forever := all[3], all[5], all[6]
	late.Expires, redeemed.State, forever.Expires = at(50), stamps.Redeemed, time.Time{}
	redeemed.Expires = at(50)
	all[3], all[5], all[6] = late, redeemed, forever
	s.do(func(ctx context.Context, tx storage.Tx) {
		for i := len(all) - 2; i >= 0; i -= 2 {
			id := all[i].ID.Card
			saveCards(ctx, s, tx, stamps.Change{Cards: []stamps.Card{{ID: id, Version: 1}}, Coupons: []stamps.Coupon{all[i+1], all[i]}})
		}
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		for name, c := range map[string]struct {
			q    stamps.CouponQuery
			want []stamps.Coupon
		}{
			"member":             {stamps.CouponQuery{Member: "alice"}, append(append(all[0:2:2], all[4:10]...), all[10:12]...)},
			"member and program": {stamps.CouponQuery{Member: "alice", Program: "coffee"}, all[4:10]},
			"limit":              {stamps.CouponQuery{Member: "alice", Program: "coffee", Limit: 3}, all[4:7]},
			"lapsed":             {stamps.CouponQuery{LapsedBefore: at(51)}, []stamps.Coupon{late}},
			"not before its end": {stamps.CouponQuery{LapsedBefore: at(50)}, nil},
			"just after its end": {stamps.CouponQuery{LapsedBefore: at(50).Add(time.Microsecond)}, []stamps.Coupon{late}},
			"lapsed, all": {stamps.CouponQuery{LapsedBefore: at(103)},
				[]stamps.Coupon{all[0], all[2], late, all[4], all[8], all[10], all[12], all[14], all[16]}},
			"lapsed of a program": {stamps.CouponQuery{LapsedBefore: at(103), Program: "coffee"},
				[]stamps.Coupon{all[2], late, all[4], all[8]}},
			"lapsed of a member": {stamps.CouponQuery{LapsedBefore: at(103), Member: "alice"},
				[]stamps.Coupon{all[0], all[4], all[8], all[10]}},
			"lapsed, limit": {stamps.CouponQuery{LapsedBefore: at(103), Limit: 2}, []stamps.Coupon{all[0], all[2]}},
			"nobody":        {stamps.CouponQuery{Member: "nobody"}, nil},
		} {
			equal(s.t, name, list(s.t, tx.Stamps().Coupons(ctx, c.q)), c.want)
		}
	})
}

func cardQueries(s *scene) {
	of := func(program, member string) stamps.Card {
		c := card(member, 1)
		c.ID.Program = stamps.ProgramID(program)
		return c
	}
	all := []stamps.Card{
		of("Tea", "alice"), of("coffee", "Zoe"), of("coffee", "alice"), of("coffee", "bob"), of("tea", "alice"), of("tea", "爱丽丝"),
	}
	all[1].Expires, all[3].Expires = time.Time{}, at(50)
	claimed := claim("alice", 1, 1)
	claimed.Expires = at(1)
	s.do(func(ctx context.Context, tx storage.Tx) {
		saveCards(ctx, s, tx, stamps.Change{Cards: []stamps.Card{claimed}})
		for i := range all {
			saveCards(ctx, s, tx, stamps.Change{Cards: []stamps.Card{all[len(all)-1-i]}})
		}
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		for name, c := range map[string]struct {
			q    stamps.CardQuery
			want []stamps.Card
		}{
			"member":              {stamps.CardQuery{Member: "alice"}, []stamps.Card{all[0], all[2], all[4]}},
			"program":             {stamps.CardQuery{Program: "coffee"}, all[1:4]},
			"member and program":  {stamps.CardQuery{Member: "alice", Program: "coffee"}, all[2:3]},
			"limit":               {stamps.CardQuery{Program: "coffee", Limit: 2}, all[1:3]},
			"lapsed":              {stamps.CardQuery{LapsedBefore: at(51)}, all[3:4]},
			"not before its end":  {stamps.CardQuery{LapsedBefore: at(50)}, nil},
			"lapsed, all":         {stamps.CardQuery{LapsedBefore: at(1001)}, append(all[:1:1], all[2:]...)},
			"lapsed of a program": {stamps.CardQuery{LapsedBefore: at(1001), Program: "tea"}, all[4:]},
			"nobody":              {stamps.CardQuery{Member: "nobody"}, nil},
		} {
			equal(s.t, name, list(s.t, tx.Stamps().Cards(ctx, c.q)), c.want)
		}
	})
}

// longLists are longer than any page that an adapter would read at once.
func longLists(s *scene) {
	const n = 2500
	var changes []stamps.Change
	whole := stamps.Change{Cards: []stamps.Card{card("whole", 1)}}
	for i := range int64(n) {
		changes = append(changes, stamps.Change{Cards: []stamps.Card{card(fmt.Sprintf("m%05d", i), 1)}})
		r := record(whole.Cards[0].ID, i+1)
		r.At = at(1) // of one time, so that a page may end anywhere
		whole.Records, whole.Coupons = append(whole.Records, r), append(whole.Coupons, coupon(r.Card, i+1))
	}
	s.do(func(ctx context.Context, tx storage.Tx) { saveCards(ctx, s, tx, append(changes, whole)...) })
	s.do(func(ctx context.Context, tx storage.Tx) {
		var cards, wantCards []stamps.CardID
		for _, c := range list(s.t, tx.Stamps().Cards(ctx, stamps.CardQuery{Program: "coffee"})) {
			cards = append(cards, c.ID)
		}
		for _, c := range append(changes, whole) {
			wantCards = append(wantCards, c.Cards[0].ID)
		}
		equal(s.t, "cards", cards, wantCards)
		var records, coupons, up, down []int64
		for _, r := range list(s.t, tx.Stamps().Records(ctx, stamps.RecordQuery{Shop: "north"})) {
			records = append(records, r.Seq)
		}
		for _, c := range list(s.t, tx.Stamps().Coupons(ctx, stamps.CouponQuery{Member: "whole"})) {
			coupons = append(coupons, c.ID.N)
		}
		for i := range int64(n) {
			up, down = append(up, i+1), append(down, n-i)
		}
		equal(s.t, "records", records, down)
		equal(s.t, "coupons", coupons, up)
	})
}
