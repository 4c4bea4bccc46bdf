package bunstore

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/scrmkit/scrmkit/internal/tripwire"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Options configures a DB. Nil and zero fields mean the documented defaults.
type Options struct {
	// Logger gets transactions that are run again, at debug level, and once, as a warning, that a
	// pooler does not keep prepared statements. nil: discard.
	Logger *slog.Logger
	// Unprepared prepares no statement on Postgres: their arguments travel in their text. It is for
	// a pooler that gives a connection to somebody else after each transaction and knows nothing of
	// prepared statements, such as pgbouncer before 1.21 or with max_prepared_statements = 0 in
	// transaction mode. What such a pooler does shows at first as an error, and then no statement
	// is prepared any more; but with lib/pq it may show as the answer to another statement: set it
	// there.
	Unprepared bool
	// Replica makes a DB of a standby of Postgres, whose answers are as old as DB.Lag says: for lists,
	// reports, histories and the feed of the journal. Make engines of their own on it. Save, Prune,
	// InTx and the load of a command with a key return ErrReplica, before the server is asked. A
	// check that only reads, such as that of a session, would miss what has just ended: leave it to
	// the primary.
	Replica bool
}

// A DB is a database, seen by one tenant. It implements [storage.DB]. It is safe for concurrent
// use.
type DB struct{ unit }

var _ storage.DB = (*DB)(nil)

// New returns the database that Migrate has prepared, seen by tenant "". The caller closes db,
// after the last use of the DB. *SettingError: its sessions have a setting that does not do.
// *SchemaError: it has no journal; Validate reports on the tables of the packages in use. It is an
// error too where db has a dialect other than SQLite or Postgres, and where a file of SQLite can't
// be opened; a Postgres that can't be reached is none.
func New(db *bun.DB, opts *Options) (*DB, error) {
	if opts == nil {
		opts = &Options{}
	}
	c := &core{bun: db, log: opts.Logger, replica: opts.Replica}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if c.grammar, _, err = grammarOf(db, nil); err != nil {
		return nil, err
	}
	if c.grammar == postgres {
		c.unprepared.Store(opts.Unprepared)
		err = c.inspectPostgres()
	} else {
		c.writer = make(chan struct{}, 1)
		c.spread.Store(undistributed)
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		err = patiently(ctx, func() error { return c.inspectSQLite(ctx) })
	}
	if err != nil {
		return nil, err
	}
	return &DB{unit{core: c}}, nil
}

// OnPostgres returns a database of Postgres as [New] and [Migrate] take it, for a service that does
// not use bun.
func OnPostgres(db *sql.DB) *bun.DB { return bun.NewDB(db, pgdialect.New()) }

// OnSQLite returns a database of SQLite as [New] and [Migrate] take it, for a service that does not
// use bun.
func OnSQLite(db *sql.DB) *bun.DB { return bun.NewDB(db, sqlitedialect.New()) }

// Tenant returns the same database, seen by another tenant: no query of it reads or writes a row of
// any other.
func (d *DB) Tenant(id string) *DB { return &DB{unit{core: d.core, tenant: id}} }

// core is what all tenants of a database share. Its address is the identity of the database for the
// tripwire.
type core struct {
	grammar
	bun        *bun.DB
	log        *slog.Logger
	replica    bool          // takes no changes
	writer     chan struct{} // held by the one that writes; nil: the database has many writers
	statements sync.Map      // by their shape, or by their text
	unprepared atomic.Bool   // none of them is prepared
	used       atomic.Int64  // rows that were written or looked up with them
	tables     sync.Map      // those of the writers, by their storage.Def
	file       string        // of SQLite; empty: it is in memory
	opened     os.FileInfo   // what the file was
	moved      atomic.Bool   // a transaction met a server whose epoch has yet to begin
	spread     atomic.Int32  // see distributed
}

// A unit gives the stores of one tenant: inside tx, or where that is nil with each call on its own.
type unit struct {
	*core
	tenant string
	tx     *transaction
}

// A transaction is what a unit runs in.
type transaction struct {
	Conn
	sql    *sql.Tx     // the same in database/sql; nil: it is of a driver that prepares what it is given
	own    *ownEntries // of one that is the caller's
	wanted *wanted     // of one that is ours
}

// join returns the unit in a transaction that is the caller's.
func (u unit) join(tx transaction) unit {
	tx.own = &ownEntries{pos: map[string]int64{}}
	u.tx = &tx
	return u
}

// Journal implements [storage.Tx].
func (u unit) Journal() journal.Store { return journalStore{u} }

// TenantID implements [storage.Store].
func (u unit) TenantID() string { return u.tenant }

// check returns storage.ErrOutsideTx where a plain store is used within InTx.
func (u unit) check(ctx context.Context) error {
	if u.tx != nil {
		return nil
	}
	return tripwire.Check(ctx, u.core)
}

// conn is where statements run.
func (u unit) conn() Conn {
	if u.tx != nil {
		return u.tx
	}
	return pool{u.bun.DB}
}
