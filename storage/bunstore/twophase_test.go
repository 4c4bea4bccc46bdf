package bunstore_test

import (
	"database/sql"
	"slices"
	"testing"

	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/storage/bunstore"
)

// prepareTransaction leaves a transaction prepared, with the first entry of a member.
func prepareTransaction(t *testing.T, db *sql.DB, store *bunstore.DB, member string) {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	check(t, err)
	save(t, store.Join(tx).Tenant(store.TenantID()), moved(member, 1))
	_, err = tx.ExecContext(t.Context(), "prepare transaction '"+member+"'")
	check(t, err)
	_ = tx.Rollback() // there is none
}

// A transaction that was prepared is waited for, also where its server has started again, or another
// one has gone on, before it was committed.
func TestPreparedTransactionsOutliveTheirServer(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	for name, move := range map[string]func(t *testing.T, c *pgtest.Cluster) *pgtest.Cluster{
		"it starts again": func(t *testing.T, c *pgtest.Cluster) *pgtest.Cluster {
			check(t, c.Kill())
			check(t, c.Restart())
			return c
		},
		"a standby is promoted": func(t *testing.T, c *pgtest.Cluster) *pgtest.Cluster {
			s := c.Standby(t)
			prepareTransaction(t, openDB(t, "pgx", c.DSN(), pgdialect.New()).DB, boxStore(t, openDB(t, "pgx", c.DSN(), pgdialect.New())), "eve")
			save(t, boxStore(t, openDB(t, "pgx", c.DSN(), pgdialect.New())), moved("fay", 1))
			caughtUp(t, c, s)
			check(t, c.Kill())
			s.Promote(t)
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := pgtest.Start(t)
			db := openDB(t, "pgx", c.DSN(), pgdialect.New())
			store := boxStore(t, db)
			save(t, store, moved("ann", 1))
			prepareTransaction(t, db.DB, store, "bob")
			save(t, store, moved("cyd", 1))
			read, cursor := feed(t, store, "", 0)
			c = move(t, c)
			db = openDB(t, "pgx", c.DSN(), pgdialect.New())
			store = boxStore(t, db)
			on := func() {
				var more []string
				more, cursor = feed(t, store, cursor, 0)
				read = append(read, more...)
			}
			on() // before anything is written
			save(t, store, moved("dan", 1))
			on()
			rows, err := db.DB.QueryContext(t.Context(), "select gid from pg_prepared_xacts")
			check(t, err)
			var gids []string
			for rows.Next() {
				var gid string
				check(t, rows.Scan(&gid))
				gids = append(gids, gid)
			}
			check(t, rows.Err())
			for _, gid := range gids {
				_, err := db.ExecContext(t.Context(), "commit prepared '"+gid+"'")
				check(t, err)
			}
			on()
			all := storedOf(t, store, "ann", "bob", "cyd", "dan", "eve", "fay")
			if !slices.Equal(sorted(read), sorted(all)) {
				t.Errorf("the feed gives %v, and the journal has %v", read, all)
			}
		})
	}
}
