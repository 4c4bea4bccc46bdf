package relay_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/storage/relay"
)

func done(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func stepped(t testing.TB, r *relay.Relay) relay.Turn {
	t.Helper()
	turn, err := r.Step(t.Context())
	done(t, err)
	return turn
}

// watched is a database that calls read before its journal is read, and of for each record of Of.
type watched struct {
	storage.Tx
	read, of func()
}

type watchedJournal struct {
	journal.Store
	watched
}

func (w watched) Journal() journal.Store { return watchedJournal{w.Tx.Journal(), w} }

func (w watchedJournal) After(ctx context.Context, c journal.Cursor, limit int) iter.Seq2[journal.Record, error] {
	w.read()
	return w.Store.After(ctx, c, limit)
}

func (w watchedJournal) Of(ctx context.Context, subjects ...string) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		for r, err := range w.Store.Of(ctx, subjects...) {
			if w.of(); !yield(r, err) {
				return
			}
		}
	}
}

func ignore(context.Context, string, journal.Record) error { return nil }

// A handler that ends its goroutine has failed.
func TestAHandlerEndsItsGoroutine(t *testing.T) {
	db, c := memory.New(), newClock()
	done(t, write(t.Context(), db, "a", 1))
	done(t, write(t.Context(), db, "b", 1))
	r := newRelay(t, db, func(_ context.Context, _ string, r journal.Record) error {
		if r.Subject == "a" {
			runtime.Goexit()
		}
		return nil
	}, relay.Options{Workers: 1, Now: c.now})
	if turn := stepped(t, r); turn != (relay.Turn{Handed: 1, Failed: 1, Waiting: 1}) {
		t.Errorf("%+v", turn)
	}
}

// An entry that never ends before the lease does is tried less and less often, like others that
// fail, and keeps no other subject from its turn; one that had no time is not counted.
func TestAnEntryThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := memory.New()
		for _, s := range []string{"a", "b", "c"} {
			done(t, write(t.Context(), db, s, 1))
		}
		var handed []string
		r := newRelay(t, db, func(ctx context.Context, _ string, r journal.Record) error {
			var ready <-chan time.Time
			if r.Subject != "a" {
				ready = time.After(30 * time.Second)
			}
			select {
			case <-ready:
				handed = append(handed, r.Subject)
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}, relay.Options{Workers: 1})
		for i, want := range []relay.Turn{{Failed: 1, Waiting: 3}, {Handed: 1, Waiting: 2}, {Failed: 1, Waiting: 2}, {Handed: 1, Waiting: 1}} {
			if turn := stepped(t, r); turn != want {
				t.Errorf("step %d: %+v, want %+v", i, turn, want)
			}
		}
		if !slices.Equal(handed, []string{"b", "c"}) {
			t.Errorf("%v are handed over", handed)
		}
	})
}

// The time of a handler ends before the lease does, however long the entries took to be read.
func TestSlowReads(t *testing.T) {
	db, c := memory.New(), newClock()
	for n := range int64(5) {
		done(t, write(t.Context(), db, "a", n+1))
	}
	slow := watched{db, func() { c.pass(35 * time.Second) }, func() {}}
	other := newRelay(t, db, ignore, relay.Options{Now: c.now})
	r := newRelay(t, slow, func(ctx context.Context, _ string, _ journal.Record) error {
		end, _ := ctx.Deadline()
		s, err := other.Status(context.WithoutCancel(ctx))
		if left := time.Until(end); err != nil || !c.now().Add(left).Before(s.Until) {
			t.Errorf("the handler has until %v, and the lease until %v, %v", c.now().Add(left), s.Until, err)
		}
		return nil
	}, relay.Options{Now: c.now, Batch: 1})
	for range 5 {
		if turn := stepped(t, r); turn.Handed != 1 {
			t.Errorf("%+v", turn)
		}
	}
}

