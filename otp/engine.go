package otp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Options of an Engine. Nil, and each zero field, is a default.
type Options struct {
	Now    func() time.Time // the clock; nil: time.Now
	Policy Policy           // how long codes may become, and how many may be asked for

	// Hook is called as an operation begins, and what it returns as it ends. Nil: none.
	Hook func(ctx context.Context, op string) (context.Context, func(error))
}

// An Engine issues and checks live codes. It is safe for concurrent use.
//
// Issue, Check and Admit have a key: repeated with it they change nothing, charge nothing and give
// their first answer, and are journal.ErrKeyReused where they differ. A key is a name within the
// scope and its holder or typist. Besides the errors that its comment lists, a command returns
// *InputError before anything was loaded, journal.ErrConflict where other changes of the scope came
// first twenty times in a row, and what the database said; after the last two it may be run again
// with its key.
type Engine struct {
	store  storage.Tx
	keys   ring
	opts   Options
	policy Policy // complete
	runner *combine.Runner[*op, *unit, answer]
	bound  bool
}

// New returns an engine on a store. It returns an error if keys is empty, a key is too short, two
// share an ID, or a field of the policy is out of its bounds.
func New(s storage.Tx, keys []Key, opts *Options) (*Engine, error) {
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
	if e.policy, err = e.opts.Policy.complete(); err != nil {
		return nil, fmt.Errorf("otp: %w", err)
	}
	e.runner = combine.New(work{e})
	return e, nil
}

// In returns a copy that is bound to a unit of work: what it does is committed or rolled back with
// tx, and in the tenant of tx. Check belongs outside, so that a rollback can't forgive a wrong
// code; Spend belongs inside.
func (e *Engine) In(tx storage.Tx) *Engine {
	b := *e
	b.store, b.bound = tx, true
	b.runner = combine.New(work{&b})
	return &b
}

// Issue makes a code. ErrEnded: the key names one that has ended. ErrCrowded: no code is long
// enough for the scope. *ThrottledError: the holder or the device has asked for as many as the
// policy allows; a key that comes again is not counted.
//
// A holder leaves at most as many rows in a scope as the budget allows between two calls of Prune.
func (e *Engine) Issue(ctx context.Context, c Issue) (_ Issued, err error) {
	ctx, end := e.hook(ctx, "otp.issue")
	defer func() { end(err) }()
	if err := c.check(); err != nil {
		return Issued{}, fmt.Errorf("otp: issue: %w", err)
	}
	a, err := e.run(ctx, &op{
		command: &issuing{Issue: c}, scope: c.Scope, key: c.Key, kind: "otp.issue", by: string(c.Holder),
		subject: journal.Subject("otp-holder", string(c.Scope), string(c.Holder)),
		inputs:  [][]byte{journal.Hash("otp.issue", c)},
	})
	if err != nil {
		return Issued{}, fmt.Errorf("otp: issue in %s: %w", c.Scope, err)
	}
	return a.issued, nil
}

// Check charges the attempt and tells whose the code is and what for, both in one commit of its
// own: no two attempts, of any process, see the same budget. A right code costs nothing and gives
// nothing back, and neither does one that was right until somebody spent it. Errors:
// ErrInvalidCode; *ThrottledError; *StoppedError, after MaxMisses wrong codes in a row.
func (e *Engine) Check(ctx context.Context, c Check) (_ Claim, err error) {
	ctx, end := e.hook(ctx, "otp.check")
	defer func() { end(err) }()
	o, err := e.attempt(c)
	if err != nil {
		return Claim{}, err
	}
	if e.bound {
		return Claim{}, errors.New("otp: check: a code is checked outside of the transaction, whose rollback would forgive a wrong one")
	}
	a, err := e.run(ctx, o)
	var claim *Claim
	if err == nil {
		claim, err = a.claim()
	}
	if err != nil {
		return Claim{}, fmt.Errorf("otp: check in %s: %w", c.Scope, err)
	}
	return *claim, nil
}

// attempt returns the op of a Check.
func (e *Engine) attempt(c Check) (*op, error) {
	digits, err := c.digits()
	if err != nil {
		return nil, fmt.Errorf("otp: check: %w", err)
	}
	macs := e.keys.codes(e.store.TenantID(), c.Scope, digits)
	o := &op{
		command: &checking{c, macs}, scope: c.Scope, key: c.Key, kind: "otp.check", by: string(c.Typist),
		subject: typistSubject(c.Scope, c.Typist), now: journal.Instant(e.opts.Now()),
	}
	for _, mac := range macs {
		o.inputs = append(o.inputs, journal.Hash("otp.check", []any{c.Scope, c.Typist, c.Purpose, mac}))
	}
	return o, nil
}

// Admit lets a typist in again whom a *StoppedError refuses. Who may call it is the caller's to
// decide; not the typist. ErrNotStopped: nothing keeps the typist out.
func (e *Engine) Admit(ctx context.Context, c Admit) (_ Admitted, err error) {
	ctx, end := e.hook(ctx, "otp.admit")
	defer func() { end(err) }()
	if err := c.check(); err != nil {
		return Admitted{}, fmt.Errorf("otp: admit: %w", err)
	}
	a, err := e.run(ctx, &op{
		command: admitting{c}, scope: c.Scope, key: c.Key, kind: "otp.admit", by: c.By,
		subject: typistSubject(c.Scope, c.Typist), inputs: [][]byte{journal.Hash("otp.admit", c)},
	})
	if err != nil {
		return Admitted{}, fmt.Errorf("otp: admit %s in %s: %w", c.Typist, c.Scope, err)
	}
	a.Admit.Replayed = a.replayed
	return *a.Admit, nil
}

func typistSubject(s Scope, t TypistID) string {
	return journal.Subject("otp-typist", string(s), string(t))
}

// Spend uses a claim up, exactly once under any number of racers. ErrInvalidCode: it was spent
// before, its code was replaced, it is past its end, or it is of another tenant. Nothing is stored
// then, and the transaction is still usable.
func (e *Engine) Spend(ctx context.Context, c Claim) (err error) {
	ctx, end := e.hook(ctx, "otp.spend")
	defer func() { end(err) }()
	if err := e.spendAll(ctx, []*Claim{&c}, []bool{true}); err != nil {
		return fmt.Errorf("otp: spend in %s: %w", c.Code.Scope, err)
	}
	return nil
}

// Prune deletes codes whose digits are free, and meters whose debt ended and that count no wrong
// codes in a row, before a time that is not in the future, and returns how many rows that were. It
// may run twice, and beside anything else; a service runs it every few minutes, for nothing else
// deletes what asking leaves.
func (e *Engine) Prune(ctx context.Context, before time.Time) (int64, error) {
	if now := e.opts.Now(); before.After(now) {
		before = now
	}
	n, err := prune(ctx, e.store, journal.Instant(before))
	if err != nil {
		return n, fmt.Errorf("otp: prune: %w", err)
	}
	return n, nil
}

func (e *Engine) run(ctx context.Context, o *op) (a answer, err error) {
	o.now = journal.Instant(e.opts.Now())
	if e.bound {
		a, err = e.runner.Alone(ctx, o)
	} else {
		a, err = e.runner.Do(ctx, o)
	}
	if err == nil && a.throttled != nil {
		return a, a.throttled
	}
	return a, err
}

func (e *Engine) hook(ctx context.Context, name string) (context.Context, func(error)) {
	if e.opts.Hook == nil {
		return ctx, func(error) {}
	}
	return e.opts.Hook(ctx, name)
}
