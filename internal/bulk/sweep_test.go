package bulk

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A sweep runs what is due once, in its order, and no more than its limit of what succeeds; it goes
// past what fails, up to a hundred times and to the end of that batch.
func TestSweep(t *testing.T) {
	bad, lost := errors.New("bad"), errors.New("lost")
	rapid.Check(t, func(t *rapid.T) {
		fails := rapid.SliceOfN(rapid.Bool(), 0, 400).Draw(t, "fails")
		limit := rapid.IntRange(-1, 500).Draw(t, "limit")
		broken := rapid.IntRange(0, 2*len(fails)+1).Draw(t, "the list ends early at")
		due := func(yield func(int, error) bool) {
			for i := range fails {
				if i == broken && !yield(0, lost) || i != broken && !yield(i, nil) {
					return
				}
			}
		}
		var ran []int
		n, err := Sweep(context.Background(), "sweep", iter.Seq2[int, error](due), limit, OneByOne(func(i int) error {
			if ran = append(ran, i); fails[i] {
				return bad
			}
			return nil
		}))
		took, failed := 0, 0
		for k, i := range ran {
			if k != i {
				t.Fatalf("%d ran as number %d", i, k)
			}
			if fails[i] {
				failed++
			} else {
				took++
			}
		}
		all := min(len(fails), broken)
		switch {
		case n != took || n > max(limit, 0):
			t.Fatalf("it says %d, of %d that took effect and at most %d", n, took, limit)
		case failed > 100+63:
			t.Fatalf("it went on after %d failures", failed)
		case len(ran) < all && n < limit && failed < 100:
			t.Fatalf("it ended after %d of %d, %d of which took effect", len(ran), all, n)
		case errors.Is(err, bad) != (failed > 0):
			t.Fatalf("%d failed: %v", failed, err)
		case limit > 0 && len(ran) == broken && n < limit && failed < 100 && broken < len(fails) && !errors.Is(err, lost):
			t.Fatalf("the list ended early: %v", err)
		}
		if !slices.IsSorted(ran) {
			t.Fatal(ran)
		}
	})
}
