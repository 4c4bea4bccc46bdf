package loyalty

import (
	"math/big"
	"slices"
	"time"
)

// Refund decides on a Refund of what b books. What is taken back is decided by what the purchase earned, whatever the
// programme is now. Errors: ErrUnknownAccount, ErrMerged, ErrUnknownBooking, ErrUnknownLine, ErrTooMuch, *InputError,
// ErrOverflow.
func (p *Program) Refund(a Account, b *Booking, c Refund, now time.Time) (Decision, error) {
	d, _, err := p.change(a, "", now)
	if err != nil {
		return Decision{}, err
	}
	if b == nil || b.Spent {
		return Decision{}, ErrUnknownBooking
	}
	next := b.clone()
	if err := next.take(c); err != nil {
		return Decision{}, err
	}
	for i := range next.Parts {
		if err := d.revoke(next, i); err != nil {
			return Decision{}, err
		}
	}
	for i := range next.Counts {
		if err := d.uncount(next, &next.Counts[i]); err != nil {
			return Decision{}, err
		}
	}
	next.Changes++
	d.Booking = next
	d.Of, d.Reason = c.Of, c.Reason
	d.fall()
	return d.end(a), nil
}

// Return decides on a Return of what b books. Errors: ErrUnknownAccount, ErrMerged, ErrUnknownBooking, ErrTooMuch,
// ErrOverflow.
func (p *Program) Return(a Account, b *Booking, c Return, now time.Time) (Decision, error) {
	d, _, err := p.change(a, "", now)
	if err != nil {
		return Decision{}, err
	}
	if b == nil || !b.Spent {
		return Decision{}, ErrUnknownBooking
	}
	next := b.clone()
	part := &next.Parts[0]
	left := part.N - part.Back
	n := c.N
	if n == 0 {
		n = left
	}
	if n == 0 || n > left {
		return Decision{}, ErrTooMuch
	}
	// The lots that end last come back first, so that the member loses nothing that was not spent.
	lots := slices.Clone(part.Lots)
	slices.Reverse(lots)
	_, lots = take(lots, part.Back, func(Lot) bool { return true })
	lots, _ = take(lots, n, func(Lot) bool { return true })
	if u, err := p.currency(part.Currency); err == nil && u.follows() {
		for i, l := range lots {
			lots[i] = d.dated(u, l, d.now)
		}
	}
	w, m, err := d.holding(part.Currency).Wallet.Return(lots, d.now)
	if err != nil {
		return Decision{}, err
	}
	d.post(part.Currency, w, m, returned)
	part.Back += n
	next.Changes++
	d.Booking = next
	d.Of, d.Reason = c.Of, c.Reason
	return d.end(a), nil
}

func (b *Booking) clone() *Booking {
	c := *b
	c.Lines, c.Parts, c.Counts = slices.Clone(b.Lines), slices.Clone(b.Parts), slices.Clone(b.Counts)
	return &c
}

// take notes what comes back of the lines.
func (b *Booking) take(c Refund) error {
	switch {
	case c.All:
		if b.Changes > 0 && b.isBack() {
			return ErrTooMuch
		}
		for i := range b.Lines {
			b.Lines[i].Back, b.Lines[i].Gone = b.Lines[i].Paid, b.Lines[i].Items
		}
	case len(b.Lines) == 0:
		return &InputError{Field: "all", Reason: "is the way to take back what no purchase earned"}
	case c.Amount != 0:
		return b.takeAmount(c.Amount)
	}
	for _, l := range c.Lines {
		i := slices.IndexFunc(b.Lines, func(o BookedLine) bool { return o.ID == l.ID })
		if i < 0 {
			return ErrUnknownLine
		}
		if err := b.Lines[i].take(l); err != nil {
			return err
		}
	}
	return nil
}

// isBack tells that all of it came back.
func (b *Booking) isBack() bool {
	return !slices.ContainsFunc(b.Lines, func(l BookedLine) bool { return l.Back < l.Paid || l.Paid == 0 && l.Gone < l.Items })
}

