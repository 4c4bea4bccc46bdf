package loyalty

import (
	"cmp"
	"math/big"
	"slices"
	"time"
)

// A Use is what an event used up of what others share: of caps, or of the amount that makes a block
// of a rule with Part Carry. A refund gives it back, and what others did without it takes its
// place.
type Use struct {
	Rule     RuleID  `json:"rule,omitempty"`     // "": the caps of the program
	Of       UseKind `json:"of"`                 // kind of what was used up
	N        int64   `json:"n,omitempty"`        // units, events, or the amount that was counted
	Over     int64   `json:"over,omitempty"`     // units or events that the caps left no room for
	Blocks   int64   `json:"blocks,omitempty"`   // UseCarry: how many came together
	Amount   int64   `json:"amount,omitempty"`   // UseCarry: that makes a block
	Units    int64   `json:"units,omitempty"`    // UseCarry: of the portion, for the blocks
	Each     int64   `json:"each,omitempty"`     // millionths of a unit of the portion for one of N, or for a block
	Part     int     `json:"part"`               // the portion
	Shares   []int64 `json:"shares,omitempty"`   // of the booked lines, in their order: weights
	Whole    int64   `json:"whole,omitempty"`    // the weight of what is of no line
	Back     int64   `json:"back,omitempty"`     // of N
	OverBack int64   `json:"overBack,omitempty"` // of Over
	Undone   int64   `json:"undone,omitempty"`   // of Blocks; more than them: others had completed some thanks to it
	More     int64   `json:"more,omitempty"`     // what refunds took back beyond Back, as others have it no more; below zero: others have it instead
	Spare    int64   `json:"spare,omitempty"`    // below zero: what refunds take less yet, as its rules gave more than was refunded so far
}

// UseKind says what a Use is of.
type UseKind string

const (
	UsePoints UseKind = "points" // of caps on points
	UseTimes  UseKind = "times"  // of caps on events
	UseCarry  UseKind = "carry"  // of the amount that makes a block of a rule with Part Carry
)

// Names of the tallies of caps: what was given under them, and what they left no room for.
func (k UseKind) tallies(id RuleID) (given, over string) {
	prefix := memberTally
	if id != "" {
		prefix = ruleTally(id)
	}
	if k == UseTimes {
		return prefix + "times", prefix + "missed"
	}
	return prefix + "points", prefix + "over"
}

// bound returns how much a cap allows, and whether it is one of that kind on a time.
func (k UseKind) bound(l Cap) (int64, bool) {
	n := l.Points
	if k == UseTimes {
		n = l.Times
	}
	return n, n != 0 && l.Per != PerOne
}

// timed reports whether there is a cap of that kind on a time.
func (k UseKind) timed(caps []Cap) bool {
	return slices.ContainsFunc(caps, func(l Cap) bool { _, ok := k.bound(l); return ok })
}

// room returns how many of n the caps leave on a day.
func (d *deed) room(k UseKind, id RuleID, caps []Cap, n, day int64) int64 {
	given, _ := k.tallies(id)
	for _, l := range caps {
		if most, ok := k.bound(l); ok {
			n = max(0, min(n, most-d.Next.tally(given).sum(l.window(), day, d.p.zone)))
		}
	}
	return n
}

// perOne returns how many of n units the caps on one event leave.
func perOne(caps []Cap, n int64) int64 {
	for _, l := range caps {
		if l.Points != 0 && l.Per == PerOne {
			n = min(n, l.Points)
		}
	}
	return n
}

// left returns how many of n units the caps of a rule leave.
func (g *earning) left(r *rule, n int64) int64 {
	if g.late && UsePoints.timed(r.Caps) {
		return 0
	}
	return g.room(UsePoints, r.ID, r.Caps, perOne(r.Caps, n), g.day)
}

