package stamps

import (
	"fmt"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
)

// Cancel decides on a Cancel of the stamps of record, where above are the coupons that lookup.Above
// gives. A purchase that was counted is taken back whole: the card becomes what the other purchases
// make of it. Errors: *errs.InputError, ErrUnknownCard, ErrUnknownRecord, ErrOtherShop,
// ErrCancelled, ErrTooFew, *UsedError.
func (r Rules) Cancel(c Card, record *Record, above []Coupon, x Cancel, now time.Time) (Decision, error) {
	switch {
	case c.Version == 0:
		return Decision{}, ErrUnknownCard
	case record == nil || record.Purpose != PurposeStamp:
		return Decision{}, ErrUnknownRecord
	}
	m, err := r.change(c, now, x.Place)
	if err != nil {
		return Decision{}, err
	}
	gave := m.played
	if record.Began != 0 {
		if gave, err = r.version(record.Began); err != nil {
			return Decision{}, err
		}
	}
	counted := gave.def.Card.Earn.Per == PerPurchase
	n := x.N
	if n == 0 {
		n = record.N - record.Cancelled
	}
	cancelled := *record
	cancelled.Cancelled += n
	switch {
	case !gave.cancels(record.Shop, x.Shop):
		return Decision{}, ErrOtherShop
	case record.Cancelled == max(1, record.N):
		return Decision{}, ErrCancelled
	case counted && x.N != 0:
		return Decision{}, &errs.InputError{Field: "n", Reason: "is not for a purchase that is counted whole; leave it out"}
	case n > record.N-record.Cancelled || record.Seq <= m.card.State.Stood:
		return Decision{}, ErrTooFew
	case counted:
		cancelled.Cancelled = max(1, record.N)
		if n, err = m.discount(); err != nil {
			return Decision{}, err
		}
	}
	if n > 0 {
		if err := m.lower(n, above); err != nil {
			return Decision{}, err
		}
	}
	if counted {
		m.shift(record.Seq, gave.def.Card.Earn)
	} else {
		m.forget(record.Seq, n)
	}
	m.records = append(m.records, cancelled)
	m.record(Record{Purpose: PurposeCancel, N: -n, Of: record.Seq, Reason: x.Reason}, x.Place)
	return m.end(), nil
}

// cancels reports whether the shop may take back stamps that another gave.
func (p *Program) cancels(gave, shop ids.Shop) bool {
	return shop == "" || shop == gave || p.def.Card.CancelAt == AnyShop && p.takesPart(shop)
}

// takesPart reports whether the shop does; the administrator, who has none, always does.
func (p *Program) takesPart(shop ids.Shop) bool {
	return shop == "" || len(p.def.Shops) == 0 || slices.Contains(p.def.Shops, shop)
}

// Adjust decides on an Adjust, which opens the card where it is the first to give stamps. Errors:
// ErrNoCard, ErrUnknownCard, ErrShop, ErrFull, ErrTooFew, *UsedError.
func (r Rules) Adjust(c Card, above []Coupon, a Adjust, now time.Time) (Decision, error) {
	if c.Version == 0 && a.N < 0 {
		return Decision{}, ErrUnknownCard
	}
	m, err := r.change(c, now, a.Place)
	if err != nil {
		return Decision{}, err
	}
	if !m.played.takesPart(a.Shop) {
		return Decision{}, ErrShop
	}
	n := a.N
	if n < 0 {
		err = m.lower(-n, above)
	} else {
		n, err = m.fill(n)
	}
	if err != nil {
		return Decision{}, err
	}
	m.record(Record{Purpose: PurposeAdjust, N: n, Reason: a.Reason}, a.Place)
	return m.end(), nil
}

// Transfer decides on both cards of a Transfer; the second decision is of To. Errors:
// *errs.InputError, ErrUnknownCard, ErrNoCard, ErrShop, ErrTooFew, ErrFull, *UsedError.
func (r Rules) Transfer(from Card, above []Coupon, to Card, t Transfer, now time.Time) (Decision, Decision, error) {
	fail := func(err error) (Decision, Decision, error) { return Decision{}, Decision{}, err }
	if from.Version == 0 {
		return fail(ErrUnknownCard)
	}
	giver, err := r.change(from, now, Place{Shop: t.Shop})
	if err != nil {
		return fail(err)
	}
	taker, err := r.change(to, now, t.Place)
	if err != nil {
		return fail(err)
	}
	n := t.N
	if n == 0 {
		n = giver.card.Count
	}
	switch {
	case !giver.played.takesPart(t.Shop):
		return fail(ErrShop)
	case n == 0 || n > giver.card.Count:
		return fail(ErrTooFew)
	case n > maxStamps:
		return fail(&errs.InputError{Field: "n", Reason: fmt.Sprintf("is missing, and the round has more than %d stamps", maxStamps)})
	}
	if err := giver.lower(n, above); err != nil {
		return fail(err)
	}
	if dropped := taker.raise(n); dropped > 0 {
		return fail(ErrFull)
	}
	giver.record(Record{Purpose: PurposeTransfer, N: -n, Peer: &t.To, Reason: t.Reason}, t.Place)
	taker.record(Record{Purpose: PurposeTransfer, N: n, Peer: &t.From, Reason: t.Reason}, t.Place)
	gave, took := giver.end(), taker.end()
	gave.Peer = &took.Card
	return gave, took, nil
}

// Expire decides on an Expire of the card's stamps, or of coupon where it is not nil. Where nothing
// has lapsed the decision has no records. Errors: ErrUnknownCard.
func (r Rules) Expire(c Card, coupon *Coupon, now time.Time) (Decision, error) {
	if c.Version == 0 {
		return Decision{}, ErrUnknownCard
	}
	m, err := r.begin(c, now, Place{})
	if err != nil {
		return Decision{}, err
	}
	if coupon == nil {
		m.lapse()
	} else if lapsed := coupon.At(now); coupon.State == Issued && lapsed.State == Lapsed {
		m.coupons = append(m.coupons, lapsed)
		m.record(Record{Purpose: PurposeExpire, Coupon: coupon.ID.N}, Place{})
	}
	if len(m.records) == 0 {
		return Decision{Outcome: Outcome{Card: c}}, nil
	}
	return m.end(), nil
}

// change begins a change at now, or at the newest stamp where a clock is behind, of a card that
// collects stamps.
func (r Rules) change(c Card, now time.Time, p Place) (*move, error) {
	m, err := r.begin(c, latest(now, c.State.Last), p)
	if err != nil {
		return nil, err
	}
	m.lapse()
	if m.played.def.Card == nil {
		return nil, ErrNoCard
	}
	return m, nil
}

// fill gives n stamps, or as many as find room, and returns how many. ErrFull: none did.
func (m *move) fill(n int64) (int64, error) {
	given := n - m.raise(n)
	if given == 0 {
		return 0, ErrFull
	}
	return given, nil
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
