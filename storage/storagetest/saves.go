package storagetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A writer writes rows of one kind, each under a version, so that what holds for every Save can be asked of each.
type writer struct {
	name string
	// save stores a row that was loaded with that version, 0 where it is new, and an entry with the key.
	save func(ctx context.Context, tx storage.Tx, id string, loaded int64, key string) error
	// version returns what is stored, 0 where nothing is.
	version func(ctx context.Context, tx storage.Tx, id string) (int64, error)
}

func (w writer) subject(id string) string { return journal.Subject(w.name, id) }

func (w writer) entries(id string, loaded int64, key string) []journal.Entry {
	return []journal.Entry{entry(w.subject(id), key, loaded+1)}
}

var writers = []writer{rootWriter, guestWriter, pairWriter, tokenWriter}

var rootWriter = writer{
	name: "root",
	save: func(ctx context.Context, tx storage.Tx, id string, loaded int64, key string) error {
		r, k := oneRoot(id, loaded+1), oneChild(id, 1)
		return one(tx.Save(ctx, []storage.Change{{
			Rows: []storage.Row{roots.Save(&r), children.Put(&k)}, Entries: writer{name: "root"}.entries(id, loaded, key),
		}}))
	},
	version: func(ctx context.Context, tx storage.Tx, id string) (int64, error) {
		r := root{ID: id}
		err := tx.Load(ctx, []storage.Look{{Reads: []storage.Read{roots.Get(&r)}}})
		return r.Version, err
	},
}

var guestWriter = writer{
	name: "guest",
	save: func(ctx context.Context, tx storage.Tx, id string, loaded int64, key string) error {
		g := guest{id, loaded + 1, "of " + id, int(loaded)}
		return one(tx.Save(ctx, []storage.Change{{Rows: []storage.Row{guests.Save(&g)}, Entries: writer{name: "guest"}.entries(id, loaded, key)}}))
	},
	version: func(ctx context.Context, tx storage.Tx, id string) (int64, error) {
		g := guest{Name: id}
		err := tx.Load(ctx, []storage.Look{{Reads: []storage.Read{guests.Get(&g)}}})
		return g.Version, err
	},
}

// A pair is two roots, of two tables, with rows of others and a number that is added to.
var pairWriter = writer{
	name: "pair",
	save: func(ctx context.Context, tx storage.Tx, id string, loaded int64, key string) error {
		r, g, k, s := oneRoot("pair "+id, loaded+1), guest{"pair " + id, loaded + 1, "", 0}, oneChild("pair "+id, loaded), stock{"pair " + id, 1, 1}
		return one(tx.Save(ctx, []storage.Change{{
			Rows:    []storage.Row{stocks.AddWithin(&s, math.MaxInt32), guests.Save(&g), children.Put(&k), roots.Save(&r)},
			Entries: writer{name: "pair"}.entries(id, loaded, key),
		}}))
	},
	version: func(ctx context.Context, tx storage.Tx, id string) (int64, error) {
		r, g, s := root{ID: "pair " + id}, guest{Name: "pair " + id}, stock{Shelf: "pair " + id, Thing: 1}
		err := tx.Load(ctx, []storage.Look{{Reads: []storage.Read{roots.Get(&r), guests.Get(&g), stocks.Get(&s)}}})
		if err == nil && (r.Version != g.Version || r.Version != s.N) {
			err = fmt.Errorf("half of a change was stored: %v, %v, %v", r, g, s)
		}
		return r.Version, err
	},
}

// A token is new under the version of its root, and changes under its own.
var tokenWriter = writer{
	name: "token",
	save: func(ctx context.Context, tx storage.Tx, id string, loaded int64, key string) error {
		t := token{Root: "of " + id, Hash: []byte{1}, Version: loaded + 1}
		rows := []storage.Row{tokens.Save(&t)}
		if loaded == 0 {
			r := oneRoot(t.Root, 1)
			rows = []storage.Row{roots.Save(&r), tokens.Put(&t)}
		}
		return one(tx.Save(ctx, []storage.Change{{Rows: rows, Entries: writer{name: "token"}.entries(id, loaded, key)}}))
	},
	version: func(ctx context.Context, tx storage.Tx, id string) (int64, error) {
		t := token{Root: "of " + id, Hash: []byte{1}}
		err := tx.Load(ctx, []storage.Look{{Reads: []storage.Read{tokens.Get(&t)}}})
		return t.Version, err
	},
}

// holds fails where the row has another version, or its journal another number of entries.
func (w writer) holds(ctx context.Context, t testing.TB, tx storage.Tx, id string, version int64, entries int) {
	t.Helper()
	got, err := w.version(ctx, tx, id)
	must(t, err)
	equal(t, w.name+" "+id+": version", got, version)
	equal(t, w.name+" "+id+": entries", len(list(t, tx.Journal().Of(ctx, w.subject(id)))), entries)
}

func saves(s suite) {
	for _, w := range writers {
		s.t.Run(w.name, func(t *testing.T) { savesOf(suite{t, s.open}, w) })
	}
}

