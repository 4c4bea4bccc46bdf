package bunstore_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/internal/schemas"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage"
)

// views returns the views of a database, each with its columns.
func views(t testing.TB, db *bun.DB) map[string][]string {
	t.Helper()
	query := `select m.name || '.' || c.name from sqlite_master m, pragma_table_info(m.name) c where m.type = 'view' order by m.name, c.cid`
	if db.Dialect().Name() == dialect.PG {
		query = `select 'scrmkit.' || c.relname || '.' || a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid
			where c.relnamespace = 'scrmkit'::regnamespace and c.relkind = 'v' order by c.relname, a.attnum`
	}
	found := map[string][]string{}
	for _, name := range texts(t, db, query) {
		i := strings.LastIndex(name, ".")
		found[name[:i]] = append(found[name[:i]], name[i+1:])
	}
	return found
}

// Views are named as reports, have the tenant first, answer whatever is in the tables, are the same
// after a migration that adds a column to each of those, and the same on each database.
func TestViews(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	columns := map[string]map[string][]string{}
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			newStore(t, db, schemas.All...)
			before := views(t, db)
			if len(before) != 13 {
				t.Errorf("%d views", len(before))
			}
			answer := func(when string) {
				for view, columns := range before {
					if !strings.HasPrefix(strings.TrimPrefix(view, "scrmkit."), "report_") || columns[0] != "tenant" {
						t.Errorf("view %s has columns %v", view, columns)
					}
					rows, err := db.DB.QueryContext(t.Context(), "select * from "+view)
					if err == nil {
						for rows.Next() { // all of them are worked out
						}
						err = errors.Join(rows.Err(), rows.Close())
					}
					if err != nil {
						t.Errorf("%s, %s: %v", when, view, err)
					}
				}
			}
			answer("empty")
			for i, state := range []string{`{}`, `{"$format":2,"holdings":7,"settings":"x","fields":[],"created":"long ago"}`, `{"$format":2,"$value":[7]}`} {
				for _, table := range tablesOf(schemas.All...) {
					execScript(t, db, insertion(db, table.Def(), fmt.Sprint("v", i), state))
				}
				answer(state)
			}
			for _, table := range tablesOf(schemas.All...) {
				execScript(t, db, "alter table "+schemaOf(db)+table.Def().Name+" add column later integer")
			}
			answer("with later columns")
			if diff := cmp.Diff(before, views(t, db)); diff != "" {
				t.Errorf("later columns of tables change views (-before +after)\n%s", diff)
			}
			columns[name] = map[string][]string{}
			for view, all := range before {
				columns[name][strings.TrimPrefix(view, "scrmkit.")] = all
			}
		})
	}
	if diff := cmp.Diff(columns["postgres"], columns["sqlite"]); diff != "" {
		t.Errorf("views (-Postgres +SQLite)\n%s", diff)
	}
}

func schemaOf(db *bun.DB) string {
	if db.Dialect().Name() == dialect.PG {
		return "scrmkit."
	}
	return ""
}

// insertion inserts a row with a text in each column of texts, and a state.
func insertion(db *bun.DB, d *storage.Def, text, state string) string {
	at, hash := "1", "x'"+fmt.Sprintf("%x", text)+"'"
	if db.Dialect().Name() == dialect.PG {
		at, hash = "now()", `'\x`+fmt.Sprintf("%x", text)+"'"
	}
	columns, values := []string{"tenant"}, []string{"'t'"}
	for _, c := range d.Columns {
		columns = append(columns, c.Name)
		values = append(values, map[storage.Kind]string{
			storage.KindText: "'" + text + "'", storage.KindInt: "1", storage.KindTime: at, storage.KindBytes: hash, storage.KindJSON: "'" + state + "'",
		}[c.Kind])
	}
	for _, x := range d.Indexes {
		if x.Unique && d.Columns[x.Sparse.Column].Kind == storage.KindInt {
			values[1+x.Sparse.Column] = "0" // the row has no place in it
		}
	}
	return "insert into " + schemaOf(db) + d.Name + " (" + strings.Join(columns, ", ") + ") values (" + strings.Join(values, ", ") + ")"
}

