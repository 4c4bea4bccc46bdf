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
)

// additiveProgram draws a program of all kinds of rules, in which what one purchase is given
// depends on another one by caps, by what is carried, by milestones and by levels alone: what is
// capped, carried or given for milestones is whole points and is not multiplied, and no rule asks
// for the level.
func additiveProgram(t *rapid.T) loyalty.Definition {
	window := func(label string) loyalty.Window {
		return pick(t, label, loyalty.Window{Days: 20}, loyalty.Window{Calendar: loyalty.Month}, loyalty.Window{Calendar: loyalty.Week}, loyalty.Window{})
	}
	d := loyalty.Definition{
		ID: "club", Version: 1, Zone: pick(t, "zone", "UTC", "Asia/Shanghai"), Money: "CNY",
		Currencies: []loyalty.Currency{{
			ID: "points", Round: pick(t, "round", loyalty.Down, loyalty.HalfUp), PerLine: maybe(t, "per line"), Pending: pick(t, "pending", 0, 3),
		}, {ID: "status"}},
		Metrics: []loyalty.Metric{
			{ID: "spent", Of: loyalty.CountMoney, Window: window("spent")},
			{ID: "red", Of: loyalty.CountMoney, Lines: `"red" in line.labels`, Window: window("red")},
			{ID: "items", Of: loyalty.CountItems, Lines: `line.sku == "a"`, Window: window("items")},
			{ID: "visits", Of: loyalty.CountPurchases, Window: window("visits")},
			{ID: "earned", Of: loyalty.CountPoints, Window: loyalty.Window{}},
		},
	}
	if maybe(t, "tiers") {
		d.Tiers = &loyalty.Tiers{
			Levels: []loyalty.Level{
				{ID: "low"}, {ID: "mid", Needs: []loyalty.Need{{"spent": 9_000}, {"visits": 3}}}, {ID: "high", Needs: []loyalty.Need{{"spent": 15_000}}},
			},
			Downgrade: loyalty.OnRefund,
			Valid:     loyalty.Validity{Expiry: pick(t, "valid", loyalty.Expiry{Days: 15}, loyalty.Expiry{Months: 1, RoundUp: loyalty.Month}, loyalty.Expiry{})},
		}
		if d.Tiers.Valid != (loyalty.Validity{}) && maybe(t, "grace") {
			d.Tiers.Grace = 3
		}
		gifts(t, d)
	}
	if maybe(t, "capped member") {
		d.Caps = []loyalty.Cap{{Points: 60, Per: pick(t, "per", loyalty.Day, loyalty.Month, loyalty.Ever)}}
		d.Currencies[0].PerLine = false
	}
	caps := func() []loyalty.Cap {
		return pick(t, "caps", nil,
			[]loyalty.Cap{{Points: 30, Per: loyalty.Day}}, []loyalty.Cap{{Points: 70, Per: loyalty.Month}},
			[]loyalty.Cap{{Points: 30, Per: loyalty.Day}, {Points: 50, Per: loyalty.Month}, {Points: 120, Per: loyalty.Ever}})
	}
	for i := range rapid.IntRange(1, 5).Draw(t, "rules") {
		r := loyalty.Rule{
			ID: loyalty.RuleID(fmt.Sprint("r", i)), MinSpend: pick[int64](t, "minimum", 0, 0, 5_000), Priority: pick(t, "priority", 0, 1),
			If: pick(t, "if", "", `"vip" in member.labels`), Lines: pick(t, "lines", "", `line.sku == "a"`, `"red" in line.labels`),
		}
		kind := pick(t, "kind", "rate", "item", "times", "event", "carry", "milestone", "status", "capped")
		if kind == "carry" && d.Caps != nil {
			kind = "rate" // which purchase makes a block whole is not remembered, nor under whose cap it would come
		}
		switch kind {
		case "rate":
			r.Give = loyalty.Give{Points: pick[loyalty.Decimal](t, "points", "1", "2.3"), Per: loyalty.PerMoney, Amount: pick[int64](t, "amount", 100, 150),
				Part: pick(t, "part", loyalty.Fraction, loyalty.Whole)}
			r.Bonus, r.Pending = maybe(t, "bonus"), pick(t, "pending", 0, 0, 10)
		case "capped":
			r.Give = loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}
			r.Bonus, r.Caps = true, caps()
		case "item":
			r.Give = loyalty.Give{Points: "5", Per: loyalty.PerItem}
			r.Bonus, r.Caps = true, caps()
		case "times":
			r.Give = loyalty.Give{Times: pick[loyalty.Decimal](t, "times", "2", "1.5")}
		case "event":
			r.Give, r.Lines, r.Bonus = loyalty.Give{Points: "7", Per: loyalty.PerEvent}, "", true
			r.Caps = pick(t, "times", nil, []loyalty.Cap{{Times: 1, Per: loyalty.Day}}, []loyalty.Cap{{Times: 1, Per: loyalty.Day}, {Times: 3, Per: loyalty.Month}})
		case "carry":
			r.Give = loyalty.Give{Points: "2", Per: loyalty.PerMoney, Amount: pick[int64](t, "amount", 1_000, 5_000), Part: loyalty.Carry}
			r.Bonus = true
		case "milestone":
			metric := pick[loyalty.MetricID](t, "metric", "spent", "red", "items", "visits")
			amount := int64(2)
			if metric == "spent" || metric == "red" {
				amount = 7_000
			}
			r.Give, r.Lines = loyalty.Give{Points: "11", Per: loyalty.PerMilestone, Metric: metric, Amount: amount}, ""
			r.If, r.MinSpend = "", 0
		case "status":
			r.Give, r.Currency = loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}, "status"
		}
		d.Rules = append(d.Rules, r)
	}
	return d
}

