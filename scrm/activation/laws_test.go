package activation_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// TestPortsAddUp plays random commands, and counts after each one.
func TestPortsAddUp(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		db := memory.New()
		codes, now := open(t, db)
		must(codes.PutPool(ctx, activation.PutPool{Pool: "plan", Ports: 3, Key: "p"}))
		shared := activation.Settings{Platforms: both.Platforms, Pool: "plan"}
		made := []activation.Issued{issue(codes, both, "a"), issue(codes, shared, "b"), issue(codes, shared, "c")}
		var accesses []activation.Access
		for step := range rapid.IntRange(1, 60).Draw(rt, "steps") {
			key := fmt.Sprint("step-", step)
			c := made[rapid.IntRange(0, 2).Draw(rt, "code")]
			device := activation.DeviceID(rapid.SampledFrom([]string{"x", "y"}).Draw(rt, "device"))
			var session activation.SessionID
			if len(accesses) > 0 {
				session = accesses[rapid.IntRange(0, len(accesses)-1).Draw(rt, "session")].ID()
			}
			port := int64(rapid.IntRange(1, 8).Draw(rt, "port"))
			leave := activation.Leave{Port: activation.PortID{Code: c.ID, N: port}, Key: key}
			var err error
			switch what := rapid.IntRange(0, 12).Draw(rt, "what"); what {
			case 0, 1:
				var s activation.Access
				if s, err = codes.SignIn(ctx, activation.SignIn{Code: c.Code, Device: device}); err == nil {
					accesses = append(accesses, s)
				}
			case 2, 3, 4:
				_, err = codes.Open(ctx, activation.Open{Session: session, Platform: "line", Key: key})
			case 5:
				_, err = codes.Pair(ctx, activation.Pair{Session: session, Port: port, Until: now.time().Add(time.Minute), Key: key})
			case 6:
				account := ids.Account(rapid.SampledFrom([]string{"u", "v"}).Draw(rt, "account"))
				_, err = codes.Link(ctx, activation.Link{Session: session, Port: port, Account: account, Key: key})
			case 7:
				_, err = []func() (activation.Port, error){
					func() (activation.Port, error) { return codes.Logout(ctx, leave) },
					func() (activation.Port, error) { return codes.Ban(ctx, leave) },
					func() (activation.Port, error) { return codes.Close(ctx, leave) },
				}[port%3]()
			case 8:
				_, err = codes.SignOut(ctx, activation.SignOut{Session: session, Key: key})
			case 9:
				_, err = codes.Disable(ctx, one(c.ID, key))
			case 10:
				_, err = codes.Enable(ctx, one(c.ID, key))
			case 11:
				now.pass(time.Duration(rapid.IntRange(1, 30).Draw(rt, "hours")) * time.Hour)
			case 12:
				s := []activation.Settings{both, shared}[port%2]
				s.Expires = now.time().Add(time.Duration(port*10) * time.Hour)
				_, err = codes.Edit(ctx, activation.Edit{Code: c.ID, Settings: s, Key: key})
			}
			_ = err // refusals are part of the history
			addUp(rt, codes)
		}
		if _, err := codes.Sweep(ctx, 100); err != nil {
			rt.Fatal(err)
		}
		addUp(rt, codes)
		if stored, listed := count(activation.StoredPorts(ctx, db)), count(codes.Agents(ctx, activation.PortQuery{})); stored != listed {
			rt.Fatalf("after a sweep %d ports are stored as open, and %d listed", stored, listed)
		}
	})
}

// TestPortsAddUpAtOnce has two processes do everything to codes that share a pool at once, and
// counts in the end.
func TestPortsAddUpAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		first, _ := open(t, db)
		second, _ := open(t, db)
		must(first.PutPool(ctx, activation.PutPool{Pool: "plan", Ports: 4, Key: "p"}))
		shared := activation.Settings{Platforms: both.Platforms, Pool: "plan"}
		made := must(first.Create(ctx, activation.Create{N: 3, Settings: shared, Key: "k"}))
		expected := func(err error) bool {
			var full *activation.CapacityError
			var bad *errs.InputError
			return err == nil || errors.As(err, &full) || errors.As(err, &bad) || slices.ContainsFunc([]error{
				activation.ErrSignedOut, activation.ErrLinked, activation.ErrPortState, activation.ErrUnknownDevice, journal.ErrConflict,
			}, func(e error) bool { return errors.Is(err, e) })
		}
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				codes := []*activation.Engine{first, second}[g%2]
				for i := range 10 {
					key, c, device := fmt.Sprint(g, "-", i), made[(g+i)%3], activation.DeviceID(fmt.Sprint("d", i%3))
					var err error
					switch (g*5 + i*3) % 10 {
					case 7:
						_, err = codes.Edit(ctx, activation.Edit{Code: c.ID, Settings: []activation.Settings{shared, both}[i%2], Key: key})
					case 8:
						_, err = codes.RemoveDevice(ctx, activation.RemoveDevice{Device: device, Key: key})
					case 9:
						_, err = codes.PutPool(ctx, activation.PutPool{Pool: "plan", Ports: 3 + i%3, Key: key})
					default:
						var access activation.Access
						if access, err = codes.SignIn(ctx, activation.SignIn{Code: c.Code, Device: device}); err == nil {
							_, err = link(codes, access, fmt.Sprint("x", i%4), key)
						}
					}
					if !expected(err) {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		addUp(t, first)
	})
}

// addUp returns how many ports of the pool are in use.
func addUp(t rapid.TB, codes *activation.Engine) (shared int) {
	used := map[ids.Account]int{}
	for c, err := range codes.Codes(ctx, activation.CodeQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for a, err := range codes.Agents(ctx, activation.PortQuery{Code: c.ID}) {
			if err != nil {
				t.Fatal(err)
			}
			if a.State == activation.Unlinked || a.State == activation.Pending || a.State == activation.Linked {
				n++
			}
			if used[a.Account]++; a.Account != "" && used[a.Account] > 1 {
				t.Fatalf("two ports have %s", a.Account)
			}
		}
		if n != c.Ports() {
			t.Fatalf("%d ports of %s are in use, and its sessions have %d", n, c.ID, c.Ports())
		}
		if c.Settings.Pool == "" && n > c.Settings.Ports {
			t.Fatalf("%d of %d ports are in use", n, c.Settings.Ports)
		}
		if c.Settings.Pool != "" {
			shared += n
		}
	}
	pool := must(codes.Pool(ctx, "plan"))
	if pool.Free < 0 || shared != pool.Ports-pool.Free {
		t.Fatalf("%d ports are in use, and %d of %d are free", shared, pool.Free, pool.Ports)
	}
	return shared
}
