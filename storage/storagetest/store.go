package storagetest

import (
	"context"
	"reflect"
	"slices"
	"testing"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

func everyCall() []call { return slices.Concat(reads, writes) }

func stores(s suite) {
	s.t.Run("is called by its every method here", func(t *testing.T) {
		var want, got []string
		tx := reflect.TypeFor[storage.Tx]()
		for i := range tx.NumMethod() {
			store := tx.Method(i)
			if store.Type.NumIn() > 0 { // a method of rows
				want = append(want, store.Name)
				continue
			}
			if store.Type.Out(0).Kind() != reflect.Interface { // TenantID, which asks no database
				continue
			}
			for j := range store.Type.Out(0).NumMethod() {
				if name := store.Type.Out(0).Method(j).Name; name != "Tenant" { // which asks no database
					want = append(want, store.Name+"."+name)
				}
			}
		}
		for _, c := range everyCall() {
			got = append(got, c.name)
		}
		slices.Sort(got)
		slices.Sort(want)
		equal(t, "methods", got, want)
	})
	s.once("whose context has ended gives its error", func(t *testing.T, d Database) {
		must(t, fill(t.Context(), d.DB))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, c := range everyCall() {
			_, err := c.run(ctx, d.DB)
			isError(t, c.name, err, context.Canceled)
		}
		isError(t, "InTx", d.DB.InTx(ctx, func(context.Context, storage.Tx) error {
			t.Error("the transaction began")
			return nil
		}), context.Canceled)
	})
	s.each("answers nothing to nothing", func(s *scene) {
		s.do(func(ctx context.Context, tx storage.Tx) {
			must(s.t, tx.Load(ctx, nil))
			answers, err := tx.Save(ctx, nil)
			must(s.t, err)
			equal(s.t, "answers", len(answers), 0)
			answers, err = tx.Save(ctx, []storage.Change{{}, rootChange("a", 1), {}})
			must(s.t, err)
			equal(s.t, "answers beside one change", answers, []error{nil, nil, nil})
		})
	})
	s.each("holds nothing that a caller holds", noAlias)
	s.each("may be used while its lists are read", usedWhileRead)
}

// noAlias scribbles over what was given to Save, and then over what Load and List gave.
func noAlias(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		r, t, e := oneRoot("alice", 1), oneThing(1), entry("alice", "key", 1)
		must(s.t, one(tx.Save(ctx, []storage.Change{{Rows: []storage.Row{roots.Save(&r), loose.Put(&t)}, Entries: []journal.Entry{e}}})))
		scribble(r.Data, t.Hash, e.Input, e.Before, e.Result)
		for range 2 {
			got, th := root{ID: "alice"}, oneThing(1)
			looks := []storage.Look{{Reads: []storage.Read{roots.Get(&got), loose.Get(&th)}, Subject: "alice", Key: "key"}}
			must(s.t, tx.Load(ctx, looks))
			listed := list(s.t, storage.List(ctx, tx, rootsByID, storage.Range{}))
			equal(s.t, "root", []root{got, listed[0]}, []root{oneRoot("alice", 1), oneRoot("alice", 1)})
			equal(s.t, "thing", th, oneThing(1))
			equal(s.t, "entry", *looks[0].Entry, entry("alice", "key", 1))
			scribble(got.Data, listed[0].Data, th.Hash, looks[0].Entry.Input, looks[0].Entry.Before, looks[0].Entry.Result)
		}
	})
}

func scribble(all ...[]byte) {
	for _, b := range all {
		b[0] = '!'
	}
}

func usedWhileRead(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, rootWriter.save(ctx, tx, "alice", 0, "k"))
		must(s.t, rootWriter.save(ctx, tx, "bob", 0, "k"))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		seen := 0
		for r, err := range storage.List(ctx, tx, rootsByID, storage.Range{}) {
			must(s.t, err)
			seen++
			for k, err := range storage.List(ctx, tx, childrenByK, storage.Range{Prefix: []any{r.ID}}) {
				must(s.t, err)
				must(s.t, rootWriter.save(ctx, tx, k.Root, 1, "while read"))
				break
			}
		}
		equal(s.t, "roots", seen, 2)
		for _, err := range tx.Journal().After(ctx, "", 0) {
			must(s.t, err)
			must(s.t, rootWriter.save(ctx, tx, "carol", 0, "while read"))
			break
		}
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		rootWriter.holds(ctx, s.t, tx, "alice", 2, 2)
		if n := len(list(s.t, tx.Journal().Of(ctx, rootWriter.subject("carol")))); n > 1 {
			s.t.Errorf("%d entries of one", n)
		}
	})
}
