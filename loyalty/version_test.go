package loyalty_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty"
)

func TestWhatAVersionMayNotChange(t *testing.T) {
	before := club(1)
	before.Currencies = append(before.Currencies, loyalty.Currency{ID: "stars"})
	before.Rules[0].Caps = []loyalty.Cap{{Points: 100, Per: loyalty.Day}}
	before.Rules = append(before.Rules,
		loyalty.Rule{ID: "carried", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 5000, Part: loyalty.Carry}},
		loyalty.Rule{ID: "mile", Give: loyalty.Give{Points: "1", Per: loyalty.PerMilestone, Metric: "spent", Amount: 5000}})
	for name, c := range map[string]struct {
		change func(d *loyalty.Definition)
		path   string // "": it may be
	}{
		"nothing": {func(d *loyalty.Definition) {}, ""},
		"a rate":  {func(d *loyalty.Definition) { d.Rules[0].Give.Points = "2" }, ""},
		"a level more": {func(d *loyalty.Definition) {
			d.Tiers.Levels = append(d.Tiers.Levels, loyalty.Level{ID: "top", Manual: true})
		}, ""},
		"no tiers":                       {func(d *loyalty.Definition) { d.Tiers = nil }, ""},
		"an expiry":                      {func(d *loyalty.Definition) { d.Currencies[0].Expiry = loyalty.Expiry{} }, ""},
		"a scale, for 100 would be 1.00": {func(d *loyalty.Definition) { d.Currencies[0].Scale = 2 }, "currencies[0].scale"},
		"a currency that is held":        {func(d *loyalty.Definition) { d.Currencies = d.Currencies[:1] }, "currencies"},
		"the first currency":             {func(d *loyalty.Definition) { d.Currencies[0], d.Currencies[1] = d.Currencies[1], d.Currencies[0] }, "currencies[1]"},
		"the zone":                       {func(d *loyalty.Definition) { d.Zone = "UTC" }, "zone"},
		"the money":                      {func(d *loyalty.Definition) { d.Money = "JPY" }, "money"},
		"what a metric counts":           {func(d *loyalty.Definition) { d.Metrics[0].Of = loyalty.CountPurchases }, "metrics[0]"},
		"the currency of a cap":          {func(d *loyalty.Definition) { d.Rules[0].Currency = "stars" }, "rules[0].currency"},
		"what is carried":                {func(d *loyalty.Definition) { d.Rules[3].Give.Per = loyalty.PerItem }, "rules[3].give.per"},
		"the steps of a milestone":       {func(d *loyalty.Definition) { d.Rules[4].Give.Amount = 4000 }, "rules[4].give"},
		"the window of a milestone":      {func(d *loyalty.Definition) { d.Metrics[0].Window = loyalty.Window{Days: 7} }, "rules[4].give.metric"},
		"a window from joining on": {func(d *loyalty.Definition) {
			d.Metrics[0].Window, d.Metrics[0].Joined = loyalty.Window{}, true
		}, "rules[4].give.metric"},
		"the window of a level": {func(d *loyalty.Definition) { d.Metrics[0].Window, d.Rules = loyalty.Window{Days: 7}, d.Rules[:4] }, ""},
	} {
		d := before
		d.Version = 2
		d.Currencies = append([]loyalty.Currency(nil), before.Currencies...)
		d.Rules = append([]loyalty.Rule(nil), before.Rules...)
		d.Metrics = append([]loyalty.Metric(nil), before.Metrics...)
		tiers := *before.Tiers
		d.Tiers = &tiers
		c.change(&d)
		err := d.Follows(before)
		var mistakes *errs.DefinitionError
		switch {
		case c.path == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.path != "" && (!errors.As(err, &mistakes) || mistakes.Mistakes[0].Path != c.path):
			t.Errorf("%s: %v, want a mistake at %s", name, err, c.path)
		}
	}
}

