package bunstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/schema"

	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/storagetest"
)

type work = func(ctx context.Context, tx storage.Tx) error

const oneAtATime = "SQLite is one connection at a time"

func TestContract(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			if name == "sqlite" {
				race.Skip(t, oneAtATime)
			}
			all := reused{outer: t, open: open}
			storagetest.Run(t, func(t testing.TB) storagetest.Database {
				db := all.get(t)
				return database(db, newStore(t, db, tested...))
			})
		})
	}
}

// What a distributed database is sent is right on plain Postgres too.
func TestContractAsDistributed(t *testing.T) {
	all := reused{outer: t, open: openPostgres}
	storagetest.Run(t, func(t testing.TB) storagetest.Database {
		db := all.get(t)
		check(t, bunstore.AsDistributed(t.Context(), db))
		return database(db, newStore(t, db, tested...))
	})
}

// database is a database for the cases of storagetest, whose transactions of the embedder's are
// those of database/sql.
func database(db *bun.DB, store *bunstore.DB) storagetest.Database {
	return storagetest.Database{
		DB: store, Tenant: func(id string) storage.DB { return store.Tenant(id) },
		Join: func(ctx context.Context, fn work) error {
			return db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error { return fn(ctx, store.Join(tx.Tx)) })
		},
	}
}

func FuzzCursorOfSQLite(f *testing.F) { fuzzCursor(f, openSQLite(f)) }

func FuzzCursorOfPostgres(f *testing.F) { fuzzCursor(f, openPostgres(f)) }

func fuzzCursor(f *testing.F, db *bun.DB) {
	storagetest.FuzzCursor(f, database(db, newStore(f, db, tested...)))
}

// tested are the schemas of the tables that tests of the seam use.
var tested = []storage.Schema{withFiles(storagetest.Tables), boxTables}

// reused are databases that one case after the other uses, each of them emptied before: to make one
// takes ten times as long.
type reused struct {
	outer testing.TB // whose end is theirs
	open  func(t testing.TB) *bun.DB
	free  []*bun.DB
}

// get returns an empty database for a case.
func (r *reused) get(t testing.TB) *bun.DB {
	t.Helper()
	if len(r.free) == 0 {
		db := r.open(r.outer)
		check(t, bunstore.Migrate(context.Background(), db, tested...))
		r.free = append(r.free, db)
	}
	db := r.free[len(r.free)-1]
	r.free = r.free[:len(r.free)-1]
	for _, query := range emptying(t, db) {
		if _, err := db.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { r.free = append(r.free, db) })
	return db
}

// emptying returns the statements that empty every table of tenants.
func emptying(t testing.TB, db *bun.DB) (queries []string) {
	t.Helper()
	list := "select name from sqlite_master where type = 'table' and name not like 'sqlite%'"
	if db.Dialect().Name() == dialect.PG {
		list = "select 'scrmkit.' || relname from pg_class where relnamespace = 'scrmkit'::regnamespace and relkind = 'r'"
	}
	for _, table := range texts(t, db, list) {
		if !strings.HasSuffix(table, "scrmkit_schema") && !strings.HasSuffix(table, "journal_epoch") {
			queries = append(queries, "delete from "+table)
		}
	}
	return queries
}

// databases open a fresh database each, without tables.
var databases = map[string]func(t testing.TB) *bun.DB{"sqlite": openSQLite, "postgres": openPostgres}

func openSQLite(t testing.TB) *bun.DB {
	return openDB(t, "sqlite", sqliteDSN(t, "OFF"), sqlitedialect.New())
}

// sqliteDSN is that of a new file, which a crash of the machine spares only where synchronous is
// FULL.
func sqliteDSN(t testing.TB, synchronous string) string {
	return fmt.Sprintf("file:%s?_pragma=journal_mode(WAL)&_pragma=synchronous(%s)&_pragma=busy_timeout(5000)"+
		"&_pragma=foreign_keys(1)", filepath.Join(t.TempDir(), "test.db"), synchronous)
}

func openPostgres(t testing.TB) *bun.DB {
	return openDB(t, "pgx", pgtest.DSN(t), pgdialect.New())
}

func openDB(t testing.TB, driver, dsn string, dialect schema.Dialect) *bun.DB {
	t.Helper()
	if driver == "sqlite" {
		race.Skip(t, oneAtATime)
	}
	sqldb, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	sqldb.SetMaxIdleConns(16)
	db := bun.NewDB(sqldb, dialect)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// newStore returns the database with the tables of the schemas.
func newStore(t testing.TB, db *bun.DB, schemas ...storage.Schema) *bunstore.DB {
	t.Helper()
	if err := bunstore.Migrate(t.Context(), db, schemas...); err != nil {
		t.Fatal(err)
	}
	store, err := bunstore.New(db, nil)
	if err != nil {
		t.Fatal(err)
	}
	return store
}
