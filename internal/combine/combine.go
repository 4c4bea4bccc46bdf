// Package combine runs commands on versioned units: load, decide, save, and again where another
// change came first.
//
// Commands that arrive while others are being saved wait, and then share one load and one save. So
// a unit that many callers change at once costs one write for all of them, and a caller that is
// alone writes at once. The version check of the store keeps it right beside other processes.
//
// What goes wrong with one command, an error or a panic, reaches its own caller. Every other
// command of the batch has the result that it has without that one.
package combine

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scrmkit/scrmkit/internal/tripwire"
	"github.com/scrmkit/scrmkit/storage/journal"
)

const (
	// Lanes is how many batches a Runner has under way at once. A subject is in one of them.
	Lanes = 2
	// MaxBatch is how many commands share a batch.
	MaxBatch = 256
	// Failures is how many loads of a batch may fail before all that is left of it fails: enough to
	// find two commands that can't be loaded in a batch of MaxBatch, and what an outage of the
	// database costs.
	Failures = 18
	// Attempts is how often a command is decided before it gives up with journal.ErrConflict.
	Attempts = 20
)

// ErrAgain asks for a command to be decided again, on a unit that is loaded afresh.
var ErrAgain = errors.New("combine: decide again")

// Work is what a Runner needs to know of commands C, the units U that they change and their results
// R.
type Work[C, U, R any] interface {
	// Subject names the unit of a command.
	Subject(c C) string
	// Load returns a unit for each group of commands; those of a group have one subject. Where
	// fresh is false a unit may be older than what is stored. After an error the halves of a batch
	// are loaded one after the other, and so on, until Failures loads have failed.
	Load(ctx context.Context, groups [][]C, fresh bool) ([]U, error)
	// Decide runs a command on its unit. On an error, ErrAgain or another, the unit is as it was
	// before. After a panic the unit is thrown away, and the other commands are decided on one that
	// is loaded afresh.
	Decide(ctx context.Context, u U, c C) (R, error)
	// Stale reports whether a unit may be older than what is stored: what it refuses must be asked
	// again.
	Stale(u U) bool
	// Dirty reports whether a unit has changes to save.
	Dirty(u U) bool
	// Save stores the changes of each unit, all or none of them, and returns an error a unit: nil,
	// journal.ErrConflict or journal.ErrDuplicate. After a panic, which may have stored something,
	// the commands are decided again.
	Save(ctx context.Context, units []U) ([]error, error)
}

// A Runner runs commands. It is safe for concurrent use. It is an interface for the sake of those who
// import a package that holds one: the methods of a generic type are compiled with each importer.
type Runner[C, R any] interface {
	// Do runs a command together with those that arrive meanwhile, and returns its result and how often
	// it was decided. Where ctx ends first its error comes back, and the command may still take effect.
	// Inside a unit of work it runs alone, so that the store can see the context. Where the command
	// panics so does Do, with a *Panic if it shared a batch.
	Do(ctx context.Context, c C) (R, int, error)
	// Alone runs a command by itself, with ctx, and returns its result and how often it was decided.
	Alone(ctx context.Context, c C) (R, int, error)
	// All runs commands together and by themselves, with ctx, and returns a result and an error for
	// each.
	All(ctx context.Context, commands []C) ([]R, []error)
}

type runner[C, U, R any] struct {
	work Work[C, U, R]

	mu     sync.Mutex
	queues map[string]*queue[C, R] // of subjects with commands that wait or are under way
	ready  []*queue[C, R]          // those with commands that wait and none under way
	lanes  int                     // in use
	open   int                     // commands that wait or are under way
}

// New returns a Runner for the commands of work.
func New[C, U, R any](work Work[C, U, R]) Runner[C, R] {
	return &runner[C, U, R]{work: work, queues: map[string]*queue[C, R]{}}
}

// A queue has the commands of a subject that wait.
type queue[C, R any] struct {
	subject string
	calls   []*call[C, R]
}

type call[C, R any] struct {
	ctx   context.Context
	c     C
	batch atomic.Pointer[batch]
	gone  atomic.Bool // its caller has given up
	quit  atomic.Bool // and its batch knows
	done  chan struct{}

	r        R
	err      error
	tries    int // how often it was decided
	panicked *Panic
	over     bool // r and err are final
}

// A batch is cancelled when the last of its callers has given up.
type batch struct {
	left   atomic.Int64
	cancel context.CancelFunc
}

