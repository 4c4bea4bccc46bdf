package retention

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"reflect"
	"time"

	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Strip removes the bodies from the journal that an archive has, but for the newest of each subject,
// and returns how many those were. It opens the archive at least twice, to see that it is whole before
// anything is removed, and compares each entry with the one that is stored. An archive may be stripped
// more than once, also where Prune has deleted some of its entries, and after an error the next call
// goes on. Errors: ErrBroken, ErrMismatch, ErrNeeded, those of open and of what it returns, what the
// database said.
func (r *Retention) Strip(ctx context.Context, open func() (io.ReadCloser, error)) (n int64, err error) {
	ctx, call := r.frame.Begin(ctx, "retention.strip", "")
	defer call.End(&err)
	if n, err = r.strip(ctx, open); err != nil {
		return n, fmt.Errorf("retention: strip: %w", err)
	}
	return n, nil
}

func (r *Retention) strip(ctx context.Context, open func() (io.ReadCloser, error)) (n int64, err error) {
	f, err := r.floor(ctx, archived)
	if err != nil {
		return 0, err
	}
	found, err := inspect(open, f.Cursor)
	if err != nil {
		return 0, err
	}
	if found.header.Tenant != r.frame.Tenant() {
		return 0, fmt.Errorf("%w: it is of tenant %q", ErrMismatch, found.header.Tenant)
	}
	if found.end == "" {
		return 0, nil
	}
	needed, err := r.needed(ctx, found.end)
	if err != nil {
		return 0, err
	}
	pruned, err := r.floor(ctx, deleted)
	if err != nil {
		return 0, err
	}
	feed, stop := iter.Pull2(r.frame.Store.Journal().After(ctx, found.header.From, 0))
	defer stop()
	c := comparison{feed: feed, floor: f.Cursor, pruned: pruned.Cursor != "" && found.header.From != f.Cursor}
	var batch []journal.Cursor
	var done int64
	flush := func(at time.Time) error {
		some, err := r.frame.Store.Journal().Strip(ctx, batch)
		n, done, batch = n+some, done+int64(len(batch)), batch[:0]
		if err == nil {
			r.progress(done, at)
		}
		return err
	}
	var last journal.Record
	err = reading(open, func(in io.Reader) error {
		for record, err := range Read(in) {
			if err != nil {
				return err
			}
			if last.Cursor == found.end { // it is not the archive that was whole
				return ErrBroken
			}
			last = record
			there, err := c.compare(record)
			if err != nil {
				return err
			}
			if !there || needed[record.Subject] {
				continue
			}
			if batch = append(batch, record.Cursor); len(batch) == r.opts.Batch {
				if err := flush(record.At); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err == nil && last.Cursor != found.end {
		err = ErrBroken
	}
	if err == nil {
		err = r.last(ctx, &c, last)
	}
	if err == nil && len(batch) > 0 {
		err = flush(last.At)
	}
	if err != nil {
		return n, err
	}
	again := false
	return n, combine.Retry(ctx, func() (err error) {
		if again { // somebody else has raised the floor meanwhile
			if f, err = r.floor(ctx, archived); err == nil {
				found, err = inspect(open, f.Cursor)
			}
		}
		again = true
		if err != nil || !found.has {
			return err
		}
		return r.raise(ctx, &f, found.end)
	})
}

// An inspection is what is known of an archive that is whole.
type inspection struct {
	header header
	end    journal.Cursor // of the last record; "": there is none
	has    bool           // the archive goes on from the cursor that was looked for, or has it
}

// inspect returns what is known of an archive, and whether it has a cursor.
func inspect(open func() (io.ReadCloser, error), cursor journal.Cursor) (i inspection, err error) {
	err = reading(open, func(in io.Reader) error {
		return read(in, &i.header, func(record journal.Record) bool {
			i.end = record.Cursor
			i.has = i.has || i.end == cursor
			return true
		})
	})
	i.has = i.has || i.header.From == cursor
	return i, err
}

// reading opens what fn reads.
func reading(open func() (io.ReadCloser, error), fn func(io.Reader) error) error {
	in, err := open()
	if err != nil {
		return err
	}
	return errors.Join(fn(in), in.Close())
}

// needed returns the subjects whose entries relays have yet to hand over, of those up to a cursor.
// ErrNeeded: a relay has not come as far.
func (r *Retention) needed(ctx context.Context, end journal.Cursor) (map[string]bool, error) {
	subjects := map[string]bool{}
	for _, rel := range r.opts.Relays {
		needs, err := rel.Needs(ctx)
		if err != nil {
			return nil, err
		}
		switch behind, err := r.between(ctx, needs.Cursor, end); {
		case err != nil:
			return nil, err
		case behind:
			return nil, ErrNeeded
		}
		for _, subject := range needs.Subjects {
			subjects[subject] = true
		}
	}
	return subjects, nil
}

// between reports whether the feed has a record after one cursor which is not after the other. It
// reads what follows the first one where that is after the second, and else up to that.
func (r *Retention) between(ctx context.Context, from, to journal.Cursor) (bool, error) {
	if from == to || to == "" {
		return false, nil
	}
	if from == "" {
		return true, nil
	}
	first := true
	var after journal.Cursor // of the record after to
	for record, err := range r.frame.Store.Journal().After(ctx, from, 0) {
		if err != nil {
			return false, err
		}
		if first {
			if after, err = r.next(ctx, to); err != nil || after == "" || after == record.Cursor {
				return after == "", err
			}
			first = false
		}
		if record.Cursor == after {
			return true, nil
		}
	}
	return false, nil
}

// next returns the cursor of the record after one; "": there is none.
func (r *Retention) next(ctx context.Context, at journal.Cursor) (journal.Cursor, error) {
	for record, err := range r.frame.Store.Journal().After(ctx, at, 1) {
		return record.Cursor, err
	}
	return "", nil
}

// A comparison reads the journal beside an archive.
type comparison struct {
	feed   func() (journal.Record, error, bool)
	stored *journal.Record // that was read, and has not come in the archive; nil: none
	floor  journal.Cursor  // no record after it was pruned
	pruned bool            // records that come now may have been
}

// compare reports whether the journal has a record as the archive has it, or without its body. An
// error: it does not, and the record was not pruned.
func (c *comparison) compare(record journal.Record) (there bool, err error) {
	if c.stored == nil {
		stored, err, ok := c.feed()
		if err != nil {
			return false, err
		}
		if ok {
			c.stored = &stored
		}
	}
	mayBeGone := c.pruned
	if record.Cursor == c.floor {
		c.pruned = false
	}
	if c.stored == nil || c.stored.Cursor != record.Cursor {
		if mayBeGone {
			return false, nil
		}
		return false, mismatch(record)
	}
	stored := *c.stored
	c.stored = nil
	if stored.Archived() {
		record.Before, record.Result = nil, nil
	}
	stored.Before, stored.Result = compact(stored.Before), compact(stored.Result)
	if !reflect.DeepEqual(plain(stored), plain(record)) {
		return false, mismatch(record)
	}
	return true, nil
}

// last returns an error where the journal has a record that the archive does not have, but for those
// after its last one.
func (r *Retention) last(ctx context.Context, c *comparison, last journal.Record) error {
	if c.stored == nil {
		return nil
	}
	after, err := r.next(ctx, last.Cursor)
	if err == nil && after != c.stored.Cursor {
		err = mismatch(*c.stored)
	}
	return err
}

func mismatch(r journal.Record) error {
	return fmt.Errorf("%w: %s, entry %d", ErrMismatch, r.Subject, r.Seq)
}

// compact returns a body without white space.
func compact(body json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if json.Compact(&b, body) != nil {
		return body
	}
	return b.Bytes()
}

// plain returns a record in which nothing and no bytes are the same.
func plain(r journal.Record) journal.Record {
	r.At = journal.Instant(r.At)
	r.Input, r.Before, r.Result = append([]byte{}, r.Input...), append([]byte{}, r.Before...), append([]byte{}, r.Result...)
	return r
}
