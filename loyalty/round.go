package loyalty

// round makes units of the pots.
func (g *earning) round() error {
	g.units = append(g.units, make([]int64, len(g.p.pots))...)
	extra := make([]int64, len(g.p.pots)) // of multipliers with caps, which are whole units
	if err := g.addCapped(extra); err != nil {
		return err
	}
	g.countTimes()
	g.explainMultipliers()
	for i, p := range g.p.pots {
		u := g.p.def.Currencies[p.currency]
		den := p.den * g.p.factors[p.currency]
		var exact, units wide
		for l, part := range g.parts[i] {
			line := multiplied(part, g.factor[p.currency][l])
			if u.PerLine {
				whole, ok := rounding(line.high, line.low, den, u.Round)
				if !ok {
					return ErrOverflow
				}
				units = units.plus(wide{0, whole})
			}
			exact = exact.plus(line)
		}
		whole := multiplied(total(g.bonus[i]), g.p.factors[p.currency])
		exact = exact.plus(whole)
		rest := exact
		if u.PerLine {
			rest = whole
		}
		n, ok := rounding(rest.high, rest.low, den, u.Round)
		units = units.plus(wide{0, n})
		if !ok || units.high != 0 || units.low > MaxEarned || exact.high >= den {
			return ErrOverflow
		}
		g.units[i] = int64(units.low) + extra[i]
		if off := int64(units.low)*million - fraction(exact.high, exact.low, den); off != 0 {
			g.Steps = append(g.Steps, Step{Currency: u.ID, N: off, Why: Rounded})
		}
	}
	g.capMember()
	return nil
}

// explainMultipliers tells what each multiplier added, one after the other in their order.
func (g *earning) explainMultipliers() {
	factor := make([][]uint64, len(g.factor))
	for c := range factor {
		factor[c] = g.row()
		for i := range factor[c] {
			factor[c][i] = g.p.factors[c]
		}
	}
	for i := range g.applied {
		a := &g.applied[i]
		if a.Give.Times == "" || a.capped {
			continue
		}
		applied, added := false, int64(0)
		for l, f := range factor[a.currency] {
			if !a.counts(l) || !g.best(a, l) {
				continue
			}
			applied = true
			next := f / a.times.den * a.times.num
			for j, p := range g.p.pots {
				if p.currency == a.currency {
					den := p.den * g.p.factors[a.currency]
					was, is := multiplied(g.parts[j][l], f), multiplied(g.parts[j][l], next)
					added += fraction(is.high, is.low, den) - fraction(was.high, was.low, den)
				}
			}
			factor[a.currency][l] = next
		}
		if applied {
			g.explain(a.rule, added, Multiplied)
		} else {
			g.explain(a.rule, 0, GroupGives)
		}
	}
}

// explain says what a rule did; what it says last counts.
func (g *earning) explain(r *rule, n int64, why Why) {
	s := &g.said[r.place]
	*s = Step{Rule: r.ID, N: n, Why: why}
	if n != 0 {
		s.Currency = g.p.def.Currencies[r.currency].ID
	}
}