func (r *runner[C, U, R]) Do(ctx context.Context, c C) (R, int, error) {
	if tripwire.Marked(ctx) {
		return r.Alone(ctx, c)
	}
	var none R
	if err := ctx.Err(); err != nil {
		return none, 0, err
	}
	w, subject := &call[C, R]{ctx: ctx, c: c}, r.work.Subject(c)
	r.mu.Lock()
	r.open++
	q, known := r.queues[subject]
	if !known {
		q = &queue[C, R]{subject: subject}
		r.queues[subject] = q
		if r.lanes < Lanes {
			r.lanes++
			r.mu.Unlock()
			defer r.end(1, q)
			return r.Alone(ctx, c)
		}
		r.ready = append(r.ready, q)
	}
	w.done = make(chan struct{})
	q.calls = append(q.calls, w)
	r.mu.Unlock()
	select {
	case <-w.done:
	case <-ctx.Done():
		w.gone.Store(true)
		w.settle()
		return none, 0, ctx.Err()
	}
	if w.panicked != nil {
		panic(w.panicked)
	}
	return w.r, w.tries, w.err
}

// end gives back a lane with n commands, those of some queues, and begins what waits.
func (r *runner[C, U, R]) end(n int, queues ...*queue[C, R]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lanes--
	r.open -= n
	for _, q := range queues {
		if len(q.calls) > 0 {
			r.ready = append(r.ready, q)
		} else {
			delete(r.queues, q.subject)
		}
	}
	for r.lanes < Lanes && len(r.ready) > 0 {
		r.lanes++
		go r.together(r.take())
	}
}

// take returns the next batch: a lane's share of all commands, and of each subject in it all that
// wait.
func (r *runner[C, U, R]) take() (calls []*call[C, R], queues []*queue[C, R]) {
	share := min(MaxBatch, (r.open+Lanes-1)/Lanes)
	for len(r.ready) > 0 && len(calls) < share {
		q := r.ready[0]
		r.ready = r.ready[1:]
		n := min(len(q.calls), MaxBatch-len(calls))
		calls, queues = append(calls, q.calls[:n]...), append(queues, q)
		q.calls = q.calls[n:]
	}
	return calls, queues
}

func (r *runner[C, U, R]) Alone(ctx context.Context, c C) (R, int, error) {
	w := &call[C, R]{c: c}
	r.run(ctx, []*call[C, R]{w})
	return w.r, w.tries, w.err
}

// settle tells the batch of a caller that has given up, once.
func (w *call[C, R]) settle() {
	b := w.batch.Load()
	if b != nil && w.gone.Load() && !w.quit.Swap(true) && b.left.Add(-1) == 0 {
		b.cancel()
	}
}

func (r *runner[C, U, R]) together(calls []*call[C, R], queues []*queue[C, R]) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(calls[0].ctx))
	defer cancel()
	b := &batch{cancel: cancel}
	b.left.Store(int64(len(calls)))
	for _, w := range calls {
		w.batch.Store(b)
		w.settle()
	}
	r.runApart(ctx, calls)
	for _, w := range calls {
		close(w.done)
	}
	runtime.Gosched() // so that callers who come straight back share the next batch
	r.end(len(calls), queues...)
}

// runApart is run in a goroutine of its own, which the work may end, until each command has a
// result or has panicked. Where the work panics outside of a decision, the halves of the batch are
// run one after the other, and so on.
func (r *runner[C, U, R]) runApart(ctx context.Context, calls []*call[C, R]) {
	p := apart(func() { r.run(ctx, calls) })
	if p == nil {
		return
	}
	var open []*call[C, R]
	for _, w := range calls {
		if !w.over && w.panicked == nil {
			open = append(open, w)
		}
	}
	switch half := len(open) / 2; {
	case len(open) == 0:
	case len(open) < len(calls):
		r.runApart(ctx, open)
	case half == 0:
		open[0].panicked = p
	default:
		r.runApart(ctx, open[:half])
		r.runApart(ctx, open[half:])
	}
}

func (r *runner[C, U, R]) All(ctx context.Context, commands []C) ([]R, []error) {
	calls := make([]*call[C, R], len(commands))
	for i, c := range commands {
		calls[i] = &call[C, R]{c: c}
	}
	r.run(ctx, calls)
	results, errs := make([]R, len(calls)), make([]error, len(calls))
	for i, w := range calls {
		results[i], errs[i] = w.r, w.err
	}
	return results, errs
}

// run decides each command, those of one subject on one unit, until each has a result. They are
// decided in their order, but for those that are decided again.
func (r *runner[C, U, R]) run(ctx context.Context, open []*call[C, R]) {
	failures := Failures
	r.runPart(ctx, open, &failures)
}

// runPart runs a part of a batch, of whose loads so many may still fail.
func (r *runner[C, U, R]) runPart(ctx context.Context, open []*call[C, R], failures *int) {
	for attempt := 0; len(open) > 0; attempt++ {
		if attempt > 1 {
			pause(ctx, attempt)
		}
		again := r.attempt(ctx, open, attempt > 0, failures)
		for _, w := range open {
			w.over = true
		}
		for _, w := range again {
			w.over = false
		}
		open = again
		if attempt+1 == Attempts {
			fail(open, journal.ErrConflict)
			return
		}
	}
}