// Steps of one Relay, which have one lease, are taken one after the other.
func TestStepsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := memory.New()
		var calls atomic.Int32
		release := make(chan struct{})
		r := newRelay(t, db, func(context.Context, string, journal.Record) error {
			calls.Add(1)
			<-release
			return nil
		}, relay.Options{})
		stepped(t, r) // has the lease
		done(t, write(t.Context(), db, "a", 1))
		done(t, write(t.Context(), db, "a", 2))
		results := make(chan error)
		for range 3 {
			go func() { results <- second(r.Step(t.Context())) }()
		}
		go func() { results <- r.Release(t.Context()) }()
		synctest.Wait()
		if n := calls.Load(); n != 1 {
			t.Errorf("%d entries are handed over at the same time", n)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := r.Step(ended); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		close(release)
		for range 4 {
			done(t, <-results)
		}
		if n := calls.Load(); n != 2 {
			t.Errorf("2 entries were handed over %d times", n)
		}
	})
}

// A process whose clock was ahead for a while holds nobody up for long, also where it is gone; one
// whose clock stays ahead has its lease.
func TestAClockThatIsAhead(t *testing.T) {
	db, c := memory.New(), newClock()
	var ahead atomic.Int64
	first := newRelay(t, db, ignore, relay.Options{Now: func() time.Time { return c.now().Add(time.Duration(ahead.Load())) }})
	other := newRelay(t, db, ignore, relay.Options{Now: c.now})
	const year = 365 * 24 * time.Hour
	ahead.Store(int64(year))
	for range 10 {
		stepped(t, first)
		if turn := stepped(t, other); !turn.Busy {
			t.Fatalf("%+v", turn)
		}
		c.pass(31 * time.Second)
	}
	stepped(t, first)
	ahead.Store(0)
	stepped(t, first)
	if s, err := other.Status(t.Context()); err != nil || s.Until.After(c.now().Add(time.Minute)) {
		t.Errorf("once its clock is right again, %+v, %v", s, err)
	}
	c.pass(time.Minute)
	ahead.Store(int64(year))
	stepped(t, first)
	if turn := stepped(t, other); !turn.Busy {
		t.Errorf("%+v", turn)
	}
	if c.pass(time.Minute); stepped(t, other).Busy {
		t.Error("the lease of a process that is gone is kept for a year")
	}
}

// Options as large as can be do what they say.
func TestLargeOptions(t *testing.T) {
	for _, d := range []time.Duration{math.MaxInt64, math.MaxInt64/2 + 1, math.MaxInt64 / 3, time.Hour} {
		db, c := memory.New(), newClock()
		done(t, write(t.Context(), db, "a", 1))
		done(t, write(t.Context(), db, "b", 1))
		r := newRelay(t, db, func(_ context.Context, _ string, r journal.Record) error {
			if r.Subject == "a" {
				return errors.New("no answer")
			}
			return nil
		}, relay.Options{Lease: d, Backoff: d, Now: c.now})
		for _, want := range []relay.Turn{{Handed: 1, Failed: 1, Waiting: 1}, {Failed: 1, Waiting: 1}, {Failed: 1, Waiting: 1}} {
			if turn := stepped(t, r); turn != want {
				t.Errorf("%v: %+v, want %+v", d, turn, want)
			}
			if s, err := r.Status(t.Context()); err != nil || !s.Due.Equal(c.now().Add(time.Hour)) {
				t.Errorf("%v: %+v, %v", d, s, err)
			}
			c.pass(time.Hour)
		}
	}
}

