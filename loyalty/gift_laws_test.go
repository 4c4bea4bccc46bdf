package loyalty_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// gifts draws gifts for the levels of a program.
func gifts(t *rapid.T, d loyalty.Definition) {
	if !maybe(t, "gifts") {
		return
	}
	for i := range d.Tiers.Levels[1:] {
		if maybe(t, "gift") {
			d.Tiers.Levels[i+1].Gift = &loyalty.Gift{
				Currency: pick[ids.Currency](t, "of", "", "points", "status"), Points: pick[int64](t, "points", 13, 500), Again: maybe(t, "again"),
			}
		}
	}
}

// levelsStay draws whether levels stay though a purchase comes back: then gifts come once.
func levelsStay(t *rapid.T, d loyalty.Definition) {
	if d.Tiers == nil || d.Tiers.Grace > 0 || !maybe(t, "levels stay") {
		return
	}
	d.Tiers.Downgrade = pick(t, "downgrade", loyalty.AtEnd, loyalty.Never)
	for _, l := range d.Tiers.Levels {
		if l.Gift != nil {
			l.Gift.Again = false
		}
	}
}

// gives reports whether any level of a program has a gift.
func gives(d loyalty.Definition) bool {
	return d.Tiers != nil && slices.ContainsFunc(d.Tiers.Levels, func(l loyalty.Level) bool { return l.Gift != nil })
}

// given returns how many gifts of each level a member was given.
func given(a loyalty.Account) map[ids.Level]int64 {
	n := map[ids.Level]int64{}
	for _, g := range a.Gifts {
		if g.N != 0 {
			n[g.Level] = g.N
		}
	}
	return n
}

// climbs counts the gifts that are due for the levels that outcomes reach.
type climbs struct {
	levels []loyalty.Level
	n      map[ids.Level]int64
}

func (c climbs) index(id ids.Level) int {
	return slices.IndexFunc(c.levels, func(l loyalty.Level) bool { return l.ID == id })
}

func (c climbs) note(o loyalty.Outcome) {
	if o.Tier == nil || o.Status.Hand != "" {
		return
	}
	for i := c.index(o.Tier.From) + 1; i <= c.index(o.Tier.To); i++ {
		if l := c.levels[i]; l.Gift != nil && (l.Gift.Again || c.n[l.ID] == 0) {
			c.n[l.ID]++
		}
	}
}

// points returns what the gifts come to, of a currency.
func (c climbs) points(id ids.Currency) (n int64) {
	for _, l := range c.levels {
		if l.Gift != nil && cmp.Or(l.Gift.Currency, "points") == id {
			n += c.n[l.ID] * l.Gift.Points
		}
	}
	return n
}

// watch runs a command, and before it an Expire of then, and of each midnight since another time.
func watch(run func(c loyalty.Command, at time.Time) (loyalty.Outcome, error), zone string, c loyalty.Command, since, at time.Time, note func(loyalty.Outcome)) {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		panic(err)
	}
	year, month, day := since.In(loc).Date()
	for i, then := 1, since; then.Before(at); i++ {
		if then = time.Date(year, month, day+i, 0, 0, 0, 0, loc); then.After(at) {
			then = at
		}
		out, err := run(loyalty.Expire{Account: alice, Key: fmt.Sprint("expire-", then.Unix())}, then)
		switch {
		case err == nil && !out.Replayed:
			note(out)
		case err != nil && !errors.Is(err, loyalty.ErrUnknownAccount):
			panic(err)
		}
	}
	if out, err := run(c, at); err == nil {
		note(out)
	}
}

