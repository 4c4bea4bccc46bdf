package loyalty

import (
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
)

// Refund decides on a Refund of what b books. What is taken back is decided by what the purchase
// earned, whatever the program is now. Errors: ErrUnknownAccount, ErrMerged, ErrUnknownBooking,
// ErrUnknownLine, ErrTooMuch, *errs.InputError, ErrOverflow.
func (p *Program) Refund(a Account, b *Booking, c Refund, now time.Time) (Decision, error) {
	d, _, err := p.change(a, "", now)
	if err != nil {
		return Decision{}, err
	}
	if b == nil || b.Spent {
		return Decision{}, ErrUnknownBooking
	}
	next, climbed := b.clone(), d.climbed()
	if err := next.take(c); err != nil {
		return Decision{}, err
	}
	if err := d.giveBack(next); err != nil {
		return Decision{}, err
	}
	next.Changes++
	d.Booking = next
	d.Of, d.Reason = c.Of, c.Reason
	if d.taken {
		if err := d.regift(climbed); err != nil {
			return Decision{}, err
		}
		d.relevel(b.At, false)
	}
	return d.end(a)
}

// Return decides on a Return of what b books. Errors: ErrUnknownAccount, ErrMerged,
// ErrUnknownBooking, ErrTooMuch, ErrOverflow.
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
	return d.end(a)
}

// refunding is a refund on its way.
type refunding struct {
	*deed
	b       *Booking
	taken   []int64      // by portion: revoked now
	moved   [][]DayTotal // by portion: what came in its place, of other events, by their days
	instead int64        // units of the first currency that rules give beyond their share now, or less
}

// giveBack takes back what is due of a booking now, whatever the rules are now.
func (d *deed) giveBack(b *Booking) error {
	r := refunding{deed: d, b: b, taken: make([]int64, len(b.Parts)), moved: make([][]DayTotal, len(b.Parts))}
	day := dayOf(b.At.In(d.p.zone).Date())
	dues, firsts := d.dues(day)
	if err := r.uses(); err != nil {
		return err
	}
	if err := r.revoke(); err != nil {
		return err
	}
	if err := r.uncount(day); err != nil {
		return err
	}
	if err := d.unprize(day, dues, firsts); err != nil {
		return err
	}
	d.forgetReached()
	return nil
}

// uses gives back what the event used: what was carried, then the caps of rules, then those of the
// program, which see what the others come to.
func (r *refunding) uses() error {
	carried := map[RuleID]int64{} // what a rule with a cap gives more or less for its blocks
	for i := range r.b.Uses {
		if u := &r.b.Uses[i]; u.Of == UseCarry {
			if err := r.uncarry(u, carried); err != nil {
				return err
			}
		}
	}
	for _, program := range []bool{false, true} {
		for i := range r.b.Uses {
			u := &r.b.Uses[i]
			if u.Of == UseCarry || (u.Rule == "") != program {
				continue
			}
			if err := r.unuse(u, carried[u.Rule]); err != nil {
				return err
			}
		}
	}
	return nil
}

// uncarry takes what was counted out of what is carried, and out of blocks where that does not
// suffice: those that others completed thanks to it, once all of the purchase came back. Until then
// no more of the purchase's own blocks than the share that came back, in whole ones: the rest stays
// owed.
func (r *refunding) uncarry(u *Use, capped map[RuleID]int64) error {
	back := r.b.back(u.Shares, u.Whole)
	n := cumulative(u.N, back) - u.Back
	u.Back += n
	left := carriedOf(r.Next.Carried, u.Rule) - n
	undone := int64(0)
	switch {
	case left < 0 && r.b.isBack():
		undone = (u.Amount - 1 - left) / u.Amount
	case left < 0:
		undone = min(-left/u.Amount, cumulative(u.Blocks, back)-u.Undone)
	}
	r.Next.Carried = carry(r.Next.Carried, u.Rule, left+undone*u.Amount)
	u.Undone += undone
	more, err := worth(min(undone, max(0, u.Undone-u.Blocks)), u.Each) // for those of others
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(r.b.Uses, func(o Use) bool { return o.Rule == u.Rule && o.Of == UsePoints && o.Each > 0 }); i >= 0 {
		capped[u.Rule], err = worth(more, million*million/r.b.Uses[i].Each)
		return err
	}
	r.more(u.Part, more)
	return nil
}

// more makes that a portion gives back so much beyond its share.
func (r *refunding) more(part int, n int64) {
	if part < 0 {
		return
	}
	r.b.Parts[part].More += n
	if r.b.Parts[part].Currency == r.p.def.Currencies[0].ID {
		r.instead += n
	}
}

