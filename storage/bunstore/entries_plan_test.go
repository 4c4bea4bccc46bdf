package bunstore_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/scrmkit/scrmkit/internal/race"
	"github.com/scrmkit/scrmkit/storage/storagetest"
)

var parameter = regexp.MustCompile(`\?\d+`)

// TestEntriesAreFoundByTheirSubject: no statement that names a subject has SQLite read all entries of
// the tenant.
func TestEntriesAreFoundByTheirSubject(t *testing.T) {
	race.Skip(t, "it is a test of one goroutine")
	db, s := spied["sqlite"](t)
	all := reused{outer: t, open: func(testing.TB) *bun.DB { return db }}
	storagetest.Brief(t, func(t testing.TB) storagetest.Database {
		db := all.get(t)
		return database(db, newStore(t, db, tested...))
	})
	n := 0
	for _, query := range slices.Collect(maps.Keys(s.sent)) {
		if !strings.Contains(query, "journal_entry") || !strings.Contains(query, "subject || ''") || strings.Contains(query, "create index") {
			continue
		}
		rows, err := db.DB.QueryContext(t.Context(), "explain query plan "+parameter.ReplaceAllString(query, "'x'"))
		if err != nil {
			t.Errorf("%v\n%s", err, query)
			continue
		}
		for rows.Next() {
			var step string
			check(t, rows.Scan(new(int), new(int), new(int), &step))
			if n++; strings.HasPrefix(step, "SCAN journal_entry") || strings.Contains(step, "INDEX journal_entry_seq (<expr>=?)") {
				t.Errorf("%s\n%s", step, query)
			}
		}
		check(t, rows.Err())
	}
	if n == 0 {
		t.Error("there are no plans")
	}
}
