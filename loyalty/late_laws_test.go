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

// told is an event with the time at which the program is told of it.
type told struct {
	earn loyalty.Earn
	at   time.Time
}

// tell runs a history, and returns the account in the end.
func tell(t *rapid.T, p *loyalty.Program, history []told, end time.Time) loyalty.Account {
	sim := loyalty.Simulate(p)
	for _, e := range history {
		if _, err := sim.Do(e.earn, e.at); err != nil {
			t.Fatal(err)
		}
	}
	a, _ := sim.Account(alice, end)
	return a
}

// Events that are told in any order, within the lateness, leave the same points, metrics, caps,
// milestones and level as those that are told at once. What may differ: since which time of a day a
// level is had, which days have what a longer cap gives, and which of the points begin when.
func TestEventsToldLateCountWhenTheyHappened(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := additiveProgram(t)
		if d.Caps != nil {
			d.Caps[0].Per = loyalty.Ever // which day has what the cap of a rule on a longer time gives depends on who comes first
		}
		p := compiled(t, d)
		var inTime, late []told
		at := noon.AddDate(0, 0, rapid.IntRange(-40, 10).Draw(t, "from"))
		for i := range rapid.IntRange(1, 6).Draw(t, "events") {
			at = at.Add(time.Duration(rapid.IntRange(0, 150).Draw(t, "hours")) * time.Hour)
			e := anyEvent(t)
			e.At = at
			inTime = append(inTime, told{loyalty.Earn{Account: alice, Event: e, Key: fmt.Sprint("k", i)}, at})
		}
		end := at.AddDate(0, 0, rapid.IntRange(0, 3).Draw(t, "end"))
		late = rapid.Permutation(inTime).Draw(t, "order")
		now := time.Time{}
		for i := range late { // as soon as possible, or later
			if now = latest(now, late[i].at); maybe(t, "in the end") {
				now = end
			}
			late[i].at = now
		}
		want, got := tell(t, p, inTime, end), tell(t, p, late, end)
		sameAccount(t, d, want, got)
	})
}

