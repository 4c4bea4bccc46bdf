package bunstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/scrmkit/scrmkit/internal/tripwire"
	"github.com/scrmkit/scrmkit/storage"
)

// InTx implements [storage.DB]. What fn is given is a [Tx]. On Postgres the transaction has the
// isolation that the database gives by default; READ COMMITTED is enough, for every write names the
// version that it was decided on.
func (d *DB) InTx(ctx context.Context, fn func(ctx context.Context, tx storage.Tx) error) error {
	if err := d.changing(ctx); err != nil {
		return err
	}
	return d.again(ctx, func() error {
		var own error
		err := d.transact(ctx, func(u unit) error {
			own = fn(tripwire.Mark(ctx, d.core), Tx{u.join(*u.tx)})
			if state(own) != "" { // of a statement of the caller's own
				own = d.explained(ctx, own, false)
			}
			return own
		})
		if err != nil && own == nil {
			return fmt.Errorf("bunstore: run a transaction: %w", err)
		}
		return err
	})
}

// begin runs fn in a transaction of its own: committed where fn returns nil, rolled back where it
// returns an error, panics, or ends its goroutine. On SQLite it is the one that may write.
func (u unit) begin(ctx context.Context, fn func(u unit) error) error {
	return u.transact(ctx, func(u unit) error { return u.explained(ctx, fn(u), false) })
}

// transact is begin for what may return errors that are not of the database.
func (u unit) transact(ctx context.Context, fn func(u unit) error) error {
	w := &wanted{}
	defer w.prepare(ctx)
	return u.transacted(ctx, w, fn)
}

func (u unit) transacted(ctx context.Context, w *wanted, fn func(u unit) error) error {
	tx, end, err := u.open(ctx)
	if err != nil {
		return u.explained(ctx, err, false)
	}
	defer end()
	defer func() { _ = tx.Rollback() }() // of no effect after Commit
	if err := fn(unit{u.core, u.tenant, &transaction{Conn: sqlTx{tx}, sql: tx, wanted: w}}); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return u.explained(ctx, err, true)
	}
	return u.present()
}

// write runs a single statement: in the transaction of the unit, or in one of its own.
func (u unit) write(ctx context.Context, fn func(u unit) error) error {
	switch {
	case u.tx != nil:
		return fn(u)
	case u.writer == nil:
		return u.once(ctx, func() error { return fn(u) })
	}
	return u.again(ctx, func() error { return u.begin(ctx, fn) })
}

func (u unit) open(ctx context.Context) (tx *sql.Tx, end func(), err error) {
	if u.writer == nil {
		tx, err = u.bun.DB.BeginTx(ctx, nil)
		return tx, func() {}, err
	}
	if err := u.lock(ctx); err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			u.unlock()
		}
	}()
	conn, err := u.bun.DB.Conn(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			_ = conn.Close()
		}
	}()
	// A transaction that ends with ctx is rolled back at some later time. This one has ended when
	// its lock is given back.
	tx, err = conn.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return nil, nil, err
	}
	if _, err = tx.ExecContext(ctx, takeWriteLock); err != nil {
		_ = tx.Rollback()
		return nil, nil, err
	}
	return tx, func() { _ = conn.Close(); u.unlock() }, nil
}

// takeWriteLock changes nothing. As the first statement of a transaction it makes SQLite wait for
// another process now, where it can, and not fail later, where it could not.
const takeWriteLock = "update scrmkit_schema set version = version where version < 0"

// lock waits until nobody else writes, or gives up with ctx.
func (c *core) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case c.writer <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *core) unlock() { <-c.writer }
