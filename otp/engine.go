package otp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/keyring"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Options configures an Engine. Nil and zero fields mean the documented defaults.
type Options struct {
	Now    func() time.Time // the clock; nil: time.Now
	Policy Policy           // how long codes may become, and how many may be asked for
	Hook   storage.Hook     // of traces and metrics; nil: none
}

// An Engine issues and checks live codes. It is safe for concurrent use.
//
// Issue, Check and Admit have a key: repeated with it they change nothing, charge nothing and give
// their first answer, and are journal.ErrKeyReused where they differ. A key is a name within the
// scope and its holder or typist. Besides the errors that its comment lists, a command returns
// *errs.InputError before anything was loaded, journal.ErrConflict where other changes of the scope
// came first twenty times in a row, and what the database said; after the last two it may be run
// again with its key.
type Engine struct {
	frame  engine.Frame
	keys   keyring.Ring
	policy Policy // complete
	runner combine.Runner[*op, answer]
}

// New returns an engine on a store. The first key signs codes and seals claims, and codes of the
// others stay good: a key may go once no code that it signed is live or in quarantine. New returns
// an error if keys is empty, a key is too short, two share an ID, or a field of the policy is out
// of its bounds.
func New(s storage.Tx, keys []secret.Key, opts *Options) (*Engine, error) {
	r, err := keyring.New(keys, "otp.v1 code", "otp.v1 seal")
	if err != nil {
		return nil, fmt.Errorf("otp: %w", err)
	}
	o := cmp.Or(opts, &Options{})
	policy, err := o.Policy.complete()
	if err != nil {
		return nil, fmt.Errorf("otp: %w", err)
	}
	e := &Engine{keys: r, policy: policy}
	return e.on(engine.New(s, o.Now, o.Hook)), nil
}

// on returns a copy on another frame.
func (e *Engine) on(f engine.Frame) *Engine {
	b := *e
	b.frame = f
	b.runner = combine.New(work{Engine: &b})
	return &b
}

// In returns a copy that is bound to a unit of work: what it does is committed or rolled back with
// tx, and in the tenant of tx. Check belongs outside, so that a rollback can't forgive a wrong
// code; Spend belongs inside.
func (e *Engine) In(tx storage.Tx) *Engine { return e.on(e.frame.In(tx)) }

// Issue makes a code. ErrEnded: the key names one that has ended. ErrCrowded: no code is long
// enough for the scope. *ThrottledError: the holder or the device has asked for as many as the
// policy allows; a key that comes again is not counted.
//
// A holder leaves at most as many rows in a scope as the budget allows between two calls of Prune.
func (e *Engine) Issue(ctx context.Context, c Issue) (_ Issued, err error) {
	ctx, call := e.frame.Begin(ctx, string(KindIssue), journal.Subject("otp-holder", string(c.Scope), string(c.Holder)))
	defer call.End(&err)
	if err := c.check(); err != nil {
		return Issued{}, fmt.Errorf("otp: issue: %w", err)
	}
	a, err := e.run(ctx, call, &op{
		command: &issuing{Issue: c}, scope: c.Scope, key: c.Key, by: string(c.Holder), inputs: [][]byte{journal.Hash(string(KindIssue), c)},
		with: c.With,
	})
	if err != nil {
		return Issued{}, fmt.Errorf("otp: issue in %s: %w", c.Scope, err)
	}
	return a.issued, nil
}

// Check charges the attempt and returns whose the code is and what for, both in one commit of its
// own: no two attempts, of any process, see the same budget. A right code costs nothing and gives
// nothing back, and neither does one that was right until somebody spent it. Errors:
// ErrInvalidCode; *ThrottledError; *StoppedError, after MaxMisses wrong codes in a row.
func (e *Engine) Check(ctx context.Context, c Check) (_ Claim, err error) {
	ctx, call := e.frame.Begin(ctx, string(KindCheck), typistSubject(c.Scope, c.Typist))
	defer call.End(&err)
	o, err := e.attempt(c)
	if err != nil {
		return Claim{}, err
	}
	if e.frame.Bound {
		return Claim{}, errors.New("otp: check: a code is checked outside of the transaction, whose rollback would forgive a wrong one")
	}
	a, err := e.run(ctx, call, o)
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
	macs := macs(e.keys, e.frame.Tenant(), c.Scope, digits)
	o := &op{
		command: &checking{c, macs}, scope: c.Scope, key: c.Key, kind: string(KindCheck), by: string(c.Typist),
		subject: typistSubject(c.Scope, c.Typist), now: e.frame.Now(),
	}
	for _, mac := range macs {
		o.inputs = append(o.inputs, journal.Hash(string(KindCheck), []any{c.Scope, c.Typist, c.Purpose, mac}))
	}
	return o, nil
}

// Admit lets a typist in again whom a *StoppedError refuses. Who may call it is the caller's to
// decide; not the typist. ErrNotStopped: nothing keeps the typist out.
func (e *Engine) Admit(ctx context.Context, c Admit) (_ Admitted, err error) {
	ctx, call := e.frame.Begin(ctx, string(KindAdmit), typistSubject(c.Scope, c.Typist))
	defer call.End(&err)
	if err := c.check(); err != nil {
		return Admitted{}, fmt.Errorf("otp: admit: %w", err)
	}
	a, err := e.run(ctx, call, &op{
		command: admitting{c}, scope: c.Scope, key: c.Key, by: c.By, inputs: [][]byte{journal.Hash(string(KindAdmit), c)},
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
	ctx, call := e.frame.Begin(ctx, string(KindSpend), "")
	defer call.End(&err)
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
	if now := e.frame.Now(); before.After(now) {
		before = now
	}
	n, err := prune(ctx, e.frame.Store, journal.Instant(before))
	if err != nil {
		return n, fmt.Errorf("otp: prune: %w", err)
	}
	return n, nil
}

// run runs the op of a call.
func (e *Engine) run(ctx context.Context, call *engine.Call, o *op) (answer, error) {
	o.kind, o.subject, o.now = call.Name, call.Subject, e.frame.Now()
	a, err := engine.Together(ctx, e.frame, call, e.runner, o, false)
	call.Replayed = a.replayed
	if err == nil && a.throttled != nil {
		err = a.throttled
	}
	return a, err
}
