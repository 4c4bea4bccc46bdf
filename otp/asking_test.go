package otp_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/otp"
)

// A holder asks for no more codes than the budget allows, whatever they are for and however many
// ask at once, and leaves no more rows; and so does a device, whoever holds it.
func TestAskingIsBounded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		for _, c := range []struct {
			name   string
			policy otp.Policy
			ask    func(i int) otp.Issue
			want   int64
			budget otp.PartyKind
		}{
			{"a holder", otp.Policy{}, func(i int) otp.Issue {
				return otp.Issue{Holder: "alice", Purpose: otp.Purpose(fmt.Sprint("p", i%3))}
			}, 30, otp.PartyHolder},
			{"a holder of many devices", otp.Policy{}, func(i int) otp.Issue {
				return otp.Issue{Holder: "alice", Purpose: "stamp", Device: otp.DeviceID(fmt.Sprint("d", i))}
			}, 30, otp.PartyHolder},
			{"a device", otp.Policy{}, func(i int) otp.Issue {
				return otp.Issue{Holder: otp.HolderID(fmt.Sprint("m", i)), Purpose: "stamp", Device: "phone"}
			}, 60, otp.PartyDevice},
			{"a holder with a policy", otp.Policy{Holder: otp.Budget{Burst: 3, Leak: 1, Window: time.Hour}}, func(int) otp.Issue {
				return otp.Issue{Holder: "alice", Purpose: "stamp"}
			}, 3, otp.PartyHolder},
		} {
			t.Run(c.name, func(t *testing.T) {
				b := openWith(t, db.Tenant("ask "+c.name), c.policy)
				var issued atomic.Int64
				var wait atomic.Int64
				var wg sync.WaitGroup
				for w := range 8 {
					wg.Go(func() {
						for i := range 25 {
							ask := c.ask(w*25 + i)
							ask.Scope, ask.Key = "s", b.fresh()
							_, err := b.codes.Issue(ctx, ask)
							var throttled *otp.ThrottledError
							switch {
							case err == nil:
								issued.Add(1)
							case !errors.As(err, &throttled) || throttled.Budget != c.budget:
								t.Error(err)
							default:
								wait.Store(int64(throttled.RetryAfter))
							}
						}
					})
				}
				wg.Wait()
				if issued.Load() != c.want {
					t.Errorf("200 asked, %d got a code, want %d", issued.Load(), c.want)
				}
				ask := c.ask(1000)
				ask.Scope, ask.Key = "other", b.fresh()
				if _, err := b.codes.Issue(ctx, ask); err != nil {
					t.Error("in another scope:", err)
				}
				b.wait(time.Duration(wait.Load()))
				ask.Scope, ask.Key = "s", b.fresh()
				if _, err := b.codes.Issue(ctx, ask); err != nil {
					t.Error("after RetryAfter:", err)
				}
				b.wait(24 * time.Hour)
				n, err := b.codes.Prune(ctx, b.now)
				if most := 2 * (c.want + 3) * 2; err != nil || n > most {
					t.Errorf("it left %d rows, want at most %d: %v", n, most, err)
				}
			})
		}
		t.Run("a key that comes again is free", func(t *testing.T) {
			b := open(t, db.Tenant("ask again"))
			ask := otp.Issue{Scope: "s", Holder: "alice", Purpose: "stamp", Key: "k"}
			first, err := b.codes.Issue(ctx, ask)
			if err != nil {
				t.Fatal(err)
			}
			for range 100 {
				if again, err := b.codes.Issue(ctx, ask); err != nil || again.Code != first.Code {
					t.Fatal(again, err)
				}
			}
			for i := range 29 {
				b.issue("s", "alice", otp.Purpose(fmt.Sprint("p", i)))
			}
			if again, err := b.codes.Issue(ctx, ask); err != nil || again.Code != first.Code {
				t.Fatal("while throttled:", again, err)
			}
			ask.Key = "k2"
			var throttled *otp.ThrottledError
			if _, err := b.codes.Issue(ctx, ask); !errors.As(err, &throttled) {
				t.Fatal(err)
			}
			b.wait(throttled.RetryAfter)
			if _, err := b.codes.Issue(ctx, ask); err != nil {
				t.Fatal("the key of a refused code is new:", err)
			}
		})
	})
}
