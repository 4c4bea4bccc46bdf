package bunstore_test

import (
	"database/sql"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/storage/bunstore"
)

// Each of the first processes of a new database opens it, migrates it, makes a store and ends.
func TestMigrateManyAtOnce(t *testing.T) {
	for name, open := range map[string]func(dsn string) *bun.DB{
		"sqlite":   func(dsn string) *bun.DB { return openDB(t, "sqlite", dsn, sqlitedialect.New()) },
		"postgres": func(dsn string) *bun.DB { return openDB(t, "pgx", dsn, pgdialect.New()) },
	} {
		t.Run(name, func(t *testing.T) {
			for range 10 {
				dsn := sqliteDSN(t, "FULL")
				if name == "postgres" {
					dsn = pgtest.DSN(t)
				}
				var all sync.WaitGroup
				for range 8 {
					all.Go(func() {
						db := open(dsn)
						for range 2 {
							if err := bunstore.Migrate(t.Context(), db); err != nil {
								t.Error(err)
							}
						}
						if _, err := bunstore.New(db, nil); err != nil {
							t.Error(err)
						}
						if err := db.Close(); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
			}
		})
	}
}

// A team that ran the files with its own tool can go on with Migrate.
func TestMigrateAfterTheFiles(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			files := bunstore.Migrations(db.Dialect().Name())
			names, err := fs.Glob(files, "*.sql")
			if err != nil || len(names) == 0 {
				t.Fatal(names, err)
			}
			for _, name := range names {
				text, err := fs.ReadFile(files, name)
				if err != nil {
					t.Fatal(err)
				}
				execScript(t, db, string(text))
			}
			newStore(t, db)
		})
	}
}

func execScript(t testing.TB, db *bun.DB, script string) {
	t.Helper()
	for statement := range strings.SplitSeq(script, ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := db.DB.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// The tables of both databases have the same columns, in the same order, of the same family and nullability.
func TestMigrationsAgree(t *testing.T) {
	families := map[string]string{
		"text": "text", "bigint": "integer", "INTEGER": "integer", "timestamp with time zone": "integer", "bytea": "bytes",
		"TEXT": "text", "BLOB": "bytes",
	}
	read := func(db *bun.DB, query string) (found []string) {
		t.Helper()
		newStore(t, db)
		rows, err := db.DB.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var table, column, kind string
			var null bool
			if err := rows.Scan(&table, &column, &kind, &null); err != nil {
				t.Fatal(err)
			}
			if families[kind] == "" {
				t.Errorf("%s.%s has the type %s", table, column, kind)
			}
			found = append(found, fmt.Sprintf("%s.%s %s null=%t", table, column, families[kind], null))
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return found
	}
	onSQLite := read(openSQLite(t), `select m.name, c.name, upper(c.type), c."notnull" = 0
		from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table' order by m.name, c.cid`)
	onPostgres := read(openPostgres(t), `select table_name, column_name, data_type, is_nullable = 'YES'
		from information_schema.columns where table_schema = 'scrmkit' order by table_name collate "C", ordinal_position`)
	if diff := cmp.Diff(onPostgres, onSQLite); diff != "" {
		t.Errorf("columns (-Postgres +SQLite):\n%s", diff)
	}
}

type mysql struct{ *sqlitedialect.Dialect }

func (mysql) Name() dialect.Name { return dialect.MySQL }

func TestOtherDialects(t *testing.T) {
	sqldb, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer sqldb.Close()
	db := bun.NewDB(sqldb, mysql{sqlitedialect.New()})
	if _, err := bunstore.New(db, nil); err == nil {
		t.Error("New takes MySQL")
	}
	if err := bunstore.Migrate(t.Context(), db); err == nil {
		t.Error("Migrate takes MySQL")
	}
	if names, err := fs.Glob(bunstore.Migrations(dialect.MySQL), "*"); err != nil || len(names) > 0 {
		t.Error(names, err)
	}
}
