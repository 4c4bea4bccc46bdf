package storagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Rule 3: a change is stored whole or not at all, by itself: in a transaction that commits, and
// beside other changes of its Save, which are stored.
func atomicity(s suite) {
	fresh, stale := oneRoot("fresh", 1), oneRoot("stale", 5)
	taken, free := guest{"second", 1, "x", 1}, guest{"third", 1, "x", 2}
	there, other := oneThing(1), oneThing(2)
	within, above, gone := stock{"a", 1, 4}, stock{"a", 1, 5}, stock{"a", 2, -1}
	spent, unspent := token{Root: "before", Hash: []byte{1}, Version: 5}, token{Root: "before", Hash: []byte{1}, Version: 2}
	for name, c := range map[string]struct {
		rows []storage.Row
		want error
	}{
		"a stale root":                             {rowsOnce(roots.Save(&stale)), journal.ErrConflict},
		"roots, of which the first is stale":       {rowsOnce(roots.Save(&stale), roots.Save(&fresh)), journal.ErrConflict},
		"roots, of which the second is stale":      {rowsOnce(roots.Save(&fresh), roots.Save(&stale)), journal.ErrConflict},
		"a root in a place that is taken":          {rowsOnce(guests.Save(&taken)), journal.ErrConflict},
		"roots of two tables, one in such a place": {rowsOnce(roots.Save(&fresh), guests.Save(&taken)), journal.ErrConflict},
		"a new row that is there":                  {rowsOnce(loose.Insert(&there)), journal.ErrConflict},
		"a root, with a new row that is there":     {rowsOnce(roots.Save(&fresh), loose.Insert(&other), loose.Insert(&there)), journal.ErrConflict},
		"a row that was to be absent":              {rowsOnce(roots.Save(&fresh), loose.Absent(&there)), journal.ErrConflict},
		"a number above its bound":                 {rowsOnce(stocks.AddWithin(&above, 9)), storage.ErrBound},
		"a root, with a number above its bound":    {rowsOnce(roots.Save(&fresh), stocks.AddWithin(&above, 9)), storage.ErrBound},
		"numbers, of which one is below zero":      {rowsOnce(guests.Save(&free), stocks.AddWithin(&within, 9), stocks.AddWithin(&gone, 9)), storage.ErrBound},
		"a stale root, with a number above":        {rowsOnce(roots.Save(&stale), stocks.AddWithin(&above, 9)), journal.ErrConflict},
		"a token that was spent":                   {rowsOnce(roots.Save(&fresh), tokens.Save(&spent)), journal.ErrConflict},
		"tokens alone, of which one was spent":     {rowsOnce(tokens.Save(&spent)), journal.ErrConflict},
	} {
		s.each(name+", stores nothing of the change", losing(c.rows, c.want, entry("loser", "new", 1)))
	}
	used := []journal.Entry{entry("loser", "new", 1), entry("taken", "key", 2)}
	s.each("a used key, stores nothing of the change", losing(rowsOnce(roots.Save(&fresh), tokens.Save(&unspent)), journal.ErrDuplicate, used...))
	s.each("a used key and a stale root, answers duplicate", losing(rowsOnce(roots.Save(&stale)), journal.ErrDuplicate, used...))
	s.each("a used key and no row, stores nothing of the change", losing(nil, journal.ErrDuplicate, used...))
	s.each("one place for two, gives it to one of them", onePlace)
	s.each("one new row for two, gives it to one of them", oneNewRow)
	s.once("new rows for many at once, gives each to one of them", newRowsAtOnce)
	s.once("a row that is pruned meanwhile, leaves it where it was moved to", movedAway)
}

// rowsOnce are rows, with others that depend on none.
func rowsOnce(rows ...storage.Row) []storage.Row {
	k, t, m := child{"fresh", 1, 1, "child"}, thing{[]byte{9}, "thing", 9}, sum{9, 1, 1}
	return append(rows, children.Put(&k), loose.Put(&t), sums.Add(&m))
}

