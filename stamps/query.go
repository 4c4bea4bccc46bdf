package stamps

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/bulk"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Card returns a card as it stands: stamps that lapsed are gone from its count, whether or not that
// was written down. ErrUnknownCard: it was never opened.
func (e *Engine) Card(ctx context.Context, id CardID) (Card, error) {
	if err := id.check(); err != nil {
		return Card{}, fmt.Errorf("stamps: card: %w", err)
	}
	found, err := load(ctx, e.frame.Store, []lookup{{Card: id}})
	if err != nil {
		return Card{}, fmt.Errorf("stamps: card %s: %w", id, err)
	}
	if found[0].Card.Version == 0 {
		return Card{}, fmt.Errorf("stamps: card %s: %w", id, ErrUnknownCard)
	}
	return found[0].Card.At(e.frame.Now()), nil
}

// At returns the card as it stands at that time.
func (c Card) At(now time.Time) Card {
	if !c.Expires.IsZero() && !now.Before(c.Expires) {
		c.Count, c.Expires = 0, time.Time{}
	}
	return c
}

// Cards yields the cards of a member in the order of their programs, as they stand.
func (e *Engine) Cards(ctx context.Context, member ids.Member) iter.Seq2[Card, error] {
	if err := valid.ID("member", member); err != nil {
		return engine.Failed[Card](err)
	}
	now := e.frame.Now()
	return each(cardsOf(ctx, e.frame.Store, member), func(c Card) Card { return c.At(now) })
}

// Coupon returns a coupon as it stands. ErrUnknownCoupon: there is none.
func (e *Engine) Coupon(ctx context.Context, id CouponID) (Coupon, error) {
	if err := id.check(); err != nil {
		return Coupon{}, fmt.Errorf("stamps: coupon: %w", err)
	}
	found, err := load(ctx, e.frame.Store, []lookup{{Card: id.Card, Coupon: id.N}})
	if err == nil && len(found[0].Coupons) == 0 {
		err = ErrUnknownCoupon
	}
	if err != nil {
		return Coupon{}, fmt.Errorf("stamps: coupon %s: %w", id, err)
	}
	return found[0].Coupons[0].At(e.frame.Now()), nil
}

// Coupons yields the coupons of a member, of one program or (where it is "") of all, as they stand.
func (e *Engine) Coupons(ctx context.Context, member ids.Member, program ProgramID) iter.Seq2[Coupon, error] {
	if err := cmp.Or(valid.ID("member", member), valid.OptionalID("program", program)); err != nil {
		return engine.Failed[Coupon](err)
	}
	now := e.frame.Now()
	return each(couponsOf(ctx, e.frame.Store, member, program), func(c Coupon) Coupon { return c.At(now) })
}

// History yields the records of a card, the newest first.
func (e *Engine) History(ctx context.Context, id CardID) iter.Seq2[Record, error] {
	if err := id.check(); err != nil {
		return engine.Failed[Record](err)
	}
	return RecordQuery{Card: &id}.list(ctx, e.frame.Store)
}

// Days is how far back a shop's records are shown where RecordQuery.From is zero.
const Days = 15

// Records yields the records of a shop (流水), the newest first; of the last Days days where q.From
// is zero. *errs.InputError: the query names no shop, or its times are in the wrong order.
func (e *Engine) Records(ctx context.Context, q RecordQuery) iter.Seq2[Record, error] {
	err := cmp.Or(valid.ID("shop", q.Shop), valid.Text("nickname", q.Nickname), valid.Time("from", q.From),
		valid.Time("to", q.To), valid.Between("limit", int64(q.Limit), 0, 1_000_000))
	if err == nil && q.Card != nil {
		err = q.Card.check()
	}
	if err == nil && !q.To.IsZero() && !q.From.Before(q.To) {
		err = &errs.InputError{Field: "to", Reason: "is not after from"}
	}
	if err != nil {
		return engine.Failed[Record](fmt.Errorf("stamps: records: %w", err))
	}
	if q.From.IsZero() {
		until := q.To
		if until.IsZero() {
			until = e.frame.Now()
		}
		q.From = until.AddDate(0, 0, -Days)
	}
	q.From, q.To = journal.Instant(q.From), journal.Instant(q.To)
	return q.list(ctx, e.frame.Store)
}

