package relay_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/relay"
)

// Wherever processes that relay are killed, each entry arrives, and of a subject none before the one
// that it follows.
func TestProcessesAreKilled(t *testing.T) {
	const rounds, subjects = 25, 4
	dbtest.Worlds(t, func(t *testing.T, l dbtest.Life) {
		r := newRelay(t, l.DB, func(_ context.Context, _ string, r journal.Record) error {
			l.Say("/" + url.PathEscape(name(r.Entry)))
			return nil
		}, relay.Options{Now: l.Now, Batch: 5, Workers: 2})
		for {
			turn, err := r.Step(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if turn == (relay.Turn{}) {
				return
			}
		}
	}, func(t *testing.T, w *dbtest.World) {
		c := newClock()
		w.Now = c.now
		var mu sync.Mutex
		over, arrived := map[string]int64{}, 0
		w.Server = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			arrived++
			var seq int64
			s, n, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "#")
			if _, err := fmt.Sscan(n, &seq); err != nil || seq > over[s]+1 {
				t.Errorf("%s arrives after number %d: %v", r.URL.Path, over[s], err)
			}
			over[s] = max(over[s], seq)
		})
		n := int64(0)
		for range rounds {
			n++
			for i := range subjects {
				if err := write(t.Context(), w.DB, subject(i), n); err != nil {
					t.Fatal(err)
				}
			}
			w.Live(3 * subjects)
			c.pass(2 * time.Minute)
		}
		w.Live(0)
		for i := range subjects {
			if over[subject(i)] != n {
				t.Errorf("%d of %d entries of %s have arrived", over[subject(i)], n, subject(i))
			}
		}
		if t.Logf("%d of %d processes were killed; %d entries arrived %d times", w.Deaths, rounds+1, n*subjects, arrived); w.Deaths == 0 {
			t.Error("none was killed")
		}
	})
}
