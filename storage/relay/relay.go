package relay

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A Handler acts on a record of a tenant's journal. It returns once ctx ends, which is before
// another process could take over. An error of the class errs.TryAgain says that whoever is to be
// told is down: the entry is tried until it succeeds, and never put aside. The text of an error is
// kept with what failed, and is no place for a secret. It is called from many goroutines.
type Handler func(ctx context.Context, tenant string, r journal.Record) error

// ErrPoison: no other try will do better. A Handler returns an error that wraps it, and the entry is
// put aside at once.
var ErrPoison = errs.New(errs.Invalid, "relay: the entry can't be handed over")

// ErrUnknownLetter: no entry of that subject, number and key was put aside, or it is so no more.
var ErrUnknownLetter = errs.New(errs.NotFound, "relay: no such entry was put aside")

// ID names an entry of a tenant among those of all tenants, for receivers that take each once.
func ID(tenant string, e journal.Entry) string {
	return journal.Subject("", tenant, e.Subject, fmt.Sprint(e.Seq), e.Key)[1:]
}

// Options configures a Relay. Nil and zero fields mean the documented defaults.
type Options struct {
	Workers  int              // entries that are handed over at the same time, of a tenant; 0: 8
	Batch    int              // entries that are read at a time; 0: 500
	Attempts int              // tries of an entry before it is put aside; 0: 20, which takes eight hours
	Backoff  time.Duration    // before the second try, doubled for each further one, at most an hour; 0: a second
	Waiting  int              // subjects that may wait while new entries are read; 0: 1,000
	Lease    time.Duration    // how long a process that is gone keeps the others waiting; 0: a minute
	Poll     time.Duration    // how often Run looks where it has read all; 0: 50 ms. Where another process reads, at least a second
	Now      func() time.Time // the clock; nil: time.Now
	Hook     storage.Hook     // of traces and metrics; nil: none
}

// A Relay hands over the entries of a journal. It is safe for concurrent use.
type Relay struct {
	frame  engine.Frame
	name   string
	handle Handler
	opts   Options
	holder string
	turn   chan struct{} // held by the Step under way
	seen   feed          // the last one whose lease ends so late that its clock was wrong
	seenAt time.Time     // when it was seen first
	wake   chan struct{}
}

// New returns a relay of a tenant, by its name. *errs.InputError: the name is empty, too long or not
// text, or an option is below zero.
func New(s storage.Tx, name string, handle Handler, opts *Options) (*Relay, error) {
	o := *cmp.Or(opts, &Options{})
	if err := valid.ID("name", name); err != nil {
		return nil, err
	}
	if min(o.Workers, o.Batch, o.Attempts, o.Waiting) < 0 || min(o.Backoff, o.Lease, o.Poll) < 0 {
		return nil, &errs.InputError{Field: "options", Reason: "have a number below zero"}
	}
	o.Workers, o.Batch, o.Attempts = cmp.Or(o.Workers, 8), cmp.Or(o.Batch, 500), cmp.Or(o.Attempts, 20)
	o.Backoff, o.Waiting = cmp.Or(o.Backoff, time.Second), cmp.Or(o.Waiting, 1000)
	o.Lease, o.Poll = cmp.Or(o.Lease, time.Minute), cmp.Or(o.Poll, 50*time.Millisecond)
	return &Relay{
		frame: engine.New(s, o.Now, o.Hook), name: name, handle: handle, opts: o, holder: rand.Text(),
		turn: make(chan struct{}, 1), wake: make(chan struct{}, 1),
	}, nil
}

// A Turn is what a Step did.
type Turn struct {
	Handed  int  // entries that were handed over
	Failed  int  // entries that failed, and are tried again
	Dead    int  // entries that were put aside
	Waiting int  // subjects that wait
	Busy    bool // another process reads the feed
	More    bool // there may be more to do at once
}

// Step hands over what is due: a batch of new entries, and those that are to be tried again. It may
// be called by any number of processes, and again after any error: what was handed over but not
// noted is handed over again. Errors: journal.ErrConflict, where another process has taken over
// meanwhile; journal.ErrCursor, where the cursor is not of this database; what the database said.
func (r *Relay) Step(ctx context.Context) (t Turn, err error) {
	ctx, call := r.frame.Begin(ctx, "relay.step", r.name)
	defer call.End(&err)
	if err = r.lock(ctx); err == nil {
		defer r.unlock()
		t, err = r.step(ctx)
	}
	if err != nil {
		return Turn{}, fmt.Errorf("relay: %s: %w", r.name, err)
	}
	return t, nil
}

