package pgxtx_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore/pgxtx"
)

// BenchmarkJoin loads and saves in a transaction of database/sql and in one of pgx, on the same
// pool.
func BenchmarkJoin(b *testing.B) {
	pool, sqldb := pools(b, pgtest.Bench(b), pgx.QueryExecModeCacheStatement)
	store := migrated(b, sqldb, nil, thingTables)
	work := func(b *testing.B, tx storage.Tx, id string, version int64) error {
		v := thing{ID: id}
		if err := tx.Load(b.Context(), []storage.Look{{Reads: []storage.Read{things.Get(&v)}}}); err != nil {
			return err
		}
		if v.Version != version-1 {
			return fmt.Errorf("%s has version %d before %d", id, v.Version, version)
		}
		return save(b.Context(), tx, saved(id, version))
	}
	b.Run("sql", func(b *testing.B) {
		b.ReportAllocs()
		id, version := fmt.Sprint("sql ", time.Now().UnixNano()), int64(0)
		for b.Loop() {
			version++
			tx, err := sqldb.BeginTx(b.Context(), nil)
			check(b, err)
			check(b, work(b, store.Join(tx), id, version))
			check(b, tx.Commit())
		}
	})
	b.Run("pgx", func(b *testing.B) {
		b.ReportAllocs()
		id, version := fmt.Sprint("pgx ", time.Now().UnixNano()), int64(0)
		for b.Loop() {
			version++
			check(b, pgx.BeginFunc(b.Context(), pool, func(tx pgx.Tx) error { return work(b, pgxtx.Join(store, tx), id, version) }))
		}
	})
}
