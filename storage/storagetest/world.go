package storagetest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// at is a time of the tests, in minutes.
func at(minutes int64) time.Time {
	return time.Date(2026, 3, 1, 8, 0, 0, 123456000, time.UTC).Add(time.Duration(minutes) * time.Minute)
}

func entry(subject, key string, seq int64) journal.Entry {
	return journal.Entry{
		Subject: subject, Key: key, Seq: seq, Kind: "test.done", At: at(seq), By: "manager",
		Input: journal.Hash("test", key), Before: json.RawMessage(`{"n":1}`), Result: json.RawMessage(`{"n":2}`),
	}
}

// fill writes rows of every kind.
func fill(ctx context.Context, tx storage.Tx) error {
	r, k, t, g := oneRoot("north", 1), oneChild("north", 1), oneThing(1), guest{"alice", 1, "x", 1}
	tk, st, sm := token{Root: "north", Hash: []byte{1}, Version: 1}, stock{"a", 1, 5}, sum{1, 2, 3}
	return allOf(tx.Save(ctx, []storage.Change{
		{Rows: []storage.Row{roots.Save(&r), children.Put(&k), tokens.Put(&tk)}, Entries: []journal.Entry{entry(rootSubject("north"), "key", 1)}},
		{Rows: []storage.Row{loose.Insert(&t), sums.Add(&sm)}},
		{Rows: []storage.Row{guests.Save(&g), stocks.AddWithin(&st, 9)}, Entries: []journal.Entry{entry("guest", "key", 1)}},
	}))
}

// A call is one method of a Tx, on the rows of fill.
type call struct {
	name string
	run  func(ctx context.Context, tx storage.Tx) (any, error)
}

// reads are the methods that change nothing.
var reads = []call{
	{"Journal.After", func(ctx context.Context, tx storage.Tx) (any, error) {
		records, err := collect(tx.Journal().After(ctx, "", 0))
		for i := range records {
			records[i].Cursor = ""
		}
		slices.SortStableFunc(records, func(a, b journal.Record) int { return strings.Compare(a.Subject, b.Subject) })
		return records, err
	}},
	{"Journal.Of", func(ctx context.Context, tx storage.Tx) (any, error) {
		records, err := collect(tx.Journal().Of(ctx, rootSubject("north")))
		for i := range records {
			records[i].Cursor = ""
		}
		return records, err
	}},
	{"Load", func(ctx context.Context, tx storage.Tx) (any, error) { return rowsOf(ctx, tx, "north", 2, 1, "key") }},
	{"List", func(ctx context.Context, tx storage.Tx) (any, error) { return everything(ctx, tx) }},
}

// writes are those that do.
var writes = []call{
	{"Save", func(ctx context.Context, tx storage.Tx) (any, error) {
		r, tk, st := oneRoot("north", 2), token{Root: "north", Hash: []byte{1}, Version: 2, Used: true}, stock{"a", 1, -1}
		return nil, one(tx.Save(ctx, []storage.Change{{Rows: []storage.Row{roots.Save(&r), tokens.Save(&tk), stocks.AddWithin(&st, 9)}}}))
	}},
	{"Prune", func(ctx context.Context, tx storage.Tx) (any, error) {
		return storage.Prune(ctx, tx, looseByHash, storage.Range{Limit: 9})
	}},
	{"Journal.Strip", func(ctx context.Context, tx storage.Tx) (any, error) {
		return ofFeed(ctx, tx, journal.Store.Strip)
	}},
	{"Journal.Prune", func(ctx context.Context, tx storage.Tx) (any, error) {
		return ofFeed(ctx, tx, pruneEntries)
	}},
}

// pruneEntries returns how many entries it has pruned.
func pruneEntries(s journal.Store, ctx context.Context, at []journal.Cursor) (int64, error) {
	deleted, err := s.Prune(ctx, at)
	for _, e := range deleted {
		if !e.Archived() || e.Kind == "" || e.At.IsZero() {
			return 0, fmt.Errorf("%+v was pruned", e)
		}
	}
	return int64(len(deleted)), err
}

// ofFeed does something with all records.
func ofFeed(ctx context.Context, tx storage.Tx, do func(journal.Store, context.Context, []journal.Cursor) (int64, error)) (n int64, err error) {
	all, err := collect(tx.Journal().After(ctx, "", 0))
	if err != nil {
		return 0, err
	}
	cursors := make([]journal.Cursor, len(all))
	for i, r := range all {
		cursors[i] = r.Cursor
	}
	return do(tx.Journal(), ctx, cursors)
}

// everything is all rows of all tables.
func everything(ctx context.Context, tx storage.Tx) (any, error) {
	var all []any
	for _, read := range []func() (any, error){
		func() (any, error) { return whole(ctx, tx, roots) },
		func() (any, error) { return whole(ctx, tx, children) },
		func() (any, error) { return whole(ctx, tx, tokens) },
		func() (any, error) { return whole(ctx, tx, loose) },
		func() (any, error) { return whole(ctx, tx, guests) },
		func() (any, error) { return whole(ctx, tx, stocks) },
		func() (any, error) { return whole(ctx, tx, sums) },
	} {
		rows, err := read()
		if err != nil {
			return nil, err
		}
		all = append(all, rows)
	}
	return all, nil
}

func whole[T any](ctx context.Context, tx storage.Tx, t *storage.Table[T]) (any, error) {
	return collect(storage.List(ctx, tx, t.Primary(), storage.Range{}))
}
