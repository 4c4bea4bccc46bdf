package bunstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/storage"
)

// state returns the SQLSTATE of an error of Postgres, whichever driver made it, or "".
func state(err error) string {
	var pgx interface{ SQLState() string }
	if errors.As(err, &pgx) {
		return pgx.SQLState()
	}
	var pgdriver interface{ Field(byte) string }
	if errors.As(err, &pgdriver) {
		return pgdriver.Field('C')
	}
	return ""
}

// retryable tells of a transaction that was not applied and may be run again as it was, on the same
// connection too.
func retryable(err error) bool {
	const busy, locked = 5, 6 // SQLITE_BUSY and SQLITE_LOCKED, in the low byte of the extended codes
	if s := state(err); s != "" {
		return s == "40001" || s == "40P01" || lostStatement(err) || epochless(err)
	}
	if late := (*epochError)(nil); errors.As(err, &late) {
		return true
	}
	var code interface{ Code() int }
	if errors.As(err, &code) {
		low := code.Code() & 0xff
		return low == busy || low == locked
	}
	return false
}

// taken tells of a unique index of Postgres that refused a row.
func taken(err error) bool { return state(err) == "23505" }

// lostStatement tells of a prepared statement that the connection to the server does not have, has
// already, or has another one in the place of: a pooler gave it to somebody else in between.
// Nothing was run.
func lostStatement(err error) bool {
	switch state(err) {
	case "26000", "42P05":
		return true
	case "08P01":
		return !fatal(err)
	}
	return false
}

// ErrTable: the database has not the tables or the columns that a statement needs. Run Migrate with
// the tables of every package in use; Validate reports what is missing.
var ErrTable = errs.New(errs.Internal, "bunstore: a table or a column is missing; run Migrate with the tables of every package in use")

// undefined reports whether a statement names a table or a column that is not there.
func undefined(err error) bool {
	switch s := state(err); s {
	case "42P01", "42703", "3F000":
		return true
	case "":
		text := err.Error()
		return strings.Contains(text, "no such table") || strings.Contains(text, "no such column") || strings.Contains(text, "has no column named")
	}
	return false
}

// fail says what could not be done. Within a transaction it wraps storage.ErrRetry where another
// run may do better.
func (u unit) fail(ctx context.Context, op string, err error) error {
	if epochless(err) {
		u.moved.Store(true)
	}
	if u.tx != nil && (retryable(err) || taken(err)) {
		err = fmt.Errorf("%w: %w", storage.ErrRetry, err)
	}
	if u.tx != nil {
		err = u.explained(ctx, err, false)
	}
	if undefined(err) {
		err = fmt.Errorf("%w: %w", ErrTable, err)
	}
	return fmt.Errorf("bunstore: %s: %w", op, err)
}

// again runs fn as [storage.Retry] does, and for every error of the database that asks for another
// run. In the end such an error wraps storage.ErrRetry.
func (c *core) again(ctx context.Context, fn func() error) error {
	var last error
	return storage.Retry(ctx, func() error {
		if last != nil {
			c.log.DebugContext(ctx, "bunstore: a transaction is run again", "err", last)
		}
		if epochless(last) {
			if err := (unit{core: c}).beginEpoch(ctx); err != nil {
				return err
			}
		}
		if late := (*epochError)(nil); errors.As(last, &late) {
			if err := (unit{core: c, tenant: late.tenant}).beginTenantEpoch(ctx); err != nil {
				return err
			}
		}
		if last = fn(); last != nil && retryable(last) && !errors.Is(last, storage.ErrRetry) {
			last = fmt.Errorf("%w: %w", storage.ErrRetry, last)
		}
		return last
	})
}

// patiently runs fn, up to ten times while it finds the database busy. A file of SQLite is so,
// whatever busy_timeout says, while its first user turns its journal to WAL and while its last one
// turns it back.
func patiently(ctx context.Context, fn func() error) error {
	for run := 1; ; run++ {
		err := fn()
		if err == nil || !retryable(err) || run == 10 || !pause(ctx, run) {
			return err
		}
	}
}

// pause waits for a random time, longer from run to run. It returns false where ctx ended first.
func pause(ctx context.Context, run int) bool {
	t := time.NewTimer(time.Duration(1 + rand.Int64N(int64(2*time.Millisecond)<<run)))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
