package otp

import "time"

// A Budget bounds the weight of wrong guesses: a generic cell rate algorithm (GCRA, ITU-T I.371), kept as the instant
// at which the debt ends. In any window the weight is at most Burst + Leak.
type Budget struct {
	Burst  int64 // weight that may come at once
	Leak   int64 // weight that is forgiven in a Window
	Window time.Duration
}

// PerScope is the budget of a scope: in any 10 minutes wrong guesses weigh at most 100, a chance of 1 in 10,000 to hit.
func PerScope() Budget { return Budget{Burst: 60, Leak: 40, Window: 10 * time.Minute} }

// PerTypist is the budget of one typist in a scope, so that one of them can't use up the budget of all.
func PerTypist() Budget { return Budget{Burst: 50, Leak: 30, Window: 10 * time.Minute} }

// Charge returns the debt after a guess of that weight, and how long to wait where the budget has no room for it.
func (b Budget) Charge(debt, now time.Time, weight int64) (after time.Time, wait time.Duration) {
	unit := b.Window / time.Duration(b.Leak)
	if debt.Before(now) {
		debt = now
	}
	after = debt.Add(time.Duration(weight) * unit)
	return after, max(0, after.Sub(now)-time.Duration(b.Burst)*unit)
}

const (
	minDigits = 6
	maxDigits = 8
	minWeight = 10 // so that there are at most 10 guesses in a window however few codes are live
	maxWeight = 30 // where more live codes of a length would weigh more, the next code is longer
)

// Weight returns the weight of a guess where so many codes are live, by number of digits: its chance to hit one, in
// millionths, but at least 10.
func Weight(live map[int]int64) int64 {
	weight := int64(minWeight)
	for digits, n := range live {
		per := pow10(digits - minDigits)
		weight = max(weight, (n+per-1)/per)
	}
	return weight
}

// Digits returns the length of the next code where so many are live, or 0 where even the longest would make a guess
// weigh too much.
func Digits(live map[int]int64) int {
	for digits := minDigits; digits <= maxDigits; digits++ {
		if live[digits] < maxWeight*pow10(digits-minDigits) {
			return digits
		}
	}
	return 0
}

func pow10(n int) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}