// anyDay draws what a member does on a day.
func anyDay(t *rapid.T, i int, now time.Time) loyalty.Command {
	key := fmt.Sprint("k", i)
	switch pick(t, "command", "earn", "earn", "large", "redeem", "adjust", "tier") {
	case "large":
		return buy(alice, rapid.Int64Range(5_000, 50_000).Draw(t, "amount"), key)
	case "redeem":
		return loyalty.Redeem{Account: alice, N: rapid.Int64Range(1, 20).Draw(t, "n"), Key: key}
	case "adjust":
		return loyalty.Adjust{Account: alice, N: rapid.Int64Range(1, 50).Draw(t, "n"), Reason: "by hand", Key: key}
	case "tier":
		return loyalty.SetTier{Account: alice, Level: pick[ids.Level](t, "level", "low", "mid", "high"), Until: now.AddDate(0, 0, 5), Key: key}
	}
	return loyalty.Earn{Account: alice, Event: anyEvent(t), Key: key}
}

// There is a gift for each time that a level was reached by what was counted, or for the first one,
// and there is no other.
func TestGiftsAreOnePerReaching(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyProgram(t)
		sim, want, now := loyalty.Simulate(compiled(t, d)), climbs{d.Tiers.Levels, map[ids.Level]int64{}}, noon
		for i := range rapid.IntRange(1, 12).Draw(t, "commands") {
			since := now
			now = now.Add(time.Duration(rapid.IntRange(0, 250).Draw(t, "hours")) * time.Hour)
			watch(sim.Do, d.Zone, anyDay(t, i, now), since, now, want.note)
			if diff := gocmp.Diff(want.n, given(sim.Stored(alice))); diff != "" {
				t.Fatalf("-want +got\n%s", diff)
			}
		}
	})
}

// Nothing that is asked or posted in between changes which gifts there are.
func TestGiftsComeByThemselves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyProgram(t)
		p := compiled(t, d)
		swept, idle, now := loyalty.Simulate(p), loyalty.Simulate(p), noon
		for i := range rapid.IntRange(1, 8).Draw(t, "commands") {
			since := now
			now = now.AddDate(0, 0, rapid.IntRange(0, 40).Draw(t, "days"))
			c := anyDay(t, i, now)
			watch(swept.Do, d.Zone, c, since, now, func(loyalty.Outcome) {})
			_, _ = idle.Do(c, now)
		}
		now = now.AddDate(0, 3, 0)
		want, _ := swept.Account(alice, now)
		got, _ := idle.Account(alice, now)
		if diff := gocmp.Diff(want.Gifts, got.Gifts); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		for _, id := range []ids.Currency{"points", "status"} {
			if want, got := want.Wallet(id).Balance(now), got.Wallet(id).Balance(now); got != want {
				t.Errorf("%s: %+v, want %+v", id, got, want)
			}
		}
	})
}

// The order of what happens in one instant changes no gift.
func TestTheOrderOfAnInstantDoublesNoGift(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := compiled(t, additiveProgram(t))
		var all []loyalty.Command
		for i := range rapid.IntRange(1, 5).Draw(t, "commands") {
			all = append(all, loyalty.Earn{Account: alice, Event: anyEvent(t), Key: fmt.Sprint("k", i)})
		}
		run := func(all []loyalty.Command) loyalty.Account {
			sim := loyalty.Simulate(p)
			for _, c := range all {
				if _, err := sim.Do(c, noon); err != nil {
					t.Fatal(err)
				}
			}
			return sim.Stored(alice)
		}
		want, got := given(run(all)), given(run(rapid.Permutation(all).Draw(t, "order")))
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("-want +got\n%s", diff)
		}
		for level, n := range got {
			if n != 1 {
				t.Fatalf("%d gifts for %s", n, level)
			}
		}
	})
}