func TestPublishChecksAgainstTheVersionBefore(t *testing.T) {
	points, _ := open(t, dbtest.SQLite(t))
	scaled := club(2)
	scaled.Currencies[0].Scale = 2
	if _, err := points.Publish(ctx, scaled); !errors.As(err, new(*errs.DefinitionError)) {
		t.Error(err)
	}
	must[*loyalty.Program](t)(points.Publish(ctx, club(2)))
	must[*loyalty.Program](t)(points.Publish(ctx, club(2)))
	other := club(1)
	other.Name = "another"
	for name, c := range map[string]struct {
		d    loyalty.Definition
		same bool
	}{"an older version": {club(1), true}, "another older version": {other, false}, "one too far": {club(4), false}} {
		_, err := points.Publish(ctx, c.d)
		var published *loyalty.PublishedError
		if !errors.As(err, &published) || !errors.Is(err, loyalty.ErrPublished) || published.InForce != 2 || published.Next != 3 || published.Same != c.same {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Hilton Honors, 2025: 10,000 points at 40 nights of a calendar year and for each 10 after that,
// and 30,000 at 60, once.
func TestMilestonesOfHilton(t *testing.T) {
	d := loyalty.Definition{
		ID: "club", Version: 1, Zone: "UTC",
		Currencies: []loyalty.Currency{{ID: "points"}},
		Metrics:    []loyalty.Metric{{ID: "nights", Of: loyalty.CountEvents, On: "night", Window: loyalty.Window{Calendar: loyalty.Year}}},
		Rules: []loyalty.Rule{
			{ID: "ten", On: "night", Give: loyalty.Give{Points: "10000", Per: loyalty.PerMilestone, Metric: "nights", Amount: 10, From: 40}},
			{ID: "sixty", On: "night", Give: loyalty.Give{Points: "30000", Per: loyalty.PerMilestone, Metric: "nights", Amount: 60, Once: true}},
		},
	}
	p, err := loyalty.Compile(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		stays []int64
		want  int64
	}{
		{[]int64{39}, 0}, {[]int64{40}, 10_000}, {[]int64{39, 1}, 10_000}, {[]int64{49}, 10_000}, {[]int64{59}, 20_000}, {[]int64{60}, 60_000},
		{[]int64{120}, 120_000}, {[]int64{365}, 360_000}, {[]int64{100, 100, 100, 65}, 360_000},
	} {
		sim := loyalty.Simulate(p)
		for i, n := range c.stays {
			stay := loyalty.Earn{Account: alice, Event: loyalty.Event{Kind: "night", N: n}, Key: fmt.Sprint(i)}
			if _, err := sim.Do(stay, noon.AddDate(0, i, 0)); err != nil {
				t.Fatal(err)
			}
		}
		a, _ := sim.Account(alice, noon.AddDate(0, 9, 0))
		if got := a.Wallet("points").Balance(noon.AddDate(0, 9, 0)).Available; got != c.want {
			t.Errorf("%v nights: %d, want %d", c.stays, got, c.want)
		}
	}
}

func TestEveryMetricOfALevelRollsOver(t *testing.T) {
	d := loyalty.Definition{
		ID: "club", Version: 1, Zone: "UTC", Money: "USD",
		Currencies: []loyalty.Currency{{ID: "points"}},
		Metrics: []loyalty.Metric{
			{ID: "nights", Of: loyalty.CountEvents, On: "night", Window: loyalty.Window{Calendar: loyalty.Year}},
			{ID: "stays", Of: loyalty.CountEvents, On: "stay", Window: loyalty.Window{Calendar: loyalty.Year}},
		},
		Tiers: &loyalty.Tiers{
			Levels:   []loyalty.Level{{ID: "member"}, {ID: "gold", Needs: []loyalty.Need{{"nights": 40}, {"stays": 20}}}},
			Rollover: true, Downgrade: loyalty.AtEnd, Valid: loyalty.Validity{Expiry: loyalty.Expiry{Years: 1, RoundUp: loyalty.Year}},
		},
	}
	event := func(kind string, n int64, key string) loyalty.Earn {
		return loyalty.Earn{Account: alice, Event: loyalty.Event{Kind: kind, N: n}, Key: key}
	}
	for _, c := range []struct{ nights, stays, nightsLeft, staysLeft int64 }{{45, 27, 5, 7}, {45, 10, 5, 0}, {10, 27, 0, 7}, {40, 20, 0, 0}, {39, 19, 0, 0}} {
		sim := played(t, d, event("night", c.nights, "0-n"), event("stay", c.stays, "1-s"))
		year := time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC)
		a, _ := sim.Account(alice, year)
		p := compiledFor(t, d)
		_, ways := p.Progress(withLevel(a, "member"), year)
		left := map[loyalty.MetricID]int64{}
		for _, way := range ways {
			for _, m := range way {
				left[m.Metric] = m.Have
			}
		}
		if left["nights"] != c.nightsLeft || left["stays"] != c.staysLeft {
			t.Errorf("%+v: %v are left", c, left)
		}
	}
}

func compiledFor(t *testing.T, d loyalty.Definition) *loyalty.Program {
	t.Helper()
	return must[*loyalty.Program](t)(loyalty.Compile(d))
}

func withLevel(a loyalty.Account, id ids.Level) loyalty.Account {
	a.Status.Level = id
	return a
}

// A metric that comes with its levels has counted nothing when they are published, and WhatIf says
// so, beside what it would have counted.
func TestAMetricCountsFromTheVersionThatBringsIt(t *testing.T) {
	c := &clock{}
	c.set(noon)
	points := loyalty.New(dbtest.SQLite(t), &loyalty.Options{Now: c.now})
	first := club(1)
	first.Tiers, first.Metrics, first.Rules = nil, nil, first.Rules[:1]
	must[*loyalty.Program](t)(points.Publish(ctx, first))
	must[loyalty.Outcome](t)(points.Earn(ctx, buy(alice, 120_000, "before")))
	said := must[loyalty.Comparison](t)(points.Compared(ctx, compiledFor(t, club(2)), loyalty.WhatIfQuery{}))
	must[*loyalty.Program](t)(points.Publish(ctx, club(2)))
	now := must[loyalty.Account](t)(points.Current(ctx, alice))
	if said.Is.Levels["gold"] != 1 || said.Is.Metrics["spent"] != 120_000 || said.Next.Levels["gold"] != 0 || said.Next.Metrics["spent"] != 0 ||
		now.Status.Level != "member" {
		t.Errorf("%+v, and WhatIf said %+v", now.Status, said)
	}
	must[loyalty.Outcome](t)(points.Earn(ctx, buy(alice, 100_000, "since")))
	out := must[loyalty.Outcome](t)(points.Refund(ctx, loyalty.Refund{Account: alice, Of: "before", All: true, Key: "back"}))
	if out.Status.Level != "gold" {
		t.Errorf("%+v", out.Status)
	}
}

// Who qualifies by what was counted before tiers were added is on the level at once, as WhatIf
// said.
func TestTiersThatAreAdded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		c := &clock{}
		c.set(noon)
		points := loyalty.New(db, &loyalty.Options{Now: c.now})
		first := club(1)
		first.Tiers, first.Rules = nil, first.Rules[:1]
		must[*loyalty.Program](t)(points.Publish(ctx, first))
		must[loyalty.Outcome](t)(points.Earn(ctx, buy(alice, 120_000, "order")))
		must[loyalty.Outcome](t)(points.Earn(ctx, buy(bob, 90_000, "order")))
		c.set(days(3))
		next := club(2)
		said := must[loyalty.Comparison](t)(points.Compared(ctx, compiledFor(t, next), loyalty.WhatIfQuery{}))
		must[*loyalty.Program](t)(points.Publish(ctx, next))
		levels := map[ids.Level]int{}
		for _, id := range []loyalty.AccountID{alice, bob} {
			levels[must[loyalty.Account](t)(points.Current(ctx, id)).Status.Level]++
		}
		if said.Is.Levels["gold"] != 1 || said.Next.Levels["gold"] != 1 || levels["gold"] != 1 || levels["member"] != 1 {
			t.Errorf("%v, and WhatIf said %v", levels, said.Is.Levels)
		}
		out := must[loyalty.Outcome](t)(points.Redeem(ctx, loyalty.Redeem{Account: alice, N: 1, Key: "cup"}))
		if out.Tier == nil || out.Tier.To != "gold" || !out.Status.Since.Equal(noon) {
			t.Errorf("%+v", out)
		}
	})
}
