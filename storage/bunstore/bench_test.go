package bunstore_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
)

// BenchmarkSave moves boxes, each with a move and an entry, in batches on a connection each. An
// operation is a change.
func BenchmarkSave(b *testing.B) {
	open := map[string]func(testing.TB) *bun.DB{
		"sqlite": func(t testing.TB) *bun.DB {
			return openDB(t, "sqlite", sqliteDSN(t, "FULL"), sqlitedialect.New())
		},
		"postgres": func(t testing.TB) *bun.DB { return openDB(t, "pgx", pgtest.Bench(t), pgdialect.New()) },
	}
	for _, name := range []string{"sqlite", "postgres"} {
		for _, size := range []int{1, 32} {
			b.Run(fmt.Sprintf("%s/batch=%d", name, size), func(b *testing.B) {
				benchmarkSave(b, boxStore(b, open[name](b)), size)
			})
		}
	}
}

func benchmarkSave(b *testing.B, store *bunstore.DB, size int) {
	const cards = 4096
	var callers atomic.Int64
	run := fmt.Sprint(time.Now().UnixNano())
	b.RunParallel(func(pb *testing.PB) {
		caller := callers.Add(1)
		batch := make([]storage.Change, 0, size)
		for n := 0; pb.Next(); n++ {
			member := fmt.Sprintf("%s-%d-%d", run, caller, n%cards)
			if batch = append(batch, moved(member, int64(n/cards+1))); len(batch) < size {
				continue
			}
			save(b, store, batch...)
			batch = batch[:0]
		}
	})
}

// BenchmarkSaveBesideFloor saves changes one by one, each beside the same writes as one prepared statement that checks
// nothing: the least that they can cost with this driver on this server. floor/save is the ratio of the medians.
func BenchmarkSaveBesideFloor(b *testing.B) {
	db := openDB(b, "pgx", pgtest.Bench(b), pgdialect.New())
	store := boxStore(b, db)
	floor, err := db.DB.PrepareContext(b.Context(), floorStatement)
	check(b, err)
	const cards = 1024
	run := fmt.Sprint(time.Now().UnixNano())
	for n := range cards {
		save(b, store, moved(fmt.Sprintf("%s-%d", run, n), 1), moved(fmt.Sprintf("%s-floor-%d", run, n), 1))
	}
	_, err = db.DB.ExecContext(b.Context(), "analyze")
	check(b, err)
	var onFloor, saved []time.Duration
	for n := 0; b.Loop(); n++ {
		version := int64(n/cards + 2)
		change := moved(fmt.Sprintf("%s-%d", run, n%cards), version)
		member := fmt.Sprintf("%s-floor-%d", run, n%cards)
		entry := movedEntry(member, version)
		began := time.Now()
		_, err := floor.ExecContext(b.Context(), version, member, "Alice", version, start, nil,
			`{"a":1772352000000000,"q":1,"z":1772352060000000}`, entry.At, "north", "manager", "code",
			entry.Subject, entry.Key, entry.Kind, entry.Input, string(entry.Result))
		between := time.Now()
		save(b, store, change)
		saved = append(saved, time.Since(between))
		onFloor = append(onFloor, between.Sub(began))
		check(b, err)
	}
	slices.Sort(onFloor)
	slices.Sort(saved)
	half := len(saved) / 2
	b.ReportMetric(float64(onFloor[half].Nanoseconds())/float64(saved[half].Nanoseconds()), "floor/save")
	b.ReportMetric(float64(saved[half].Microseconds()), "save-µs")
}

const floorStatement = `with c as (
	update scrmkit.test_box set version = $1::bigint, name = $3, total = $4, opened = $5, expires = $6, state = $7
	where tenant = '' and member = $2 and version = $1::bigint - 1
), r as (
	insert into scrmkit.test_move (tenant, member, seq, n, at, shop, actor, via, name, name_key)
	values ('', $2, $1, 1, $8, $9, $10, $11, $3, 'alice')
)
insert into scrmkit.journal_entry (tenant, subject, key, seq, kind, at, actor, input, before, result)
values ('', $12, $13, $1, $14, $8, $10, $15, '', $16)`
