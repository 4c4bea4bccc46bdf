package relay_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/relay"
)

// start is the time of the clocks of tests.
var start = time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC)

// A clock stands until it is moved.
type clock struct{ micros atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.micros.Store(start.UnixMicro())
	return c
}

func (c *clock) now() time.Time          { return time.UnixMicro(c.micros.Load()).UTC() }
func (c *clock) pass(d time.Duration)    { c.micros.Add(d.Microseconds()) }
func name(e journal.Entry) string        { return fmt.Sprint(e.Subject, "#", e.Seq) }
func subject(n int) string               { return journal.Subject("test", fmt.Sprint(n)) }
func second[V any](_ V, err error) error { return err }

// write adds the next entry of a subject.
func write(ctx context.Context, s storage.Tx, subject string, seq int64) error {
	failed, err := s.Save(ctx, []storage.Change{{Entries: []journal.Entry{{
		Subject: subject, Seq: seq, Key: fmt.Sprint("key", seq), Kind: "test.done", At: start, Input: []byte{1}, Result: []byte("{}"),
	}}}})
	return errors.Join(append(failed, err)...)
}

func newRelay(t testing.TB, s storage.Tx, handle relay.Handler, o relay.Options) *relay.Relay {
	t.Helper()
	r, err := relay.New(s, "crm", handle, &o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A history is what was handed over, by entries of subjects.
type history struct {
	mu     sync.Mutex
	handed []string
}

func (h *history) add(e journal.Entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.handed = append(h.handed, name(e))
}

func (h *history) take() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.handed
	h.handed = nil
	return all
}

// broken is a database whose Save fails once it is told to, as one does that goes away.
type broken struct {
	storage.Tx
	down *atomic.Bool
}

var errGone = errors.New("the database is gone")

func (b broken) Save(ctx context.Context, changes []storage.Change) ([]error, error) {
	if b.down.Load() {
		return nil, errGone
	}
	return b.Tx.Save(ctx, changes)
}

// Whatever fails, ends in the middle or is done by two processes at once: each entry is handed over
// or put aside; of a subject each first after the one before it was; and none that was noted again.
func TestEachEntryIsHandedOverInTheOrderOfItsSubject(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		tenants := 0
		rapid.Check(t, func(t *rapid.T) {
			tenants++
			tenant := db.Tenant(fmt.Sprint("law", tenants))
			c, ctx, down := newClock(), context.Background(), &atomic.Bool{}
			written := map[string]int64{}
			fails := map[string]int{} // times that an entry fails; -1: always
			var mu sync.Mutex
			over := map[string]int64{} // number of the last entry of a subject that was handed over or put aside
			calls := map[string]int{}
			repeats := false // something was not noted
			handle := func(_ context.Context, of string, r journal.Record) error {
				mu.Lock()
				defer mu.Unlock()
				if of != tenant.TenantID() {
					return fmt.Errorf("of tenant %q", of)
				}
				calls[name(r.Entry)]++
				if r.Seq > over[r.Subject]+1 {
					t.Fatalf("%s came after number %d", name(r.Entry), over[r.Subject])
				}
				if r.Seq <= over[r.Subject] && !repeats {
					t.Fatalf("%s came again", name(r.Entry))
				}
				switch left := fails[name(r.Entry)]; {
				case left > 0:
					fails[name(r.Entry)]--
					if left%2 == 0 {
						panic("it fails")
					}
					return errors.New("it fails")
				case left < 0:
					over[r.Subject] = max(over[r.Subject], r.Seq) // the next one may come
					return fmt.Errorf("never: %w", relay.ErrPoison)
				}
				over[r.Subject] = max(over[r.Subject], r.Seq)
				return nil
			}
			options := relay.Options{
				Workers: rapid.IntRange(1, 4).Draw(t, "workers"), Batch: rapid.IntRange(1, 7).Draw(t, "batch"), Attempts: 1000,
				Waiting: rapid.IntRange(1, 4).Draw(t, "waiting"), Lease: time.Minute, Now: c.now,
			}
			processes := make([]*relay.Relay, 2)
			for i := range processes {
				var err error
				if processes[i], err = relay.New(broken{tenant, down}, "crm", handle, &options); err != nil {
					t.Fatal(err)
				}
			}
			t.Repeat(map[string]func(*rapid.T){
				"write": func(t *rapid.T) {
					s := subject(rapid.IntRange(1, 4).Draw(t, "subject"))
					for range rapid.IntRange(1, 4).Draw(t, "entries") {
						written[s]++
						fails[fmt.Sprint(s, "#", written[s])] = rapid.SampledFrom([]int{0, 0, 0, 0, 1, 2, 3, -1}).Draw(t, "fails")
						if err := write(ctx, tenant, s, written[s]); err != nil {
							t.Fatal(err)
						}
					}
				},
				"step": func(t *rapid.T) {
					if _, err := rapid.SampledFrom(processes).Draw(t, "process").Step(ctx); err != nil {
						t.Fatal(err)
					}
				},
				"a process that ends before it has noted": func(t *rapid.T) {
					down.Store(true)
					_, err := rapid.SampledFrom(processes).Draw(t, "process").Step(ctx)
					down.Store(false)
					if repeats = repeats || err != nil; err != nil && !errors.Is(err, errGone) {
						t.Fatal(err)
					}
				},
				"time": func(t *rapid.T) {
					c.pass(rapid.SampledFrom([]time.Duration{time.Second, 20 * time.Second, 2 * time.Minute}).Draw(t, "time"))
				},
			})
			for range 2000 {
				turn, err := processes[0].Step(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if c.pass(10 * time.Minute); turn == (relay.Turn{}) {
					break
				}
			}
			poisoned := 0
			for s, n := range written {
				if over[s] != n {
					t.Fatalf("%d of %d entries of %s are over", over[s], n, s)
				}
				for i := range n {
					if fails[fmt.Sprint(s, "#", i+1)] < 0 {
						poisoned++
					}
				}
			}
			dead, err := storage.Collect(processes[1].Dead(ctx))
			if err != nil || len(dead) != poisoned {
				t.Fatalf("%d entries are put aside, want %d: %v", len(dead), poisoned, err)
			}
			status, err := processes[1].Status(ctx)
			if err != nil || status.Waiting != 0 || status.Lag != 0 || !status.Due.IsZero() {
				t.Fatalf("in the end it is %+v, %v", status, err)
			}
			for e, n := range calls {
				if n > 4 && !repeats {
					t.Fatalf("%s was tried %d times", e, n)
				}
			}
		})
	})
}

