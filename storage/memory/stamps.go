package memory

import (
	"cmp"
	"context"
	"slices"

	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage/journal"
)

type stampStore struct{ unit }

// Load implements [stamps.Store].
func (s stampStore) Load(ctx context.Context, lookups []stamps.Lookup) ([]stamps.Loaded, error) {
	found := make([]stamps.Loaded, len(lookups))
	err := s.do(ctx, func(t *tables) error {
		for i, l := range lookups {
			found[i] = t.loaded(l)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

func (t *tables) loaded(l stamps.Lookup) stamps.Loaded {
	ld := stamps.Loaded{Card: cloneCard(t.cards[l.Card])}
	ld.Card.ID = l.Card
	if r, ok := t.lookupRecord(l.Card, l.Record); ok {
		r = cloneRecord(r)
		ld.Record = &r
	}
	for _, c := range t.coupons[l.Card] {
		above := l.Above != 0 && c.State != stamps.Voided && c.Pos > ld.Card.Total-l.Above
		if above || c.ID.N == l.Coupon {
			ld.Coupons = append(ld.Coupons, c)
		}
	}
	slices.SortFunc(ld.Coupons, func(a, b stamps.Coupon) int { return cmp.Compare(a.ID.N, b.ID.N) })
	if l.Claims {
		for n := range t.numbers[l.Card.Program] {
			ld.Taken = max(ld.Taken, n)
		}
		ld.Claimed = t.claimed[withoutClaim(l.Card)]
	}
	if l.Free {
		for ld.Free = 1; t.numbers[l.Card.Program][ld.Free] != (stamps.CardID{}); ld.Free++ {
		}
	}
	if l.Key != "" {
		ld.Entry = t.entry(l.Entry, l.Key)
	}
	return ld
}

// lookupRecord finds what Lookup.Record asks for.
func (t *tables) lookupRecord(card stamps.CardID, n int64) (found stamps.Record, ok bool) {
	if n >= 0 {
		found, ok = t.records[card][n]
		return found, ok
	}
	for _, r := range t.records[card] {
		if r.Purpose == stamps.PurposeStamp && (r.Cancelled < r.N || r.N == 0 && r.Cancelled == 0) && (!ok || r.Seq > found.Seq) {
			found, ok = r, true
		}
	}
	return found, ok
}

// Save implements [stamps.Store].
func (s stampStore) Save(ctx context.Context, changes []stamps.Change) ([]error, error) {
	return saveEach(ctx, s.unit, changes, func(t *tables, c stamps.Change) error {
		switch {
		case t.used(c.Entries):
			return journal.ErrDuplicate
		case !t.cardsFit(c.Cards):
			return journal.ErrConflict
		}
		t.putCards(c.Cards)
		for _, r := range c.Records {
			put(t, within(t.records, r.Card), r.Seq, cloneRecord(r))
		}
		for _, cp := range c.Coupons {
			put(t, within(t.coupons, cp.ID.Card), cp.ID.N, storedCoupon(cp))
		}
		t.record(c.Entries)
		return nil
	})
}

// cardsFit reports whether each card follows the one that is stored, and no two cards would have one
// number once these are stored, so that one change may free a number and take it.
func (t *tables) cardsFit(cards []stamps.Card) bool {
	type number struct {
		program stamps.ProgramID
		n       int64
	}
	changed := map[stamps.CardID]bool{}
	taken := map[number]bool{}
	for _, c := range cards {
		if t.cards[c.ID].Version != c.Version-1 {
			return false
		}
		changed[c.ID] = true
	}
	for _, c := range cards {
		if c.Number <= 0 {
			continue
		}
		at := number{c.ID.Program, c.Number}
		if other, ok := t.numbers[at.program][at.n]; taken[at] || ok && !changed[other] {
			return false
		}
		taken[at] = true
	}
	return true
}

func (t *tables) putCards(cards []stamps.Card) {
	for _, c := range cards {
		if old := t.cards[c.ID].Number; old > 0 {
			drop(t, t.numbers[c.ID.Program], old)
		}
	}
	for _, c := range cards {
		if c.Number > 0 {
			put(t, within(t.numbers, c.ID.Program), c.Number, c.ID)
		}
		if of := withoutClaim(c.ID); c.ID.Claim > t.claimed[of] {
			put(t, t.claimed, of, c.ID.Claim)
		}
		put(t, t.cards, c.ID, cloneCard(c))
	}
}

func withoutClaim(id stamps.CardID) stamps.CardID {
	id.Claim = 0
	return id
}

// Program implements [stamps.Store].
func (s stampStore) Program(ctx context.Context, id stamps.ProgramID, version int) (d stamps.Definition, err error) {
	return d, s.program(ctx, programKey{"stamps", string(id), version}, &d, stamps.ErrUnknownProgram)
}

// Publish implements [stamps.Store].
func (s stampStore) Publish(ctx context.Context, d stamps.Definition) error {
	return s.publish(ctx, programKey{"stamps", string(d.ID), d.Version}, d, stamps.ErrPublished)
}

func cloneCard(c stamps.Card) stamps.Card {
	c.Opened, c.Expires = journal.Instant(c.Opened), journal.Instant(c.Expires)
	st := &c.State
	st.First, st.Last = journal.Instant(st.First), journal.Instant(st.Last)
	st.Owed = slices.Clone(st.Owed)
	st.Paid = slices.Clone(st.Paid)
	st.Recent = slices.Clone(st.Recent)
	for i := range st.Recent {
		st.Recent[i].At = journal.Instant(st.Recent[i].At)
	}
	st.Done = slices.Clone(st.Done)
	for i := range st.Done {
		st.Done[i].First = journal.Instant(st.Done[i].First)
	}
	return c
}

func cloneRecord(r stamps.Record) stamps.Record {
	r.At = journal.Instant(r.At)
	if r.Peer != nil {
		peer := *r.Peer
		r.Peer = &peer
	}
	if r.Purchase != nil {
		purchase := *r.Purchase
		purchase.Lines = slices.Clone(purchase.Lines)
		r.Purchase = &purchase
	}
	return r
}

func storedCoupon(c stamps.Coupon) stamps.Coupon {
	c.Issued, c.Expires, c.Ended = journal.Instant(c.Issued), journal.Instant(c.Expires), journal.Instant(c.Ended)
	return c
}
