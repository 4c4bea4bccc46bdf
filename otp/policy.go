package otp

import (
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/decimal"
)

// A Policy says how long codes may become and how many may be asked for. Zero fields are the
// documented defaults. All engines of a database should have the same.
type Policy struct {
	// MaxDigits is the length of the longest code, 6 to 8; 0: 8. Codes have six digits while fewer
	// than 20 of a scope are live, seven while fewer than 200 of those are, and then eight. An
	// application whose input box has six places says 6: then guesses are given up instead. Up to
	// 40 codes of the scope may be live; from the 21st on a wrong guess still leaves room for a
	// right one, but no longer for another typist's second guess; and where 40 are live, the next
	// one is ErrCrowded.
	MaxDigits int `json:"maxDigits,omitempty"`
	// Holder bounds the codes that one holder may ask for in a scope; zero: 30 at once, and 30 in
	// 10 minutes.
	Holder Budget `json:"holder,omitzero"`
	// Device bounds the codes that may be asked for in a scope from one device; zero: 60 at once,
	// and 60 in 10 minutes.
	Device Budget `json:"device,omitzero"`
}

// complete returns the policy with its defaults filled in. *errs.InputError: a field is out of its
// bounds.
func (p Policy) complete() (Policy, error) {
	if p.MaxDigits == 0 {
		p.MaxDigits = maxDigits
	}
	if p.Holder == (Budget{}) {
		p.Holder = Budget{Burst: 30, Leak: 30, Window: 10 * time.Minute}
	}
	if p.Device == (Budget{}) {
		p.Device = Budget{Burst: 60, Leak: 60, Window: 10 * time.Minute}
	}
	if p.MaxDigits < minDigits || p.MaxDigits > maxDigits {
		return p, &errs.InputError{Field: "policy.maxDigits", Reason: fmt.Sprintf("is not between %d and %d", minDigits, maxDigits)}
	}
	if err := p.Holder.check("policy.holder"); err != nil {
		return p, err
	}
	return p, p.Device.check("policy.device")
}

// of returns the budget of a holder or a device.
func (p Policy) of(party Party) Budget {
	if party.Kind == PartyDevice {
		return p.Device
	}
	return p.Holder
}

// Digits returns the length of the next code, where live has how many codes of each number of
// digits are live, or 0 if even the longest would make a guess weigh too much.
func (p Policy) Digits(live map[int]int64) int {
	longest := p.MaxDigits
	if longest == 0 {
		longest = maxDigits
	}
	for digits := minDigits; digits <= longest; digits++ {
		weight := int64(maxWeight)
		if digits == longest && longest < maxDigits {
			weight = maxCrowd
		}
		if live[digits] < weight*decimal.Pow10(digits-minDigits) {
			return digits
		}
	}
	return 0
}
