package session_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/session"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// TestRevokeAllAgainstStarts: a session that began before RevokeAll is over; of those that begin
// meanwhile the ones that came before it are over, and those that came after it are good.
func TestRevokeAllAgainstStarts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		e := open(t, db, "customer", session.Policy{Sessions: 100}, nil)
		before := start(t, e, "alice")
		var mu sync.Mutex
		var started []session.Started
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 4 {
					s, err := e.Start(ctx, session.Start{Subject: "alice", Way: "sms"})
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					started = append(started, s)
					mu.Unlock()
				}
			})
		}
		for i := range 4 {
			all.Go(func() {
				mu.Lock()
				earlier := append([]session.Started{before}, started...)
				mu.Unlock()
				isError(t, "RevokeAll", second(e.RevokeAll(ctx, session.RevokeAll{Subject: "alice", Key: fmt.Sprint(i)})), nil)
				for _, s := range earlier {
					isError(t, "a session from before RevokeAll", second(e.Check(ctx, s.Token)), session.ErrInvalid)
				}
			})
		}
		all.Wait()
		var last int64 // number of the last RevokeAll
		for _, r := range records(t, db) {
			if r.Kind == "session.revokeAll" {
				last = max(last, r.Seq)
			}
		}
		for _, s := range started {
			want := session.ErrInvalid
			if int64(s.Session.ID) > last {
				want = nil
			}
			isError(t, fmt.Sprintf("session %d, with all revoked at %d", s.Session.ID, last), second(e.Check(ctx, s.Token)), want)
		}
	})
}

// TestRevokeAllAgainstRotations: what was begun before RevokeAll does not live on by another token,
// and nobody keeps RevokeAll from its turn.
func TestRevokeAllAgainstRotations(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		e := open(t, db, "customer", session.Policy{}, nil)
		var all sync.WaitGroup
		defer all.Wait()
		for range 6 {
			token := start(t, e, "alice").Token
			all.Go(func() {
				for !t.Failed() {
					next, err := e.Rotate(ctx, token)
					if errors.Is(err, session.ErrInvalid) {
						return
					}
					if isError(t, "Rotate", err, nil); err != nil {
						return
					}
					token = next.Token
				}
			})
		}
		if _, err := e.RevokeAll(ctx, session.RevokeAll{Subject: "alice", Key: "1"}); err != nil {
			t.Fatal(err)
		}
		if list, err := e.List(ctx, "alice"); len(list) > 0 || err != nil {
			t.Errorf("%+v are left, %v", list, err)
		}
	})
}

// gated is a database whose saves wait.
type gated struct {
	storage.DB
	gate  chan struct{}
	saves atomic.Int64
}

func (g *gated) Save(ctx context.Context, changes []storage.Change) ([]error, error) {
	<-g.gate
	g.saves.Add(1)
	return g.DB.Save(ctx, changes)
}

// TestTogether: what comes while another command is stored shares one save, and RevokeAll ends what
// came before it there.
func TestTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &gated{DB: memory.New(), gate: make(chan struct{})}
		e := open(t, db, "customer", short, nil)
		tokens := make([]string, 6)
		var evicted atomic.Int64
		var all sync.WaitGroup
		begin := func(i int) {
			all.Go(func() {
				s := start(t, e, "alice")
				tokens[i] = s.Token
				evicted.Add(int64(len(s.Evicted)))
			})
			synctest.Wait()
		}
		for i := range 5 {
			begin(i)
		}
		all.Go(func() {
			out, err := e.RevokeAll(ctx, session.RevokeAll{Subject: "alice", Key: "1"})
			if len(out.Sessions) != short.Sessions || err != nil {
				t.Errorf("revoked %+v, %v", out, err)
			}
		})
		synctest.Wait()
		begin(5)
		close(db.gate)
		all.Wait()
		for i, token := range tokens {
			want := session.ErrInvalid
			if i == 5 {
				want = nil
			}
			isError(t, fmt.Sprint("session ", i), second(e.Check(ctx, token)), want)
		}
		if saves, evicted := db.saves.Load(), evicted.Load(); saves != 2 || evicted != 2 {
			t.Errorf("%d saves, %d sessions gave way, want 2 and 2", saves, evicted)
		}
	})
}

