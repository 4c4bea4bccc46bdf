package activation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/bulk"
	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/keyring"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Options configures an Engine. Nil and zero fields mean the documented defaults.
type Options struct {
	Now    func() time.Time // the clock; nil: time.Now
	Policy Policy           // how often sign-ins may be tried, and how many sessions there may be
	Hook   storage.Hook     // of traces and metrics; nil: none
}

// An Engine runs commands on codes, sessions, ports and devices. It is safe for concurrent use.
//
// Most commands have a key, which names it within what it changes: a code, a pool or a device, and
// for Create, CodeBatch and Invite the tenant. Repeated with it a command changes nothing and gives
// its first answer, without what is shown once, and is journal.ErrKeyReused where it differs.
// Besides the errors that its comment lists, a command returns *errs.InputError before anything was
// loaded, journal.ErrConflict where other changes came first twenty times in a row, and what the
// database said; after the last two it may be run again with its key.
type Engine struct {
	frame  engine.Frame
	keys   []secret.Key
	policy Policy // complete
}

// New returns an engine on a store. Codes are stored under the first key; the others are for those
// of before: a key may go once every code that it stored is renewed or deleted. New returns an
// error if keys is empty, a key is too short, two share an ID, or a field of the policy is out of its
// bounds.
func New(s storage.Tx, keys []secret.Key, opts *Options) (*Engine, error) {
	if err := keyring.Check(keys); err != nil {
		return nil, fmt.Errorf("activation: %w", err)
	}
	o := cmp.Or(opts, &Options{})
	policy := o.Policy.complete()
	if err := policy.check(); err != nil {
		return nil, fmt.Errorf("activation: %w", err)
	}
	return &Engine{engine.New(s, o.Now, o.Hook), slices.Clone(keys), policy}, nil
}

// In returns a copy that is bound to a unit of work: what it does is committed or rolled back with
// tx.
func (e *Engine) In(tx storage.Tx) *Engine {
	b := *e
	b.frame = e.frame.In(tx)
	return &b
}

// Create makes codes, and shows each of them once. ErrUnknownPool: there is no such pool.
func (e *Engine) Create(ctx context.Context, c Create) ([]Issued, error) {
	var secrets []Issued
	check := c.check // of the times as they were given
	c.Settings.Expires = journal.Instant(c.Settings.Expires)
	out, err := do(ctx, e, task[[]Issued]{
		kind: string(KindCreate), check: check, subject: ofTenant(c.Key), key: c.Key, by: c.By, input: c,
		lookup: lookup{pool: c.Settings.Pool},
		decide: func(l loaded, now time.Time) (ch change, out []Issued, err error) {
			if err := l.pool.there(); err != nil {
				return ch, nil, err
			}
			secrets = nil
			for range c.N {
				id, rest := newCode()
				ch.codes = append(ch.codes, Code{ID: id, Settings: c.Settings, Created: now, Updated: now, Secret: seal(e.keys[0], e.frame.Tenant(), id, rest)})
				out = append(out, Issued{ID: id})
				secrets = append(secrets, Issued{id, textOf(id, rest)})
			}
			return ch, out, nil
		},
	})
	if err == nil && len(secrets) == len(out) && secrets[0].ID == out[0].ID {
		out = secrets
	}
	return out, err
}

// Edit changes a code. Errors: those of Code.Edit, and ErrUnknownPool.
func (e *Engine) Edit(ctx context.Context, c Edit) (Code, error) {
	check := c.check // of the times as they were given
	c.Settings.Expires = journal.Instant(c.Settings.Expires)
	return do(ctx, e, task[Code]{
		kind: string(KindEdit), check: check, subject: CodeSubject(c.Code), key: c.Key, by: c.By, input: c,
		lookup: lookup{codes: []ids.Code{c.Code}, pool: c.Settings.Pool},
		decide: func(l loaded, now time.Time) (change, Code, error) {
			next, err := l.codes[0].Edit(c, now)
			return change{codes: []Code{next}}, next.public(), cmp.Or(err, l.pool.there())
		},
	})
}

// Disable ends what the codes may do (停用). ErrUnknownCode: one does not exist, and nothing was done
// to the others.
func (e *Engine) Disable(ctx context.Context, c CodeBatch) ([]Code, error) {
	return e.to(ctx, string(KindDisable), Disabled, c)
}

// Enable lets the codes work again (启用). Their agents sign in anew. Errors: as Disable.
func (e *Engine) Enable(ctx context.Context, c CodeBatch) ([]Code, error) {
	return e.to(ctx, string(KindEnable), Enabled, c)
}

