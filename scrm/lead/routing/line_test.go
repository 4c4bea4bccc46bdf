package routing

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
)

var noon = time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC) // in Shanghai

// line has accounts a, b and c, with what they have taken today and in total.
func line(s Settings, taken ...int64) Line {
	l := Line{ID: "l", Settings: s, Today: time.Date(2026, 3, 9, 16, 0, 0, 0, time.UTC)}
	l.Settings.Zone = "Asia/Shanghai"
	for i := 0; i+1 < len(taken); i += 2 {
		l.Taken = append(l.Taken, Taken{Account: AccountID(rune('a' + i/2)), Today: taken[i], Total: taken[i+1]})
	}
	return l
}

func accounts(all ...Account) Settings { return Settings{Accounts: all} }

func TestChoose(t *testing.T) {
	a, b, c := Account{ID: "a"}, Account{ID: "b"}, Account{ID: "c"}
	target := func(x Account, day, total int64) Account {
		x.Day, x.Total = day, total
		return x
	}
	closed := func(x Account) Account {
		x.Closed = true
		return x
	}
	offline := func(s Settings) Settings {
		s.Offline = true
		return s
	}
	past := func(s Settings) Settings {
		s.Past = true
		return s
	}
	for _, tt := range []struct {
		name   string
		line   Line
		online string
		want   string // any of these, or a reason
	}{
		{"nobody is there", line(Settings{}), "a", "closed"},
		{"who is closed takes nobody", line(accounts(closed(a), b)), "ab", "b"},
		{"all are closed", line(accounts(closed(a), closed(b))), "ab", "closed"},
		{"who is offline takes nobody", line(accounts(a, b)), "b", "b"},
		{"all are offline", line(accounts(a, closed(b))), "b", "offline"},
		{"online comes first", line(offline(accounts(a, b)), 0, 0, 9, 9), "b", "b"},
		{"offline where nobody else is", line(offline(accounts(a, closed(b)))), "b", "a"},
		{"offline where the others are full", line(offline(accounts(a, target(b, 1, 0))), 0, 0, 1, 1), "b", "a"},
		{"the smallest part of today's target", line(accounts(target(a, 10, 0), target(b, 100, 0)), 2, 2, 19, 19), "ab", "b"},
		{"the same part, then the fewest in total", line(accounts(target(a, 10, 0), target(b, 100, 0)), 2, 50, 20, 40), "ab", "b"},
		{"without targets the fewest today", line(accounts(a, b, c), 2, 2, 1, 90, 3, 3), "abc", "b"},
		{"without a target as with the highest", line(accounts(target(a, 10, 0), b), 5, 5, 6, 6), "ab", "a"},
		{"then chance", line(accounts(a, b, c), 1, 5, 1, 5, 1, 6), "abc", "ab"},
		{"who has today's target is full", line(accounts(target(a, 2, 0), b), 2, 2, 9, 9), "ab", "b"},
		{"who has the total target is full", line(accounts(target(a, 0, 5), b), 0, 5, 9, 9), "ab", "b"},
		{"all that are online are full", line(accounts(target(a, 2, 0), b), 2, 2, 0, 0), "a", "full"},
		{"full goes before offline as a reason", line(accounts(b, target(a, 2, 0)), 2, 2), "a", "full"},
		{"past the target after the others", line(past(accounts(target(a, 2, 0), target(b, 100, 0))), 2, 2, 99, 99), "ab", "b"},
		{"past the target where nobody else is", line(past(accounts(target(a, 2, 0), b)), 2, 2), "a", "a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var online []AccountID
			for _, r := range tt.online {
				online = append(online, AccountID(r))
			}
			seen := map[AccountID]bool{}
			for i := range 64 {
				l := tt.line
				l.Sent = int64(i)
				got, err := l.Choose(Roster{Online: online})
				var none *NoCapacityError
				if errors.As(err, &none) {
					got = AccountID(none.Why)
				}
				seen[got] = true
				if again, _ := l.Choose(Roster{Online: online}); err == nil && again != got {
					t.Fatalf("%s, and then %s", got, again)
				}
			}
			if seen[AccountID(tt.want)] && len(seen) == 1 {
				return
			}
			for _, r := range tt.want {
				if !seen[AccountID(r)] || len(seen) != len(tt.want) {
					t.Fatalf("got %v, want %s", seen, tt.want)
				}
			}
		})
	}
}

