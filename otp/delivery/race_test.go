package delivery_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/otp/delivery"
)

// all runs f that often at once, and returns how often it succeeded. Any error but those is a
// failure.
func all(t *testing.T, n int, f func(i int) error, or func(error) bool) int64 {
	t.Helper()
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if err := f(i); err == nil {
				won.Add(1)
			} else if !or(err) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	return won.Load()
}

func invalid(err error) bool { return errors.Is(err, delivery.ErrInvalidCode) }

func TestRaces(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("one of 32 verifiers with the right code wins", func(t *testing.T) {
			b := open(t, db.Tenant("verifiers"))
			code, _ := b.code(alice, "signin")
			if n := all(t, 32, func(int) error { return b.verify(alice, "signin", code) }, invalid); n != 1 {
				t.Errorf("%d won", n)
			}
		})
		t.Run("one of 32 claims of a code is spent", func(t *testing.T) {
			b := open(t, db.Tenant("claims"))
			code, _ := b.code(alice, "signin")
			claims := make([]delivery.Claim, 32)
			if n := all(t, 32, func(i int) error {
				checked, err := b.engine.Check(ctx, b.attempt(alice, "signin", code))
				claims[i] = checked.Claim
				return err
			}, invalid); n != 32 {
				t.Fatalf("%d have a claim", n)
			}
			if n := all(t, 32, func(i int) error { _, err := b.spend("signin", claims[i]); return err }, invalid); n != 1 {
				t.Errorf("%d won", n)
			}
		})
		t.Run("32 wrong codes at once are counted as five", func(t *testing.T) {
			b := open(t, db.Tenant("guesses"))
			code, _ := b.code(alice, "signin")
			all(t, 32, func(int) error { return b.verify(alice, "signin", wrong(code)) }, invalid)
			if err := b.verify(alice, "signin", code); !invalid(err) {
				t.Error("a sixth attempt:", err)
			}
			b.wait(time.Minute)
			if _, err := b.ask(alice, "signin"); !isThrottled(err, delivery.BudgetPause) {
				t.Error("the pause is not that after five:", err)
			}
			b.wait(time.Minute)
			b.code(alice, "signin")
		})
		t.Run("32 who ask at once get one code", func(t *testing.T) {
			b := open(t, db.Tenant("askers"))
			paused := func(err error) bool { return isThrottled(err, delivery.BudgetPause) }
			if n := all(t, 32, func(int) error { _, err := b.ask(alice, "signin"); return err }, paused); n != 1 || b.deliver() != 1 {
				t.Errorf("%d got one", n)
			}
		})
		t.Run("one key that 32 send at once is one code", func(t *testing.T) {
			b := open(t, db.Tenant("key"))
			var mu sync.Mutex
			refs := map[string]bool{}
			if n := all(t, 32, func(int) error {
				sent, err := b.engine.Send(ctx, delivery.Send{Address: alice, Purpose: "signin", Template: "code", Key: "k"})
				mu.Lock()
				defer mu.Unlock()
				refs[sent.Ref] = true
				return err
			}, invalid); n != 32 || len(refs) != 1 {
				t.Errorf("%d answers, %d codes", n, len(refs))
			}
		})
		t.Run("budgets hold however many ask at once", func(t *testing.T) {
			hour := func(n int64) delivery.Quota { return delivery.Quota{N: n, Window: time.Hour} }
			for _, c := range []struct {
				budget delivery.Budget
				policy delivery.Policy
				want   int64
			}{
				{delivery.BudgetFrom, delivery.Policy{From: hour(10)}, 10},
				{delivery.BudgetTenant, delivery.Policy{SMS: hour(7), Prefixes: map[string]delivery.Quota{"+86": hour(1000)}}, 7},
				{delivery.BudgetPrefix, delivery.Policy{Prefixes: map[string]delivery.Quota{"+86": hour(5), "+1": hour(5)}}, 5},
			} {
				b := openWith(t, db.Tenant("budget "+string(c.budget)), c.policy)
				ask := func(i int) error {
					_, err := b.engine.Send(ctx, delivery.Send{Address: numberOf(i), Purpose: "signin", Template: "code", From: "192.0.2.1", Key: "k"})
					return err
				}
				full := func(err error) bool { return isThrottled(err, c.budget) }
				if n := all(t, 32, ask, full); n != c.want {
					t.Errorf("%s: %d got a code, want %d", c.budget, n, c.want)
				}
				var throttled *delivery.ThrottledError
				if err := ask(100); !errors.As(err, &throttled) || throttled.RetryAfter != time.Hour {
					t.Errorf("%s: %v", c.budget, err)
				}
				if n := b.deliver(); int64(n) != c.want {
					t.Errorf("%s: %d messages", c.budget, n)
				}
				b.wait(time.Hour)
				if err := ask(100); err != nil {
					t.Errorf("%s, after RetryAfter: %v", c.budget, err)
				}
			}
		})
	})
}