// Expire has the codes expire now. Errors: as Disable.
func (e *Engine) Expire(ctx context.Context, c CodeBatch) ([]Code, error) {
	return e.to(ctx, string(KindExpire), Expired, c)
}

// Delete ends the codes for ever. What they counted stays. Errors: as Disable.
func (e *Engine) Delete(ctx context.Context, c CodeBatch) ([]Code, error) {
	return e.to(ctx, string(KindDelete), Deleted, c)
}

func (e *Engine) to(ctx context.Context, kind string, s State, c CodeBatch) ([]Code, error) {
	c.Codes = slices.Compact(slices.Sorted(slices.Values(c.Codes)))
	return do(ctx, e, task[[]Code]{
		kind: kind, check: c.check, subject: ofTenant(c.Key), key: c.Key, by: c.By, input: c, lookup: lookup{codes: c.Codes},
		decide: func(l loaded, now time.Time) (ch change, out []Code, err error) {
			for _, code := range l.codes {
				next, err := code.To(s, now)
				if err != nil {
					return ch, nil, fmt.Errorf("%s: %w", code.ID, err)
				}
				ch.codes, out = append(ch.codes, next), append(out, next.public())
			}
			return ch, out, nil
		},
	})
}

// Renew gives a code another secret, which it shows once. ErrUnknownCode: there is no such code.
func (e *Engine) Renew(ctx context.Context, c Renew) (Issued, error) {
	var shown string
	return do(ctx, e, task[Issued]{
		kind: string(KindRenew), check: c.check, subject: CodeSubject(c.Code), key: c.Key, by: c.By, input: c, lookup: lookup{codes: []ids.Code{c.Code}},
		once: func(out *Issued) { out.Code = shown },
		decide: func(l loaded, now time.Time) (change, Issued, error) {
			next, err := l.codes[0].known(now)
			if err != nil {
				return change{}, Issued{}, err
			}
			_, rest := newCode()
			shown = textOf(c.Code, rest)
			next = next.vacant(now)
			next.Secret, next.Updated = seal(e.keys[0], e.frame.Tenant(), c.Code, rest), now
			next.Tries, next.Strangers = nil, Budget{}
			return change{codes: []Code{next}}, Issued{ID: c.Code}, nil
		},
	})
}

// PutPool makes a pool, or changes how many ports it has. Its *errs.InputError may also come later:
// where more are in use.
func (e *Engine) PutPool(ctx context.Context, c PutPool) (Pool, error) {
	return do(ctx, e, task[Pool]{
		kind: string(KindPutPool), check: c.check, subject: c.Pool.Subject(), key: c.Key, by: c.By, input: c, lookup: lookup{pool: c.Pool},
		decide: func(l loaded, _ time.Time) (change, Pool, error) {
			next := l.pool
			more := c.Ports - next.Ports
			next.Ports, next.Free = c.Ports, next.Free+more
			return change{pools: []Pool{next}, draws: []draw{{c.Pool, -more}}}, next, nil
		},
		full: func(p Pool) error {
			return &errs.InputError{Field: "ports", Reason: fmt.Sprintf("are fewer than the %d in use", p.Ports-p.Free)}
		},
	})
}

// Pool returns a pool, with what is free of it now. ErrUnknownPool: there is none.
func (e *Engine) Pool(ctx context.Context, id PoolID) (Pool, error) {
	now := e.frame.Now()
	err := valid.ID("pool", id)
	var l loaded
	if err == nil {
		l, err = load(ctx, e.frame.Store, lookup{pool: id})
	}
	if err == nil && l.pool.Version == 0 {
		err = ErrUnknownPool
	}
	if err != nil {
		return Pool{}, fmt.Errorf("activation: pool: %w", err)
	}
	for c, err := range (dueQuery{pool: id, now: now}).list(ctx, e.frame.Store) {
		if err != nil {
			return Pool{}, fmt.Errorf("activation: pool: %w", err)
		}
		l.pool.Free += c.Ports() - c.Settled(now).Ports()
	}
	return l.pool, nil
}

// State returns whether a code works now, or why it does not. ErrUnknownCode: there never was one.
func (e *Engine) State(ctx context.Context, id ids.Code) (State, error) {
	err := valid.ID("code", id)
	var l loaded
	if err == nil {
		l, err = load(ctx, e.frame.Store, lookup{codes: []ids.Code{id}})
	}
	if err == nil && l.codes[0].Version == 0 {
		err = ErrUnknownCode
	}
	if err != nil {
		return "", fmt.Errorf("activation: state: %w", err)
	}
	return l.codes[0].State(e.frame.Now()), nil
}

