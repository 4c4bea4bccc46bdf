package shop

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/internal/published"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Tx is the part of storage.Tx that an Engine needs.
type Tx interface{ Shops() Store }

// Options of an Engine. Nil, and each zero field, is a default.
type Options struct {
	Now func() time.Time // the clock; nil: time.Now

	// PressKeys seal the tokens of presses: the first one makes them, and any opens them. Without
	// keys there are no tokens.
	PressKeys []Key

	// Hook is called as an operation begins, and what it returns as it ends. Nil: none.
	Hook func(ctx context.Context, op string) (context.Context, func(error))
}

// An Engine runs commands on shops. It is safe for concurrent use.
//
// Every command has a key, which names it within what it changes: a shop, an identity or a serial
// number. Repeated with it a command changes nothing and gives its first answer, and is
// journal.ErrKeyReused where it differs. Besides the errors that its comment lists, a command
// returns *InputError before anything was loaded, journal.ErrConflict where other changes came
// first twenty times in a row, and what the database said; after the last two it may be run again
// with its key.
type Engine struct {
	store Store
	opts  Options
	shops *published.Cache[tenantShop, Shop]
	bound bool // to a unit of work
}

// Refresh is how long Recent may go on with an older version of a shop after another process, or a
// transaction, changed it.
const Refresh = published.Refresh

type tenantShop struct {
	tenant string
	id     ID
}

// New returns an engine on a store.
func New(s Store, opts *Options) *Engine {
	e := &Engine{store: s, shops: published.New[tenantShop, Shop]()}
	if opts != nil {
		e.opts = *opts
	}
	if e.opts.Now == nil {
		e.opts.Now = time.Now
	}
	return e
}

// In returns a copy that is bound to a unit of work: what it does is committed or rolled back with
// tx.
func (e *Engine) In(tx Tx) *Engine {
	b := *e
	b.store, b.bound = tx.Shops(), true
	return &b
}

// Put makes or changes a shop. Managers in slots that the shop no longer has stay until they are
// unbound.
func (e *Engine) Put(ctx context.Context, c Put) (Outcome, error) {
	defer e.shops.Forget(tenantShop{e.store.Tenant(), c.Shop.ID})
	return e.do(ctx, "shop.put", c.check, task{
		lookup: Lookup{Shop: c.Shop.ID}, subject: journal.Subject("shop", string(c.Shop.ID)), key: c.Key, by: c.By,
		input: c, seq: ofShop, before: func(s State) any { return s.Shop },
		decide: func(s State, now time.Time) (Change, Outcome, error) {
			next := c.Shop
			next.From, next.To, next.Version = journal.Instant(next.From), journal.Instant(next.To), s.Shop.Version
			stored := next
			stored.Version++
			return Change{Shops: []Shop{next}}, Outcome{Shop: &stored}, nil
		},
	})
}

// Unbind ends what a manager may do in a shop, at once, and withdraws the open invitations of the
// shop: an older one would let the manager in again. ErrNotManager: the identity does not manage
// it.
func (e *Engine) Unbind(ctx context.Context, c Unbind) (Outcome, error) {
	return e.do(ctx, "shop.unbind", c.check, task{
		lookup: Lookup{Shop: c.Shop, Identity: c.Identity, Invited: true}, subject: journal.Subject("shop-manager", string(c.Identity)), key: c.Key, by: c.By,
		input: c, seq: ofManager, before: func(s State) any { return s.Manager },
		decide: func(s State, now time.Time) (Change, Outcome, error) {
			if s.Manager.Shop != c.Shop {
				return Change{}, Outcome{}, ErrNotManager
			}
			free := Manager{Identity: c.Identity, Version: s.Manager.Version}
			// The shop changes too, so that an invitation that is made meanwhile comes either
			// before or after.
			change, out := Change{Shops: []Shop{s.Shop}, Managers: []Manager{free}}, Outcome{Manager: &free}
			for _, i := range s.Invitations {
				change.Invitations = append(change.Invitations, i.withdrawn(now))
				if i.open(now) {
					out.Withdrawn = append(out.Withdrawn, i.ID())
				}
			}
			return change, out, nil
		},
	})
}

// Get returns a shop with its managers and physical stamps. ErrUnknownShop: there is none.
func (e *Engine) Get(ctx context.Context, id ID) (Shop, []Manager, []Stamp, error) {
	if err := valid.ID("shop", id); err != nil {
		return Shop{}, nil, nil, fmt.Errorf("shop: get: %w", err)
	}
	s, err := e.store.Load(ctx, Lookup{Shop: id, Staff: true})
	if err == nil && s.Shop.Version == 0 {
		err = ErrUnknownShop
	}
	if err != nil {
		return Shop{}, nil, nil, fmt.Errorf("shop: get %s: %w", id, err)
	}
	return s.Shop, s.Managers, s.Stamps, nil
}

// List yields the shops in the order of their ids.
func (e *Engine) List(ctx context.Context) iter.Seq2[Shop, error] { return e.store.List(ctx) }

// Manager returns what an identity manages. ErrNotManager: nothing.
func (e *Engine) Manager(ctx context.Context, identity Identity) (Manager, error) {
	if err := valid.ID("identity", identity); err != nil {
		return Manager{}, fmt.Errorf("shop: manager: %w", err)
	}
	s, err := e.store.Load(ctx, Lookup{Identity: identity})
	if err == nil && s.Manager.Shop == "" {
		err = ErrNotManager
	}
	if err != nil {
		return Manager{}, fmt.Errorf("shop: manager: %w", err)
	}
	return s.Manager, nil
}

