package loyalty

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/bulk"
	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/published"
	"github.com/scrmkit/scrmkit/internal/tenant"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Options configures an Engine. Nil and zero fields mean the documented defaults.
type Options struct {
	Now      func() time.Time // the clock; nil: time.Now
	Accounts int              // how many accounts are kept in memory, so that a command on a known one is one round trip; 0: 100,000
	Hook     storage.Hook     // of traces and metrics; nil: none
}

// An Engine runs commands on accounts. It is safe for concurrent use.
//
// Every command has a key, which names it within its account: a command that is repeated with its
// key changes nothing and returns its first outcome with Replayed true, and is journal.ErrKeyReused
// where it differs. So a command may always be run again after a lost answer. Besides the errors
// that its comment lists, a command returns *errs.InputError, ErrUnknownProgram,
// journal.ErrConflict where other changes of the account came first twenty times in a row, and what
// the database said. Where it returns an error nothing was stored, but for one of the database or
// of ctx: then nothing is known, and it may be run again with its key.
type Engine struct {
	frame  engine.Frame
	shared *shared
	runner combine.Runner[op, Outcome]
}

// shared is what the copies of an engine share.
type shared struct {
	accounts tenant.Cache[AccountID, Account]
	programs published.Programs[ids.Program, Definition, *Program]
	span     spanSize // of what is verified, or compared, together
}

// Refresh is how long another process may go on with an older version of a program after a
// Publish.
const Refresh = published.Refresh

// New returns an engine on a store.
func New(s storage.Tx, opts *Options) *Engine {
	o := cmp.Or(opts, &Options{})
	e := &Engine{shared: &shared{
		accounts: tenant.NewCache[AccountID, Account](cmp.Or(max(o.Accounts, 0), 100_000)), programs: newPrograms(),
		span: spanSize{members: 64, entries: 8_192},
	}}
	return e.on(engine.New(s, o.Now, o.Hook))
}

// on returns a copy on another frame.
func (e *Engine) on(f engine.Frame) *Engine {
	b := *e
	b.frame = f
	b.runner = combine.New(work{&b})
	return &b
}

// In returns a copy that is bound to a unit of work: what it does is committed or rolled back with
// tx, which is of the database and the tenant that the engine was made for.
func (e *Engine) In(tx storage.Tx) *Engine { return e.on(e.frame.In(tx)) }

// Preview returns a copy that decides and explains, and stores nothing: what a purchase would earn,
// before it is made. What it returns may be otherwise a moment later.
func (e *Engine) Preview() *Engine { return e.on(e.frame.Preview()) }

// Publish puts a version of a program in force: the first one, or the one after the newest. It
// may run twice: the version that is in force already, unchanged, is no error.
// *errs.DefinitionError: it has mistakes, or can't follow the version before it
// (Definition.Follows). *PublishedError, which is ErrPublished and names the version in force: the
// version exists and is another, or is an older one, or is not the next. A bound engine does not
// publish.
//
// A member who qualifies for a level of it by what was counted so far has that level at once in
// Current, and with the next command in the books, and the gifts of levels that the member did not
// have; those who have a level get no gift that is added to it. A metric that is new counts from
// then on: publish it before the levels that need it. WhatIf returns how the members will stand
// (Comparison.Next). What time did to a level since the member's last command is decided by the
// version in force when it is asked for: Sweep before, where a version changes how levels end.
func (e *Engine) Publish(ctx context.Context, d Definition) (*Program, error) {
	return e.shared.programs.Publish(ctx, e.frame, d)
}

func newPrograms() published.Programs[ids.Program, Definition, *Program] {
	return published.NewPrograms(published.Kind[ids.Program, Definition, *Program]{
		Package: "loyalty", Noun: "program", Versions: programs, Compile: Compile, Definition: (*Program).Definition,
		Version: func(d Definition) (ids.Program, int) { return d.ID, d.Version },
		Bound:   errors.New("loyalty: a program is published outside of a transaction, for engines keep it in memory"),
		Unknown: ErrUnknownProgram, Published: ErrPublished, Follows: Definition.Follows, Refusal: refusal,
	})
}

// refusal returns why a version could not be stored, with the one that is in force; nil where it is
// the very version that is in force.
func refusal(ctx context.Context, s storage.Store, d Definition) error {
	newest, err := definition(ctx, s, d.ID, 0)
	switch {
	case errors.Is(err, ErrUnknownProgram):
		return &PublishedError{Next: 1}
	case err != nil:
		return err
	case published.Same(newest, d):
		return nil
	}
	stored, err := definition(ctx, s, d.ID, d.Version)
	if err != nil && !errors.Is(err, ErrUnknownProgram) {
		return err
	}
	return &PublishedError{InForce: newest.Version, Next: newest.Version + 1, Same: err == nil && published.Same(stored, d)}
}

