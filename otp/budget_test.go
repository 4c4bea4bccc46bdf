package otp

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/secret"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// In any window of 10 minutes wrong guesses weigh at most 100, by whichever of clocks that are
// MaxSkew apart.
func TestBudgetBoundsEveryWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SampledFrom([]Budget{PerScope(), PerTypist()}).Draw(t, "budget")
		type guess struct {
			at     time.Time
			weight int64
		}
		var debt time.Time
		var passed []guess
		now := noon
		for range rapid.IntRange(1, 200).Draw(t, "guesses") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(2*time.Minute)).Draw(t, "pause")))
			clock := now.Add(time.Duration(rapid.Int64Range(0, int64(MaxSkew)).Draw(t, "skew")))
			weight := rapid.Int64Range(minWeight, maxCrowd).Draw(t, "weight")
			after, wait := b.Charge(debt, clock, weight)
			if wait > 0 {
				if _, later := b.Charge(debt, clock.Add(wait), weight); later > 0 {
					t.Fatalf("after waiting %s it says to wait %s more", wait, later)
				}
				continue
			}
			debt = after
			passed = append(passed, guess{now, weight})
			var sum int64
			for _, g := range slices.Backward(passed) {
				if now.Sub(g.at) >= b.Window {
					break
				}
				sum += g.weight
			}
			if sum > 100 {
				t.Fatalf("guesses that weigh %d in %s", sum, b.Window)
			}
		}
	})
}

// No debt lies further ahead than the burst, whatever clock wrote it, and one that clocks MaxSkew
// apart can write is left alone.
func TestNoDebtLiesFurtherAheadThanTheBurst(t *testing.T) {
	for _, b := range []Budget{PerScope(), PerTypist()} {
		for _, ahead := range []time.Duration{-time.Hour, 0, time.Minute, b.full(), b.full() + MaxSkew, b.full() + MaxSkew + 1, 24 * time.Hour, 1e6 * time.Hour} {
			got := b.settle(noon.Add(ahead), noon).Sub(noon)
			want := max(0, ahead)
			if ahead > b.full()+MaxSkew {
				want = b.full()
			}
			if got != want {
				t.Errorf("a debt %s ahead counts as %s, want %s", ahead, got, want)
			}
		}
	}
}

// A counter is a scope whose guesses are decided without a store: none is right.
type counter struct {
	t *rapid.T
	u *unit
}

func newCounter(t *rapid.T) *counter { return &counter{t, newUnit()} }

// guess types a wrong code and reports whether it was read.
func (c *counter) guess(typist TypistID, live map[int]int64, now time.Time) bool {
	c.u.live = live
	p := Party{PartyTypist, string(typist)}
	m := c.u.meters[p]
	m.Party, m.Misses = p, 0
	c.u.meters[p] = m
	a, err := (&checking{Check: Check{Typist: typist}}).decide(work{}, c.u, now)
	if err != nil {
		c.t.Fatal(err)
	}
	return a.throttled == nil
}

// drawLive draws how many codes are live: as many as the policy issues, of any number up to all.
func drawLive(t *rapid.T, p Policy) map[int]int64 {
	live := map[int]int64{}
	for range rapid.OneOf(rapid.IntRange(0, 45), rapid.IntRange(0, 2300)).Draw(t, "live") {
		if d := p.Digits(live); d != 0 {
			live[d]++
		}
	}
	return live
}

// drawClock draws what the clock of a process says at a time.
func drawClock(t *rapid.T, now time.Time) time.Time {
	return now.Add(time.Duration(rapid.Int64Range(0, int64(MaxSkew)).Draw(t, "skew")))
}

// However a typist guesses, by whichever of clocks that are MaxSkew apart, and however many codes
// are live meanwhile, another one has two guesses left.
func TestOneTypistLeavesRoomForAnothersTwoGuesses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, now := newCounter(t), noon
		for range rapid.IntRange(0, 40).Draw(t, "guesses") {
			c.guess("crooked", drawLive(t, Policy{}), drawClock(t, now))
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(5*time.Minute)).Draw(t, "pause")))
		}
		live := drawLive(t, Policy{})
		for n := range 2 {
			if !c.guess("kathy", live, drawClock(t, now)) {
				t.Fatalf("with %v live and %s of debt guess %d was not read", live, c.u.scope.Debt.Sub(now), n+1)
			}
		}
	})
}

// After a wrong guess a right code is read, whoever types the one and the other, with every policy.
func TestAWrongGuessLeavesRoomForARightCode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{MaxDigits: rapid.SampledFrom([]int{0, 6, 7, 8}).Draw(t, "longest")}
		c, typists := newCounter(t), rapid.SampledFrom([]TypistID{"kathy", "li"})
		c.guess(typists.Draw(t, "wrong"), drawLive(t, p), drawClock(t, noon))
		pause := time.Duration(rapid.Int64Range(0, int64(5*time.Minute)).Draw(t, "pause"))
		live := drawLive(t, p)
		if !c.guess(typists.Draw(t, "right"), live, drawClock(t, noon.Add(pause))) {
			t.Fatalf("with %v live the second code was not read", live)
		}
	})
}

// Guesses of any typists, with any policy, while codes come and go, weigh at most 100 in any
// window.
func TestGuessesOfAllTypistsStayWithinTheBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{MaxDigits: rapid.SampledFrom([]int{0, 6, 7, 8}).Draw(t, "longest")}
		c, now := newCounter(t), noon
		var at []time.Time
		var weights []int64
		for range rapid.IntRange(1, 100).Draw(t, "guesses") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(2*time.Minute)).Draw(t, "pause")))
			live := drawLive(t, p)
			if c.guess(rapid.SampledFrom([]TypistID{"a", "b", "c", "d"}).Draw(t, "typist"), live, drawClock(t, now)) {
				at, weights = append(at, now), append(weights, Weight(live))
			}
			var sum int64
			for i := range at {
				if now.Sub(at[i]) < 10*time.Minute {
					sum += weights[i]
				}
			}
			if sum > 100 {
				t.Fatalf("guesses that weigh %d in 10 minutes", sum)
			}
		}
	})
}

func TestPolicyThatCannotBe(t *testing.T) {
	window := 10 * time.Minute
	for name, p := range map[string]Policy{
		"five digits":       {MaxDigits: 5},
		"nine digits":       {MaxDigits: 9},
		"no burst":          {Holder: Budget{Leak: 1, Window: window}},
		"no leak":           {Holder: Budget{Burst: 1, Window: window}},
		"no window":         {Device: Budget{Burst: 1, Leak: 1}},
		"a negative window": {Device: Budget{Burst: 1, Leak: 1, Window: -window}},
		"too large a burst": {Device: Budget{Burst: 1 << 40, Leak: 1, Window: window}},
	} {
		var input *errs.InputError
		if _, err := New(tenantStore{}, []secret.Key{{ID: "a", Secret: make([]byte, 32)}}, &Options{Policy: p}); !errors.As(err, &input) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
