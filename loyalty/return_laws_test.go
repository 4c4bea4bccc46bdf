package loyalty_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
)

// A sale is a purchase with what becomes of it: all of it is returned, or what its refunds say.
type sale struct {
	earn     loyalty.Earn
	refunds  []loyalty.Refund
	returned bool
}

// anySales draws purchases of some weeks, each with refunds by line, by item and by amount. Where
// one purchase may have what a cap keeps from another, or carries for it, all of a purchase is
// returned or nothing: a part takes back its share of what the purchase was given, which depends on
// who came first.
func anySales(t *rapid.T, d loyalty.Definition) (all []sale) {
	at := noon
	for i := range rapid.IntRange(1, 6).Draw(t, "purchases") {
		at = at.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "hours")) * time.Hour)
		b := sale{earn: loyalty.Earn{Account: alice, Event: anyEvent(t), Key: fmt.Sprint("k", i)}}
		b.earn.At = at
		b.refunds = returnIn(t, alice, b.earn.Key, b.earn.Event)
		if b.returned = maybe(t, "returned"); !b.returned {
			b.refunds = b.refunds[:len(b.refunds)-1]
			if shares(d) {
				b.refunds = nil
			}
		}
		all = append(all, b)
	}
	return all
}

// A step is a command at its time.
type step struct {
	c  loyalty.Command
	at time.Time
	of int // the purchase
}

// interleaved draws an order in which all of it is told, and when: purchases at once or late, and
// refunds in the order of each purchase.
func interleaved(t *rapid.T, all []sale) (steps []step) {
	last := all[len(all)-1].earn.At
	var queues [][]step
	for i, b := range all {
		at := b.earn.At
		if maybe(t, "late") {
			at = at.Add(time.Duration(rapid.IntRange(0, 20*24).Draw(t, "late by")) * time.Hour)
		}
		queue := []step{{b.earn, at, i}}
		for _, r := range b.refunds {
			at = at.Add(time.Duration(rapid.IntRange(0, 10*24).Draw(t, "back after")) * time.Hour)
			queue = append(queue, step{r, at, i})
		}
		queues = append(queues, queue)
		last = latest(last, at)
	}
	for _, q := range queues {
		steps = append(steps, q...)
	}
	slices.SortStableFunc(steps, func(a, b step) int { return a.at.Compare(b.at) })
	return steps
}

// run runs a step, and perhaps once more, which changes nothing.
func (s step) run(t *rapid.T, sim *loyalty.Simulation, now time.Time) loyalty.Outcome {
	out, err := sim.Do(s.c, now)
	if err != nil && !errors.Is(err, loyalty.ErrTooMuch) {
		t.Fatalf("%+v: %v", s.c, err)
	}
	if err == nil && maybe(t, "again") {
		before := sim.Stored(alice)
		again, err := sim.Do(s.c, now)
		if err != nil || !again.Replayed || gocmp.Diff(out, again, cmpopts.IgnoreFields(loyalty.Outcome{}, "Replayed"), cmpopts.EquateEmpty()) != "" ||
			gocmp.Diff(before, sim.Stored(alice)) != "" {
			t.Fatalf("%+v again: %+v, %v", s.c, again, err)
		}
	}
	return out
}

// beside adds what a purchase is given by itself alone, by rules that exclude each other and by caps
// of another currency, and levels by the day of joining and by what rolls over.
func beside(t *rapid.T, d *loyalty.Definition) {
	for i := range d.Rules {
		r := &d.Rules[i]
		switch alone := r.Caps == nil && r.Give.Part != loyalty.Carry; {
		case alone && r.Give.Per != loyalty.PerMilestone:
			r.Stop, r.Exclusive = maybe(t, "stop"), pick(t, "exclusive", false, false, false, true)
			if r.Give.Times == "" && !r.Bonus && r.Pending == 0 && r.Currency == "" {
				r.Group = pick(t, "group", "", "", "rates")
			}
		case r.Caps != nil && r.Caps[0].Points > 0 && maybe(t, "of another currency"):
			r.Currency = "status"
		}
	}
	if d.Tiers != nil && slices.ContainsFunc(d.Metrics, func(m loyalty.Metric) bool { return m.Window.Calendar != "" }) {
		milestones := slices.ContainsFunc(d.Rules, func(r loyalty.Rule) bool { return r.Give.Per == loyalty.PerMilestone })
		if !milestones && maybe(t, "rolls over") { // what rolled over may give a level again, by the day
			d.Tiers.Rollover, d.Tiers.Valid, d.Tiers.Grace = true, loyalty.Validity{}, 0
		}
	}
	if d.Tiers != nil && maybe(t, "joined") && !d.Tiers.Rollover {
		d.Metrics[3] = loyalty.Metric{ID: "visits", Of: loyalty.CountPurchases, Joined: true}
	}
}

