package dbtest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/scrmkit/scrmkit/storage"
)

// A Report is a database whose views are read as they are at any instant.
type Report struct {
	DB
	db *bun.DB
}

// A Row is what a view has, by its columns.
type Row map[string]any

// Reports runs f on an empty database of each adapter that has views, and of Citus as Each does.
func Reports(t *testing.T, f func(t *testing.T, r Report)) {
	on := func(t *testing.T, db *bun.DB) { f(t, Report{Of(store(t, db)), db}) }
	t.Run("sqlite", func(t *testing.T) { on(t, sqlite(t, SQLitePath(t))) })
	t.Run("postgres", func(t *testing.T) { on(t, postgres(t, template.DSN(t))) })
	onCitus(t, func(t *testing.T, db *bun.DB, id string) { f(t, Report{Of(tenants{store(t, db), id}.Tenant("")), db}) })
}

// require is what tests and those of rapid have.
type require interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// nowIn is how the views of an adapter say now.
var nowIn = map[dialect.Name]string{
	dialect.PG:     "now()",
	dialect.SQLite: "unixepoch() * 1000000 + substr(strftime('%f', 'now'), 4) * 1000",
}

// Rows returns what a view has of a database at an instant; the zero time: now. Times are
// microseconds since 1970, true is 1 and false 0, and what is missing, 0, false or "" is left out.
func (r Report) Rows(t require, view string, db storage.Tx, at time.Time) (rows []Row) {
	t.Helper()
	from := view
	if r.db.Dialect().Name() == dialect.PG {
		from = "scrmkit." + view
	}
	if !at.IsZero() {
		from = "(" + r.at(t, view, at) + ")"
	}
	return r.query(t, fmt.Sprintf("select v.* from %s v where v.tenant = '%s'", from, db.TenantID()))
}

// at returns the query of a view, and of those that it reads, at an instant.
func (r Report) at(t require, view string, at time.Time) string {
	t.Helper()
	query, instant := "select sql as query from sqlite_master where type = 'view' and name = '%s'", fmt.Sprint(at.UnixMicro())
	if r.db.Dialect().Name() == dialect.PG {
		query, instant = "select pg_get_viewdef('scrmkit.%s'::regclass) as query", "timestamptz '"+at.UTC().Format(time.RFC3339Nano)+"'"
	}
	text := r.query(t, fmt.Sprintf(query, view))[0]["query"].(string)
	if _, body, ok := strings.Cut(text, " as\n"); ok && strings.HasPrefix(text, "CREATE VIEW") {
		text = body
	}
	text = strings.ReplaceAll(strings.TrimSuffix(text, ";"), nowIn[r.db.Dialect().Name()], instant)
	words := strings.Split(text, " ")
	for i, w := range words {
		if name := strings.TrimPrefix(w, "scrmkit."); strings.HasPrefix(name, "report_") && !strings.Contains(name, ".") {
			words[i] = "(" + r.at(t, name, at) + ")"
		}
	}
	return strings.Join(words, " ")
}

func (r Report) query(t require, query string) (all []Row) {
	t.Helper()
	rows, err := r.db.DB.QueryContext(context.Background(), query)
	if err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			to[i] = &values[i]
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatal(err)
		}
		row := Row{}
		for i, c := range columns {
			row[c] = values[i]
		}
		delete(row, "tenant")
		all = append(all, row.plain())
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	return all
}

// plain returns the row as Rows does.
func (row Row) plain() Row {
	plain := Row{}
	for name, value := range row {
		v := reflect.ValueOf(value)
		at, isTime := value.(time.Time)
		switch {
		case value == nil || v.IsZero():
		case isTime:
			plain[name] = at.UnixMicro()
		case v.Kind() == reflect.Bool:
			plain[name] = int64(1)
		case v.CanInt():
			plain[name] = v.Int()
		case v.Kind() == reflect.String:
			plain[name] = v.String()
		default:
			plain[name] = value
		}
	}
	return plain
}

// Same fails where rows are not those that are wanted, in whatever order.
func Same(t require, what string, want, got []Row) {
	t.Helper()
	if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" {
		t.Fatalf("%s (-want +got)\n%s", what, diff)
	}
}

func sorted(rows []Row) []Row {
	plain := make([]Row, len(rows))
	for i, row := range rows {
		plain[i] = row.plain()
	}
	slices.SortFunc(plain, func(a, b Row) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return plain
}
