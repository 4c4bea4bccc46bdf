package otp

import (
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/decimal"
)

// A Budget bounds what adds up over time: a generic cell rate algorithm (GCRA, ITU-T I.371), kept
// as the instant at which the debt ends. In any window the weight is at most Burst + Leak, by one
// clock; by clocks that are at most MaxSkew apart it is at most Burst + Leak * (1 +
// MaxSkew/Window).
type Budget struct {
	Burst  int64         `json:"burst"`  // weight that may come at once
	Leak   int64         `json:"leak"`   // weight that is forgiven in a Window
	Window time.Duration `json:"window"` // nanoseconds in JSON
}

// MaxSkew is how far apart the clocks of the processes that share a database may be. Within it the
// bounds of this package hold, and a code of one process is good in another although its clock is
// behind. By a clock that is ahead a code lives for as much less.
const MaxSkew = 30 * time.Second

const (
	minDigits = 6
	maxDigits = 8
	minWeight = 10 // so that there are at most 10 guesses in a window however few codes are live
	maxWeight = 20 // where more live codes of a length would weigh more, the next code is longer

	// maxCrowd is the weight up to which codes of the longest length are issued where a Policy
	// keeps them short: two guesses of it fit into the burst of a scope, a wrong one and a right
	// one after it.
	maxCrowd = 40
)

// PerScope is the budget of wrong guesses in a scope. NIST SP 800-63B-4, 3.2.2, allows 100 wrong
// guesses at one authenticator, which for six digits is a chance of 1 in 10,000. A guess in a scope
// hits whichever code is live, so it weighs the number of them (see Weight), and the weight in any
// window of 10 minutes is at most 100: 82 at once and 17 forgiven, times 630/600 for clocks that
// are MaxSkew apart, are 99.85.
//
// The burst has room for the burst of one typist and for two guesses of another, at the largest
// weight, and for 1 more: that is forgiven in no less than MaxSkew, so the room is there too where
// the first one's guesses were charged by a clock that is ahead.
func PerScope() Budget { return Budget{Burst: 82, Leak: 17, Window: 10 * time.Minute} }

// PerTypist is the budget of wrong guesses of one typist in a scope, where a guess weighs at most
// 20. Its burst has room for two of them, and for 1 more as that of the scope has. It leaks no
// faster than that one, so that one typist alone never owes more there than this burst. The bound
// is that of the scope.
func PerTypist() Budget { return Budget{Burst: 41, Leak: 17, Window: 10 * time.Minute} }

// Charge returns the debt after a guess of that weight, and how long to wait where the budget has
// no room for it. A debt further ahead of now than the burst and MaxSkew was written by a clock
// that is wrong, and counts as the burst.
func (b Budget) Charge(debt, now time.Time, weight int64) (after time.Time, wait time.Duration) {
	after = b.settle(debt, now).Add(time.Duration(weight) * b.unit())
	return after, max(0, after.Sub(now)-b.full())
}

// settle returns the debt as it counts at now.
func (b Budget) settle(debt, now time.Time) time.Time {
	full := now.Add(b.full())
	switch {
	case debt.Before(now):
		return now
	case debt.After(full.Add(MaxSkew)):
		return full
	}
	return debt
}

// unit is how long it takes until a weight of 1 is forgiven, in the microseconds that are stored.
func (b Budget) unit() time.Duration {
	return (b.Window / time.Duration(b.Leak)).Truncate(time.Microsecond)
}

// full is how far ahead of now the debt may be.
func (b Budget) full() time.Duration { return time.Duration(b.Burst) * b.unit() }

func (b Budget) check(field string) error {
	const most = 1_000_000
	switch {
	case b.Burst < 1 || b.Burst > most:
		return &errs.InputError{Field: field + ".burst", Reason: fmt.Sprintf("is not between 1 and %d", most)}
	case b.Leak < 1 || b.Leak > most:
		return &errs.InputError{Field: field + ".leak", Reason: fmt.Sprintf("is not between 1 and %d", most)}
	case b.Window < time.Second || b.Window > 24*time.Hour:
		return &errs.InputError{Field: field + ".window", Reason: "is not between 1s and 24h"}
	}
	return nil
}

// Weight returns the weight of a guess, where live has how many codes of each number of digits are
// live: its chance to hit one, in millionths, but at least 10.
func Weight(live map[int]int64) int64 {
	weight := int64(minWeight)
	for digits, n := range live {
		per := decimal.Pow10(digits - minDigits)
		weight = max(weight, (n+per-1)/per)
	}
	return weight
}

// Digits returns the length of the next code, where live has how many codes of each number of
// digits are live, or 0 if even the longest would make a guess weigh too much. It is Policy.Digits
// of the zero Policy.
func Digits(live map[int]int64) int { return Policy{}.Digits(live) }
