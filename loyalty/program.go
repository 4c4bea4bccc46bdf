package loyalty

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// A Program is a definition that was checked. It is immutable and safe for concurrent use. Its
// methods are the decisions of the program: they take an account as a value and return it as it
// is afterwards.
type Program struct {
	def     Definition
	terms   []byte // digest of the definition
	zone    *time.Location
	rules   map[string][]*rule // by the kind of event, in the order in which they apply
	pots    []pot
	factors []uint64 // of each currency: the denominator of its multipliers together
	metrics []*metric
	keep    map[string]int // days of each tally that the program knows
	horizon int            // days for which refunds are decided as if what they take back had not been

	earnings sync.Pool // of *earning
}

// A pot is what of a currency begins together.
type pot struct {
	currency int
	pending  int
	den      uint64 // what rules give is counted in these parts of a unit
}

// A rule is a Rule, ready to be decided.
type rule struct {
	*Rule
	place    int // among those of its event
	ifs      *predicate
	lines    *predicate
	currency int
	pot      int    // of a rule that gives points
	num      uint64 // what one of what it counts gives, in parts of the pot
	amount   int64
	times    ratio // of a multiplier
	capped   bool  // on points
	metric   *metric
}

type ratio struct{ num, den uint64 }

type metric struct {
	*Metric
	currency int
	lines    *predicate
}

// Definition returns what the program was compiled from. The caller must not change it.
func (p *Program) Definition() Definition { return p.def }

const (
	maxRules      = 500
	maxPer        = 1_000_000_000
	maxPending    = 3650
	maxLate       = 366
	defaultLate   = 35
	maxDen        = 1_000_000_000 // of what rules give in one pot, and of the multipliers of one currency
	maxTimes      = 1000 * million
	maxCurrencies = 10
)

// Compile checks a definition. *errs.DefinitionError: it has mistakes, all of which the error
// lists.
func Compile(d Definition) (*Program, error) {
	c := compiler{p: &Program{def: d, rules: map[string][]*rule{}, keep: map[string]int{}}}
	c.Field(valid.ID("id", d.ID))
	c.Field(valid.Text("name", d.Name))
	c.Between("version", int64(d.Version), 1, 1_000_000)
	c.Window("", d.From, d.To)
	c.p.zone = c.Zone("zone", d.Zone)
	if d.Money != "" {
		c.Field(valid.Currency("money", d.Money))
	}
	c.Between("late", int64(d.Late), 0, maxLate)
	c.OneOf("basis", string(d.Basis), string(Net), string(Gross), string(Untaxed))
	c.p.horizon = horizonOf(d)
	c.currencies()
	c.metrics()
	c.tiers()
	c.rules()
	c.caps("caps", d.Caps, memberTally)
	if err := c.Err(); err != nil {
		return nil, fmt.Errorf("loyalty: %w", err)
	}
	c.p.terms = d.digest()
	return c.p, nil
}

type compiler struct {
	valid.Checker
	p *Program
}

func (c *compiler) currencies() {
	d := c.p.def
	c.Between("currencies", int64(len(d.Currencies)), 1, maxCurrencies)
	seen := map[ids.Currency]bool{}
	for i, u := range d.Currencies {
		path := fmt.Sprintf("currencies[%d].", i)
		c.id(path, u.ID, seen)
		c.Field(valid.Text(path+"name", u.Name))
		c.Between(path+"scale", int64(u.Scale), 0, 4)
		c.At(path+"expiry.", u.Expiry.Check())
		c.Between(path+"pending", int64(u.Pending), 0, maxPending)
		c.OneOf(path+"round", string(u.Round), string(Down), string(HalfUp), string(HalfEven), string(Up))
		c.OneOf(path+"overdraft", string(u.Overdraft), "", string(PendingOnly), string(WithinBalance), string(BelowZero))
		c.At(path+"value.", u.Value.check())
		c.ends(path, u)
	}
	c.p.factors = make([]uint64, len(d.Currencies))
	for i := range c.p.factors {
		c.p.factors[i] = 1
	}
}

// ends checks that the points of a currency have ends as it says.
func (c *compiler) ends(path string, u Currency) {
	rules := []Expiry{u.Expiry}
	if t := c.p.def.Tiers; t != nil {
		for _, l := range t.Levels {
			if e := l.Expiry[u.ID]; e != nil {
				rules = append(rules, *e)
			}
		}
	}
	pending := u.Pending
	for _, r := range c.p.def.Rules {
		if r.Currency == u.ID || r.Currency == "" && u.ID == c.p.def.Currencies[0].ID {
			pending = max(pending, r.Pending)
		}
	}
	never := !slices.ContainsFunc(rules, func(e Expiry) bool { return !e.never() })
	sound := !slices.ContainsFunc(rules, func(e Expiry) bool { return e.Check() != nil })
	switch {
	case u.Inactive && u.Expiry.never():
		c.Add(path+"inactive", "needs expiry")
	case u.ByLevel && len(rules) == 1:
		c.Add(path+"byLevel", "needs a level with an expiry of the currency")
	case u.ByLevel && u.Inactive:
		c.Add(path+"byLevel", "is what inactive does anyway")
	case u.Begun && (never || pending == 0):
		c.Add(path+"begun", "needs expiry, and points that are pending")
	case !u.Begun && sound && pending <= maxPending && slices.ContainsFunc(rules, func(e Expiry) bool { return !e.outlasts(pending) }):
		c.Add(path+"expiry", "ends points before they may be spent; set begun, or make them pending for fewer days")
	}
}

