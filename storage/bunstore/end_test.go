package bunstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
)

// A pgError is one of pgx.
type pgError struct{ severity, text, state string }

func (e pgError) Error() string    { return e.severity + ": " + e.text + " (SQLSTATE " + e.state + ")" }
func (e pgError) SQLState() string { return e.state }

func TestEndOf(t *testing.T) {
	reset := &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	for _, c := range []struct {
		err  error
		want end
	}{
		{nil, endOther},
		{errors.New("another one"), endOther},
		{pgError{"ERROR", "duplicate key value", "23505"}, endOther},
		{pgError{"ERROR", "cannot execute UPDATE in a read-only transaction", "25006"}, endRefused},
		{pgError{"FATAL", "the database system is starting up", "57P03"}, endRefused},
		{pgError{"FATAL", "sorry, too many clients already", "53300"}, endRefused},
		{pgError{"FATAL", "terminating connection due to idle-session timeout", "57P05"}, endRefused},
		{refused, endRefused},
		{fmt.Errorf("hostname resolving error: %w", &net.DNSError{Err: "no such host"}), endRefused},
		{errors.New("failed to connect to `user=a database=b`: read only connection"), endRefused},
		{fmt.Errorf("%w: %w", refused, context.Canceled), endOther},
		{pgError{"FATAL", "terminating connection due to administrator command", "57P01"}, endDropped},
		{pgError{"FATAL", "terminating connection because of crash of another server process", "57P02"}, endDropped},
		{pgError{"FATAL", "server conn crashed?", "08P01"}, endDropped},
		{pgError{"ERROR", "bind message supplies 2 parameters, but prepared statement \"s\" requires 3", "08P01"}, endOther},
		{pgError{"ERROR", "could not commit transaction for shard 102008 on at least one active node", "XX000"}, endDropped},
		{pgError{"ERROR", "cache lookup failed for relation 16384", "XX000"}, endOther},
		{reset, endDropped},
		{driver.ErrBadConn, endDropped},
		{fmt.Errorf("read: %w", io.EOF), endDropped},
		{io.ErrUnexpectedEOF, endDropped},
		{errors.New("conn closed"), endDropped},
		{fmt.Errorf("%w: %w", reset, context.Canceled), endOther},
		{fmt.Errorf("%w: %w", reset, context.DeadlineExceeded), endOther},
		{pgError{"ERROR", "canceling statement due to statement timeout", "57014"}, endTimeout},
		{fmt.Errorf("%w: %w", context.Canceled, pgError{"ERROR", "canceling statement due to user request", "57014"}), endOther},
		{pgError{"ERROR", "canceling statement due to lock timeout", "55P03"}, endTimeout},
		{pgError{"FATAL", "terminating connection due to idle-in-transaction timeout", "25P03"}, endTimeout},
		{pgError{"FATAL", "terminating connection due to transaction timeout", "25P04"}, endTimeout},
	} {
		if got := endOf(c.err); got != c.want {
			t.Errorf("%v: %d, want %d", c.err, got, c.want)
		}
	}
}

// What a server says of an entry without a place, in the language of its lc_messages.
func TestEpochless(t *testing.T) {
	for text, want := range map[string]bool{
		`null value in column "pos" of relation "journal_entry" violates not-null constraint`:                   true,
		`NULL-Wert in Spalte »pos« von Relation »journal_entry« verletzt Not-Null-Constraint`:                   true,
		`une valeur NULL viole la contrainte NOT NULL de la colonne « pos » dans la relation « journal_entry »`: true,
		`el valor nulo en la columna «pos» de la relación «journal_entry» viola la restricción de no nulo`:      true,
		`null value in column "id" of relation "orders" violates not-null constraint`:                           false,
	} {
		if got := epochless(pgError{"ERROR", text, "23502"}); got != want {
			t.Errorf("%s: %t", text, got)
		}
		if epochless(pgError{"ERROR", text, "23514"}) {
			t.Errorf("%s, of another state", text)
		}
	}
}
