package bunstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
)

// A caller that gives up gets the error of its context, whichever driver has told the server, and no
// other that says what to do.
func TestCallersGiveUp(t *testing.T) {
	race.Skip(t, "what differs is the driver")
	dsn := migratedDSN(t)
	direct := clients["pgx"].open(t, dsn)
	for _, name := range []string{"pgx", "pgx simple", "pq"} {
		db := clients[name].open(t, dsn)
		opened, err := bunstore.New(db, nil)
		check(t, err)
		store := opened.Tenant(name)
		for what, call := range map[string]func(ctx context.Context, m string) error{
			"a Save": func(ctx context.Context, m string) error { return one(store.Save(ctx, []storage.Change{moved(m, 2)})) },
			"a Save of several": func(ctx context.Context, m string) error {
				return one(store.Save(ctx, []storage.Change{moved(m, 2), moved(m+" too", 1)}))
			},
			"a transaction of the caller's": func(ctx context.Context, m string) error { return joined(ctx, db, store, moved(m, 2)) },
			"InTx":                          func(ctx context.Context, m string) error { return inTx(ctx, store, moved(m, 2)) },
		} {
			for _, want := range []error{context.Canceled, context.DeadlineExceeded} {
				t.Run(name+", "+what+", "+want.Error(), func(t *testing.T) {
					member := t.Name()
					save(t, store, moved(member, 1))
					own, err := direct.DB.BeginTx(t.Context(), nil)
					check(t, err)
					defer func() { _ = own.Rollback() }()
					_, err = own.ExecContext(t.Context(), "select 1 from scrmkit.test_box for update")
					check(t, err)
					ctx, cancel := context.WithCancel(t.Context())
					if want == context.DeadlineExceeded {
						ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
					}
					defer cancel()
					result := make(chan error, 1)
					go func() { result <- call(ctx, member) }()
					if want == context.Canceled {
						eventually(t, func() error { return waits(t, direct, 1) })
						cancel()
					}
					err = <-result
					if !errors.Is(err, want) || errors.Is(err, bunstore.ErrTimeout) || errors.Is(err, bunstore.ErrUnavailable) || errors.Is(err, bunstore.ErrLost) {
						t.Errorf("error is %v", err)
					}
				})
			}
		}
	}
}
