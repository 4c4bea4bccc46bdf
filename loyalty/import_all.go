package loyalty

import (
	"cmp"
	"context"
	"iter"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/bulk"
	"github.com/scrmkit/scrmkit/storage"
)

// Imported is what ImportAll did, to be compared with what the other system says of its members.
type Imported struct {
	storage.Imported
	Totals map[ids.Currency]Totals // books of all accounts that were opened, now or before, as they were then
	Levels map[ids.Level]int       // how many of them had each level
}

// ImportAll runs imports, in any order and many in each write; each does what Engine.Import does with
// it. It can be stopped by ctx at any time. It goes on where it is run again with the same imports,
// or with those from Next on: what took effect is replayed by its key. On a Preview it stores
// nothing and returns what it would come to, but that it does not see a member whom two imports far
// apart open.
//
// It returns what it did though it ends with an error: that of the sequence, of the database, of ctx
// or, where nobody is told of refusals, of the first of them. An import that was under way then may
// have taken effect and not be counted.
func (e *Engine) ImportAll(ctx context.Context, imports iter.Seq2[Import, error], opts *storage.ImportOptions[Import]) (done Imported, err error) {
	ctx, call := e.frame.Begin(ctx, string(KindImport), "")
	defer call.End(&err)
	o := *cmp.Or(opts, &storage.ImportOptions[Import]{})
	if e.frame.Bound {
		o.Workers = 1
	}
	done = Imported{Totals: map[ids.Currency]Totals{}, Levels: map[ids.Level]int{}}
	done.Imported, err = bulk.Import(ctx, "loyalty: import", imports, o, func(ctx context.Context, batch []Import) ([]Outcome, []error) {
		return together(ctx, e, batch, true)
	}, func(out Outcome) (bool, error) {
		if out.Status.Level != "" {
			done.Levels[out.Status.Level]++
		}
		for _, m := range out.Moves {
			if err := m.Totals.addTo(done.Totals, m.Currency); err != nil {
				return false, err
			}
		}
		return out.Replayed, nil
	})
	return done, err
}
