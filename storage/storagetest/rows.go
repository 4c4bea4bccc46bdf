package storagetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Tables are those that the tests of rows use. A database under test has them.
var Tables = storage.Schema{Name: "storagetest", Tables: []storage.Declared{roots, children, tokens, loose, guests, stocks, sums}}

// A root has a column of every kind.
type root struct {
	ID      string
	Version int64
	N       int64
	At      time.Time
	Label   string
	Data    []byte
	State   rootState
}

type rootState struct {
	Note  string    `json:"note,omitempty"`
	Due   time.Time `json:"due,omitzero"`
	Stage string    `json:"stage,omitempty"`
}

// A child belongs to a root.
type child struct {
	Root  string
	K     int64
	Place int64
	Text  string
}

// A thing belongs to none, and has a key of bytes.
type thing struct {
	Hash []byte
	Name string
	Size int
}

// A guest may have a seat of a room.
type guest struct {
	Name    string
	Version int64
	Room    string
	Seat    int
}

// A stock is a number that many add to.
type stock struct {
	Shelf string
	Thing int
	N     int64
}

// A token belongs to a root, and has a version of its own.
type token struct {
	Root    string
	Hash    []byte
	Version int64
	Used    bool
}

// A sum has numbers that many add to.
type sum struct {
	Day  int64
	A, B int64
}

var (
	roots = storage.NewTable("test_root", func(c *storage.Columns, r *root) {
		storage.Text(c, "id", &r.ID)
		c.Key()
		c.Version(&r.Version)
		storage.Int(c, "n", &r.N)
		storage.Time(c, "at", &r.At)
		storage.Text(c, "label", &r.Label)
		storage.Bytes(c, "data", &r.Data)
		storage.Derived(c, "due", func() time.Time { return r.State.Due })
		storage.Derived(c, "stage", func() string { return r.State.Stage })
		c.State("state", 1, &r.State)
	})
	children = storage.NewTable("test_child", func(c *storage.Columns, k *child) {
		storage.Text(c, "id", &k.Root)
		storage.Int(c, "k", &k.K)
		c.Key()
		storage.Int(c, "place", &k.Place)
		storage.Text(c, "text", &k.Text)
	}).Of(roots)
	loose = storage.NewTable("test_loose", func(c *storage.Columns, t *thing) {
		storage.Bytes(c, "hash", &t.Hash)
		c.Key()
		storage.Text(c, "name", &t.Name)
		storage.Int(c, "size", &t.Size)
	})

	guests = storage.NewTable("test_guest", func(c *storage.Columns, g *guest) {
		storage.Text(c, "name", &g.Name)
		c.Key()
		c.Version(&g.Version)
		storage.Text(c, "room", &g.Room)
		storage.Int(c, "seat", &g.Seat)
	})
	stocks = storage.NewTable("test_stock", func(c *storage.Columns, s *stock) {
		storage.Text(c, "shelf", &s.Shelf)
		storage.Int(c, "thing", &s.Thing)
		c.Key()
		storage.Int(c, "n", &s.N)
	})

	tokens = storage.NewTable("test_token", func(c *storage.Columns, t *token) {
		storage.Text(c, "id", &t.Root)
		storage.Bytes(c, "hash", &t.Hash)
		c.Key()
		c.Version(&t.Version)
		storage.Bool(c, "used", &t.Used)
	}).Of(roots)
	sums = storage.NewTable("test_sum", func(c *storage.Columns, s *sum) {
		storage.Int(c, "day", &s.Day)
		c.Key()
		storage.Int(c, "a", &s.A)
		storage.Int(c, "b", &s.B)
	})

	bySeat       = guests.Unique("seat", "room", "seat").Only("room")
	rootsByID    = roots.Primary()
	rootsByN     = roots.Index("n", "n", "label").Filter("stage", "id")
	rootsByStage = roots.Index("stage", "stage", "n").Only("stage", "open", "late")
	rootsByDue   = roots.Index("due", "due").Only("due")
	childrenByK  = children.Primary()
	byPlace      = children.Index("place", "id", "place").Only("place")
	looseByHash  = loose.Primary()
	looseBySize  = loose.Index("size", "size")
)

