package loyalty

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"sync"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/bulk"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// ImportOptions says how ImportAll runs. Nil and zero fields mean the documented defaults.
type ImportOptions struct {
	Batch   int // imports that share a write; 0: 500
	Workers int // writes at once; 0: 2; a bound engine does one at a time

	// Refused is called with an import of which nothing was stored, its number in the sequence, from
	// 0 on, and why. Nil: the first refusal ends ImportAll.
	Refused func(n int, c Import, err error)
	// Progress is called after each write, with all that was done so far. Nil: nobody asks. Neither
	// function is called while one of them runs.
	Progress func(Imported)
}

// Imported is what ImportAll did, to be compared with what the other system says of its members.
type Imported struct {
	Next     int                     // number of the first import, from 0 on, that may not have ended
	Opened   int                     // accounts that were opened
	Replayed int                     // accounts that a run before had opened by the same import
	Refused  int                     // imports of which nothing was stored
	Totals   map[ids.Currency]Totals // books of all that were opened, now or before, as they were then
	Levels   map[ids.Level]int       // how many of them had each level
}

// ImportAll runs imports, in any order and many in each write, several writes at once; each does what
// Engine.Import does with it. It can be stopped by ctx at any time. It goes on where it is run again with
// the same imports, or with those from Imported.Next on: what took effect is replayed by its key. On
// a Preview it stores nothing and returns what it would come to, but that it does not see a member
// whom two imports far apart open.
//
// It returns what it did though it ends with an error: that of the sequence, of the database, of ctx
// or, where nobody is told of refusals, of the first of them. An import that was under way then may
// have taken effect and not be counted.
func (e *Engine) ImportAll(ctx context.Context, imports iter.Seq2[Import, error], opts *ImportOptions) (done Imported, err error) {
	ctx, call := e.frame.Begin(ctx, "loyalty.import-all", "")
	defer call.End(&err)
	o := cmp.Or(opts, &ImportOptions{})
	run := bulk.Options{Batch: cmp.Or(max(o.Batch, 0), 500), Workers: cmp.Or(max(o.Workers, 0), 2)}
	if e.frame.Bound {
		run.Workers = 1
	}
	done = Imported{Totals: map[ids.Currency]Totals{}, Levels: map[ids.Level]int{}}
	var mu sync.Mutex
	run.Ended = func(n int) {
		mu.Lock()
		defer mu.Unlock()
		done.Next = n
		if o.Progress != nil {
			told := done
			told.Totals, told.Levels = maps.Clone(done.Totals), maps.Clone(done.Levels)
			o.Progress(told)
		}
	}
	err = bulk.Run(ctx, imports, run, func(ctx context.Context, first int, batch []Import) error {
		outs, errs := e.importBatch(ctx, batch)
		mu.Lock()
		defer mu.Unlock()
		for i, out := range outs {
			switch {
			case errs[i] == nil:
				if err := done.add(out); err != nil {
					return err
				}
			case refusesImport(errs[i]) && o.Refused != nil:
				done.Refused++
				o.Refused(first+i, batch[i], errs[i])
			default:
				return fmt.Errorf("loyalty: import %d: %w", first+i, errs[i])
			}
		}
		return nil
	})
	return done, err
}

// add counts an account that was opened.
func (d *Imported) add(out Outcome) error {
	if out.Replayed {
		d.Replayed++
	} else {
		d.Opened++
	}
	for _, m := range out.Moves {
		if err := m.Totals.addTo(d.Totals, m.Currency); err != nil {
			return err
		}
	}
	if out.Status.Level != "" {
		d.Levels[out.Status.Level]++
	}
	return nil
}

// refusesImport reports whether an error is about the import, and not about the database.
func refusesImport(err error) bool {
	return errors.Is(err, ErrRefused) || errors.Is(err, errs.Invalid) || errors.Is(err, journal.ErrKeyReused) || errors.Is(err, journal.ErrArchived)
}

// importBatch runs imports together.
func (e *Engine) importBatch(ctx context.Context, batch []Import) ([]Outcome, []error) {
	outs, errs := make([]Outcome, len(batch)), make([]error, len(batch))
	var ops []op
	var of []int // which import each is
	now := e.frame.Now()
	for i, c := range batch {
		if errs[i] = c.check(); errs[i] == nil {
			ops, of = append(ops, op{requested(c), now, c.Account.Subject(), true}), append(of, i)
		}
	}
	for k, d := range e.runner.Many(ctx, ops) {
		outs[of[k]], errs[of[k]] = d.Result, d.Err
	}
	return outs, errs
}
