package reward

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/keyring"
	"github.com/scrmkit/scrmkit/internal/published"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Options configures an Engine. Nil and zero fields mean the documented defaults.
type Options struct {
	Now  func() time.Time // the clock; nil: time.Now
	Hook storage.Hook     // of traces and metrics; nil: none
}

// An Engine runs commands on vouchers. It is safe for concurrent use.
//
// Every command has a key, which names it within its holder: a command that is repeated with its
// key changes nothing and returns its first outcome with Replayed true, and is journal.ErrKeyReused
// where it differs. So a command may always be run again after a lost answer. Besides the errors
// that its comment lists, a command returns *errs.InputError, ErrUnknownCatalog,
// journal.ErrConflict where other changes of the holder came first twenty times in a row, and what
// the database said. Where it returns an error nothing was stored, but for one of the database or
// of ctx: then nothing is known, and it may be run again with its key.
type Engine struct {
	frame    engine.Frame
	keys     []secret.Key
	catalogs published.Programs[CatalogID, Definition, *Catalog]
	runner   combine.Runner[op, Outcome]
}

// Refresh is how long another process may go on with an older version of a catalog after a
// Publish.
const Refresh = published.Refresh

// New returns an engine on a store. The first key makes codes, and all of them read them: a key may
// go once no voucher that it made a code for can be redeemed any more. New returns an error if keys
// is empty, a key is too short, or two share an ID.
func New(s storage.Tx, keys []secret.Key, opts *Options) (*Engine, error) {
	if err := keyring.Check(keys); err != nil {
		return nil, fmt.Errorf("reward: %w", err)
	}
	o := cmp.Or(opts, &Options{})
	e := &Engine{keys: slices.Clone(keys), catalogs: newCatalogs()}
	return e.on(engine.New(s, o.Now, o.Hook)), nil
}

// on returns a copy on another frame.
func (e *Engine) on(f engine.Frame) *Engine {
	b := *e
	b.frame = f
	b.runner = combine.New(work{&b})
	return &b
}

// In returns a copy that is bound to a unit of work: what it does is committed or rolled back with
// tx, which may be of any tenant of the same database.
func (e *Engine) In(tx storage.Tx) *Engine { return e.on(e.frame.In(tx)) }

// Preview returns a copy that decides and stores nothing. What it returns may be otherwise a moment
// later; its vouchers have no codes, and whether the stock suffices is not asked.
func (e *Engine) Preview() *Engine { return e.on(e.frame.Preview()) }

// Publish puts a version of a catalog in force: the first one, or the one after the newest. It
// may run twice: the version that is in force already, unchanged, is no error.
// *errs.DefinitionError: it has mistakes. ErrPublished: the version exists and is another, or is
// not the next. A bound engine does not publish.
func (e *Engine) Publish(ctx context.Context, d Definition) (*Catalog, error) {
	return e.catalogs.Publish(ctx, e.frame, d)
}

func newCatalogs() published.Programs[CatalogID, Definition, *Catalog] {
	return published.NewPrograms(published.Kind[CatalogID, Definition, *Catalog]{
		Package: "reward", Noun: "catalog", Versions: catalogs, Compile: Compile, Definition: (*Catalog).Definition,
		Version: func(d Definition) (CatalogID, int) { return d.ID, d.Version },
		Bound:   errors.New("reward: a catalog is published outside of a transaction, for engines keep it in memory"),
		Unknown: ErrUnknownCatalog, Published: ErrPublished,
	})
}

// Catalog returns a version of a catalog, or the one in force for version 0. ErrUnknownCatalog:
// there is none.
func (e *Engine) Catalog(ctx context.Context, id CatalogID, version int) (*Catalog, error) {
	return e.catalogs.Get(ctx, e.frame, id, version)
}

// Issue takes pieces of a reward. Errors: those of Rules.Issue. What costs points is taken with
// package redemption, which spends them.
func (e *Engine) Issue(ctx context.Context, c Issue) (Outcome, error) {
	return e.take(ctx, c, c.Take)
}

// Reserve sets pieces of a reward aside. Errors: those of Rules.Reserve.
func (e *Engine) Reserve(ctx context.Context, c Reserve) (Outcome, error) {
	return e.take(ctx, c, c.Take)
}

// Capture issues what was reserved. Errors: those of Rules.Capture.
func (e *Engine) Capture(ctx context.Context, c Capture) (Outcome, error) { return e.do(ctx, c) }

