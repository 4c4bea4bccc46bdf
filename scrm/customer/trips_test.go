package customer_test

import (
	"context"
	"testing"

	"github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// A counter counts what an engine asks of its store.
type counter struct {
	storage.DB
	loads, saves int
}

func (c *counter) Load(ctx context.Context, looks []storage.Look) error {
	c.loads++
	return c.DB.Load(ctx, looks)
}

func (c *counter) Save(ctx context.Context, changes []storage.Change) ([]error, error) {
	c.saves++
	return c.DB.Save(ctx, changes)
}

func TestRoundTrips(t *testing.T) {
	for _, keys := range [][]secret.Key{{key1}, {key2, key1}} {
		db := &counter{DB: memory.New()}
		b := open(t, db, keys...)
		alice := b.signIn(openID, union).Member
		for _, tt := range []struct {
			name         string
			run          func() error
			loads, saves int
		}{
			{"a sign-in of a known identity", func() error { b.signIn(openID, union); return nil }, 1, 0},
			{"a sign-in that links one", func() error { b.signIn(atB, union); return nil }, 2, 1},
			{"a phone", func() error { _, err := b.link(alice, number); return err }, 1, 1},
			{"a customer", func() error { b.get(alice); return nil }, 1, 0},
			{"who has an identity", func() error { _, err := b.Find(t.Context(), number); return err }, 1, 0},
			{"a profile", func() error {
				_, err := b.PutProfile(t.Context(), customer.PutProfile{Member: alice, Key: b.key()})
				return err
			}, 1, 1},
		} {
			db.loads, db.saves = 0, 0
			if err := tt.run(); err != nil || db.loads != tt.loads || db.saves != tt.saves {
				t.Errorf("%s, with %d keys: %d loads and %d saves, %v", tt.name, len(keys), db.loads, db.saves, err)
			}
		}
	}
}
