package loyalty

import (
	"math"
	"math/bits"
)

// A wide is a number of 128 bits.
type wide struct{ high, low uint64 }

// plus adds two numbers. What does not fit is the largest, which is more than rounding divides.
func (w wide) plus(o wide) wide {
	low, carry := bits.Add64(w.low, o.low, 0)
	high, over := bits.Add64(w.high, o.high, carry)
	if over != 0 {
		return wide{math.MaxUint64, math.MaxUint64}
	}
	return wide{high, low}
}

func multiplied(a, b uint64) wide {
	high, low := bits.Mul64(a, b)
	return wide{high, low}
}

// rounding divides by den. It is false where that is more than 64 bits.
func rounding(high, low, den uint64, how Rounding) (uint64, bool) {
	if high >= den {
		return 0, false
	}
	q, r := bits.Div64(high, low, den)
	switch {
	case r == 0:
	case how == Up, how == HalfUp && r >= den-r, how == HalfEven && (r > den-r || r == den-r && q%2 == 1):
		q++
	}
	return q, true
}

// fraction returns a number over den in millionths, towards zero; at most what can be told.
func fraction(high, low, den uint64) int64 {
	const most = 1_000_000_000_000_000_000
	if high >= den {
		return most
	}
	q, r := bits.Div64(high, low, den)
	if q >= most/million {
		return most
	}
	high, low = bits.Mul64(r, million)
	part, _ := bits.Div64(high, low, den)
	return int64(q*million + part)
}
