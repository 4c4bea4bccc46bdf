// Package pgxtx joins transactions of pgx that are used as they are, without database/sql: those of
// a pgx.Conn or of a pgxpool.Pool.
//
//	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
//		if _, err := tx.Exec(ctx, "insert into orders values ($1)", id); err != nil {
//			return err
//		}
//		_, err := points.In(pgxtx.Join(db, tx)).Earn(ctx, earn)
//		return err
//	})
//
// The database has a pool of database/sql beside it, for what is done outside of these transactions;
// stdlib.OpenDBFromPool makes one of a pgxpool.Pool, so that both have the same connections.
package pgxtx

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
)

// Join returns a transaction of the caller's, as [bunstore.DB.Join] does, seen by the tenant of db.
// Statements run in the mode that the connection has by default, and the simple protocol carries
// what is sent once. Rows of the caller's own must be closed before: while they are open every call
// returns an error, and does nothing.
func Join(db *bunstore.DB, tx pgx.Tx) storage.Tx { return db.JoinConn(conn{tx}) }

type conn struct{ tx pgx.Tx }

func (c conn) Query(ctx context.Context, query string, args []any) (bunstore.Rows, error) {
	if err := c.free(); err != nil {
		return nil, err
	}
	if len(args) == 0 {
		args = once
	}
	found, err := c.tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return rows{found}, nil
}

type rows struct{ pgx.Rows }

func (r rows) Close() error {
	r.Rows.Close()
	return nil
}

// once keeps a text out of the statements that pgx has prepared. An Exec without arguments is such a
// text by itself.
var once = []any{pgx.QueryExecModeSimpleProtocol}

func (c conn) Exec(ctx context.Context, query string, args []any) (sql.Result, error) {
	if err := c.free(); err != nil {
		return nil, err
	}
	tag, err := c.tx.Exec(ctx, query, args...)
	return driver.RowsAffected(tag.RowsAffected()), err
}

var errOpenRows = errors.New("pgxtx: the transaction has rows that are open; close them first")

// free returns an error where a query of the transaction is under way. pgx does too, but loses that
// query and the connection.
func (c conn) free() error {
	if c.tx.Conn().PgConn().IsBusy() {
		return errOpenRows
	}
	return nil
}
