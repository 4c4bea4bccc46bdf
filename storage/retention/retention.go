package retention

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/relay"
)

// ErrMismatch: the journal does not have an entry as the archive has it. The archive is of another
// database or tenant, or one of them was changed. Keep both, and find out which.
var ErrMismatch = errs.New(errs.Conflict, "retention: the journal does not have what the archive has; nothing more was taken from it")

// ErrNeeded: a relay has yet to hand over an entry of the archive, which may have been written before
// it began. Nothing was taken from the database; strip the archive once the relay has come further.
var ErrNeeded = errs.New(errs.TryAgain, "retention: a relay has yet to hand over entries of the archive; strip it later")

// ErrUnfinished: the body of an entry is gone which an archive has that was not stripped to its end:
// the last one or, in a database that was restored from a backup, the one that was under way then.
// Strip it again, and keep it.
var ErrUnfinished = errs.New(errs.Conflict, "retention: an archive was not stripped to its end; strip again the one that has the entry")

// Options configures a Retention. Nil and zero fields mean the documented defaults.
type Options struct {
	Relays   []*relay.Relay // those of the tenant: what they have yet to hand over stays
	Limit    int            // entries of an archive; 0: a million
	Batch    int            // entries of a step, which is a transaction of its own; 0: 500
	Progress func(Progress) // is told after each step; nil: none
	// Pruned is given the entries that Prune has deleted, to delete what was kept for them:
	// loyalty.Engine.Forget. Where it is not called for some, as the process ended, more is kept than is
	// needed. Nil: nothing is to be done.
	Pruned func(ctx context.Context, entries []journal.Entry) error
	Now    func() time.Time // the clock of Hook; nil: time.Now
	Hook   storage.Hook     // of traces and metrics; nil: none
}

// A Progress is how far a call has come.
type Progress struct {
	Entries int64     // that were dealt with
	At      time.Time // time of the last of them
}

// A Retention takes old entries out of the journal of a tenant. It is safe for concurrent use, and
// several may run at once.
type Retention struct {
	frame engine.Frame
	opts  Options
}

// New returns the Retention of a tenant. *errs.InputError: an option is below zero.
func New(s storage.Tx, opts *Options) (*Retention, error) {
	o := *cmp.Or(opts, &Options{})
	if min(o.Limit, o.Batch) < 0 {
		return nil, &errs.InputError{Field: "options", Reason: "have a number below zero"}
	}
	o.Limit, o.Batch = cmp.Or(o.Limit, 1_000_000), cmp.Or(o.Batch, 500)
	return &Retention{engine.New(s, o.Now, o.Hook), o}, nil
}

// A Segment is what an archive has.
type Segment struct {
	Entries int64     // how many
	First   time.Time // time of the first entry
	Last    time.Time // time of the last one
	More    bool      // there may be older entries than the instant besides; Strip, and archive again
}

// Archive writes the entries from before an instant, in the order of the feed, to w, and changes
// nothing: Strip does, with the archive. It goes on from the last archive that was stripped, leaves
// what a relay has yet to read, and ends where most entries that follow are not from before the
// instant: one from a clock that was wrong is taken or left as those around it. After an error, what
// was written is no archive. Errors: *errs.InputError, where the instant is missing; ErrUnfinished;
// the writer's; what the database said.
func (r *Retention) Archive(ctx context.Context, w io.Writer, before time.Time) (s Segment, err error) {
	ctx, call := r.frame.Begin(ctx, "retention.archive", "")
	defer call.End(&err)
	if s, err = r.archive(ctx, w, before); err != nil {
		return Segment{}, fmt.Errorf("retention: archive: %w", err)
	}
	return s, nil
}

func (r *Retention) archive(ctx context.Context, w io.Writer, before time.Time) (s Segment, err error) {
	border, err := newBorder(before)
	if err != nil {
		return s, err
	}
	border.limit = int64(r.opts.Limit)
	f, err := r.floor(ctx, archived)
	if err != nil {
		return s, err
	}
	for _, rel := range r.opts.Relays {
		needs, err := rel.Needs(ctx)
		if err != nil {
			return s, err
		}
		behind, err := r.between(ctx, needs.Cursor, f.Cursor)
		if err != nil {
			return s, err
		}
		if border.stops[needs.Cursor] = true; behind {
			border.stops[f.Cursor] = true
		}
	}
	out, err := newLineWriter(w, header{format, r.frame.Tenant(), f.Cursor})
	if err != nil {
		return s, err
	}
	err = border.walk(ctx, r.frame.Store.Journal(), &f.Cursor, func(record journal.Record) error {
		if record.Archived() {
			return fmt.Errorf("%w: %s, entry %d", ErrUnfinished, record.Subject, record.Seq)
		}
		if s.Entries++; s.First.IsZero() {
			s.First = record.At
		}
		s.Last = record.At
		if s.Entries%int64(r.opts.Batch) == 0 {
			r.progress(s.Entries, record.At)
		}
		return out.record(record)
	})
	if err != nil {
		return s, err
	}
	s.More = border.more
	return s, out.close()
}

