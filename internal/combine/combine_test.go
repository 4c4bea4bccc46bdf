package combine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrmkit/scrmkit/internal/tripwire"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A counter is a unit of the tests: its commands add 1 and return the sum.
type counter struct {
	name    string
	version int
	sum     int
	dirty   bool
}

type add struct {
	name string
	fail error
	boom func()
}

// counters is a Work whose store is a map. Before a save, meddle may change the map as another
// process would.
type counters struct {
	mu     sync.Mutex
	stored map[string]counter
	saves  int
	sizes  []int
	gate   chan struct{} // nil, or what each save waits for
	meddle func(map[string]counter)
}

func (s *counters) Subject(c add) string { return c.name }

func (s *counters) Load(ctx context.Context, groups [][]add, _ bool) ([]*counter, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	units := make([]*counter, len(groups))
	for i, g := range groups {
		c := s.stored[g[0].name]
		c.name = g[0].name
		units[i] = &c
	}
	return units, ctx.Err()
}

func (s *counters) Decide(_ context.Context, u *counter, c add) (int, error) {
	switch {
	case c.boom != nil:
		c.boom()
	case c.fail != nil:
		return 0, c.fail
	}
	u.sum++
	u.dirty = true
	return u.sum, nil
}

func (s *counters) Stale(*counter) bool   { return false }
func (s *counters) Dirty(u *counter) bool { return u.dirty }

