package loyalty

import (
	"math/big"
	"slices"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
)

func (b *Booking) clone() *Booking {
	c := *b
	c.Lines, c.Parts, c.Counts, c.Uses = slices.Clone(b.Lines), slices.Clone(b.Parts), slices.Clone(b.Counts), slices.Clone(b.Uses)
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
		return &errs.InputError{Field: "all", Reason: "is the way to take back what no purchase earned"}
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

// isBack reports whether all of it came back.
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
	if l.Back += amount; l.Paid > 0 && l.Back == l.Paid {
		l.Gone = l.Items
	}
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
		if l.Back += some; l.Paid > 0 && l.Back == l.Paid {
			l.Gone = l.Items
		}
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

// back returns which part of the lines came back, each with a weight, and with what is of no line.
// Without weights it is the part of the purchase.
func (b *Booking) back(shares []int64, whole int64) *big.Rat {
	if len(b.Lines) == 0 || b.isBack() {
		return big.NewRat(1, 1)
	}
	weights := new(big.Rat)
	for _, s := range shares {
		weights.Add(weights, new(big.Rat).SetInt64(s))
	}
	if weights.Sign() == 0 {
		return b.purchase()
	}
	none := new(big.Rat).SetInt64(whole)
	sum := none.Mul(none, b.purchase())
	for i, s := range shares {
		if s != 0 {
			part := b.Lines[i].part()
			sum.Add(sum, part.Mul(part, new(big.Rat).SetInt64(s)))
		}
	}
	return sum.Quo(sum, weights.Add(weights, new(big.Rat).SetInt64(whole)))
}

// purchase returns which part of the purchase came back: of what was paid for the lines of a kind
// that earns, or for all of them where that is nothing; of the items where all of it is.
func (b *Booking) purchase() *big.Rat {
	for _, weight := range []func(l BookedLine) int64{
		func(l BookedLine) int64 {
			if l.Item {
				return l.Paid
			}
			return 0
		},
		func(l BookedLine) int64 { return l.Paid },
		func(l BookedLine) int64 { return l.Items },
	} {
		all, back := new(big.Rat), new(big.Rat)
		for i := range b.Lines {
			w := new(big.Rat).SetInt64(weight(b.Lines[i]))
			all.Add(all, w)
			back.Add(back, w.Mul(w, b.Lines[i].part()))
		}
		if all.Sign() > 0 {
			return back.Quo(back, all)
		}
	}
	return big.NewRat(1, 1)
}

// part returns which part of the line came back.
func (l *BookedLine) part() *big.Rat {
	if l.Paid > 0 {
		return big.NewRat(l.Back, l.Paid)
	}
	return big.NewRat(l.Gone, max(1, l.Items))
}

// counted returns which part of a count came back.
func (b *Booking) counted(c *Count) *big.Rat {
	if !c.Items {
		return b.back(c.Shares, 0)
	}
	if b.isBack() {
		return big.NewRat(1, 1)
	}
	shares := c.Shares
	if shares == nil {
		shares = []int64{c.N}
	}
	sum := new(big.Rat)
	for i, s := range shares {
		l := &b.Lines[i]
		part := l.part()
		if gone := big.NewRat(l.Gone, max(1, l.Items)); gone.Cmp(part) > 0 {
			part = gone
		}
		sum.Add(sum, part.Mul(part, new(big.Rat).SetInt64(s)))
	}
	return sum.Quo(sum, new(big.Rat).SetInt64(c.N))
}

// used returns which part of a use came back: of what a rule that carries gave under a cap, the
// part of its blocks that were undone.
func (b *Booking) used(u *Use) *big.Rat {
	if u.Of == UsePoints && u.Rule != "" {
		for i := range b.Uses {
			if o := &b.Uses[i]; o.Of == UseCarry && o.Rule == u.Rule && o.Blocks > 0 {
				return big.NewRat(min(o.Undone, o.Blocks), o.Blocks)
			}
		}
	}
	return b.back(u.Shares, u.Whole)
}

// due returns what is due of a portion by what came back, before what others get or lose: for
// blocks of rules that carry by those that were undone, and of the rest by its lines, rounded down.
func (b *Booking) due(part int) int64 {
	own := &b.Parts[part]
	rest, blocks := own.N, int64(0)
	for i := range b.Uses {
		if u := &b.Uses[i]; u.Of == UseCarry && u.Part == part {
			rest -= u.Units
			blocks += share(u.Units, min(u.Undone, u.Blocks), u.Blocks)
		}
	}
	return cumulative(rest, b.back(own.Shares, own.Whole)) + blocks
}

// dueOf returns what is due of a currency, but for milestones.
func (b *Booking) dueOf(id ids.Currency) (n int64) {
	for i := range b.Parts {
		if b.Parts[i].Currency == id && b.Parts[i].Rule == "" {
			n += b.due(i)
		}
	}
	return n
}

// cumulative returns n times a part, rounded down.
func cumulative(n int64, part *big.Rat) int64 {
	x := new(big.Int).Mul(big.NewInt(n), part.Num())
	return x.Quo(x, part.Denom()).Int64()
}