// Authorize returns the shop where the identity manages it at this moment. Errors: ErrNotManager,
// ErrClosed.
//
// It holds nothing: in a unit of work that was authorized before an Unbind and ends after it, what
// is done came before the Unbind, and stands. Whoever asks after Unbind has returned is refused, in a
// unit of work too: READ COMMITTED is enough.
func (e *Engine) Authorize(ctx context.Context, id ID, identity Identity) (Shop, error) {
	shops, errs, err := e.AuthorizeEach(ctx, []Pair{{id, identity}})
	if err != nil {
		return Shop{}, err
	}
	return shops[0], errs[0]
}

// AuthorizeEach is Authorize for any number of pairs, in one round trip where the database has
// arrays. It returns a shop and an error for each; the last error is the database's.
func (e *Engine) AuthorizeEach(ctx context.Context, pairs []Pair) ([]Shop, []error, error) {
	shops, errs := make([]Shop, len(pairs)), make([]error, len(pairs))
	var asked []Pair
	var of []int
	for i, p := range pairs {
		if err := cmp.Or(valid.ID("shop", p.Shop), valid.ID("identity", p.Identity)); err != nil {
			errs[i] = fmt.Errorf("shop: authorize: %w", err)
			continue
		}
		asked, of = append(asked, p), append(of, i)
	}
	states, err := e.store.Pairs(ctx, asked)
	if err != nil {
		return nil, nil, fmt.Errorf("shop: authorize: %w", err)
	}
	now := e.opts.Now()
	for k, i := range of {
		if err := states[k].authorize(now); err != nil {
			errs[i] = fmt.Errorf("shop: authorize in %s: %w", pairs[i].Shop, err)
			continue
		}
		shops[i] = states[k].Shop
	}
	return shops, errs, nil
}

// authorize reports why the manager may not act for the shop, or nil.
func (s State) authorize(now time.Time) error {
	switch {
	case s.Shop.Version == 0 || s.Manager.Shop != s.Shop.ID:
		return ErrNotManager
	case !s.Shop.Open(now):
		return ErrClosed
	}
	return nil
}

// Open returns a shop that takes part at this moment. Errors: ErrUnknownShop, ErrClosed.
func (e *Engine) Open(ctx context.Context, id ID) (Shop, error) {
	return e.taking(ctx, id, e.load)
}

// Recent is Open for what gives nobody anything yet, such as a code that is to be checked later: it
// may go by the shop as it was up to Refresh ago, which mostly costs no round trip. In a unit of
// work it is Open.
func (e *Engine) Recent(ctx context.Context, id ID) (Shop, error) {
	if e.bound {
		return e.Open(ctx, id)
	}
	return e.taking(ctx, id, e.recent)
}

// taking returns a shop that takes part at this moment, as load has it.
func (e *Engine) taking(ctx context.Context, id ID, load func(context.Context, ID) (Shop, error)) (Shop, error) {
	if err := valid.ID("shop", id); err != nil {
		return Shop{}, fmt.Errorf("shop: open: %w", err)
	}
	s, err := load(ctx, id)
	switch {
	case err != nil:
	case s.Version == 0:
		err = ErrUnknownShop
	case !s.Open(e.opts.Now()):
		err = ErrClosed
	}
	if err != nil {
		return Shop{}, fmt.Errorf("shop: open %s: %w", id, err)
	}
	return s, nil
}

func (e *Engine) load(ctx context.Context, id ID) (Shop, error) {
	s, err := e.store.Load(ctx, Lookup{Shop: id})
	return s.Shop, err
}

// recent returns a shop as it was at most Refresh ago, and one that is not there as it is.
func (e *Engine) recent(ctx context.Context, id ID) (Shop, error) {
	now, key := e.opts.Now(), tenantShop{e.store.Tenant(), id}
	if s, ok := e.shops.Get(key, 0, now); ok {
		return s, nil
	}
	s, err := e.load(ctx, id)
	if err == nil && s.Version > 0 {
		e.shops.Put(key, int(s.Version), s, true, now)
	}
	return s, err
}

// A task is a command as the engine runs it: load, decide, save, and again where another change
// came first.
type task struct {
	lookup  Lookup
	subject string
	key     string
	by      string
	input   any
	seq     func(State) int64 // number of the journal's entry: the subject's version after the change
	before  func(State) any
	decide  func(State, time.Time) (Change, Outcome, error)
}

func ofShop(s State) int64    { return s.Shop.Version + 1 }
func ofManager(s State) int64 { return s.Manager.Version + 1 }
func ofStamp(s State) int64   { return s.Stamp.Version + 1 }

func (e *Engine) do(ctx context.Context, kind string, check func() error, t task) (out Outcome, err error) {
	if e.opts.Hook != nil {
		var end func(error)
		ctx, end = e.opts.Hook(ctx, kind)
		defer func() { end(err) }()
	}
	if err := check(); err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", kind, err)
	}
	now := journal.Instant(e.opts.Now())
	input := journal.Hash(kind, t.input)
	t.lookup.Entry, t.lookup.Key = t.subject, t.key
	err = combine.Retry(ctx, func() error {
		s, err := e.store.Load(ctx, t.lookup)
		if err != nil {
			return err
		}
		if s.Record != nil {
			out = Outcome{Replayed: true}
			return s.Record.Replay(input, &out)
		}
		var change Change
		if change, out, err = t.decide(s, now); err != nil {
			return err
		}
		entry := journal.Entry{
			Subject: t.subject, Seq: t.seq(s), Key: t.key, Kind: kind, At: now, By: t.by, Input: input, Result: journal.JSON(out),
		}
		if t.before != nil {
			entry.Before = journal.JSON(t.before(s))
		}
		change.Entries = []journal.Entry{entry}
		return e.store.Save(ctx, change)
	})
	if err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", kind, err)
	}
	return out, nil
}
