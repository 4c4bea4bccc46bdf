package activation

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// No more than a budget has is spent in the time in which it comes back, whatever is asked for and
// however clocks jump; and nobody waits longer than that.
func TestBudgets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const n, each = 5, time.Minute
		var b Budget
		now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
		var spent []time.Time
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "seconds")) * time.Second)
			next, wait := b.spend(now, Rate{n, each})
			if wait > each {
				t.Fatal("waits", wait)
			}
			if wait > 0 {
				if next != b {
					t.Fatal("a refusal is charged")
				}
				if _, again := b.spend(now.Add(wait), Rate{n, each}); again != 0 {
					t.Fatal("refused after the wait")
				}
				continue
			}
			b, spent = next, append(spent, now)
			recent := 0
			for _, at := range spent {
				if now.Sub(at) < n*each {
					recent++
				}
			}
			if recent > 2*n {
				t.Fatal(recent, "in the time of", n)
			}
		}
		ahead, _ := b.spend(now.AddDate(1, 0, 0), Rate{n, each})
		if _, wait := ahead.spend(now, Rate{n, each}); wait > each {
			t.Fatal("a clock that was ahead keeps others waiting", wait)
		}
	})
}
