package shop

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/published"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Options configures an Engine. Nil and zero fields mean the documented defaults.
type Options struct {
	Now func() time.Time // the clock; nil: time.Now

	// PressKeys seal the tokens of presses: the first one makes them, and any opens them. Without
	// keys there are no tokens.
	PressKeys []secret.Key

	Hook storage.Hook // of traces and metrics; nil: none
}

// An Engine runs commands on shops. It is safe for concurrent use.
//
// Every command has a key, which names it within what it changes: a shop, an identity or a serial
// number. Repeated with it a command changes nothing and gives its first answer, and is
// journal.ErrKeyReused where it differs. Besides the errors that its comment lists, a command
// returns *errs.InputError before anything was loaded, journal.ErrConflict where other changes came
// first twenty times in a row, and what the database said; after the last two it may be run again
// with its key.
type Engine struct {
	frame engine.Frame
	keys  []secret.Key // of presses
	shops published.Cache[ids.Shop, Shop]
}

// Refresh is how long Recent may go on with an older version of a shop after another process, or a
// transaction, changed it.
const Refresh = published.Refresh

// New returns an engine on a store.
func New(s storage.Tx, opts *Options) *Engine {
	o := cmp.Or(opts, &Options{})
	return &Engine{engine.New(s, o.Now, o.Hook), o.PressKeys, published.New[ids.Shop, Shop]()}
}

// In returns a copy that is bound to a unit of work: what it does is committed or rolled back with
// tx.
func (e *Engine) In(tx storage.Tx) *Engine {
	b := *e
	b.frame = e.frame.In(tx)
	return &b
}

// Put makes or changes a shop. Managers in slots that the shop no longer has stay until they are
// unbound.
func (e *Engine) Put(ctx context.Context, c Put) (Outcome, error) {
	defer e.shops.Forget(e.frame.Tenant(), c.Shop.ID)
	c.Shop.Version = 0 // it is not read, so that a command with the shop as it was stored since is the same
	return e.do(ctx, KindPut, c.check, task{
		lookup: lookup{shop: c.Shop.ID}, subject: journal.Subject("shop", string(c.Shop.ID)), key: c.Key, by: c.By,
		input: c, seq: ofShop, before: func(s state) any { return s.shop },
		decide: func(s state, now time.Time) (update, Outcome, error) {
			next := c.Shop
			next.From, next.To, next.Version = journal.Instant(next.From), journal.Instant(next.To), s.shop.Version
			stored := next
			stored.Version++
			return update{shops: []Shop{next}}, Outcome{Shop: &stored}, nil
		},
	})
}

// Unbind ends what a manager may do in a shop, at once, and withdraws the open invitations of the
// shop: an older one would let the manager in again. ErrNotManager: the identity does not manage
// it.
func (e *Engine) Unbind(ctx context.Context, c Unbind) (Outcome, error) {
	return e.do(ctx, KindUnbind, c.check, task{
		lookup: lookup{shop: c.Shop, identity: c.Identity, invited: true}, subject: journal.Subject("shop-manager", string(c.Identity)), key: c.Key, by: c.By,
		input: c, seq: ofManager, before: func(s state) any { return s.manager },
		decide: func(s state, now time.Time) (update, Outcome, error) {
			if s.manager.Shop != c.Shop {
				return update{}, Outcome{}, ErrNotManager
			}
			free := Manager{Identity: c.Identity, Version: s.manager.Version}
			// The shop changes too, so that an invitation that is made meanwhile comes either
			// before or after.
			change, out := update{shops: []Shop{s.shop}, managers: []Manager{free}}, Outcome{Manager: &free}
			for _, i := range s.invitations {
				change.invitations = append(change.invitations, i.withdrawn(now))
				if i.open(now) {
					out.Withdrawn = append(out.Withdrawn, i.ID())
				}
			}
			return change, out, nil
		},
	})
}

