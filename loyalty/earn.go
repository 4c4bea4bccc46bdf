package loyalty

import (
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
)

// MaxEarned is how many units one event gives at most of what begins together; more is ErrOverflow.
const MaxEarned = 1_000_000_000_000

// A Step explains what one rule did about an event, or a gift that came or went with a level.
type Step struct {
	Rule     RuleID       `json:"rule,omitempty"`     // "": the rounding, a cap of the program, or the gift of a level
	Level    ids.Level    `json:"level,omitempty"`    // whose gift it is
	Currency ids.Currency `json:"currency,omitempty"` // currency of N
	N        int64        `json:"n,omitempty"`        // what it added, in millionths of a unit, towards zero
	Why      Why          `json:"why"`                // what happened
}

// Why says what a rule did, or why it did nothing.
type Why string

const (
	Gave         Why = "gave"                                                 // the rule gave N
	Multiplied   Why = "multiplied"                                           // the rule multiplied what others gave, which added N
	Capped       Why = "capped"                                               // gave less than without its cap, or nothing
	Rounded      Why = "rounded"                                              // N is what rounding added or took
	OutsideTime  Why = "outside its time"                                     // the event is not in [Rule.From, Rule.To)
	NotMet       Why = "condition is not met"                                 // Rule.If is false
	NoLine       Why = "no line meets its condition"                          // Rule.Lines is false for every line
	BelowMinimum Why = "below its minimum spend"                              // the lines come to less than Rule.MinSpend
	Stopped      Why = "stopped by a rule before it"                          // a rule of a higher priority has Stop
	Excluded     Why = "excluded by another rule"                             // another rule that applies is Exclusive
	GroupGives   Why = "another rule of its group gives more"                 // another rule of Rule.Group applies instead
	TooLittle    Why = "there is not enough to count"                         // what counts does not make a whole Give.Amount
	Late         Why = "told too late for what has a cap, and for milestones" // the event came later than Definition.Late allows

	LevelReached    Why = "level was reached"               // the gift of a level was given
	LevelNotReached Why = "level was not reached after all" // the gift of a level was taken back
)

// An earning is an event on its way through the rules. A program keeps those that have ended, for
// their slices: nothing of it may be left in what Earn returns.
type earning struct {
	deed
	e         Event
	day       int64 // of the event, in the program's calendar
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

// Earn decides on an event. The account may be a new one, with its ID alone. Errors:
// *errs.InputError, ErrMerged, *ConditionError, ErrClosed, ErrCurrency, ErrOverflow.
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
		return Decision{}, ErrCurrency
	}
	if a.Version == 0 {
		g.Next.Joined = g.e.At
	}
	g.day = dayOf(g.e.At.In(p.zone).Date())
	g.late = p.lateDay(g.day, g.now)
	past := !g.late && g.day != dayOf(g.now.In(p.zone).Date())
	var climbed []height
	if past {
		climbed = g.climbed()
	}
	if a.Version != 0 && !g.late && g.e.At.Before(g.Next.Joined) {
		g.joinedAt(g.e.At)
	}
	g.prepare()
	for _, step := range []func() error{g.match, g.give, g.round, g.measure, g.milestones, g.credit} {
		if err := step(); err != nil {
			return Decision{}, err
		}
	}
	if past {
		g.relevel(g.e.At, true)
		if err := g.regift(climbed); err != nil {
			return Decision{}, err
		}
	} else if g.lifts() {
		g.rise(g.now)
	}
	g.forget()
	g.forgetReached()
	g.Steps = append(g.said, g.Steps...)
	return g.end(a)
}

// lifts reports whether the event counted anything that a level needs. What counted nothing earns
// no level again.
func (g *earning) lifts() bool {
	return g.p.def.Tiers != nil && slices.ContainsFunc(g.counts, func(c Count) bool {
		return c.N != 0 && slices.ContainsFunc(g.p.metrics, func(m *metric) bool { return c.Tally == metricTally(m.ID) && g.p.needs(m.ID) })
	})
}

func within(at, from, to time.Time) bool {
	return !at.Before(from) && (to.IsZero() || at.Before(to))
}

// prepare gathers what conditions see.
func (g *earning) prepare() {
	rules := len(g.p.rules[g.e.kind()])
	g.said = make([]Step, rules, rules+2)
	f := &g.facts
	f.Event = EventFacts{g.e.kind(), g.e.N, g.e.Channel, string(g.e.Shop)}
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

// linesOf returns which lines meet a condition, and what they earn together.
func (g *earning) linesOf(c *predicate) (of []bool, spend int64, err error) {
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