func oneRoot(id string, version int64) root {
	return root{
		ID: id, Version: version, N: version, At: at(version), Label: "label " + id, Data: []byte{0, byte(version)},
		State: rootState{Note: `"a" {b}\`, Due: at(2 * version), Stage: "open"},
	}
}

func oneChild(root string, k int64) child {
	return child{Root: root, K: k, Place: 10 - k, Text: "child"}
}

func oneThing(n byte) thing { return thing{Hash: []byte{n, 0}, Name: "thing", Size: int(n)} }

// rootChange stores a root with entries.
func rootChange(id string, version int64, entries ...journal.Entry) storage.Change {
	r := oneRoot(id, version)
	return storage.Change{Rows: []storage.Row{roots.Save(&r)}, Entries: entries}
}

func rootSubject(id string) string { return rootWriter.subject(id) }

// rowsOf loads a root with the first n of its children, a thing, and an entry of the root.
func rowsOf(ctx context.Context, tx storage.Tx, id string, n int64, t byte, key string) (any, error) {
	r, found := root{ID: id}, make([]child, n)
	th := thing{Hash: []byte{t, 0}}
	l := storage.Look{Reads: []storage.Read{roots.Get(&r), loose.Get(&th)}, Subject: rootSubject(id), Key: key}
	for i := range found {
		found[i] = child{Root: id, K: int64(i) + 1}
		l.Reads = append(l.Reads, children.Get(&found[i]))
	}
	looks := []storage.Look{l}
	err := tx.Load(ctx, looks)
	return []any{r, found, th, looks[0].Entry}, err
}

func rows(s suite) {
	s.each("are stored whole, and loaded by their keys", rowsWhole)
	s.each("of several roots change together or not at all", rowsTogether)
	s.each("that are new must be new", rowsNew)
	s.each("have a place in a unique index for themselves", rowsUnique)
	s.each("are added up within their bounds", rowsAdded)
	s.once("are added up by all who add at once", addedAtOnce)
	s.each("that a newer release wrote are refused", rowsOfNewer)
	s.each("are listed by the page, in both directions", rowPages)
	s.once("are found along every index as on the model", rowRanges)
}

func saved(s *scene, ctx context.Context, tx storage.Tx, rows ...storage.Row) {
	s.t.Helper()
	must(s.t, one(tx.Save(ctx, []storage.Change{{Rows: rows}})))
}

func rowsWhole(s *scene) {
	a, b, first, second, third, t := oneRoot("a", 1), oneRoot("b", 1), oneChild("a", 1), oneChild("b", 1), oneChild("b", 2), oneThing(7)
	e := entry(rootSubject("b"), "key", 1)
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, allOf(tx.Save(ctx, []storage.Change{
			{Rows: []storage.Row{roots.Save(&b), children.Put(&second), children.Insert(&third)}, Entries: []journal.Entry{e}},
			{Rows: []storage.Row{roots.Save(&a), children.Put(&first)}},
			{Rows: []storage.Row{loose.Put(&t)}},
		})))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		var gotA, gotB, none = root{ID: "a"}, root{ID: "b"}, root{ID: "none", Label: "stays"}
		kids := []child{{Root: "b", K: 2}, {Root: "b", K: 3, Text: "stays"}, {Root: "b", K: 1}, {Root: "a", K: 1}}
		th := thing{Hash: t.Hash}
		looks := []storage.Look{
			{Reads: []storage.Read{roots.Get(&none)}, Subject: rootSubject("none"), Key: "key"},
			{Reads: []storage.Read{roots.Get(&gotB), children.Get(&kids[0]), children.Get(&kids[1]), children.Get(&kids[2])}, Subject: e.Subject, Key: "key"},
			{Reads: []storage.Read{loose.Get(&th), roots.Get(&gotA), children.Get(&kids[3])}},
			{Subject: e.Subject, Key: "another"},
			{},
		}
		must(s.t, tx.Load(ctx, looks))
		equal(s.t, "roots", []root{gotA, gotB, none}, []root{a, b, {ID: "none", Label: "stays"}})
		equal(s.t, "children", kids, []child{third, {Root: "b", K: 3, Text: "stays"}, second, first})
		equal(s.t, "a loose row", th, t)
		equal(s.t, "entries", []*journal.Entry{looks[0].Entry, looks[1].Entry, looks[2].Entry, looks[3].Entry}, []*journal.Entry{nil, &e, nil, nil})
		must(s.t, tx.Load(ctx, nil))
		answers, err := tx.Save(ctx, nil)
		must(s.t, err)
		equal(s.t, "answers to nothing", len(answers), 0)
	})
}

func rowsTogether(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		a, b, c := oneRoot("a", 1), oneRoot("b", 1), oneRoot("c", 1)
		saved(s, ctx, tx, roots.Save(&a), roots.Save(&b))
		a, b = oneRoot("a", 2), oneRoot("b", 3)
		k, t := oneChild("a", 1), oneThing(1)
		errs, err := tx.Save(ctx, []storage.Change{
			{Rows: []storage.Row{loose.Put(&t), roots.Save(&a), children.Put(&k), roots.Save(&b)}, Entries: []journal.Entry{entry(rootSubject("a"), "lost", 2)}},
			{Rows: []storage.Row{roots.Save(&c)}, Entries: []journal.Entry{entry(rootSubject("c"), "key", 1)}},
		})
		must(s.t, err)
		isError(s.t, "one that is stale", errs[0], journal.ErrConflict)
		must(s.t, errs[1])
		got, err := rowsOf(ctx, tx, "a", 1, 1, "lost")
		must(s.t, err)
		equal(s.t, "nothing of it", got, any([]any{oneRoot("a", 1), []child{{Root: "a", K: 1}}, thing{Hash: t.Hash}, (*journal.Entry)(nil)}))
		b = oneRoot("b", 2)
		saved(s, ctx, tx, roots.Save(&a), children.Put(&k), roots.Save(&b), loose.Put(&t))
		d := oneRoot("d", 1)
		isError(s.t, "a key that was used", one(tx.Save(ctx, []storage.Change{{
			Rows: []storage.Row{roots.Save(&d)}, Entries: []journal.Entry{entry(rootSubject("c"), "key", 1)},
		}})), journal.ErrDuplicate)
		rootWriter.holds(ctx, s.t, tx, "d", 0, 0)
	})
}

func rowsNew(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		a, b := oneThing(1), oneThing(2)
		saved(s, ctx, tx, loose.Insert(&a))
		again := thing{Hash: a.Hash, Name: "another"}
		isError(s.t, "one that is there", one(tx.Save(ctx, []storage.Change{{Rows: []storage.Row{loose.Insert(&b), loose.Insert(&again)}}})), journal.ErrConflict)
		saved(s, ctx, tx, loose.Insert(&b))
		equal(s.t, "things", list(s.t, storage.List(ctx, tx, looseByHash, storage.Range{})), []thing{a, b})
		saved(s, ctx, tx, loose.Put(&again))
		equal(s.t, "in its place", list(s.t, storage.List(ctx, tx, looseByHash, storage.Range{Prefix: []any{a.Hash}})), []thing{again})
	})
}

func rowsUnique(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		seat := func(name string, version int64, room string, n int) storage.Row {
			return guests.Save(&guest{name, version, room, n})
		}
		saved(s, ctx, tx, seat("a", 1, "x", 1), seat("b", 1, "x", 2), seat("c", 1, "", 1), seat("d", 1, "", 1), seat("e", 1, "y", 1))
		for _, taken := range [][]storage.Row{
			{seat("f", 1, "x", 1)},
			{seat("b", 2, "x", 1)},
			{seat("c", 2, "x", 2)},
			{seat("f", 1, "z", 1), seat("g", 1, "z", 1)},
			{seat("a", 2, "x", 3), seat("b", 2, "y", 1)},
		} {
			isError(s.t, "a place that is taken", one(tx.Save(ctx, []storage.Change{{Rows: taken}})), journal.ErrConflict)
		}
		saved(s, ctx, tx, seat("a", 2, "x", 2), seat("b", 2, "x", 1))
		saved(s, ctx, tx, seat("a", 3, "", 0))
		saved(s, ctx, tx, seat("c", 2, "x", 2))
		in := list(s.t, storage.List(ctx, tx, bySeat, storage.Range{Prefix: []any{"x"}}))
		equal(s.t, "who sits there", in, []guest{{"b", 2, "x", 1}, {"c", 2, "x", 2}})
	})
}

func rowsAdded(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		add := func(thing int, n, most int64) error {
			g := guest{Name: fmt.Sprint("by ", thing, n, most), Version: 1}
			return one(tx.Save(ctx, []storage.Change{{Rows: []storage.Row{stocks.AddWithin(&stock{"a", thing, n}, most), guests.Save(&g)}}}))
		}
		isError(s.t, "below zero", add(1, -1, 9), storage.ErrBound)
		isError(s.t, "above the most", add(1, 10, 9), storage.ErrBound)
		must(s.t, add(1, 9, 9))
		isError(s.t, "one too many", add(1, 1, 9), storage.ErrBound)
		must(s.t, add(1, 1, 10))
		must(s.t, add(1, -10, 3))
		isError(s.t, "below zero again", add(1, -2, 9), storage.ErrBound)
		must(s.t, add(2, 0, 0))
		got := []stock{{Shelf: "a", Thing: 1, N: 7}, {Shelf: "a", Thing: 2, N: 7}, {Shelf: "a", Thing: 3, N: 7}}
		must(s.t, tx.Load(ctx, []storage.Look{{Reads: []storage.Read{stocks.Get(&got[0]), stocks.Get(&got[1]), stocks.Get(&got[2])}}}))
		equal(s.t, "sums", got, []stock{{"a", 1, 0}, {"a", 2, 0}, {"a", 3, 7}})
		n := int64(0)
		must(s.t, tx.Load(ctx, []storage.Look{{Reads: []storage.Read{guests.Primary().Count(&n, storage.Range{Limit: 99})}}}))
		equal(s.t, "changes that were stored", n, 4)
	})
}

func addedAtOnce(t *testing.T, d Database) {
	var all sync.WaitGroup
	var stored atomic.Int64
	for i := range 8 {
		all.Go(func() {
			for k := range 10 {
				g := guest{Name: fmt.Sprint(i, " ", k), Version: 1}
				err := one(d.DB.Save(t.Context(), []storage.Change{{Rows: []storage.Row{stocks.AddWithin(&stock{"a", 1, 1}, 50), guests.Save(&g)}}}))
				if err == nil {
					stored.Add(1)
				} else if !errors.Is(err, storage.ErrBound) {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	got := stock{Shelf: "a", Thing: 1}
	must(t, d.DB.Load(t.Context(), []storage.Look{{Reads: []storage.Read{stocks.Get(&got)}}}))
	equal(t, "the sum, and who added to it", []int64{got.N, stored.Load()}, []int64{50, 50})
}

func rowValues(s *scene) {
	var want []root
	for i, text := range oddTexts {
		want = append(want, root{ID: text, Version: 1, N: int64(i), Label: text, Data: []byte(text), State: rootState{Note: text, Stage: text}})
	}
	for i, n := range []int64{math.MinInt64, -1, 0, math.MaxInt64} {
		want = append(want, root{ID: fmt.Sprint("limit ", i), Version: 1, N: n, At: time.UnixMicro(n / 1e6).UTC()})
	}
	want[0].At = time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)
	want[1].At = time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC)
	given := append([]root(nil), want...)
	given[2].At, want[2].At = at(3).Add(999).In(time.FixedZone("", 3600)), at(3)
	s.do(func(ctx context.Context, tx storage.Tx) {
		var changes []storage.Change
		for i := range given {
			changes = append(changes, storage.Change{Rows: []storage.Row{roots.Save(&given[i])}})
		}
		must(s.t, allOf(tx.Save(ctx, changes)))
		given[0].Data[0] = '!'
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		want[0].Data = []byte(want[0].ID)
		for _, w := range want {
			r := root{ID: w.ID}
			must(s.t, tx.Load(ctx, []storage.Look{{Reads: []storage.Read{roots.Get(&r)}}}))
			equal(s.t, "one", r, w)
			if len(r.Data) > 0 {
				r.Data[0] = '!'
			}
		}
		looks, got := make([]storage.Look, len(want)), make([]root, len(want))
		for i := range want {
			got[i].ID = want[i].ID
			looks[i].Reads = []storage.Read{roots.Get(&got[i])}
		}
		must(s.t, tx.Load(ctx, looks))
		equal(s.t, "all at once", got, want)
	})
}

// newer is a root as a release to come might declare it.
type newer struct {
	root
	State struct {
		rootState
		Birthday string `json:"birthday,omitempty"`
	}
}

// newerRoots declares the table of roots with another state.
func newerRoots(format int) *storage.Table[newer] {
	return storage.NewTable("test_root", func(c *storage.Columns, r *newer) {
		storage.Text(c, "id", &r.ID)
		c.Key()
		c.Version(&r.Version)
		storage.Int(c, "n", &r.N)
		storage.Time(c, "at", &r.At)
		storage.Text(c, "label", &r.Label)
		storage.Bytes(c, "data", &r.Data)
		storage.Derived(c, "due", func() time.Time { return r.State.Due })
		storage.Derived(c, "stage", func() string { return r.State.Stage })
		c.State("state", format, &r.State)
	})
}

func rowsOfNewer(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		for name, c := range map[string]struct {
			format   int
			birthday string
			want     error
		}{
			"a field that is not known":                 {1, "05-17", storage.ErrFormat},
			"a format that is not known":                {2, "", storage.ErrFormat},
			"a field that is not known, nor its format": {3, "05-17", storage.ErrFormat},
			"nothing that is not known":                 {1, "", nil},
		} {
			table := newerRoots(c.format)
			n := newer{root: root{ID: name, Version: 1}}
			n.State.Birthday, n.State.Note = c.birthday, "note"
			saved(s, ctx, tx, table.Save(&n))
			r := root{ID: name}
			err := tx.Load(ctx, []storage.Look{{Reads: []storage.Read{roots.Get(&r)}}})
			if !errors.Is(err, c.want) {
				s.t.Errorf("%s: error is %v, want %v", name, err, c.want)
			}
			again := newer{root: root{ID: name}}
			must(s.t, tx.Load(ctx, []storage.Look{{Reads: []storage.Read{table.Get(&again)}}}))
			equal(s.t, name, again.State.Birthday+again.State.Note, c.birthday+"note")
		}
	})
}

func rowPages(s *scene) {
	const n = 1203 // two pages and a part
	s.do(func(ctx context.Context, tx storage.Tx) {
		var changes []storage.Change
		for i := range int64(n) {
			r := root{ID: fmt.Sprintf("%04d", i), Version: 1, N: i / 100}
			changes = append(changes, storage.Change{Rows: []storage.Row{roots.Save(&r)}})
		}
		must(s.t, allOf(tx.Save(ctx, changes)))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		for _, c := range []struct {
			down  bool
			limit int
			want  int
		}{{false, 0, n}, {true, 0, n}, {false, 500, 500}, {true, 501, 501}, {false, 1000, 1000}, {true, 2 * n, n}} {
			last, count := "", 0
			for r, err := range storage.List(ctx, tx, rootsByN, storage.Range{Down: c.down, Limit: c.limit}) {
				must(s.t, err)
				if count++; last != "" && (last < r.ID) == c.down {
					s.t.Fatalf("%s comes after %s", r.ID, last)
				}
				last = r.ID
			}
			equal(s.t, fmt.Sprint("rows of ", c), count, c.want)
		}
	})
}
