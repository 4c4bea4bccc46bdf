package session_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/session"
	"github.com/scrmkit/scrmkit/storage"
)

var ctx = context.Background()

func TestMain(m *testing.M) { dbtest.Main(m, session.Tables) }

// short is a policy whose ends are near each other.
var short = session.Policy{Lifetime: 10 * time.Minute, Idle: 3 * time.Minute, Sessions: 3}

// A clock stands until it is moved.
type clock struct{ micros atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.micros.Store(time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC).UnixMicro())
	return c
}

func (c *clock) now() time.Time       { return time.UnixMicro(c.micros.Load()).UTC() }
func (c *clock) pass(d time.Duration) { c.micros.Add(d.Microseconds()) }

func open(t testing.TB, s storage.Tx, realm string, p session.Policy, now func() time.Time) *session.Engine {
	t.Helper()
	e, err := session.New(s, realm, &session.Options{Now: now, Policy: p})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// start signs a subject in.
func start(t testing.TB, e *session.Engine, s session.Subject) session.Started {
	t.Helper()
	out, err := e.Start(ctx, session.Start{Subject: s, Way: "sms"})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func isError(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func second[V any](_ V, err error) error { return err }
