package main

import (
	"errors"
	"io"
	"log"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/scrmkit/scrmkit/examples/internal/database"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	every "github.com/scrmkit/scrmkit/internal/schemas"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
)

// After each tool the database is as Migrate leaves it, with the tables of any package, and both know
// so.
func TestTools(t *testing.T) {
	few := schemas
	t.Cleanup(func() { schemas = few })
	schemas = append([]storage.Schema{bunstore.Journal}, every.All...)
	for tool := range tools {
		for name, fresh := range map[string]func(t *testing.T) string{
			"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "scrmkit.db") },
			"postgres": func(t *testing.T) string { return pgtest.DSN(t) },
		} {
			t.Run(tool+"/"+name, func(t *testing.T) {
				dsn := fresh(t)
				args := []string{"-tool", tool, "-db", dsn}
				var out strings.Builder
				check(t, run(t.Context(), args, &out, io.Discard))
				for _, s := range schemas {
					if !strings.Contains(out.String(), s.Name+": ") {
						t.Errorf("schema %s was not run:\n%s", s.Name, &out)
					}
				}
				db := connect(t, dsn)
				check(t, bunstore.Validate(t.Context(), db, schemas...))
				made := state(t, db)
				check(t, bunstore.Migrate(t.Context(), db, schemas...))
				if now := state(t, db); !slices.Equal(made, now) {
					t.Errorf("Migrate made\n%s\nof\n%s", strings.Join(now, "\n"), strings.Join(made, "\n"))
				}
				use(t, db)

				out.Reset()
				check(t, run(t.Context(), args, &out, io.Discard))
				if now := state(t, db); out.Len() > 0 || !slices.Equal(made, now) {
					t.Errorf("the second run: %s\n%s", &out, strings.Join(now, "\n"))
				}
			})
		}
	}
}

// use earns points and gives stamps.
func use(t *testing.T, db *bun.DB) {
	t.Helper()
	store, err := bunstore.New(db, nil)
	check(t, err)
	points, cards := loyalty.New(store, nil), stamps.New(store, nil)
	_, err = points.Publish(t.Context(), loyalty.Definition{
		ID: "club", Version: 1, Name: "A point a yuan", Zone: "Asia/Shanghai", Money: "CNY",
		Currencies: []loyalty.Currency{{ID: "points"}},
		Rules:      []loyalty.Rule{{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}}},
	})
	check(t, err)
	earned, err := points.Earn(t.Context(), loyalty.Earn{
		Account: loyalty.AccountID{Program: "club", Member: "alice"}, Key: "order-1",
		Event: loyalty.Event{Purchase: &loyalty.Purchase{Currency: "CNY", Lines: []loyalty.Line{{ID: "1", Gross: 12_900}}}},
	})
	check(t, err)
	if n := earned.Moves[0].Balance.Available; n != 129 {
		t.Errorf("%d points", n)
	}
	_, err = cards.Publish(t.Context(), stamps.Definition{
		ID: "coffee", Version: 1, Name: "Every tenth coffee is free", Zone: "Asia/Shanghai",
		Card: &stamps.CardDefinition{
			Size:    10,
			Rewards: []stamps.Reward{{ID: "coffee", Name: "A free coffee", At: 10}},
			Earn:    stamps.Earn{Per: stamps.PerVisit}, PastEnd: stamps.Carry, UsedCoupon: stamps.Refuse,
		},
	})
	check(t, err)
	stamped, err := cards.Add(t.Context(), stamps.Add{Card: stamps.CardID{Program: "coffee", Member: "alice"}, Key: "visit-1"})
	check(t, err)
	if n := stamped.Card.Count; n != 1 {
		t.Errorf("%d stamps", n)
	}
}

type note struct{ ID, Author string }

// notes declares the table of notes.
func notes() *storage.Table[note] {
	return storage.NewTable("test_note", func(c *storage.Columns, n *note) {
		storage.Text(c, "id", &n.ID)
		c.Key()
		storage.Text(c, "author", &n.Author)
	})
}

// A release that adds an index to a table in use has a file that no transaction can run. Such a file
// does not record itself; Migrate does so when it is next run.
func TestIndexWithoutALock(t *testing.T) {
	for tool, up := range tools {
		t.Run(tool, func(t *testing.T) {
			dsn := pgtest.DSN(t)
			release := func(s storage.Schema) (ran string) {
				var out strings.Builder
				check(t, up(t.Context(), connect(t, dsn), s, log.New(&out, "", 0)))
				return out.String()
			}
			first := storage.Schema{Name: "notes", Tables: []storage.Declared{notes()}}
			script := bunstore.Script(dialect.PG, first)
			first.Files = fstest.MapFS{"migrations/postgres/0001_tables.up.sql": {Data: []byte(script)}}
			release(bunstore.Journal)
			release(first)

			byAuthor := notes()
			byAuthor.Index("author", "author")
			next := storage.Schema{Name: "notes", Tables: []storage.Declared{byAuthor}, Files: fstest.MapFS{
				"migrations/postgres/0001_tables.up.sql": {Data: []byte(script)},
				"migrations/postgres/0002_author.up.sql": {Data: []byte("-- +goose NO TRANSACTION\n-- +goose Up\n" +
					"create index concurrently if not exists test_note_author on scrmkit.test_note ((tenant || ''), author, id);\n")},
			}}
			db := connect(t, dsn)
			var lacks *bunstore.SchemaError
			err := bunstore.Validate(t.Context(), db, next)
			if !errors.As(err, &lacks) || !slices.Equal(lacks.Missing, []string{"index test_note_author of test_note"}) {
				t.Errorf("before the file was run: %v", err)
			}
			if ran := release(next); !strings.Contains(ran, "author") {
				t.Errorf("the tool ran %q", ran)
			}
			check(t, bunstore.Validate(t.Context(), db, next))
			check(t, bunstore.Migrate(t.Context(), db, next))
			if now := state(t, db); !slices.ContainsFunc(now, func(s string) bool { return strings.HasPrefix(s, "notes 2 author ") }) {
				t.Errorf("Migrate did not record the file:\n%s", strings.Join(now, "\n"))
			}
			check(t, bunstore.Validate(t.Context(), db, next))
			if ran := release(next); ran != "" {
				t.Errorf("the tool ran %q once more", ran)
			}
		})
	}
}

func TestCommandLines(t *testing.T) {
	for want, args := range map[string][]string{
		"-tool is neither goose nor golang-migrate":  {"-tool", "flyway", "-db", "sqlite:x"},
		"-db is neither sqlite:PATH nor postgres://": {"-db", "memory"},
	} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil || err.Error() != want {
			t.Errorf("%q: error is %v, want %s", args, err, want)
		}
	}
}

// state returns what a database has and what was recorded of it, so that tables that were made
// anew, and files that were recorded anew, are others.
func state(t *testing.T, db *bun.DB) (all []string) {
	t.Helper()
	record := "select context || ' ' || version || ' ' || name || ' ' || checksum || ' ' || applied from "
	query := "select type || ' ' || name || ' ' || rootpage from sqlite_master union all " + record + "scrmkit_schema order by 1"
	if db.Dialect().Name() == dialect.PG {
		query = "select relkind::text || ' ' || relname || ' ' || oid from pg_class where relnamespace = 'scrmkit'::regnamespace union all " +
			record + "scrmkit.scrmkit_schema order by 1"
	}
	check(t, db.NewRaw(query).Scan(t.Context(), &all))
	return all
}

func connect(t *testing.T, dsn string) *bun.DB {
	t.Helper()
	db, err := database.Connect(dsn)
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	return db
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
