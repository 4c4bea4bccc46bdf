package loyalty_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
)

func days(n int) time.Time { return noon.AddDate(0, 0, n) }

// played runs commands on the days that their keys begin with, "12 buy", and returns the
// simulation.
func played(t testing.TB, d loyalty.Definition, commands ...loyalty.Command) *loyalty.Simulation {
	t.Helper()
	p, err := loyalty.Compile(d)
	if err != nil {
		t.Fatal(err)
	}
	sim := loyalty.Simulate(p)
	for _, c := range commands {
		var day int
		key := keyOf(c)
		if _, err := fmt.Sscan(strings.ReplaceAll(key, "-", " "), &day); err != nil {
			t.Fatal(err)
		}
		if _, err := sim.Do(c, days(day)); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
	}
	return sim
}

func keyOf(c loyalty.Command) string {
	switch c := c.(type) {
	case loyalty.Earn:
		return c.Key
	case loyalty.Redeem:
		return c.Key
	case loyalty.Reserve:
		return c.Key
	case loyalty.Capture:
		return c.Key
	case loyalty.Release:
		return c.Key
	case loyalty.Adjust:
		return c.Key
	case loyalty.Transfer:
		return c.Key
	case loyalty.Refund:
		return c.Key
	case loyalty.Return:
		return c.Key
	case loyalty.Expire:
		return c.Key
	case loyalty.SetTier:
		return c.Key
	case loyalty.Merge:
		return c.Key
	}
	return ""
}

// inactive is a program whose points end 10 days after the member's last activity, and never for
// gold.
func inactive() loyalty.Definition {
	return loyalty.Definition{
		ID: "club", Version: 1, Zone: "UTC", Money: "CNY",
		Currencies: []loyalty.Currency{{ID: "points", Expiry: loyalty.Expiry{Days: 10}, Inactive: true}},
		Rules:      []loyalty.Rule{{ID: "rate", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}}},
		Tiers: &loyalty.Tiers{
			Levels:    []loyalty.Level{{ID: "member"}, {ID: "gold", Manual: true, Expiry: map[ids.Currency]*loyalty.Expiry{"points": {}}}},
			Downgrade: loyalty.AtEnd, Valid: loyalty.Validity{Expiry: loyalty.Expiry{Years: 1}},
		},
	}
}

func byLevel() loyalty.Definition {
	d := inactive()
	d.Currencies[0].Inactive, d.Currencies[0].ByLevel = false, true
	return d
}

func late(day int, amount int64, key string) loyalty.Earn {
	c := buy(alice, amount, key)
	c.At = days(day)
	return c
}

