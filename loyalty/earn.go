package loyalty

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"time"
)

// maxEarned is how many units one event gives of what begins together.
const maxEarned = 1_000_000_000_000

// A Step explains what one rule did about an event.
type Step struct {
	Rule     RuleID     `json:"rule,omitempty"` // "": the rounding, or a cap of the programme
	Currency CurrencyID `json:"currency,omitempty"`
	N        int64      `json:"n,omitempty"` // what it added, in millionths of a unit, towards zero
	Why      Why        `json:"why"`
}

// Why says what a rule did, or why it did nothing.
type Why string

const (
	Gave         Why = "gave"
	Multiplied   Why = "multiplied"
	Capped       Why = "capped" // gave less than without its cap, or nothing
	Rounded      Why = "rounded"
	OutsideTime  Why = "outside its time"
	NotMet       Why = "condition is not met"
	NoLine       Why = "no line meets its condition"
	BelowMinimum Why = "below its minimum spend"
	Stopped      Why = "stopped by a rule before it"
	Excluded     Why = "excluded by another rule"
	GroupGives   Why = "another rule of its group gives more"
	TooLittle    Why = "there is not enough to count"
)

// An earning is an event on its way through the rules. A programme keeps those that have ended, for their slices: nothing of
// it may be left in what Earn returns.
type earning struct {
	deed
	e         Event
	facts     lineFacts
	lines     []*Line // that earn, and after them one place for what is of no line
	lineFacts []LineFacts
	texts     []string

	applied []applied
	factor  [][]uint64 // by currency and line: over Program.factors
	parts   [][]uint64 // by pot and line: what rules gave, to be multiplied
	whole   []uint64   // by pot: what they gave that is not
	units   []int64    // by pot, in the end

	said   []Step // of each rule, in their order; returned
	counts []Count

	truths  arena[bool]
	numbers arena[uint64]
}

// An arena is what slices are cut from that end together.
type arena[V any] struct {
	all  []V
	used int
}

// cut returns n zeros.
func (a *arena[V]) cut(n int) []V {
	if a.used+n > len(a.all) {
		a.all, a.used = make([]V, max(n, 2*len(a.all))), 0
	}
	some := a.all[a.used : a.used+n : a.used+n]
	a.used += n
	clear(some)
	return some
}

// earning returns an empty one.
func (p *Program) earning() *earning {
	if g, ok := p.earnings.Get().(*earning); ok {
		return g
	}
	return &earning{}
}

// done keeps the slices of an earning that has ended.
func (p *Program) done(g *earning) {
	clear(g.lines)
	clear(g.lineFacts)
	clear(g.texts)
	clear(g.applied)
	g.truths.used, g.numbers.used = 0, 0
	*g = earning{
		lines: g.lines[:0], lineFacts: g.lineFacts[:0], texts: g.texts[:0], applied: g.applied[:0],
		factor: g.factor[:0], parts: g.parts[:0], units: g.units[:0], truths: g.truths, numbers: g.numbers,
	}
	p.earnings.Put(g)
}

// applied is a rule that applies, with the lines that it counts.
type applied struct {
	*rule
	of    []bool
	whole bool // all of the lines, and what is of no line

	parts []uint64 // what it gives for each line, in parts of its pot
	left  int64    // to carry
	why   Why
}

// Earn decides on an event. The account may be a new one, with its ID alone. Errors: *InputError, ErrMerged,
// *ConditionError, ErrClosed, ErrMoney, ErrOverflow.
func (p *Program) Earn(a Account, e Event, now time.Time) (Decision, error) {
	if a.Merged != "" {
		return Decision{}, ErrMerged
	}
	g := p.earning()
	defer p.done(g)
	g.begin(p, a, now)
	var err error
	g.e, err = e.normal(g.now)
	switch e := g.e; {
	case err != nil:
		return Decision{}, err
	case !within(e.At, p.def.From, p.def.To):
		return Decision{}, ErrClosed
	case e.Purchase != nil && e.Purchase.Currency != p.def.Money:
		return Decision{}, ErrMoney
	}
	if a.Version == 0 {
		g.Next.Joined = g.e.At
	}
	g.prepare()
	for _, step := range []func() error{g.match, g.give, g.round, g.measure, g.milestones, g.credit} {
		if err := step(); err != nil {
			return Decision{}, err
		}
	}
	g.rise(g.now)
	g.forget()
	g.Steps = append(g.said, g.Steps...)
	return g.end(a), nil
}

