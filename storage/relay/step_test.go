package relay_test

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"testing"
	"time"

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