// returnIn draws refunds that bring all of a purchase back: by amounts, by lines, by items, and
// what is left in the end.
func returnIn(t *rapid.T, id loyalty.AccountID, of string, e loyalty.Event) (refunds []loyalty.Refund) {
	for i := range rapid.IntRange(0, 3).Draw(t, "refunds") {
		r := loyalty.Refund{Account: id, Of: of, Key: fmt.Sprint(of, "-back-", i)}
		l := e.Purchase.Lines[rapid.IntRange(0, len(e.Purchase.Lines)-1).Draw(t, "line")]
		switch pick(t, "by", "amount", "line", "items") {
		case "amount":
			r.Amount = rapid.Int64Range(1, 9_999).Draw(t, "amount")
		case "line":
			r.Lines = []loyalty.LineRefund{{ID: l.ID, Amount: max(1, l.Gross-l.Discount)}}
		default:
			r.Lines = []loyalty.LineRefund{{ID: l.ID, Items: 1}}
		}
		refunds = append(refunds, r)
	}
	return append(refunds, loyalty.Refund{Account: id, Of: of, All: true, Key: of + "-back"})
}

// both runs histories with a purchase and without.
type both struct{ with, without *loyalty.Simulation }

// have reports whether there are n points to spend in both.
func (b both) have(n int64, now time.Time) bool {
	with, _ := b.with.Account(alice, now)
	without, _ := b.without.Account(alice, now)
	return with.Wallet("points").Balance(now).Available >= n && without.Wallet("points").Balance(now).Available >= n
}