func within(at, from, to time.Time) bool {
	return !at.Before(from) && (to.IsZero() || at.Before(to))
}

// prepare gathers what conditions see.
func (g *earning) prepare() {
	rules := len(g.p.rules[g.e.kind()])
	g.said = make([]Step, rules, rules+2)
	f := &g.facts
	f.Event = EventFacts{g.e.kind(), g.e.N, g.e.Channel, g.e.Shop}
	f.at = g.e.At.In(g.p.zone)
	f.Member = MemberFacts{g.e.Labels, int(dayOf(f.at.Date()) - dayOf(g.Next.Joined.In(g.p.zone).Date()))}
	f.Tier = string(g.Next.Status.Level)
	f.Time = timeFacts(f.at)
	p := g.e.Purchase
	if p == nil {
		return
	}
	f.Purchase.Labels = p.Labels
	for i := range p.Lines {
		l := &p.Lines[i]
		f.Purchase.Paid += l.paid()
		if l.Kind != Item {
			continue
		}
		n, items := l.earns(g.p.def.Basis), l.items()
		f.Purchase.Total += n
		f.Purchase.Items += items
		g.lines = append(g.lines, l)
		g.lineFacts = append(g.lineFacts, LineFacts{l.SKU, l.Category, l.Labels, items, n})
		g.texts = append(g.texts, l.SKU)
	}
	for _, l := range g.lines {
		g.texts = append(g.texts, l.Category)
	}
	n := len(g.lines)
	f.Purchase.SKUs, f.Purchase.Categories = g.texts[:n:n], g.texts[n:]
}

// match finds the rules that apply: exclusive ones first, then by their priorities.
func (g *earning) match() error {
	rules := g.p.rules[g.e.kind()]
	exclusive := slices.IndexFunc(rules, func(r *rule) bool { return r.Exclusive }) >= 0
	for _, only := range []bool{true, false} {
		if only && !exclusive {
			continue
		}
		stopped := false
		for i, r := range rules {
			if r.metric != nil || only != r.Exclusive {
				continue
			}
			if i > 0 && !stopped && rules[i-1].Priority > r.Priority {
				stopped = slices.ContainsFunc(g.applied, func(a applied) bool { return a.Stop && a.Priority > r.Priority })
			}
			if stopped {
				g.explain(r, 0, Stopped)
				continue
			}
			last := len(g.applied)
			g.applied = append(g.applied, applied{rule: r, whole: r.lines == nil})
			why, err := g.applies(&g.applied[last])
			if err != nil {
				return err
			}
			if why != "" {
				g.applied = g.applied[:last]
				g.explain(r, 0, why)
				continue
			}
			if only {
				g.excludeAllBut(r, rules)
				return nil
			}
		}
	}
	return nil
}

func (g *earning) excludeAllBut(r *rule, rules []*rule) {
	for _, o := range rules {
		if o != r && o.metric == nil {
			g.explain(o, 0, Excluded)
		}
	}
}

// applies decides whether a rule applies, and to which lines; why not, where it doesn't.
func (g *earning) applies(a *applied) (why Why, err error) {
	if !within(g.e.At, a.From, a.To) {
		return OutsideTime, nil
	}
	if ok, err := a.ifs.met(&g.facts); err != nil || !ok {
		return NotMet, err
	}
	spend := g.facts.Purchase.Total
	if a.lines != nil {
		if a.of, spend, err = g.linesOf(a.lines); err != nil {
			return "", err
		}
		if !slices.Contains(a.of, true) {
			return NoLine, nil
		}
	}
	if spend < a.MinSpend {
		return BelowMinimum, nil
	}
	for _, l := range a.Caps {
		if l.Times != 0 && g.used(ruleTally(a.ID)+"times", l) >= l.Times {
			return Capped, nil
		}
	}
	return "", nil
}

// used returns what is counted under a name in the time of a cap.
func (g *earning) used(tally string, l Cap) int64 {
	if l.Per == PerOne {
		return 0
	}
	return g.Next.tally(tally).Sum(l.window(), g.e.At, g.p.zone)
}