// Code returns a code. ErrUnknownCode: there is none.
func (e *Engine) Code(ctx context.Context, id ids.Code) (Code, error) {
	err := valid.ID("code", id)
	var l loaded
	if err == nil {
		l, err = load(ctx, e.frame.Store, lookup{codes: []ids.Code{id}})
	}
	var c Code
	if err == nil {
		c, err = l.codes[0].known(e.frame.Now())
	}
	if err != nil {
		return Code{}, fmt.Errorf("activation: code: %w", err)
	}
	return c.public(), nil
}

// Codes yields the codes that the query asks for, the newest first. Query.Now is set by the engine.
// Errors: *errs.InputError.
func (e *Engine) Codes(ctx context.Context, q CodeQuery) iter.Seq2[Code, error] {
	q.Now = e.frame.Now()
	return func(yield func(Code, error) bool) {
		err := valid.Text("department", q.Department)
		if err == nil && !slices.Contains([]State{"", Enabled, Disabled, Expired}, q.State) {
			err = &errs.InputError{Field: "state", Reason: "is none of enabled, disabled and expired"}
		}
		if err != nil {
			yield(Code{}, fmt.Errorf("activation: codes: %w", err))
			return
		}
		for c, err := range q.list(ctx, e.frame.Store) {
			if !yield(c.Settled(q.Now).public(), err) {
				return
			}
		}
	}
}

// Sweep settles at most limit codes whose sessions have ended by time alone, so that their ports
// are free, and returns how many. A pool that has no port left does that by itself. It may run
// anywhere, any number of times. A code that fails keeps no other one waiting; after a hundred errors,
// which are joined, it stops.
func (e *Engine) Sweep(ctx context.Context, limit int) (n int, err error) {
	ctx, call := e.frame.Begin(ctx, "activation.sweep", "")
	defer call.End(&err)
	now := e.frame.Now()
	return bulk.Sweep(ctx, "activation: sweep", dueQuery{now: now}.list(ctx, e.frame.Store), limit, bulk.OneByOne(func(c Code) error {
		if err := e.settle(ctx, c.ID, now); err != nil {
			return fmt.Errorf("activation: sweep: code %s: %w", c.ID, err)
		}
		return nil
	}))
}

// settle settles a code that is due.
func (e *Engine) settle(ctx context.Context, id ids.Code, now time.Time) error {
	return combine.Retry(ctx, func() error {
		l, err := load(ctx, e.frame.Store, lookup{codes: []ids.Code{id}})
		if err != nil {
			return err
		}
		ch := change{codes: []Code{l.codes[0].Settled(now)}}
		ch.finish(l, nil)
		return ch.save(ctx, e.frame.Store)
	})
}

// free settles codes of a pool that are due, until that many of its ports are free, and returns how
// many codes. It goes past two that fail: their errors are returned where there are no others.
func (e *Engine) free(ctx context.Context, pool PoolID, ports int, now time.Time) (n int, err error) {
	var failed []error
	for c, err := range (dueQuery{pool: pool, now: now, limit: maxCodes}).list(ctx, e.frame.Store) {
		if err == nil {
			err = e.settle(ctx, c.ID, now)
		}
		if err != nil {
			if failed = append(failed, err); len(failed) > 2 { // it may be the database
				break
			}
			continue
		}
		n++
		if ports -= c.Ports() - c.Settled(now).Ports(); ports <= 0 {
			break
		}
	}
	if n == 0 {
		return 0, errors.Join(failed...)
	}
	return n, nil
}

// ofTenant is the subject of a command that is on no one row.
func ofTenant(key string) string { return journal.Subject("activation/command", key) }

// A task is a command with what it is decided on.
type task[V any] struct {
	kind    string
	check   func() error
	subject string
	private bool // the subject is what was typed
	key     string
	by      string
	input   any
	lookup  lookup
	decide  func(loaded, time.Time) (change, V, error)
	once    func(*V)         // adds what is shown once; nil: nothing
	who     func(V) string   // nil: by
	full    func(Pool) error // of a pool that has too few ports; nil: *CapacityError
}

