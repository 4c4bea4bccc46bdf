package bunstore_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/internal/schemas"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
)

// Each of the first processes of a new database opens it, migrates it, makes a store and ends.
func TestMigrateManyAtOnce(t *testing.T) {
	databases := 10
	if race.Enabled {
		databases = 2
	}
	for name, open := range map[string]func(dsn string) *bun.DB{
		"sqlite":   func(dsn string) *bun.DB { return openDB(t, "sqlite", dsn, sqlitedialect.New()) },
		"postgres": func(dsn string) *bun.DB { return openDB(t, "pgx", dsn, pgdialect.New()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range databases {
				dsn := sqliteDSN(t, "FULL")
				if name == "postgres" {
					dsn = pgtest.DSN(t)
				}
				var all sync.WaitGroup
				for range 8 {
					all.Go(func() {
						db := open(dsn)
						for range 2 {
							if err := bunstore.Migrate(t.Context(), db, boxTables); err != nil {
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
	race.Skip(t, "it is a test of one goroutine")
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			for _, s := range append([]storage.Schema{bunstore.Journal}, schemas.All...) {
				files := bunstore.Migrations(db.Dialect().Name(), s)
				names, err := fs.Glob(files, "*.sql")
				if err != nil || len(names) == 0 {
					t.Fatal(names, err)
				}
				for _, name := range names {
					text, err := fs.ReadFile(files, name)
					check(t, err)
					execScript(t, db, string(text))
				}
			}
			check(t, bunstore.Validate(t.Context(), db, schemas.All...))
			newStore(t, db, schemas.All...)
		})
	}
}

// A service has the tables of the packages that it uses, and no others.
func TestEachSchemaAlone(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	for name, open := range databases {
		for _, s := range schemas.All {
			t.Run(name+"/"+s.Name, func(t *testing.T) {
				db := open(t)
				newStore(t, db, s)
				check(t, bunstore.Validate(t.Context(), db, s))
				want := []string{"journal_entry", "scrmkit_schema"}
				if name == "postgres" {
					want = append(want, "journal_epoch")
				}
				for _, table := range s.Tables {
					want = append(want, table.Def().Name)
				}
				slices.Sort(want)
				list := "select name from sqlite_master where type = 'table' order by name"
				if name == "postgres" {
					list = `select relname from pg_class where relnamespace = 'scrmkit'::regnamespace and relkind = 'r' order by relname collate "C"`
				}
				if diff := cmp.Diff(want, texts(t, db, list)); diff != "" {
					t.Errorf("tables (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// A release that has no files of a schema yet for what a newer one made goes on, so that a release
// can be taken back; and what is missing, or was edited, is told by its name.
func TestValidate(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	newer := withFiles(storage.Schema{Name: "boxes", Tables: []storage.Declared{boxes, moves, passes}})
	for folder, files := range map[string]string{
		"postgres": "alter table scrmkit.test_box add column note text;\n", "sqlite": "alter table test_box add column note text;\n",
	} {
		newer.Files.(fstest.MapFS)["migrations/"+folder+"/0002_note.up.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + files)}
	}
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			of, all := "", []string{"table journal_entry", "table test_box", "table test_move", "table test_pass", "migration journal/0001_tables"}
			if name == "postgres" {
				of, all = "scrmkit.", append(all, "migration journal/0002_epoch")
			}
			all = append(all, "migration boxes/0001_tables")
			for _, c := range []struct {
				name    string
				made    storage.Schema // that was made; a name of "": none
				do      string         // what was done then
				want    bunstore.SchemaError
				migrate bool // Migrate is content nevertheless
			}{
				{name: "all is there", made: boxTables, migrate: true},
				{name: "nothing is there", want: bunstore.SchemaError{Missing: all}, migrate: true},
				{"a table is missing", boxTables, "drop table " + of + "test_move", bunstore.SchemaError{Missing: []string{"table test_move"}}, false},
				{"a column is missing", boxTables, "alter table " + of + "test_box rename column total to sum",
					bunstore.SchemaError{Missing: []string{"column total of test_box"}}, false},
				{"an index is missing", boxTables, "drop index " + of + "test_move_shop",
					bunstore.SchemaError{Missing: []string{"index test_move_shop of test_move"}}, false},
				{"a file was edited", boxTables, "update " + of + "scrmkit_schema set checksum = 'other' where context = 'boxes'",
					bunstore.SchemaError{Changed: []string{"boxes/0001_tables"}}, false},
				{"a newer release was there", newer, "", bunstore.SchemaError{Newer: []string{"boxes/0002"}}, true},
			} {
				t.Run(c.name, func(t *testing.T) {
					db := open(t)
					if c.made.Name != "" {
						newStore(t, db, c.made)
					}
					execScript(t, db, c.do)
					err := bunstore.Validate(t.Context(), db, boxTables)
					var got *bunstore.SchemaError
					if errors.As(err, &got); got == nil {
						got = &bunstore.SchemaError{}
					}
					if diff := cmp.Diff(&c.want, got); diff != "" {
						t.Errorf("%v (-want +got):\n%s", err, diff)
					}
					again := bunstore.Migrate(t.Context(), db, boxTables)
					if (again == nil) != c.migrate || again != nil && !errors.Is(again, errs.Internal) {
						t.Errorf("Migrate: %v", again)
					}
					if c.migrate {
						save(t, newStore(t, db, boxTables), moved("alice", 1))
					}
				})
			}
		})
	}
}

// A database without tables is refused by New, and a command that needs tables of a package that
// nobody migrated is told what to do.
func TestWithoutTables(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			var missing *bunstore.SchemaError
			if _, err := bunstore.New(db, nil); !errors.As(err, &missing) {
				t.Errorf("New: %v", err)
			}
			store := newStore(t, db, stamps.Tables)
			_, err := loyalty.New(store, nil).Earn(t.Context(), loyalty.Earn{
				Account: loyalty.AccountID{Program: "club", Member: "alice"}, Event: loyalty.Event{Kind: "review"}, Key: "k",
			})
			if !errors.Is(err, bunstore.ErrTable) {
				t.Errorf("Earn: %v", err)
			}
		})
	}
}

// An index on a table that is in use is built without a lock, outside of a transaction, and again
// where a process that built it was stopped.
func TestIndexWithoutALock(t *testing.T) {
	db := openPostgres(t)
	store := newStore(t, db, boxTables)
	save(t, store, moved("alice", 1), moved("bob", 1))
	next := withFiles(storage.Schema{Name: "boxes", Tables: []storage.Declared{boxes, moves, passes}})
	next.Files.(fstest.MapFS)["migrations/postgres/0002_opened.up.sql"] = &fstest.MapFile{Data: []byte(
		"-- +goose NO TRANSACTION\n-- +goose Up\ncreate index concurrently if not exists test_box_opened on scrmkit.test_box (opened);\n")}
	next.Files.(fstest.MapFS)["migrations/postgres/0003_note.up.sql"] = &fstest.MapFile{Data: []byte(
		"-- +goose Up\nalter table scrmkit.test_box add column note text;\n")}

	// What an interrupted run leaves: an index that is not valid.
	execScript(t, db, "insert into scrmkit.test_box (tenant, member, version, name, total, opened, state) values ('x', 'a', 1, '', 0, now(), '{}'), ('x', 'b', 1, '', 0, now(), '{}')")
	if _, err := db.DB.ExecContext(t.Context(), "create unique index concurrently test_box_opened on scrmkit.test_box (tenant)"); err == nil {
		t.Fatal("the index is not to be built")
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := bunstore.Migrate(t.Context(), db, next); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	valid := texts(t, db, `select indexrelid::regclass || ' ' || indisvalid || ' ' || indisunique from pg_index where indexrelid = 'scrmkit.test_box_opened'::regclass`)
	if diff := cmp.Diff([]string{"scrmkit.test_box_opened true false"}, valid); diff != "" {
		t.Error(diff)
	}
	if applied := texts(t, db, "select context || version from scrmkit.scrmkit_schema where context = 'boxes' order by version"); len(applied) != 3 {
		t.Errorf("files that were run: %v", applied)
	}

	one := openPostgres(t)
	one.DB.SetMaxOpenConns(1)
	if err := bunstore.Migrate(t.Context(), one, next); err == nil || !strings.Contains(err.Error(), "two connections") {
		t.Errorf("a pool of one connection: %v", err)
	}
}

// Files that are misnamed, missing or of two schemas of one name are refused before anything is run.
func TestSchemasThatCannotBe(t *testing.T) {
	db := openSQLite(t)
	named := func(files ...string) storage.Schema {
		s := storage.Schema{Name: "x", Files: fstest.MapFS{}}
		for _, f := range files {
			s.Files.(fstest.MapFS)["migrations/sqlite/"+f] = &fstest.MapFile{Data: []byte("create table x (a);\n")}
		}
		return s
	}
	for what, schemas := range map[string][]storage.Schema{
		"no files": {named()}, "none at all": {{Name: "x"}}, "a name": {named("1_x.up.sql")}, "a gap": {named("0001_x.up.sql", "0003_x.up.sql")},
		"no name": {{}}, "twice": {named("0001_x.up.sql"), named("0001_x.up.sql")}, "a quote": {{Name: "x'y", Files: named("0001_x.up.sql").Files}},
	} {
		if err := bunstore.Migrate(t.Context(), db, schemas...); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if tables := texts(t, db, "select name from sqlite_master"); len(tables) > 0 {
		t.Errorf("there are %v", tables)
	}
}

// A database of before, whose first file was edited after it had been run, is not taken for whole.
func TestAdoptionOfAnotherDatabase(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			files, err := filepath.Glob("flat/" + name + "/*.sql")
			check(t, err)
			for _, path := range files {
				text, err := os.ReadFile(path)
				check(t, err)
				execScript(t, db, string(text))
			}
			of := strings.Repeat("scrmkit.", strings.Count(name, "postgres"))
			execScript(t, db, "alter table "+of+"lead_library drop column source")
			err = bunstore.Migrate(t.Context(), db, schemas.All...)
			var missing *bunstore.SchemaError
			if !errors.As(err, &missing) || !slices.Equal(missing.Missing, []string{"column source of lead_library"}) {
				t.Errorf("error is %v", err)
			}
			check(t, bunstore.Migrate(t.Context(), db, loyalty.Tables))
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

// The tables of both databases have the same columns, in the same order, of the same family and
// nullability. SQLite has no epochs.
func TestMigrationsAgree(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	families := map[string]string{
		"text": "text", "bigint": "integer", "INTEGER": "integer", "timestamp with time zone": "integer", "bytea": "bytes",
		"TEXT": "text", "BLOB": "bytes",
	}
	read := func(db *bun.DB, query string) (found []string) {
		t.Helper()
		newStore(t, db, schemas.All...)
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
		from information_schema.columns where table_schema = 'scrmkit' and table_name <> 'journal_epoch' and table_name not like 'report\_%' order by table_name collate "C", ordinal_position`)
	if diff := cmp.Diff(onPostgres, onSQLite); diff != "" {
		t.Errorf("columns (-Postgres +SQLite):\n%s", diff)
	}
}

type mysql struct{ *sqlitedialect.Dialect }

func (mysql) Name() dialect.Name { return dialect.MySQL }

func TestOtherDialects(t *testing.T) {
	db := openDB(t, "sqlite", ":memory:", mysql{sqlitedialect.New()})
	if _, err := bunstore.New(db, nil); err == nil {
		t.Error("New takes MySQL")
	}
	if err := bunstore.Migrate(t.Context(), db); err == nil {
		t.Error("Migrate takes MySQL")
	}
	if names, err := fs.Glob(bunstore.Migrations(dialect.MySQL, bunstore.Journal), "*"); err != nil || len(names) > 0 {
		t.Error(names, err)
	}
}
