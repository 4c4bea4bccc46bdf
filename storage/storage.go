package storage

import (
	"context"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/tripwire"
	"github.com/scrmkit/scrmkit/storage/journal"
)

var (
	// ErrOutsideTx: a store of the database was used with the context of a unit of work that it is
	// no part of. Use the Tx that InTx gave. Nothing was stored.
	ErrOutsideTx = tripwire.ErrOutsideTx
	// ErrRetry: the database asks for the whole transaction to be run again (a serialization
	// failure, a deadlock, a busy SQLite file, a connection that ended). InTx does so by itself; the
	// owner of a joined transaction rolls back and decides: Retry runs it again.
	ErrRetry = errs.New(errs.TryAgain, "storage: the transaction must be rolled back and run again")
)

// A Tx is a unit of work: what engines stand on. Outside InTx and Join each Save is a unit of its
// own.
type Tx interface {
	Store
	// Journal returns the journal, to read it.
	Journal() journal.Store
}

// A DB is a database, seen by one tenant. It is safe for concurrent use.
type DB interface {
	Tx
	// InTx runs fn in a transaction: committed where fn returns nil, rolled back where it returns an
	// error or panics. fn may run more than once (at most 5 times), so it must leave nothing behind
	// but what it stores through tx. It must use the context it is given; within that context the
	// DB itself returns ErrOutsideTx, and so does another InTx. The error is fn's, or the
	// database's; ErrRetry where the last run had to be given up too.
	InTx(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error
}
