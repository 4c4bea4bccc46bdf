package loyalty

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// give lets the rules that apply give, and multiply.
func (g *earning) give() error {
	for range g.p.pots {
		g.parts, g.bonus, g.more = append(g.parts, g.row()), append(g.bonus, g.row()), append(g.more, g.row())
	}
	for _, one := range g.p.factors {
		factor := g.row()
		for i := range factor {
			factor[i] = one
		}
		g.factor = append(g.factor, factor)
	}
	if err := g.multiply(); err != nil {
		return err
	}
	var best map[string]*applied
	for i := range g.applied {
		a := &g.applied[i]
		if a.Give.Times != "" {
			continue
		}
		if err := g.gift(a); err != nil {
			return err
		}
		if a.Group == "" {
			continue
		}
		if best == nil {
			best = map[string]*applied{}
		}
		mine, o := total(a.parts), best[a.Group]
		if o == nil || mine > total(o.parts) || mine == total(o.parts) && a.ID < o.ID {
			best[a.Group] = a
		}
	}
	for i := range g.applied {
		a := &g.applied[i]
		switch {
		case a.Give.Times != "":
		case a.Group != "" && best[a.Group] != a:
			g.explain(a.rule, 0, GroupGives)
		default:
			if err := g.add(a); err != nil {
				return err
			}
		}
	}
	return nil
}

// multiply finds the factor of each line.
func (g *earning) multiply() error {
	for i := range g.applied {
		a := &g.applied[i]
		if a.Give.Times == "" || a.capped {
			continue
		}
		for l := range g.factor[a.currency] {
			if !a.counts(l) || !g.best(a, l) {
				continue
			}
			high, low := bits.Mul64(g.factor[a.currency][l]/a.times.den, a.times.num)
			if high != 0 {
				return ErrOverflow
			}
			g.factor[a.currency][l] = low
		}
	}
	return nil
}

// best reports whether no other multiplier of the group is for the line and larger.
func (g *earning) best(a *applied, line int) bool {
	if a.Group == "" {
		return true
	}
	for i := range g.applied {
		o := &g.applied[i]
		if o.Group != a.Group || o.rule == a.rule || !o.counts(line) {
			continue
		}
		mine, theirs := a.times.num*(million/a.times.den), o.times.num*(million/o.times.den)
		if theirs > mine || theirs == mine && o.ID < a.ID {
			return false
		}
	}
	return true
}

func total(parts []uint64) (n uint64) {
	for _, p := range parts {
		n += p
	}
	return n
}

// gift finds what a rule gives.
func (g *earning) gift(a *applied) error {
	n := len(g.lines)
	a.parts, a.why = g.row(), Gave
	switch {
	case a.Give.Per == PerEvent:
		a.parts[n] = 1
	case g.e.Purchase == nil:
		a.parts[n] = uint64(g.e.N)
	default:
		for i := range g.lines {
			if !a.counts(i) {
				continue
			}
			if a.Give.Per == PerMoney {
				a.parts[i] = uint64(g.lineFacts[i].Amount)
			} else {
				a.parts[i] = uint64(g.lineFacts[i].Quantity)
			}
		}
	}
	if a.Give.Part == Carry {
		a.counted = g.row()
		copy(a.counted, a.parts)
	}
	if a.Give.Part != Fraction {
		counted := int64(total(a.parts))
		if a.Give.Part == Carry {
			carried := carriedOf(g.Next.Carried, a.ID)
			a.parts[n] += uint64(max(0, carried))
			counted += carried
		}
		a.blocks = max(0, counted/a.amount)
		a.left = counted - a.blocks*a.amount
		g.bring(a, uint64(a.blocks*a.amount))
	}
	var sum uint64
	for i := range a.parts {
		high, low := bits.Mul64(a.parts[i], a.num)
		total, carry := bits.Add64(sum, low, 0)
		if high != 0 || carry != 0 {
			return ErrOverflow
		}
		a.parts[i], sum = low, total
	}
	if sum == 0 {
		a.why = TooLittle
	}
	if a.capped {
		den := g.p.pots[a.pot].den
		units, _ := rounding(0, sum, den, g.p.def.Currencies[a.currency].Round)
		a.wanted = perOne(a.Caps, int64(min(units, MaxEarned)))
		left := g.left(a.rule, a.wanted)
		if uint64(left) < units {
			a.why = Capped
		}
		g.bring(a, uint64(left)*den)
	}
	return nil
}

// bring makes the sum of the parts come to a number: it takes from the lines that are multiplied
// least first, from those that are multiplied alike by their shares, and adds to the first of those
// that have some.
func (g *earning) bring(a *applied, to uint64) {
	parts, sum := a.parts, total(a.parts)
	if sum <= to {
		if i := slices.IndexFunc(parts, func(p uint64) bool { return p > 0 }); i >= 0 {
			parts[i] += to - sum
		}
		return
	}
	factor := g.factor[a.currency]
	if a.Bonus {
		factor = make([]uint64, len(parts))
	}
	for over := sum - to; over > 0; {
		least, alike := uint64(math.MaxUint64), uint64(0)
		for i, f := range factor {
			if parts[i] > 0 && f < least {
				least, alike = f, 0
			}
			if f == least {
				alike += parts[i]
			}
		}
		cut := min(over, alike)
		over -= cut
		for i, f := range factor {
			if f == least && alike > 0 {
				high, low := bits.Mul64(cut, parts[i])
				some, _ := bits.Div64(high, low, alike)
				parts[i], cut, alike = parts[i]-some, cut-some, alike-parts[i]
			}
		}
	}
}

// carriedOf returns what a rule carries.
func carriedOf(all []Carried, id RuleID) int64 {
	for _, c := range all {
		if c.Rule == id {
			return c.N
		}
	}
	return 0
}

// carry returns what is carried with what a rule carries now.
func carry(all []Carried, id RuleID, n int64) []Carried {
	all = slices.DeleteFunc(all, func(c Carried) bool { return c.Rule == id })
	if n != 0 {
		all = append(all, Carried{id, n})
		slices.SortFunc(all, func(a, b Carried) int { return cmp.Compare(a.Rule, b.Rule) })
	}
	return all
}

// add adds what a rule gives to its pot.
func (g *earning) add(x *applied) error {
	pot, sum := g.p.pots[x.pot], total(x.parts)
	if x.Give.Part == Carry {
		g.Next.Carried = carry(g.Next.Carried, x.ID, x.left)
	}
	for i, p := range x.parts {
		to := &g.parts[x.pot][i]
		if x.Bonus {
			to = &g.bonus[x.pot][i]
		}
		added, carry := bits.Add64(*to, p, 0)
		if carry != 0 {
			return ErrOverflow
		}
		*to = added
	}
	g.explain(x.rule, fraction(0, sum, pot.den), x.why)
	g.useOf(x)
	return nil
}