// counts tells whether a rule counts the line with that index; the last place is of no line.
func (a *applied) counts(i int) bool { return a.whole || i < len(a.of) && a.of[i] }

// row returns zeros for the lines and for what is of none.
func (g *earning) row() []uint64 { return g.numbers.cut(len(g.lines) + 1) }

// give lets the rules that apply give, and multiply.
func (g *earning) give() error {
	for range g.p.pots {
		g.parts = append(g.parts, g.row())
	}
	g.whole = g.numbers.cut(len(g.p.pots))
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

// best tells whether no other multiplier of the group is for the line and larger.
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
		a.parts[n] += uint64(g.carried(a.ID))
	}
	if a.Give.Part != Fraction {
		counted := total(a.parts)
		a.left = int64(counted % uint64(a.amount))
		g.bring(a, counted-uint64(a.left))
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
		left := g.left(a.rule, int64(min(units, maxEarned)))
		if uint64(left) < units {
			a.why = Capped
		}
		g.bring(a, uint64(left)*den)
	}
	return nil
}

// left returns how many of n units the caps of a rule leave.
func (g *earning) left(r *rule, n int64) int64 {
	for _, l := range r.Caps {
		if l.Points != 0 {
			n = max(0, min(n, l.Points-g.used(ruleTally(r.ID)+"points", l)))
		}
	}
	return n
}

// bring makes the sum of the parts come to a number: it takes from the lines that are multiplied least first, from those that are multiplied
// alike by their shares, and adds to the first of those that have some.
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

func (g *earning) carried(id RuleID) int64 {
	for _, c := range g.Next.Carried {
		if c.Rule == id {
			return c.N
		}
	}
	return 0
}

// add adds what a rule gives to its pot.
func (g *earning) add(x *applied) error {
	pot, sum := g.p.pots[x.pot], total(x.parts)
	if x.Give.Part == Carry {
		g.Next.Carried = slices.DeleteFunc(g.Next.Carried, func(c Carried) bool { return c.Rule == x.ID })
		if x.left > 0 {
			g.Next.Carried = append(g.Next.Carried, Carried{x.ID, x.left})
			slices.SortFunc(g.Next.Carried, func(a, b Carried) int { return cmp.Compare(a.Rule, b.Rule) })
		}
	}
	for i, p := range x.parts {
		to := &g.parts[x.pot][i]
		if x.Bonus {
			to = &g.whole[x.pot]
		}
		added, carry := bits.Add64(*to, p, 0)
		if carry != 0 {
			return ErrOverflow
		}
		*to = added
	}
	g.explain(x.rule, fraction(0, sum, pot.den), x.why)
	g.tallyRule(x.rule, int64(sum/pot.den), x.pot)
	return nil
}

// linesOf returns which lines meet a condition, and what they earn together.
func (g *earning) linesOf(c *condition) (of []bool, spend int64, err error) {
	of = g.truths.cut(len(g.lines))
	for i := range g.lines {
		g.facts.Line = &g.lineFacts[i]
		if of[i], err = c.met(&g.facts); err != nil {
			return nil, 0, err
		}
		if of[i] {
			spend += g.lineFacts[i].Amount
		}
	}
	return of, spend, nil
}

// tallyRule counts what a rule gave towards its caps.
func (g *earning) tallyRule(r *rule, units int64, pot int) {
	var points, times bool
	for _, l := range r.Caps {
		points = points || l.Points != 0 && l.Per != PerOne
		times = times || l.Times != 0
	}
	if points && units > 0 {
		g.counts = append(g.counts, Count{Tally: ruleTally(r.ID) + "points", N: units, Part: pot})
	}
	if times {
		g.counts = append(g.counts, Count{Tally: ruleTally(r.ID) + "times", N: 1, Part: -1})
	}
}

