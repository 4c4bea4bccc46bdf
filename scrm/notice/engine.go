package notice

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/outbox"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

const (
	// SendTimeout is how long a Sender may take for one notice.
	SendTimeout = 30 * time.Second
	// Lease is how long a worker has a notice for itself. After that another one may have it.
	Lease = 2 * time.Minute
)

// record is how long it may take to store what came of a notice.
const record = 10 * time.Second

// A Sender tells members. It is safe for concurrent use.
type Sender interface {
	// Send tells a member, and returns the id that the platform has of it; "": none. It is called
	// again with a notice where a worker was killed before it stored what came of it, and then tells
	// the member once at most, by Member and Key.
	//
	// What an error means is by its kind, as message.KindOf has it. After message.ErrRefused,
	// ErrAddress and ErrInvalid the notice is rejected. After ErrLater, ErrThrottled, ErrSettings,
	// ErrBalance and ErrUnavailable it is handed over again, after message.Error.RetryAfter at the
	// earliest. After any other it is Unknown, and never handed over again.
	Send(ctx context.Context, n Notice) (id string, err error)
}

// Options configures an Engine. Nil and zero fields mean the documented defaults.
type Options struct {
	Now  func() time.Time // the clock; nil: time.Now
	Hook storage.Hook     // of traces and metrics; nil: none
}

// An Engine keeps notices. It is safe for concurrent use. Besides the errors that its comment lists,
// a call returns what the database said; after that it may be made again.
type Engine struct{ frame engine.Frame }

// New returns an engine on a store.
func New(s storage.Tx, opts *Options) *Engine {
	o := cmp.Or(opts, &Options{})
	return &Engine{engine.New(s, o.Now, o.Hook)}
}

// In returns a copy that is bound to a unit of work: what it does is committed or rolled back with
// tx, and in the tenant of tx.
func (e *Engine) In(tx storage.Tx) *Engine { return &Engine{e.frame.In(tx)} }

// Post puts notices into the outbox, and returns how many are new there: not those whose key the
// member has a notice of, whatever it says, nor those whose Until is over. It may run twice.
// *errs.InputError: one of them is invalid, and none was stored.
func (e *Engine) Post(ctx context.Context, notices ...Notice) (n int, err error) {
	ctx, call := e.frame.Begin(ctx, "notice.post", "")
	defer call.End(&err)
	if n, err = e.post(ctx, notices); err != nil {
		return n, fmt.Errorf("notice.post: %w", err)
	}
	return n, nil
}

// batch is how many notices are stored at a time.
const batch = 500

func (e *Engine) post(ctx context.Context, notices []Notice) (n int, err error) {
	type name struct {
		member ids.Member
		key    string
	}
	now, seen := e.frame.Now(), map[name]bool{}
	var changes []storage.Change
	for _, x := range notices {
		if err := x.check(); err != nil {
			return 0, err
		}
		if at := (name{x.Member, x.Key}); !seen[at] && now.Before(x.Until) {
			seen[at] = true
			s := posted(x, now)
			changes = append(changes, storage.Change{Rows: []storage.Row{table.Save(&s)}})
		}
	}
	for some := range slices.Chunk(changes, batch) {
		failed, err := e.frame.Store.Save(ctx, some)
		if err != nil {
			return n, err
		}
		for _, err := range failed {
			switch {
			case err == nil:
				n++
			case !errors.Is(err, journal.ErrConflict):
				return n, err
			}
		}
	}
	return n, nil
}

// Deliver hands over what is due, one notice after the other, and returns how many were handed
// over. It ends once nothing is due that was when it began; or where ctx ends, with the notice that
// is under way, which takes SendTimeout at most. Any number of calls, in any number of processes,
// share the work. What came of each is stored.
//
// The error is the database's or that of ctx; or it joins an error for each fault that whoever runs
// the service is to hear of: message.ErrSettings, message.ErrBalance, message.ErrUnavailable. Those
// notices wait. A service calls it for each tenant in a goroutine of its own, with a ticker.
func (e *Engine) Deliver(ctx context.Context, s Sender) (n int, err error) {
	ctx, call := e.frame.Begin(ctx, "notice.deliver", "")
	defer call.End(&err)
	if e.frame.Bound {
		return 0, errors.New("notice.deliver: notices are handed over outside of a transaction, whose rollback would forget it")
	}
	box := outbox.Box[Status]{
		Due: e.due, Take: e.take, Settle: e.settle,
		Send: func(ctx context.Context, x Status) outbox.Outcome {
			ctx, cancel := context.WithTimeout(ctx, SendTimeout)
			defer cancel()
			return outbox.OutcomeOf(s.Send(ctx, x.Notice))
		},
	}
	if n, err = box.Deliver(ctx, e.frame.Now()); err != nil {
		return n, fmt.Errorf("notice.deliver: %w", err)
	}
	return n, nil
}

func (e *Engine) due(ctx context.Context, start time.Time) (due []Status, err error) {
	r := storage.Range{To: start.Add(time.Microsecond), Limit: outbox.Look}
	err = e.frame.Store.Load(ctx, []storage.Look{{Reads: []storage.Read{byDue.All(&due, r)}}})
	return due, err
}

func (e *Engine) take(ctx context.Context, x Status) (Status, bool, error) {
	x = x.lease(e.frame.Now())
	err := e.put(ctx, &x)
	if errors.Is(err, journal.ErrConflict) {
		return x, false, nil
	}
	return x, x.State == Pending, err
}

func (e *Engine) settle(ctx context.Context, x Status, o outbox.Outcome) error {
	ctx, cancel := context.WithTimeout(ctx, record)
	defer cancel()
	return combine.Retry(ctx, func() error {
		now := Status{Notice: Notice{Member: x.Member, Key: x.Key}}
		if err := e.frame.Store.Load(ctx, []storage.Look{{Reads: []storage.Read{table.Get(&now)}}}); err != nil {
			return err
		}
		next, changed := now.settle(x.Tries, o, e.frame.Now())
		if !changed {
			return nil
		}
		return e.put(ctx, &next)
	})
}

// put stores the next version of a notice.
func (e *Engine) put(ctx context.Context, x *Status) error {
	x.version++
	failed, err := e.frame.Store.Save(ctx, []storage.Change{{Rows: []storage.Row{table.Save(x)}}})
	if err == nil {
		err = failed[0]
	}
	return err
}

// Of yields the notices of a member that Prune has not forgotten, by their keys.
func (e *Engine) Of(ctx context.Context, m ids.Member) iter.Seq2[Status, error] {
	if err := valid.ID("member", m); err != nil {
		return engine.Failed[Status](fmt.Errorf("notice: of: %w", err))
	}
	return storage.List(ctx, e.frame.Store, table.Primary(), storage.Range{Prefix: []any{m}})
}

// Prune forgets the notices whose Until was before a time that is not in the future, and returns how
// many those were. It may run twice, and beside anything else.
func (e *Engine) Prune(ctx context.Context, before time.Time) (n int64, err error) {
	if now := e.frame.Now(); before.After(now) {
		before = now
	}
	r := storage.Range{To: journal.Instant(before), Limit: engine.PruneBatch}
	n, err = engine.Prune(func() (int64, error) { return storage.Prune(ctx, e.frame.Store, byUntil, r) })
	if err != nil {
		return n, fmt.Errorf("notice: prune: %w", err)
	}
	return n, nil
}