// A Total sums the records of one day, purpose and manager.
type Total struct {
	Day     string  `json:"day"`     // 2026-11-22, in the zone that was asked for
	Purpose Purpose `json:"purpose"` // of all its records
	By      string  `json:"by"`      // who did it
	Records int64   `json:"records"` // how many
	Stamps  int64   `json:"stamps"`  // given, less those taken
}

// Totals sums what Records yields by day (in zone, an IANA name), purpose and manager, in that
// order, the newest day first.
func (e *Engine) Totals(ctx context.Context, q RecordQuery, zone string) ([]Total, error) {
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "" || zone == "Local" {
		return nil, &errs.InputError{Field: "zone", Reason: "is no IANA time zone of this machine"}
	}
	type group struct {
		day     string
		purpose Purpose
		by      string
	}
	sums := map[group]*Total{}
	for r, err := range e.Records(ctx, q) {
		if err != nil {
			return nil, err
		}
		g := group{r.At.In(loc).Format(time.DateOnly), r.Purpose, r.By}
		if sums[g] == nil {
			sums[g] = &Total{Day: g.day, Purpose: g.purpose, By: g.by}
		}
		sums[g].Records++
		sums[g].Stamps += r.N
	}
	totals := make([]Total, 0, len(sums))
	for _, t := range sums {
		totals = append(totals, *t)
	}
	slices.SortFunc(totals, func(a, b Total) int {
		return cmp.Or(cmp.Compare(b.Day, a.Day), cmp.Compare(a.Purpose, b.Purpose), cmp.Compare(a.By, b.By))
	})
	return totals, nil
}

// Sweep writes down what has lapsed, at most limit cards and limit coupons, many in each write, and
// returns how many there were. Nothing depends on it but the books: a card and a coupon stand as time
// has left them at any instant. It may be stopped, by ctx, and run twice, and in many processes at
// once. One that fails keeps no other waiting; after a hundred errors, which are joined, it stops.
func (e *Engine) Sweep(ctx context.Context, limit int) (n int, err error) {
	ctx, call := e.frame.Begin(ctx, string(KindExpire), "")
	defer call.End(&err)
	next := e.frame.Now().Add(time.Microsecond) // an end is the first instant after
	n, err = bulk.Sweep(ctx, "stamps: sweep", lapsedCards(ctx, e.frame.Store, next), limit, func(cards []Card) (int, []error) {
		due := make([]Expire, len(cards))
		for i, c := range cards {
			due[i] = Expire{Card: c.ID, Key: rand.Text()}
		}
		return e.expire(ctx, due)
	})
	more, err2 := bulk.Sweep(ctx, "stamps: sweep", lapsedCoupons(ctx, e.frame.Store, next), limit, func(coupons []Coupon) (int, []error) {
		due := make([]Expire, len(coupons))
		for i, c := range coupons {
			due[i] = Expire{Card: c.ID.Card, Coupon: c.ID.N, Key: rand.Text()}
		}
		return e.expire(ctx, due)
	})
	return n + more, errors.Join(err, err2)
}

// expire runs commands, those of different cards together, and returns how many took effect, and the
// errors of the others.
func (e *Engine) expire(ctx context.Context, due []Expire) (n int, failed []error) {
	for len(due) > 0 {
		seen := map[CardID]bool{}
		var first, rest []Expire
		for _, x := range due {
			if seen[x.Card] {
				rest = append(rest, x)
			} else {
				first = append(first, x)
			}
			seen[x.Card] = true
		}
		_, errs := together(ctx, e, first)
		for _, err := range errs {
			if err != nil {
				failed = append(failed, err)
			} else {
				n++
			}
		}
		due = rest
	}
	return n, failed
}

func each[T any](seq iter.Seq2[T, error], f func(T) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for v, err := range seq {
			if err == nil {
				v = f(v)
			}
			if !yield(v, err) {
				return
			}
		}
	}
}