func losing(rows []storage.Row, want error, entries ...journal.Entry) func(s *scene) {
	return func(s *scene) {
		s.do(func(ctx context.Context, tx storage.Tx) {
			g, t, st, tk := guest{"first", 1, "x", 1}, oneThing(1), stock{"a", 1, 5}, token{Root: "before", Hash: []byte{1}, Version: 1}
			b := oneRoot("before", 1)
			must(s.t, allOf(tx.Save(ctx, []storage.Change{
				{Rows: []storage.Row{roots.Save(&b), tokens.Put(&tk)}, Entries: []journal.Entry{entry("taken", "key", 1)}},
				{Rows: []storage.Row{guests.Save(&g), loose.Insert(&t), stocks.AddWithin(&st, 9)}},
			})))
		})
		var before any
		s.do(func(ctx context.Context, tx storage.Tx) {
			var err error
			before, err = everything(ctx, tx)
			must(s.t, err)
			errs, err := tx.Save(ctx, []storage.Change{
				rootChange("beside", 1, entry("winner", "beside", 1)), {Rows: rows, Entries: entries}, rootChange("after", 1, entry("winner", "after", 2)),
			})
			must(s.t, err)
			if len(errs) != 3 {
				s.t.Fatalf("%d answers for 3 changes", len(errs))
			}
			must(s.t, errors.Join(errs[0], errs[2]))
			isError(s.t, "loser", errs[1], want)
		})
		s.do(func(ctx context.Context, tx storage.Tx) {
			rootWriter.holds(ctx, s.t, tx, "beside", 1, 0)
			rootWriter.holds(ctx, s.t, tx, "after", 1, 0)
			equal(s.t, "entries of the loser", len(list(s.t, tx.Journal().Of(ctx, "loser"))), 0)
			equal(s.t, "entries of the winners", len(list(s.t, tx.Journal().Of(ctx, "winner"))), 2)
			equal(s.t, "entries of the key's owner", len(list(s.t, tx.Journal().Of(ctx, "taken"))), 1)
			for _, id := range []string{"after", "beside"} {
				_, err := tx.Save(ctx, []storage.Change{rootChange(id, 2)})
				must(s.t, err)
			}
			n, err := storage.Prune(ctx, tx, rootsByN, storage.Range{Prefix: []any{int64(2)}, Limit: 9})
			must(s.t, err)
			equal(s.t, "winners taken away", n, 2)
			after, err := everything(ctx, tx)
			must(s.t, err)
			equal(s.t, "all but the winners", after, before)
		})
	}
}

func onePlace(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		seat := func(name string, n int) storage.Change {
			return storage.Change{Rows: []storage.Row{guests.Save(&guest{name, 1, "x", n})}}
		}
		errs, err := tx.Save(ctx, []storage.Change{seat("a", 7), seat("b", 7), seat("c", 8)})
		must(s.t, err)
		must(s.t, errs[2])
		lost := 0
		for _, err := range errs[:2] {
			if err != nil {
				isError(s.t, "the other", err, journal.ErrConflict)
				lost++
			}
		}
		equal(s.t, "changes that lost", lost, 1)
	})
}

// claiming returns a change of a new root that is to have a thing to itself.
func claiming(name string, t thing) storage.Change {
	g := guest{Name: name, Version: 1}
	t.Name = name
	return storage.Change{Rows: []storage.Row{loose.Insert(&t), guests.Save(&g)}, Entries: []journal.Entry{entry("guest", name, 1)}}
}

func oneNewRow(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		t := oneThing(9)
		saved(s, ctx, tx, loose.Insert(&t))
		free := guest{Name: "free", Version: 1}
		errs, err := tx.Save(ctx, []storage.Change{
			claiming("first", oneThing(1)), claiming("alone", oneThing(2)), claiming("second", oneThing(1)), claiming("late", oneThing(9)),
			{Rows: []storage.Row{guests.Save(&free), loose.Absent(&thing{Hash: oneThing(3).Hash})}}, claiming("third", oneThing(3)),
		})
		must(s.t, err)
		must(s.t, errors.Join(errs[1], errs[5]))
		isError(s.t, "one that is there", errs[3], journal.ErrConflict)
		if (errs[0] == nil) == (errs[2] == nil) {
			s.t.Fatalf("of two that want one row: %v and %v", errs[0], errs[2])
		}
		isError(s.t, "the other", errors.Join(errs[0], errs[2]), journal.ErrConflict)
		if errs[4] != nil { // where the row of the last one came first
			isError(s.t, "one that wants it absent", errs[4], journal.ErrConflict)
		}
		owned(ctx, s.t, tx, map[string]bool{"first": errs[0] == nil, "alone": true, "second": errs[2] == nil, "late": false, "third": true})
	})
}

// owned asks whether those guests and no others are there, with their things and entries.
func owned(ctx context.Context, t testing.TB, tx storage.Tx, stored map[string]bool) {
	t.Helper()
	for name, want := range stored {
		g := guest{Name: name}
		look := storage.Look{Reads: []storage.Read{guests.Get(&g)}, Subject: "guest", Key: name}
		looks := []storage.Look{look}
		must(t, tx.Load(ctx, looks))
		things := list(t, storage.List(ctx, tx, looseByHash, storage.Range{}))
		has := slices.ContainsFunc(things, func(t thing) bool { return t.Name == name })
		if (g.Version == 1) != want || has != want || (looks[0].Entry != nil) != want {
			t.Errorf("%s: version %d, a thing: %t, an entry: %t; want %t", name, g.Version, has, looks[0].Entry != nil, want)
		}
	}
}

func newRowsAtOnce(t *testing.T, d Database) {
	const racers, things = 8, 12
	var mu sync.Mutex
	var wg sync.WaitGroup
	stored, winners := map[string]bool{}, [things]int{}
	for r := range racers {
		wg.Go(func() {
			changes := make([]storage.Change, things)
			for i := range changes {
				changes[i] = claiming(fmt.Sprint(r, "/", i), oneThing(byte(i)))
			}
			errs, err := d.DB.Save(t.Context(), changes)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
				return
			}
			for i, err := range errs {
				if stored[fmt.Sprint(r, "/", i)] = err == nil; err == nil {
					winners[i]++
				} else if !errors.Is(err, journal.ErrConflict) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	equal(t, "winners of each", winners, [things]int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1})
	owned(t.Context(), t, d.DB, stored)
}
