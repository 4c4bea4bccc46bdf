// Package dbtest opens every adapter for a test.
package dbtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that tests use
	"github.com/uptrace/bun"

	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// schemas are those of the databases of this process.
var schemas []storage.Schema

// Main runs the tests of a package, whose databases have these schemas. Call it in TestMain.
func Main(m *testing.M, of ...storage.Schema) {
	race.Few()
	schemas = of
	m.Run()
}

// A DB is a database of any adapter, seen by one tenant.
type DB struct {
	storage.DB
	tenant func(id string) DB
}

// Tenant returns the same database, seen by another tenant.
func (db DB) Tenant(id string) DB { return db.tenant(id) }

// Each runs f on an empty database of each adapter, and of Citus where SCRMKIT_TEST_CITUS names a
// database with it.
func Each(t *testing.T, f func(t *testing.T, db DB)) {
	t.Run("memory", func(t *testing.T) { f(t, Of(memory.New())) })
	t.Run("sqlite", func(t *testing.T) { f(t, Of(SQLite(t))) })
	t.Run("postgres", func(t *testing.T) { f(t, Of(store(t, postgres(t, template.DSN(t))))) })
	onCitus(t, func(t *testing.T, db *bun.DB, id string) { f(t, Of(tenants{store(t, db), id}.Tenant(""))) })
}

// Citus is the URL of a database with Citus, whose tenants stand for databases of tests. "": there
// is none.
var Citus = os.Getenv("SCRMKIT_TEST_CITUS")

// distributed gives the database of Citus the tables of Main, once.
var distributed = sync.OnceValue(func() error {
	db, err := sql.Open("pgx", Citus)
	if err != nil {
		return err
	}
	defer db.Close()
	err = bunstore.Migrate(context.Background(), bunstore.OnPostgres(db), schemas...)
	if err == nil {
		err = bunstore.Distribute(context.Background(), bunstore.OnPostgres(db), schemas...)
	}
	return err
})

// onCitus runs f with the database of Citus, where there is one, and what the names of new tenants
// begin with.
func onCitus(t *testing.T, f func(t *testing.T, db *bun.DB, id string)) {
	if Citus == "" {
		return
	}
	t.Run("citus", func(t *testing.T) {
		if err := distributed(); err != nil {
			t.Fatal(err)
		}
		f(t, postgres(t, Citus), rand.Text())
	})
}

// tenants are those of a database whose names begin with id.
type tenants struct {
	*bunstore.DB
	id string
}

// Tenant returns the database as a tenant sees it.
func (t tenants) Tenant(name string) tenants { return tenants{t.DB.Tenant(t.id + name), t.id} }

// Of returns a database of an adapter, which panics where an entry breaks [CheckKind].
func Of[D storage.DB](db interface {
	storage.DB
	Tenant(id string) D
}) DB {
	var tenant func(id string) DB
	tenant = func(id string) DB { return DB{checked{db.Tenant(id)}, tenant} }
	return DB{checked{db}, tenant}
}

// template is a database of Postgres with the tables of Main.
var template = pgtest.Template{Fill: func(dsn string) error {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	return bunstore.Migrate(context.Background(), bunstore.OnPostgres(db), schemas...)
}}

// migratedFile returns the content of a file of SQLite with the tables of Main.
var migratedFile = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "scrmkit-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "scrmkit.db")
	db, err := sql.Open("sqlite", sqliteDSN(path))
	if err != nil {
		return nil, err
	}
	err = bunstore.Migrate(context.Background(), bunstore.OnSQLite(db), schemas...)
	if err := errors.Join(err, db.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// slow is why tests of engines do without SQLite under the race detector.
const slow = "what runs on Postgres runs there too, and SQLite in Go takes ten times as long"

// SQLite returns an empty database in a file of its own: WAL, synchronous FULL.
func SQLite(t testing.TB) *bunstore.DB {
	t.Helper()
	return store(t, sqlite(t, SQLitePath(t)))
}

// SQLitePath returns the path of a new file of SQLite with the tables of Main.
func SQLitePath(t testing.TB) string {
	t.Helper()
	race.Skip(t, slow)
	content, err := migratedFile()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "scrmkit.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// SQLiteFile returns the database in a file, with the tables of Main.
func SQLiteFile(t testing.TB, path string) *bunstore.DB {
	t.Helper()
	race.Skip(t, slow)
	return migrated(t, sqlite(t, path))
}

// Postgres returns the database that a DSN names, with the tables of Main.
func Postgres(t testing.TB, dsn string) *bunstore.DB {
	t.Helper()
	return migrated(t, postgres(t, dsn))
}

func sqliteDSN(path string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)"
}

func sqlite(t testing.TB, path string) *bun.DB {
	t.Helper()
	db, err := sql.Open("sqlite", sqliteDSN(path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return bunstore.OnSQLite(db)
}

func postgres(t testing.TB, dsn string) *bun.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(40)
	db.SetMaxIdleConns(40)
	return bunstore.OnPostgres(db)
}

func migrated(t testing.TB, db *bun.DB) *bunstore.DB {
	t.Helper()
	if err := bunstore.Migrate(context.Background(), db, schemas...); err != nil {
		t.Fatal(err)
	}
	return store(t, db)
}

func store(t testing.TB, db *bun.DB) *bunstore.DB {
	t.Helper()
	store, err := bunstore.New(db, nil)
	if err != nil {
		t.Fatal(err)
	}
	return store
}
