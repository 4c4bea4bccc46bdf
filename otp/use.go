package otp

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// An InTx runs fn as a unit of work: all that it saves is stored, or nothing of it. The method of
// storage.DB is one.
type InTx = func(ctx context.Context, fn func(ctx context.Context, tx storage.Tx) error) error

// A Using is what Use does with codes that were typed. Each function may run more than once. An
// error that it returns last, and not for one of the codes, rolls all back.
type Using struct {
	Checks []Check // codes that were typed
	// Admit returns what to read together with the codes, each time anew, and what is called once it
	// was read. That returns an error for each of Checks: nil where it may be tried; another one is
	// its answer, and charges nothing.
	Admit func() (looks []storage.Look, admit func() []error)
	// Do does what the codes allow, and reports which of them are to be spent: not one where
	// nothing was done, or where it had been done before. A claim is nil where the code was wrong,
	// or was not tried.
	Do func(ctx context.Context, tx storage.Tx, claims []*Claim) (spend []bool, err error)
}

// Use is Check and Spend for any number of codes, each by itself, in one unit of work, which inTx
// runs on the database and the tenant of e. It returns an error for each: nil, Admit's, or one of
// Check. The last error is that of the whole: nothing was stored then, no answer of a Check is
// returned, and it may be run again with its keys. ErrInvalidCode there: a code was spent
// meanwhile.
//
// An attempt that is wrong is committed with the unit of work, before its answer is returned, so
// that nothing forgives it.
func Use(ctx context.Context, e *Engine, inTx InTx, u Using) (errs []error, err error) {
	ctx, call := e.frame.Begin(ctx, "otp.use", "")
	defer call.End(&err)
	if e.frame.Bound {
		return nil, errors.New("otp: use: the engine is bound to a transaction; Use begins one")
	}
	err = inTx(ctx, func(ctx context.Context, tx storage.Tx) (err error) {
		call.Attempts++
		b := e.In(tx)
		var claims []*Claim
		if claims, errs, err = b.checkAll(ctx, u); err != nil {
			return err
		}
		spend, err := u.Do(ctx, tx, claims)
		if err != nil {
			return err
		}
		return b.spendAll(ctx, claims, spend)
	})
	if err != nil {
		return nil, fmt.Errorf("otp: use: %w", err)
	}
	return errs, nil
}

// checkAll checks the codes that are admitted, and returns the claims of those that are right, and
// an error for each of the others. The last error is the database's.
func (e *Engine) checkAll(ctx context.Context, u Using) (claims []*Claim, errs []error, err error) {
	claims, errs = make([]*Claim, len(u.Checks)), make([]error, len(u.Checks))
	var ops []*op
	var of []int
	for i, c := range u.Checks {
		o, err := e.attempt(c)
		if err != nil {
			errs[i] = err
			continue
		}
		ops, of = append(ops, o), append(of, i)
	}
	w := work{Engine: e, with: func() ([]storage.Look, func()) {
		looks, admit := u.Admit()
		return looks, func() {
			for i, err := range admit() {
				if k, ok := slices.BinarySearch(of, i); ok {
					ops[k].refused = err
				}
			}
		}
	}}
	answers, failed := combine.New(w).All(ctx, ops)
	for k, i := range of {
		err := failed[k]
		if ops[k].refused != nil {
			errs[i] = ops[k].refused
			continue
		}
		var stopped *StoppedError
		if err != nil && !errors.As(err, &stopped) && !errors.Is(err, journal.ErrKeyReused) {
			return nil, nil, err
		}
		if err == nil {
			claims[i], err = answers[k].claim()
		}
		if err != nil {
			errs[i] = fmt.Errorf("otp: check in %s: %w", u.Checks[i].Scope, err)
		}
	}
	return claims, errs, nil
}

// spendAll spends those of the claims. ErrInvalidCode: one of them can't be.
func (e *Engine) spendAll(ctx context.Context, claims []*Claim, used []bool) error {
	now := e.frame.Now()
	var changes []spent
	for i, c := range claims {
		if c == nil || !used[i] {
			continue
		}
		one, err := c.spend(e.frame.Tenant(), now)
		if err != nil {
			return err
		}
		changes = append(changes, one)
	}
	if len(changes) == 0 {
		return nil
	}
	errs, err := spend(ctx, e.frame.Store, changes)
	if err != nil {
		return err
	}
	for _, err := range errs {
		if errors.Is(err, journal.ErrConflict) || errors.Is(err, journal.ErrDuplicate) {
			return ErrInvalidCode
		}
		if err != nil {
			return err
		}
	}
	return nil
}
