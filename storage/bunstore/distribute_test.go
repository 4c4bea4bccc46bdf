package bunstore_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/uptrace/bun"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Distribute changes nothing of a database that can't be distributed.
func TestDistributeWithoutCitus(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			store := boxStore(t, db)
			if err := bunstore.Distribute(t.Context(), db, boxTables); err == nil {
				t.Error("it is distributed")
			}
			save(t, store, moved("ann", 1))
			save(t, boxStore(t, db), moved("ann", 2))
			if read, _ := feed(t, store, "", 0); len(read) != 2 {
				t.Errorf("the feed has %v", read)
			}
		})
	}
}

// What was written before a database was distributed comes first in the feed, and a process that
// does not know of it is refused.
func TestFeedFromBeforeDistribution(t *testing.T) {
	db := openPostgres(t)
	old := boxStore(t, db)
	save(t, old, moved("ann", 1), moved("bob", 1))
	elsewhere(t, db)
	save(t, old, moved("ann", 2))
	read, cursor := feed(t, old, "", 2)
	check(t, bunstore.AsDistributed(t.Context(), db))
	if _, err := old.Save(t.Context(), []storage.Change{moved("ann", 3)}); !errors.Is(err, bunstore.ErrTable) {
		t.Errorf("a process from before writes: %v", err)
	}
	for _, err := range old.Journal().After(t.Context(), cursor, 0) {
		if !errors.Is(err, bunstore.ErrTable) {
			t.Errorf("a process from before reads: %v", err)
		}
	}
	store := boxStore(t, db)
	more, cursor := feed(t, store, cursor, 0)
	read = append(read, more...)
	save(t, store, moved("ann", 3))
	more, _ = feed(t, store, cursor, 0)
	read = append(read, more...)
	if want := storedOf(t, store, "ann", "bob"); !slices.Equal(sorted(read), sorted(want)) {
		t.Errorf("a reader from before has read %v, want %v", read, want)
	}
}

// However a tenant writes first once its rows are on another node, its epoch begins, once, and a
// reader from before goes on.
func TestFirstEntryOfAnEpochOfATenant(t *testing.T) {
	db := openPostgres(t)
	boxStore(t, db)
	check(t, bunstore.AsDistributed(t.Context(), db))
	all := boxStore(t, db)
	store, other := all.Tenant("acme"), all.Tenant("other")
	save(t, store, moved("ann", 1))
	save(t, other, moved("ann", 1))
	epochs := func() []string {
		return texts(t, db, "select tenant || ' ' || (base >> 48) from scrmkit.journal_tenant_epoch order by 1")
	}
	for _, c := range []struct {
		name  string
		want  string
		write func(c storage.Change) error
	}{
		{"by a Save", "acme 2", func(c storage.Change) error { return one(store.Save(t.Context(), []storage.Change{c})) }},
		{"in a transaction", "acme 3", func(c storage.Change) error {
			return store.InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error { return one(tx.Save(ctx, []storage.Change{c})) })
		}},
		{"in a transaction of the caller's", "acme 4", func(c storage.Change) error {
			return db.RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error {
				return one(store.Join(tx.Tx).Save(ctx, []storage.Change{c}))
			})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, cursor := feed(t, store, "", 0)
			_, err := db.DB.ExecContext(t.Context(), "update scrmkit.journal_tenant_epoch set started = started - 1 where tenant = 'acme'")
			check(t, err)
			check(t, c.write(moved(c.name, 1)))
			check(t, one(store.Save(t.Context(), []storage.Change{moved(c.name, 2)})))
			if read, _ := feed(t, store, cursor, 0); len(read) != 2 {
				t.Errorf("the feed has %v", read)
			}
			if got := epochs(); !slices.Equal(got, []string{c.want, "other 1"}) {
				t.Errorf("the epochs are %v, want %s", got, c.want)
			}
		})
	}
}

// A Save that is run again, as its answer was lost, says of each change what came of it this time.
func TestASaveRunsAgain(t *testing.T) {
	for name, prepare := range map[string]func(ctx context.Context, db *bun.DB) error{
		"plain": func(context.Context, *bun.DB) error { return nil }, "distributed": bunstore.AsDistributed,
	} {
		t.Run(name, func(t *testing.T) {
			db := openPostgres(t)
			newStore(t, db, boxTables)
			check(t, prepare(t.Context(), db))
			store, err := bunstore.New(db, nil)
			check(t, err)
			for n, c := range [][]storage.Change{{moved("ann", 2)}, {moved("bob", 2), moved("cyd", 2)}} {
				errs := make([]error, len(c))
				check(t, store.SaveInto(t.Context(), c, errs))
				for _, err := range errs {
					if !errors.Is(err, journal.ErrConflict) {
						t.Errorf("save %d: %v", n, err)
					}
				}
				for _, member := range [][]string{{"ann"}, {"bob", "cyd"}}[n] {
					save(t, store, moved(member, 1))
				}
				check(t, store.SaveInto(t.Context(), c, errs))
				check(t, one(errs, nil))
			}
		})
	}
}
