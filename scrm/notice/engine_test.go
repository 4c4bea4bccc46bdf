package notice_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/message"
	"github.com/scrmkit/scrmkit/scrm/notice"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func TestMain(m *testing.M) { dbtest.Main(m, notice.Tables) }

var noon = time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC)

// A clock stands until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// sender answers as it is told, and keeps what it was handed.
type sender struct {
	mu     sync.Mutex
	told   []string
	answer func(n notice.Notice) error
}

func (s *sender) Send(_ context.Context, n notice.Notice) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answer != nil {
		if err := s.answer(n); err != nil {
			return "", err
		}
	}
	s.told = append(s.told, string(n.Member)+" "+n.Key)
	return "id-" + n.Key, nil
}

func about(m ids.Member, key string, until time.Time) notice.Notice {
	return notice.Notice{Member: m, Key: key, Kind: "points", Content: json.RawMessage(`{"n": 1}`), Until: until}
}

func states(t testing.TB, e *notice.Engine, m ids.Member) (all []string) {
	t.Helper()
	for s, err := range e.Of(t.Context(), m) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s.Key+" "+string(s.State))
	}
	return all
}

func TestOutbox(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		ctx, c := t.Context(), &clock{at: noon}
		e := notice.New(db, &notice.Options{Now: c.now})
		check := func(what string, want ...string) {
			t.Helper()
			if got := states(t, e, "alice"); !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", what, got, want)
			}
		}
		late := about("alice", "later", noon.Add(3*time.Hour))
		late.From = noon.Add(time.Hour)
		n, err := e.Post(ctx, about("alice", "a", noon.Add(time.Hour)), about("alice", "a", noon.Add(time.Hour)), late, about("alice", "over", noon))
		if n != 2 || err != nil {
			t.Fatal(n, err)
		}
		if n, err := e.Post(ctx, about("alice", "a", noon.Add(9*time.Hour)), about("bob", "a", noon.Add(time.Hour))); n != 1 || err != nil {
			t.Error("a key that comes again is one that another member may have:", n, err)
		}
		if n, err := e.Post(ctx, about("alice", "fine", noon.Add(time.Hour)), about("", "a", noon.Add(time.Hour))); n != 0 || !errors.Is(err, errs.Invalid) {
			t.Error(n, err)
		}
		check("what is invalid stores nothing", "a pending", "later pending")
		if _, err := e.In(db).Deliver(ctx, new(sender)); err == nil {
			t.Error("notices are handed over in a transaction")
		}
		s := &sender{answer: func(n notice.Notice) error {
			if n.Member == "bob" {
				return fmt.Errorf("no: %w", message.ErrRefused)
			}
			return nil
		}}
		if n, err := e.Deliver(ctx, s); n != 1 || err != nil {
			t.Error(n, err)
		}
		if got := states(t, e, "bob"); !slices.Equal(got, []string{"a rejected"}) {
			t.Error(got)
		}
		check("what is due is told", "a sent", "later pending")
		c.pass(time.Hour)
		s.answer = func(notice.Notice) error {
			return &message.Error{Vendor: "x", RetryAfter: 90 * time.Minute, Kind: message.ErrLater}
		}
		if n, err := e.Deliver(ctx, s); n != 0 || err != nil {
			t.Error(n, err)
		}
		c.pass(89 * time.Minute)
		s.answer = nil
		if n, err := e.Deliver(ctx, s); n != 0 || err != nil {
			t.Error("before it may be:", n, err)
		}
		c.pass(time.Minute)
		if n, err := e.Deliver(ctx, s); n != 1 || err != nil {
			t.Error("when it may be:", n, err)
		}
		check("all is told", "a sent", "later sent")
		if want := []string{"alice a", "alice later"}; !slices.Equal(s.told, want) {
			t.Errorf("told %q, want %q", s.told, want)
		}
		if n, err := e.Prune(ctx, noon.Add(100*time.Hour)); n != 2 || err != nil {
			t.Error("those that could be posted again are kept:", n, err)
		}
		check("what is over is forgotten", "later sent")
		if n, err := e.Post(ctx, about("alice", "a", noon.Add(time.Hour))); n != 0 || err != nil {
			t.Error("what is over is not told again:", n, err)
		}
	})
}

// What a platform that is down has not taken waits, and expires by its own limit. The fault is told.
func TestDown(t *testing.T) {
	ctx, c := t.Context(), &clock{at: noon}
	e := notice.New(memory.New(), &notice.Options{Now: c.now})
	if _, err := e.Post(ctx, about("alice", "short", noon.Add(10*time.Minute)), about("alice", "long", noon.Add(5*time.Hour))); err != nil {
		t.Fatal(err)
	}
	asked := 0
	s := &sender{answer: func(notice.Notice) error { asked++; return message.ErrUnavailable }}
	for range 120 {
		if n, err := e.Deliver(ctx, s); n != 0 || err != nil && !errors.Is(err, message.ErrUnavailable) {
			t.Fatal(n, err)
		}
		c.pass(time.Minute)
	}
	if got := states(t, e, "alice"); !slices.Equal(got, []string{"long pending", "short expired"}) {
		t.Error(got)
	}
	if asked > 14 {
		t.Errorf("a platform that is down was asked %d times in two hours", asked)
	}
	s.answer = nil
	c.pass(time.Hour)
	if n, err := e.Deliver(ctx, s); n != 1 || err != nil {
		t.Error(n, err)
	}
}