// Program returns a version of a program, or the one in force for version 0. ErrUnknownProgram:
// there is none.
func (e *Engine) Program(ctx context.Context, id ids.Program, version int) (*Program, error) {
	return e.shared.programs.Get(ctx, e.frame, id, version)
}

// Earn gives points for an event, and opens the account where it is the first. Errors: those of
// Program.Earn.
func (e *Engine) Earn(ctx context.Context, c Earn) (Outcome, error) { return e.do(ctx, c) }

// Redeem spends points. Errors: those of Program.Redeem.
func (e *Engine) Redeem(ctx context.Context, c Redeem) (Outcome, error) { return e.do(ctx, c) }

// Reserve sets points aside. Errors: those of Program.Reserve.
func (e *Engine) Reserve(ctx context.Context, c Reserve) (Outcome, error) { return e.do(ctx, c) }

// Capture spends points that were set aside. Errors: those of Program.Capture.
func (e *Engine) Capture(ctx context.Context, c Capture) (Outcome, error) { return e.do(ctx, c) }

// Release gives points back that were set aside. Errors: those of Program.Release.
func (e *Engine) Release(ctx context.Context, c Release) (Outcome, error) { return e.do(ctx, c) }

// Activate lets points that are pending be spent from now on. Errors: those of Program.Activate.
func (e *Engine) Activate(ctx context.Context, c Activate) (Outcome, error) { return e.do(ctx, c) }

// Adjust gives or takes points by hand. Errors: those of Program.Adjust.
func (e *Engine) Adjust(ctx context.Context, c Adjust) (Outcome, error) { return e.do(ctx, c) }

// Transfer gives points to another member, both accounts or neither. Errors: those of
// Program.Transfer.
func (e *Engine) Transfer(ctx context.Context, c Transfer) (Outcome, error) { return e.do(ctx, c) }

// Refund takes back what a purchase earned, as far as it was sent back. Errors: those of
// Program.Refund.
func (e *Engine) Refund(ctx context.Context, c Refund) (Outcome, error) { return e.do(ctx, c) }

// Return gives points back that were spent. Errors: those of Program.Return.
func (e *Engine) Return(ctx context.Context, c Return) (Outcome, error) { return e.do(ctx, c) }

// Expire posts what time has done. Where it has done nothing it changes nothing and leaves no
// trace. Errors: those of Program.Expire.
func (e *Engine) Expire(ctx context.Context, c Expire) (Outcome, error) { return e.do(ctx, c) }

// SetTier gives a level by hand. Errors: those of Program.SetTier.
func (e *Engine) SetTier(ctx context.Context, c SetTier) (Outcome, error) { return e.do(ctx, c) }

// Import opens the account of a member who comes from another system. Errors: those of
// Program.Import.
func (e *Engine) Import(ctx context.Context, c Import) (Outcome, error) { return e.do(ctx, c) }

// Merge moves all that a member has to another, both accounts or neither. Errors: those of
// Program.Merge.
func (e *Engine) Merge(ctx context.Context, c Merge) (Outcome, error) { return e.do(ctx, c) }

// Account returns an account as it is stored; Current returns it as it is now. ErrUnknownAccount:
// there is none.
func (e *Engine) Account(ctx context.Context, id AccountID) (Account, error) {
	if err := id.check(); err != nil {
		return Account{}, fmt.Errorf("loyalty: account: %w", err)
	}
	found, err := load(ctx, e.frame.Store, []lookup{{Account: id}})
	if err != nil {
		return Account{}, fmt.Errorf("loyalty: account of %s: %w", id.Member, err)
	}
	if found[0].Account.Version == 0 {
		return Account{}, fmt.Errorf("loyalty: account of %s: %w", id.Member, ErrUnknownAccount)
	}
	return found[0].Account, nil
}

// Current returns an account as it is now: with the level, and without the points, that time has
// left it. ErrUnknownAccount: there is none.
func (e *Engine) Current(ctx context.Context, id AccountID) (Account, error) {
	a, err := e.Account(ctx, id)
	if err != nil {
		return Account{}, err
	}
	p, err := e.Program(ctx, id.Program, 0)
	if err != nil {
		return Account{}, err
	}
	return p.At(a, e.frame.Now()), nil
}

// Accounts yields the accounts that the query asks for, in the order of their ids. With
// AccountQuery.DueBefore it gives those that an Expire has something to post for.
func (e *Engine) Accounts(ctx context.Context, q AccountQuery) iter.Seq2[Account, error] {
	if err := cmp.Or(valid.OptionalID("program", q.Program), valid.OptionalID("member", q.Member), valid.Time("dueBefore", q.DueBefore)); err != nil {
		return engine.Failed[Account](fmt.Errorf("loyalty: accounts: %w", err))
	}
	return q.list(ctx, e.frame.Store)
}

