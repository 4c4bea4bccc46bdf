package stamps

import (
	"fmt"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
)

// Add decides on an Add at now, which is when it happened unless Add.At says otherwise. Errors:
// *errs.InputError, ErrNoCard, ErrClosed, ErrShop, ErrCurrency, ErrMinPurchase, ErrCategory,
// ErrNothing, ErrFull, ErrOrder, *LimitError.
func (r Rules) Add(c Card, a Add, now time.Time) (Decision, error) {
	at := now
	if !a.At.IsZero() {
		at = a.At
		if at.After(now) {
			return Decision{}, &errs.InputError{Field: "at", Reason: "is in the future"}
		}
	}
	if at.Before(c.State.Last) {
		if !a.At.IsZero() {
			return Decision{}, ErrOrder
		}
		at = c.State.Last
	}
	m, err := r.begin(c, at, a.Place)
	if err != nil {
		return Decision{}, err
	}
	m.lapse()
	p := m.played
	if p.def.Card == nil {
		return Decision{}, ErrNoCard
	}
	if err := p.open(at, a.Shop); err != nil {
		return Decision{}, err
	}
	n, steps, err := p.earn(m.card.State, a)
	if err != nil {
		return Decision{}, err
	}
	if n, steps, err = p.limit(m.card.State, a, at, n, steps); err != nil {
		return Decision{}, err
	}
	counted := p.def.Card.Earn.Per == PerPurchase
	full := p.def.Card.PastEnd == Stop && m.card.Count >= p.def.Card.Size
	dropped := m.raise(n)
	if full || dropped > 0 && (counted || dropped == n) {
		return Decision{}, ErrFull
	}
	if counted {
		m.count(p.def.Card.Earn, n)
	}
	if dropped > 0 {
		n -= dropped
		steps = append(steps, Step{"pastEnd", -dropped, fmt.Sprintf("the card of %d is full", p.def.Card.Size)})
	}
	m.record(Record{Purpose: PurposeStamp, N: n, Began: p.def.Version, Purchase: a.Purchase}, a.Place)
	m.tick(Tick{Seq: m.card.State.Seq, At: at, N: n}, p.def.Card.Limit)
	d := m.end()
	d.Steps = steps
	return d, nil
}

// open checks that the program runs at that time in that shop.
func (p *Program) open(at time.Time, shop ids.Shop) error {
	if !within(at, p.def.From, p.def.To) {
		return ErrClosed
	}
	if len(p.def.Shops) > 0 && !slices.Contains(p.def.Shops, shop) {
		return ErrShop // even without a shop: stamps and claims are given somewhere
	}
	return nil
}

// within reports whether t is in [from, to), where a zero time is no bound.
func within(t, from, to time.Time) bool { return !t.Before(from) && (to.IsZero() || t.Before(to)) }

// limit applies the limits on time.
func (p *Program) limit(s State, a Add, at time.Time, n int64, steps []Step) (int64, []Step, error) {
	l := p.def.Card.Limit
	if len(s.Recent) > 0 && l.Cooldown > 0 {
		again := s.Recent[len(s.Recent)-1].At.Add(time.Duration(l.Cooldown) * time.Second)
		if at.Before(again) {
			return 0, nil, &LimitError{"cooldown", again.Sub(at)}
		}
	}
	if l.PerDay == 0 {
		return n, steps, nil
	}
	zone, err := p.location(a.Zone)
	if err != nil {
		return 0, nil, err
	}
	since, again := day(at.In(zone))
	if l.Rolling {
		since = at.Add(-24 * time.Hour).Add(time.Microsecond)
	}
	room := l.PerDay
	for i := len(s.Recent) - 1; i >= 0 && !s.Recent[i].At.Before(since); i-- {
		room -= s.Recent[i].N
		if l.Rolling {
			again = s.Recent[i].At.Add(24 * time.Hour)
		}
	}
	if n > 0 && (room <= 0 || n > room && p.def.Card.Earn.Per == PerPurchase) {
		return 0, nil, &LimitError{"perDay", again.Sub(at)}
	}
	if n > room {
		steps = append(steps, Step{"limit.perDay", room - n, fmt.Sprintf("%d of %d were left", room, l.PerDay)})
		n = room
	}
	return n, steps, nil
}

// day returns the bounds of the calendar day of t, in its zone.
func day(t time.Time) (from, to time.Time) {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location()),
		time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, t.Location())
}

// tick notes a stamp, and drops those that no limit can look back to: a day has at most 26 hours.
func (m *move) tick(t Tick, l Limit) {
	s := &m.card.State
	s.Last = t.At
	s.Recent = append(s.Recent, t)
	for len(s.Recent) > 2 && (l.PerDay == 0 || s.Recent[0].At.Before(t.At.Add(-26*time.Hour))) {
		s.Recent = s.Recent[1:]
	}
}
