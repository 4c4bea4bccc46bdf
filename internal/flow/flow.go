// Package flow says where the transactions of a flow run, and reads what flows put into codes.
package flow

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/scrmkit/scrmkit/storage"
)

// A Unit runs each transaction of a flow by itself, or all of them as parts of one that the flow is
// bound to.
type Unit struct {
	db storage.DB
	tx storage.Tx // that the flow is bound to; nil: none
}

// On returns the unit of a flow on a database.
func On(db storage.DB) Unit { return Unit{db: db} }

// In returns the unit of a flow that is bound to tx.
func (u Unit) In(tx storage.Tx) Unit {
	u.tx = tx
	return u
}

// Bound reports whether the flow is bound.
func (u Unit) Bound() bool { return u.tx != nil }

// InTx runs fn as [storage.DB] does or, where the flow is bound, once and as a part of that
// transaction.
func (u Unit) InTx(ctx context.Context, fn func(ctx context.Context, tx storage.Tx) error) error {
	if u.tx != nil {
		return fn(ctx, u.tx)
	}
	return u.db.InTx(ctx, fn)
}

// Read reads the JSON that a flow has put into a code or a claim. storage.ErrFormat: a newer
// release did, with a field that v does not have, and to do the rest of it is not what was asked
// for.
func Read(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err != nil && strings.HasPrefix(err.Error(), "json: unknown field ") {
		return fmt.Errorf("%w (%s)", storage.ErrFormat, err)
	}
	return err
}