// Get returns a shop with its managers and physical stamps. ErrUnknownShop: there is none.
func (e *Engine) Get(ctx context.Context, id ids.Shop) (Shop, []Manager, []Stamp, error) {
	if err := valid.ID("shop", id); err != nil {
		return Shop{}, nil, nil, fmt.Errorf("shop: get: %w", err)
	}
	s, err := load(ctx, e.frame.Store, lookup{shop: id, staff: true})
	if err == nil && s.shop.Version == 0 {
		err = ErrUnknownShop
	}
	if err != nil {
		return Shop{}, nil, nil, fmt.Errorf("shop: get %s: %w", id, err)
	}
	return s.shop, s.managers, s.stamps, nil
}

// List yields the shops in the order of their ids.
func (e *Engine) List(ctx context.Context) iter.Seq2[Shop, error] {
	return storage.List(ctx, e.frame.Store, shopsByID, storage.Range{})
}

// Manager returns what an identity manages. ErrNotManager: nothing.
func (e *Engine) Manager(ctx context.Context, identity Identity) (Manager, error) {
	if err := valid.ID("identity", identity); err != nil {
		return Manager{}, fmt.Errorf("shop: manager: %w", err)
	}
	s, err := load(ctx, e.frame.Store, lookup{identity: identity})
	if err == nil && s.manager.Shop == "" {
		err = ErrNotManager
	}
	if err != nil {
		return Manager{}, fmt.Errorf("shop: manager: %w", err)
	}
	return s.manager, nil
}

// A Pair is a shop and somebody who may manage it.
type Pair struct {
	Shop     ids.Shop // shop to act for
	Identity Identity // who wants to act for it
}

// Authorize returns the shop where the identity manages it at this moment. Errors: ErrNotManager,
// ErrClosed.
//
// It holds nothing: in a unit of work that was authorized before an Unbind and ends after it, what
// is done came before the Unbind, and stands. Whoever asks after Unbind has returned is refused, in
// a unit of work too: READ COMMITTED is enough.
func (e *Engine) Authorize(ctx context.Context, id ids.Shop, identity Identity) (Shop, error) {
	shops, errs, err := e.AuthorizeEach(ctx, []Pair{{id, identity}})
	if err != nil {
		return Shop{}, err
	}
	return shops[0], errs[0]
}

// AuthorizeEach is Authorize for any number of pairs, in one round trip where the database has
// arrays. It returns a shop and an error for each; the last error is the database's.
func (e *Engine) AuthorizeEach(ctx context.Context, pairs []Pair) ([]Shop, []error, error) {
	looks, answer := e.Authorizing(pairs)
	if err := e.frame.Store.Load(ctx, looks); err != nil {
		return nil, nil, fmt.Errorf("shop: authorize: %w", err)
	}
	shops, errs := answer()
	return shops, errs, nil
}

// Authorizing is AuthorizeEach for who reads other things in the same round trip: the answer is
// that of the moment at which the looks are loaded, in the tenant of the engine, and is for one
// load.
func (e *Engine) Authorizing(pairs []Pair) (looks []storage.Look, answer func() ([]Shop, []error)) {
	found, errs := make([]Shop, len(pairs)), make([]error, len(pairs))
	states := make([]state, len(pairs))
	for i, p := range pairs {
		if err := cmp.Or(valid.ID("shop", p.Shop), valid.ID("identity", p.Identity)); err != nil {
			errs[i] = fmt.Errorf("shop: authorize: %w", err)
			continue
		}
		st := &states[i]
		st.shop.ID, st.manager.Identity = p.Shop, p.Identity
		looks = append(looks, storage.Look{Reads: []storage.Read{shops.Get(&st.shop), managers.Get(&st.manager)}})
	}
	return looks, func() ([]Shop, []error) {
		now := e.frame.Now()
		for i, st := range states {
			if errs[i] != nil {
				continue
			}
			if err := st.authorize(now); err != nil {
				errs[i] = fmt.Errorf("shop: authorize in %s: %w", pairs[i].Shop, err)
				continue
			}
			found[i] = st.shop
		}
		return found, errs
	}
}

