package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Roots runs commands on aggregates S, each of which is a root and what changes under its version,
// with results R. Commands that come at once share a load and a save, and those on one root are one
// change of it. What the journal keeps of an aggregate as it was before a command is its JSON. It is
// safe for concurrent use. It is an interface for the sake of those who import a package that holds
// one: the methods of a generic type are compiled with each importer.
type Roots[S, R any] interface {
	// In returns a copy that is bound to a unit of work.
	In(tx storage.Tx) Roots[S, R]
	// Do runs a command. It returns its result, and whether that is the one of before. Errors: those of
	// Check and of Do, journal.ErrKeyReused, and journal.ErrConflict, after the name of the command.
	Do(ctx context.Context, c On[S, R]) (_ R, replayed bool, err error)
}

type roots[S, R any] struct {
	frame  Frame
	kind   Kind[S]
	runner combine.Runner[*On[S, R], done[R]]
}

// A Kind is what Roots needs to know of aggregates.
type Kind[S any] struct {
	Root func(s *S) storage.Read  // of the root, whose key s has
	Seq  func(s *S) int64         // number of its last entry in the journal; 0: it is not there yet
	Rows func(s *S) []storage.Row // what to store of it, the root with its next version; it is asked once
}

// On is a command on an aggregate, whose Subject names it.
type On[S, R any] struct {
	Command
	// New returns the aggregate as it is where nothing is stored of it.
	New func() S
	// Reads returns what the command needs besides the root. Nil: nothing.
	Reads func(s *S) []storage.Read
	// Do decides and changes the aggregate, whose Seq is one more then: where it stays, nothing is
	// stored. After an error s is what it was before, but for what Do changed behind a pointer of it.
	Do func(s *S, now time.Time) (R, error)

	try Try[R]
}

// done is a result, and whether it is that of before.
type done[R any] struct {
	result   R
	replayed bool
}

// NewRoots returns what runs commands on aggregates of a kind.
func NewRoots[S, R any](f Frame, kind Kind[S]) Roots[S, R] {
	return roots[S, R]{f, kind, combine.New(work[S, R]{f, kind})}
}

func (r roots[S, R]) In(tx storage.Tx) Roots[S, R] { return NewRoots[S, R](r.frame.In(tx), r.kind) }

func (r roots[S, R]) Do(ctx context.Context, c On[S, R]) (_ R, replayed bool, err error) {
	ctx, call := r.frame.Begin(ctx, c.Name, c.subject())
	defer call.End(&err)
	var d done[R]
	if err = c.Check(); err == nil {
		c.try = Try[R]{Now: r.frame.Now(), command: c.Command}
		d, err = Together(ctx, r.frame, call, r.runner, &c, false)
	}
	if err != nil {
		var none R
		return none, false, fmt.Errorf("%s: %w", c.Name, err)
	}
	call.Replayed = d.replayed
	return d.result, d.replayed, nil
}

// A root is an aggregate with what commands change of it.
type root[S any] struct {
	state   S
	entries []journal.Entry // that were stored before
	written []journal.Entry
}

// work is combine.Work for the commands of Roots.
type work[S, R any] struct {
	Frame
	kind Kind[S]
}

func (work[S, R]) Subject(c *On[S, R]) string { return c.Command.Subject }

func (w work[S, R]) Load(ctx context.Context, groups [][]*On[S, R], _ bool) ([]*root[S], error) {
	var roots, owners []*root[S]
	var looks []storage.Look
	for _, group := range groups {
		u, first := &root[S]{state: group[0].New()}, len(looks)
		roots = append(roots, u)
		reads := []storage.Read{w.kind.Root(&u.state)} // first, so that an older one meets a conflict
		for _, c := range group {
			if c.Reads != nil {
				reads = append(reads, c.Reads(&u.state)...)
			}
			looks, owners = append(looks, storage.Look{Subject: c.Command.Subject, Key: c.Key}), append(owners, u)
		}
		looks[first].Reads = reads
	}
	if err := w.Store.Load(ctx, looks); err != nil {
		return nil, err
	}
	for i, u := range owners {
		if looks[i].Entry != nil {
			u.entries = append(u.entries, *looks[i].Entry)
		}
	}
	return roots, nil
}

// Stale has what was refused after changes that are yet to be stored asked again: they may fail.
func (w work[S, R]) Stale(u *root[S]) bool { return w.Dirty(u) }

func (w work[S, R]) Dirty(u *root[S]) bool { return len(u.written) > 0 && !w.Dry }

func (w work[S, R]) Decide(_ context.Context, u *root[S], c *On[S, R]) (d done[R], err error) {
	if e := Find(c.Key, u.entries, u.written); e != nil {
		d.result, err = c.try.Replay(e)
		d.replayed = true
		return d, err
	}
	before := u.state
	if d.result, err = c.Do(&u.state, c.try.Now); err != nil {
		u.state = before
		return done[R]{}, err
	}
	if seq := w.kind.Seq(&u.state); seq != w.kind.Seq(&before) {
		e := c.try.Entry(seq, d.result)
		if w.kind.Seq(&before) > 0 {
			e.Before = journal.JSON(before)
		}
		u.written = append(u.written, e)
	}
	return d, nil
}

func (w work[S, R]) Save(ctx context.Context, roots []*root[S]) ([]error, error) {
	changes := make([]storage.Change, len(roots))
	for i, u := range roots {
		changes[i] = storage.Change{Rows: w.kind.Rows(&u.state), Entries: u.written}
	}
	return w.Store.Save(ctx, changes)
}