func do[V any](ctx context.Context, e *Engine, t task[V]) (V, error) {
	t.lookup.subject, t.lookup.key = t.subject, t.key
	c := engine.Command{Name: t.kind, Check: t.check, Subject: t.subject, Private: t.private, Key: t.key, By: t.by, Input: t.input}
	v, replayed, err := engine.Do(ctx, e.frame, c, func(ctx context.Context, try *engine.Try[V]) (v V, err error) {
		l, err := load(ctx, e.frame.Store, t.lookup)
		if err != nil {
			return v, err
		}
		if l.entry != nil {
			return try.Replay(l.entry)
		}
		ch, v, err := t.decide(l, try.Now)
		if err != nil {
			return v, err
		}
		entry := try.Entry(1, v)
		if t.who != nil {
			entry.By = t.who(v)
		}
		ch.finish(l, &entry)
		if err = ch.save(ctx, e.frame.Store); errors.Is(err, ErrCapacity) {
			err = e.room(ctx, ch.draws, try.Now, t.full)
		}
		return v, err
	})
	if err == nil && !replayed && t.once != nil {
		t.once(&v)
	}
	return v, err
}

// room settles codes that are due, so that the draws may be tried again: journal.ErrConflict. Where
// none is, it names the full pool.
func (e *Engine) room(ctx context.Context, draws []draw, now time.Time, full func(Pool) error) error {
	for _, d := range draws {
		l, err := load(ctx, e.frame.Store, lookup{pool: d.pool})
		if err != nil {
			return err
		}
		lack := d.n - l.pool.Free
		if lack <= 0 {
			continue
		}
		n, err := e.free(ctx, d.pool, lack, now)
		switch {
		case err != nil:
			return err
		case n == 0 && full != nil:
			return full(l.pool)
		case n == 0:
			return &CapacityError{l.pool.Ports, d.pool}
		}
	}
	return journal.ErrConflict
}

// finish gives what changes its versions, the sessions that ended, the ports that it has of pools,
// and its entries: one of the command's subject, and one of every other code that changes. Nil: the
// journal is told nothing.
func (ch *change) finish(l loaded, told *journal.Entry) {
	drawn := map[PoolID]int{}
	loaded := append(slices.Clone(l.codes), l.claimed.Code)
	for i := range ch.codes {
		c := &ch.codes[i]
		was := Code{}
		if k := slices.IndexFunc(loaded, func(o Code) bool { return o.ID == c.ID }); k >= 0 {
			was = loaded[k]
		}
		ch.ended = append(ch.ended, was.ended(*c)...)
		c.Version, c.Drawn = was.Version+1, 0
		if c.Secret == was.Secret {
			c.Secret = nil
		}
		if c.Settings.Pool != "" {
			c.Drawn = c.Ports()
		}
		drawn[was.Settings.Pool] -= was.Drawn
		drawn[c.Settings.Pool] += c.Drawn
		if told != nil {
			c.Seq++
			e := ch.tell(*told, CodeSubject(c.ID), c.Seq, c.public())
			if was.Version > 0 {
				e.Before = journal.JSON(was.public())
			}
		}
	}
	for i := range ch.claims {
		ch.claims[i].Version++
	}
	for i := range ch.pools {
		p := &ch.pools[i]
		p.Version, p.Seq = p.Version+1, p.Seq+1
		ch.tell(*told, p.ID.Subject(), p.Seq, *p)
	}
	for i := range ch.devices {
		d := &ch.devices[i]
		d.Version++
		if told.Subject == d.ID.Subject() {
			d.Seq++
			ch.tell(*told, told.Subject, d.Seq, d.public())
		}
	}
	for i := range ch.invitations {
		ch.invitations[i].Version++
	}
	if told != nil && !slices.ContainsFunc(ch.entries, func(e journal.Entry) bool { return e.Subject == told.Subject }) {
		ch.tell(*told, told.Subject, 1, nil)
	}
	for _, id := range slices.Sorted(maps.Keys(drawn)) {
		if id != "" && drawn[id] != 0 {
			ch.draws = append(ch.draws, draw{id, drawn[id]})
		}
	}
}

// tell adds an entry of a subject. Where the command is of another one, its key can't be one of
// that subject, for it has a space, and the result is the row.
func (ch *change) tell(e journal.Entry, subject string, seq int64, row any) *journal.Entry {
	if subject != e.Subject {
		e.Result = journal.JSON(row)
		if e.Key != "" {
			e.Key = e.Subject + " " + e.Key
		}
	}
	e.Subject, e.Seq = subject, seq
	ch.entries = append(ch.entries, e)
	return &ch.entries[len(ch.entries)-1]
}