// TestLine plays random histories: caps hold, the queue is served in order, and nobody who is
// offline serves it.
func TestLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Settings{Zone: "Asia/Shanghai", Queue: rapid.IntRange(0, 4).Draw(t, "queue"), Offline: rapid.Bool().Draw(t, "offline"), Seed: 7, Wait: maxMinutes}
		for i := range 3 {
			s.Accounts = append(s.Accounts, Account{
				ID: AccountID(rune('a' + i)), Day: int64(rapid.IntRange(0, 3).Draw(t, "day")), Total: int64(rapid.IntRange(0, 6).Draw(t, "total")),
			})
		}
		l := Line{ID: "l", Settings: s}
		visitors := map[VisitorID]Visitor{}
		now := noon
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 9).Draw(t, "hours")) * time.Hour)
			var err error
			if l, err = l.At(now); err != nil {
				t.Fatal(err)
			}
			online := rapid.SliceOfNDistinct(rapid.SampledFrom([]AccountID{"a", "b", "c"}), 0, 3, rapid.ID[AccountID]).Draw(t, "online")
			var waiting []Visitor
			for _, v := range visitors {
				if v.Waiting {
					waiting = append(waiting, v)
				}
			}
			slices.SortFunc(waiting, func(a, b Visitor) int { return int(a.N - b.N) })
			if int64(len(waiting)) != l.Waiting {
				t.Fatalf("%d wait, and the line has %d", len(waiting), l.Waiting)
			}
			next, sent, _ := l.Drain(waiting, Roster{Online: online}, now)
			for i, v := range sent {
				if v.ID != waiting[i].ID || !slices.Contains(online, v.Account) {
					t.Fatalf("%v was served out of turn, or by one who is offline", v)
				}
				visitors[v.ID] = v
			}
			l = next
			id := VisitorID(fmt.Sprint(rapid.IntRange(0, 9).Draw(t, "visitor")))
			was := visitors[id]
			was.ID = id
			next, v, changed, err := l.Route(was, Roster{Online: online}, now)
			switch {
			case err != nil:
				if changed || next.Came != l.Came {
					t.Fatal("a refusal changed the line")
				}
			case !v.Waiting && !s.Offline && !slices.Contains(online, v.Account):
				t.Fatalf("%s is offline", v.Account)
			case !v.Waiting && l.Waiting == 0 && !slices.Contains(online, v.Account) && room(l, online):
				t.Fatalf("%s is offline, and one that is online has room", v.Account)
			case changed && !v.Waiting && l.Waiting > 0:
				t.Fatal("one who came later was served first")
			case !changed && v != was:
				t.Fatal("one who was there changed")
			default:
				visitors[id] = v
			}
			l = next
			var today, total int64
			for _, k := range l.Taken {
				a := s.Accounts[k.Account[0]-'a']
				if a.Day > 0 && k.Today > a.Day || a.Total > 0 && k.Total > a.Total {
					t.Fatalf("%s has %d and %d, beyond %d and %d", k.Account, k.Today, k.Total, a.Day, a.Total)
				}
				today, total = today+k.Today, total+k.Total
			}
			if total != l.Sent || today > total || l.Waiting > int64(s.Queue) {
				t.Fatalf("%+v", l)
			}
		}
	})
}

// room reports whether an account that is online may take one more.
func room(l Line, online []AccountID) bool {
	l.Settings.Offline = false
	_, err := l.Choose(Roster{Online: online})
	return err == nil
}

func TestKeeps(t *testing.T) {
	a, b := Account{ID: "a"}, Account{ID: "b", Day: 1}
	for _, tt := range []struct {
		name    string
		offline bool
		online  string
		waiting int64
		b       int64 // how many it took today
		want    AccountID
	}{
		{"online: the same account", false, "ab", 0, 0, "a"},
		{"gone offline: another", false, "b", 0, 0, "b"},
		{"gone offline, where that may be: one that is online first", true, "b", 0, 0, "b"},
		{"nobody is online", true, "", 0, 0, "a"},
		{"nobody who is online has room", true, "b", 0, 1, "a"},
		{"others wait for who is online", true, "b", 1, 0, "a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := line(accounts(a, b), 1, 1, tt.b, tt.b)
			l.Settings.Offline, l.Waiting = tt.offline, tt.waiting
			var online []AccountID
			for _, r := range tt.online {
				online = append(online, AccountID(r))
			}
			_, v, changed, err := l.Route(Visitor{ID: "v", N: 1, Account: "a"}, Roster{Online: online}, noon)
			if err != nil || v.Account != tt.want || changed != (tt.want != "a") {
				t.Fatal(v, changed, err)
			}
		})
	}
}

// A line has had 5000 accounts at most.
func TestTakenIsBounded(t *testing.T) {
	some := func(from, to int) (s Settings) {
		s.Zone = "UTC"
		for i := from; i < to; i++ {
			s.Accounts = append(s.Accounts, Account{ID: AccountID(fmt.Sprintf("a%04d", i))})
		}
		return s
	}
	l := Line{ID: "l"}
	var err error
	for from := 0; from < maxTaken; from += maxAccounts {
		if l, err = l.Put(some(from, from+maxAccounts), noon); err != nil {
			t.Fatal(err)
		}
		for _, a := range l.Settings.Accounts {
			l.send(Visitor{}, a.ID, noon)
		}
	}
	if l, err = l.Put(some(0, maxAccounts), noon); err != nil || len(l.Taken) != maxTaken {
		t.Fatal(len(l.Taken), err)
	}
	var bad *errs.InputError
	if _, err := l.Put(some(maxTaken-1, maxTaken+1), noon); !errors.As(err, &bad) || bad.Field != "settings.accounts" {
		t.Fatal(err)
	}
}

func TestDays(t *testing.T) {
	l := line(accounts(Account{ID: "a", Day: 1}), 1, 1)
	for _, tt := range []struct {
		at   time.Time
		want int64
	}{
		{noon, 1}, {time.Date(2026, 3, 10, 15, 59, 59, 0, time.UTC), 1}, {time.Date(2026, 3, 10, 16, 0, 0, 0, time.UTC), 0},
		{noon.AddDate(0, 0, -2), 1}, // a clock that is behind takes nothing back
	} {
		got, err := l.At(tt.at)
		if err != nil || got.Taken[0].Today != tt.want || l.Taken[0].Today != 1 {
			t.Errorf("at %s: %+v %v", tt.at, got, err)
		}
	}
}