// A version that adds gifts gives them to those who reach a level from then on. WhatIf, by which
// that version was in force from the beginning, gives beside that what was due before, and no more.
func TestAVersionWithGifts(t *testing.T) {
	db, histories := memory.New(), 0
	rapid.Check(t, func(t *rapid.T) {
		histories++
		d := additiveProgram(t)
		if d.Tiers == nil {
			return
		}
		next := d
		next.Version = 2
		tiers := *d.Tiers
		next.Tiers = &tiers
		tiers.Levels = slices.Clone(d.Tiers.Levels)
		for i := range d.Tiers.Levels {
			d.Tiers.Levels[i].Gift = nil
		}
		now := noon
		points := loyalty.New(db.Tenant(fmt.Sprint(histories)), &loyalty.Options{Now: func() time.Time { return now }})
		publish := func(d loyalty.Definition) {
			if _, err := points.Publish(ctx, d); err != nil {
				t.Fatal(err)
			}
		}
		publish(d)
		do := func(c loyalty.Command, at time.Time) (loyalty.Outcome, error) {
			last := now
			now = at
			defer func() { now = last }()
			return run(points, c)
		}
		ever, since := climbs{tiers.Levels, map[ids.Level]int64{}}, climbs{tiers.Levels, map[ids.Level]int64{}}
		n := rapid.IntRange(0, 4).Draw(t, "before")
		for i := range n + rapid.IntRange(1, 6).Draw(t, "after") {
			if i == n {
				publish(next)
			}
			from := now
			at := now.Add(time.Duration(rapid.IntRange(0, 250).Draw(t, "hours")) * time.Hour)
			c := loyalty.Earn{Account: alice, Event: anyEvent(t), Key: fmt.Sprint("k", i)}
			watch(do, d.Zone, c, from, at, func(o loyalty.Outcome) {
				ever.note(o)
				if i >= n {
					since.note(o)
				}
			})
			now = at
		}
		a, err := points.Account(ctx, alice)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(since.n, given(a)); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		what, err := points.Compared(ctx, compiled(t, next), loyalty.WhatIfQuery{})
		if err != nil || len(what.Refused) > 0 {
			t.Fatal(err, what)
		}
		for _, id := range []ids.Currency{"points", "status"} {
			want := ever.points(id) - since.points(id)
			if got := what.Is.Totals[id].Issued - what.Was.Totals[id].Issued; got != want {
				t.Errorf("WhatIf gives %d %s more, want %d", got, id, want)
			}
		}
	})
}

// A level that days back earned, given at the end of a month, is lost at the end of the next one in
// which they no longer do, though the months had nothing else in them: whether somebody looks in
// between or not, and told beforehand by Due.
func TestALevelOfDaysBackIsLostAtTheEndOfAMonth(t *testing.T) {
	p, err := loyalty.Compile(loyalty.Definition{
		ID: "club", Version: 1, Zone: "UTC", Money: "CNY", Currencies: []loyalty.Currency{{ID: "points"}},
		Rules: []loyalty.Rule{{ID: "mid", If: `tier == "mid"`, Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}}},
		Metrics: []loyalty.Metric{
			{ID: "spent", Of: loyalty.CountMoney, Window: loyalty.Window{Days: 20}},
			{ID: "earned", Of: loyalty.CountPoints, Window: loyalty.Window{Calendar: loyalty.Month}},
		},
		Tiers: &loyalty.Tiers{
			Levels: []loyalty.Level{{ID: "low"}, {ID: "mid", Needs: []loyalty.Need{{"spent": 20_000}, {"earned": 300}}}},
			AtEnd:  true, Downgrade: loyalty.AtEnd,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	day := func(month time.Month, day int) time.Time { return time.Date(2026, month, day, 0, 0, 0, 0, time.UTC) }
	sim := loyalty.Simulate(p)
	if _, err := sim.Do(buy(alice, 20_000, "k"), day(time.March, 25)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at    time.Time
		level ids.Level
	}{{day(time.March, 25), "low"}, {day(time.April, 1), "mid"}, {day(time.May, 1), "low"}} {
		lazy, _ := sim.Account(alice, c.at)
		if lazy.Status.Level != c.level {
			t.Errorf("whoever looks at %v sees %q, want %q", c.at, lazy.Status.Level, c.level)
		}
	}
	for _, want := range []time.Time{day(time.April, 1), day(time.May, 1), {}} {
		due := sim.Stored(alice).Due()
		if !due.Equal(want) {
			t.Fatalf("due at %v, want %v", due, want)
		}
		if want.IsZero() {
			break
		}
		if _, err := sim.Do(loyalty.Expire{Account: alice, Key: due.String()[:10]}, due); err != nil {
			t.Fatal(err)
		}
	}
}
