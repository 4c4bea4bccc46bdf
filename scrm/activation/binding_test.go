package activation_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func TestEventsCountWhileTheirAccountIsBound(t *testing.T) {
	base := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) time.Time { return base.Add(d) }
	const hour = time.Hour
	once := activation.Binding{{Code: "A", From: at(0), To: at(10 * hour)}}
	still := activation.Binding{{Code: "A", From: at(0)}}
	again := activation.Binding{{Code: "A", From: at(0), To: at(10 * hour)}, {Code: "A", From: at(200 * hour)}}
	moved := activation.Binding{{Code: "A", From: at(0), To: at(10 * hour)}, {Code: "B", From: at(10 * hour), To: at(20 * hour)}, {Code: "A", From: at(20 * hour)}}
	for _, c := range []struct {
		name    string
		binding activation.Binding
		code    ids.Code
		at      time.Duration
		want    bool
	}{
		{"as it is linked", once, "A", 0, true},
		{"a little before that was told", once, "A", -activation.Early, true},
		{"longer before", once, "A", -activation.Early - time.Microsecond, false},
		{"a month before", once, "A", -30 * 24 * hour, false},
		{"just before it ends", once, "A", 10*hour - time.Microsecond, true},
		{"as it ends", once, "A", 10 * hour, false},
		{"of another code", once, "B", hour, false},
		{"of an account that nobody ever linked", nil, "A", 0, false},
		{"while it is linked", still, "A", 1e6 * time.Second, true},
		{"while it was offline", again, "A", 200*hour - activation.Offline, true},
		{"earlier, before it was linked again", again, "A", 200*hour - activation.Offline - time.Microsecond, false},
		{"as it goes to another code", moved, "A", 10 * hour, false},
		{"as it comes from another code", moved, "B", 10 * hour, true},
		{"before it came from another code", moved, "B", 10*hour - time.Microsecond, false},
		{"while it was another code's", moved, "A", 20*hour - time.Microsecond, false},
		{"back from another code", moved, "A", 20 * hour, true},
	} {
		if got := c.binding.Counts(c.code, at(c.at)); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

// Whatever agents do, no event of an account is two codes', and what counts once counts for good.
func TestNoTimeOfAnAccountIsTwoCodes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes, now := open2(t)
		made := []activation.Issued{issue(codes, both, "a"), issue(codes, both, "b"), issue(codes, both, "c")}
		accesses := make([]activation.Access, len(made))
		for i, c := range made {
			accesses[i] = signIn(codes, c, fmt.Sprint("pc", i))
		}
		ports := map[int]activation.PortID{}
		counted := map[time.Time]ids.Code{}
		for step := range rapid.IntRange(1, 25).Draw(t, "steps") {
			key := fmt.Sprint("s", step)
			i := rapid.IntRange(0, len(made)-1).Draw(t, "code")
			switch rapid.IntRange(0, 7).Draw(t, "what") {
			case 0, 1, 2:
				if p, err := link(codes, accesses[i], "x", key); err == nil {
					ports[i] = p.ID
				}
			case 3:
				_, _ = codes.Logout(ctx, activation.Leave{Port: ports[i], Key: key})
			case 4:
				_, _ = codes.Ban(ctx, activation.Leave{Port: ports[i], Key: key})
			case 5:
				_, _ = codes.Close(ctx, activation.Leave{Port: ports[i], Key: key})
			case 6:
				_, _ = codes.SignOut(ctx, activation.SignOut{Session: accesses[i].ID(), Key: key})
			}
			now.pass(time.Duration(rapid.SampledFrom([]int{1, 9, 11, 60, 3000, 8000}).Draw(t, "minutes")) * time.Minute)
			for i, c := range made {
				access, b, err := codes.Bound(ctx, accesses[i].Token, "line", "x")
				if err != nil {
					accesses[i] = signIn(codes, c, fmt.Sprint("pc", i))
					if access, b, err = codes.Bound(ctx, accesses[i].Token, "line", "x"); err != nil {
						t.Fatal(err)
					}
				}
				binding := b.Binding
				for n, p := range binding {
					if n > 0 && p.From.Before(binding[n-1].To) || !p.To.IsZero() && p.To.Before(p.From) || n < len(binding)-1 && p.To.IsZero() {
						t.Fatalf("%v", binding)
					}
				}
				for at := now.time().Add(-20 * 24 * time.Hour); at.Before(now.time()); at = at.Add(time.Hour) {
					at = at.Truncate(time.Hour)
					of, known := counted[at]
					counts := binding.Counts(access.Code.ID, at)
					if counts && known && of != access.Code.ID {
						t.Fatalf("%s is of %s and of %s: %v", at, of, access.Code.ID, binding)
					}
					if !counts && known && of == access.Code.ID {
						t.Fatalf("%s was of %s and is not: %v", at, of, binding)
					}
					if counts {
						counted[at] = access.Code.ID
					}
				}
			}
		}
	})
}

