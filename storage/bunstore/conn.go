package bunstore

import (
	"context"
	"database/sql"
)

// A Conn runs statements in a transaction of the caller's, of any driver, for [DB.JoinConn]. Package
// pgxtx makes one of a pgx.Tx.
//
// Arguments are nil, int64, string, []byte and time.Time, bound to $1 and so on, or to ?1 and so on
// of SQLite. A statement says the type of each, $1::bigint[], and has arrays as texts, {1,2}. One
// without arguments is sent as it is: with values in its text it is hardly sent twice, and is not
// worth preparing. The others are few, and worth it.
//
// An error of Postgres has a method SQLState() string in its chain.
type Conn interface {
	// Query runs a statement, and returns its rows. The DB closes them before it runs another one.
	Query(ctx context.Context, query string, args []any) (Rows, error)
	// Exec runs a statement, whose result has the number of rows that it changed.
	Exec(ctx context.Context, query string, args []any) (sql.Result, error)
}

// Rows are what a statement has found, one after the other. [sql.Rows] are that.
type Rows interface {
	// Next goes to the next row, at first to the first one. Where it returns false there is none, or
	// Err has the error that ended the rows.
	Next() bool
	// Scan reads the columns of the row, all and in their order. They are texts, integers and
	// booleans, and a dest is an *int, *int64, *bool, or a [sql.Scanner] that takes nil, int64,
	// string and []byte.
	Scan(dest ...any) error
	Err() error
	// Close may be called at any time, and more than once.
	Close() error
}

// pool runs each statement in a transaction of its own.
type pool struct{ db *sql.DB }

func (p pool) Query(ctx context.Context, query string, args []any) (Rows, error) {
	return rowsOf(p.db.QueryContext(ctx, query, args...))
}

func (p pool) Exec(ctx context.Context, query string, args []any) (sql.Result, error) {
	return p.db.ExecContext(ctx, query, args...)
}

// sqlTx runs statements in a transaction of database/sql.
type sqlTx struct{ tx *sql.Tx }

func (t sqlTx) Query(ctx context.Context, query string, args []any) (Rows, error) {
	return rowsOf(t.tx.QueryContext(ctx, query, args...))
}

func (t sqlTx) Exec(ctx context.Context, query string, args []any) (sql.Result, error) {
	return t.tx.ExecContext(ctx, query, args...)
}

func rowsOf(rows *sql.Rows, err error) (Rows, error) {
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// each calls fn for each row, and closes the rows.
func each(rows Rows, fn func(Rows) error) error {
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
