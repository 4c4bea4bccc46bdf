package loyalty

import (
	"fmt"
	"slices"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// Follows checks that a definition can be the version after another one: that what members hold and
// what was counted for them still means the same. *errs.DefinitionError: it may not. Rules, caps,
// levels, ends and rates may change; these may not:
//
//   - the zone and the money, in whose days and minor units it was counted;
//   - a currency's scale, for units would become more or fewer points, and the first currency,
//     which commands without one mean; a currency may not go, for members hold it;
//   - what a metric counts, and of which currency or event; it may go;
//   - the currency of a rule with caps on points, what a rule counts whose part is carried, and the
//     metric, its window and the steps of a milestone: another window would pay milestones again.
//
// Where one of them has to change, take another id.
func (d Definition) Follows(before Definition) error {
	var c valid.Checker
	same := func(path string, same bool, why string) {
		if !same {
			c.Add(path, "is another one than in version "+fmt.Sprint(before.Version)+": "+why)
		}
	}
	same("id", d.ID == before.ID, "that is another program")
	same("zone", d.Zone == before.Zone, "what was counted is by its days")
	same("money", d.Money == before.Money || before.Money == "", "what was counted is in its minor units")
	for i, u := range before.Currencies {
		j := slices.IndexFunc(d.Currencies, func(o Currency) bool { return o.ID == u.ID })
		if j < 0 {
			c.Add("currencies", fmt.Sprintf("lack %s, which members hold", u.ID))
			continue
		}
		path := fmt.Sprintf("currencies[%d]", j)
		same(path+".scale", d.Currencies[j].Scale == u.Scale, "members hold units of it")
		same(path, i > 0 || j == 0, "the first one is what commands without a currency mean")
	}
	for _, m := range before.Metrics {
		if j := slices.IndexFunc(d.Metrics, func(o Metric) bool { return o.ID == m.ID }); j >= 0 {
			o := d.Metrics[j]
			same(fmt.Sprintf("metrics[%d]", j), o.counts(d) == m.counts(before), "what was counted is something else; take another id")
		}
	}
	for _, r := range before.Rules {
		j := slices.IndexFunc(d.Rules, func(o Rule) bool { return o.ID == r.ID })
		if j < 0 {
			continue
		}
		o, path := d.Rules[j], fmt.Sprintf("rules[%d]", j)
		points := func(l Cap) bool { return l.Points != 0 }
		if slices.ContainsFunc(r.Caps, points) && slices.ContainsFunc(o.Caps, points) {
			same(path+".currency", o.currencyOf(d) == r.currencyOf(before), "its caps have counted units of it; take another id")
		}
		if r.Give.Part == Carry && o.Give.Part == Carry {
			same(path+".give.per", o.Give.Per == r.Give.Per, "members carry some of it; take another id")
		}
		if r.Give.Per == PerMilestone && o.Give.Per == PerMilestone {
			steps := func(g Give) [3]any { return [3]any{g.Metric, max(1, g.Amount), g.From} }
			same(path+".give", steps(o.Give) == steps(r.Give), "milestones that were reached are counted by it; take another id")
			same(path+".give.metric", d.windowOf(o.Give.Metric) == before.windowOf(r.Give.Metric), "in another window milestones that were reached would be paid again; take another id")
		}
	}
	if err := c.Err(); err != nil {
		return fmt.Errorf("loyalty: %w", err)
	}
	return nil
}

// A milestoneWindow is what a metric counts in, as far as milestones are told apart by it.
type milestoneWindow struct {
	Window
	joined bool
}

func (d Definition) windowOf(id MetricID) (w milestoneWindow) {
	if i := slices.IndexFunc(d.Metrics, func(m Metric) bool { return m.ID == id }); i >= 0 {
		w = milestoneWindow{d.Metrics[i].Window, d.Metrics[i].Joined}
		w.Anniversary = w.Anniversary.UTC()
	}
	return w
}

// counts returns what a metric is of.
func (m Metric) counts(d Definition) [3]string {
	id := string(m.Currency)
	if m.Of == CountPoints && id == "" && len(d.Currencies) > 0 {
		id = string(d.Currencies[0].ID)
	}
	return [3]string{string(m.Of), id, m.On}
}

// currencyOf returns the currency of a rule.
func (r Rule) currencyOf(d Definition) ids.Currency {
	if r.Currency == "" && len(d.Currencies) > 0 {
		return d.Currencies[0].ID
	}
	return r.Currency
}
