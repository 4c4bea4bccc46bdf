package bunstore

import (
	"errors"
	"strconv"
	"time"

	"github.com/scrmkit/scrmkit/stamps"
)

// A state is stored as a JSON array of numbers, times in microseconds since 1970: the six of its
// scalars, the number of ticks and three for each, the number of runs and four for each, and those
// that are owed. Where purchases are counted, the number of runs is taken from -1, and after the
// runs come the purchases, the number of groups of units and three for each. It is written with
// every stamp, and this is a third as long as its fields by name.

func stateText(s stamps.State) string {
	text := make([]byte, 0, 96+40*len(s.Recent)+48*len(s.Done)+20*len(s.Owed))
	add := func(numbers ...int64) {
		for _, n := range numbers {
			text = strconv.AppendInt(append(text, ','), n, 10)
		}
	}
	add(s.Seq, s.Coupons, s.Floor, s.Stood, s.First.UnixMicro(), s.Last.UnixMicro(), int64(len(s.Recent)))
	for _, t := range s.Recent {
		add(t.Seq, t.At.UnixMicro(), t.N)
	}
	counted := s.Bought != 0 || len(s.Paid) > 0
	if runs := int64(len(s.Done)); counted {
		add(-1 - runs)
	} else {
		add(runs)
	}
	for _, r := range s.Done {
		add(int64(r.Version), r.Size, r.Rounds, r.First.UnixMicro())
	}
	if counted {
		add(s.Bought, int64(len(s.Paid)))
		for _, p := range s.Paid {
			add(p.Before, p.Stamps, p.Units)
		}
	}
	add(s.Owed...)
	text[0] = '['
	return string(append(text, ']'))
}

// stateField reads what stateText wrote.
func stateField(s *stamps.State) field {
	return func(src any) error {
		var numbers []int64
		if err := jsonField(&numbers)(src); err != nil || len(numbers) == 0 {
			return err
		}
		short := false
		next := func() (n int64) {
			if short = short || len(numbers) == 0; !short {
				n, numbers = numbers[0], numbers[1:]
			}
			return n
		}
		at := func() time.Time { return time.UnixMicro(next()).UTC() }
		s.Seq, s.Coupons, s.Floor, s.Stood, s.First, s.Last = next(), next(), next(), next(), at(), at()
		for n := next(); n > 0 && !short; n-- {
			s.Recent = append(s.Recent, stamps.Tick{Seq: next(), At: at(), N: next()})
		}
		runs := next()
		counted := runs < 0
		if counted {
			runs = -1 - runs
		}
		for n := runs; n > 0 && !short; n-- {
			s.Done = append(s.Done, stamps.Run{Version: int(next()), Size: next(), Rounds: next(), First: at()})
		}
		if counted {
			s.Bought = next()
			for n := next(); n > 0 && !short; n-- {
				s.Paid = append(s.Paid, stamps.Paid{Before: next(), Stamps: next(), Units: next()})
			}
		}
		if short {
			return errors.New("the state of a card ends too early")
		}
		if len(numbers) > 0 {
			s.Owed = numbers
		}
		return nil
	}
}