// Buying and returning in full, in any order of the returns and with anything in between, leaves
// points, metrics, caps, what is carried, milestones and the level as if the purchase had not been.
// What differs: the numbers of entries, the last activity, and so the ends of points that end with
// inactivity.
func TestReturningInFullIsAsIfNothingHadBeenBought(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := additiveProgram(t)
		levelsStay(t, d)
		p := compiled(t, d)
		run := both{loyalty.Simulate(p), loyalty.Simulate(p)}
		now := noon
		must := func(c loyalty.Command, sims ...*loyalty.Simulation) {
			for _, s := range sims {
				if _, err := s.Do(c, now); err != nil {
					t.Fatalf("%+v: %v", c, err)
				}
			}
		}
		must(loyalty.Adjust{Account: alice, N: 1, Reason: "open", Key: "open"}, run.with, run.without)
		n := rapid.IntRange(0, 6).Draw(t, "others")
		bought, refunds := map[int]loyalty.Earn{}, []loyalty.Refund(nil)
		for i := range rapid.IntRange(1, 2).Draw(t, "returned") {
			c := loyalty.Earn{Account: alice, Event: anyEvent(t), Key: fmt.Sprint("returned-", i)}
			bought[rapid.IntRange(0, n).Draw(t, "after")] = c
		}
		for i := 0; i <= n || len(refunds) > 0; i++ {
			now = now.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "hours")) * time.Hour)
			if c, ok := bought[i]; ok {
				must(c, run.with)
				refunds = append(refunds, returnIn(t, alice, c.Key, c.Event)...)
			} else if len(refunds) > 0 && (i > n || maybe(t, "refund")) {
				if _, err := run.with.Do(refunds[0], now); err != nil && !errors.Is(err, loyalty.ErrTooMuch) {
					t.Fatal(err)
				}
				refunds = refunds[1:]
			}
			switch key := fmt.Sprint("k", i); {
			case i >= n:
			case maybe(t, "redeem"):
				c := loyalty.Redeem{Account: alice, N: rapid.Int64Range(1, 20).Draw(t, "n"), Key: key}
				if run.have(c.N, now) {
					must(c, run.with, run.without)
				}
			default:
				must(loyalty.Earn{Account: alice, Event: anyEvent(t), Key: key}, run.with, run.without)
			}
		}
		asIf(t, p, run, now)
	})
}

// A purchase that was returned before anything else came leaves the account as if it had not been,
// by every kind of rule, cap and level: multiplied, by the level, and where points go with a level.
func TestReturningBeforeAnythingElseIsAsIfNothingHadBeenBought(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyProgram(t)
		u := &d.Currencies[0]
		u.Inactive, u.ByLevel, u.Overdraft = false, false, loyalty.BelowZero
		d.Tiers.AtEnd, d.Tiers.Downgrade = false, loyalty.OnRefund
		if d.Caps == nil && maybe(t, "times of a member") {
			d.Caps = []loyalty.Cap{{Times: pick[int64](t, "times", 1, 2), Per: pick(t, "per", loyalty.Day, loyalty.Week)}}
		}
		for i := range d.Rules {
			switch r := &d.Rules[i]; {
			case r.Give.Per == loyalty.PerMilestone:
				r.If, r.MinSpend = "", 0
			case r.Caps == nil && maybe(t, "once a day"):
				r.Caps = []loyalty.Cap{{Times: 1, Per: loyalty.Day}}
			}
		}
		p := compiled(t, d)
		with, without := loyalty.Simulate(p), loyalty.Simulate(p)
		now := noon
		must := func(c loyalty.Command, sims ...*loyalty.Simulation) {
			for _, s := range sims {
				if _, err := s.Do(c, now); err != nil {
					t.Fatalf("%+v: %v", c, err)
				}
			}
		}
		others := func(name string) {
			for i := range rapid.IntRange(0, 3).Draw(t, name) {
				now = now.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "hours")) * time.Hour)
				must(loyalty.Earn{Account: alice, Event: anyEvent(t), Key: fmt.Sprint(name, i)}, with, without)
			}
		}
		must(loyalty.Adjust{Account: alice, N: 1, Reason: "open", Key: "open"}, with, without)
		others("before")
		c := loyalty.Earn{Account: alice, Event: anyEvent(t), Key: "returned"}
		must(c, with)
		now = now.Add(time.Duration(pick(t, "after", 0, 1, 24, 200)) * time.Hour)
		for _, r := range returnIn(t, alice, c.Key, c.Event) {
			if _, err := with.Do(r, now); err != nil && !errors.Is(err, loyalty.ErrTooMuch) {
				t.Fatal(err)
			}
		}
		others("after")
		got, _ := with.Account(alice, now)
		want, _ := without.Account(alice, now)
		for _, id := range []ids.Currency{"points", "status"} {
			if got, want := got.Wallet(id).Balance(now), want.Wallet(id).Balance(now); got != want {
				t.Errorf("%s: %+v, want %+v", id, got, want)
			}
		}
		tallies := func(a loyalty.Account) (all []loyalty.NamedTally) {
			for _, n := range a.Tallies {
				if n.Tally.Total != 0 || len(n.Tally.Days) != 0 {
					all = append(all, n)
				}
			}
			return all
		}
		if diff := gocmp.Diff(tallies(want), tallies(got), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("tallies: -want +got\n%s", diff)
		}
		if diff := gocmp.Diff(want.Carried, got.Carried, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("carried: -want +got\n%s", diff)
		}
		if got, want := got.Status, want.Status; got.Level != want.Level || !got.Until.Equal(want.Until) {
			t.Errorf("level %+v, want %+v", got, want)
		}
	})
}