// round makes units of the pots.
func (g *earning) round() error {
	g.units = append(g.units, make([]int64, len(g.p.pots))...)
	extra := make([]int64, len(g.p.pots)) // of multipliers with caps, which are whole units
	if err := g.addCapped(extra); err != nil {
		return err
	}
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
		whole := multiplied(g.whole[i], g.p.factors[p.currency])
		exact = exact.plus(whole)
		rest := exact
		if u.PerLine {
			rest = whole
		}
		n, ok := rounding(rest.high, rest.low, den, u.Round)
		units = units.plus(wide{0, n})
		if !ok || units.high != 0 || units.low > maxEarned || exact.high >= den {
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

// addCapped adds what multipliers with a cap on points add: each to the whole units that there are without the others
// of them.
func (g *earning) addCapped(extra []int64) error {
	for i := range g.applied {
		a := &g.applied[i]
		if a.Give.Times == "" || !a.capped {
			continue
		}
		left := g.left(a.rule, maxEarned)
		why, added := Multiplied, int64(0)
		for j, p := range g.p.pots {
			if p.currency != a.currency {
				continue
			}
			var sum wide
			for l, part := range g.parts[j] {
				if a.counts(l) {
					sum = sum.plus(multiplied(part, g.factor[p.currency][l]))
				}
			}
			whole, ok := rounding(sum.high, sum.low, p.den*g.p.factors[p.currency], Down)
			if !ok || whole > maxEarned {
				return ErrOverflow
			}
			more := multiplied(whole, a.times.num-a.times.den)
			units, ok := rounding(more.high, more.low, a.times.den, g.p.def.Currencies[a.currency].Round)
			if !ok || units > maxEarned {
				return ErrOverflow
			}
			if units > uint64(left) {
				units, why = uint64(left), Capped
			}
			n := int64(units)
			left, added, extra[j] = left-n, added+n, extra[j]+n
			g.tallyRule(a.rule, n, j)
		}
		g.explain(a.rule, added*million, why)
	}
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

// capMember applies the caps of the programme: what begins last is cut first.
func (g *earning) capMember() {
	if len(g.p.def.Caps) == 0 {
		return
	}
	order := make([]int, 0, len(g.p.pots))
	total := int64(0)
	for i, p := range g.p.pots {
		if p.currency == 0 {
			order, total = append(order, i), total+g.units[i]
		}
	}
	left, times := total, false
	for _, l := range g.p.def.Caps {
		if l.Points != 0 {
			left = max(0, min(left, l.Points-g.used(memberTally+"points", l)))
		}
		if l.Times != 0 {
			times = true
			if g.used(memberTally+"times", l) >= l.Times {
				left = 0
			}
		}
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(g.p.pots[j].pending, g.p.pots[i].pending) })
	over := total - left
	if over > 0 {
		g.Steps = append(g.Steps, Step{Currency: g.p.def.Currencies[0].ID, N: -over * million, Why: Capped})
	}
	for _, i := range order {
		cut := min(over, g.units[i])
		g.units[i] -= cut
		over -= cut
		if _, counted := g.p.keep[memberTally+"points"]; counted && g.units[i] > 0 {
			g.counts = append(g.counts, Count{Tally: memberTally + "points", N: g.units[i], Part: i})
		}
	}
	if times && left > 0 {
		g.counts = append(g.counts, Count{Tally: memberTally + "times", N: 1, Part: -1})
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

// A wide is a number of 128 bits.
type wide struct{ high, low uint64 }

// plus adds two numbers. What does not fit is the largest, which is more than rounding divides.
func (w wide) plus(o wide) wide {
	low, carry := bits.Add64(w.low, o.low, 0)
	high, over := bits.Add64(w.high, o.high, carry)
	if over != 0 {
		return wide{math.MaxUint64, math.MaxUint64}
	}
	return wide{high, low}
}

func multiplied(a, b uint64) wide {
	high, low := bits.Mul64(a, b)
	return wide{high, low}
}

// rounding divides by den. It is false where that is more than 64 bits.
func rounding(high, low, den uint64, how Rounding) (uint64, bool) {
	if high >= den {
		return 0, false
	}
	q, r := bits.Div64(high, low, den)
	switch {
	case r == 0:
	case how == Up, how == HalfUp && r >= den-r, how == HalfEven && (r > den-r || r == den-r && q%2 == 1):
		q++
	}
	return q, true
}

// fraction returns a number over den in millionths, towards zero; at most what can be told.
func fraction(high, low, den uint64) int64 {
	const most = 1_000_000_000_000_000_000
	if high >= den {
		return most
	}
	q, r := bits.Div64(high, low, den)
	if q >= most/million {
		return most
	}
	high, low = bits.Mul64(r, million)
	part, _ := bits.Div64(high, low, den)
	return int64(q*million + part)
}
