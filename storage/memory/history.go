package memory

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Records implements [stamps.Store]. Of records of the same time, those of one card go by their numbers, the highest
// first, and those of several by the ids of the cards.
func (s stampStore) Records(ctx context.Context, q stamps.RecordQuery) iter.Seq2[stamps.Record, error] {
	q.From, q.To = journal.Instant(q.From), journal.Instant(q.To)
	return yieldAll(ctx, s.unit, func(t *tables) ([]stamps.Record, error) {
		var found []stamps.Record
		for card, records := range t.records {
			if q.Card != nil && *q.Card != card {
				continue
			}
			for _, r := range records {
				if matches(r, q) {
					found = append(found, cloneRecord(r))
				}
			}
		}
		slices.SortFunc(found, func(a, b stamps.Record) int {
			return cmp.Or(b.At.Compare(a.At), compareCards(a.Card, b.Card), cmp.Compare(b.Seq, a.Seq))
		})
		return first(found, q.Limit), nil
	})
}

func matches(r stamps.Record, q stamps.RecordQuery) bool {
	return (q.Shop == "" || r.Shop == q.Shop) &&
		(q.From.IsZero() || !r.At.Before(q.From)) &&
		(q.To.IsZero() || r.At.Before(q.To)) &&
		(len(q.Purposes) == 0 || slices.Contains(q.Purposes, r.Purpose)) &&
		strings.Contains(strings.ToLower(r.Nickname), strings.ToLower(q.Nickname))
}

// Coupons implements [stamps.Store].
func (s stampStore) Coupons(ctx context.Context, q stamps.CouponQuery) iter.Seq2[stamps.Coupon, error] {
	q.LapsedBefore = journal.Instant(q.LapsedBefore)
	return yieldAll(ctx, s.unit, func(t *tables) ([]stamps.Coupon, error) {
		var found []stamps.Coupon
		for card, coupons := range t.coupons {
			if !of(card, q.Program, q.Member) {
				continue
			}
			for _, c := range coupons {
				if q.LapsedBefore.IsZero() || c.State == stamps.Issued && lapsed(c.Expires, q.LapsedBefore) {
					found = append(found, c)
				}
			}
		}
		slices.SortFunc(found, func(a, b stamps.Coupon) int {
			return cmp.Or(compareCards(a.ID.Card, b.ID.Card), cmp.Compare(a.ID.N, b.ID.N))
		})
		return first(found, q.Limit), nil
	})
}

// Cards implements [stamps.Store].
func (s stampStore) Cards(ctx context.Context, q stamps.CardQuery) iter.Seq2[stamps.Card, error] {
	q.LapsedBefore = journal.Instant(q.LapsedBefore)
	return yieldAll(ctx, s.unit, func(t *tables) ([]stamps.Card, error) {
		var found []stamps.Card
		for id, c := range t.cards {
			if id.Claim == 0 && of(id, q.Program, q.Member) &&
				(q.LapsedBefore.IsZero() || lapsed(c.Expires, q.LapsedBefore)) {
				found = append(found, cloneCard(c))
			}
		}
		slices.SortFunc(found, func(a, b stamps.Card) int { return compareCards(a.ID, b.ID) })
		return first(found, q.Limit), nil
	})
}

// of reports whether the card is of the program and of the member, where those are given.
func of(id stamps.CardID, program stamps.ProgramID, member stamps.MemberID) bool {
	return (program == "" || id.Program == program) && (member == "" || id.Member == member)
}

func lapsed(expires, before time.Time) bool { return !expires.IsZero() && expires.Before(before) }

func compareCards(a, b stamps.CardID) int {
	return cmp.Or(cmp.Compare(a.Program, b.Program), cmp.Compare(a.Member, b.Member), cmp.Compare(a.Claim, b.Claim))
}
