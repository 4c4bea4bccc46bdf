// Package flow says where the transactions of a flow run, and reads what flows put into codes.
package flow

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/storage"
)

// A Unit is the frame of a flow. It runs each transaction of the flow by itself, or all of them as
// parts of one that the flow is bound to.
type Unit struct {
	engine.Frame
	db storage.DB
}

// On returns the unit of a flow on a database. now and hook are as those of engine.New.
func On(db storage.DB, now func() time.Time, hook storage.Hook) Unit {
	return Unit{engine.New(db, now, hook), db}
}

// In returns the unit of a flow that is bound to tx.
func (u Unit) In(tx storage.Tx) Unit {
	u.Frame = u.Frame.In(tx)
	return u
}

// InTx runs fn as [storage.DB] does or, where the flow is bound, once and as a part of that
// transaction.
func (u Unit) InTx(ctx context.Context, fn func(ctx context.Context, tx storage.Tx) error) error {
	if u.Bound {
		return fn(ctx, u.Store)
	}
	return u.db.InTx(ctx, fn)
}

// InSave is InTx for what mostly fits into one Save. It runs fn on what is stored and saves all that
// fn saved at once, which spares the round trips of a transaction and holds no lock meanwhile.
// Where another change came first, a sum met its bound, or fn reads or changes again what it has
// saved, nothing was stored, and fn runs again in a transaction.
func (u Unit) InSave(ctx context.Context, fn func(ctx context.Context, tx storage.Tx) error) error {
	if u.Bound {
		return fn(ctx, u.Store)
	}
	d := newDraft(u.db)
	err := fn(ctx, d)
	if err != nil && !d.unfit {
		return err
	}
	if stored, err := d.store(ctx); stored || err != nil {
		return err
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