// On Postgres each view says what it is, and a role that may read views, and nothing else, reads
// them.
func TestViewsOfARole(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	db := openPostgres(t)
	newStore(t, db, schemas.All...)
	for _, view := range texts(t, db, `select relname from pg_class where relnamespace = 'scrmkit'::regnamespace and relkind = 'v' and obj_description(oid) is null`) {
		t.Errorf("view %s has no comment", view)
	}
	conn, err := db.DB.Conn(t.Context())
	check(t, err)
	defer conn.Close()
	exec := func(query string) error {
		_, err := conn.ExecContext(t.Context(), query)
		return err
	}
	check(t, exec("begin")) // roles are of the whole server, and this one is rolled back
	check(t, exec("create role scrmkit_analyst"))
	check(t, exec("grant usage on schema scrmkit to scrmkit_analyst"))
	all := views(t, db)
	for view := range all {
		check(t, exec("grant select on "+view+" to scrmkit_analyst"))
	}
	check(t, exec("set local role scrmkit_analyst"))
	for view := range all {
		check(t, exec("select * from "+view))
	}
	for _, table := range tablesOf(schemas.All...) {
		check(t, exec("savepoint s"))
		if err := exec("select * from scrmkit." + table.Def().Name); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("the role reads %s: %v", table.Def().Name, err)
		}
		check(t, exec("rollback to s"))
	}
	check(t, exec("rollback"))
}

// The query of README.md gives what it says.
func TestQueryOfAnAnalyst(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	check(t, err)
	_, rest, _ := strings.Cut(string(readme), "```sql\n")
	query, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("README.md has no query")
	}
	db := openPostgres(t)
	points := loyalty.New(newStore(t, db, loyalty.Tables).Tenant("acme"), nil)
	_, err = points.Publish(t.Context(), loyalty.Definition{ID: "club", Version: 1, Zone: "UTC", Currencies: []loyalty.Currency{{ID: "points"}}})
	check(t, err)
	soon := time.Now().UTC().AddDate(0, 0, 10)
	for key, to := range map[string]time.Time{"soon": soon, "later": soon.AddDate(1, 0, 0), "never": {}} {
		for _, m := range []ids.Member{"alice", "bob"} {
			_, err = points.Adjust(t.Context(), loyalty.Adjust{
				Account: loyalty.AccountID{Program: "club", Member: m}, N: 7, To: to, Reason: "welcome", Key: key,
			})
			check(t, err)
		}
	}
	var month time.Time
	var sum, members int64
	check(t, db.DB.QueryRowContext(t.Context(), query).Scan(&month, &sum, &members))
	if month.UTC() != time.Date(soon.Year(), soon.Month(), 1, 0, 0, 0, 0, time.UTC) || sum != 14 || members != 2 {
		t.Errorf("%d points of %d members end in %s", sum, members, month)
	}
}

// A view of one tenant and the first thing after it, such as a member, is read along the primary
// keys.
func walkViews(t *testing.T, db *bun.DB) {
	t.Helper()
	for view, columns := range views(t, db) {
		explain, scan := "explain query plan ", "SCAN "
		if db.Dialect().Name() == dialect.PG {
			explain, scan = "explain ", "Seq Scan on "
		}
		rows, err := db.DB.QueryContext(t.Context(), explain+"select * from "+view+" where tenant = 'large' and "+columns[1]+" = 'v7'")
		check(t, err)
		var plan []string
		for rows.Next() {
			line, id := "", 0
			if scan == "SCAN " {
				check(t, rows.Scan(&id, &id, &id, &line))
			} else {
				check(t, rows.Scan(&line))
			}
			plan = append(plan, line)
		}
		check(t, rows.Close())
		whole := func(line string) bool {
			return strings.Contains(line, scan) && !strings.Contains(line, "VIRTUAL TABLE") && !strings.Contains(line, "(subquery") && !strings.Contains(line, "report_")
		}
		if slices.ContainsFunc(plan, whole) || !strings.Contains(strings.Join(plan, "\n"), "tenant") {
			t.Errorf("%s:\n%s", view, strings.Join(plan, "\n"))
		}
	}
}

func TestViewsWalkKeys(t *testing.T) {
	db := openSQLite(t)
	newStore(t, db, schemas.All...)
	walkViews(t, db)
}