// authorize reports why the manager may not act for the shop, or nil.
func (s state) authorize(now time.Time) error {
	switch {
	case s.shop.Version == 0 || s.manager.Shop != s.shop.ID:
		return ErrNotManager
	case !s.shop.Open(now):
		return ErrClosed
	}
	return nil
}

// Open returns a shop that takes part at this moment. Errors: ErrUnknownShop, ErrClosed.
func (e *Engine) Open(ctx context.Context, id ids.Shop) (Shop, error) {
	return e.taking(ctx, id, e.load)
}

// Recent is Open for what gives nobody anything yet, such as a code that is to be checked later: it
// may go by the shop as it was up to Refresh ago, which mostly costs no round trip. In a unit of
// work it is Open.
func (e *Engine) Recent(ctx context.Context, id ids.Shop) (Shop, error) {
	if e.frame.Bound {
		return e.Open(ctx, id)
	}
	return e.taking(ctx, id, e.recent)
}

// taking returns a shop that takes part at this moment, as load has it.
func (e *Engine) taking(ctx context.Context, id ids.Shop, load func(context.Context, ids.Shop) (Shop, error)) (Shop, error) {
	if err := valid.ID("shop", id); err != nil {
		return Shop{}, fmt.Errorf("shop: open: %w", err)
	}
	s, err := load(ctx, id)
	switch {
	case err != nil:
	case s.Version == 0:
		err = ErrUnknownShop
	case !s.Open(e.frame.Now()):
		err = ErrClosed
	}
	if err != nil {
		return Shop{}, fmt.Errorf("shop: open %s: %w", id, err)
	}
	return s, nil
}

func (e *Engine) load(ctx context.Context, id ids.Shop) (Shop, error) {
	s, err := load(ctx, e.frame.Store, lookup{shop: id})
	return s.shop, err
}

// recent returns a shop as it was at most Refresh ago, and one that is not there as it is.
func (e *Engine) recent(ctx context.Context, id ids.Shop) (Shop, error) {
	now, tenant := e.frame.Now(), e.frame.Tenant()
	if s, ok := e.shops.Get(tenant, id, 0, now); ok {
		return s, nil
	}
	s, err := e.load(ctx, id)
	if err == nil && s.Version > 0 {
		e.shops.Put(tenant, id, int(s.Version), s, true, now)
	}
	return s, err
}

// A task is a command with what it is decided on.
type task struct {
	lookup  lookup
	subject string
	key     string
	by      string
	input   any
	seq     func(state) int64 // number of the journal's entry: the subject's version after the change
	before  func(state) any
	decide  func(state, time.Time) (update, Outcome, error)
	private bool // the subject is a serial
}

func ofShop(s state) int64    { return s.shop.Version + 1 }
func ofManager(s state) int64 { return s.manager.Version + 1 }
func ofStamp(s state) int64   { return s.stamp.Version + 1 }

func (e *Engine) do(ctx context.Context, kind journal.Kind[Outcome], check func() error, t task) (Outcome, error) {
	t.lookup.subject, t.lookup.key = t.subject, t.key
	c := engine.Command{Name: string(kind), Check: check, Subject: t.subject, Private: t.private, Key: t.key, By: t.by, Input: t.input}
	out, replayed, err := engine.Do(ctx, e.frame, c, func(ctx context.Context, try *engine.Try[Outcome]) (Outcome, error) {
		s, err := load(ctx, e.frame.Store, t.lookup)
		if err != nil {
			return Outcome{}, err
		}
		if s.entry != nil {
			return try.Replay(s.entry)
		}
		next, out, err := t.decide(s, try.Now)
		if err != nil {
			return Outcome{}, err
		}
		next.entry = try.Entry(t.seq(s), out)
		if t.before != nil {
			next.entry.Before = journal.JSON(t.before(s))
		}
		return out, next.save(ctx, e.frame.Store)
	})
	out.Replayed = replayed
	return out, err
}