func (r *Retention) progress(n int64, at time.Time) {
	if r.opts.Progress != nil {
		r.opts.Progress(Progress{n, at})
	}
}

// floor returns how far the journal was dealt with.
func (r *Retention) floor(ctx context.Context, name string) (f floor, err error) {
	f.Name = name
	err = r.frame.Store.Load(ctx, []storage.Look{{Reads: []storage.Read{floors.Get(&f)}}})
	return f, err
}

// raise stores that the journal was dealt with up to a cursor.
func (r *Retention) raise(ctx context.Context, f *floor, to journal.Cursor) error {
	if f.Cursor == to {
		return nil
	}
	next := *f
	next.Version, next.Cursor = f.Version+1, to
	failed, err := r.frame.Store.Save(ctx, []storage.Change{{Rows: []storage.Row{floors.Save(&next)}}})
	if err = errors.Join(append(failed, err)...); err == nil {
		*f = next
	}
	return err
}

// A border is where the old entries of a feed end.
type border struct {
	before time.Time
	limit  int64                   // entries; 0: any number
	stops  map[journal.Cursor]bool // where it is at the latest
	more   bool                    // there are more old entries than the limit
}

// around is how many entries show whether one of them, which is not old, is behind the border, or
// has the time of a clock that was wrong: most of it and those that follow are not old either.
const around = 21

func newBorder(before time.Time) (*border, error) {
	if before.IsZero() {
		return nil, &errs.InputError{Field: "before", Reason: "is missing"}
	}
	return &border{before: before, stops: map[journal.Cursor]bool{}}, valid.Time("before", before)
}

// walk calls take for the records from a cursor up to the border, and moves the cursor.
func (b *border) walk(ctx context.Context, s journal.Store, from *journal.Cursor, take func(journal.Record) error) error {
	if b.more = false; b.stops[*from] {
		return nil
	}
	feed, stop := iter.Pull2(s.After(ctx, *from, 0))
	defer stop()
	var ahead []journal.Record
	young := 0 // of those ahead
	for n := int64(1); ; n++ {
		for len(ahead) < around {
			record, err, ok := feed()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			ahead = append(ahead, record)
			young += b.young(record)
		}
		if len(ahead) == 0 || b.young(ahead[0]) > 0 && 2*young > len(ahead) {
			return nil
		}
		record := ahead[0]
		ahead, young = ahead[1:], young-b.young(record)
		if err := take(record); err != nil {
			return err
		}
		*from = record.Cursor
		if b.more = n == b.limit; b.more || b.stops[*from] {
			return nil
		}
	}
}

// young returns 1 for a record that is not old, and else 0.
func (b *border) young(r journal.Record) int {
	if r.At.Before(b.before) {
		return 0
	}
	return 1
}

// Prune deletes what Strip has left of entries from before an instant, but for the newest of each
// subject, and returns how many those were. Their keys are as good as new then: a command that is
// repeated is run again. Errors: *errs.InputError, where the instant is missing; journal.ErrConflict,
// where another process prunes; that of Pruned; what the database said.
func (r *Retention) Prune(ctx context.Context, before time.Time) (n int64, err error) {
	ctx, call := r.frame.Begin(ctx, "retention.prune", "")
	defer call.End(&err)
	if n, err = r.prune(ctx, before); err != nil {
		return n, fmt.Errorf("retention: prune: %w", err)
	}
	return n, nil
}

func (r *Retention) prune(ctx context.Context, before time.Time) (n int64, err error) {
	top, err := r.floor(ctx, archived)
	if err != nil {
		return 0, err
	}
	f, err := r.floor(ctx, deleted)
	if err != nil {
		return 0, err
	}
	b, err := newBorder(before)
	if err != nil {
		return 0, err
	}
	b.limit, b.stops = int64(r.opts.Batch), map[journal.Cursor]bool{top.Cursor: true}
	var done int64
	for more := true; more; more = b.more {
		var at []journal.Cursor
		var last time.Time
		cursor := f.Cursor
		if err := b.walk(ctx, r.frame.Store.Journal(), &cursor, func(record journal.Record) error {
			if last = record.At; record.Archived() {
				at = append(at, record.Cursor)
			}
			return nil
		}); err != nil {
			return n, err
		}
		gone, err := r.frame.Store.Journal().Prune(ctx, at)
		if err == nil && r.opts.Pruned != nil && len(gone) > 0 {
			err = r.opts.Pruned(ctx, gone)
		}
		if err != nil {
			return n, err
		}
		n, done = n+int64(len(gone)), done+int64(len(at))
		if cursor != f.Cursor {
			r.progress(done, last)
		}
		if err := r.raise(ctx, &f, cursor); err != nil {
			return n, err
		}
	}
	return n, nil
}