// However purchases and their refunds are told, late and in any order, the account stands as if
// there had been the purchases alone that were not returned, with their refunds; so the order
// changes nothing.
func TestRefundsInAnyOrderLeaveWhatWasNotReturned(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := additiveProgram(t)
		if slices.ContainsFunc(d.Rules, func(r loyalty.Rule) bool { return len(r.Caps) > 0 && r.Caps[len(r.Caps)-1].Per != loyalty.Day }) && d.Caps != nil {
			d.Caps[0].Per = loyalty.Ever // which day has what the cap of a rule on a longer time gives depends on who comes first
		}
		beside(t, &d)
		p := compiled(t, d)
		all := anySales(t, d)
		one, other := interleaved(t, all), interleaved(t, all)
		now := latest(one[len(one)-1].at, other[len(other)-1].at)
		run := func(steps []step, returned bool) *loyalty.Simulation {
			sim := loyalty.Simulate(p)
			if _, err := sim.Do(loyalty.Adjust{Account: alice, N: 1, Reason: "open", Key: "open"}, noon); err != nil {
				t.Fatal(err)
			}
			for _, s := range steps {
				if returned || !all[s.of].returned {
					s.run(t, sim, s.at)
					for _, h := range sim.Stored(alice).Holdings {
						if h.Wallet.Total() < 0 {
							t.Fatalf("%d %s after %+v", h.Wallet.Total(), h.Currency, s.c)
						}
					}
				}
			}
			return sim
		}
		with := run(one, true)
		asIf(t, p, both{with, run(one, false)}, now)
		asIf(t, p, both{with, run(other, true)}, now)
	})
}

// Where no purchase has what a cap kept from another, carries for it or brings its milestone or the
// gift of its level, the refunds of each take what they would take if it were the only one: never
// more than all that it earned, and that once all of it is returned.
func TestRefundsTakeWhatTheirPurchaseEarned(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := withoutGifts(anyProgram(t))
		d.Caps = nil
		d.Rules = slices.DeleteFunc(d.Rules, func(r loyalty.Rule) bool { return r.Give.Per == loyalty.PerMilestone })
		for i := range d.Rules {
			r := &d.Rules[i]
			for j := range r.Caps {
				r.Caps[j].Per = loyalty.PerOne
			}
			if r.Give.Part == loyalty.Carry {
				r.Give.Part = loyalty.Whole
			}
			if r.If == `tier != "low"` {
				r.If = ""
			}
		}
		p := compiled(t, d)
		all := anySales(t, d)
		sim, alone := loyalty.Simulate(p), make([]*loyalty.Simulation, len(all))
		earned, taken := make([]map[ids.Currency]int64, len(all)), make([]map[ids.Currency]int64, len(all))
		for _, s := range interleaved(t, all) {
			if alone[s.of] == nil {
				alone[s.of] = loyalty.Simulate(p)
				earned[s.of], taken[s.of] = map[ids.Currency]int64{}, map[ids.Currency]int64{}
			}
			out, own := s.run(t, sim, s.at), s.run(t, alone[s.of], s.at)
			for _, m := range own.Moves {
				earned[s.of][m.Currency] += m.Totals.Issued
			}
			due := func(o loyalty.Outcome) map[ids.Currency]int64 {
				n := map[ids.Currency]int64{}
				for _, m := range o.Moves {
					n[m.Currency] += m.Totals.Revoked + m.Forgone
				}
				return n
			}
			if diff := gocmp.Diff(due(own), due(out), cmpopts.IgnoreMapEntries(func(_ ids.Currency, n int64) bool { return n == 0 })); diff != "" {
				t.Fatalf("%+v: -alone +among others\n%s", s.c, diff)
			}
			for id, n := range due(out) {
				if taken[s.of][id] += n; taken[s.of][id] > earned[s.of][id] {
					t.Fatalf("%+v: %d of %d %s taken", s.c, taken[s.of][id], earned[s.of][id], id)
				}
			}
			if r, ok := s.c.(loyalty.Refund); ok && r.All && out.Seq != 0 {
				for id, n := range earned[s.of] {
					if taken[s.of][id] != n {
						t.Fatalf("%+v: %d of %d %s taken in the end", s.c, taken[s.of][id], n, id)
					}
				}
			}
		}
	})
}
