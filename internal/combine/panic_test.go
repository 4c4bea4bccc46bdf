package combine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// A book is a unit that knows its commands: each adds 1 and returns the sum, and comes to the same
// when it is repeated.
type book struct {
	name   string
	sums   map[int]int // by command
	dirty  bool
	poison string // panics, or fails, when it is saved
}

type deed struct {
	name string
	key  int
	does string
}

var deeds = []string{
	"add", "add", "add", "fail", "again once", "panic", "panic of an error", "exit", "load: panic", "load: exit", "load: fail", "save: panic",
	"save: exit", "save: conflict once",
}

var errBad = errors.New("bad")

// books is a Work that stores in a map, and does what its deeds say.
type books struct {
	stored map[string]map[int]int
	once   map[int]bool
}

func (books) Subject(d deed) string { return d.name }

func (b books) Load(_ context.Context, groups [][]deed, _ bool) ([]*book, error) {
	units := make([]*book, len(groups))
	for i, g := range groups {
		for _, d := range g {
			switch d.does {
			case "load: panic":
				panic(d.does)
			case "load: exit":
				runtime.Goexit()
			case "load: fail":
				return nil, errBad
			}
		}
		sums := maps.Clone(b.stored[g[0].name])
		if sums == nil {
			sums = map[int]int{}
		}
		units[i] = &book{name: g[0].name, sums: sums}
	}
	return units, nil
}

func (b books) Decide(_ context.Context, u *book, d deed) (int, error) {
	if sum, known := u.sums[d.key]; known {
		return sum, nil
	}
	first := !b.once[d.key]
	b.once[d.key] = true
	switch d.does {
	case "fail":
		return 0, errBad
	case "again once":
		if first {
			return 0, ErrAgain
		}
	case "panic":
		u.sums[-1], u.dirty = 0, true // half of what it does
		panic(d.does)
	case "panic of an error":
		panic(errBad)
	case "exit":
		u.sums[-1], u.dirty = 0, true
		runtime.Goexit()
	case "save: panic", "save: exit":
		u.poison = d.does
	case "save: conflict once":
		if first {
			u.poison = d.does
		}
	}
	sum := len(u.sums) + 1
	u.sums[d.key], u.dirty = sum, true
	return sum, nil
}

func (books) Stale(u *book) bool { return u.dirty }
func (books) Dirty(u *book) bool { return u.dirty }

func (b books) Save(_ context.Context, units []*book) ([]error, error) {
	errs := make([]error, len(units))
	for i, u := range units {
		switch u.poison {
		case "save: panic":
			panic(u.poison)
		case "save: exit":
			runtime.Goexit()
		case "save: conflict once":
			errs[i] = journal.ErrConflict
			continue
		}
		b.stored[u.name] = u.sums
	}
	return errs, nil
}

// TestOthersHaveTheResultThatTheyHaveAlone: whatever some commands of a batch do, every other one
// has a result that it has where they do not come, each takes effect once, and what goes wrong
// reaches the command that it is of.
func TestOthersHaveTheResultThatTheyHaveAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		work := books{map[string]map[int]int{}, map[int]bool{}}
		var calls []*call[deed, int]
		for key := range rapid.IntRange(1, 40).Draw(t, "commands") {
			d := deed{rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "subject"), key, rapid.SampledFrom(deeds).Draw(t, "does")}
			calls = append(calls, &call[deed, int]{ctx: t.Context(), c: d, done: make(chan struct{})})
		}
		New[deed, *book, int](work).(*runner[deed, *book, int]).runApart(t.Context(), calls)
		sums := map[string]map[int]bool{"a": {}, "b": {}, "c": {}}
		for _, w := range calls {
			panics, value := true, any(w.c.does)
			switch w.c.does {
			case "fail", "load: fail":
				if w.err != errBad || w.panicked != nil {
					t.Fatalf("%v: error %v and panic %v", w.c, w.err, w.panicked)
				}
				continue
			case "panic", "load: panic", "save: panic":
			case "panic of an error":
				value = errBad
			case "exit", "load: exit", "save: exit":
				value = ErrEnded
			default:
				panics = false
			}
			switch {
			case panics && (w.panicked == nil || w.panicked.Value() != value || !strings.Contains(string(w.panicked.Stack()), "books.")):
				t.Fatalf("%v: panic %v", w.c, w.panicked)
			case panics:
			case w.panicked != nil || w.err != nil:
				t.Fatalf("%v: error %v, panic %v", w.c, w.err, w.panicked)
			default:
				sums[w.c.name][w.r] = true
				if work.stored[w.c.name][w.c.key] != w.r {
					t.Fatalf("%v: %d, and stored is %v", w.c, w.r, work.stored)
				}
			}
		}
		for name, seen := range sums {
			if len(work.stored[name]) != len(seen) {
				t.Fatalf("%s: results %v of those who succeeded, and stored is %v", name, seen, work.stored[name])
			}
			for sum := range len(seen) {
				if !seen[sum+1] {
					t.Fatalf("%s: nobody was told %d, of %v", name, sum+1, seen)
				}
			}
		}
	})
}

// TestOrderWithoutThosePanicking: where nothing is repeated but for panics, the commands of a
// subject take effect in their order.
func TestOrderWithoutThosePanicking(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		work := books{map[string]map[int]int{}, map[int]bool{}}
		var calls []*call[deed, int]
		for key := range rapid.IntRange(1, 60).Draw(t, "commands") {
			d := deed{"a", key, rapid.SampledFrom([]string{"add", "panic", "exit", "panic of an error"}).Draw(t, "does")}
			calls = append(calls, &call[deed, int]{ctx: t.Context(), c: d, done: make(chan struct{})})
		}
		New[deed, *book, int](work).(*runner[deed, *book, int]).runApart(t.Context(), calls)
		sum := 0
		for _, w := range calls {
			if w.c.does != "add" {
				continue
			}
			if sum++; w.r != sum || w.err != nil {
				t.Fatalf("%v: %d, %v; want %d", w.c, w.r, w.err, sum)
			}
		}
	})
}

func TestAPanicComesOutWithItsValueAndItsStack(t *testing.T) {
	for does, want := range map[string]any{"panic": "panic", "panic of an error": errBad} {
		synctest.Test(t, func(t *testing.T) {
			r := New[deed, *book, int](books{map[string]map[int]int{}, map[int]bool{}}).(*runner[deed, *book, int])
			r.lanes = Lanes // as if others were under way
			var wg sync.WaitGroup
			var got [3]any
			for i, does := range []string{"add", does, "add"} {
				wg.Go(func() {
					defer func() { got[i] = recover() }()
					if _, _, err := r.Do(t.Context(), deed{"a", i, does}); err != nil {
						t.Error(err)
					}
				})
				synctest.Wait()
			}
			r.end(0) // one of the others has ended
			wg.Wait()
			p, ok := got[1].(*Panic)
			if !ok || p.Value() != want || got[0] != nil || got[2] != nil {
				t.Fatalf("panics %v", got)
			}
			if text := fmt.Sprint(p); !strings.HasPrefix(text, fmt.Sprint(want)) || !strings.Contains(text, "books.Decide") {
				t.Errorf("it prints %q", text)
			}
			if errors.Is(p, errBad) != (want == errBad) {
				t.Errorf("errors.Is finds %v", errors.Unwrap(p))
			}
		})
	}
}
