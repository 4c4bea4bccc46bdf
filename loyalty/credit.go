package loyalty

import (
	"cmp"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/internal/calendar"
)

// measure adds the event to the metrics.
func (g *earning) measure() error {
	for _, m := range g.p.metrics {
		n, part, err := g.measured(m)
		if err != nil {
			return err
		}
		if n > 0 {
			g.counts = append(g.counts, Count{Tally: metricTally(m.ID), N: n, Part: part})
		}
	}
	for _, c := range g.counts {
		if err := g.count(c.Tally, c.N, g.e.At, g.p.keep[c.Tally]); err != nil {
			return err
		}
	}
	return nil
}

// measured returns how much of a metric the event is, and with which pot that goes back.
func (g *earning) measured(m *metric) (n int64, part int, err error) {
	part = -1
	switch m.Of {
	case CountPoints:
		for i, p := range g.p.pots {
			if p.currency == m.currency {
				n, part = n+g.units[i], i
			}
		}
		return n, part, nil
	case CountEvents:
		if g.e.kind() == m.On {
			n = g.e.N
		}
		return n, part, nil
	}
	if g.e.Purchase == nil {
		return 0, part, nil
	}
	if m.Of == CountPurchases {
		return 1, part, nil
	}
	of, spend, err := g.linesOf(m.lines)
	if err != nil || m.Of == CountMoney {
		return spend, part, err
	}
	for i := range g.lines {
		if of[i] {
			n += g.lineFacts[i].Quantity
		}
	}
	return n, part, nil
}

// milestones gives what the metrics came to. It counts towards no metric.
func (g *earning) milestones() error {
	for _, r := range g.p.rules[g.e.kind()] {
		if r.metric == nil {
			continue
		}
		a := applied{rule: r, whole: r.lines == nil}
		why, err := g.applies(&a)
		if err != nil {
			return err
		}
		if why != "" {
			g.explain(r, 0, why)
			continue
		}
		w := r.metric.window(g.Next.Joined)
		from, _, _ := w.days(g.e.At, g.p.zone)
		if w.Calendar == "" && w.Anniversary.IsZero() {
			from = 0 // a window that rolls has no end after which milestones come again
		}
		reached := g.reached(r.ID, from)
		times := g.Next.tally(metricTally(r.metric.ID)).Sum(w, g.e.At, g.p.zone)/r.amount - reached.N
		if times <= 0 {
			g.explain(r, 0, TooLittle)
			continue
		}
		exact := multiplied(uint64(times), a.num*uint64(r.amount)) // num is for one of what is counted
		units, ok := rounding(exact.high, exact.low, g.p.pots[r.pot].den, g.p.def.Currencies[r.currency].Round)
		if !ok || units > maxEarned || g.units[r.pot]+int64(units) > maxEarned {
			return ErrOverflow
		}
		reached.N += times
		g.units[r.pot] += int64(units)
		g.counts = append(g.counts, Count{Rule: r.ID, N: times, Part: -1})
		g.explain(r, int64(units)*million, Gave)
	}
	return nil
}

// reached returns the milestones of a rule in the window that begins on that day, for change.
func (d *deed) reached(id RuleID, from int64) *Reached {
	i, ok := slices.BinarySearchFunc(d.Next.Reached, id, func(r Reached, id RuleID) int { return cmp.Compare(r.Rule, id) })
	if !ok {
		d.Next.Reached = slices.Insert(d.Next.Reached, i, Reached{Rule: id, From: from})
	}
	if r := &d.Next.Reached[i]; r.From != from {
		*r = Reached{Rule: id, From: from}
	}
	return &d.Next.Reached[i]
}

// credit puts what was earned into the wallets, and books it for refunds.
func (g *earning) credit() error {
	b := &Booking{Account: g.Account, At: g.e.At, Counts: g.counts}
	if p := g.e.Purchase; p != nil {
		b.Lines = make([]BookedLine, len(p.Lines))
		for i := range p.Lines {
			l := &p.Lines[i]
			b.Lines[i] = BookedLine{ID: l.ID, Paid: l.paid(), Items: l.items()}
		}
	}
	g.acted(g.e.At)
	index := make([]int, len(g.p.pots)) // of the part of each pot
	for i, p := range g.p.pots {
		index[i] = -1
		if g.units[i] == 0 {
			continue
		}
		u := &g.p.def.Currencies[p.currency]
		lot := g.lot(u, g.units[i], g.e.At, g.beginning(p.pending))
		w, m, err := g.holding(u.ID).Wallet.Credit(lot, g.now)
		if err != nil {
			return err
		}
		g.post(u.ID, w, m, issued)
		index[i] = len(b.Parts)
		b.Parts = append(b.Parts, Portion{
			Currency: u.ID, N: lot.N, Lots: m.Credited, Overdraft: cmp.Or(u.Overdraft, BelowZero), Shares: g.shares(i, b.Lines), Whole: g.wholeShare(i),
		})
	}
	for i, c := range b.Counts {
		if c.Part >= 0 {
			b.Counts[i].Part = index[c.Part]
		}
	}
	g.Booking = b
	g.redate(g.now)
	return nil
}

// beginning returns when points may be spent that are pending for so many days.
func (g *earning) beginning(pending int) time.Time {
	if pending == 0 {
		return time.Time{}
	}
	year, month, day := g.e.At.In(g.p.zone).Date()
	return calendar.Midnight(year, month, day+pending, g.p.zone).UTC()
}

// shares returns the weights of the booked lines in what a pot gave, in millionths of a unit.
func (g *earning) shares(pot int, booked []BookedLine) []int64 {
	if len(booked) < 2 {
		return nil // all of it is of the one line
	}
	shares := make([]int64, len(booked))
	p := g.p.pots[pot]
	for i, l := range g.lines {
		j, _ := slices.BinarySearchFunc(booked, l.ID, func(b BookedLine, id string) int { return cmp.Compare(b.ID, id) })
		line := multiplied(g.parts[pot][i], g.factor[p.currency][i])
		shares[j] = fraction(line.high, line.low, p.den*g.p.factors[p.currency])
	}
	return shares
}

// wholeShare returns the weight of what a pot gave for no line.
func (g *earning) wholeShare(pot int) int64 {
	p := g.p.pots[pot]
	n := len(g.lines)
	sum := multiplied(g.parts[pot][n], g.factor[p.currency][n]).plus(multiplied(g.whole[pot], g.p.factors[p.currency]))
	return fraction(sum.high, sum.low, p.den*g.p.factors[p.currency])
}
