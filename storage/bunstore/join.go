package bunstore

import (
	"database/sql"

	"github.com/scrmkit/scrmkit/storage"
)

// A Tx is a transaction of the database, seen by one tenant: what [DB.Join] returns, and what
// [DB.InTx] gives to its function. It implements [storage.Tx]. It is good until the transaction
// ends.
type Tx struct{ unit }

var _ storage.Tx = Tx{}

// Join returns a transaction of the caller's, which must be of the same database and stays the
// caller's to commit or to roll back: a [bun.Tx] has it as its field Tx. Each Save is atomic by
// itself there, and leaves the transaction usable after ErrConflict and ErrDuplicate. Nothing is run
// again: where the database asks for that, the error wraps [storage.ErrRetry], and [storage.Retry]
// runs the whole transaction again.
//
// On SQLite a joined transaction should begin with a write, and is not behind the lock of the DB.
func (d *DB) Join(tx *sql.Tx) Tx { return Tx{d.join(transaction{Conn: sqlTx{tx}, sql: tx})} }

// JoinConn is Join for a transaction of a driver that is not used through database/sql. What it
// returns is no [Tx], for what is behind c is not of database/sql; it is for one goroutine at a
// time, as c is.
func (d *DB) JoinConn(c Conn) storage.Tx { return d.join(transaction{Conn: c}) }

// Tenant returns the same transaction, seen by another tenant.
func (t Tx) Tenant(id string) Tx {
	t.tenant = id
	return t
}

// SQL returns the transaction itself, for rows of the caller's own. The one of InTx is neither
// committed nor rolled back with it.
func (t Tx) SQL() *sql.Tx { return t.tx.sql }