func (l *BookedLine) take(r LineRefund) error {
	amount := r.Amount
	if r.Items > 0 {
		if r.Items > l.Items-l.Gone {
			return ErrTooMuch
		}
		l.Gone += r.Items
		amount = max(0, share(l.Paid, l.Gone, l.Items)-l.Back)
	}
	if amount > l.Paid-l.Back {
		return ErrTooMuch
	}
	l.Back += amount
	return nil
}

// takeAmount spreads an amount over what is left of the lines.
func (b *Booking) takeAmount(amount int64) error {
	var left int64
	for _, l := range b.Lines {
		left += l.Paid - l.Back
	}
	if amount > left {
		return ErrTooMuch
	}
	rest, of := amount, left
	for i := range b.Lines {
		l := &b.Lines[i]
		open := l.Paid - l.Back
		some := share(rest, open, of)
		l.Back += some
		rest, of = rest-some, of-open
	}
	if amount == left {
		for i := range b.Lines {
			b.Lines[i].Gone = b.Lines[i].Items
		}
	}
	return nil
}

// share returns n*part/whole, rounded down; all of n where there is no whole.
func share(n, part, whole int64) int64 {
	if whole == 0 {
		return n
	}
	x := new(big.Int).Mul(big.NewInt(n), big.NewInt(part))
	return x.Quo(x, big.NewInt(whole)).Int64()
}

// back returns which part of the lines came back, weighed by their shares in a portion; by what was paid for them where
// it has none.
func (b *Booking) back(p *Portion) *big.Rat {
	if len(b.Lines) == 0 {
		return big.NewRat(1, 1)
	}
	money := b.weighed(func(i int) int64 { return b.Lines[i].Paid })
	if p == nil || len(p.Shares) == 0 {
		return money
	}
	var sum int64
	for _, s := range p.Shares {
		sum += s
	}
	if sum+p.Whole == 0 {
		return money
	}
	lines := new(big.Rat).Mul(b.weighed(func(i int) int64 { return p.Shares[i] }), big.NewRat(sum, sum+p.Whole))
	whole := new(big.Rat).Mul(money, big.NewRat(p.Whole, sum+p.Whole))
	return lines.Add(lines, whole)
}

// weighed returns which part of the lines came back, each with a weight.
func (b *Booking) weighed(weight func(i int) int64) *big.Rat {
	if b.isBack() {
		return big.NewRat(1, 1)
	}
	total, back := new(big.Rat), new(big.Rat)
	for i, l := range b.Lines {
		w := new(big.Rat).SetInt64(weight(i))
		total.Add(total, w)
		part := new(big.Rat)
		switch {
		case l.Paid > 0:
			part.SetFrac64(l.Back, l.Paid)
		case l.Items > 0:
			part.SetFrac64(l.Gone, l.Items)
		}
		back.Add(back, part.Mul(part, w))
	}
	if total.Sign() == 0 {
		return total
	}
	return back.Quo(back, total)
}

// cumulative returns n times a part, rounded down.
func cumulative(n int64, part *big.Rat) int64 {
	x := new(big.Int).Mul(big.NewInt(n), part.Num())
	return x.Quo(x, part.Denom()).Int64()
}

// revoke takes back what is due of a portion now.
func (d *deed) revoke(b *Booking, i int) error {
	part := &b.Parts[i]
	n := cumulative(part.N, b.back(part)) - part.Back
	if n <= 0 {
		return nil
	}
	w, m, err := d.holding(part.Currency).Wallet.Revoke(part.Lots, n, part.Overdraft, d.now)
	if err != nil {
		return err
	}
	d.post(part.Currency, w, m, revoked)
	part.Back += n
	return nil
}

// uncount takes back what is due of a count now.
func (d *deed) uncount(b *Booking, c *Count) error {
	back := b.back(nil)
	if c.Part >= 0 {
		back = b.back(&b.Parts[c.Part])
	}
	n := cumulative(c.N, back) - c.Back
	if n <= 0 {
		return nil
	}
	c.Back += n
	if c.Rule != "" {
		for i := range d.Next.Reached {
			if r := &d.Next.Reached[i]; r.Rule == c.Rule {
				r.N = max(0, r.N-n)
			}
		}
		return nil
	}
	if _, known := d.p.keep[c.Tally]; !known {
		return nil
	}
	return d.count(c.Tally, -n, b.At, maxDays)
}
