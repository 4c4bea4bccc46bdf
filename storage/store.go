package storage

import (
	"context"
	"iter"
)

// A Store keeps the rows of one tenant. It is safe for concurrent use.
type Store interface {
	// TenantID returns the tenant whose rows the store keeps. Engines bind what they seal or hash to
	// it.
	TenantID() string
	// Load does the reads of each Look, and sets its Entry. Those of one Look are of one moment on
	// Postgres and in memory. On SQLite, outside of a transaction, its rows are read in the order
	// of Reads, so that what is saved after its root was read meets a conflict.
	Load(ctx context.Context, looks []Look) error
	// Save stores each change, all of it or nothing of it, and returns an error a change, nil where
	// it was stored. In which order they are stored is open: no two are of one root, and none rests
	// on what another one writes.
	//
	// journal.ErrConflict: the stored version of a root is not the one before its own, a row to
	// insert or to be absent is there, or a place in a unique index is taken by a row that the
	// change does not move. journal.ErrDuplicate: a key of Entries was used before. ErrBound, where
	// nothing else keeps the change from being stored: see Table.AddWithin. After each of them, an
	// enclosing transaction is still usable. The second error is the database's: nothing is known
	// of the outcome, and the keys make a retry safe.
	Save(ctx context.Context, changes []Change) ([]error, error)
	// Prune deletes the rows of a range, at most as many as its limit, and returns how many those
	// were. It asks for no version, and leaves a row that is moved out of the range meanwhile.
	Prune(ctx context.Context, q Query) (int64, error)
	// List yields the readable columns of the rows of a range, in the order of its index. What it
	// yields is of use until the next one.
	List(ctx context.Context, q Query) iter.Seq2[[]Value, error]
}