func TestEndsFollowTheRule(t *testing.T) {
	hold := func(n int64, until int, key string) loyalty.Reserve {
		return loyalty.Reserve{Account: alice, N: n, Until: days(until), Key: key}
	}
	release := func(of, key string) loyalty.Release { return loyalty.Release{Account: alice, Hold: of, Key: key} }
	level := func(id ids.Level, until time.Time, key string) loyalty.SetTier {
		return loyalty.SetTier{Account: alice, Level: id, Until: until, Key: key}
	}
	lose := byLevel()
	lose.Tiers.Lose = []ids.Currency{"points"}
	for _, c := range []struct {
		name     string
		d        loyalty.Definition
		commands []loyalty.Command
		at       int
		want     loyalty.Balance
	}{
		{"what is held is renewed, and may be released", inactive(),
			[]loyalty.Command{buy(alice, 10_000, "0-a"), hold(60, 30, "1-h"), buy(alice, 1_000, "9-b"), release("1-h", "15-r")}, 19,
			loyalty.Balance{Available: 110}},
		{"and when it is released by itself", inactive(),
			[]loyalty.Command{buy(alice, 10_000, "0-a"), hold(60, 12, "1-h"), buy(alice, 1_000, "9-b")}, 19, loyalty.Balance{Available: 110}},
		{"reserved and released is as if nothing had happened", inactive(),
			[]loyalty.Command{buy(alice, 10_000, "0-a"), hold(60, 30, "5-h"), release("5-h", "8-r")}, 11, loyalty.Balance{}},
		{"what is captured renews the rest of the hold", inactive(),
			[]loyalty.Command{buy(alice, 10_000, "0-a"), hold(60, 30, "5-h"), loyalty.Capture{Account: alice, Hold: "5-h", N: 20, Key: "12-c"}}, 22,
			loyalty.Balance{Available: 40}},
		{"what is given back ends as the rest does", inactive(),
			[]loyalty.Command{buy(alice, 10_000, "0-a"), loyalty.Redeem{Account: alice, N: 80, Key: "1-s"}, buy(alice, 1_000, "9-b"),
				loyalty.Return{Account: alice, Of: "1-s", Key: "15-r"}}, 19, loyalty.Balance{Available: 110}},
		{"a purchase told late renews what had lapsed without it", inactive(),
			[]loyalty.Command{buy(alice, 10_000, "0-a"), loyalty.Expire{Account: alice, Key: "12-e"}, late(8, 1_000, "13-late")}, 18,
			loyalty.Balance{Available: 110}},
		{"but not what had lapsed anyway", inactive(),
			[]loyalty.Command{buy(alice, 10_000, "0-a"), late(12, 1_000, "13-late")}, 18, loyalty.Balance{Available: 10}},
		{"points of a level without end stay", inactive(),
			[]loyalty.Command{buy(alice, 10_000, "0-a"), level("gold", time.Time{}, "5-gold")}, 400, loyalty.Balance{Available: 100}},
		{"points of who falls back end again", inactive(),
			[]loyalty.Command{buy(alice, 10_000, "0-a"), level("gold", days(20), "5-gold"), buy(alice, 100, "15-b")}, 26, loyalty.Balance{}},
		{"points given by hand have their own ten days", inactive(),
			[]loyalty.Command{buy(alice, 10_000, "0-a"), loyalty.Adjust{Account: alice, N: 7, Reason: "sorry", Key: "5-g"}}, 15,
			loyalty.Balance{Available: 7}},
		{"points of another member keep their ends", inactive(),
			[]loyalty.Command{buy(bob, 10_000, "0-a"), loyalty.Transfer{Account: bob, To: alice.Member, N: 30, Key: "4-t"}}, 10,
			loyalty.Balance{Available: 30}},
		{"and no longer than that", inactive(),
			[]loyalty.Command{buy(bob, 10_000, "0-a"), loyalty.Transfer{Account: bob, To: alice.Member, N: 30, Key: "4-t"}}, 11, loyalty.Balance{}},
		{"a merged member's activity is the other's", inactive(),
			[]loyalty.Command{buy(bob, 10_000, "0-a"), buy(alice, 1_000, "8-b"), loyalty.Merge{Account: bob, To: alice.Member, Key: "9-m"}}, 18,
			loyalty.Balance{Available: 110}},
		{"though it is known only now", inactive(),
			[]loyalty.Command{buy(bob, 10_000, "0-a"), buy(alice, 1_000, "8-b"), loyalty.Merge{Account: bob, To: alice.Member, Key: "12-m"}}, 18,
			loyalty.Balance{Available: 110}},

		{"a new level gives its ends to what is there", byLevel(),
			[]loyalty.Command{buy(alice, 10_000, "0-a"), level("gold", time.Time{}, "5-gold")}, 400, loyalty.Balance{Available: 100}},
		{"who falls back has them from when they were earned", byLevel(),
			[]loyalty.Command{buy(alice, 10_000, "0-a"), level("gold", days(20), "5-gold"), buy(alice, 100, "15-b")}, 25, loyalty.Balance{Available: 1}},
		{"and what is held too", byLevel(),
			[]loyalty.Command{buy(alice, 10_000, "0-a"), level("gold", days(20), "5-gold"), hold(50, 22, "6-h")}, 23, loyalty.Balance{}},
		{"what lapsed is not owed", byLevel(),
			[]loyalty.Command{buy(alice, 10_000, "0-a"), loyalty.Refund{Account: alice, Of: "0-a", All: true, Key: "300-r"}}, 300, loyalty.Balance{}},
		{"what was renewed and lapsed is not owed", inactive(),
			[]loyalty.Command{buy(alice, 10_000, "0-a"), buy(alice, 100, "5-b"), loyalty.Refund{Account: alice, Of: "0-a", All: true, Key: "30-r"}}, 30,
			loyalty.Balance{}},
		{"what a fall took is not owed", lose,
			[]loyalty.Command{level("gold", days(20), "0-gold"), buy(alice, 10_000, "1-a"), loyalty.Refund{Account: alice, Of: "1-a", All: true, Key: "30-r"}}, 30,
			loyalty.Balance{}},
		{"nor by who was merged", inactive(),
			[]loyalty.Command{buy(bob, 10_000, "0-a"), loyalty.Expire{Account: bob, Key: "15-e"}, loyalty.Merge{Account: bob, To: alice.Member, Key: "16-m"},
				loyalty.Refund{Account: bob, Of: "0-a", All: true, Key: "200-r"}}, 200, loyalty.Balance{}},
		{"what was spent is owed", inactive(),
			[]loyalty.Command{buy(alice, 10_000, "0-a"), loyalty.Redeem{Account: alice, N: 70, Key: "1-s"},
				loyalty.Refund{Account: alice, Of: "0-a", All: true, Key: "30-r"}}, 30, loyalty.Balance{Debt: 70}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sim := played(t, c.d, c.commands...)
			now, _ := sim.Account(alice, days(c.at))
			if b := now.Wallet("points").Balance(days(c.at)); b.Available != c.want.Available || b.Debt != c.want.Debt || b.Held != c.want.Held {
				t.Errorf("%+v, want %+v", b, c.want)
			}
		})
	}
}