func TestRelay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		ctx := t.Context()
		put := func(t *testing.T, s storage.Tx, subject string, n int64) {
			t.Helper()
			for seq := range n {
				if err := write(ctx, s, subject, seq+1); err != nil {
					t.Fatal(err)
				}
			}
		}
		step := func(t *testing.T, r *relay.Relay) relay.Turn {
			t.Helper()
			turn, err := r.Step(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return turn
		}
		t.Run("an entry that fails keeps its subject waiting, and no other", func(t *testing.T) {
			tenant, c, h := db.Tenant("waits"), newClock(), &history{}
			var fails atomic.Bool
			fails.Store(true)
			r := newRelay(t, tenant, func(_ context.Context, _ string, r journal.Record) error {
				if r.Subject == subject(1) && r.Seq == 2 && fails.Load() {
					return errors.New("no answer")
				}
				h.add(r.Entry)
				return nil
			}, relay.Options{Now: c.now, Workers: 1})
			put(t, tenant, subject(1), 3)
			put(t, tenant, subject(2), 2)
			if turn := step(t, r); turn != (relay.Turn{Handed: 3, Failed: 1, Waiting: 1}) {
				t.Errorf("%+v", turn)
			}
			put(t, tenant, subject(3), 1)
			if err := write(ctx, tenant, subject(1), 4); err != nil {
				t.Fatal(err)
			}
			if turn := step(t, r); turn != (relay.Turn{Handed: 1, Waiting: 1}) {
				t.Errorf("%+v", turn)
			}
			if s, err := r.Status(ctx); err != nil || s.Waiting != 1 || !s.Due.Equal(start.Add(time.Second)) || s.Lag != 0 {
				t.Errorf("%+v, %v", s, err)
			}
			fails.Store(false)
			c.pass(time.Second)
			if turn := step(t, r); turn != (relay.Turn{Handed: 3}) {
				t.Errorf("%+v", turn)
			}
			want := []string{subject(1) + "#1", subject(2) + "#1", subject(2) + "#2", subject(3) + "#1", subject(1) + "#2", subject(1) + "#3", subject(1) + "#4"}
			if got := h.take(); !slices.Equal(got, want) && !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
				t.Errorf("%v", got)
			}
		})
		t.Run("entries of one number go by their keys, and none is passed over", func(t *testing.T) {
			tenant, c, h := db.Tenant("keys"), newClock(), &history{}
			var fails atomic.Bool
			fails.Store(true)
			r := newRelay(t, tenant, func(_ context.Context, _ string, r journal.Record) error {
				if fails.Load() {
					return errors.New("no answer")
				}
				h.add(journal.Entry{Subject: r.Key, Seq: r.Seq})
				return nil
			}, relay.Options{Now: c.now})
			add := func(key string) {
				t.Helper()
				failed, err := tenant.Save(ctx, []storage.Change{{Entries: []journal.Entry{{
					Subject: subject(1), Seq: 5, Key: key, Kind: "test.done", At: start, Input: []byte{1}, Result: []byte("{}"),
				}}}})
				if err = errors.Join(append(failed, err)...); err != nil {
					t.Fatal(err)
				}
			}
			for _, key := range []string{"b", "d", "a", "c"} {
				add(key)
				step(t, r) // the first one fails, and the others wait
			}
			c.pass(time.Minute)
			add("aa")
			fails.Store(false)
			for range 3 {
				step(t, r)
				c.pass(time.Minute)
			}
			got := h.take()
			slices.Sort(got)
			if want := []string{"a#5", "aa#5", "b#5", "c#5", "d#5"}; !slices.Equal(slices.Compact(got), want) {
				t.Errorf("%v", got)
			}
		})
		t.Run("after so many tries it is put aside, and can be sent again or forgotten", func(t *testing.T) {
			tenant, c := db.Tenant("dead"), newClock()
			var fails atomic.Bool
			fails.Store(true)
			var fault = strings.Repeat("界", 300) + "\x00"
			r := newRelay(t, tenant, func(_ context.Context, _ string, r journal.Record) error {
				if r.Seq < 3 && fails.Load() {
					return errors.New(fault)
				}
				return nil
			}, relay.Options{Now: c.now, Attempts: 3})
			put(t, tenant, subject(1), 3)
			dead := 0
			for range 20 {
				dead += step(t, r).Dead
				c.pass(time.Hour)
			}
			letters, err := storage.Collect(r.Dead(ctx))
			if err != nil || dead != 2 || len(letters) != 2 || letters[0].Seq != 1 || letters[1].Seq != 2 || letters[0].Tries != 3 ||
				letters[0].Fault != strings.Repeat("界", 166) {
				t.Fatalf("%d, %+v, %v", dead, letters, err)
			}
			if err := r.Resend(ctx, letters[0]); err == nil || errors.Is(err, relay.ErrUnknownLetter) {
				t.Errorf("what still fails is sent: %v", err)
			}
			fails.Store(false)
			for _, err := range []error{r.Resend(ctx, letters[0]), r.Forget(ctx, letters[1])} {
				if err != nil {
					t.Error(err)
				}
			}
			for _, err := range []error{r.Resend(ctx, letters[0]), r.Forget(ctx, letters[1])} {
				if !errors.Is(err, relay.ErrUnknownLetter) {
					t.Errorf("a letter that is gone: %v", err)
				}
			}
			if turn := step(t, r); turn != (relay.Turn{}) {
				t.Errorf("%+v", turn)
			}
		})
		t.Run("while whoever is told is down nothing is put aside, and only so many wait", func(t *testing.T) {
			tenant, c, h := db.Tenant("down"), newClock(), &history{}
			var down atomic.Bool
			down.Store(true)
			r := newRelay(t, tenant, func(_ context.Context, _ string, r journal.Record) error {
				if down.Load() {
					return fmt.Errorf("no answer: %w", errs.TryAgain)
				}
				h.add(r.Entry)
				return nil
			}, relay.Options{Now: c.now, Attempts: 2, Waiting: 4, Batch: 3})
			for i := range 20 {
				put(t, tenant, subject(i), 1)
			}
			for range 30 {
				if turn := step(t, r); turn.Waiting > 6 || turn.Dead > 0 || turn.Handed > 0 {
					t.Fatalf("%+v", turn)
				}
				c.pass(time.Hour)
			}
			down.Store(false)
			for range 20 {
				step(t, r)
				c.pass(time.Hour)
			}
			if got := h.take(); len(got) != 20 {
				t.Errorf("%d of 20 entries are handed over", len(got))
			}
		})
		t.Run("another process waits for the end of the lease", func(t *testing.T) {
			tenant, c, h := db.Tenant("lease"), newClock(), &history{}
			handle := func(_ context.Context, _ string, r journal.Record) error { h.add(r.Entry); return nil }
			first, other := newRelay(t, tenant, handle, relay.Options{Now: c.now}), newRelay(t, tenant, handle, relay.Options{Now: c.now})
			put(t, tenant, subject(1), 1)
			if turn := step(t, first); turn != (relay.Turn{Handed: 1}) {
				t.Errorf("%+v", turn)
			}
			put(t, tenant, subject(2), 1)
			if turn := step(t, other); turn != (relay.Turn{Busy: true}) {
				t.Errorf("%+v", turn)
			}
			c.pass(time.Minute)
			if turn := step(t, other); turn != (relay.Turn{Handed: 1}) {
				t.Errorf("%+v", turn)
			}
			if turn := step(t, first); turn != (relay.Turn{Busy: true}) {
				t.Errorf("%+v", turn)
			}
			put(t, tenant, subject(3), 1)
			ended, cancel := context.WithCancel(ctx)
			cancel()
			if err := other.Run(ended, nil); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			if turn := step(t, first); turn != (relay.Turn{Handed: 1}) {
				t.Errorf("after Run has ended: %+v", turn)
			}
		})
		t.Run("two names are two relays", func(t *testing.T) {
			tenant, h := db.Tenant("names"), &history{}
			handle := func(_ context.Context, _ string, r journal.Record) error { h.add(r.Entry); return nil }
			put(t, tenant, subject(1), 2)
			for _, name := range []string{"crm", "mail"} {
				r, err := relay.New(tenant, name, handle, nil)
				if err != nil {
					t.Fatal(err)
				}
				if turn := step(t, r); turn.Handed != 2 {
					t.Errorf("%s: %+v", name, turn)
				}
			}
		})
		t.Run("many processes hand over what many write, once and in order", func(t *testing.T) {
			tenant, h := db.Tenant("many"), &history{}
			running, cancel := context.WithCancel(ctx)
			handle := func(_ context.Context, _ string, r journal.Record) error { h.add(r.Entry); return nil }
			const subjects, each = 8, 25
			var relays, writers sync.WaitGroup
			for range 3 {
				r := newRelay(t, tenant, handle, relay.Options{Batch: 10, Poll: time.Millisecond})
				relays.Go(func() {
					if err := r.Run(running, func(err error) {
						if !errors.Is(err, journal.ErrConflict) { // of two that begin at once
							t.Error(err)
						}
					}); !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
				})
			}
			for i := range subjects {
				writers.Go(func() {
					for seq := range int64(each) {
						if err := write(ctx, tenant, subject(i), seq+1); err != nil {
							t.Error(err)
						}
					}
				})
			}
			writers.Wait()
			var all []string
			for len(all) < subjects*each {
				all = append(all, h.take()...)
			}
			cancel()
			relays.Wait()
			last := map[string]int64{}
			for _, e := range append(all, h.take()...) {
				s, _, _ := strings.Cut(e, "#")
				if last[s]++; e != fmt.Sprint(s, "#", last[s]) {
					t.Fatalf("%s comes after %d", e, last[s]-1)
				}
			}
		})
	})
}

