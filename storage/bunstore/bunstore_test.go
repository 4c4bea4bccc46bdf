package bunstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/schema"
	_ "modernc.org/sqlite"

	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/storagetest"
)

type work = func(ctx context.Context, tx storage.Tx) error

func TestContract(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			storagetest.Run(t, func(t testing.TB) storagetest.Database {
				db := open(t)
				store := newStore(t, db)
				return storagetest.Database{DB: store, Join: func(ctx context.Context, fn work) error {
					return db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error { return fn(ctx, store.Join(tx.Tx)) })
				}}
			})
		})
	}
}

// databases open a fresh database each, without tables.
var databases = map[string]func(t testing.TB) *bun.DB{"sqlite": openSQLite, "postgres": openPostgres}

func openSQLite(t testing.TB) *bun.DB {
	return openDB(t, "sqlite", sqliteDSN(t, "OFF"), sqlitedialect.New())
}

// sqliteDSN is that of a new file, which a crash of the machine spares only where synchronous is FULL.
func sqliteDSN(t testing.TB, synchronous string) string {
	return fmt.Sprintf("file:%s?_pragma=journal_mode(WAL)&_pragma=synchronous(%s)&_pragma=busy_timeout(5000)"+
		"&_pragma=foreign_keys(1)", filepath.Join(t.TempDir(), "test.db"), synchronous)
}

func openPostgres(t testing.TB) *bun.DB {
	return openDB(t, "pgx", pgtest.DSN(t), pgdialect.New())
}

func openDB(t testing.TB, driver, dsn string, dialect schema.Dialect) *bun.DB {
	t.Helper()
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

func newStore(t testing.TB, db *bun.DB) *bunstore.DB {
	t.Helper()
	if err := bunstore.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	store, err := bunstore.New(db, nil)
	if err != nil {
		t.Fatal(err)
	}
	return store
}
