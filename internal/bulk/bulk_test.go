package bulk

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/storage"
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

// What becomes of each command is told once, and until something fails every command is run once.
func TestEveryCommandIsRunOnce(t *testing.T) {
	broken := errors.New("broken")
	rapid.Check(t, func(t *rapid.T) {
		n, bad := rapid.IntRange(0, 100).Draw(t, "commands"), rapid.IntRange(-1, 100).Draw(t, "fails")
		var end error
		if rapid.Bool().Draw(t, "the sequence fails") {
			end = broken
		}
		become := rapid.SliceOfN(rapid.SampledFrom([]string{"stored", "stored", "replayed", "refused"}), n, n).Draw(t, "what becomes of them")
		o := storage.ImportOptions[int]{Batch: rapid.IntRange(0, 9).Draw(t, "batch"), Workers: rapid.IntRange(0, 5).Draw(t, "workers")}
		told, calls := storage.Imported{}, 0
		o.Progress = func(done storage.Imported) {
			if done.Next < told.Next || done.Stored+done.Replayed+done.Refused < done.Next {
				t.Errorf("%+v, after %+v", done, told)
			}
			told = done
			calls++
		}
		var refused, taken []int
		o.Refused = func(n int, c int, err error) {
			if refused = append(refused, n); n != c || !errors.Is(err, errs.Conflict) {
				t.Errorf("%d is told as %d: %v", c, n, err)
			}
		}
		var mu sync.Mutex
		ran, failed := map[int]int{}, make([]error, n)
		done, err := Import(t.Context(), "test: import", numbers(n, end), o, func(_ context.Context, batch []int) ([]int, []error) {
			mu.Lock()
			defer mu.Unlock()
			if len(batch) == 0 || o.Batch > 0 && len(batch) > o.Batch {
				t.Errorf("a batch of %d", len(batch))
			}
			for _, c := range batch {
				ran[c]++
				switch {
				case c == bad:
					failed[c] = broken
				case become[c] == "refused":
					failed[c] = fmt.Errorf("no: %w", errs.Conflict)
				}
			}
			return batch, failed[batch[0] : batch[0]+len(batch)]
		}, func(c int) (bool, error) {
			taken = append(taken, c)
			return become[c] == "replayed", nil
		})
		for i := range n {
			if ran[i] > 1 || i < done.Next && ran[i] == 0 {
				t.Errorf("command %d was run %d times, and %d have ended", i, ran[i], done.Next)
			}
		}
		if done.Refused != len(refused) || done.Stored+done.Replayed != len(taken) {
			t.Errorf("%+v; %d are told as refused, and %d were taken", done, len(refused), len(taken))
		}
		if fails := end != nil || bad >= 0 && bad < n; fails {
			if !errors.Is(err, broken) {
				t.Errorf("it ended with %v", err)
			}
			return
		}
		want := map[string]int{}
		for _, what := range become {
			want[what]++
		}
		got := map[string]int{"stored": done.Stored, "replayed": done.Replayed, "refused": done.Refused}
		maps.DeleteFunc(got, func(_ string, n int) bool { return n == 0 })
		slices.Sort(taken)
		if err != nil || done.Next != n || !maps.Equal(got, want) || n > 0 && told != done || len(slices.Compact(taken)) != done.Stored+done.Replayed {
			t.Errorf("%+v after %d calls, want %v of %d: %v", done, calls, want, n, err)
		}
	})
}

func TestTheFirstRefusalEndsIt(t *testing.T) {
	for _, c := range []error{errs.NotFound, errs.Invalid, errs.Denied, errs.Conflict, errs.Exhausted, errs.OutOfTime, errs.TryAgain, errs.Internal, errors.New("of none")} {
		for _, told := range []bool{false, true} {
			o := storage.ImportOptions[int]{Batch: 1, Workers: 1}
			if told {
				o.Refused = func(int, int, error) {}
			}
			done, err := Import(t.Context(), "test: import", numbers(3, nil), o, func(_ context.Context, batch []int) ([]int, []error) {
				if batch[0] == 1 {
					return batch, []error{c}
				}
				return batch, []error{nil}
			}, func(int) (bool, error) { return false, nil })
			ends := !told || c == errs.TryAgain || c == errs.Internal || errs.ClassOf(c) == ""
			if ends != (err != nil) || ends && (!errors.Is(err, c) || done.Next != 1 || err.Error() != "test: import 1: "+c.Error()) || !ends && done.Refused != 1 {
				t.Errorf("%v, told %t: %+v, %v", c, told, done, err)
			}
		}
	}
}

func TestItStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	done, err := Import(ctx, "test: import", numbers(1_000_000_000, nil), storage.ImportOptions[int]{Batch: 1, Workers: 1, Progress: func(done storage.Imported) {
		if done.Next == 3 {
			cancel(enough)
		}
	}}, func(_ context.Context, batch []int) ([]int, []error) { return batch, make([]error, 1) }, func(int) (bool, error) { return false, nil })
	if !errors.Is(err, enough) || done.Next != 3 {
		t.Error(done, err)
	}
}