func fail[C, R any](calls []*call[C, R], err error) {
	var none R
	for _, w := range calls {
		w.r, w.err, w.over = none, err, true
	}
}

// attempt decides the open commands once, and returns those that must be decided again.
func (r *runner[C, U, R]) attempt(ctx context.Context, open []*call[C, R], fresh bool, failures *int) (again []*call[C, R]) {
	index := make(map[string]int, len(open))
	var groups [][]C
	var members [][]*call[C, R]
	for _, w := range open {
		subject := r.work.Subject(w.c)
		g, ok := index[subject]
		if !ok {
			g = len(groups)
			index[subject] = g
			groups, members = append(groups, nil), append(members, nil)
		}
		groups[g] = append(groups[g], w.c)
		members[g] = append(members[g], w)
	}
	units, err := r.work.Load(ctx, groups, fresh)
	if err != nil {
		r.halve(ctx, open, err, failures)
		return nil
	}
	var dirty []U
	var owners [][]*call[C, R]
	for g, u := range units {
		u, decided, repeated := r.decideAll(ctx, u, members[g], failures)
		again = append(again, repeated...)
		if len(decided) > 0 && r.work.Dirty(u) {
			dirty, owners = append(dirty, u), append(owners, decided)
		}
	}
	if len(dirty) == 0 {
		return again
	}
	errs, err := r.work.Save(ctx, dirty)
	for k, owned := range owners {
		e := err
		if e == nil {
			e = errs[k]
		}
		switch {
		case e == nil:
		case errors.Is(e, journal.ErrConflict), errors.Is(e, journal.ErrDuplicate):
			again = append(again, owned...)
		default:
			fail(owned, e)
		}
	}
	return again
}

// halve runs the halves of a batch that could not be loaded one after the other, so that in the end
// an error reaches the caller of the command that it is about alone. Where too many loads of the
// batch have failed it is about all of them.
func (r *runner[C, U, R]) halve(ctx context.Context, open []*call[C, R], err error, failures *int) {
	*failures--
	half := len(open) / 2
	if half == 0 {
		fail(open, err)
		return
	}
	for _, part := range [][]*call[C, R]{open[:half], open[half:]} {
		if *failures <= 0 || ctx.Err() != nil {
			fail(part, err)
		} else {
			r.runPart(ctx, part, failures)
		}
	}
}

// decideAll decides commands on their unit. Where one panics the others are decided from the first
// on again, on the unit as it is loaded then. It returns the unit with the commands that took
// effect on it, and those that must be decided again.
func (r *runner[C, U, R]) decideAll(ctx context.Context, u U, calls []*call[C, R], failures *int) (_ U, decided, again []*call[C, R]) {
	for i := 0; i < len(calls); i++ {
		w := calls[i]
		if r.decide(ctx, u, w); w.panicked != nil {
			calls, decided, again = slices.Delete(calls, i, i+1), nil, nil
			if len(calls) == 0 {
				break
			}
			group := make([]C, len(calls))
			for k, w := range calls {
				group[k] = w.c
			}
			fresh, err := r.work.Load(ctx, [][]C{group}, true)
			if err != nil {
				r.halve(ctx, calls, err, failures)
				return u, nil, nil
			}
			u, i = fresh[0], -1
			continue
		}
		switch {
		case w.err == ErrAgain || w.err != nil && r.work.Stale(u):
			again = append(again, w)
		case w.err == nil:
			decided = append(decided, w)
		}
	}
	return u, decided, again
}

// decide decides a command. In a batch a panic of it is kept for its caller.
func (r *runner[C, U, R]) decide(ctx context.Context, u U, w *call[C, R]) {
	w.tries++
	if w.done == nil {
		w.r, w.err = r.work.Decide(ctx, u, w.c)
		return
	}
	returned := false
	defer func() {
		if !returned {
			w.panicked = caught(recover())
		}
	}()
	w.r, w.err = r.work.Decide(ctx, u, w.c)
	returned = true
}

func pause(ctx context.Context, attempt int) {
	t := time.NewTimer(rand.N(min(time.Millisecond<<attempt, 64*time.Millisecond)))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Retry calls f until it returns another error than journal.ErrConflict and journal.ErrDuplicate,
// or for the last time.
func Retry(ctx context.Context, f func() error) (err error) {
	for attempt := range Attempts {
		if attempt > 1 {
			pause(ctx, attempt)
		}
		err = f()
		if !errors.Is(err, journal.ErrConflict) && !errors.Is(err, journal.ErrDuplicate) {
			return err
		}
	}
	return journal.ErrConflict
}
