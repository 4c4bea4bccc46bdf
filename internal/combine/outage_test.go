package combine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// failing is a Work that can't load some commands, or any.
type failing struct {
	*counters
	bad    map[string]bool
	outage bool
	loads  int
	failed int
}

var errLoad = errors.New("the database says no")

func (s *failing) Load(ctx context.Context, groups [][]add, fresh bool) ([]*counter, error) {
	s.loads++
	if s.outage || slices.ContainsFunc(groups, func(g []add) bool { return s.bad[g[0].name] }) {
		s.failed++
		return nil, errLoad
	}
	return s.counters.Load(ctx, groups, fresh)
}

// In an outage a batch costs Failures loads, however large it is. Up to two commands that can't be
// loaded fail alone, wherever they are.
func TestLoadsThatFail(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, MaxBatch).Draw(t, "commands")
		s := &failing{counters: newCounters(), outage: rapid.Bool().Draw(t, "outage"), bad: map[string]bool{}}
		for range rapid.IntRange(0, 2).Draw(t, "bad") {
			s.bad[fmt.Sprint(rapid.IntRange(0, n-1).Draw(t, "which"))] = true
		}
		commands := make([]add, n)
		for i := range commands {
			commands[i].name = fmt.Sprint(i)
		}
		r, errs := New[add, *counter, int](s).All(context.Background(), commands)
		if s.failed > Failures || s.outage && s.loads > Failures {
			t.Fatalf("%d loads, of which %d failed", s.loads, s.failed)
		}
		for i, c := range commands {
			if bad := s.outage || s.bad[c.name]; bad && errs[i] != errLoad || !bad && (errs[i] != nil || r[i] != 1) {
				t.Fatalf("command %s of %d: %v, %d", c.name, n, errs[i], r[i])
			}
		}
	})
}