// id checks the id of a list, which must be there once.
func (c *compiler) id(path string, id any, seen any) {
	once := func(text string, again bool) {
		c.Field(valid.ID(path+"id", text))
		if again {
			c.Add(path+"id", "is there twice")
		}
	}
	switch id := id.(type) {
	case ids.Currency:
		m := seen.(map[ids.Currency]bool)
		once(string(id), m[id])
		m[id] = true
	case RuleID:
		m := seen.(map[RuleID]bool)
		once(string(id), m[id])
		m[id] = true
	}
}

// currency returns the index of a currency; "" is the first.
func (c *compiler) currency(path string, id ids.Currency) int {
	i := slices.IndexFunc(c.p.def.Currencies, func(u Currency) bool { return id == "" || u.ID == id })
	if i < 0 && len(c.p.def.Currencies) > 0 {
		c.Add(path+"currency", "is none of the program's")
	}
	return max(0, i)
}

func (c *compiler) condition(path, of, source string, env any) *predicate {
	if err := valid.Text(path, source); err != nil {
		c.Field(err)
		return nil
	}
	p, err := compilePredicate(of, source, env)
	if err != nil {
		c.Add(path, err.Error())
	}
	return p
}

// known notes that the program has a tally, and for how many days it must be kept.
func (c *compiler) known(tally string, days int) { c.p.keep[tally] = max(c.p.keep[tally], days) }

func (c *compiler) caps(path string, caps []Cap, tally string) {
	c.Between(path, int64(len(caps)), 0, 10)
	for i, l := range caps {
		at := fmt.Sprintf("%s[%d].", path, i)
		c.Between(at+"points", l.Points, 0, MaxTally)
		c.Between(at+"times", l.Times, 0, MaxTally)
		c.OneOf(at+"per", string(l.Per), string(PerOne), string(Day), string(Week), string(Month), string(Year), string(Ever))
		switch {
		case l.Points == 0 && l.Times == 0:
			c.Add(at+"points", "and times are both missing")
		case l.Times != 0 && l.Per == PerOne:
			c.Add(at+"times", "is not for a cap per event")
		}
		keep := min(l.window().Keep()+c.p.late()+1, maxDays)
		if l.Points != 0 && l.Per != PerOne {
			c.known(tally+"points", keep)
			c.known(tally+"over", keep)
		}
		if l.Times != 0 {
			c.known(tally+"times", keep)
			c.known(tally+"missed", keep)
		}
	}
}

// window is the time that a cap looks back to.
func (l Cap) window() Window {
	if l.Per == Ever || l.Per == PerOne {
		return Window{}
	}
	return Window{Calendar: l.Per}
}

// Names of tallies.
const memberTally = "member/"

func ruleTally(id RuleID) string     { return "rule/" + string(id) + "/" }
func metricTally(id MetricID) string { return "metric/" + string(id) }
func rolledTally(id MetricID) string { return "rolled/" + string(id) } // what of it rolled over, on the days when it did

func (c *compiler) metrics() {
	d := c.p.def
	c.Between("metrics", int64(len(d.Metrics)), 0, 50)
	for i := range d.Metrics {
		m := &d.Metrics[i]
		path := fmt.Sprintf("metrics[%d].", i)
		c.Field(valid.ID(path+"id", m.ID))
		if slices.ContainsFunc(d.Metrics[:i], func(o Metric) bool { return o.ID == m.ID }) {
			c.Add(path+"id", "is there twice")
		}
		c.OneOf(path+"of", string(m.Of), string(CountPoints), string(CountMoney), string(CountPurchases), string(CountItems), string(CountEvents))
		c.At(path+"window.", m.Window.Check())
		if !m.Window.Anniversary.IsZero() {
			c.Add(path+"window.anniversary", "is the member's own; set joined")
		}
		if m.Joined && m.Window != (Window{}) {
			c.Add(path+"joined", "excludes window")
		}
		compiled := &metric{Metric: m}
		if m.Of == CountPoints {
			compiled.currency = c.currency(path, m.Currency)
		} else if m.Currency != "" {
			c.Add(path+"currency", "is for points alone")
		}
		if (m.Of == CountEvents) != (m.On != "") {
			c.Add(path+"on", "is for events, and needed there")
		}
		if m.Lines != "" && m.Of != CountMoney && m.Of != CountItems {
			c.Add(path+"lines", "is for money and items alone")
		}
		if (m.Of == CountMoney || m.Of == CountItems || m.Of == CountPurchases) && d.Money == "" {
			c.Add(path+"of", "counts purchases, for which money is missing")
		}
		compiled.lines = c.condition(path+"lines", "metric "+string(m.ID), m.Lines, lineFacts{})
		c.p.metrics = append(c.p.metrics, compiled)
		keep := c.p.keepFor(compiled.window(time.Unix(0, 0)))
		c.known(metricTally(m.ID), keep)
		if d.Tiers != nil && d.Tiers.Rollover {
			c.known(rolledTally(m.ID), keep)
		}
	}
}