// A rollback posts nothing, and what is posted in a transaction is there after it.
func TestInTransactions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		ctx := t.Context()
		e := notice.New(db, &notice.Options{Now: func() time.Time { return noon }})
		lost := errors.New("lost")
		for _, end := range []error{lost, nil} {
			err := db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
				for range 2 { // the second one changes nothing, and leaves the transaction usable
					if _, err := e.In(tx).Post(ctx, about("alice", "a", noon.Add(time.Hour)), about("alice", "b", noon.Add(time.Hour))); err != nil {
						return err
					}
				}
				return end
			})
			if !errors.Is(err, end) {
				t.Error(err)
			}
			if got := states(t, e, "alice"); (len(got) == 2) != (end == nil) {
				t.Errorf("after %v: %q", end, got)
			}
		}
		if n, err := notice.New(db.Tenant("other"), nil).Deliver(ctx, new(sender)); n != 0 || err != nil {
			t.Error("another tenant has them:", n, err)
		}
	})
}

// Workers share what is due, and nothing is handed over twice.
func TestWorkers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		ctx := t.Context()
		e := notice.New(db, &notice.Options{Now: func() time.Time { return noon }})
		const all = 60
		var wg sync.WaitGroup
		var mu sync.Mutex
		stored := 0
		for range 4 {
			wg.Go(func() {
				for i := range all {
					n, err := e.Post(ctx, about(ids.Member(fmt.Sprint("m", i%7)), fmt.Sprint(i), noon.Add(time.Hour)))
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					stored += n
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		s := new(sender)
		for range 4 {
			wg.Go(func() {
				if _, err := e.Deliver(ctx, s); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		slices.Sort(s.told)
		if n := len(slices.Compact(slices.Clone(s.told))); stored != all || n != all || len(s.told) != all {
			t.Errorf("%d posted, %d told, %d of them once, want %d", stored, len(s.told), n, all)
		}
	})
}

// TestOnce: in whatever order notices are posted, again, handed over, refused, lost with their
// worker and pruned, no member is told anything twice, nor anything after its end; and what has
// time and a platform that works is told.
func TestOnce(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		ctx, c := t.Context(), &clock{at: noon}
		e := notice.New(memory.New(), &notice.Options{Now: c.now})
		platform := map[string]int{} // how often each was told
		until := map[string]time.Time{}
		killed := errors.New("killed")
		s := &sender{answer: func(n notice.Notice) error {
			name := string(n.Member) + " " + n.Key
			switch rapid.IntRange(0, 3).Draw(r, "answer") {
			case 0:
				return &message.Error{Vendor: "x", RetryAfter: time.Duration(rapid.IntRange(0, 90).Draw(r, "wait")) * time.Minute, Kind: message.ErrLater}
			case 1:
				return message.ErrUnavailable
			}
			if !c.now().Before(until[name]) {
				r.Errorf("%s is told after its end", name)
			}
			platform[name] = 1 // it knows the key
			if rapid.Bool().Draw(r, "killed") {
				panic(killed)
			}
			return nil
		}}
		deliver := func() {
			defer func() {
				if v := recover(); v != nil && v != killed {
					panic(v)
				}
			}()
			if _, err := e.Deliver(ctx, s); err != nil && !errors.Is(err, message.ErrUnavailable) {
				r.Fatal(err)
			}
		}
		for range rapid.IntRange(1, 40).Draw(r, "steps") {
			switch rapid.IntRange(0, 3).Draw(r, "step") {
			case 0:
				m, key := rapid.SampledFrom([]ids.Member{"alice", "bob"}).Draw(r, "member"), rapid.SampledFrom([]string{"1", "2", "3"}).Draw(r, "key")
				name := string(m) + " " + key
				if until[name].IsZero() {
					until[name] = c.now().Add(time.Duration(rapid.IntRange(1, 300).Draw(r, "until")) * time.Minute)
				}
				if _, err := e.Post(ctx, about(m, key, until[name])); err != nil {
					r.Fatal(err)
				}
			case 1:
				deliver()
			case 2:
				c.pass(time.Duration(rapid.IntRange(1, 60).Draw(r, "pass")) * time.Minute)
			case 3:
				if _, err := e.Prune(ctx, c.now()); err != nil {
					r.Fatal(err)
				}
			}
			for _, m := range []ids.Member{"alice", "bob"} {
				for x, err := range e.Of(ctx, m) {
					if err != nil {
						r.Fatal(err)
					}
					if told := platform[string(m)+" "+x.Key]; x.State == notice.Sent && told != 1 || x.State == notice.Rejected || x.State == notice.Unknown {
						r.Fatalf("%+v was told %d times", x, told)
					}
				}
			}
		}
		s.answer = nil
		c.pass(2 * time.Hour)
		deliver()
		for _, m := range []ids.Member{"alice", "bob"} {
			for x, err := range e.Of(ctx, m) {
				if err != nil || x.State == notice.Pending {
					r.Fatalf("left over: %+v, %v", x, err)
				}
			}
		}
	})
}