func (s *counters) Save(ctx context.Context, units []*counter) ([]error, error) {
	if s.gate != nil {
		select {
		case <-s.gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saves++
	if s.meddle != nil {
		s.meddle(s.stored)
	}
	errs := make([]error, len(units))
	n := 0
	for i, u := range units {
		n += u.sum - s.stored[u.name].sum
		if s.stored[u.name].version != u.version {
			errs[i] = journal.ErrConflict
			continue
		}
		s.stored[u.name] = counter{version: u.version + 1, sum: u.sum}
	}
	s.sizes = append(s.sizes, n)
	return errs, nil
}

func newCounters() *counters { return &counters{stored: map[string]counter{}} }

func TestDo(t *testing.T) {
	ctx := context.Background()
	t.Run("each command of many takes effect once", func(t *testing.T) {
		s := newCounters()
		r := New[add, *counter, int](s)
		var seen sync.Map
		var wg sync.WaitGroup
		for i := range 500 {
			wg.Go(func() {
				name := fmt.Sprint(i % 5)
				sum, _, err := r.Do(ctx, add{name: name})
				if _, twice := seen.LoadOrStore(fmt.Sprint(name, "/", sum), true); err != nil || twice {
					t.Errorf("%s: %d again, or %v", name, sum, err)
				}
			})
		}
		wg.Wait()
		for name, c := range s.stored {
			if c.sum != 100 {
				t.Errorf("%s has %d", name, c.sum)
			}
		}
	})
	t.Run("those who come during a save share the next", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newCounters()
			s.gate = make(chan struct{})
			r := New[add, *counter, int](s)
			var wg sync.WaitGroup
			for range 11 {
				wg.Go(func() {
					if _, _, err := r.Do(t.Context(), add{name: "a"}); err != nil {
						t.Error(err)
					}
				})
				synctest.Wait()
			}
			s.gate <- struct{}{}
			s.gate <- struct{}{}
			wg.Wait()
			if fmt.Sprint(s.sizes) != "[1 10]" {
				t.Errorf("saves of %v commands", s.sizes)
			}
		})
	})
	t.Run("an error is of its own command alone", func(t *testing.T) {
		s := newCounters()
		bad := errors.New("bad")
		r, errs := New[add, *counter, int](s).All(ctx, []add{{name: "a"}, {name: "a", fail: bad}, {name: "a"}, {name: "b"}})
		if errs[0] != nil || errs[1] != bad || r[2] != 2 || r[3] != 1 {
			t.Error(errs, r)
		}
	})
	t.Run("a conflict is decided again on what is stored", func(t *testing.T) {
		s := newCounters()
		times := 3
		s.meddle = func(stored map[string]counter) {
			if times--; times >= 0 {
				c := stored["a"]
				stored["a"] = counter{version: c.version + 1, sum: c.sum + 10}
			}
		}
		if sum, n, err := New[add, *counter, int](s).Do(ctx, add{name: "a"}); sum != 31 || n != 4 || err != nil {
			t.Error(sum, n, err)
		}
	})
	t.Run("a conflict without end is one for the caller", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newCounters()
			s.meddle = func(stored map[string]counter) { stored["a"] = counter{version: stored["a"].version + 1} }
			if _, n, err := New[add, *counter, int](s).Do(t.Context(), add{name: "a"}); err != journal.ErrConflict || s.saves != Attempts || n != Attempts {
				t.Error(err, s.saves, n)
			}
		})
	})
	t.Run("who gives up leaves, and the last to leave ends the save", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newCounters()
			s.gate = make(chan struct{})
			r := New[add, *counter, int](s)
			leader, stop := context.WithCancel(t.Context())
			impatient, leave := context.WithTimeout(t.Context(), time.Second)
			defer leave()
			var wg sync.WaitGroup
			var ended atomic.Int64
			for _, ctx := range []context.Context{leader, impatient, impatient} {
				wg.Go(func() {
					if _, _, err := r.Do(ctx, add{name: "a"}); err != nil {
						ended.Add(1)
					}
				})
				synctest.Wait()
			}
			stop()
			synctest.Wait()
			if ended.Load() != 1 {
				t.Errorf("%d ended with the leader", ended.Load())
			}
			<-impatient.Done()
			wg.Wait() // the save that the two were in waits for the gate, and ends
			if ended.Load() != 3 || s.saves != 0 {
				t.Error(ended.Load(), s.saves)
			}
		})
	})
	t.Run("a panic, or the end of the goroutine, comes out at the caller as a panic, and the next is served", func(t *testing.T) {
		for _, boom := range []func(){func() { panic("boom") }, runtime.Goexit} {
			synctest.Test(t, func(t *testing.T) {
				s := newCounters()
				s.gate = make(chan struct{}, 2)
				r := New[add, *counter, int](s)
				var panicked atomic.Int64
				var wg sync.WaitGroup
				run := func(c add) {
					wg.Go(func() {
						defer func() {
							if recover() != nil {
								panicked.Add(1)
							}
						}()
						if _, _, err := r.Do(ctx, c); err != nil {
							t.Error(err)
						}
					})
					synctest.Wait()
				}
				run(add{name: "a"})
				run(add{name: "a", boom: boom}) // which waits for the one before
				s.gate <- struct{}{}
				wg.Wait()
				s.gate <- struct{}{}
				if sum, _, err := r.Do(ctx, add{name: "a"}); err != nil || sum != 2 || panicked.Load() != 1 {
					t.Error(sum, err, panicked.Load())
				}
			})
		}
	})
	t.Run("a panic of the first comes out, and the next is served", func(t *testing.T) {
		r := New[add, *counter, int](newCounters())
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			r.Do(ctx, add{name: "a", boom: func() { panic("boom") }})
		}()
		if _, _, err := r.Do(ctx, add{name: "a"}); err != nil {
			t.Error(err)
		}
	})
	t.Run("inside a unit of work it runs alone, with the caller's context", func(t *testing.T) {
		s := newCounters()
		s.gate = make(chan struct{})
		inside, cancel := context.WithCancel(tripwire.Mark(ctx, s))
		cancel()
		if _, _, err := New[add, *counter, int](s).Do(inside, add{name: "a"}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for want, f := range map[error]func(n int) error{
			nil:                 func(n int) error { return map[bool]error{true: journal.ErrDuplicate}[n < 5] },
			journal.ErrConflict: func(int) error { return journal.ErrConflict },
		} {
			n := 0
			err := Retry(t.Context(), func() error { n++; return f(n) })
			if err != want || want != nil && n != Attempts || want == nil && n != 5 {
				t.Errorf("%v after %d tries, want %v", err, n, want)
			}
		}
	})
}