// unuse gives room under caps back. besides is what the rule gives more or less than its share by
// now.
func (r *refunding) unuse(u *Use, besides int64) error {
	back := r.b.used(u)
	n, over := cumulative(u.N, back)-u.Back, cumulative(u.Over, back)-u.OverBack
	if u.Rule == "" && u.Of == UsePoints {
		n = r.b.dueOf(r.b.Parts[u.Part].Currency) - u.Back // all that its portions give back
	}
	u.Back, u.OverBack = u.Back+n, u.OverBack+over
	var others []DayTotal
	if u.Rule == "" && u.Of == UsePoints {
		besides = r.instead
		for i, p := range r.b.Parts {
			if p.Currency == r.p.def.Currencies[0].ID {
				others, r.moved[i] = append(others, r.moved[i]...), nil
			}
		}
	}
	given := n + besides + u.Spare
	for _, o := range others {
		given += o.N
	}
	u.Spare = min(0, given)
	before := u.Back - n
	for _, o := range others {
		before += o.N
	}
	lost := r.deed.unuse(u, r.p.capsOf(u.Rule), max(0, given), over, u.Over-u.OverBack, before, others, r.b.At)
	more := lost.lost - n
	if u.Rule == "" {
		more -= besides
	}
	was, err := worth(u.More, u.Each)
	if err != nil {
		return err
	}
	u.More += more
	units, err := worth(u.More, u.Each)
	if err != nil {
		return err
	}
	r.more(u.Part, units-was)
	if u.Part < 0 {
		return nil
	}
	for _, p := range lost.places {
		units, err := worth(p.N, u.Each)
		if err != nil {
			return err
		}
		r.moved[u.Part] = append(r.moved[u.Part], DayTotal{p.Day, units})
	}
	return nil
}

// revoke takes back what is due of each portion now. Where it is less than was taken before, for
// others got it since, another portion of its currency bears it, or it comes back.
func (r *refunding) revoke() error {
	due := make([]int64, len(r.b.Parts))
	left := map[ids.Currency]int64{}
	revoke := func(part *Portion, lots []Lot, n int64) error {
		w, m, err := r.holding(part.Currency).Wallet.Revoke(lots, n, part.Overdraft, r.now)
		if err != nil {
			return err
		}
		r.post(part.Currency, w, m, revoked)
		part.Back += n
		return nil
	}
	for i := range r.b.Parts {
		part := &r.b.Parts[i]
		if part.Rule == "" {
			due[i] = r.b.due(i) + part.More - part.Back
			left[part.Currency] += max(0, -due[i])
			continue
		}
		if lots := r.unraise(r.b, part); len(lots) > 0 {
			if err := revoke(part, lots, Sum(lots)); err != nil {
				return err
			}
		}
	}
	for i := range r.b.Parts {
		part := &r.b.Parts[i]
		borne := min(max(0, due[i]), left[part.Currency])
		left[part.Currency] -= borne
		n := max(0, due[i]) - borne
		if n == 0 {
			continue
		}
		if err := revoke(part, part.Lots, n); err != nil {
			return err
		}
		r.taken[i] = n
	}
	for i := range r.b.Parts {
		part := &r.b.Parts[i]
		n := min(max(0, -due[i]), left[part.Currency])
		if n == 0 {
			continue
		}
		left[part.Currency] -= n
		if err := r.restore(part, n); err != nil {
			return err
		}
		r.taken[i] = -n
	}
	return nil
}

// restore gives points back to others in the place of a portion.
func (r *refunding) restore(part *Portion, n int64) error {
	u, _ := r.p.currency(part.Currency)
	lots, _ := take(part.Lots, n, func(Lot) bool { return true })
	if u != nil && u.follows() {
		for i, l := range lots {
			lots[i] = r.dated(u, l, r.now)
		}
	}
	if rest := n - Sum(lots); rest > 0 {
		if u == nil {
			return nil
		}
		lots = append(lots, r.lot(u, rest, r.now, time.Time{}))
	}
	w, m, err := r.holding(part.Currency).Wallet.Return(lots, r.now)
	if err != nil {
		return err
	}
	r.post(part.Currency, w, m, func(m Movement) Totals { return Totals{Revoked: -Sum(m.Credited)} })
	part.Back -= n
	return nil
}

// uncount takes back what is due of the metrics now.
func (r *refunding) uncount(day int64) error {
	for i := range r.b.Counts {
		c := &r.b.Counts[i]
		n := int64(0)
		if c.Part >= 0 {
			n = r.taken[c.Part]
			for _, o := range r.moved[c.Part] {
				n += o.N
			}
		} else {
			n = cumulative(c.N, r.b.counted(c)) - c.Back
		}
		t := r.tallyOf(c.Tally)
		if t == nil || n == 0 && (c.Part < 0 || r.moved[c.Part] == nil) {
			continue
		}
		c.Back, r.deed.taken = c.Back+n, true
		t.Tally = t.Tally.takeBack(n, day)
		if c.Part < 0 {
			continue
		}
		for _, o := range r.moved[c.Part] {
			if err := r.count(c.Tally, o.N, noonOf(o.Day, r.p.zone), r.p.keep[c.Tally]); err != nil {
				return err
			}
		}
	}
	return nil
}
