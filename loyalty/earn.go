package loyalty

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"time"
)

// MaxEarned is how many units one event gives at most of what begins together; more is ErrOverflow.
const MaxEarned = 1_000_000_000_000

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
	Late         Why = "told too late for what has a cap, and for milestones"
)

// An earning is an event on its way through the rules. A programme keeps those that have ended, for their slices: nothing of
// it may be left in what Earn returns.
type earning struct {
	deed
	e         Event
	day       int64 // of the event, in the programme's calendar
	late      bool  // it is told later than Definition.Late
	facts     lineFacts
	lines     []*Line // that earn, and after them one place for what is of no line
	places    []int   // of those among the lines of the purchase
	lineFacts []LineFacts
	texts     []string

	applied []applied
	factor  [][]uint64 // by currency and line: over Program.factors
	parts   [][]uint64 // by pot and line: what rules gave, to be multiplied
	bonus   [][]uint64 // by pot and line: what they gave that is not
	more    [][]uint64 // by pot and line: what multipliers with caps added, in millionths of a unit
	units   []int64    // by pot, in the end
	prizes  []prize    // for milestones, besides

	said   []Step // of each rule, in their order; returned
	counts []Count
	uses   []Use

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
		places: g.places[:0], factor: g.factor[:0], parts: g.parts[:0], bonus: g.bonus[:0], more: g.more[:0], units: g.units[:0],
		truths: g.truths, numbers: g.numbers,
	}
	p.earnings.Put(g)
}

// applied is a rule that applies, with the lines that it counts.
type applied struct {
	*rule
	of    []bool
	whole bool // all of the lines, and what is of no line

	counted []uint64 // what it counts of each line, without what was carried
	parts   []uint64 // what it gives for each line, in parts of its pot
	blocks  int64    // that came together, of a rule that carries
	left    int64    // to carry
	wanted  int64    // units, of a rule with a cap on points: what it would give without those of a time
	why     Why
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
	g.day = dayOf(g.e.At.In(p.zone).Date())
	g.late = p.lateDay(g.day, g.now)
	if a.Version != 0 && !g.late && g.e.At.Before(g.Next.Joined) {
		g.joinedAt(g.e.At)
	}
	g.prepare()
	for _, step := range []func() error{g.match, g.give, g.round, g.measure, g.milestones, g.credit} {
		if err := step(); err != nil {
			return Decision{}, err
		}
	}
	if today := dayOf(g.now.In(p.zone).Date()); g.late || g.day == today {
		g.rise(g.now)
	} else {
		g.relevel(g.e.At, true)
	}
	g.forget()
	g.forgetReached()
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
	f.Tier = string(g.levelAt(g.e.At))
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
		g.lines, g.places = append(g.lines, l), append(g.places, i)
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
	return g.capTimes(a.rule), nil
}

// counts reports whether a rule counts the line with that index; the last place is of no line.
func (a *applied) counts(i int) bool { return a.whole || i < len(a.of) && a.of[i] }

// row returns zeros for the lines and for what is of none.
func (g *earning) row() []uint64 { return g.numbers.cut(len(g.lines) + 1) }

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
