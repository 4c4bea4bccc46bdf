// Package tripwire notices a store that is used outside the unit of work of its context. A context
// that runs inside InTx is marked with its database; no transaction travels in it.
package tripwire

import (
	"context"

	"github.com/scrmkit/scrmkit/errs"
)

// ErrOutsideTx is storage.ErrOutsideTx.
var ErrOutsideTx = errs.New(errs.Internal, "storage: a store of the database was used inside InTx; use the Tx that InTx gave")

type key struct{}

type mark struct {
	db    any
	outer *mark
}

// Mark returns a context that tells of a unit of work on db. Stores of db that are not of that unit
// refuse it.
func Mark(ctx context.Context, db any) context.Context {
	outer, _ := ctx.Value(key{}).(*mark)
	return context.WithValue(ctx, key{}, &mark{db, outer})
}

// Marked reports whether ctx is inside a unit of work of any database.
func Marked(ctx context.Context) bool { return ctx.Value(key{}) != nil }

// Check returns ErrOutsideTx where ctx is inside a unit of work on db.
func Check(ctx context.Context, db any) error {
	m, _ := ctx.Value(key{}).(*mark)
	for ; m != nil; m = m.outer {
		if m.db == db {
			return ErrOutsideTx
		}
	}
	return nil
}
