package storagetest

import (
	"context"
	"testing"

	"github.com/scrmkit/scrmkit/storage"
)

// movedAway moves a row out of a range in a transaction, beside which the range is pruned.
func movedAway(t *testing.T, d Database) {
	const turns = 30
	put := func(ctx context.Context, tx storage.Tx, v thing) error {
		errs, err := tx.Save(ctx, []storage.Change{{Rows: []storage.Row{loose.Put(&v)}}})
		if err == nil {
			err = errs[0]
		}
		return err
	}
	for i := range turns {
		old, moved := thing{[]byte{byte(i)}, "old", 1}, thing{[]byte{byte(i)}, "moved", 100}
		must(t, put(t.Context(), d.DB, old))
		type pruned struct {
			n   int64
			err error
		}
		done := make(chan pruned, 1)
		prune := func() {
			n, err := storage.Prune(t.Context(), d.DB, looseBySize, storage.Range{To: int64(50), Limit: 1})
			done <- pruned{n, err}
		}
		runs := 0
		must(t, d.DB.InTx(t.Context(), func(ctx context.Context, tx storage.Tx) error {
			must(t, put(ctx, tx, moved))
			if runs++; runs == 1 {
				go prune()
			}
			for range 20 { // while the other one comes as far as the row
				read := thing{Hash: moved.Hash}
				must(t, tx.Load(ctx, []storage.Look{{Reads: []storage.Read{loose.Get(&read)}}}))
			}
			return nil
		}))
		p := <-done
		must(t, p.err)
		read := thing{Hash: moved.Hash}
		must(t, d.DB.Load(t.Context(), []storage.Look{{Reads: []storage.Read{loose.Get(&read)}}}))
		equal(t, "rows that were pruned", p.n, 0)
		equal(t, "the row", read, moved)
	}
}
