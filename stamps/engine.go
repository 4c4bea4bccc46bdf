package stamps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/published"
	"github.com/scrmkit/scrmkit/internal/tenant"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Options configures an Engine. Nil and zero fields mean the documented defaults.
type Options struct {
	Now   func() time.Time // the clock; nil: time.Now
	Cards int              // how many cards are kept in memory, so that an Add of a known card is one round trip; 0: 100,000
	Hook  storage.Hook     // of traces and metrics; nil: none
}

// An Engine runs commands on cards. It is safe for concurrent use.
//
// Every command has a key, which names it within its card: a command that is repeated with its key
// changes nothing and returns its first outcome with Replayed true, and is journal.ErrKeyReused
// where it differs. So a command may always be run again after a lost answer. Besides the errors
// that its comment lists, a command returns *errs.InputError before anything was loaded,
// journal.ErrConflict where other changes of the card came first twenty times in a row, and what
// the database said. Where it returns an error nothing was stored, but for one of the database or
// of ctx: then nothing is known, and it may be run again with its key.
type Engine struct {
	frame  engine.Frame
	shared *shared
	runner combine.Runner[op, Outcome]
}

// shared is what the copies of an engine share.
type shared struct {
	cards    tenant.Cache[CardID, Card]
	programs published.Programs[ProgramID, Definition, *Program]
	sold     tenant.Cache[ProgramID, int64] // the largest stock of a handout that was found to be used up
}

// Refresh is how long another process may go on with an older version of a program after a Publish.
const Refresh = published.Refresh

// New returns an engine on a store.
func New(s storage.Tx, opts *Options) *Engine {
	o := cmp.Or(opts, &Options{})
	e := &Engine{shared: &shared{
		cards: tenant.NewCache[CardID, Card](cmp.Or(max(o.Cards, 0), 100_000)), programs: newPrograms(),
		sold: tenant.NewCache[ProgramID, int64](1024),
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

// Preview returns a copy that decides and explains, and stores nothing. What it returns may be
// otherwise a moment later.
func (e *Engine) Preview() *Engine { return e.on(e.frame.Preview()) }

// Publish puts a version of a program in force: the first one, or the one after the newest. It may
// run twice: the version that is in force already, unchanged, is no error. *errs.DefinitionError:
// it has mistakes. ErrPublished: the version exists and is another, or is not the next. A bound
// engine does not publish.
func (e *Engine) Publish(ctx context.Context, d Definition) (*Program, error) {
	return e.shared.programs.Publish(ctx, e.frame, d)
}

func newPrograms() published.Programs[ProgramID, Definition, *Program] {
	return published.NewPrograms(published.Kind[ProgramID, Definition, *Program]{
		Package: "stamps", Noun: "program", Versions: programs, Compile: Compile, Definition: (*Program).Definition,
		Version: func(d Definition) (ProgramID, int) { return d.ID, d.Version },
		Bound:   errors.New("stamps: a program is published outside of a transaction, for engines keep it in memory"),
		Unknown: ErrUnknownProgram, Published: ErrPublished,
	})
}

// Program returns a version of a program, or the one in force for version 0. ErrUnknownProgram:
// there is none.
func (e *Engine) Program(ctx context.Context, id ProgramID, version int) (*Program, error) {
	return e.shared.programs.Get(ctx, e.frame, id, version)
}

// Add gives stamps. Errors: those of Rules.Add, ErrUnknownProgram.
func (e *Engine) Add(ctx context.Context, c Add) (Outcome, error) { return e.do(ctx, c) }

// Cancel takes stamps back. Errors: those of Rules.Cancel.
func (e *Engine) Cancel(ctx context.Context, c Cancel) (Outcome, error) { return e.do(ctx, c) }

// Import opens the card of a member who comes from another system. Errors: those of Rules.Import,
// ErrUnknownProgram.
func (e *Engine) Import(ctx context.Context, c Import) (Outcome, error) { return e.do(ctx, c) }

// Adjust changes a card by hand. Errors: those of Rules.Adjust, ErrUnknownProgram.
func (e *Engine) Adjust(ctx context.Context, c Adjust) (Outcome, error) { return e.do(ctx, c) }

// Transfer moves stamps from one card to another, both or neither. Errors: those of Rules.Transfer.
func (e *Engine) Transfer(ctx context.Context, c Transfer) (Outcome, error) { return e.do(ctx, c) }

// Expire writes down that stamps or a coupon lapsed. Where nothing has, it changes nothing and
// leaves no trace. Errors: ErrUnknownCard, ErrUnknownCoupon.
func (e *Engine) Expire(ctx context.Context, c Expire) (Outcome, error) { return e.do(ctx, c) }

// Claim takes a coupon from a handout's stock. Errors: those of Program.Claim, ErrUnknownProgram.
func (e *Engine) Claim(ctx context.Context, c Claim) (Outcome, error) { return e.do(ctx, c) }

// Redeem uses a coupon, once. Errors: those of Rules.Redeem.
func (e *Engine) Redeem(ctx context.Context, c Redeem) (Outcome, error) { return e.do(ctx, c) }

// Undo takes a redemption back. Errors: those of Rules.Undo.
func (e *Engine) Undo(ctx context.Context, c Undo) (Outcome, error) { return e.do(ctx, c) }

// Void ends a coupon by hand. Errors: those of Rules.Void.
func (e *Engine) Void(ctx context.Context, c Void) (Outcome, error) { return e.do(ctx, c) }

func (e *Engine) do(ctx context.Context, c command) (out Outcome, err error) {
	ctx, call := e.frame.Begin(ctx, string(c.kind()), subject(c))
	defer call.End(&err)
	if err := c.check(); err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", c.kind(), err)
	}
	_, pair := c.(Transfer)
	out, err = engine.Together(ctx, e.frame, call, e.runner, e.op(c), pair)
	if err != nil {
		return Outcome{}, fmt.Errorf("%s %s: %w", c.kind(), c.lookup().Card, err)
	}
	call.Replayed = out.Replayed
	return out, nil
}

func (e *Engine) op(c command) op {
	return op{c, e.frame.Now(), subject(c), journal.Hash(string(c.kind()), c)}
}
