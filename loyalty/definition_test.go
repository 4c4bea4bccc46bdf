package loyalty_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
)

func TestCompileTellsEveryMistakeAtOnce(t *testing.T) {
	never := loyalty.Expiry{RoundUp: "week"}
	d := loyalty.Definition{
		ID: "a b", Version: 0, Name: "x\x00", Zone: "Mars/Olympus", From: noon, To: noon, Money: "yuan", Basis: "whole",
		Currencies: []loyalty.Currency{
			{ID: "a", Scale: 5, Expiry: loyalty.Expiry{Days: -1}, Pending: -1, Round: "nearest", Overdraft: "some"},
			{ID: "a", Inactive: true},
		},
		Rules: []loyalty.Rule{
			{ID: "x", If: "nothing", Give: loyalty.Give{Points: "-1", Per: "hour"}},
			{ID: "x", Currency: "b", On: "visit", Lines: `line.sku == 1`, MinSpend: -1, Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 1}},
			{ID: "m", Bonus: true, Caps: []loyalty.Cap{{Points: 1, Per: loyalty.Day}}, Give: loyalty.Give{Times: "0.5", Points: "1"}},
			{ID: "s", Give: loyalty.Give{Points: "1", Per: loyalty.PerMilestone, Metric: "none"}, Caps: []loyalty.Cap{{Per: "century"}}},
			{ID: "g", Group: "g", Give: loyalty.Give{Points: "1", Per: loyalty.PerEvent, Amount: 3, Part: loyalty.Whole}},
			{ID: "h", Group: "g", Give: loyalty.Give{Times: "1e3"}, From: noon, To: noon},
			{ID: "i", Group: "g", Pending: 3, Give: loyalty.Give{Points: "1.0000001", Per: loyalty.PerItem}},
		},
		Caps: []loyalty.Cap{{Times: 1, Per: loyalty.PerOne}},
		Metrics: []loyalty.Metric{
			{ID: "q", Of: "hope", Window: loyalty.Window{Days: -1}},
			{ID: "q", Of: loyalty.CountEvents, Lines: "true", Joined: true, Window: loyalty.Window{Months: 1, Anniversary: noon}},
			{ID: "r", Of: loyalty.CountMoney, Currency: "a", On: "visit"},
		},
		Tiers: &loyalty.Tiers{
			Levels: []loyalty.Level{
				{ID: "low", Manual: true},
				{ID: "low"},
				{ID: "mid", Needs: []loyalty.Need{{}, {"none": 0}}, Manual: true, Expiry: map[ids.Currency]*loyalty.Expiry{"a": &never, "z": nil}},
			},
			Downgrade: "soon", AtEnd: true, Grace: -1, Valid: loyalty.Validity{ExtraMonths: 2}, Lose: []ids.Currency{"z"},
		},
	}
	_, err := loyalty.Compile(d)
	var mistakes *errs.DefinitionError
	if !errors.As(err, &mistakes) {
		t.Fatal(err)
	}
	var paths []string
	for _, m := range mistakes.Mistakes {
		paths = append(paths, m.Path)
		if m.Reason == "" {
			t.Errorf("%s has no reason", m.Path)
		}
	}
	for _, want := range []string{
		"id", "version", "name", "zone", "to", "money", "basis",
		"currencies[0].scale", "currencies[0].expiry.days", "currencies[0].pending", "currencies[0].round", "currencies[0].overdraft",
		"currencies[1].id", "currencies[1].inactive",
		"rules[0].if", "rules[0].give.points", "rules[0].give.per", "rules[1].id", "rules[1].currency", "rules[1].lines", "rules[1].minSpend",
		"rules[1].give.per", "rules[2].give.times", "rules[3].give.metric", "rules[3].caps", "rules[3].caps[0].per", "rules[3].caps[0].points",
		"rules[4].give.amount", "rules[4].give.part", "rules[5].give.times", "rules[5].to", "rules[5].group", "rules[6].give.points",
		"caps[0].times", "metrics[0].of", "metrics[0].window.days", "metrics[1].id", "metrics[1].on", "metrics[1].lines", "metrics[1].joined",
		"metrics[1].window.anniversary", "metrics[2].currency", "metrics[2].on",
		"tiers.levels[0].needs", "tiers.levels[1].id", "tiers.levels[1].needs", "tiers.levels[2].needs", "tiers.levels[2].needs[0]",
		"tiers.levels[2].needs[1].none", "tiers.levels[2].expiry.a.roundUp", "tiers.levels[2].expiry.z.", "tiers.downgrade",
		"tiers.grace", "tiers.valid.extraMonths", "tiers.lose[0].currency",
	} {
		if !slices.Contains(paths, want) {
			t.Errorf("nothing is said of %s: %v", want, paths)
		}
	}
	if _, err := loyalty.Compile(loyalty.Definition{}); !errors.As(err, &mistakes) {
		t.Error(err)
	}
}