// TestAfterRevoke: after Revoke has returned nobody is let in, however many ask at that moment and
// write that they were there.
func TestAfterRevoke(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		at := newClock()
		now := func() time.Time { at.pass(10 * time.Second); return at.now() } // so that a use is due again and again
		e := open(t, db, "customer", session.Policy{Lifetime: 3650 * 24 * time.Hour, Idle: 24 * time.Hour}, now)
		s := start(t, e, "alice")
		var revoked atomic.Bool
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() {
				for late := 0; late < 3; {
					after := revoked.Load()
					_, err := e.Check(ctx, s.Token)
					if refused := errors.Is(err, session.ErrInvalid); err != nil && !refused || after && !refused {
						t.Errorf("after Revoke has returned: %t, %v", after, err)
						return
					}
					if after {
						late++
					}
				}
			})
		}
		isError(t, "Revoke", second(e.Revoke(ctx, session.Revoke{Subject: "alice", ID: s.Session.ID, Key: "1"})), nil)
		revoked.Store(true)
		all.Wait()
	})
}

// TestSeenBringsNothingBack: a use that is written after the session was ended leaves it ended.
func TestSeenBringsNothingBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		for name, end := range map[string]func(e *session.Engine, s session.Started) error{
			"End":    func(e *session.Engine, s session.Started) error { return second(e.End(ctx, s.Token)) },
			"Rotate": func(e *session.Engine, s session.Started) error { return second(e.Rotate(ctx, s.Token)) },
			"Revoke": func(e *session.Engine, s session.Started) error {
				return second(e.Revoke(ctx, session.Revoke{Subject: "alice", ID: s.Session.ID, Key: "1"}))
			},
			"RevokeAll": func(e *session.Engine, s session.Started) error {
				return second(e.RevokeAll(ctx, session.RevokeAll{Subject: "alice", Key: "1"}))
			},
			"Prune": func(e *session.Engine, s session.Started) error { return second(e.Prune(ctx)) },
		} {
			at := newClock()
			tenant := db.Tenant(name)
			e := open(t, tenant, "customer", short, at.now)
			s := start(t, e, "alice")
			at.pass(time.Minute)
			looks, answer := e.Checking(s.Token)
			isError(t, name, tenant.Load(ctx, looks), nil)
			if name == "Prune" {
				at.pass(short.Lifetime)
			}
			isError(t, name, end(e, s), nil)
			if name == "Prune" {
				at.pass(-short.Lifetime)
			}
			isError(t, "the answer of before "+name, second(answer(ctx)), nil)
			isError(t, "after "+name, second(e.Check(ctx, s.Token)), session.ErrInvalid)
		}
	})
}

// TestRotateOnce: of many who rotate one token one has the session.
func TestRotateOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		e := open(t, db, "customer", short, newClock().now)
		s := start(t, e, "alice")
		tokens := make([]string, 8)
		var all sync.WaitGroup
		for i := range tokens {
			all.Go(func() {
				out, err := e.Rotate(ctx, s.Token)
				if err != nil && !errors.Is(err, session.ErrInvalid) {
					t.Error(err)
				}
				tokens[i] = out.Token
			})
		}
		all.Wait()
		good := 0
		for _, token := range tokens {
			if token != "" {
				good++
				isError(t, "the next token", second(e.Check(ctx, token)), nil)
			}
		}
		if list, err := e.List(ctx, "alice"); good != 1 || len(list) != 1 || err != nil {
			t.Errorf("%d rotated, and the sessions are %+v, %v", good, list, err)
		}
	})
}

// TestCapAgainstStarts: no race begins more sessions than the policy allows.
func TestCapAgainstStarts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		e := open(t, db, "customer", short, newClock().now)
		var all sync.WaitGroup
		for range 12 {
			all.Go(func() { isError(t, "Start", second(e.Start(ctx, session.Start{Subject: "alice", Way: "sms"})), nil) })
		}
		all.Wait()
		if list, err := e.List(ctx, "alice"); len(list) != short.Sessions || err != nil {
			t.Errorf("%d sessions, %v", len(list), err)
		}
	})
}
