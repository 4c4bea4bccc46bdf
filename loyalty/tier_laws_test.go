package loyalty_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
)

// Until of an outcome is when the level is lost if nothing more happens: not before, and then. What
// is given by hand without an end is not lost. Where levels last as long as they are earned, one is
// lost as soon as it is earned no more, and one that was given by hand not before the end of that.
func TestUntilIsWhenTheLevelIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyProgram(t)
		d.Tiers.Grace = 0
		p := compiled(t, d)
		sim, now := loyalty.Simulate(p), noon
		for i := range rapid.IntRange(1, 6).Draw(t, "commands") {
			now = now.AddDate(0, 0, rapid.IntRange(0, 12).Draw(t, "days"))
			c := anyCommand(t, i, now)
			switch key := fmt.Sprint("level", i); pick(t, "level", "any", "bought", "given", "given until") {
			case "bought":
				c = buy(alice, rapid.Int64Range(5_000, 60_000).Draw(t, "amount"), key)
			case "given":
				c = loyalty.SetTier{Account: alice, Level: pick[ids.Level](t, "given", "low", "mid", "high"), Key: key}
			case "given until":
				c = loyalty.SetTier{Account: alice, Level: pick[ids.Level](t, "given", "low", "mid", "high"),
					Until: now.Add(time.Duration(rapid.IntRange(1, 40*24).Draw(t, "until")) * time.Hour), Key: key}
			}
			out, err := sim.Do(c, now)
			if err != nil || out.Seq == 0 {
				continue
			}
			a := sim.Stored(out.Account)
			if a.Merged != "" {
				continue
			}
			if d.Tiers.Valid == (loyalty.Validity{}) && !d.Tiers.AtEnd {
				floats(t, p, a)
			}
			until := out.Status.Until
			switch byHand := a.Status.Hand != "" && a.Status.Until.IsZero(); {
			case byHand && !until.IsZero():
				t.Fatalf("%+v ends", out.Status)
			case byHand:
			case a.Status.Until.IsZero(), until.IsZero() && d.Tiers.Valid == (loyalty.Validity{}):
				continue // as long as it is earned
			}
			if until.IsZero() {
				until = a.At.AddDate(3, 0, 0)
			} else if after := p.At(a, until); after.Status.Level == out.Status.Level {
				t.Fatalf("%+v is still %+v", out.Status, after.Status)
			}
			before := p.At(a, until.Add(-time.Microsecond))
			if until.After(a.At) && before.Status.Level != out.Status.Level && !d.Tiers.AtEnd {
				t.Fatalf("%+v was %+v before", out.Status, before.Status)
			}
		}
	})
}

func levelOf(d loyalty.Definition, id ids.Level) int {
	return slices.IndexFunc(d.Tiers.Levels, func(l loyalty.Level) bool { return l.ID == id })
}

// floats checks for some time to come that the level is the one that is earned, or the one that was
// given by hand where that is higher, until the end of that or until a higher one is earned.
func floats(t *rapid.T, p *loyalty.Program, a loyalty.Account) {
	d := p.Definition()
	zone, err := time.LoadLocation(d.Zone)
	if err != nil {
		t.Fatal(err)
	}
	hand, until := max(0, levelOf(d, a.Status.Hand)), a.Status.Until
	year, month, day := a.At.In(zone).Date()
	times := []time.Time{a.At, until.Add(-time.Microsecond), until}
	for n := 1; n < 70; n++ {
		times = append(times, time.Date(year, month, day+n, 0, 0, 0, 0, zone).Add(-time.Microsecond), time.Date(year, month, day+n, 0, 0, 0, 0, zone))
	}
	slices.SortFunc(times, time.Time.Compare)
	for _, at := range times {
		if at.Before(a.At) {
			continue
		}
		after := p.At(a, at)
		want := 0
		for i, l := range d.Tiers.Levels {
			if slices.ContainsFunc(l.Needs, func(n loyalty.Need) bool {
				for _, m := range d.Metrics {
					if counted(after, "metric/"+string(m.ID)).Sum(m.Window, at, zone) < n[m.ID] {
						return false
					}
				}
				return true
			}) {
				want = i
			}
		}
		if !until.IsZero() && !at.Before(until) || want > hand {
			hand = 0
		}
		if want = max(want, hand); levelOf(d, after.Status.Level) != want {
			t.Fatalf("%s: %+v, want %s, of %+v", at, after.Status, d.Tiers.Levels[want].ID, a.Status)
		}
	}
}
