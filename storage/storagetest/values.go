package storagetest

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

func values(s suite) {
	s.each("of odd texts come back as they were", func(s *scene) { comeBack(s, oddTexts...) })
	s.each("of odd texts come back one by one too", func(s *scene) {
		for _, text := range oddTexts {
			comeBack(s, text)
		}
	})
	s.each("of numbers come back to the last one", limits)
	s.each("of time come back in UTC, cut to microseconds", times)
	s.each("that are empty come back empty", empties)
}

// oddTexts are ids that valid.ID lets through; each is a text too.
var oddTexts = []string{
	"中文昵称", "🙂🎉", "\u00e9", "e\u0301", "'", `"`, `';--`, `\`, `\\"`, "{", "{a,b}", "{}", "[1,2]", ",", `a,"b",c`, `","`,
	"NULL", "null", "''", "%", "_", "%s", "$1", "?", "?1", ":x", "@x", "`", "0", "-1", "1e3", "true", "a/b", "a%2Fb", "../x", "<b>", "A", "a",
	"ß", "İ", strings.Repeat("x", 128), strings.Repeat("中", 42), strings.Repeat("\\", 128), strings.Repeat(`"`, 128),
}

// comeBack stores rows with these ids and texts through every store, all in one Save, and loads
// them.
func comeBack(s *scene, texts ...string) {
	var changes []stamps.Change
	var lookups []stamps.Lookup
	var wantCards []stamps.Loaded
	var scopes []otp.Change
	var scopeLookups []otp.Lookup
	var wantScopes []otp.State
	for i, text := range texts {
		must(s.t, valid.ID("text", text))
		e := entry(journal.Subject("odd", text), text, 1)
		e.Kind, e.By, e.Input = text, text, []byte(text)

		c := card(text, 1)
		c.ID.Program, c.Nickname = stamps.ProgramID(text), text+" "+text
		r, cp := record(c.ID, 1), coupon(c.ID, 1)
		r.Shop, r.By, r.Via, r.Nickname, r.Reason, r.Purchase.Currency = stamps.ShopID(text), text, text, text, text, text
		r.Peer = &stamps.CardID{Program: c.ID.Program, Member: stamps.MemberID(text), Claim: 3}
		cp.Reward, cp.Name, cp.Shop, cp.By, cp.Nickname = text, " "+text+" ", stamps.ShopID(text), text, text
		changes = append(changes, stamps.Change{
			Cards: []stamps.Card{c}, Records: []stamps.Record{r}, Coupons: []stamps.Coupon{cp}, Entries: []journal.Entry{e},
		})
		lookups = append(lookups, stamps.Lookup{Card: c.ID, Record: 1, Coupon: 1, Entry: e.Subject, Key: text})
		wantCards = append(wantCards, stamps.Loaded{Card: c, Record: &r, Coupons: []stamps.Coupon{cp}, Entry: &e})

		scope := otp.Scope(text)
		cd := code(scope, byte(i))
		cd.KeyID, cd.Holder, cd.Purpose, cd.Payload, cd.Sealed = text, otp.HolderID(text), otp.Purpose(text), []byte(text), []byte(text)
		typist := typist(scope, otp.TypistID(text), at(1))
		scopes = append(scopes, otp.Change{
			Scope: otp.ScopeRow{Scope: scope, Issued: 1}, Meters: []otp.Meter{typist}, Codes: []otp.Code{cd},
		})
		scopeLookups = append(scopeLookups, otp.Lookup{
			Scope: scope, Parties: []otp.Party{typist.Party}, MACs: [][]byte{cd.MAC}, Holder: cd.Holder, Purpose: cd.Purpose,
		})
		wantScopes = append(wantScopes, otp.State{
			Scope: otp.ScopeRow{Scope: scope, Version: 1, Issued: 1}, Meters: []otp.Meter{typist},
			Codes: []otp.Code{cd}, Live: []otp.Code{cd}, Count: map[int]int64{6: 1},
		})

	}
	s.do(func(ctx context.Context, tx storage.Tx) {
		saveCards(ctx, s, tx, changes...)
		must(s.t, allOf(tx.OTP().Save(ctx, scopes)))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		equal(s.t, "cards", lookup(ctx, s, tx, lookups...), wantCards)
		equal(s.t, "scopes", load(ctx, s, tx, at(1), scopeLookups...), wantScopes)
		for i, text := range texts {
			records := tx.Stamps().Records(ctx, stamps.RecordQuery{Shop: stamps.ShopID(text)})
			equal(s.t, "records of the shop", list(s.t, records), changes[i].Records)
			coupons := tx.Stamps().Coupons(ctx, stamps.CouponQuery{Member: stamps.MemberID(text)})
			equal(s.t, "coupons of the member", list(s.t, coupons), changes[i].Coupons)
			cards := tx.Stamps().Cards(ctx, stamps.CardQuery{Program: stamps.ProgramID(text)})
			equal(s.t, "cards of the program", list(s.t, cards), changes[i].Cards)
		}
	})
}

func limits(s *scene) {
	c := card("a", 1)
	c.ID.Claim, c.Number, c.Began = math.MaxInt64, math.MaxInt64, math.MaxInt32
	c.Count, c.Total, c.Round = math.MaxInt64, math.MaxInt64, math.MaxInt64
	c.State.Seq, c.State.Coupons, c.State.Floor, c.State.Stood = math.MaxInt64, math.MaxInt64, math.MaxInt64-1, math.MaxInt64-2
	c.State.Owed = []int64{math.MaxInt64, 1<<53 + 1}
	r, cp := record(c.ID, math.MaxInt64), coupon(c.ID, math.MaxInt64)
	r.N, r.Cancelled, r.Of, r.Coupon, r.Purchase.Amount = math.MinInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64
	cp.Pos = math.MaxInt64
	row := otp.ScopeRow{Scope: "north", Issued: math.MaxInt64}
	cd := code("north", 1)
	cd.Number, cd.Version = math.MaxInt64, math.MaxInt64-1
	cd.MAC, cd.Sealed, cd.Payload = make([]byte, 16), []byte{0, '\\', 'x', 0xff}, []byte{0xff, 0, '"', '\''}
	s.do(func(ctx context.Context, tx storage.Tx) {
		saveCards(ctx, s, tx, stamps.Change{Cards: []stamps.Card{c}, Records: []stamps.Record{r}, Coupons: []stamps.Coupon{cp}})
		must(s.t, one(tx.OTP().Save(ctx, []otp.Change{{Scope: row, Codes: []otp.Code{cd}}})))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		row.Version = 1
		equal(s.t, "card", lookup(ctx, s, tx, stamps.Lookup{Card: c.ID, Record: math.MaxInt64, Coupon: math.MaxInt64, Claims: true}),
			[]stamps.Loaded{{Card: c, Record: &r, Coupons: []stamps.Coupon{cp}, Taken: math.MaxInt64, Claimed: math.MaxInt64}})
		equal(s.t, "scope", load(ctx, s, tx, at(1), otp.Lookup{Scope: "north", MACs: [][]byte{cd.MAC}}),
			[]otp.State{{Scope: row, Codes: []otp.Code{cd}, Count: map[int]int64{6: 1}}})
	})
}

// times stores each time in another zone and with nanoseconds.
func times(s *scene) {
	for _, stored := range []time.Time{
		at(1), time.Unix(0, 0).UTC(), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
		time.Date(2024, 2, 29, 23, 59, 59, 1000, time.UTC), {},
	} {
		given := stored
		if !stored.IsZero() {
			given = stored.Add(999 * time.Nanosecond).In(shanghai)
		}
		member := "at " + stored.Format(time.RFC3339Nano)
		scope := otp.Scope(member)
		rows := func(t time.Time) (stamps.Change, otp.Change) {
			c := card(member, 1)
			c.Opened, c.Expires, c.State = t, t, stamps.State{}
			r, cp, e := record(c.ID, 1), coupon(c.ID, 1), entry(member, "key", 1)
			r.At, cp.Issued, cp.Expires, cp.Ended, e.At = t, t, t, t, t
			cd := code(scope, 1)
			cd.Issued, cd.Expires, cd.Reusable, cd.EndedAt = t, t, t, t
			return stamps.Change{
					Cards: []stamps.Card{c}, Records: []stamps.Record{r}, Coupons: []stamps.Coupon{cp}, Entries: []journal.Entry{e},
				}, otp.Change{
					Scope:  otp.ScopeRow{Scope: scope, Debt: t},
					Meters: []otp.Meter{typist(scope, "t", t)}, Codes: []otp.Code{cd},
				}
		}
		s.do(func(ctx context.Context, tx storage.Tx) {
			cards, codes := rows(given)
			saveCards(ctx, s, tx, cards)
			must(s.t, one(tx.OTP().Save(ctx, []otp.Change{codes})))
		})
		s.do(func(ctx context.Context, tx storage.Tx) {
			cards, codes := rows(stored)
			codes.Scope.Version = 1
			id := cards.Cards[0].ID
			equal(s.t, "card", lookup(ctx, s, tx, stamps.Lookup{Card: id, Record: 1, Coupon: 1, Entry: member, Key: "key"}),
				[]stamps.Loaded{{Card: cards.Cards[0], Record: &cards.Records[0], Coupons: cards.Coupons, Entry: &cards.Entries[0]}})
			equal(s.t, "records", list(s.t, tx.Stamps().Records(ctx, stamps.RecordQuery{Card: &id})), cards.Records)
			equal(s.t, "scope", load(ctx, s, tx, stored, otp.Lookup{Scope: scope, Parties: parties("t"), MACs: [][]byte{mac(1)}}),
				[]otp.State{{Scope: codes.Scope, Meters: codes.Meters, Codes: codes.Codes}})
		})
	}
}

func empties(s *scene) {
	c := stamps.Card{ID: stamps.CardID{Program: "p", Member: "m"}, Version: 1,
		State: stamps.State{Recent: []stamps.Tick{}, Done: []stamps.Run{}, Owed: []int64{}}}
	r := stamps.Record{Card: c.ID, Seq: 1, Purchase: &stamps.Purchase{}}
	cp := stamps.Coupon{ID: stamps.CouponID{Card: c.ID, N: 1}}
	e := journal.Entry{Subject: "s", Key: "k", Input: []byte{}, Before: []byte{}, Result: []byte("{}")}
	cd := otp.Code{Scope: "s", MAC: mac(0), Sealed: []byte{}, Payload: []byte{}}
	s.do(func(ctx context.Context, tx storage.Tx) {
		saveCards(ctx, s, tx, stamps.Change{
			Cards: []stamps.Card{c}, Records: []stamps.Record{r}, Coupons: []stamps.Coupon{cp}, Entries: []journal.Entry{e},
		})
		must(s.t, one(tx.OTP().Save(ctx, []otp.Change{{
			Scope: otp.ScopeRow{Scope: "s"}, Meters: []otp.Meter{}, Codes: []otp.Code{cd},
		}})))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		equal(s.t, "card", lookup(ctx, s, tx, stamps.Lookup{Card: c.ID, Record: 1, Coupon: 1, Entry: "s", Key: "k"}),
			[]stamps.Loaded{{Card: c, Record: &r, Coupons: []stamps.Coupon{cp}, Entry: &e}})
		equal(s.t, "scope", load(ctx, s, tx, at(1), otp.Lookup{Scope: "s", MACs: [][]byte{mac(0)}}),
			[]otp.State{{Scope: otp.ScopeRow{Scope: "s", Version: 1}, Codes: []otp.Code{cd}}})
	})
}