// Machines that ask for codes to numbers which share in the fees, from as many origins as they
// like, cost what the prefixes and the tenant allow, and no more.
func TestPumping(t *testing.T) {
	daily := func(n int64) delivery.Quota { return delivery.Quota{N: n, Window: 24 * time.Hour} }
	b := openWith(t, memoryDB(), delivery.Policy{SMS: daily(50), Prefixes: map[string]delivery.Quota{"+86": daily(40), "+44": daily(20), "+4474": {}}})
	for range 2 {
		sent, refused := map[string]int{}, map[string]int{}
		for i := range 300 {
			for prefix, number := range map[string]string{
				"+86": fmt.Sprintf("+86139%08d", i), "+44": fmt.Sprintf("+447911%06d", i), "+4474": fmt.Sprintf("+447400%06d", i), "+1": fmt.Sprintf("+1202555%04d", i), "+1242": fmt.Sprintf("+1242322%04d", i),
			} {
				_, err := b.engine.Send(ctx, delivery.Send{
					Address: delivery.Address(number), Purpose: "signin", Template: "code", From: fmt.Sprint("10.0.0.", i), Key: b.fresh(),
				})
				switch {
				case err == nil:
					sent[prefix]++
				case errors.Is(err, delivery.ErrPrefix):
					refused[prefix]++
				case !isThrottled(err, delivery.BudgetPrefix) && !isThrottled(err, delivery.BudgetTenant):
					t.Fatal(err)
				}
			}
		}
		if sent["+86"]+sent["+44"] != 50 || sent["+86"] > 40 || sent["+44"] != 20 || len(sent) != 2 || refused["+4474"] != 300 || refused["+1"] != 300 || refused["+1242"] != 300 {
			t.Errorf("sent %v, refused %v", sent, refused)
		}
		if n := b.deliver(); n != 50 {
			t.Errorf("%d messages", n)
		}
		b.wait(24 * time.Hour)
	}
}

// Somebody with a hundred thousand guesses at an address, who asks for a code each time that one
// may be sent, has 54 on the first day and 100 until the address is stopped.
func TestAHundredThousandGuesses(t *testing.T) {
	race.Skip(t, "one goroutine does it all")
	b := open(t, memoryDB())
	hits, counted, first := 0, 0, 0
	begin, stopped := b.now, false
	for guess := 0; guess < 100_000; {
		_, err := b.ask(alice, "signin")
		var throttled *delivery.ThrottledError
		switch {
		case errors.As(err, &throttled):
			b.wait(throttled.RetryAfter)
			continue
		case errors.Is(err, delivery.ErrStopped):
			stopped = true
		case err != nil:
			t.Fatal(err)
		}
		for range 1000 {
			guess++
			switch err := b.verify(alice, "signin", fmt.Sprintf("%06d", guess)); {
			case err == nil:
				hits++
			case !invalid(err) && !errors.Is(err, delivery.ErrStopped):
				t.Fatal(err)
			}
		}
		if counted = misses(b); b.now.Sub(begin) < 24*time.Hour {
			first = counted
		}
	}
	t.Logf("%d wrong codes on the first day, %d in all, %d hits", first, counted, hits)
	if !stopped || first > 54 || counted > delivery.MaxMisses || hits > 1 {
		t.Errorf("%d wrong codes on the first day, %d in all, %d hits, stopped: %v", first, counted, hits, stopped)
	}
}

// misses returns how many wrong codes the journal has.
func misses(b *bench) (n int) {
	for r, err := range b.db.Journal().After(ctx, "", 0) {
		if err != nil {
			b.t.Fatal(err)
		}
		if r.Kind == "delivery.verify" && string(r.Result) == "{}" {
			n++
		}
	}
	return n
}

// Wrong codes from one origin, at whatever addresses, are bounded, and a right one costs nothing.
func TestGuessesOfAnOrigin(t *testing.T) {
	b := openWith(t, memoryDB(), delivery.Policy{Wrong: delivery.Quota{N: 7, Window: time.Hour}})
	counted, unread := 0, 0
	try := func(i int, code string, from string) error {
		a := b.attempt(numberOf(i), "signin", code)
		a.From = from
		_, err := b.engine.Verify(ctx, a)
		return err
	}
	codes := map[int]string{}
	for i := range 10 {
		codes[i], _ = b.code(numberOf(i), "signin")
	}
	if err := try(9, codes[9], "192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	for i := range 9 {
		switch err := try(i, wrong(codes[i]), "192.0.2.1"); {
		case invalid(err):
			counted++
		case isThrottled(err, delivery.BudgetWrong):
			unread++
		default:
			t.Fatal(err)
		}
	}
	if counted != 7 || unread != 2 {
		t.Errorf("%d were counted, %d left unread", counted, unread)
	}
	if err := try(0, codes[0], "192.0.2.1"); !isThrottled(err, delivery.BudgetWrong) {
		t.Error("a right one is read where a wrong one has no room:", err)
	}
	if err := try(0, codes[0], "192.0.2.2"); err != nil {
		t.Error("from elsewhere:", err)
	}
}
