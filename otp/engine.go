package otp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Tx is the part of storage.Tx that an Engine needs.
type Tx interface{ OTP() Store }

// Options of an Engine. Nil, and each zero field, is a default.
type Options struct {
	Now func() time.Time // the clock; nil: time.Now

	// Hook is called as an operation begins, and what it returns as it ends. Nil: none.
	Hook func(ctx context.Context, op string) (context.Context, func(error))
}

// An Engine issues and checks live codes. It is safe for concurrent use.
//
// Issue and Check have a key: repeated with it they change nothing, charge nothing and give their first answer, and are
// journal.ErrKeyReused where they differ. A key is a name within the scope and its holder or typist. Besides the errors
// that its comment lists, a command returns *InputError before anything was loaded, journal.ErrConflict where other
// changes of the scope came first twenty times in a row, and what the database said; after the last two it may be run
// again with its key.
type Engine struct {
	store  Store
	keys   ring
	opts   Options
	runner *combine.Runner[*op, *unit, answer]
	bound  bool
}

// New returns an engine on a store. Its error tells what is wrong with the keys.
func New(s Store, keys []Key, opts *Options) (*Engine, error) {
	r, err := newRing(keys)
	if err != nil {
		return nil, err
	}
	e := &Engine{store: s, keys: r}
	if opts != nil {
		e.opts = *opts
	}
	if e.opts.Now == nil {
		e.opts.Now = time.Now
	}
	e.runner = combine.New(work{e})
	return e, nil
}

// In returns a copy that is bound to a unit of work: what it does is committed or rolled back with tx. Check belongs
// outside, so that a rollback can't forgive a wrong code; Spend belongs inside.
func (e *Engine) In(tx Tx) *Engine {
	b := *e
	b.store, b.bound = tx.OTP(), true
	b.runner = combine.New(work{&b})
	return &b
}

// Issue makes a code. ErrEnded: the key names one that has ended. ErrCrowded: no code is long enough for the scope.
func (e *Engine) Issue(ctx context.Context, c Issue) (_ Issued, err error) {
	ctx, end := e.hook(ctx, "otp.issue")
	defer func() { end(err) }()
	if err := c.check(); err != nil {
		return Issued{}, fmt.Errorf("otp: issue: %w", err)
	}
	o := &op{
		scope: c.Scope, key: c.Key, kind: "otp.issue", now: journal.Instant(e.opts.Now()),
		subject: journal.Subject("otp-holder", string(c.Scope), string(c.Holder)),
		inputs:  [][]byte{journal.Hash("otp.issue", c)}, issue: &c,
	}
	a, err := e.run(ctx, o)
	if err != nil {
		return Issued{}, fmt.Errorf("otp: issue in %s: %w", c.Scope, err)
	}
	return a.issued, nil
}

// Check charges the attempt and tells whose the code is and what for, both in one commit of its own: no two attempts,
// of any process, see the same budget. A right code costs nothing and gives nothing back. Errors: ErrInvalidCode,
// *ThrottledError.
func (e *Engine) Check(ctx context.Context, c Check) (_ Claim, err error) {
	ctx, end := e.hook(ctx, "otp.check")
	defer func() { end(err) }()
	digits, err := Normalize(c.Code)
	if err == nil {
		err = c.check()
	}
	if err == nil && e.bound {
		err = errors.New("a code is checked outside of the transaction, whose rollback would forgive a wrong one")
	}
	if err != nil {
		return Claim{}, fmt.Errorf("otp: check: %w", err)
	}
	o := &op{
		scope: c.Scope, key: c.Key, kind: "otp.check", now: journal.Instant(e.opts.Now()),
		subject: journal.Subject("otp-typist", string(c.Scope), string(c.Typist)),
		check:   &c, macs: e.keys.codes(c.Scope, digits),
	}
	for _, mac := range o.macs {
		o.inputs = append(o.inputs, journal.Hash("otp.check", []any{c.Scope, c.Typist, c.Purpose, mac}))
	}
	a, err := e.run(ctx, o)
	if err == nil && a.Reason != "" {
		err = ErrInvalidCode
	}
	if err != nil {
		return Claim{}, fmt.Errorf("otp: check in %s: %w", c.Scope, err)
	}
	a.Claim.Replayed = a.replayed
	return *a.Claim, nil
}

// Spend uses a claim up, exactly once under any number of racers. ErrInvalidCode: it was spent before, its code was
// replaced, or it is past its end. Nothing is stored then, and the transaction is still usable.
func (e *Engine) Spend(ctx context.Context, c Claim) (err error) {
	ctx, end := e.hook(ctx, "otp.spend")
	defer func() { end(err) }()
	now := journal.Instant(e.opts.Now())
	if c.Expires.IsZero() || !now.Before(c.Expires) {
		return fmt.Errorf("otp: spend in %s: %w", c.Code.Scope, ErrInvalidCode)
	}
	code := c.Code.end(Used, c.By, now)
	errs, err := e.store.Spend(ctx, []Spent{{Code: code, Entries: []journal.Entry{{
		Subject: journal.Subject("otp-code", string(code.Scope), fmt.Sprint(code.Number)),
		Seq:     1, Key: "spend", Kind: "otp.spend", At: now, By: string(c.By),
		Input:  journal.Hash("otp.spend", code.Number),
		Result: journal.JSON(map[string]any{"holder": code.Holder, "purpose": code.Purpose, "number": code.Number}),
	}}}})
	if err == nil {
		err = errs[0]
	}
	if errors.Is(err, journal.ErrConflict) || errors.Is(err, journal.ErrDuplicate) {
		err = ErrInvalidCode
	}
	if err != nil {
		return fmt.Errorf("otp: spend in %s: %w", c.Code.Scope, err)
	}
	return nil
}

// Prune deletes codes whose digits are free, and debts that ended, before a time that is not in the future, and returns
// how many rows that were. It may run twice, and beside anything else.
func (e *Engine) Prune(ctx context.Context, before time.Time) (int64, error) {
	if now := e.opts.Now(); before.After(now) {
		before = now
	}
	n, err := e.store.Prune(ctx, journal.Instant(before))
	if err != nil {
		return n, fmt.Errorf("otp: prune: %w", err)
	}
	return n, nil
}

func (e *Engine) run(ctx context.Context, o *op) (answer, error) {
	if e.bound {
		return e.runner.Alone(ctx, o)
	}
	return e.runner.Do(ctx, o)
}

func (e *Engine) hook(ctx context.Context, name string) (context.Context, func(error)) {
	if e.opts.Hook == nil {
		return ctx, func(error) {}
	}
	return e.opts.Hook(ctx, name)
}
