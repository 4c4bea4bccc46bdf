package flow

import (
	"context"
	"errors"
	"iter"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A draft is a unit of work that reads what is stored and keeps what it is to save, so that one
// Save stores all of it: no transaction is open meanwhile. What it can't keep leaves it unfit.
type draft struct {
	storage.Tx
	change  storage.Change
	written map[*storage.Def]bool
	unfit   bool
}

// errUnfit reaches whoever asks a draft for more than it can do. What the draft was for is then
// done in a transaction.
var errUnfit = errors.New("flow: it takes a transaction")

func newDraft(tx storage.Tx) *draft { return &draft{Tx: tx, written: map[*storage.Def]bool{}} }

// refuse leaves the draft unfit.
func (d *draft) refuse() error {
	d.unfit = true
	return errUnfit
}

// Load implements [storage.Store]. It is refused where it would have to find what the draft has.
func (d *draft) Load(ctx context.Context, looks []storage.Look) error {
	for _, l := range looks {
		for _, r := range l.Reads {
			if d.written[r.Table] {
				return d.refuse()
			}
		}
		for _, e := range d.change.Entries {
			if e.Subject == l.Subject && e.Key == l.Key {
				return d.refuse()
			}
		}
	}
	return d.Tx.Load(ctx, looks)
}

// Save implements [storage.Store]. It takes what no other Save of the draft depends on: one change,
// of tables of its own.
func (d *draft) Save(_ context.Context, changes []storage.Change) ([]error, error) {
	if len(changes) > 1 {
		return nil, d.refuse()
	}
	for _, c := range changes {
		for _, r := range c.Rows {
			if d.written[r.Table] {
				return nil, d.refuse()
			}
		}
		for _, r := range c.Rows {
			d.written[r.Table] = true
		}
		d.change.Rows = append(d.change.Rows, c.Rows...)
		d.change.Entries = append(d.change.Entries, c.Entries...)
	}
	return make([]error, len(changes)), nil
}

// List implements [storage.Store]. It is refused as Load is.
func (d *draft) List(ctx context.Context, q storage.Query) iter.Seq2[[]storage.Value, error] {
	if d.written[q.Index.Table] {
		return func(yield func([]storage.Value, error) bool) { yield(nil, d.refuse()) }
	}
	return d.Tx.List(ctx, q)
}

// Prune implements [storage.Store]. It is refused.
func (d *draft) Prune(context.Context, storage.Query) (int64, error) { return 0, d.refuse() }

// Journal implements [storage.Tx]. Once the draft has entries it is unfit to read them.
func (d *draft) Journal() journal.Store {
	d.unfit = d.unfit || len(d.change.Entries) > 0
	return d.Tx.Journal()
}

// store stores what the draft has, and reports whether it did: where another change came first, a
// bound was met or the draft is unfit, nothing is stored. The error is the database's.
func (d *draft) store(ctx context.Context) (stored bool, err error) {
	if d.unfit || len(d.change.Rows)+len(d.change.Entries) == 0 {
		return !d.unfit, nil
	}
	errs, err := d.Tx.Save(ctx, []storage.Change{d.change})
	return err == nil && errs[0] == nil, err
}