// capTimes decides whether the caps of a rule leave room for another event.
func (g *earning) capTimes(r *rule) Why {
	switch {
	case !UseTimes.timed(r.Caps):
		return ""
	case g.late:
		return Late
	case g.room(UseTimes, r.ID, r.Caps, 1, g.day) > 0:
		return ""
	}
	if r.constant() {
		g.uses = append(g.uses, Use{Rule: r.ID, Of: UseTimes, Over: 1, Part: r.pot, Each: g.eachEvent(r)})
	}
	return Capped
}

// constant reports whether the rule gives the same for each event that it applies to, and no other
// rule depends on whether it does.
func (r *rule) constant() bool {
	return r.Give.Per == PerEvent && !r.capped && !r.Stop && !r.Exclusive && r.Group == ""
}

// eachEvent returns what a rule gives for an event without multipliers, in millionths.
func (g *earning) eachEvent(r *rule) int64 { return fraction(0, r.num, g.p.pots[r.pot].den) }

// useOf notes what a rule that gives points uses.
func (g *earning) useOf(a *applied) {
	pot := g.p.pots[a.pot]
	sum, factors := total(a.parts), g.p.factors[pot.currency]
	var worth wide
	for i := range a.parts {
		worth = worth.plus(g.multiplied(a, i))
	}
	// each returns what one of n is worth; plain is what it is before it is multiplied.
	each := func(n int64, plain wide) int64 {
		if n > 0 {
			return fraction(worth.high, worth.low, pot.den*factors) / n
		}
		return fraction(plain.high, plain.low, pot.den)
	}
	if UsePoints.timed(a.Caps) {
		n := int64(sum / pot.den)
		shares, whole := g.booked(a.parts)
		g.uses = append(g.uses, Use{
			Rule: a.ID, Of: UsePoints, N: n, Over: a.wanted - n, Part: a.pot, Each: each(n, wide{0, pot.den}), Shares: shares, Whole: whole,
		})
	}
	if UseTimes.timed(a.Caps) {
		var worthOne int64
		if a.constant() {
			worthOne = each(1, wide{})
		}
		shares, whole := g.booked(a.parts)
		g.uses = append(g.uses, Use{Rule: a.ID, Of: UseTimes, N: 1, Part: a.pot, Each: worthOne, Shares: shares, Whole: whole})
	}
	if a.Give.Part == Carry {
		if n := total(a.counted); n > 0 {
			shares, whole := g.booked(a.counted)
			g.uses = append(g.uses, Use{
				Rule: a.ID, Of: UseCarry, N: int64(n), Blocks: a.blocks, Amount: a.amount, Part: a.pot,
				Units: fraction(worth.high, worth.low, pot.den*factors) / million, Each: each(a.blocks, multiplied(a.num, uint64(a.amount))), Shares: shares, Whole: whole,
			})
		}
	}
}

// multiplied returns what a rule gives for a line, or for none, over the denominators of its pot
// and of its multipliers.
func (g *earning) multiplied(a *applied, line int) wide {
	factor := g.factor[a.currency][line]
	if a.Bonus {
		factor = g.p.factors[a.currency]
	}
	return multiplied(a.parts[line], factor)
}

// countTimes notes the events that multipliers use.
func (g *earning) countTimes() {
	for i := range g.applied {
		if a := &g.applied[i]; a.Give.Times != "" && UseTimes.timed(a.Caps) {
			of := g.row()
			for l := range of {
				if a.counts(l) {
					of[l] = 1
				}
			}
			shares, whole := g.booked(of)
			g.uses = append(g.uses, Use{Rule: a.ID, Of: UseTimes, N: 1, Part: -1, Shares: shares, Whole: whole})
		}
	}
}

