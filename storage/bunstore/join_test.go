package bunstore_test

import (
	"context"
	"errors"
	"testing"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A transaction of the caller's is joined as any tenant, and as several; none sees in the feed what
// the transaction itself has written.
func TestJoinAsATenant(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			store := newStore(t, db, boxTables)
			own, err := db.DB.BeginTx(t.Context(), nil)
			check(t, err)
			tx := store.Join(own)
			save(t, tx.Tenant("acme"), moved("alice", 1))
			save(t, tx, moved("bob", 1))
			for _, s := range []storage.Tx{tx, tx.Tenant("acme"), tx.Tenant("acme").Tenant("")} {
				for r, err := range s.Journal().After(t.Context(), "", 10) {
					t.Errorf("tenant %q reads %v, %v within the transaction", s.TenantID(), r.Subject, err)
				}
			}
			if err := own.Commit(); err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct{ tenant, member, subject string }{{"", "bob", "alice"}, {"acme", "alice", "bob"}} {
				seen := store.Tenant(c.tenant)
				n, err := versionOf(t.Context(), seen, c.member)
				other, otherErr := versionOf(t.Context(), seen, c.subject)
				if n != 1 || other != 0 || errors.Join(err, otherErr) != nil {
					t.Errorf("tenant %q has %s %d and %s %d", c.tenant, c.member, n, c.subject, other)
				}
				var subjects []string
				for r, err := range seen.Journal().After(t.Context(), "", 10) {
					check(t, err)
					subjects = append(subjects, r.Subject)
				}
				if len(subjects) != 1 || subjects[0] != journal.Subject("box", c.member) {
					t.Errorf("the feed of tenant %q has %v", c.tenant, subjects)
				}
			}
		})
	}
}

// What InTx gives has the transaction itself, for rows of the caller's own.
func TestRowsOfTheCallerInTx(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			store := newStore(t, db, boxTables)
			execScript(t, db, "create table orders (id text primary key)")
			failure := errors.New("payment failed")
			for _, want := range []error{failure, nil} {
				err := store.InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error {
					save(t, tx, moved("alice", 1))
					_, err := tx.(bunstore.Tx).SQL().ExecContext(ctx, "insert into orders values ('order-1')")
					return errors.Join(err, want)
				})
				n, _ := versionOf(t.Context(), store, "alice")
				orders := len(texts(t, db, "select id from orders"))
				if done := want == nil; !errors.Is(err, want) || (n == 1) != done || (orders == 1) != done {
					t.Errorf("%v: %v, box of version %d, %d orders", want, err, n, orders)
				}
			}
		})
	}
}
