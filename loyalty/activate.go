package loyalty

import (
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// An Activate lets points that are pending be spent from now on: those that an event earned, as
// when its order was delivered. They keep their end. Where the member of the account was merged
// into another one since, that one may spend them.
type Activate struct {
	Account  AccountID    `json:"account"`            // that earned them
	Of       string       `json:"of"`                 // the key of the Earn
	Currency ids.Currency `json:"currency,omitempty"` // "": the program's first
	N        int64        `json:"n,omitempty"`        // 0: all that is pending of it
	Reason   string       `json:"reason,omitempty"`   // why, for the journal
	By       string       `json:"by,omitempty"`       // who did it, for the journal
	Key      string       `json:"-"`                  // idempotency key; required
}

// Activate decides on an Activate of what b books. Errors: ErrUnknownAccount, ErrMerged,
// ErrUnknownCurrency, ErrUnknownBooking, ErrTooMuch: fewer are pending of it.
func (p *Program) Activate(a Account, b *Booking, c Activate, now time.Time) (Decision, error) {
	d, u, err := p.change(a, c.Currency, now)
	if err != nil {
		return Decision{}, err
	}
	if b == nil || b.Spent {
		return Decision{}, ErrUnknownBooking
	}
	next := b.clone()
	left, all := c.N, c.N == 0
	var begun []Lot
	for i := range next.Parts {
		if part := &next.Parts[i]; part.Currency == u.ID {
			n := d.pending(part)
			if !all {
				n = min(n, left)
			}
			begun = append(begun, part.begin(n, d.now)...)
			left -= n
		}
	}
	if !all && left > 0 || len(begun) == 0 {
		return Decision{}, ErrTooMuch
	}
	w, m, err := d.holding(u.ID).Wallet.Activate(begun, d.now)
	if err != nil {
		return Decision{}, err
	}
	d.post(u.ID, w, m, nothing)
	next.Changes++
	d.Booking = next
	d.Of, d.Reason = c.Of, c.Reason
	return d.end(a)
}

// pending returns how many points of a portion have not begun, and were not taken back.
func (d *deed) pending(part *Portion) int64 {
	n := int64(0)
	for _, l := range part.Lots {
		if !l.begun(d.now) {
			n += l.N
		}
	}
	if n = min(n, part.N-part.Back); n <= 0 {
		return 0
	}
	held := int64(0)
	for _, l := range d.holding(part.Currency).Wallet.Lots {
		if slices.ContainsFunc(part.Lots, func(c Lot) bool { return !c.begun(d.now) && c.From.Equal(l.From) }) {
			held += l.N
		}
	}
	return min(n, held)
}

// begin makes that n points of a portion have begun, and returns them as they were.
func (part *Portion) begin(n int64, now time.Time) []Lot {
	begun, left := take(part.Lots, n, func(l Lot) bool { return !l.begun(now) })
	part.Lots = left
	for _, l := range begun {
		l.From = time.Time{}
		part.Lots = append(part.Lots, l)
	}
	return begun
}

// Activate lets points of lots that are pending be spent from now on, as they were credited: their
// own, and as far as those are not there others that begin with them. It repays the debt first.
// Errors: ErrTooMuch: they are not there.
func (w Wallet) Activate(lots []Lot, now time.Time) (Wallet, Movement, error) {
	m := begin(w, now)
	for _, c := range lots {
		c.From, c.To, c.Since = journal.Instant(c.From), journal.Instant(c.To), journal.Instant(c.Since)
		pending := func(l Lot) bool { return !l.begun(m.At) && l.From.Equal(c.From) }
		own := func(l Lot) bool { return pending(l) && c.like(l) }
		for _, may := range []func(Lot) bool{own, pending} { // a merger may have given them another Since
			var taken []Lot
			taken, m.w.Lots = take(m.w.Lots, c.N, may)
			for _, l := range taken {
				l.From = time.Time{}
				m.Begun = append(m.Begun, l)
				c.N -= l.N
			}
		}
		if c.N > 0 {
			return w, Movement{}, ErrTooMuch
		}
	}
	m.w.Lots = append(m.w.Lots, m.Begun...)
	m.step(m.At)
	return m.end()
}
