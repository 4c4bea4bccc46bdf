package loyalty

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"

	"github.com/scrmkit/scrmkit/internal/valid"
)

func (c *compiler) rules() {
	d := c.p.def
	c.Between("rules", int64(len(d.Rules)), 0, maxRules)
	seen := map[RuleID]bool{}
	var all []*rule
	for i := range d.Rules {
		path := fmt.Sprintf("rules[%d].", i)
		c.id(path, d.Rules[i].ID, seen)
		all = append(all, c.rule(path, &d.Rules[i]))
	}
	c.groups(all)
	for _, r := range all {
		kind := Event{Kind: r.On}.kind()
		c.p.rules[kind] = append(c.p.rules[kind], r)
	}
	for _, rules := range c.p.rules {
		slices.SortFunc(rules, func(a, b *rule) int {
			return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.ID, b.ID))
		})
		for i, r := range rules {
			r.place = i
		}
	}
}

func (c *compiler) rule(path string, r *Rule) *rule {
	compiled := &rule{Rule: r}
	c.Field(valid.Text(path+"name", r.Name))
	c.Field(valid.OptionalID(path+"on", r.On))
	c.Field(valid.OptionalID(path+"group", r.Group))
	c.Window(path, r.From, r.To)
	c.Between(path+"minSpend", r.MinSpend, 0, MaxAmount)
	c.Between(path+"priority", int64(r.Priority), -million, million)
	c.Between(path+"pending", int64(r.Pending), 0, maxPending)
	compiled.ifs = c.condition(path+"if", "rule "+string(r.ID), r.If, Facts{})
	compiled.lines = c.condition(path+"lines", "rule "+string(r.ID), r.Lines, lineFacts{})
	compiled.currency = c.currency(path, r.Currency)
	c.caps(path+"caps", r.Caps, ruleTally(r.ID))
	compiled.capped = slices.ContainsFunc(r.Caps, func(l Cap) bool { return l.Points != 0 })
	if purchase := (Event{Kind: r.On}).kind() == PurchaseEvent; purchase && c.p.def.Money == "" {
		c.Add(path+"on", "is a purchase, for which money is missing")
	} else if !purchase && (r.Lines != "" || r.MinSpend != 0) {
		c.Add(path+"lines", "and minSpend are for purchases alone")
	}
	if r.Give.Times != "" {
		c.multiplier(path, compiled)
	} else {
		c.giver(path, compiled)
	}
	return compiled
}

func (c *compiler) multiplier(path string, r *rule) {
	g := r.Give
	if g.Points != "" || g.Per != "" || g.Amount != 0 || g.Part != "" || g.Metric != "" || g.From != 0 || g.Once {
		c.Add(path+"give.times", "excludes the other fields")
	}
	if r.Bonus || r.Pending != 0 {
		c.Add(path+"give.times", "is not for a bonus, and is pending with what it multiplies")
	}
	n, ok := g.Times.millionths()
	if !ok || n > maxTimes {
		c.Add(path+"give.times", "is no number from 0 to 1000 with up to 6 decimals")
		return
	}
	if r.capped && n < million {
		c.Add(path+"give.times", "is less than 1, and has a cap on points")
	}
	r.times = reduced(uint64(n), million)
	if len(c.p.factors) > r.currency && !r.capped {
		f := &c.p.factors[r.currency]
		if *f *= r.times.den; *f > maxDen {
			c.Add(path+"give.times", "has too many decimals beside the other multipliers")
			*f = 1
		}
	}
}