// addCapped adds what multipliers with a cap on points add: each to the whole units that there are
// without the others of them.
func (g *earning) addCapped(extra []int64) error {
	for i := range g.applied {
		a := &g.applied[i]
		if a.Give.Times == "" || !a.capped {
			continue
		}
		left, wants := g.left(a.rule, MaxEarned), perOne(a.Caps, MaxEarned)
		why, added := Multiplied, int64(0)
		for j, p := range g.p.pots {
			if p.currency != a.currency {
				continue
			}
			den := p.den * g.p.factors[p.currency]
			var sum wide
			of := g.row()
			for l, part := range g.parts[j] {
				if a.counts(l) {
					line := multiplied(part, g.factor[p.currency][l])
					of[l], sum = uint64(fraction(line.high, line.low, den)), sum.plus(line)
				}
			}
			whole, ok := rounding(sum.high, sum.low, den, Down)
			if !ok || whole > MaxEarned {
				return ErrOverflow
			}
			more := multiplied(whole, a.times.num-a.times.den)
			units, ok := rounding(more.high, more.low, a.times.den, g.p.def.Currencies[a.currency].Round)
			if !ok || units > MaxEarned {
				return ErrOverflow
			}
			wanted := min(wants, int64(units))
			n := min(wanted, left)
			if uint64(n) < units {
				why = Capped
			}
			left, wants, added, extra[j] = left-n, wants-wanted, added+n, extra[j]+n
			g.spread(g.more[j], of, uint64(n)*million)
			if UsePoints.timed(a.Caps) {
				shares, none := g.booked(of)
				g.uses = append(g.uses, Use{
					Rule: a.ID, Of: UsePoints, N: n, Over: wanted - n, Part: j, Each: million, Shares: shares, Whole: none,
				})
			}
		}
		if why == Capped && g.late && UsePoints.timed(a.Caps) {
			why = Late
		}
		g.explain(a.rule, added*million, why)
	}
	return nil
}

// spread adds n to a row, by weights.
func (g *earning) spread(row, weights []uint64, n uint64) {
	left := total(weights)
	for i, w := range weights {
		if left == 0 {
			return
		}
		high, low := multiplied(n, w).high, n*w
		some, ok := rounding(high, low, left, Down)
		if !ok {
			return
		}
		row[i] += some
		n, left = n-some, left-w
	}
}

// capMember applies the caps of the program: what begins last is cut first.
func (g *earning) capMember() {
	caps := g.p.def.Caps
	if len(caps) == 0 {
		return
	}
	var order []int
	total := int64(0)
	for i, p := range g.p.pots {
		if p.currency == 0 {
			order, total = append(order, i), total+g.units[i]
		}
	}
	wanted := perOne(caps, total)
	left := g.room(UsePoints, "", caps, wanted, g.day)
	times, why := UseTimes.timed(caps), Capped
	switch points := UsePoints.timed(caps); {
	case g.late && (points || times):
		wanted, left, why = 0, 0, Late
	case times && g.room(UseTimes, "", caps, 1, g.day) == 0:
		wanted, left = 0, 0
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(g.p.pots[j].pending, g.p.pots[i].pending) })
	over := total - left
	if over > 0 {
		g.Steps = append(g.Steps, Step{Currency: g.p.def.Currencies[0].ID, N: -over * million, Why: why})
	}
	shift := 0
	if len(order) > 16 {
		shift = 10 // so that the weights of all pots fit
	}
	of := g.row()
	for _, i := range order {
		cut := min(over, g.units[i])
		over -= cut
		for l := range of {
			of[l] += g.weight(i, l) >> shift
		}
		g.units[i] -= cut
	}
	shares, whole := g.booked(of)
	others := slices.ContainsFunc(g.uses, func(u Use) bool { return u.Part >= 0 && g.p.pots[u.Part].currency == 0 })
	if UsePoints.timed(caps) && (wanted > 0 || others) {
		g.uses = append(g.uses, Use{Of: UsePoints, N: left, Over: wanted - left, Part: order[len(order)-1], Each: million, Shares: shares, Whole: whole})
	}
	if times && left > 0 {
		g.uses = append(g.uses, Use{Of: UseTimes, N: 1, Part: -1, Shares: shares, Whole: whole})
	}
}

