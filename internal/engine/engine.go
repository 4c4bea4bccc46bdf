// Package engine is what the engines of all contexts have in common: a store, a clock and a hook,
// copies that are bound to a unit of work or store nothing, keys that make a command safe to
// repeat, and the run of a command: load, decide, save, and again where another change came first.
// A context is left with what it loads, decides and changes.
package engine

import (
	"context"
	"time"

	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A Frame is the part of an engine that its copies differ in. It is not changed.
type Frame struct {
	Store storage.Tx
	Bound bool // to a unit of work
	Dry   bool // stores nothing

	now  func() time.Time
	hook storage.Hook
}

// New returns the frame of an engine on a store. now may be nil, which is time.Now, and hook may.
func New(s storage.Tx, now func() time.Time, hook storage.Hook) Frame {
	if now == nil {
		now = time.Now
	}
	return Frame{Store: s, now: now, hook: hook}
}

// In returns a frame that is bound to a unit of work.
func (f Frame) In(tx storage.Tx) Frame {
	f.Store, f.Bound = tx, true
	return f
}

// Preview returns a frame that stores nothing.
func (f Frame) Preview() Frame {
	f.Dry = true
	return f
}

// Now returns the time as it is stored.
func (f Frame) Now() time.Time { return journal.Instant(f.now()) }

// Tenant returns the tenant whose rows the engine keeps.
func (f Frame) Tenant() string { return f.Store.TenantID() }

// A Call is an operation under way.
type Call struct {
	storage.Op
	end func(error)
}

// Begin begins an operation, which goes on with the context that it returns until End. Subject is
// as storage.Op has it.
func (f Frame) Begin(ctx context.Context, name, subject string) (context.Context, *Call) {
	c := &Call{Op: storage.Op{Name: name, Tenant: f.Tenant(), Subject: subject}}
	if f.hook != nil {
		ctx, c.end = f.hook(ctx, &c.Op)
	}
	return ctx, c
}

// End ends the operation with its error, which is read as End is called: it is for a defer.
func (c *Call) End(err *error) {
	if c.end != nil {
		c.end(*err)
	}
}

// Together runs a command of a call together with others or, where the engine is bound or stores
// nothing, or alone says so, by itself.
func Together[C, R any](ctx context.Context, f Frame, call *Call, r combine.Runner[C, R], c C, alone bool) (result R, err error) {
	var n int
	if alone || f.Bound || f.Dry {
		result, n, err = r.Alone(ctx, c)
	} else {
		result, n, err = r.Do(ctx, c)
	}
	call.Attempts += n
	return result, err
}
