package bunstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/storage"
)

var (
	// ErrUnavailable: Postgres can't be reached, the connection ended, or the server at its other end
	// takes no changes: it is a standby, it starts or it stops. Nothing was stored. The next call goes
	// by another connection. Within a transaction that was joined it is storage.ErrRetry.
	ErrUnavailable = errs.New(errs.TryAgain, "bunstore: the database can't be reached or takes no changes for now; try again", storage.ErrRetry)
	// ErrLost: the connection to Postgres ended while changes were being stored, or some of several
	// changes were stored and others not. Which is not known; the same call tells, where it has a key.
	ErrLost = errs.New(errs.TryAgain, "bunstore: the database was lost while changes were being stored; "+
		"make the same call again with the same key, which says what became of them")
	// ErrTimeout: Postgres gave up a statement or a transaction: statement_timeout, lock_timeout,
	// transaction_timeout or idle_in_transaction_session_timeout passed, or an administrator canceled
	// it. Nothing was stored. It is not run again, for that may take as long.
	ErrTimeout = errs.New(errs.TryAgain, "bunstore: a time-out of the server passed, and nothing was stored; try again, or see what takes so long")
)

// An end is what a server of Postgres, or the connection to it, made of a statement.
type end uint8

const (
	endOther   end = iota
	endRefused     // nothing was run
	endDropped     // the connection ended; what was under way may have been stored, where that was a commit
	endTimeout     // it was given up, and its transaction with it
)

// canceled is the SQLSTATE of a statement that was given up.
const canceled = "57014"

// endOf returns which end an error tells of. Errors without a SQLSTATE are those of a driver.
func endOf(err error) end {
	switch state(err) {
	case "25006", "57P03", "57P05", "53300", "08001", "08004":
		return endRefused
	case "57P01", "57P02", "08000", "08003", "08006", "08007":
		return endDropped
	case "08P01": // which a pooler says of a server that is gone
		if fatal(err) {
			return endDropped
		}
	case "XX000": // which Citus says of a node that was lost at its COMMIT
		if strings.Contains(err.Error(), "could not commit transaction for shard") {
			return endDropped
		}
	case canceled:
		if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			return endTimeout
		}
	case "55P03", "25P03", "25P04":
		return endTimeout
	case "":
		return endOfConn(err)
	}
	return endOther
}

func endOfConn(err error) end {
	var op *net.OpError
	var dns *net.DNSError
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return endOther
	case errors.As(err, &dns), errors.As(err, &op) && op.Op == "dial", strings.Contains(err.Error(), "failed to connect to"): // as pgx puts it
		return endRefused
	case errors.Is(err, context.DeadlineExceeded):
		return endOther
	case op != nil, errors.Is(err, driver.ErrBadConn), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		err.Error() == "conn closed": // as pgx puts it
		return endDropped
	}
	return endOther
}

// fatal reports whether an error has ended its connection, as pgx and poolers put it. lib/pq gives
// driver.ErrBadConn instead.
func fatal(err error) bool { return strings.Contains(err.Error(), "FATAL: ") }

// explained wraps an error in the one that says what a server, or the connection to it, made of what
// was under way, or in that of ctx where the caller has given it up. storing: that may have been
// stored. An error that is wrapped already stays.
func (c *core) explained(ctx context.Context, err error, storing bool) error {
	if c.grammar != postgres || err == nil || errors.Is(err, ErrUnavailable) || errors.Is(err, ErrLost) || errors.Is(err, ErrTimeout) {
		return err
	}
	// A driver may tell the server that its caller has given up, and have the answer to that, or find
	// the transaction ended.
	if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) && (state(err) == canceled || errors.Is(err, sql.ErrTxDone)) {
		err = fmt.Errorf("%w: %w", ended, err)
	}
	switch end := endOf(err); {
	case end == endRefused, end == endDropped && !storing:
		return &unavailableError{c, err}
	case end == endDropped:
		return fmt.Errorf("%w: %w", ErrLost, err)
	case end == endTimeout:
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	}
	return err
}

// An unavailableError is ErrUnavailable.
type unavailableError struct {
	core *core
	err  error
}

func (e *unavailableError) Error() string   { return ErrUnavailable.Error() + ": " + e.err.Error() }
func (e *unavailableError) Unwrap() []error { return []error{ErrUnavailable, e.err} }

// Renew is called by [storage.Retry] before another run, when the connection is back in its pool. It
// throws away what the pool has of connections that are lost, or end at a server that takes no
// changes, up to the first good one: the last that came back is the next that is taken.
func (e *unavailableError) Renew(ctx context.Context) { e.core.renew(ctx) }

func (c *core) renew(ctx context.Context) {
	// One statement, so that it ends the session whose setting it has seen behind a pooler as well.
	query := "select pg_terminate_backend(pg_backend_pid()) where current_setting('transaction_read_only')::bool"
	if c.replica {
		query = "select 1"
	}
	for range max(c.bun.DB.Stats().Idle, 7) + 1 { // of a pool that is behind this one, none is idle
		conn, err := c.bun.DB.Conn(ctx)
		if err != nil {
			return
		}
		_, err = conn.ExecContext(ctx, query)
		if err == nil {
			_ = conn.Close()
			return
		}
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	}
}

// once runs what stores nothing, again where the database asks for it and no transaction of the
// caller's has to end first.
func (u unit) once(ctx context.Context, fn func() error) error {
	if u.tx != nil {
		return fn()
	}
	return u.again(ctx, func() error { return u.explained(ctx, fn(), false) })
}

// certain runs fn, which stores the changes. Where the connection ended meanwhile it does so once
// more, if the keys of all of them tell what became of the first time: who finds a key used loads
// the answer.
func (u unit) certain(ctx context.Context, changes []change, fn func() error) error {
	err := fn()
	switch {
	case err == nil, u.tx != nil:
		return err
	case errors.Is(err, ErrLost) && allKeyed(changes):
		u.renew(ctx)
		if fn() == nil {
			return nil
		}
	case len(changes) > 1 && (errors.Is(err, ErrUnavailable) || errors.Is(err, ErrTimeout)):
		return fmt.Errorf("%w: %w", ErrLost, err) // what came before is stored
	}
	return err
}

// allKeyed reports whether none of the changes could be stored twice.
func allKeyed(changes []change) bool {
	for _, c := range changes {
		for _, e := range c.entries {
			if !keyed(e) {
				return false
			}
		}
		if len(c.entries) == 0 {
			return false
		}
	}
	return true
}
