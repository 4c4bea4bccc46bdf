package memory

import (
	"context"
	"iter"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// tables are the rows of one tenant. They are changed through write and record alone, which can be
// undone.
type tables struct {
	data *data

	feed []journal.Entry      // in the order of commits; a cursor is a number of entries
	gone map[int]bool         // those of them that were pruned
	keys map[entryKey]int     // where in the feed
	rows map[string]*rowTable // by the names of tables
}

type entryKey struct{ subject, key string }

func newTables(d *data) *tables {
	return &tables{data: d, gone: map[int]bool{}, keys: map[entryKey]int{}, rows: map[string]*rowTable{}}
}

// undoable keeps undo for the open transaction, if there is one.
func (t *tables) undoable(undo func()) {
	if tx := t.data.open; tx != nil {
		tx.undo = append(tx.undo, undo)
	}
}

// yieldAll yields what find returns, which must be copies.
func yieldAll[V any](ctx context.Context, u unit, find func(*tables) ([]V, error)) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		var found []V
		err := u.do(ctx, func(t *tables) (err error) {
			found, err = find(t)
			return err
		})
		if err != nil {
			var zero V
			yield(zero, err)
			return
		}
		for _, v := range found {
			if !yield(v, nil) {
				return
			}
		}
	}
}
