package loyalty_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// without draws a definition that lacks metrics, or tiers, or both.
func without(t *rapid.T, d loyalty.Definition) loyalty.Definition {
	if maybe(t, "no tiers") {
		d.Tiers = nil
	}
	gone := loyalty.MetricID("")
	switch {
	case d.Tiers == nil:
		gone = pick[loyalty.MetricID](t, "no metric", "", "spent", "earned")
	case maybe(t, "no metric"):
		gone = "earned"
		tiers := *d.Tiers
		tiers.Levels = []loyalty.Level{{ID: "low"}, {ID: "mid", Needs: []loyalty.Need{{"spent": 20_000}}}}
		if tiers.AtEnd || tiers.Rollover {
			tiers.AtEnd, tiers.Rollover = false, false
		}
		d.Tiers = &tiers
		for i := range d.Currencies {
			d.Currencies = append([]loyalty.Currency(nil), d.Currencies...)
			d.Currencies[i].ByLevel = false
		}
	}
	if d.Tiers == nil {
		d.Currencies = append([]loyalty.Currency(nil), d.Currencies...)
		d.Currencies[0].ByLevel = false
	}
	var metrics []loyalty.Metric
	for _, m := range d.Metrics {
		if m.ID != gone {
			metrics = append(metrics, m)
		}
	}
	var rules []loyalty.Rule
	for _, r := range d.Rules {
		if gone == "" || r.Give.Metric != gone {
			rules = append(rules, r)
		}
	}
	d.Metrics, d.Rules = metrics, rules
	return d
}

// versions draws a definition and one that can follow it: with other rules, rates, levels, ends and
// windows, and with metrics and tiers more or less.
func versions(t *rapid.T) (first, next loyalty.Definition) {
	first, next = anyProgram(t), anyProgram(t)
	next.Version, next.Zone = 2, first.Zone
	next.Currencies[0].Scale = first.Currencies[0].Scale
	for i := range next.Rules {
		next.Rules[i].ID = "n" + next.Rules[i].ID
	}
	if maybe(t, "the same rules") {
		next.Rules = first.Rules
		for i := range next.Metrics { // milestones go on in the same windows
			if slices.ContainsFunc(first.Rules, func(r loyalty.Rule) bool { return r.Give.Metric == next.Metrics[i].ID }) {
				next.Metrics[i].Window = first.Metrics[i].Window
			}
		}
	}
	first, next = without(t, first), without(t, next)
	if u := &next.Currencies[0]; u.Begun {
		u.Begun = u.Pending > 0
	}
	return first, next
}

// WhatIf says how the members will stand: as soon as the definition is published they do, in points,
// metrics and levels, whenever that is; and their next commands are decided on that.
func TestWhatIfTellsHowMembersStandOncePublished(t *testing.T) {
	db, histories := memory.New(), 0
	rapid.Check(t, func(t *rapid.T) {
		histories++
		c := &clock{}
		points := loyalty.New(db.Tenant(fmt.Sprint(histories)), &loyalty.Options{Now: c.now})
		first, next := versions(t)
		p, err := points.Publish(ctx, first)
		if err != nil {
			t.Fatal(err)
		}
		sim, now := loyalty.Simulate(p), noon
		do := func(i int) {
			now = now.AddDate(0, 0, rapid.IntRange(0, 12).Draw(t, "days"))
			c.set(now)
			command := anyCommand(t, i, now)
			want, wantErr := sim.Do(command, now)
			got, err := run(points, command)
			if fmt.Sprint(errors.Unwrap(err)) != fmt.Sprint(errors.Unwrap(wantErr)) || gocmp.Diff(want, got, cmpopts.EquateEmpty()) != "" {
				t.Fatalf("%+v: %+v, %v, want %+v, %v", command, got, err, want, wantErr)
			}
		}
		n := rapid.IntRange(0, 10).Draw(t, "before")
		for i := range n {
			do(i)
		}
		now = now.AddDate(0, 0, rapid.IntRange(0, 40).Draw(t, "published after"))
		c.set(now)
		other := compiled(t, next)
		said, err := points.Compared(ctx, other, loyalty.WhatIfQuery{})
		if err != nil {
			t.Fatal(err)
		}
		if p, err = points.Publish(ctx, next); err != nil {
			t.Fatal(err)
		}
		sim.Switch(p)
		if diff := gocmp.Diff(said.Next, stands(t, points, p, now), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("-said +is\n%s", diff)
		}
		for i := range rapid.IntRange(0, 6).Draw(t, "after") {
			do(n + i)
		}
		if said, err = points.Compared(ctx, other, loyalty.WhatIfQuery{}); err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(said.Was, said.Next); diff != "" {
			t.Fatalf("-was +next, of the version in force\n%s", diff)
		}
		if diff := gocmp.Diff(said.Next, stands(t, points, p, now), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("-said +is\n%s", diff)
		}
	})
}