func TestDefinitionComesBackFromJSON(t *testing.T) {
	for _, d := range []loyalty.Definition{club(1), twenty()} {
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		back, err := loyalty.ParseDefinition(text)
		if diff := gocmp.Diff(d, back); err != nil || diff != "" {
			t.Error(err, diff)
		}
	}
	for _, text := range []string{"", "{", `{"nope":1}`, `{} {}`, `{"rules":[{"give":{"points":[]}}]}`, "null x"} {
		var input *errs.InputError
		d, err := loyalty.ParseDefinition([]byte(text))
		if err == nil {
			_, err = loyalty.Compile(d)
		}
		var mistakes *errs.DefinitionError
		if !errors.As(err, &input) && !errors.As(err, &mistakes) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestRounding(t *testing.T) {
	for _, c := range []struct {
		round   loyalty.Rounding
		perLine bool
		lines   []int64
		want    int64
	}{
		{loyalty.Down, false, []int64{150}, 1}, {loyalty.HalfUp, false, []int64{150}, 2}, {loyalty.HalfEven, false, []int64{150}, 2},
		{loyalty.HalfEven, false, []int64{250}, 2}, {loyalty.HalfUp, false, []int64{250}, 3}, {loyalty.Up, false, []int64{101}, 2},
		{loyalty.Up, false, []int64{100}, 1}, {loyalty.HalfUp, false, []int64{149}, 1}, {loyalty.HalfEven, false, []int64{251}, 3},
		{loyalty.Down, false, []int64{150, 150}, 3}, {loyalty.Down, true, []int64{150, 150}, 2}, {loyalty.Up, true, []int64{101, 101}, 4},
		{loyalty.HalfEven, true, []int64{150, 250}, 4}, {loyalty.HalfUp, true, []int64{150, 250}, 5},
	} {
		d := club(1)
		d.Currencies[0].Round, d.Currencies[0].PerLine = c.round, c.perLine
		p := must[*loyalty.Program](t)(loyalty.Compile(d))
		e := loyalty.Event{Purchase: &loyalty.Purchase{Currency: "CNY"}}
		for i, n := range c.lines {
			e.Purchase.Lines = append(e.Purchase.Lines, loyalty.Line{ID: string(rune('a' + i)), Gross: n})
		}
		out := must[loyalty.Decision](t)(p.Earn(loyalty.Account{ID: alice}, e, noon))
		if got := out.Earned("points"); got != c.want {
			t.Errorf("%s, per line %t, of %v: %d, want %d", c.round, c.perLine, c.lines, got, c.want)
		}
	}
}

// What a rule can give at most is an answer or an error, and never a wrap.
func TestTheLargestNumbers(t *testing.T) {
	d := club(1)
	d.Rules = []loyalty.Rule{
		{ID: "base", Give: loyalty.Give{Points: "999999999.999999", Per: loyalty.PerMoney, Amount: 1}},
		{ID: "more", Give: loyalty.Give{Times: "1000"}},
	}
	p := must[*loyalty.Program](t)(loyalty.Compile(d))
	for _, amount := range []int64{1, 1_000, 1_000_000_000, 1_000_000_000_000} {
		out, err := p.Earn(loyalty.Account{ID: alice}, buy(alice, amount, "k").Event, noon)
		if err == nil && out.Earned("points") != 999_999_999_999*amount || err != nil && !errors.Is(err, loyalty.ErrOverflow) {
			t.Errorf("%d: %d, %v", amount, out.Earned("points"), err)
		}
	}
}

func TestMultipliersPastTheEndAreAnError(t *testing.T) {
	d := club(1)
	d.Rules = []loyalty.Rule{{ID: "base", Give: loyalty.Give{Points: "18000000", Per: loyalty.PerMoney, Amount: 1}}}
	for i := range 7 {
		d.Rules = append(d.Rules, loyalty.Rule{ID: loyalty.RuleID(rune('a' + i)), Give: loyalty.Give{Times: "800"}})
	}
	p := must[*loyalty.Program](t)(loyalty.Compile(d))
	e := loyalty.Event{Purchase: &loyalty.Purchase{Currency: "CNY"}}
	for i := range 400 {
		e.Purchase.Lines = append(e.Purchase.Lines, loyalty.Line{ID: fmt.Sprint(i), Gross: 1_000_000_000})
		if _, err := p.Earn(loyalty.Account{ID: alice}, e, noon); !errors.Is(err, loyalty.ErrOverflow) {
			t.Fatal(i, err)
		}
	}
}

func TestALevelThatIsGone(t *testing.T) {
	sim := loyalty.Simulate(must[*loyalty.Program](t)(loyalty.Compile(club(1))))
	must[loyalty.Outcome](t)(sim.Do(buy(alice, 150_000, "order"), noon))
	next := club(2)
	next.Tiers.Levels = []loyalty.Level{{ID: "member"}, {ID: "silver", Needs: []loyalty.Need{{"spent": 120_000}}}, {ID: "platinum", Needs: []loyalty.Need{{"spent": 900_000}}}}
	sim.Switch(must[*loyalty.Program](t)(loyalty.Compile(next)))
	if a, _ := sim.Account(alice, noon); a.Status.Level != "silver" {
		t.Errorf("%+v", a.Status)
	}
}

// A day is that of the program: at 16:00 UTC it begins in Shanghai.
func TestCalendarsAreThePrograms(t *testing.T) {
	d := club(1)
	d.Rules = []loyalty.Rule{{ID: "daily", On: "visit", Give: loyalty.Give{Points: "5", Per: loyalty.PerEvent}, Caps: []loyalty.Cap{{Times: 1, Per: loyalty.Day}}}}
	sim := loyalty.Simulate(must[*loyalty.Program](t)(loyalty.Compile(d)))
	var earned []int64
	for i, at := range []string{"2026-03-01T15:59:59Z", "2026-03-01T16:00:00Z", "2026-03-02T15:59:59Z", "2026-03-02T16:00:00Z"} {
		now := must[time.Time](t)(time.Parse(time.RFC3339, at))
		out := must[loyalty.Outcome](t)(sim.Do(loyalty.Earn{Account: alice, Event: loyalty.Event{Kind: "visit"}, Key: strings.Repeat("k", i+1)}, now))
		earned = append(earned, out.Earned("points"))
	}
	if diff := gocmp.Diff([]int64{5, 5, 0, 5}, earned); diff != "" {
		t.Error(diff)
	}
}