// asIf compares the accounts of the two histories.
func asIf(t *rapid.T, p *loyalty.Program, run both, now time.Time) {
	t.Helper()
	with, _ := run.with.Account(alice, now)
	without, _ := run.without.Account(alice, now)
	d := p.Definition()
	shares := d.Caps != nil || gives(d) || slices.ContainsFunc(d.Rules, func(r loyalty.Rule) bool {
		return r.Caps != nil || r.Give.Per == loyalty.PerMilestone || r.Give.Part == loyalty.Carry
	})
	for _, id := range []ids.Currency{"points", "status"} {
		got, want := with.Wallet(id).Balance(now), without.Wallet(id).Balance(now)
		if shares { // others have points that begin on other days in place of what the purchase was given
			got = loyalty.Balance{Available: got.Available + got.Pending - got.Debt}
			want = loyalty.Balance{Available: want.Available + want.Pending - want.Debt}
		}
		if got != want {
			t.Errorf("%s: %+v, want %+v", id, got, want)
		}
	}
	tallies := func(a loyalty.Account) (all []loyalty.NamedTally) {
		for _, n := range a.Tallies {
			// Which purchase makes a block whole, or which day has what a longer time gives, is not
			// remembered.
			if n.Name == "metric/earned" && shares || strings.HasPrefix(n.Name, "rule/") || strings.HasPrefix(n.Name, "member/") {
				n.Tally.Days = nil
			}
			if n.Tally.Total != 0 || len(n.Tally.Days) != 0 {
				all = append(all, n)
			}
		}
		return all
	}
	reached := func(a loyalty.Account) (all []loyalty.Reached) {
		for _, r := range a.Reached {
			all = append(all, loyalty.Reached{Rule: r.Rule, From: r.From, N: r.N})
		}
		return all
	}
	if diff := gocmp.Diff(tallies(without), tallies(with), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("tallies: -want +got\n%s", diff)
	}
	if diff := gocmp.Diff(reached(without), reached(with), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("milestones: -want +got\n%s", diff)
	}
	if diff := gocmp.Diff(given(without), given(with)); diff != "" {
		t.Errorf("gifts: -want +got\n%s", diff)
	}
	if diff := gocmp.Diff(without.Carried, with.Carried, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("carried: -want +got\n%s", diff)
	}
	got, want := with.Status, without.Status
	if t := d.Tiers; t != nil && t.Downgrade != loyalty.OnRefund {
		return // the level stays
	}
	if got.Level != want.Level || !got.Until.Equal(want.Until) || got.Hand != want.Hand {
		t.Errorf("level %+v, want %+v", got, want)
	}
}