func savesOf(s suite, w writer) {
	s.each("stores a row that is new, and then the next version of it", func(s *scene) {
		s.do(func(ctx context.Context, tx storage.Tx) {
			w.holds(ctx, s.t, tx, "a", 0, 0)
			must(s.t, w.save(ctx, tx, "a", 0, "k1"))
			w.holds(ctx, s.t, tx, "a", 1, 1)
			must(s.t, w.save(ctx, tx, "a", 1, "k2"))
		})
		s.do(func(ctx context.Context, tx storage.Tx) { w.holds(ctx, s.t, tx, "a", 2, 2) })
	})
	s.each("that meets another version stores nothing", func(s *scene) {
		s.do(func(ctx context.Context, tx storage.Tx) {
			must(s.t, w.save(ctx, tx, "a", 0, "k1"))
			must(s.t, w.save(ctx, tx, "a", 1, "k2"))
			isError(s.t, "new again", w.save(ctx, tx, "a", 0, "k3"), journal.ErrConflict)
			isError(s.t, "an old version", w.save(ctx, tx, "a", 1, "k4"), journal.ErrConflict)
			isError(s.t, "a version to come", w.save(ctx, tx, "a", 3, "k5"), journal.ErrConflict)
			isError(s.t, "a row that is not there", w.save(ctx, tx, "b", 1, "k6"), journal.ErrConflict)
		})
		s.do(func(ctx context.Context, tx storage.Tx) {
			w.holds(ctx, s.t, tx, "a", 2, 2)
			w.holds(ctx, s.t, tx, "b", 0, 0)
		})
	})
	s.each("with a key that was used before stores nothing", func(s *scene) {
		s.do(func(ctx context.Context, tx storage.Tx) {
			must(s.t, w.save(ctx, tx, "a", 0, "k1"))
			isError(s.t, "the next version", w.save(ctx, tx, "a", 1, "k1"), journal.ErrDuplicate)
			isError(s.t, "an old version too", w.save(ctx, tx, "a", 0, "k1"), journal.ErrDuplicate)
			must(s.t, w.save(ctx, tx, "b", 0, "k1"))
		})
		s.do(func(ctx context.Context, tx storage.Tx) {
			w.holds(ctx, s.t, tx, "a", 1, 1)
			w.holds(ctx, s.t, tx, "b", 1, 1)
		})
	})
	s.each("that is refused leaves its transaction usable", refusedSave(w))
	s.once("of one row by many at once has one winner for each version", manyAtOnce(w, plainly))
	s.once("of one row by many transactions at once has one winner for each version", manyAtOnce(w, inTx))
	s.once("of one key by many at once is stored once", oneKeyAtOnce(w))
}

// Rule 2: a conflict and a used key are answers, and the transaction around them commits what else it did.
func refusedSave(w writer) func(s *scene) {
	return func(s *scene) {
		s.do(func(ctx context.Context, tx storage.Tx) {
			must(s.t, w.save(ctx, tx, "a", 0, "k1"))
			isError(s.t, "conflict", w.save(ctx, tx, "a", 7, "k2"), journal.ErrConflict)
			for _, other := range writers {
				must(s.t, other.save(ctx, tx, "after conflict", 0, "k1"))
			}
			isError(s.t, "duplicate", w.save(ctx, tx, "a", 1, "k1"), journal.ErrDuplicate)
			for _, other := range writers {
				must(s.t, other.save(ctx, tx, "after duplicate", 0, "k2"))
			}
			must(s.t, w.save(ctx, tx, "a", 1, "k2"))
		})
		s.do(func(ctx context.Context, tx storage.Tx) {
			w.holds(ctx, s.t, tx, "a", 2, 2)
			w.holds(ctx, s.t, tx, "after conflict", 1, 1)
			w.holds(ctx, s.t, tx, "after duplicate", 1, 1)
		})
	}
}

func plainly(ctx context.Context, db storage.DB, fn work) error { return fn(ctx, db) }

func inTx(ctx context.Context, db storage.DB, fn work) error { return db.InTx(ctx, fn) }

// Rule 1: load, decide, save, and again after a conflict, is all that a correct count needs.
func manyAtOnce(w writer, run func(context.Context, storage.DB, work) error) func(*testing.T, Database) {
	const racers, each = 16, 5
	return func(t *testing.T, d Database) {
		ctx := t.Context()
		must(t, w.save(ctx, d.DB, "a", 0, "new"))
		var wg sync.WaitGroup
		for r := range racers {
			wg.Go(func() {
				for n := range each {
					if err := increment(ctx, d.DB, w, run, fmt.Sprintf("racer %d, %d", r, n)); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		w.holds(ctx, t, d.DB, "a", racers*each+1, racers*each+1)
	}
}

func increment(ctx context.Context, db storage.DB, w writer, run func(context.Context, storage.DB, work) error, key string) error {
	for {
		err := run(ctx, db, func(ctx context.Context, tx storage.Tx) error {
			loaded, err := w.version(ctx, tx, "a")
			if err != nil {
				return err
			}
			return w.save(ctx, tx, "a", loaded, key)
		})
		if !errors.Is(err, journal.ErrConflict) && !errors.Is(err, storage.ErrRetry) {
			return err
		}
	}
}

func oneKeyAtOnce(w writer) func(*testing.T, Database) {
	const racers = 16
	return func(t *testing.T, d Database) {
		ctx := t.Context()
		must(t, w.save(ctx, d.DB, "a", 0, "new"))
		stored := make(chan bool, racers)
		var wg sync.WaitGroup
		for range racers {
			wg.Go(func() {
				err := increment(ctx, d.DB, w, plainly, "key")
				if err != nil && !errors.Is(err, journal.ErrDuplicate) {
					t.Error(err)
				}
				stored <- err == nil
			})
		}
		wg.Wait()
		close(stored)
		winners := 0
		for won := range stored {
			if won {
				winners++
			}
		}
		equal(t, "winners", winners, 1)
		w.holds(ctx, t, d.DB, "a", 2, 2)
	}
}