// Cancel gives back what was reserved. Errors: those of Rules.Cancel.
func (e *Engine) Cancel(ctx context.Context, c Cancel) (Outcome, error) { return e.do(ctx, c) }

// Redeem uses a voucher, once. Errors: those of Rules.Redeem.
func (e *Engine) Redeem(ctx context.Context, c Redeem) (Outcome, error) { return e.do(ctx, c) }

// Undo takes a redemption back. Errors: those of Rules.Undo.
func (e *Engine) Undo(ctx context.Context, c Undo) (Outcome, error) { return e.do(ctx, c) }

// Return gives a voucher back. Errors: those of Rules.Return. The points that it cost are given
// back by package redemption.
func (e *Engine) Return(ctx context.Context, c Return) (Outcome, error) { return e.do(ctx, c) }

// Void ends a voucher by hand. Errors: those of Rules.Void.
func (e *Engine) Void(ctx context.Context, c Void) (Outcome, error) { return e.do(ctx, c) }

// Merge notes that a member turned out to be another one. Where it is noted already, it changes
// nothing and leaves no trace. Errors: those of Rules.Merge. Mergers of the members of a program
// are followed by package redemption.
func (e *Engine) Merge(ctx context.Context, c Merge) (Outcome, error) { return e.run(ctx, c, true) }

// Expire posts that a voucher is past its end. Where it is not, it changes nothing and leaves no
// trace. Errors: those of Rules.Expire.
func (e *Engine) Expire(ctx context.Context, c Expire) (Outcome, error) { return e.do(ctx, c) }

// take runs a command that takes from the stock, and again where reservations that lapsed had
// emptied it.
func (e *Engine) take(ctx context.Context, c command, t Take) (Outcome, error) {
	out, err := e.do(ctx, c)
	if !errors.Is(err, ErrSoldOut) || e.frame.Bound {
		return out, err
	}
	if _, err := e.Reclaim(ctx, t.Holder.Catalog, t.Reward); err != nil {
		return Outcome{}, err
	}
	return e.run(ctx, c, true)
}

func (e *Engine) do(ctx context.Context, c command) (Outcome, error) { return e.run(ctx, c, false) }

func (e *Engine) run(ctx context.Context, c command, alone bool) (out Outcome, err error) {
	o := e.op(c)
	ctx, call := e.frame.Begin(ctx, string(c.kind()), o.needs.holder.Subject())
	defer call.End(&err)
	if err := c.check(); err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", c.kind(), err)
	}
	out, err = e.followed(ctx, o, func(o op) (Outcome, error) {
		return engine.Together(ctx, e.frame, call, e.runner, o, alone)
	})
	if err != nil {
		return Outcome{}, fmt.Errorf("%s for %s: %w", c.kind(), o.needs.holder.Member, err)
	}
	call.Replayed = out.Replayed
	return out, nil
}

func (e *Engine) op(c command) op {
	return op{c, e.needs(c), e.frame.Now(), journal.Hash(string(c.kind()), c)}
}

// shown adds their codes to the vouchers of an outcome.
func (e *Engine) shown(out Outcome) Outcome {
	if e.frame.Dry {
		return out
	}
	out.Vouchers = slices.Clone(out.Vouchers)
	for i, v := range out.Vouchers {
		out.Vouchers[i] = e.show(v)
	}
	return out
}

// show adds its code to a voucher that has one to show.
func (e *Engine) show(v Voucher) Voucher {
	if text, _ := e.codeOf(v); text != "" && (v.State == Issued || v.State == Redeemed) {
		v.Code, v.QR = grouped(text), qrPrefix+text
	}
	return v
}

// codeOf returns the code of a voucher and the key that it is made with; "": it has none, or its
// key is gone.
func (e *Engine) codeOf(v Voucher) (string, secret.Key) {
	i := slices.IndexFunc(e.keys, func(k secret.Key) bool { return k.ID == v.KeyID })
	if i < 0 || v.Salt == nil {
		return "", secret.Key{}
	}
	return code(e.keys[i], e.frame.Tenant(), v.Prefix, v.Salt), e.keys[i]
}

// stored returns a voucher with what its code is found by.
func (e *Engine) stored(v Voucher) voucherRow {
	s := voucherRow{Voucher: v}
	if text, k := e.codeOf(v); text != "" {
		s.MAC = mac(k, e.frame.Tenant(), text)
	}
	return s
}