// lock waits for the Step under way in this process: those of one Relay have the same lease.
func (r *Relay) lock(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *Relay) unlock() { <-r.turn }

// Run calls Step until ctx ends, whose error it returns, and then gives the lease back. An error of
// Step is given to failed, which may be nil, and is followed by another Step.
func (r *Relay) Run(ctx context.Context, failed func(error)) error {
	for ctx.Err() == nil {
		began := time.Now()
		t, err := r.Step(ctx)
		if err != nil && failed != nil && ctx.Err() == nil {
			failed(err)
		}
		if t.More {
			continue
		}
		wait := r.opts.Poll - time.Since(began)
		if t.Busy || err != nil {
			wait = max(r.opts.Poll, time.Second) // which others keep, or which would fail again
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-r.wake:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	releasing, cancel := r.ending(ctx)
	defer cancel()
	_ = r.Release(releasing) // it ends by itself
	return ctx.Err()
}

// ending returns the context of what is done after ctx has ended too, as long as a lease lasts.
func (r *Relay) ending(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), r.opts.Lease)
}

// Wake has Run look for new entries now. Who knows of some calls it: a hook of the engines, a
// listener to the database.
func (r *Relay) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// A Status is how far a relay has come.
type Status struct {
	Cursor  journal.Cursor // after the last entry that was read
	Lag     time.Duration  // age of the oldest entry that may be read and was not; 0: there is none
	Waiting int            // subjects that wait behind an entry that failed
	Due     time.Time      // when the first of those is tried again
	Until   time.Time      // end of the lease of who reads; zero: nobody does
}

// Status returns how far the relay has come, whichever process it runs in.
func (r *Relay) Status(ctx context.Context) (s Status, err error) {
	f, waiting, err := r.load(ctx)
	if err != nil {
		return s, fmt.Errorf("relay: %s: %w", r.name, err)
	}
	s = Status{Cursor: f.Cursor, Waiting: len(waiting), Until: f.Until}
	for _, l := range waiting {
		if s.Due.IsZero() || l.Due.Before(s.Due) {
			s.Due = l.Due
		}
	}
	for record, err := range r.frame.Store.Journal().After(ctx, f.Cursor, 1) {
		if err != nil {
			return Status{}, fmt.Errorf("relay: %s: %w", r.name, err)
		}
		s.Lag = max(0, r.frame.Now().Sub(record.At))
	}
	return s, nil
}

// Needs are what a relay has yet to hand over.
type Needs struct {
	Cursor   journal.Cursor // all entries after it
	Subjects []string       // those besides of subjects that wait, or of which an entry was put aside
}

// Needs returns what the relay has yet to hand over: entries that keep their bodies until then.
func (r *Relay) Needs(ctx context.Context) (n Needs, err error) {
	f, waiting, err := r.load(ctx)
	if err != nil {
		return n, fmt.Errorf("relay: %s: %w", r.name, err)
	}
	n.Cursor = f.Cursor
	for _, l := range waiting {
		n.Subjects = append(n.Subjects, l.Subject)
	}
	for l, err := range r.Dead(ctx) {
		if err != nil {
			return Needs{}, err
		}
		n.Subjects = append(n.Subjects, l.Subject)
	}
	return n, nil
}

// load returns the feed with the subjects that wait.
func (r *Relay) load(ctx context.Context) (f feed, waiting []line, err error) {
	f.Name = r.name
	err = r.frame.Store.Load(ctx, []storage.Look{{Reads: f.reads(&waiting)}})
	return f, waiting, err
}

// save stores the next version of the feed, with other rows.
func (r *Relay) save(ctx context.Context, f *feed, rows ...storage.Row) error {
	next := *f
	next.Version++
	failed, err := r.frame.Store.Save(ctx, []storage.Change{{Rows: append([]storage.Row{feeds.Save(&next)}, rows...)}})
	if err = errors.Join(append(failed, err)...); err == nil {
		*f = next
	}
	return err
}

// Release gives the lease back that Step has taken, so that another process may take over at once.
// Errors: journal.ErrConflict, where one has meanwhile; what the database said.
func (r *Relay) Release(ctx context.Context) error {
	if err := r.release(ctx); err != nil {
		return fmt.Errorf("relay: %s: release: %w", r.name, err)
	}
	return nil
}

