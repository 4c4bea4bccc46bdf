package routing

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// TestTargetsCountLeads plays visitors who write, late or never. Whenever a visitor is sent, the
// account's leads and the places of those who may still write are within its targets. So where
// nobody writes after the place has lapsed, no account has more leads than its target.
func TestTargetsCountLeads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hold := rapid.IntRange(1, 60).Draw(t, "hold")
		s := Settings{Zone: "Asia/Shanghai", Hold: hold, Accounts: []Account{
			{ID: "a", Day: int64(rapid.IntRange(1, 4).Draw(t, "day"))}, {ID: "b", Total: int64(rapid.IntRange(1, 9).Draw(t, "total"))},
		}}
		late := rapid.Bool().Draw(t, "some write late")
		l := Line{ID: "l", Settings: s}
		leads := map[AccountID]*Leads{"a": {Account: "a"}, "b": {Account: "b"}}
		type writer struct {
			at time.Time
			to AccountID
		}
		var writers []writer
		now, n := noon, 0
		pass := func(at time.Time) {
			var err error
			if l, err = l.At(at); err != nil {
				t.Fatal(err)
			}
			for _, c := range leads {
				if !c.Day.Equal(l.Today) {
					c.Day, c.Today = l.Today, 0
				}
			}
		}
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "minutes")) * time.Minute)
			// What somebody writes is told when it comes, not when the next visitor does.
			slices.SortStableFunc(writers, func(a, b writer) int { return a.at.Compare(b.at) })
			for len(writers) > 0 && !writers[0].at.After(now) {
				w := writers[0]
				writers = writers[1:]
				pass(w.at)
				leads[w.to].Today++
				leads[w.to].Total++
				l, _ = l.Observe([]Leads{*leads[w.to]})
			}
			pass(now)
			for _, c := range []AccountID{"a", "b"} {
				l, _ = l.Observe([]Leads{*leads[c]})
			}
			again, _ := l.Observe([]Leads{*leads["b"], *leads["a"]})
			if got, want := string(journal.JSON(again)), string(journal.JSON(l)); got != want {
				t.Fatalf("told twice: %s, and once: %s", got, want)
			}
			n++
			next, v, changed, _ := l.Route(Visitor{ID: VisitorID(fmt.Sprint(n))}, Roster{Online: []AccountID{"a", "b"}}, now)
			if !changed {
				continue
			}
			l = next
			i, _ := l.find(v.Account)
			today, total := l.Settings.done(l.Taken[i])
			if a := s.Accounts[v.Account[0]-'a']; a.Day > 0 && today > a.Day || a.Total > 0 && total > a.Total {
				t.Fatalf("%s has %d and %d of %+v", v.Account, today, total, a)
			}
			// A place is held for nine tenths of Hold at least.
			after := rapid.IntRange(0, hold-max(1, hold/10)).Draw(t, "writes after")
			if late {
				after = rapid.IntRange(0, 3*hold).Draw(t, "writes later")
			}
			if at := now.Add(time.Duration(after) * time.Minute); rapid.Bool().Draw(t, "writes") {
				writers = append(writers, writer{at, v.Account})
			}
		}
		for i, a := range s.Accounts {
			if c := leads[a.ID]; !late && (a.Day > 0 && c.Today > a.Day || a.Total > 0 && c.Total > a.Total) {
				t.Fatalf("account %d: %+v, beyond %+v", i, c, a)
			}
		}
	})
}

// Ten visitors of whom four write leave six of a day's ten; verdicts that turn give back what they
// took.
func TestTargetEndsWithLeads(t *testing.T) {
	l := line(accounts(Account{ID: "a", Day: 10}))
	here := Roster{Online: []AccountID{"a"}}
	came, now := 0, noon
	come := func(told int64) int {
		t.Helper()
		var err error
		if l, err = l.At(now); err != nil {
			t.Fatal(err)
		}
		l, _ = l.Observe([]Leads{{Account: "a", Day: l.Today, Today: told, Total: told}})
		n := 0
		for range 20 {
			came++
			next, _, changed, _ := l.Route(Visitor{ID: VisitorID(fmt.Sprint(came))}, here, now)
			if changed {
				l, n = next, n+1
			}
		}
		return n
	}
	for _, step := range []struct {
		name  string
		after time.Duration
		leads int64
		want  int
	}{
		{"ten have places", 0, 0, 10},
		{"four of them write, and keep what they have", 5 * time.Minute, 4, 0},
		{"six never write", DefaultHold * time.Minute, 4, 6},
		{"all of those do", time.Minute, 10, 0},
		{"no place is left to lapse", DefaultHold * time.Minute, 10, 0},
		{"two verdicts turn", 0, 8, 2},
		{"another day", 24 * time.Hour, 0, 10},
	} {
		now = now.Add(step.after)
		if got := come(step.leads); got != step.want {
			t.Fatalf("%s: %d were sent, want %d", step.name, got, step.want)
		}
	}
}