func TestNewRefuses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		for what, err := range map[string]error{
			"no name":             second(relay.New(db, "", nil, nil)),
			"NUL in the name":     second(relay.New(db, "a\x00", nil, nil)),
			"a negative batch":    second(relay.New(db, "a", nil, &relay.Options{Batch: -1})),
			"a negative lease":    second(relay.New(db, "a", nil, &relay.Options{Lease: -1})),
			"negative workers":    second(relay.New(db, "a", nil, &relay.Options{Workers: -1})),
			"negative attempts":   second(relay.New(db, "a", nil, &relay.Options{Attempts: -1})),
			"a negative backoff":  second(relay.New(db, "a", nil, &relay.Options{Backoff: -1})),
			"negative waiting":    second(relay.New(db, "a", nil, &relay.Options{Waiting: -1})),
			"a negative interval": second(relay.New(db, "a", nil, &relay.Options{Poll: -1})),
		} {
			var input *errs.InputError
			if !errors.As(err, &input) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

func TestIDsOfOtherEntriesDiffer(t *testing.T) {
	seen := map[string]bool{}
	for _, tenant := range []string{"", "a", "a/b"} {
		for _, e := range []journal.Entry{{Subject: "s", Seq: 1}, {Subject: "s", Seq: 11}, {Subject: "s", Seq: 1, Key: "1"}, {Subject: "b/s", Seq: 1}, {Subject: "s/1"}} {
			if id := relay.ID(tenant, e); seen[id] {
				t.Errorf("%q is that of two entries", id)
			} else {
				seen[id] = true
			}
		}
	}
}
