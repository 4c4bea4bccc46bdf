package bulk

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// numbers yields those from 0 to n, and then the error.
func numbers(n int, end error) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
		if end != nil {
			yield(0, end)
		}
	}
}

// Every item is run once, with its number, until something fails: then all before the number that
// was told last have been.
func TestEveryItemRunsOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, bad := rapid.IntRange(0, 100).Draw(t, "items"), rapid.IntRange(-1, 100).Draw(t, "fails")
		broken := errors.New("broken")
		var end error
		if rapid.Bool().Draw(t, "the items fail") {
			end = broken
		}
		var mu sync.Mutex
		ran, told, calls := map[int]int{}, 0, 0
		o := Options{Batch: rapid.IntRange(1, 9).Draw(t, "batch"), Workers: rapid.IntRange(1, 5).Draw(t, "workers"), Ended: func(n int) {
			if n < told {
				t.Errorf("%d items ended, after %d", n, told)
			}
			told = n
			calls++
		}}
		err := Run(t.Context(), numbers(n, end), o, func(_ context.Context, first int, batch []int) error {
			mu.Lock()
			defer mu.Unlock()
			if len(batch) == 0 || len(batch) > o.Batch {
				return fmt.Errorf("a batch of %d", len(batch))
			}
			for i, item := range batch {
				if item != first+i {
					return fmt.Errorf("item %d is told as %d", item, first+i)
				}
				if item == bad {
					return broken
				}
			}
			for _, item := range batch {
				ran[item]++
			}
			return nil
		})
		for i := range n {
			if ran[i] > 1 || i < told && ran[i] == 0 {
				t.Errorf("item %d ran %d times, and %d have ended", i, ran[i], told)
			}
		}
		switch fails := end != nil || bad >= 0 && bad < n; {
		case fails && !errors.Is(err, broken):
			t.Errorf("it ended with %v", err)
		case !fails && (err != nil || told != n || len(ran) != n || calls != (n+o.Batch-1)/o.Batch):
			t.Errorf("%d of %d items ran, %d are told in %d calls: %v", len(ran), n, told, calls, err)
		}
	})
}

func TestItStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	ran := 0
	err := Run(ctx, numbers(1_000_000_000, nil), Options{Batch: 1, Workers: 1}, func(context.Context, int, []int) error {
		if ran++; ran == 3 {
			cancel(enough)
		}
		return nil
	})
	if !errors.Is(err, enough) || ran != 3 {
		t.Error(ran, err)
	}
}