// stands tells how the members stand, one after the other.
func stands(t *rapid.T, points *loyalty.Engine, p *loyalty.Program, now time.Time) loyalty.Standing {
	s := loyalty.Standing{Totals: map[ids.Currency]loyalty.Totals{}, Metrics: map[loyalty.MetricID]int64{}, Levels: map[ids.Level]int{}}
	zone, err := time.LoadLocation(p.Definition().Zone)
	if err != nil {
		t.Fatal(err)
	}
	for stored, err := range points.Accounts(ctx, loyalty.AccountQuery{Program: "club"}) {
		if err != nil {
			t.Fatal(err)
		}
		a, err := points.Current(ctx, stored.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range a.Holdings {
			if s.Totals[h.Currency], err = s.Totals[h.Currency].Plus(h.Totals); err != nil {
				t.Fatal(err)
			}
		}
		for _, m := range p.Definition().Metrics {
			s.Metrics[m.ID] += counted(a, "metric/"+string(m.ID)).Sum(m.Window, now, zone)
		}
		if a.Merged == "" {
			s.Levels[a.Status.Level]++
		}
	}
	return s
}

func counted(a loyalty.Account, name string) loyalty.Tally {
	for _, n := range a.Tallies {
		if n.Name == name {
			return n.Tally
		}
	}
	return loyalty.Tally{}
}

// shares reports whether what one purchase is given may depend on another one.
func shares(d loyalty.Definition) bool {
	return d.Caps != nil || slices.ContainsFunc(d.Rules, func(r loyalty.Rule) bool { return r.Caps != nil || r.Give.Part == loyalty.Carry })
}

// A version may leave out metrics, milestones, tiers and, where no cap is shared, rules, and the next
// one have them again. Whatever was counted in between, once all is returned there is nothing left
// and nothing owed, of points, of metrics and of caps, and nothing is below zero before that. But
// what was given for milestones may stay, where their metric fell while no rule said so.
func TestAVersionIsTakenBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := withoutGifts(additiveProgram(t)) // that of a level which is gone stays
		second := first
		second.Version = 2
		second.Rules, second.Metrics = nil, nil
		milestones := false
		for _, r := range first.Rules {
			if milestone := r.Give.Per == loyalty.PerMilestone; !milestone && (shares(first) || maybe(t, "keep the rule")) {
				second.Rules = append(second.Rules, r)
			} else {
				milestones = milestones || milestone
			}
		}
		second.Metrics = first.Metrics
		if maybe(t, "no metrics") {
			second.Tiers, second.Metrics = nil, nil
			if shares(first) { // what one has in the place of another is counted where both know the metric
				second.Metrics = first.Metrics[len(first.Metrics)-1:]
			}
		}
		third := first
		third.Version = 3
		sim, now, keys, refunds := loyalty.Simulate(compiled(t, first)), noon, []string(nil), 0
		do := func(c loyalty.Command) {
			if _, err := sim.Do(c, now); err != nil && !errors.Is(err, loyalty.ErrRefused) {
				t.Fatalf("%+v: %v", c, err)
			}
			a, _ := sim.Account(alice, now)
			for _, n := range a.Tallies {
				if n.Tally.Total < 0 {
					t.Fatalf("%+v after %+v", n, c)
				}
			}
		}
		for _, d := range []loyalty.Definition{first, second, third} {
			sim.Switch(compiled(t, d))
			for range rapid.IntRange(0, 4).Draw(t, "commands") {
				now = now.AddDate(0, 0, rapid.IntRange(0, 2).Draw(t, "days")) // all of it within Definition.Late
				if len(keys) > 0 && maybe(t, "refund") {
					do(loyalty.Refund{Account: alice, Of: pick(t, "of", keys...), Amount: rapid.Int64Range(1, 5_000).Draw(t, "amount"), Key: fmt.Sprint("b", refunds)})
					refunds++
					continue
				}
				key := fmt.Sprint("k", len(keys))
				do(loyalty.Earn{Account: alice, Event: anyEvent(t), Key: key})
				keys = append(keys, key)
			}
		}
		if len(keys) == 0 {
			return
		}
		for _, key := range rapid.Permutation(keys).Draw(t, "returned") {
			do(loyalty.Refund{Account: alice, Of: key, All: true, Key: key + "-all"})
		}
		a, _ := sim.Account(alice, now)
		for _, h := range a.Holdings {
			if n := h.Wallet.Total(); n < 0 || n > 0 && !milestones {
				t.Fatalf("%d %s are left", n, h.Currency)
			}
		}
		for _, n := range a.Tallies {
			exact := strings.HasPrefix(n.Name, "metric/") && (n.Name != "metric/earned" || !shares(first)) // on which day
			if n.Tally.Total != 0 || exact && len(n.Tally.Days) != 0 {
				t.Fatalf("%+v is left", n)
			}
		}
	})
}