// Totals returns the books of a program, by currency: the sums of those of its accounts, which it
// reads one after the other. What time has done counts as far as it was posted; TotalsAt returns
// those of an instant. ErrOverflow: a sum is more than an int64 holds.
func (e *Engine) Totals(ctx context.Context, id ids.Program) (map[ids.Currency]Totals, error) {
	if err := valid.ID("program", id); err != nil {
		return nil, fmt.Errorf("loyalty: totals: %w", err)
	}
	totals := map[ids.Currency]Totals{}
	for a, err := range (AccountQuery{Program: id}).list(ctx, e.frame.Store) {
		if err != nil {
			return nil, fmt.Errorf("loyalty: totals of %s: %w", id, err)
		}
		for _, h := range a.Holdings {
			if err := h.Totals.addTo(totals, h.Currency); err != nil {
				return nil, fmt.Errorf("loyalty: totals of %s: %w", id, err)
			}
		}
	}
	return totals, nil
}

// Ledger yields what happened to an account, the newest first: the journal's entries, whose results
// are Outcomes.
func (e *Engine) Ledger(ctx context.Context, id AccountID) iter.Seq2[journal.Entry, error] {
	if err := id.check(); err != nil {
		return engine.Failed[journal.Entry](fmt.Errorf("loyalty: ledger: %w", err))
	}
	return ledger(ctx, e.frame.Store, id)
}

// Sweep posts what time has done, for at most limit accounts, many in each write, and returns how many
// there were. Nothing depends on it but the books: an account stands as time has left it at any
// instant. It may be stopped, by ctx, and run twice, and in many processes at once. An account that
// fails keeps no other one waiting; after a hundred errors, which are joined, it stops.
func (e *Engine) Sweep(ctx context.Context, limit int) (n int, err error) {
	ctx, call := e.frame.Begin(ctx, string(KindExpire), "")
	defer call.End(&err)
	due := AccountQuery{DueBefore: e.frame.Now().Add(time.Microsecond)}.list(ctx, e.frame.Store)
	return bulk.Sweep(ctx, "loyalty: sweep", due, limit, func(accounts []Account) (n int, failed []error) {
		expires := make([]Expire, len(accounts))
		for i, a := range accounts {
			expires[i] = Expire{Account: a.ID, Key: rand.Text()}
		}
		outs, errs := together(ctx, e, expires, false)
		for i, err := range errs {
			switch {
			case err != nil:
				failed = append(failed, err)
			case outs[i].Seq != 0: // else a new version of the program decides otherwise
				n++
			}
		}
		return n, failed
	})
}

// together runs commands in one batch. opens reports whether each is taken to open its account.
func together[C Command](ctx context.Context, e *Engine, commands []C, opens bool) ([]Outcome, []error) {
	now := e.frame.Now()
	return bulk.Each(commands, func(c C) (op, error) {
		if err := c.check(); err != nil {
			return op{}, fmt.Errorf("%s: %w", c.kind(), err)
		}
		r := requested(c)
		return op{r, now, r.needs[0].Account.Subject(), opens}, nil
	}, func(ops []op) ([]Outcome, []error) {
		outs, errs := e.runner.All(ctx, ops)
		for i, err := range errs {
			if err != nil {
				errs[i] = fmt.Errorf("%s for %s: %w", ops[i].kind(), ops[i].needs[0].Account.Member, err)
			}
		}
		return outs, errs
	})
}

func (e *Engine) do(ctx context.Context, c Command) (out Outcome, err error) {
	ctx, call := e.frame.Begin(ctx, string(c.kind()), c.lookups()[0].Account.Subject())
	defer call.End(&err)
	if err := c.check(); err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", c.kind(), err)
	}
	r := requested(c)
	out, err = e.run(ctx, call, r)
	for errors.Is(err, ErrMerged) && r.follows() {
		r, err = r.follow(func(id AccountID) (ids.Member, error) {
			found, err := load(ctx, e.frame.Store, []lookup{{Account: id}})
			if err != nil {
				return "", err
			}
			return found[0].Account.Merged, nil
		})
		if err == nil {
			out, err = e.run(ctx, call, r)
		}
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("%s for %s: %w", c.kind(), r.needs[0].Account.Member, err)
	}
	call.Replayed = out.Replayed
	return out, nil
}

func (e *Engine) run(ctx context.Context, call *engine.Call, r request) (Outcome, error) {
	o := op{r, e.frame.Now(), r.needs[0].Account.Subject(), false}
	return engine.Together(ctx, e.frame, call, e.runner, o, len(r.needs) > 1)
}
