package bunstore

import (
	"errors"
	"strconv"
	"time"

	"github.com/scrmkit/scrmkit/stamps"
)

// A state is stored as a JSON array of numbers, times in microseconds since 1970: the six of its scalars, the number of
// ticks and three for each, the number of runs and four for each, and those that are owed. It is written with every
// stamp, and this is a third as long as its fields by name.

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
	add(int64(len(s.Done)))
	for _, r := range s.Done {
		add(int64(r.Version), r.Size, r.Rounds, r.First.UnixMicro())
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
		for n := next(); n > 0 && !short; n-- {
			s.Done = append(s.Done, stamps.Run{Version: int(next()), Size: next(), Rounds: next(), First: at()})
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