// sameAccount compares all that events leave.
func sameAccount(t *rapid.T, d loyalty.Definition, want, got loyalty.Account) {
	t.Helper()
	for _, id := range []ids.Currency{"points", "status"} {
		if want, got := want.Wallet(id).Total(), got.Wallet(id).Total(); got != want {
			t.Errorf("%d %s, want %d", got, id, want)
		}
	}
	capped := d.Caps != nil || slices.ContainsFunc(d.Rules, func(r loyalty.Rule) bool { return r.Caps != nil || r.Give.Part == loyalty.Carry })
	tallies := func(a loyalty.Account) (all []loyalty.NamedTally) {
		for _, n := range a.Tallies {
			if n.Name == "metric/earned" && capped || strings.HasPrefix(n.Name, "rule/") || strings.HasPrefix(n.Name, "member/") {
				n.Tally.Days = nil
			}
			if n.Tally.Total != 0 || n.Tally.Days != nil {
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
	for _, diff := range []string{
		gocmp.Diff(tallies(want), tallies(got), cmpopts.EquateEmpty()), gocmp.Diff(reached(want), reached(got), cmpopts.EquateEmpty()),
		gocmp.Diff(want.Carried, got.Carried, cmpopts.EquateEmpty()), gocmp.Diff(given(want), given(got)),
	} {
		if diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
	if w, g := want.Status, got.Status; w.Level != g.Level || !w.Until.Equal(g.Until) || w.Hand != g.Hand {
		t.Errorf("level %+v, want %+v", g, w)
	}
}

func at(day string) time.Time {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return t.Add(12 * time.Hour)
}

func on(day string, e loyalty.Earn) loyalty.Earn {
	e.At = at(day)
	return e
}

func TestATillThatComesBack(t *testing.T) {
	spent := loyalty.Metric{ID: "spent", Of: loyalty.CountMoney, Window: loyalty.Window{Calendar: loyalty.Year}}
	mile := loyalty.Rule{ID: "mile", Give: loyalty.Give{Points: "10", Per: loyalty.PerMilestone, Metric: "spent", Amount: 10_000}}
	hello := loyalty.Rule{ID: "hello", Give: loyalty.Give{Points: "5", Per: loyalty.PerEvent}, Caps: []loyalty.Cap{{Times: 1, Per: loyalty.Day}}}
	gold := func(d loyalty.Definition) loyalty.Definition {
		d.Tiers = &loyalty.Tiers{
			Levels: []loyalty.Level{{ID: "member"}, {ID: "gold", Needs: []loyalty.Need{{"spent": 100_000}}}}, Downgrade: loyalty.AtEnd,
			Valid: loyalty.Validity{Expiry: loyalty.Expiry{Years: 1, RoundUp: loyalty.Year}},
		}
		return d
	}
	type telling struct {
		day string
		c   loyalty.Command
	}
	for _, c := range []struct {
		name   string
		d      loyalty.Definition
		do     []telling
		points int64
		level  ids.Level
	}{
		{"three events of yesterday come once under a cap of one a day", shop([]loyalty.Rule{hello}), []telling{
			{"2026-03-02", order("0", line("a", "", 1))}, {"2026-03-02", on("2026-03-01", order("1", line("a", "", 1)))},
			{"2026-03-02", on("2026-03-01", order("2", line("a", "", 1)))}, {"2026-03-02", on("2026-03-01", order("3", line("a", "", 1)))},
		}, 10, ""},
		{"a milestone of last year is not paid again, nor the next one of this year", shop([]loyalty.Rule{mile}, spent), []telling{
			{"2026-12-20", order("0", line("a", "", 10_000))}, {"2027-01-03", order("1", line("a", "", 10_000))},
			{"2027-01-05", on("2026-12-30", order("2", line("a", "", 1_000)))}, {"2027-01-06", order("3", line("a", "", 1_000))},
		}, 20, ""},
		{"a purchase of 30 December told on 5 January gives the level of the year", gold(shop(nil, spent)), []telling{
			{"2026-06-01", order("0", line("a", "", 60_000))}, {"2027-01-05", on("2026-12-30", order("1", line("a", "", 40_000)))},
		}, 0, "gold"},
		{"one told later than the program takes it has nothing that is capped, no milestone and no level of its time",
			gold(shop([]loyalty.Rule{mile, hello}, spent)), []telling{
				{"2026-06-01", order("0", line("a", "", 60_000))}, {"2027-02-10", on("2026-12-30", order("1", line("a", "", 40_000)))},
			}, 65, "member"},
		{"fifty bought and returned in the next year leave a level that was had without them", func() loyalty.Definition {
			d := gold(shop(nil, spent))
			d.Tiers.Downgrade = loyalty.OnRefund
			return d
		}(), []telling{
			{"2026-06-01", order("0", line("a", "", 100_000))}, {"2027-02-01", order("1", line("a", "", 5_000))}, {"2027-02-03", back("1")},
		}, 0, "gold"},
		{"and take one that was had by them", func() loyalty.Definition {
			d := gold(shop(nil, spent))
			d.Tiers.Downgrade = loyalty.OnRefund
			return d
		}(), []telling{
			{"2026-06-01", order("0", line("a", "", 96_000))}, {"2026-11-01", order("1", line("a", "", 5_000))}, {"2027-05-03", back("1")},
		}, 0, "member"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := loyalty.Compile(c.d)
			if err != nil {
				t.Fatal(err)
			}
			sim, end := loyalty.Simulate(p), time.Time{}
			for _, step := range c.do {
				end = at(step.day)
				if _, err := sim.Do(step.c, end); err != nil {
					t.Fatal(err)
				}
			}
			a, _ := sim.Account(alice, end)
			if got := a.Wallet("points").Total(); got != c.points || a.Status.Level != c.level {
				t.Errorf("%d points at level %q, want %d at %q", got, a.Status.Level, c.points, c.level)
			}
		})
	}
}

func TestAnEventToldTooLateSaysSo(t *testing.T) {
	p, err := loyalty.Compile(shop([]loyalty.Rule{{ID: "hello", Give: loyalty.Give{Points: "5", Per: loyalty.PerEvent}, Caps: []loyalty.Cap{{Times: 1, Per: loyalty.Day}}}}))
	if err != nil {
		t.Fatal(err)
	}
	for day, why := range map[string]loyalty.Why{"2026-03-05": loyalty.Late, "2026-03-06": loyalty.Gave} {
		out, err := loyalty.Simulate(p).Do(on(day, order("1", line("a", "", 1))), at("2026-04-10"))
		if err != nil || len(out.Steps) != 1 || out.Steps[0].Why != why {
			t.Errorf("%s: %+v, %v, want %q", day, out.Steps, err, why)
		}
	}
}

// What is pending begins by command: once, no more than there is, and a refund takes it back as it
// takes what begins by itself.
func TestPendingPointsBeginByCommand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := shop([]loyalty.Rule{{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}, Pending: 30}})
		sim, now := loyalty.Simulate(compiled(t, d)), noon
		pending, begun := int64(0), int64(0)
		orders := map[string]int64{}
		for i := range rapid.IntRange(1, 8).Draw(t, "commands") {
			now = now.Add(time.Minute)
			key, of := fmt.Sprint("k", i), fmt.Sprint("k", rapid.IntRange(0, i).Draw(t, "of"))
			switch n := rapid.Int64Range(0, 60).Draw(t, "n"); pick(t, "command", "earn", "activate", "refund") {
			case "earn":
				if _, err := sim.Do(order(key, line("a", "", 100*(n+1))), now); err != nil {
					t.Fatal(err)
				}
				orders[key], pending = n+1, pending+n+1
			case "activate":
				c := loyalty.Activate{Account: alice, Of: of, N: n, Key: key}
				_, err := sim.Do(c, now)
				if n == 0 {
					n = orders[of]
				}
				if ok := n > 0 && n <= orders[of]; ok != (err == nil) || err != nil && !errors.Is(err, loyalty.ErrRefused) {
					t.Fatalf("%+v of %d: %v", c, orders[of], err)
				}
				if err != nil {
					continue
				}
				orders[of], pending, begun = orders[of]-n, pending-n, begun+n
				if again, err := sim.Do(c, now); err != nil || !again.Replayed {
					t.Fatalf("%+v again: %+v, %v", c, again, err)
				}
			case "refund":
				if out, err := sim.Do(loyalty.Refund{Account: alice, Of: of, All: true, Key: key}, now); err == nil {
					all := int64(0)
					for _, m := range out.Moves {
						all += loyalty.Sum(m.Taken)
						if m.Owed != 0 {
							t.Fatalf("%+v", m)
						}
					}
					pending, begun = pending-orders[of], begun-(all-orders[of])
					orders[of] = 0
				}
			}
			a, _ := sim.Account(alice, now)
			if b := a.Wallet("points").Balance(now); b.Pending != pending || b.Available != begun {
				t.Fatalf("%+v, want %d pending and %d begun", b, pending, begun)
			}
		}
	})
}

func TestRedeemUpToWhatThereIs(t *testing.T) {
	for _, c := range []struct {
		have, want, spent int64
		upTo              bool
	}{{50, 80, 50, true}, {50, 20, 20, true}, {50, 80, 0, false}, {0, 80, 0, true}} {
		p, err := loyalty.Compile(shop(nil))
		if err != nil {
			t.Fatal(err)
		}
		sim := loyalty.Simulate(p)
		if _, err := sim.Do(loyalty.Adjust{Account: alice, N: c.have + 1, Reason: "open", Key: "open"}, noon); err != nil {
			t.Fatal(err)
		}
		if _, err := sim.Do(loyalty.Adjust{Account: alice, N: -1, Reason: "open", Key: "less"}, noon); err != nil {
			t.Fatal(err)
		}
		out, err := sim.Do(loyalty.Redeem{Account: alice, N: c.want, UpTo: c.upTo, Key: "spend"}, noon)
		if out.Spent("points") != c.spent || (err == nil) != (c.spent > 0) {
			t.Errorf("%+v: spent %d, %v", c, out.Spent("points"), err)
		}
	}
}