// use counts what the event uses, and what it did without.
func (g *earning) use() error {
	for _, u := range g.uses {
		if u.Of == UseCarry {
			continue
		}
		given, over := u.Of.tallies(u.Rule)
		for _, c := range []struct {
			tally string
			n     int64
		}{{given, u.N}, {over, u.Over}} {
			if c.n == 0 {
				continue
			}
			if err := g.count(c.tally, c.n, g.e.At, g.p.keep[c.tally]); err != nil {
				return err
			}
		}
	}
	return nil
}

// A returnedUse is what the refund of a use comes to.
type returnedUse struct {
	lost   int64      // of what was given: others took the place of the rest
	places []DayTotal // where they did
}

// unuse takes back given and over of what an event used on a day. What caps left no room for of
// others comes in its place, the first days first, so that as much is given as if the event had not
// been. What they left no room for of the event itself, own, stays so: a part of it never makes up
// for another one. besides is what others want now, who did without, and before is what refunds
// took back of what they get now at the most.
func (d *deed) unuse(u *Use, caps []Cap, given, over, own int64, before int64, besides []DayTotal, at time.Time) returnedUse {
	name, overName := u.Of.tallies(u.Rule)
	day := dayOf(at.In(d.p.zone).Date())
	for _, b := range besides {
		if d.tallyOf(name) != nil {
			_ = d.count(overName, b.N, noonOf(b.Day, d.p.zone), d.p.keep[overName]) // it fits beside what is given
		}
	}
	r := returnedUse{lost: given}
	has, cut := d.tallyOf(name), d.tallyOf(overName)
	if has == nil {
		return r
	}
	kept := has.Tally.on(day) != 0 || cut != nil && cut.Tally.on(day) != 0
	if !kept || cut == nil {
		has.Tally = has.Tally.takeBack(given, day)
		return r
	}
	still := min(over, cut.Tally.on(day)) // the rest of it was given in the place of others that came back
	r.lost += over - still
	none := min(max(0, r.lost-has.Tally.on(day)), cut.Tally.on(day)-still) // was given by a rule, and not by the program
	r.lost -= none
	cut.Tally = cut.Tally.takeBack(still+none, day)
	has.Tally = has.Tally.takeBack(r.lost, day)
	own = min(own, cut.Tally.on(day))
	if !u.Of.timed(caps) { // a version without them came since
		return r
	}
	for _, o := range cut.Tally.Days {
		if o.Day == day {
			o.N -= own
		}
		n := min(r.lost+before, d.room(u.Of, u.Rule, caps, o.N, o.Day))
		if n <= 0 {
			continue
		}
		filled, err := has.Tally.Add(n, noonOf(o.Day, d.p.zone), d.p.zone, d.p.keep[name])
		if err != nil {
			continue
		}
		has.Tally = filled
		cut.Tally = cut.Tally.takeBack(n, o.Day)
		r.lost -= n
		r.places = append(r.places, DayTotal{o.Day, n})
	}
	return r
}

// noonOf returns a time on a day.
func noonOf(day int64, zone *time.Location) time.Time {
	return time.Date(1970, 1, 1+int(day), 12, 0, 0, 0, zone)
}

// capsOf returns the caps of a rule as they are now, or of the program.
func (p *Program) capsOf(id RuleID) []Cap {
	if id == "" {
		return p.def.Caps
	}
	for i := range p.def.Rules {
		if p.def.Rules[i].ID == id {
			return p.def.Rules[i].Caps
		}
	}
	return nil
}

// worth returns what n times each comes to, in whole units, towards zero.
func worth(n, each int64) (int64, error) {
	x := new(big.Int).Mul(big.NewInt(n), big.NewInt(each))
	x.Quo(x, big.NewInt(million))
	if !x.IsInt64() || x.CmpAbs(big.NewInt(MaxPoints)) > 0 {
		return 0, ErrOverflow
	}
	return x.Int64(), nil
}
