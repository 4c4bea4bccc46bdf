package stamps

import "time"

// Cancel decides on a Cancel of the stamps of record, where above are the coupons that Lookup.Above gives. Errors:
// ErrUnknownCard, ErrUnknownRecord, ErrCancelled, ErrTooFew, *UsedError.
func (r Rules) Cancel(c Card, record *Record, above []Coupon, x Cancel, now time.Time) (Decision, error) {
	switch {
	case c.Version == 0:
		return Decision{}, ErrUnknownCard
	case record == nil || record.Purpose != PurposeStamp:
		return Decision{}, ErrUnknownRecord
	case record.Cancelled == record.N:
		return Decision{}, ErrCancelled
	}
	m, err := r.change(c, now, x.Nickname)
	if err != nil {
		return Decision{}, err
	}
	n := x.N
	if n == 0 {
		n = record.N - record.Cancelled
	}
	if n > record.N-record.Cancelled || record.Seq <= m.card.State.Stood {
		return Decision{}, ErrTooFew
	}
	if err := m.lower(n, above); err != nil {
		return Decision{}, err
	}
	m.forget(record.Seq, n)
	cancelled := *record
	cancelled.Cancelled += n
	m.records = append(m.records, cancelled)
	m.record(Record{Purpose: PurposeCancel, N: -n, Of: record.Seq, Reason: x.Reason}, x.Place)
	return m.end(), nil
}

// Adjust decides on an Adjust, which opens the card where it is the first to give stamps. Errors: ErrNoCard,
// ErrUnknownCard, ErrFull, ErrTooFew, *UsedError.
func (r Rules) Adjust(c Card, above []Coupon, a Adjust, now time.Time) (Decision, error) {
	if c.Version == 0 && a.N < 0 {
		return Decision{}, ErrUnknownCard
	}
	m, err := r.change(c, now, a.Nickname)
	if err != nil {
		return Decision{}, err
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

// Transfer decides on both cards of a Transfer; the second decision is of To. Errors: ErrUnknownCard, ErrNoCard,
// ErrTooFew, ErrFull, *UsedError.
func (r Rules) Transfer(from Card, above []Coupon, to Card, t Transfer, now time.Time) (Decision, Decision, error) {
	fail := func(err error) (Decision, Decision, error) { return Decision{}, Decision{}, err }
	if from.Version == 0 {
		return fail(ErrUnknownCard)
	}
	giver, err := r.change(from, now, "")
	if err != nil {
		return fail(err)
	}
	taker, err := r.change(to, now, t.Nickname)
	if err != nil {
		return fail(err)
	}
	n := t.N
	if n == 0 {
		n = giver.card.Count
	}
	if n == 0 || n > giver.card.Count {
		return fail(ErrTooFew)
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

// Expire decides on an Expire of the card's stamps, or of coupon where it is not nil. Where nothing has lapsed the
// decision has no records. Errors: ErrUnknownCard.
func (r Rules) Expire(c Card, coupon *Coupon, now time.Time) (Decision, error) {
	if c.Version == 0 {
		return Decision{}, ErrUnknownCard
	}
	m, err := r.begin(c, now, "")
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

// change begins a change at now, or at the newest stamp where a clock is behind, of a card that collects stamps.
func (r Rules) change(c Card, now time.Time, nickname string) (*move, error) {
	m, err := r.begin(c, latest(now, c.State.Last), nickname)
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