// Orders count at once, and every visitor does where the line says so, or where nobody counts the
// leads.
func TestWhatElseTargetsCount(t *testing.T) {
	told := []Leads{{Account: "a", Day: noon}}
	for _, tt := range []struct {
		name     string
		visitors bool
		order    bool
		leads    []Leads
		want     int // who are sent later, to a target of two
	}{
		{"visitors have lapsed", false, false, told, 2},
		{"orders stay", false, true, told, 0},
		{"visitors stay, by the settings", true, false, told, 0},
		{"visitors stay where nobody counts", false, false, nil, 0},
	} {
		l := line(accounts(Account{ID: "a", Day: 2}))
		l.Settings.Visitors = tt.visitors
		sent := 0
		for i, now := range []time.Time{noon, noon, noon.Add(time.Hour), noon.Add(time.Hour)} {
			l, _ = l.At(now)
			l, _ = l.Observe(tt.leads)
			next, _, changed, _ := l.Route(Visitor{ID: VisitorID(fmt.Sprint(i)), Order: tt.order}, Roster{Online: []AccountID{"a"}}, now)
			if changed {
				l, sent = next, sent+1
			}
		}
		if sent != 2+tt.want {
			t.Errorf("%s: %d were sent later, want %d", tt.name, sent-2, tt.want)
		}
	}
}

// Who has waited for as long as they may is never sent, and leaves the queue; those behind are
// served in their order.
func TestWaitingLapses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Settings{Zone: "UTC", Queue: 9, Wait: rapid.IntRange(1, 60).Draw(t, "wait"), OrderWait: rapid.IntRange(1, 600).Draw(t, "order"), Accounts: []Account{{ID: "a"}}}
		l := Line{ID: "l", Settings: s}
		var waiting []Visitor
		now := noon
		for i := range rapid.IntRange(1, 30).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "minutes")) * time.Minute)
			l, _ = l.At(now)
			var here Roster
			if rapid.IntRange(0, 3).Draw(t, "online") == 0 {
				here.Online = []AccountID{"a"}
			}
			next, sent, lapsed := l.Drain(waiting, here, now)
			l = next
			for _, v := range slices.Concat(sent, lapsed) {
				k := slices.IndexFunc(waiting, func(w Visitor) bool { return w.ID == v.ID })
				if long := s.lapsed(waiting[k], now); long == (v.Account != "") {
					t.Fatalf("%+v at %s", waiting[k], now)
				}
				waiting = slices.Delete(waiting, k, k+1)
			}
			if l.Waiting != int64(len(waiting)) || len(here.Online) > 0 && len(waiting) > 0 {
				t.Fatalf("%d wait, and the line has %d", len(waiting), l.Waiting)
			}
			for _, v := range waiting {
				if s.lapsed(v, now) {
					t.Fatalf("%+v waits at %s", v, now)
				}
			}
			next, v, changed, _ := l.Route(Visitor{ID: VisitorID(fmt.Sprint(i)), Order: rapid.Bool().Draw(t, "an order")}, here, now)
			if changed && v.Waiting {
				waiting = append(waiting, v)
			}
			l = next
		}
	})
}

// One who waited for too long and comes again is a new arrival, whether there is room or not.
func TestWhoHasLapsedComesAgain(t *testing.T) {
	for queue, want := range []bool{false, true} {
		l := line(accounts(Account{ID: "a"}))
		l.Settings.Queue, l.Waiting = queue, 1
		v := Visitor{ID: "v", N: 1, Waiting: true, Came: noon.Add(-DefaultWait * time.Minute)}
		next, again, changed, err := l.Route(v, Roster{}, noon)
		if !changed || again.Waiting != want || next.Waiting != int64(queue) || (err == nil) != want || want && again.N != 1 {
			t.Errorf("queue of %d: %+v %+v %v %v", queue, next, again, changed, err)
		}
	}
}

// In any time of t seconds a limit lets through at most Burst + N*t/Seconds, and whoever waits as
// long as it says comes through.
func TestLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Limit{
			N: int64(rapid.IntRange(1, 1000).Draw(t, "n")), Seconds: int64(rapid.IntRange(1, 3600).Draw(t, "seconds")),
			Burst: int64(rapid.IntRange(0, 20).Draw(t, "burst")),
		}
		if err := m.check("rate"); err != nil {
			t.Fatal(err)
		}
		var debt time.Time
		var let []time.Time
		now := noon
		for range rapid.IntRange(1, 200).Draw(t, "newcomers") {
			now = now.Add(time.Duration(rapid.Int64Range(0, 2*int64(m.each()/time.Microsecond)).Draw(t, "after")) * time.Microsecond)
			next, wait := m.take(debt, now)
			if wait > 0 {
				if _, still := m.take(debt, now.Add(wait)); still > 0 {
					t.Fatalf("%s later it says %s", wait, still)
				}
				continue
			}
			debt, let = next, append(let, now)
			if debt.After(now.Add(m.each() * time.Duration(m.burst()))) {
				t.Fatal("the debt lies further ahead than the burst")
			}
		}
		for i := range let {
			for k := i; k < len(let); k++ {
				most := m.burst() + int64(let[k].Sub(let[i])/m.each())
				if int64(k-i+1) > most {
					t.Fatalf("%d in %s, beyond %d", k-i+1, let[k].Sub(let[i]), most)
				}
			}
		}
	})
}

// A clock that was ahead by a day shuts nobody out for longer than the burst takes.
func TestLimitAfterAWrongClock(t *testing.T) {
	m := Limit{N: 1, Seconds: 60, Burst: 2}
	debt, _ := m.take(time.Time{}, noon.AddDate(0, 0, 1))
	if _, wait := m.take(debt, noon); wait > 2*time.Minute {
		t.Fatal(wait)
	}
}
