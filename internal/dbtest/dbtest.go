// Package dbtest opens every adapter for a test.
package dbtest

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that tests use
	"github.com/uptrace/bun"
	_ "modernc.org/sqlite" // the driver that tests use

	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/scrm/lead/routing"
	"github.com/scrmkit/scrmkit/scrm/ticket"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// Schemas are those of every package.
var Schemas = []storage.Schema{
	activation.Tables, routing.Tables, lead.Tables, loyalty.Tables, otp.Tables, reward.Tables, shop.Tables, stamps.Tables, ticket.Tables,
}

// A DB is a database of any adapter, seen by one tenant.
type DB struct {
	storage.DB
	tenant func(id string) DB
}

// Tenant returns the same database, seen by another tenant.
func (db DB) Tenant(id string) DB { return db.tenant(id) }

// Each runs f on an empty database of each adapter.
func Each(t *testing.T, f func(t *testing.T, db DB)) {
	t.Run("memory", func(t *testing.T) { f(t, Of(memory.New())) })
	t.Run("sqlite", func(t *testing.T) { f(t, Of(SQLite(t))) })
	t.Run("postgres", func(t *testing.T) { f(t, Of(Postgres(t, pgtest.DSN(t)))) })
}

// Of returns a database of an adapter.
func Of[D storage.DB](db interface {
	storage.DB
	Tenant(id string) D
}) DB {
	var tenant func(id string) DB
	tenant = func(id string) DB { return DB{db.Tenant(id), tenant} }
	return DB{db, tenant}
}

// SQLite returns an empty database in a file of its own: WAL, synchronous FULL.
func SQLite(t testing.TB) *bunstore.DB {
	return SQLiteFile(t, filepath.Join(t.TempDir(), "scrmkit.db"))
}

// SQLiteFile returns the database in a file, with every migration.
func SQLiteFile(t testing.TB, path string) *bunstore.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	return migrated(t, bunstore.OnSQLite(db))
}

// Postgres returns the database that a DSN names, with every migration.
func Postgres(t testing.TB, dsn string) *bunstore.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(40)
	db.SetMaxIdleConns(40)
	return migrated(t, bunstore.OnPostgres(db))
}

func migrated(t testing.TB, db *bun.DB) *bunstore.DB {
	t.Helper()
	t.Cleanup(func() { db.Close() })
	if err := bunstore.Migrate(context.Background(), db, Schemas...); err != nil {
		t.Fatal(err)
	}
	store, err := bunstore.New(db, nil)
	if err != nil {
		t.Fatal(err)
	}
	return store
}