func open2(t rapid.TB) (*activation.Engine, *clock) {
	c := &clock{}
	c.now.Store(time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC).UnixMicro())
	e, err := activation.New(memory.New(), keys, &activation.Options{Now: c.time})
	if err != nil {
		t.Fatal(err)
	}
	return e, c
}

// However a session ends, the binding of its accounts ends then, and is known after the code was
// changed and the account linked anew.
func TestBindingsEndWithTheirSession(t *testing.T) {
	ends := map[string]func(codes *activation.Engine, now *clock, c activation.Issued, s activation.Access, p activation.Port) error{
		"signed out": func(codes *activation.Engine, _ *clock, _ activation.Issued, s activation.Access, _ activation.Port) error {
			_, err := codes.SignOut(ctx, activation.SignOut{Session: s.ID(), Key: "out"})
			return err
		},
		"signed in anew": func(codes *activation.Engine, _ *clock, c activation.Issued, _ activation.Access, _ activation.Port) error {
			signIn(codes, c, "pc")
			return nil
		},
		"device removed": func(codes *activation.Engine, _ *clock, _ activation.Issued, _ activation.Access, _ activation.Port) error {
			_, err := codes.RemoveDevice(ctx, activation.RemoveDevice{Device: "pc", Key: "r"})
			return err
		},
		"disabled": func(codes *activation.Engine, _ *clock, c activation.Issued, _ activation.Access, _ activation.Port) error {
			_, err := codes.Disable(ctx, one(c.ID, "d"))
			return err
		},
		"expired": func(codes *activation.Engine, _ *clock, c activation.Issued, _ activation.Access, _ activation.Port) error {
			_, err := codes.Expire(ctx, one(c.ID, "e"))
			return err
		},
		"another platform": func(codes *activation.Engine, _ *clock, c activation.Issued, _ activation.Access, _ activation.Port) error {
			_, err := codes.Edit(ctx, activation.Edit{Code: c.ID, Settings: activation.Settings{Platforms: both.Platforms[1:], Ports: 2}, Key: "e"})
			return err
		},
		"renewed": func(codes *activation.Engine, _ *clock, c activation.Issued, _ activation.Access, _ activation.Port) error {
			_, err := codes.Renew(ctx, activation.Renew{Code: c.ID, Key: "r"})
			return err
		},
		"logged out": func(codes *activation.Engine, _ *clock, _ activation.Issued, _ activation.Access, p activation.Port) error {
			_, err := codes.Logout(ctx, activation.Leave{Port: p.ID, Key: "l"})
			return err
		},
		"banned": func(codes *activation.Engine, _ *clock, _ activation.Issued, _ activation.Access, p activation.Port) error {
			_, err := codes.Ban(ctx, activation.Leave{Port: p.ID, Key: "l"})
			return err
		},
		"closed": func(codes *activation.Engine, _ *clock, _ activation.Issued, _ activation.Access, p activation.Port) error {
			_, err := codes.Close(ctx, activation.Leave{Port: p.ID, Key: "l"})
			return err
		},
		"idle": func(_ *activation.Engine, now *clock, _ activation.Issued, _ activation.Access, _ activation.Port) error {
			now.pass(activation.Idle - time.Hour)
			return nil
		},
	}
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		for name, end := range ends {
			codes, now := open(t, db.Tenant(name))
			c, other := issue(codes, both, "k"), issue(codes, both, "o")
			s := signIn(codes, c, "pc")
			p := must(link(codes, s, "x", "x"))
			linked := now.time()
			now.pass(time.Hour)
			isError(t, end(codes, now, c, s, p), nil)
			ended := now.time()
			now.pass(10 * time.Hour)
			access := signIn(codes, other, "phone")
			check := func(what string, more ...activation.Period) {
				t.Helper()
				_, got, err := codes.Bound(ctx, access.Token, "line", "x")
				want := append(activation.Binding{{Code: c.ID, From: linked, To: ended}}, more...)
				if err != nil || fmt.Sprint(got.Binding) != fmt.Sprint(want) {
					t.Errorf("%s, %s: %v, want %v, %v", name, what, got, want, err)
				}
			}
			if name == "idle" {
				ended = linked.Add(activation.Idle)
				now.pass(5 * time.Hour)
				must(codes.Beat(ctx, access.Token))
			}
			check("after it ended")
			must(codes.Delete(ctx, one(c.ID, "del")))
			check("after the code was deleted")
			must(link(codes, access, "x", "y"))
			check("after another code linked it", activation.Period{Code: other.ID, From: now.time()})
		}
	})
}