// All runs each relay of a tenant.
func TestAllRelaysOfATenant(t *testing.T) {
	db := memory.New()
	done(t, write(t.Context(), db, "a", 1))
	ctx, stop := context.WithCancel(t.Context())
	told, ended := make(chan string), make(chan error)
	relays := func(context.Context) iter.Seq2[*relay.Relay, error] {
		return func(yield func(*relay.Relay, error) bool) {
			for _, name := range []string{"crm", "mail"} {
				if !yield(relay.New(db, name, func(context.Context, string, journal.Record) error {
					told <- name
					return nil
				}, nil)) {
					return
				}
			}
		}
	}
	go func() { ended <- relay.All(ctx, time.Minute, relays, nil) }()
	if a, b := <-told, <-told; a == b {
		t.Errorf("%s is told twice", a)
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Subjects of any text wait and go on.
func TestOddSubjects(t *testing.T) {
	db, c := memory.New(), newClock()
	subjects := []string{"", "a\x01b", "店/\u2028", "?1 \\ '\" ?", "%", "_"}
	for i, s := range subjects {
		done(t, write(t.Context(), db, s, int64(i+1)))
	}
	fails := true
	h := &history{}
	r := newRelay(t, db, func(_ context.Context, _ string, r journal.Record) error {
		if fails {
			return errors.New("no answer")
		}
		h.add(r.Entry)
		return nil
	}, relay.Options{Now: c.now, Batch: 1, Workers: 1})
	for i := range 30 {
		fails = i < 10
		stepped(t, r)
		c.pass(time.Hour)
	}
	if got := h.take(); len(got) != len(subjects) {
		t.Errorf("%q are handed over", got)
	}
}

// However many entries wait, a Step has a few of them at a time, and those that wait for longest.
func TestManyEntriesAreDue(t *testing.T) {
	db, c := memory.New(), newClock()
	const subjects, entries, batch = 30, 7, 10
	for i := range subjects {
		for n := range int64(entries) {
			done(t, write(t.Context(), db, subject(i), n+1))
		}
	}
	read, down := 0, true
	h := &history{}
	r := newRelay(t, watched{db, func() {}, func() { read++ }}, func(_ context.Context, _ string, r journal.Record) error {
		if down {
			return errors.New("no answer")
		}
		h.add(r.Entry)
		return nil
	}, relay.Options{Now: c.now, Batch: batch, Workers: 1})
	for stepped(t, r).More {
	}
	down = false
	c.pass(time.Hour)
	steps := 0
	for turn := (relay.Turn{More: true}); turn.More; steps++ {
		read = 0
		if turn = stepped(t, r); read > 2*(batch+entries) || turn.Handed == 0 && turn.More {
			t.Fatalf("step %d reads %d entries: %+v", steps, read, turn)
		}
	}
	last := map[string]int64{}
	for _, e := range h.take() {
		var s string
		for i := range subjects {
			if s = subject(i); e == fmt.Sprint(s, "#", last[s]+1) {
				last[s]++
				break
			}
		}
	}
	for i := range subjects {
		if n := last[subject(i)]; n != entries {
			t.Errorf("%d of %d entries of %s are handed over", n, entries, subject(i))
		}
	}
}

// An entry that failed while a clock was wrong is tried again within the hour that is the longest to
// wait, whatever its clock was.
func TestAnEntryFailsWhileAClockIsAhead(t *testing.T) {
	db, c := memory.New(), newClock()
	done(t, write(t.Context(), db, "a", 1))
	done(t, write(t.Context(), db, "b", 1))
	fails := true
	r := newRelay(t, db, func(_ context.Context, _ string, r journal.Record) error {
		if fails {
			return errors.New("no answer")
		}
		return nil
	}, relay.Options{Now: c.now, Backoff: time.Hour})
	const year = 365 * 24 * time.Hour
	c.pass(year)
	stepped(t, r)
	c.pass(-year)
	done(t, write(t.Context(), db, "c", 1))
	stepped(t, r)
	fails = false
	for range 3 {
		stepped(t, r)
		c.pass(time.Hour)
	}
	if s, err := r.Status(t.Context()); err != nil || s.Waiting != 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

// stuck is a database whose Save does not return before its ctx ends, once it is told to.
type stuck struct {
	storage.Tx
	is *atomic.Bool
}

func (s stuck) Save(ctx context.Context, changes []storage.Change) ([]error, error) {
	if s.is.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.Tx.Save(ctx, changes)
}

// A relay that is to end does so, also where the database does not answer any more.
func TestRunEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, is := memory.New(), &atomic.Bool{}
		done(t, write(t.Context(), db, "a", 1))
		ctx, stop := context.WithCancel(t.Context())
		r := newRelay(t, stuck{db, is}, func(context.Context, string, journal.Record) error {
			is.Store(true)
			stop()
			return nil
		}, relay.Options{})
		began := time.Now()
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx, nil) }()
		select {
		case err := <-ended:
			if !errors.Is(err, context.Canceled) || time.Since(began) > 2*time.Minute {
				t.Errorf("after %v, %v", time.Since(began), err)
			}
		case <-time.After(time.Hour): // of fake time
			t.Error("it does not end")
			is.Store(false)
		}
	})
}