func (c *compiler) giver(path string, r *rule) {
	g := r.Give
	n, ok := g.Points.millionths()
	if !ok || n == 0 {
		c.Add(path+"give.points", "is no number above 0 with up to 9 digits and 6 decimals")
	}
	c.OneOf(path+"give.per", string(g.Per), string(PerEvent), string(PerMoney), string(PerItem), string(PerMilestone))
	c.OneOf(path+"give.part", string(g.Part), string(Fraction), string(Whole), string(Carry))
	c.Between(path+"give.amount", g.Amount, 0, maxPer)
	if g.Per == PerMilestone {
		r.metric = c.metric(path+"give.metric", g.Metric)
		if len(r.Caps) > 0 {
			c.Add(path+"caps", "are not for milestones, which count by themselves")
		}
		c.Between(path+"give.from", g.From, 0, MaxTally)
	} else if g.Metric != "" || g.From != 0 || g.Once {
		c.Add(path+"give.metric", "is for milestones alone, as from and once are")
	}
	if (g.Per == PerEvent || g.Per == PerMilestone) && g.Part != Fraction {
		c.Add(path+"give.part", "is for money and items alone")
	}
	if g.Per == PerEvent && g.Amount != 0 {
		c.Add(path+"give.amount", "is not for what is given once")
	}
	if (g.Per == PerEvent || g.Per == PerMilestone) && r.Lines != "" {
		c.Add(path+"lines", "is for money, items and multipliers alone")
	}
	if g.Amount == 0 && (g.Per == PerMoney || r.metric != nil && r.metric.Of == CountMoney) {
		c.Add(path+"give.amount", "is missing: the minor units that the points are for, 100 for each whole unit of most currencies")
	}
	if g.Per == PerMoney && (Event{Kind: r.On}).kind() != PurchaseEvent {
		c.Add(path+"give.per", "is for purchases alone")
	}
	r.amount = max(1, g.Amount)
	if !ok || r.currency >= len(c.p.def.Currencies) {
		return
	}
	u := c.p.def.Currencies[r.currency]
	for range u.Scale {
		n *= 10
	}
	each := reduced(uint64(n), million*uint64(r.amount))
	pending := cmp.Or(r.Pending, u.Pending)
	r.pot = slices.IndexFunc(c.p.pots, func(p pot) bool { return p.currency == r.currency && p.pending == pending })
	if r.pot < 0 {
		r.pot = len(c.p.pots)
		c.p.pots = append(c.p.pots, pot{r.currency, pending, 1})
	}
	common := &c.p.pots[r.pot].den
	den := *common / gcd(*common, each.den) * each.den
	if den > maxDen {
		c.Add(path+"give.points", "has too many decimals beside the other rules")
		return
	}
	*common = den
	r.times = each // until all rules are known
}

// groups checks that those of a group are alike, and gives each rule its number now that the pots
// are known.
func (c *compiler) groups(all []*rule) {
	c.sortPots(all)
	first := map[string]*rule{}
	for i, r := range all {
		path := fmt.Sprintf("rules[%d].", i)
		if r.Give.Times == "" && r.times.den != 0 {
			high, low := bits.Mul64(r.times.num, c.p.pots[r.pot].den/r.times.den)
			if r.num = low; high != 0 {
				c.Add(path+"give.points", "is more than a rule can give")
			}
		}
		if r.Give.Times != "" && r.capped && r.Group != "" {
			c.Add(path+"group", "is not for a multiplier with a cap on points")
		}
		if r.Group == "" {
			continue
		}
		o := first[r.Group]
		if o == nil {
			first[r.Group] = r
			continue
		}
		if (o.Give.Times == "") != (r.Give.Times == "") || o.currency != r.currency || o.pot != r.pot || o.Event() != r.Event() {
			c.Add(path+"group", "has rules of another kind, event, currency or pending period")
		}
	}
}

// sortPots makes the numbers of pots independent of the order of the rules.
func (c *compiler) sortPots(all []*rule) {
	was := slices.Clone(c.p.pots)
	slices.SortFunc(c.p.pots, func(a, b pot) int {
		return cmp.Or(cmp.Compare(a.currency, b.currency), cmp.Compare(a.pending, b.pending))
	})
	for _, r := range all {
		if r.Give.Times == "" && r.times.den != 0 {
			r.pot = slices.Index(c.p.pots, was[r.pot])
		}
	}
}

// Event returns the kind of the events that the rule is for.
func (r *Rule) Event() string { return Event{Kind: r.On}.kind() }