// keepFor returns how many days a tally has to keep for a window, which is looked back to from as
// far back as events are told and refunded, and when a grace is over as well.
func (p *Program) keepFor(w Window) int {
	keep := w.Keep() + p.looks() + 1
	if t := p.def.Tiers; t != nil {
		keep += t.Grace
	}
	return min(keep, maxDays)
}

// late returns the days within which an event that is told late counts in its place.
func (p *Program) late() int { return cmp.Or(p.def.Late, defaultLate) }

// window is the time that the metric looks back to for a member who joined then.
func (m *metric) window(joined time.Time) Window {
	if m.Joined {
		return Window{Anniversary: joined}
	}
	return m.Window
}

func (c *compiler) metric(path string, id MetricID) *metric {
	i := slices.IndexFunc(c.p.metrics, func(m *metric) bool { return m.ID == id })
	if i < 0 {
		c.Add(path, "is none of the program's metrics")
		return nil
	}
	return c.p.metrics[i]
}

func (c *compiler) tiers() {
	t := c.p.def.Tiers
	if t == nil {
		return
	}
	c.Between("tiers.levels", int64(len(t.Levels)), 1, 100)
	for i, l := range t.Levels {
		path := fmt.Sprintf("tiers.levels[%d].", i)
		c.Field(valid.ID(path+"id", l.ID))
		if slices.ContainsFunc(t.Levels[:i], func(o Level) bool { return o.ID == l.ID }) {
			c.Add(path+"id", "is there twice")
		}
		c.Field(valid.Text(path+"name", l.Name))
		switch {
		case i == 0 && (len(l.Needs) > 0 || l.Manual):
			c.Add(path+"needs", "is not for the lowest level, where everybody is")
		case i > 0 && l.Manual == (len(l.Needs) > 0):
			c.Add(path+"needs", "is missing; or set manual, without any")
		}
		for j, need := range l.Needs {
			at := fmt.Sprintf("%sneeds[%d]", path, j)
			if len(need) == 0 {
				c.Add(at, "is empty")
			}
			for _, id := range sorted(need) {
				c.metric(at+"."+string(id), id)
				c.Between(at+"."+string(id), need[id], 1, MaxTally)
			}
		}
		c.gift(path+"gift.", i, l)
		for _, id := range sorted(l.Expiry) {
			at := path + "expiry." + string(id) + "."
			c.Field(valid.ID(at+"currency", id))
			c.currency(at, id)
			if e := l.Expiry[id]; e == nil {
				c.Add(at, "is null")
			} else {
				c.At(at, e.Check())
			}
		}
	}
	c.OneOf("tiers.downgrade", string(t.Downgrade), string(Never), string(AtEnd), string(OnRefund))
	c.At("tiers.valid.", t.Valid.Check())
	c.Between("tiers.valid.extraMonths", int64(t.Valid.ExtraMonths), 0, maxMonths)
	c.Between("tiers.grace", int64(t.Grace), 0, 366)
	none := t.Valid == Validity{}
	switch {
	case t.Valid.Expiry == (Expiry{}) && t.Valid.ExtraMonths != 0:
		c.Add("tiers.valid.extraMonths", "needs another bound")
	case t.Downgrade == Never && (t.Grace != 0 || t.ByOne || len(t.Lose) > 0):
		c.Add("tiers.downgrade", "is never, so that grace, byOne and lose mean nothing")
	case none && (t.Grace != 0 || t.ByOne || len(t.Lose) > 0):
		c.Add("tiers.valid", "is missing, which grace, byOne and lose need")
	}
	for i, id := range t.Lose {
		at := fmt.Sprintf("tiers.lose[%d].", i)
		c.Field(valid.ID(at+"currency", id))
		c.currency(at, id)
	}
	calendar := func(m *metric) bool { return m.Joined || m.Window.Calendar != "" }
	if (t.AtEnd || t.Rollover) && !slices.ContainsFunc(c.p.metrics, calendar) {
		c.Add("tiers.atEnd", "and rollover need a metric whose window has an end")
	}
}

// gift checks the gift of the level with that index.
func (c *compiler) gift(path string, i int, l Level) {
	switch {
	case l.Gift == nil:
		return
	case i == 0:
		c.Add(path+"points", "are not for the lowest level, where everybody begins")
	case l.Manual:
		c.Add(path+"points", "are not for a level by invitation, which nobody reaches by what is counted")
	}
	c.currency(path, l.Gift.Currency)
	c.Between(path+"points", l.Gift.Points, 1, MaxEarned)
}

// Check returns an *errs.InputError if the validity is invalid.
func (v Validity) Check() error { return v.Expiry.Check() }

func sorted[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func reduced(num, den uint64) ratio {
	g := gcd(num, den)
	return ratio{num / g, den / g}
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return max(1, a)
}
