package loyalty

import (
	"cmp"
	"math"
	"slices"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// measure adds the event to the metrics.
func (g *earning) measure() error {
	for _, m := range g.p.metrics {
		if err := g.measured(m); err != nil {
			return err
		}
	}
	for _, c := range g.counts {
		if c.N == 0 {
			continue
		}
		if err := g.count(c.Tally, c.N, g.e.At, g.p.keep[c.Tally]); err != nil {
			return err
		}
	}
	return g.use()
}

// measured notes how much of a metric the event is, and what it goes back with.
func (g *earning) measured(m *metric) error {
	add := func(c Count) {
		c.Tally = metricTally(m.ID)
		g.counts = append(g.counts, c)
	}
	switch {
	case m.Of == CountPoints:
		for i, p := range g.p.pots {
			if p.currency == m.currency && (g.units[i] > 0 || g.uses != nil) {
				add(Count{N: g.units[i], Part: i})
			}
		}
		return nil
	case m.Of == CountEvents:
		if g.e.kind() == m.On {
			add(Count{N: g.e.N, Part: -1})
		}
		return nil
	case g.e.Purchase == nil:
		return nil
	case m.Of == CountPurchases:
		add(Count{N: 1, Part: -1})
		return nil
	}
	of, spend, err := g.linesOf(m.lines)
	if err != nil || spend == 0 && m.Of == CountMoney {
		return err
	}
	row := g.row()
	for i := range g.lines {
		switch {
		case !of[i]:
		case m.Of == CountMoney:
			row[i] = uint64(g.lineFacts[i].Amount)
		default:
			row[i] = uint64(g.lineFacts[i].Quantity)
		}
	}
	if n := total(row); n > 0 {
		shares, _ := g.booked(row)
		add(Count{N: int64(n), Part: -1, Shares: shares, Items: m.Of == CountItems})
	}
	return nil
}

// credit puts what was earned into the wallets, and books it for refunds.
func (g *earning) credit() error {
	b := &Booking{Account: g.Account, At: g.e.At, Counts: g.counts, Uses: g.uses}
	if p := g.e.Purchase; p != nil {
		b.Lines = make([]BookedLine, len(p.Lines))
		for i := range p.Lines {
			l := &p.Lines[i]
			b.Lines[i] = BookedLine{ID: l.ID, Item: l.Kind == Item, Paid: l.paid(), Items: l.items()}
		}
	}
	g.acted(g.e.At)
	index := make([]int, len(g.p.pots)) // of the part of each pot
	for i, p := range g.p.pots {
		index[i] = -1
		prizes := int64(0)
		for _, z := range g.prizes {
			if z.pot == i {
				prizes += z.units
			}
		}
		if g.units[i] > MaxEarned-prizes {
			return ErrOverflow
		}
		used := slices.ContainsFunc(b.Uses, func(u Use) bool { return u.Part == i })
		if g.units[i]+prizes == 0 && !used {
			continue
		}
		u := &g.p.def.Currencies[p.currency]
		lot := g.lot(u, g.units[i]+prizes, g.e.At, g.beginning(g.e.At, p.pending))
		lot.From, lot.To, lot.Since = journal.Instant(lot.From), journal.Instant(lot.To), journal.Instant(lot.Since)
		if lot.N > 0 {
			w, m, err := g.holding(u.ID).Wallet.Credit(lot, g.now)
			if err != nil {
				return err
			}
			g.post(u.ID, w, m, issued)
		}
		part := Portion{Currency: u.ID, Overdraft: cmp.Or(u.Overdraft, BelowZero)}
		of := func(n int64) []Lot { return []Lot{{From: lot.From, To: lot.To, N: n, Since: lot.Since}} }
		if g.units[i] > 0 || used {
			index[i] = len(b.Parts)
			left := g.units[i] // where a cap or the rounding left less than the blocks of rules that carry come to
			for j := range b.Uses {
				if u := &b.Uses[j]; u.Part == i {
					u.Units = min(u.Units, left)
					left -= u.Units
				}
			}
			own := part
			own.N, own.Lots = g.units[i], []Lot{}
			if own.N > 0 {
				own.Lots = of(own.N)
				own.Shares, own.Whole = g.booked(g.weights(i))
			}
			b.Parts = append(b.Parts, own)
		}
		for _, z := range g.prizes {
			if z.pot != i {
				continue
			}
			g.reached(z.ID, z.from).raise(g.day, z.times, of(z.units)[0])
			if z.units > 0 {
				own := part
				own.Rule, own.N, own.Lots = z.ID, z.units, of(z.units)
				b.Parts = append(b.Parts, own)
			}
		}
	}
	for i, c := range b.Counts {
		if c.Part >= 0 {
			b.Counts[i].Part = index[c.Part]
		}
	}
	b.Counts = slices.DeleteFunc(b.Counts, func(c Count) bool { return c.N == 0 && c.Part < 0 })
	for i, u := range b.Uses {
		if u.Part >= 0 {
			b.Uses[i].Part = index[u.Part]
		}
	}
	g.Booking = b
	g.redate(g.now)
	return nil
}

// weights returns what a pot gave for each line, and for none, in millionths of a unit: without the
// blocks of rules that carry, which go back as they are undone.
func (g *earning) weights(pot int) []uint64 {
	row := g.row()
	for i := range row {
		row[i] = g.weight(pot, i)
	}
	for i := range g.applied {
		a := &g.applied[i]
		if a.pot != pot || !slices.ContainsFunc(g.uses, func(u Use) bool { return u.Of == UseCarry && u.Rule == a.ID }) {
			continue
		}
		den := g.p.pots[pot].den * g.p.factors[a.currency]
		for l := range row {
			given := g.multiplied(a, l)
			row[l] -= min(row[l], uint64(fraction(given.high, given.low, den)))
		}
	}
	return row
}

// weight returns what a pot gave for a line, in millionths of a unit.
func (g *earning) weight(pot, line int) uint64 {
	p := g.p.pots[pot]
	factors := g.p.factors[p.currency]
	sum := multiplied(g.parts[pot][line], g.factor[p.currency][line]).plus(multiplied(g.bonus[pot][line], factors))
	return uint64(fraction(sum.high, sum.low, p.den*factors)) + g.more[pot][line]
}

// booked returns the weights of the booked lines, and of what is of none. Of a single line, and
// where all is of none: no weights.
func (g *earning) booked(row []uint64) (shares []int64, whole int64) {
	sum := wide{}
	for _, w := range row {
		sum = sum.plus(wide{0, w})
	}
	n := len(g.lines)
	if g.e.Purchase == nil || len(g.e.Purchase.Lines) < 2 || sum == (wide{0, row[n]}) {
		return nil, 0
	}
	shift := 0
	for s := sum; s.high != 0 || s.low > math.MaxInt64; shift++ {
		s = wide{s.high >> 1, s.low>>1 | s.high<<63}
	}
	shares = make([]int64, len(g.e.Purchase.Lines))
	for i, place := range g.places {
		shares[place] = int64(row[i] >> shift)
	}
	return shares, int64(row[n] >> shift)
}