func (r *Relay) release(ctx context.Context) error {
	if err := r.lock(ctx); err != nil {
		return err
	}
	defer r.unlock()
	f, _, err := r.load(ctx)
	if err == nil && f.Holder == r.holder {
		f.Holder, f.Until = "", time.Time{}
		err = r.save(ctx, &f)
	}
	return err
}

// A Letter is an entry that was put aside.
type Letter struct {
	Subject string    // subject of the entry
	Seq     int64     // its number
	Key     string    // its key
	Tries   int64     // how often it was tried
	Died    time.Time // when it was put aside
	Fault   string    // what the handler said last

	name string
}

// Dead yields the entries that were put aside, by their subjects and numbers.
func (r *Relay) Dead(ctx context.Context) iter.Seq2[Letter, error] {
	return storage.List(ctx, r.frame.Store, lettersByName, storage.Range{Prefix: []any{r.name}})
}

// Resend hands over an entry that was put aside, though others of its subject have gone before, and
// forgets it where that succeeds. Errors: ErrUnknownLetter, the handler's, what the database said.
func (r *Relay) Resend(ctx context.Context, l Letter) error {
	record, err := r.letter(ctx, l)
	if err == nil {
		err = r.call(ctx, record)
	}
	if err != nil {
		return fmt.Errorf("relay: %s: resend: %w", r.name, err)
	}
	return r.Forget(ctx, l)
}

// letter returns the entry of a letter.
func (r *Relay) letter(ctx context.Context, l Letter) (found journal.Record, err error) {
	if _, err := r.known(ctx, l); err != nil {
		return found, err
	}
	for record, err := range r.frame.Store.Journal().Of(ctx, l.Subject) {
		if err != nil || placeOf(record.Entry) == (place{l.Seq, l.Key}) {
			return record, err
		}
	}
	return found, ErrUnknownLetter
}

// known returns the feed of a letter that there is.
func (r *Relay) known(ctx context.Context, l Letter) (f feed, err error) {
	there := Letter{name: r.name, Subject: l.Subject, Seq: l.Seq, Key: l.Key}
	f.Name = r.name
	err = r.frame.Store.Load(ctx, []storage.Look{{Reads: []storage.Read{feeds.Get(&f), letters.Get(&there)}}})
	if err == nil && there.Died.IsZero() {
		err = ErrUnknownLetter
	}
	return f, err
}

// Forget forgets an entry that was put aside. Errors: ErrUnknownLetter, what the database said.
func (r *Relay) Forget(ctx context.Context, l Letter) error {
	err := combine.Retry(ctx, func() error {
		f, err := r.known(ctx, l)
		if err != nil {
			return err
		}
		return r.save(ctx, &f, letters.Drop(&Letter{name: r.name, Subject: l.Subject, Seq: l.Seq, Key: l.Key}))
	})
	if err != nil {
		return fmt.Errorf("relay: %s: forget: %w", r.name, err)
	}
	return nil
}

// errEnded is what becomes of an entry whose handler calls runtime.Goexit.
var errEnded = errors.New("the handler ended its goroutine")

// call runs the handler. A panic of it is an error, and so is the end of its goroutine.
func (r *Relay) call(ctx context.Context, record journal.Record) error {
	err := errEnded
	var handling sync.WaitGroup
	handling.Go(func() {
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("panic: %v", v)
			}
		}()
		err = r.handle(ctx, r.frame.Tenant(), record)
	})
	handling.Wait()
	return err
}

// All runs the relays of all tenants until ctx ends, whose error it returns: those that relays
// yields, which is asked for more every interval (0: a minute), one of each tenant and name. Errors
// are given to failed, which may be nil.
func All(ctx context.Context, interval time.Duration, relays func(ctx context.Context) iter.Seq2[*Relay, error], failed func(error)) error {
	var running sync.WaitGroup
	defer running.Wait()
	known := map[[2]string]bool{}
	if interval <= 0 {
		interval = time.Minute
	}
	for ctx.Err() == nil {
		for r, err := range relays(ctx) {
			if err != nil {
				if failed != nil {
					failed(err)
				}
				break
			}
			if id := [2]string{r.frame.Tenant(), r.name}; !known[id] {
				known[id] = true
				running.Go(func() { _ = r.Run(ctx, failed) })
			}
		}
		timer := time.NewTimer(interval)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return ctx.Err()
}
