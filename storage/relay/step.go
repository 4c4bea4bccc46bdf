package relay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

const (
	maxBackoff = time.Hour
	maxFault   = 500            // bytes of the text of an error that is kept
	maxAhead   = 24 * time.Hour // of the end of a lease, before its clock is taken to have been wrong
)

// A task is what one worker does: entries of one subject, in their order.
type task struct {
	line    line
	stored  bool             // the line is
	due     bool             // it is to be handed over now
	records []journal.Record // what is due of it
	more    []place          // of entries that wait besides

	done  int // of records, handed over
	fault error
}

// step is Step.
func (r *Relay) step(ctx context.Context) (t Turn, err error) {
	f, waiting, err := r.load(ctx)
	if err != nil {
		return t, err
	}
	t.Waiting = len(waiting)
	now := r.frame.Now()
	if f.Holder != r.holder && now.Before(f.Until) && !r.abandoned(f, now) {
		t.Busy = true
		return t, nil
	}
	tasks, left, err := r.again(ctx, waiting, now)
	if err != nil {
		return t, err
	}
	cursor, read := f.Cursor, 0
	if len(waiting) < r.opts.Waiting {
		var fresh []*task
		if fresh, cursor, read, err = r.fresh(ctx, f.Cursor, waiting, tasks); err != nil {
			return t, err
		}
		tasks = append(tasks, fresh...)
	}
	now = r.frame.Now() // to read may have taken long
	until := journal.Instant(now.Add(r.opts.Lease))
	renew := f.Holder != r.holder || !f.Until.After(now.Add(r.opts.Lease/2)) || f.Until.After(until)
	if len(tasks)+read == 0 && !renew {
		return t, nil
	}
	if renew {
		f.Holder, f.Until = r.holder, until
		if err := r.save(ctx, &f); err != nil {
			return t, err
		}
	}
	r.work(ctx, tasks, min(f.Until.Sub(r.frame.Now()), r.opts.Lease))
	f.Cursor = cursor
	rows := r.settle(&t, tasks)
	if read+len(rows) > 0 {
		noting, cancel := r.ending(ctx)
		defer cancel()
		err = r.save(noting, &f, rows...)
	}
	t.More = read == r.opts.Batch || t.Dead > 0 || left
	return t, errors.Join(err, ctx.Err())
}

// abandoned reports whether a lease that another process has is of a clock that was far ahead, and
// was not renewed for as long as a lease lasts.
func (r *Relay) abandoned(f feed, now time.Time) bool {
	if f.Until.Sub(now) < r.opts.Lease+maxAhead {
		return false
	}
	if r.seen.Version != f.Version {
		r.seen, r.seenAt = f, now
	}
	return now.Sub(r.seenAt) >= r.opts.Lease
}

// again returns the tasks of the subjects that are due, those first that have been for longest, and
// whether some are left for the next Step: it has no more entries than two batches.
func (r *Relay) again(ctx context.Context, waiting []line, now time.Time) (tasks []*task, left bool, err error) {
	read := 0
	for _, l := range slices.SortedStableFunc(slices.Values(waiting), func(a, b line) int { return a.Due.Compare(b.Due) }) {
		if l.Due.After(now) && l.Due.Sub(now) <= 2*maxBackoff { // or of a clock that was wrong
			continue
		}
		if read >= r.opts.Batch {
			return tasks, true, nil
		}
		t := &task{line: l, stored: true, due: true}
		for record, err := range r.frame.Store.Journal().Of(ctx, l.Subject) {
			if err != nil {
				return nil, false, err
			}
			at := placeOf(record.Entry)
			if at.compare(l.First) < 0 {
				break
			}
			if at.compare(l.Last) > 0 {
				continue
			}
			t.records = append(t.records, record)
			if len(t.records) > r.opts.Batch { // the oldest are kept
				t.more = []place{placeOf(t.records[0].Entry), l.Last}
				t.records = slices.Delete(t.records, 0, 1)
			}
		}
		slices.Reverse(t.records)
		tasks, read = append(tasks, t), read+len(t.records)
	}
	return tasks, false, nil
}

