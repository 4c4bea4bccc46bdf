package bunstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/lib/pq" // the driver "postgres"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/storagetest"
)

// A client is a driver of Postgres in one of its modes.
type client struct{ driver, parameter string }

var clients = map[string]client{
	"pgx":                {"pgx", ""},
	"pgx simple":         {"pgx", "default_query_exec_mode=simple_protocol"},
	"pgx exec":           {"pgx", "default_query_exec_mode=exec"},
	"pgx cache_describe": {"pgx", "default_query_exec_mode=cache_describe"},
	"pq":                 {"postgres", ""},
	"pq binary":          {"postgres", "binary_parameters=yes"},
}

// open returns a pool of a few connections whose sessions have the settings.
func (c client) open(t testing.TB, dsn string, settings ...string) *bun.DB {
	t.Helper()
	u, err := url.Parse(dsn)
	check(t, err)
	q := u.Query()
	if name, value, ok := strings.Cut(c.parameter, "="); ok {
		q.Set(name, value)
	}
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		q.Set(name, value)
	}
	u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20") // as libpq reads them
	sqldb, err := sql.Open(c.driver, u.String())
	check(t, err)
	sqldb.SetMaxOpenConns(8)
	sqldb.SetMaxIdleConns(8)
	t.Cleanup(func() { _ = sqldb.Close() }) // the server may have ended a session, which pq makes an error
	return bun.NewDB(sqldb, pgdialect.New())
}

// tenants counts those of the tests that share a database.
var tenants atomic.Int64

// brief runs the cases of storagetest.Brief, on a tenant each of a database that is there.
func brief(t *testing.T, db *bun.DB, opts *bunstore.Options) {
	store, err := bunstore.New(db, opts)
	check(t, err)
	storagetest.Brief(t, func(testing.TB) storagetest.Database {
		return database(db, store.Tenant(fmt.Sprint("tenant ", tenants.Add(1))))
	})
}

// migratedDSN is that of a database with every table.
func migratedDSN(t *testing.T) string {
	dsn := pgtest.DSN(t)
	newStore(t, clients["pgx"].open(t, dsn), tested...)
	return dsn
}

// Every driver, in each of its modes, reads and writes what the model does: directly, and behind
// pgbouncer. The default mode of pgx, which prepares the embedder's queries too, is not for a
// pooler in transaction mode that does not know prepared statements.
func TestDriversAndPoolers(t *testing.T) {
	race.Skip(t, "what differs is the format of values")
	dsn := migratedDSN(t)
	for name, c := range clients {
		t.Run(name, func(t *testing.T) {
			t.Run("direct", func(t *testing.T) { brief(t, c.open(t, dsn), nil) })
			t.Run("session", func(t *testing.T) { brief(t, c.open(t, pgtest.Bounced(t, dsn, "session", 8)), nil) })
			if name != "pgx" {
				t.Run("transaction", func(t *testing.T) {
					brief(t, c.open(t, pgtest.Bounced(t, dsn, "transaction", 3)), &bunstore.Options{Unprepared: true})
				})
			}
		})
	}
}

// No setting of a session changes what is written or read.
func TestSessionSettings(t *testing.T) {
	race.Skip(t, "what differs is the format of values")
	dsn := migratedDSN(t)
	for name, c := range clients {
		t.Run(name, func(t *testing.T) {
			for _, settings := range [][]string{
				{"DateStyle=SQL, DMY", "bytea_output=escape", "TimeZone=Asia/Kathmandu", "IntervalStyle=sql_standard", "extra_float_digits=-10",
					"search_path=public", "default_transaction_isolation=serializable"},
				{"DateStyle=German", "TimeZone=America/St_Johns", "search_path=", "default_transaction_isolation=repeatable read"},
			} {
				t.Run(settings[0], func(t *testing.T) {
					if c.driver == "postgres" { // which sets DateStyle itself
						settings = settings[1:]
					}
					brief(t, c.open(t, dsn, settings...), nil)
				})
			}
		})
	}
}

// Behind a pooler with fewer connections to the server than the pool has, every command and the
// embedder's own queries go on. Where the pooler keeps no prepared statements, that is found out,
// or said.
func TestPoolerWithFewConnections(t *testing.T) {
	dsn := migratedDSN(t)
	for name, c := range clients {
		if name == "pgx" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			db := c.open(t, pgtest.Bounced(t, dsn, "transaction", 3))
			db.DB.SetMaxOpenConns(16)
			db.DB.SetMaxIdleConns(16)
			store, err := bunstore.New(db, &bunstore.Options{Unprepared: c.driver == "postgres"})
			check(t, err)
			tenant := store.Tenant(fmt.Sprint("tenant ", tenants.Add(1)))
			crowd(t, db, tenant, 16, 15)
		})
	}
}

// crowd moves a box each as many callers at once, plainly and in transactions, between queries of
// the embedder's.
func crowd(t *testing.T, db *bun.DB, store storage.DB, callers, rounds int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			member := fmt.Sprint("m", i)
			add := func(ctx context.Context, tx storage.Tx, n int) error {
				got, err := versionOf(ctx, tx, member)
				if err != nil {
					return err
				}
				if got != int64(n) {
					return fmt.Errorf("%s has version %d, want %d", member, got, n)
				}
				return one(tx.Save(ctx, []storage.Change{moved(member, int64(n+1))}))
			}
			for n := range rounds {
				err := add(ctx, store, 2*n)
				if err == nil {
					err = store.InTx(ctx, func(ctx context.Context, tx storage.Tx) error { return add(ctx, tx, 2*n+1) })
				}
				var answer int
				if err == nil {
					err = db.NewRaw("select ?", n).Scan(ctx, &answer)
				}
				if err != nil || answer != n {
					t.Errorf("%s, round %d: %d, %v", member, n, answer, err)
					return
				}
			}
		})
	}
	all.Wait()
}
