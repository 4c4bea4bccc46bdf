// Package storagetest is the contract of package storage, as tests that every adapter passes.
//
//	func TestContract(t *testing.T) {
//		storagetest.Run(t, func(t testing.TB) storagetest.Database {
//			db := open(t)
//			return storagetest.Database{DB: db, Tenant: func(id string) storage.DB { return db.Tenant(id) }}
//		})
//	}
//
// The cases are sentences that hold. What they ask of a store they ask in three ways, where the
// adapter has them: plainly, inside InTx, and inside a transaction of the embedder's own.
package storagetest

import (
	"context"
	"testing"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// A Database is an empty database of the adapter under test.
type Database struct {
	DB storage.DB // adapter under test, seen by tenant ""
	// Tenant returns the same database seen by another tenant: no query of it reads or writes a row
	// of any other.
	Tenant func(id string) storage.DB
	// Join runs fn once in a transaction of the embedder's own that DB's adapter has joined, as the
	// tenant of DB. It commits where fn returns nil, and rolls back otherwise. Nil: the adapter has
	// none.
	Join func(ctx context.Context, fn func(ctx context.Context, tx storage.Tx) error) error
}

// Run tests an adapter. Each call of open returns another database, which is closed by the cleanup
// of its t.
func Run(t *testing.T, open func(t testing.TB) Database) {
	t.Run("a save", func(t *testing.T) { saves(suite{t, open}) })
	t.Run("a save of several rows", func(t *testing.T) { atomicity(suite{t, open}) })
	t.Run("a transaction", func(t *testing.T) { transactions(suite{t, open}) })
	t.Run("a store", func(t *testing.T) { stores(suite{t, open}) })
	t.Run("a tenant", func(t *testing.T) { tenants(suite{t, open}) })
	t.Run("the journal", func(t *testing.T) { journals(suite{t, open}) })
	t.Run("rows", func(t *testing.T) { rows(suite{t, open}) })
	t.Run("values", func(t *testing.T) { values(suite{t, open}) })
	t.Run("a random history gives the same answers as on the model", func(t *testing.T) { Compare(t, open) })
}

// Brief runs the cases that show whether a driver, a pooler or a setting of a session changes what
// is written or read: every call of a store on rows of every kind, which must be answered as on the
// model, and odd values.
func Brief(t *testing.T, open func(t testing.TB) Database) {
	s := suite{t, open}
	s.each("answers every call as the model does", func(s *scene) {
		model := memory.New()
		must(s.t, fill(s.t.Context(), model))
		s.do(func(ctx context.Context, tx storage.Tx) { must(s.t, fill(ctx, tx)) })
		for _, calls := range [][]call{reads, writes, reads} {
			for _, c := range calls {
				want, err := c.run(s.t.Context(), model)
				must(s.t, err)
				s.do(func(ctx context.Context, tx storage.Tx) {
					got, err := c.run(ctx, tx)
					must(s.t, err)
					equal(s.t, c.name, got, want)
				})
			}
		}
	})
	s.each("gives odd texts back as they were", func(s *scene) { comeBack(s, oddTexts...) })
	s.each("gives values back to the last bit", rowValues)
	s.each("gives times back in UTC, cut to microseconds", times)
}

type suite struct {
	t    *testing.T
	open func(t testing.TB) Database
}

// once runs a case that chooses its transactions itself.
func (s suite) once(name string, run func(t *testing.T, d Database)) {
	s.t.Run(name, func(t *testing.T) { run(t, s.open(t)) })
}

// each runs a case in each of the three ways.
func (s suite) each(name string, run func(s *scene)) {
	s.t.Run(name, func(t *testing.T) {
		t.Run("plain", func(t *testing.T) {
			d := s.open(t)
			run(&scene{t, func(ctx context.Context, fn work) error { return fn(ctx, d.DB) }})
		})
		t.Run("InTx", func(t *testing.T) {
			d := s.open(t)
			run(&scene{t, func(ctx context.Context, fn work) error { return d.DB.InTx(ctx, fn) }})
		})
		t.Run("Join", func(t *testing.T) {
			d := s.open(t)
			if d.Join == nil {
				t.Skip("the adapter joins no transactions")
			}
			run(&scene{t, func(ctx context.Context, fn work) error { return d.Join(ctx, fn) }})
		})
	})
}

type work = func(ctx context.Context, tx storage.Tx) error

// A scene is one way to reach the stores.
type scene struct {
	t    *testing.T
	unit func(ctx context.Context, fn work) error
}

// do runs fn as one unit of work, which must come to its end.
func (s *scene) do(fn func(ctx context.Context, tx storage.Tx)) {
	s.t.Helper()
	err := s.unit(s.t.Context(), func(ctx context.Context, tx storage.Tx) error {
		fn(ctx, tx)
		return nil
	})
	must(s.t, err)
}