// fresh reads on from a cursor, and returns tasks of subjects that do not wait. The lines of those
// that do are longer then.
func (r *Relay) fresh(
	ctx context.Context, from journal.Cursor, waiting []line, due []*task,
) (tasks []*task, cursor journal.Cursor, read int, err error) {
	of := map[string]*task{}
	for _, t := range due {
		of[t.line.Subject] = t
	}
	for _, l := range waiting {
		if of[l.Subject] == nil {
			of[l.Subject] = &task{line: l, stored: true}
			tasks = append(tasks, of[l.Subject])
		}
	}
	cursor = from
	for record, err := range r.frame.Store.Journal().After(ctx, from, r.opts.Batch) {
		if err != nil {
			return nil, from, 0, err
		}
		read, cursor = read+1, record.Cursor
		t := of[record.Subject]
		if t == nil {
			t = &task{line: line{Name: r.name, Subject: record.Subject}, due: true}
			of[record.Subject], tasks = t, append(tasks, t)
		}
		if t.stored {
			t.more = append(t.more, placeOf(record.Entry))
		} else {
			t.records = append(t.records, record)
		}
	}
	return tasks, cursor, read, nil
}

// work hands over what tasks have, as long as the lease lasts: a quarter of it is left for what
// comes after. An entry that took half of that time and was not handed over has failed: others are to
// have their turn.
func (r *Relay) work(caller context.Context, tasks []*task, lease time.Duration) {
	lease -= lease / 4
	ctx, cancel := context.WithTimeout(caller, lease)
	defer cancel()
	queue := make(chan *task)
	var workers sync.WaitGroup
	for range min(r.opts.Workers, len(tasks)) {
		workers.Go(func() {
			for t := range queue {
				var began time.Time
				for ctx.Err() == nil && t.fault == nil && t.done < len(t.records) {
					began = time.Now()
					if t.fault = r.call(ctx, t.records[t.done]); t.fault == nil {
						t.done++
					}
				}
				if ctx.Err() != nil && (caller.Err() != nil || time.Since(began) < lease/2) {
					t.fault = nil // it was not let finish
				}
			}
		})
	}
	for _, t := range tasks {
		if len(t.records) > 0 {
			queue <- t
		}
	}
	close(queue)
	workers.Wait()
}

// settle returns the rows of what became of tasks, and counts it.
func (r *Relay) settle(turn *Turn, tasks []*task) (rows []storage.Row) {
	now := r.frame.Now()
	for _, t := range tasks {
		turn.Handed += t.done
		l := &t.line
		if t.done > 0 {
			l.Tries, l.Fault = 0, ""
		}
		next := t.done
		if t.due {
			l.Due = now
		}
		if t.fault != nil {
			l.Tries++
			l.Fault = textOf(t.fault)
			if r.hopeless(t.fault, l.Tries) {
				turn.Dead++
				failed := t.records[next].Entry
				rows = append(rows, letters.Put(&Letter{
					name: r.name, Subject: failed.Subject, Seq: failed.Seq, Key: failed.Key, Tries: l.Tries, Died: now, Fault: l.Fault,
				}))
				l.Tries, l.Fault = 0, ""
				next++
			} else {
				turn.Failed++
				l.Due = journal.Instant(now.Add(r.backoff(l.Tries)))
			}
		}
		waits := t.more
		for _, record := range t.records[next:] {
			waits = append(waits, placeOf(record.Entry))
		}
		switch {
		case !t.due && len(waits) == 0: // it waits as before
			continue
		case !t.due:
			waits = append(waits, l.First, l.Last)
		case len(waits) == 0:
			if t.stored {
				rows = append(rows, lines.Drop(l))
				turn.Waiting--
			}
			continue
		}
		l.First, l.Last = slices.MinFunc(waits, place.compare), slices.MaxFunc(waits, place.compare)
		if !t.stored {
			turn.Waiting++
		}
		rows = append(rows, lines.Put(l))
	}
	return rows
}

// hopeless reports whether an entry is put aside that failed so often, this time with that error.
func (r *Relay) hopeless(err error, tries int64) bool {
	return errors.Is(err, ErrPoison) || tries >= int64(r.opts.Attempts) && !errors.Is(err, errs.TryAgain)
}

// backoff is how long an entry waits after so many tries.
func (r *Relay) backoff(tries int64) time.Duration {
	d := min(r.opts.Backoff, maxBackoff)
	for range min(tries, 40) - 1 {
		if d *= 2; d > maxBackoff {
			return maxBackoff
		}
	}
	return min(d, maxBackoff)
}

// textOf returns the text of an error as it is kept.
func textOf(err error) string {
	text := strings.ToValidUTF8(strings.ReplaceAll(err.Error(), "\x00", ""), "")
	for len(text) > maxFault {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	if text == "" {
		return fmt.Sprintf("a %T without a text", err)
	}
	return text
}