func TestBegunCountsFromTheBeginning(t *testing.T) {
	d := inactive()
	u := &d.Currencies[0]
	u.Inactive, u.Pending, u.Begun = false, 14, true
	sim := played(t, d, buy(alice, 10_000, "0-a"))
	for _, c := range []struct{ day, pending, available int }{{13, 100, 0}, {14, 0, 100}, {24, 0, 100}, {25, 0, 0}} {
		a, _ := sim.Account(alice, days(c.day))
		if b := a.Wallet("points").Balance(days(c.day)); b.Pending != int64(c.pending) || b.Available != int64(c.available) {
			t.Errorf("day %d: %+v, want %d pending and %d available", c.day, b, c.pending, c.available)
		}
	}
}

func TestEndsThatCantBeAreMistakes(t *testing.T) {
	for name, change := range map[string]func(d *loyalty.Definition){
		"points that end before they begin": func(d *loyalty.Definition) { d.Currencies[0].Pending = 14 },
		"that do so by a rule":              func(d *loyalty.Definition) { d.Rules[0].Pending = 14 },
		"that do so at the end of a month": func(d *loyalty.Definition) {
			d.Currencies[0].Pending, d.Currencies[0].Expiry = 3, loyalty.Expiry{RoundUp: loyalty.Month}
		},
		"inactivity without an end":    func(d *loyalty.Definition) { d.Currencies[0].Expiry = loyalty.Expiry{} },
		"by level and by inactivity":   func(d *loyalty.Definition) { d.Currencies[0].ByLevel = true },
		"by level without one":         func(d *loyalty.Definition) { *d = byLevel(); d.Tiers.Levels[1].Expiry = nil },
		"begun, and nothing pending":   func(d *loyalty.Definition) { d.Currencies[0].Begun = true },
		"an expiry of no currency":     func(d *loyalty.Definition) { d.Tiers.Levels[1].Expiry = map[ids.Currency]*loyalty.Expiry{"": {}} },
		"a loss of no currency":        func(d *loyalty.Definition) { d.Tiers.Lose = []ids.Currency{""} },
		"a validity on the eve of all": func(d *loyalty.Definition) { d.Tiers.Valid.RoundUp, d.Tiers.Valid.Eve = loyalty.Year, true },
	} {
		d := inactive()
		change(&d)
		var mistakes *errs.DefinitionError
		if _, err := loyalty.Compile(d); !errors.As(err, &mistakes) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := played(t, inactive(), buy(alice, 100, "0-a"))
	var input *errs.InputError
	if _, err := p.Do(loyalty.Adjust{Account: alice, N: 1, To: days(2), Reason: "x", Key: "to"}, noon); !errors.As(err, &input) || input.Field != "to" {
		t.Error(err)
	}
}

// After an activity no point of the account ends before the rule says, whatever became of it in
// between; and what is reserved and released, and what is posted in between, changes nothing.
func TestEndsDependOnTheFactsAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyProgram(t)
		d.Currencies[0].Inactive, d.Currencies[0].ByLevel = true, false
		d.Tiers.Lose = nil
		p := compiled(t, d)
		sim, busy := loyalty.Simulate(p), loyalty.Simulate(p)
		now := noon
		active, expired := map[loyalty.AccountID]time.Time{}, map[string]bool{}
		for i := range rapid.IntRange(1, 15).Draw(t, "commands") {
			now = now.AddDate(0, 0, rapid.IntRange(0, 8).Draw(t, "days"))
			c := anyCommand(t, i, now)
			switch c := c.(type) {
			case loyalty.Expire: // uses its key up where it finds something, which the other one may have written down before
				expired[c.Key] = true
			case loyalty.Redeem:
				if expired[c.Key] {
					continue
				}
			}
			_, err := sim.Do(c, now)
			_, busyErr := busy.Do(c, now)
			if fmt.Sprint(err) != fmt.Sprint(busyErr) {
				t.Fatal(err, busyErr)
			}
			for _, id := range []loyalty.AccountID{alice, bob} {
				a, b := sim.Stored(id), busy.Stored(id)
				if a.Active.Before(active[id]) && a.Merged == "" {
					t.Fatal("was active before")
				}
				active[id] = a.Active
				renewed(t, p, a)
				after, _ := sim.Account(id, now)
				same, _ := busy.Account(id, now)
				if x, y := after.Wallet("points").Balance(now), same.Wallet("points").Balance(now); x != y {
					t.Fatalf("%+v, and with what changes nothing %+v\n%+v\n%+v", x, y, a, b)
				}
				key := fmt.Sprint("nothing", i, id.Member)
				_, _ = busy.Do(loyalty.Expire{Account: id, Key: key + "e"}, now)
				if _, err := busy.Do(loyalty.Reserve{Account: id, N: 1, Until: now.AddDate(0, 0, 30), Key: key}, now); err == nil {
					if _, err := busy.Do(loyalty.Release{Account: id, Hold: key, Key: key + "r"}, now); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	})
}

// renewed checks that all that the account holds lasts as long as the rule says after its last
// activity.
func renewed(t *rapid.T, p *loyalty.Program, a loyalty.Account) {
	if a.Active.IsZero() || a.Merged != "" {
		return
	}
	d := p.Definition()
	rule := d.Currencies[0].Expiry
	for _, l := range d.Tiers.Levels {
		if e := l.Expiry["points"]; e != nil && l.ID == a.Status.Level {
			rule = *e
		}
	}
	zone, err := time.LoadLocation(d.Zone)
	if err != nil {
		t.Fatal(err)
	}
	end := rule.End(a.Active, zone)
	w := a.Wallet("points")
	lots := w.Lots
	for _, h := range w.Holds {
		lots = append(lots[:len(lots):len(lots)], h.Lots...)
	}
	for _, l := range lots {
		if l.To.After(a.At) && (end.IsZero() || l.To.Before(end)) {
			t.Fatalf("%+v ends before %s: %+v", l, end, a)
		}
	}
}

// Points that a newer version would end before they begin count from their beginning, also once they
// have begun; what is refunded of them then is theirs.
func TestPendingPointsOutliveAShorterVersion(t *testing.T) {
	for name, follows := range map[string]func(d *loyalty.Definition){
		"by level": func(d *loyalty.Definition) {
			d.Currencies[0].Inactive, d.Currencies[0].ByLevel = false, true
		},
		"with activity": func(*loyalty.Definition) {},
	} {
		first, second := inactive(), inactive()
		follows(&first)
		follows(&second)
		first.Currencies[0].Pending, first.Currencies[0].Expiry.Days = 40, 90
		second.Version = 2
		sim := loyalty.Simulate(must[*loyalty.Program](t)(loyalty.Compile(first)))
		run := func(day int, c loyalty.Command) loyalty.Outcome {
			t.Helper()
			out, err := sim.Do(c, days(day))
			if err != nil {
				t.Fatalf("%s: day %d: %v", name, day, err)
			}
			return out
		}
		has := func(day int, want loyalty.Balance) {
			t.Helper()
			a, _ := sim.Account(alice, days(day))
			if got := a.Wallet("points").Balance(days(day)); got != want {
				t.Errorf("%s: day %d: %+v, want %+v", name, day, got, want)
			}
		}
		run(0, buy(alice, 10_000, "0-buy"))
		sim.Switch(must[*loyalty.Program](t)(loyalty.Compile(second)))
		run(1, loyalty.SetTier{Account: alice, Level: "member", Key: "1-tier"})
		has(39, loyalty.Balance{Pending: 100})
		has(41, loyalty.Balance{Available: 100})
		run(42, loyalty.Adjust{Account: alice, N: 7, Reason: "by hand", Key: "42-adjust"})
		has(42, loyalty.Balance{Available: 107})
		if out := run(43, loyalty.Refund{Account: alice, Of: "0-buy", Amount: 4_000, Key: "43-refund"}); len(out.Moves) != 1 ||
			loyalty.Sum(out.Moves[0].Taken) != 40 || out.Moves[0].Taken[0].N != 40 {
			t.Errorf("%s: %+v", name, out.Moves)
		}
		has(49, loyalty.Balance{Available: 67})
		run(70, loyalty.Adjust{Account: alice, N: 7, Reason: "by hand", Key: "70-adjust"})
		if out := run(70, loyalty.Refund{Account: alice, Of: "0-buy", All: true, Key: "70-refund"}); len(out.Moves) != 1 || out.Moves[0].Forgone != 60 {
			t.Errorf("%s: what lapsed is taken once more: %+v", name, out.Moves)
		}
	}
}
