package storagetest

import (
	"context"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/storage/seam"
)

// rowRanges draws ranges of every index.
func rowRanges(t *testing.T, d Database) {
	histories := 0
	model := memory.New()
	rapid.Check(t, func(t *rapid.T) {
		histories++
		tenant := fmt.Sprint("ranges ", histories)
		h := &history{t: t, ctx: context.Background(), model: model.Tenant(tenant), adapter: d.DB.Tenant(tenant)}
		for range 3 {
			h.saveRows(h.ctx, h.model).compare(h.ctx, t, h.adapter)
		}
		for range 10 {
			h.listRows(h.ctx, h.model).compare(h.ctx, t, h.adapter)
			h.pruneRows(h.ctx, h.model).compare(h.ctx, t, h.adapter)
		}
	})
}

var (
	someRoots  = []string{"a", "B", "店", "north"}
	someStages = []string{"", "open", "late", "done"}
)

func (h *history) saveRows(ctx context.Context, model storage.Tx) step {
	var changes []seam.Change
	for _, id := range some(h, someRoots, 1, 3, "roots") {
		loaded, err := rootWriter.version(ctx, model, id)
		if err != nil {
			h.t.Fatal(err)
		}
		r := root{
			ID: id, Version: h.version(loaded) + 1, N: int64(h.upTo(2, "n") - 1), At: h.time(true, "at"), Label: pick(h, someTexts, "label"),
			State: rootState{Note: pick(h, someTexts, "note"), Due: h.time(true, "due"), Stage: pick(h, someStages, "stage")},
		}
		c := seam.Change{Rows: []seam.Row{roots.Save(&r)}, Entries: h.entries(rootSubject(id))}
		for _, k := range some(h, []int64{1, 2, 3}, 0, 3, "children") {
			c.Rows = append(c.Rows, children.Put(&child{id, k, int64(h.upTo(3, "place") - 1), pick(h, someTexts, "text")}))
		}
		changes = append(changes, c)
	}
	for _, n := range some(h, []byte{1, 2, 3}, 0, 2, "things") {
		th := oneThing(n)
		th.Size = h.upTo(2, "size")
		verbs := []func(*thing) seam.Row{loose.Put, loose.Insert, loose.Keep, loose.Drop, loose.Absent}
		add, k := stock{Shelf: "a", Thing: int(n), N: 1}, stock{Shelf: "b", Thing: int(n), N: int64(h.upTo(4, "n") - 2)}
		changes = append(changes, seam.Change{Rows: []seam.Row{
			stocks.AddWithin(&k, 3), stocks.Add(&add), verbs[h.upTo(len(verbs)-1, "verb")](&th),
		}})
	}
	return try(ctx, model, "Save", changes, func(ctx context.Context, tx storage.Tx) (any, error) {
		return kinds(tx.Save(ctx, changes))
	})
}

func (h *history) loadRows(ctx context.Context, model storage.Tx) step {
	id, n, t, key := pick(h, someRoots, "root"), int64(h.upTo(3, "children")), byte(h.upTo(3, "thing")), pick(h, someKeys, "key")
	return try(ctx, model, "Load", []any{id, n, t, key}, func(ctx context.Context, tx storage.Tx) (any, error) {
		return rowsOf(ctx, tx, id, n, t, key)
	})
}

func (h *history) saveGuests(ctx context.Context, model storage.Tx) step {
	c := seam.Change{Entries: h.entries("guests")}
	for _, name := range some(h, []string{"a", "b", "c"}, 1, 3, "guests") {
		g := guest{Name: name}
		if err := model.Load(ctx, []seam.Look{{Reads: []seam.Read{guests.Get(&g)}}}); err != nil {
			h.t.Fatal(err)
		}
		g.Version, g.Room, g.Seat = h.version(g.Version)+1, pick(h, []string{"", "x", "店"}, "room"), h.upTo(2, "seat")
		c.Rows = append(c.Rows, guests.Save(&g))
	}
	return try(ctx, model, "Save", c, func(ctx context.Context, tx storage.Tx) (any, error) {
		return kinds(tx.Save(ctx, []seam.Change{c}))
	})
}

func (h *history) listGuests(ctx context.Context, model storage.Tx) step {
	r := seam.Range{Prefix: []any{pick(h, []string{"x", "店"}, "room")}, Down: h.often("down")}
	return try(ctx, model, "List", r, func(ctx context.Context, tx storage.Tx) (any, error) { return ranged(ctx, tx, bySeat, r) })
}

func (h *history) listRows(ctx context.Context, model storage.Tx) step {
	r := seam.Range{Down: h.often("down"), Limit: h.upTo(3, "limit")}
	bounds := func(v func(label string) any) {
		if h.upTo(1, "from") == 0 {
			r.From = v("from is")
		}
		if h.upTo(1, "to") == 0 {
			r.To = v("to is")
		}
		if h.upTo(2, "after") == 0 {
			r.After = []any{v("after is")}
		}
	}
	text := func(from []string) func(string) any {
		return func(label string) any { return pick(h, from, label) }
	}
	number := func(label string) any { return int64(h.upTo(4, label) - 1) }
	instant := func(label string) any { return h.time(false, label) }
	var run func(ctx context.Context, tx storage.Tx) (any, error)
	switch h.upTo(7, "index") {
	case 0:
		bounds(text(someRoots))
		run = func(ctx context.Context, tx storage.Tx) (any, error) {
			return ranged(ctx, tx, rootsByID, r)
		}
	case 1, 2:
		if h.often("prefix") {
			r.Prefix = []any{number("prefix is")}
			bounds(text(someTexts))
		} else {
			bounds(number)
		}
		if h.often("where") {
			m := seam.Match{Column: "stage"}
			for _, s := range some(h, someStages, 1, 3, "stages") {
				m.In = append(m.In, s)
			}
			r.Where = append(r.Where, m)
		}
		if h.often("a part") {
			r.Where = append(r.Where, seam.Contains("id", pick(h, []string{"or", "店", "_", "B"}, "part")))
		}
		run = func(ctx context.Context, tx storage.Tx) (any, error) { return ranged(ctx, tx, rootsByN, r) }
	case 3:
		bounds(text(someStages))
		run = func(ctx context.Context, tx storage.Tx) (any, error) {
			return ranged(ctx, tx, rootsByStage, r)
		}
	case 4:
		bounds(instant)
		run = func(ctx context.Context, tx storage.Tx) (any, error) {
			return ranged(ctx, tx, rootsByDue, r)
		}
	case 5:
		r.Prefix = []any{pick(h, someRoots, "root")}
		bounds(number)
		run = func(ctx context.Context, tx storage.Tx) (any, error) { return ranged(ctx, tx, byPlace, r) }
	case 6:
		bounds(number)
		run = func(ctx context.Context, tx storage.Tx) (any, error) {
			return ranged(ctx, tx, looseBySize, r)
		}
	default:
		r.Prefix = []any{pick(h, someRoots, "root")}
		bounds(number)
		run = func(ctx context.Context, tx storage.Tx) (any, error) {
			return ranged(ctx, tx, childrenByK, r)
		}
	}
	return try(ctx, model, "List", r, run)
}

func (h *history) pruneRows(ctx context.Context, model storage.Tx) step {
	r := seam.Range{Limit: 1 + h.upTo(2, "limit"), Down: h.often("down")}
	if h.often("from") {
		r.From = int64(h.upTo(2, "from is"))
	}
	if h.often("to") {
		r.To = int64(h.upTo(3, "to is"))
	}
	return try(ctx, model, "Prune", r, func(ctx context.Context, tx storage.Tx) (any, error) {
		return seam.Prune(ctx, tx, looseBySize, r)
	})
}

// ranged reads a range in every way.
func ranged[T any](ctx context.Context, tx storage.Tx, x *seam.Index[T], r seam.Range) (any, error) {
	listed, err := collect(seam.List(ctx, tx, x, r))
	if err != nil {
		return nil, err
	}
	if r.Limit == 0 {
		r.Limit = 9
	}
	var first, another T
	var all, more []T
	n, same := int64(7), r
	same.Limit = 1
	err = tx.Load(ctx, []seam.Look{
		{Reads: []seam.Read{x.First(&first, r), x.All(&all, r), x.Count(&n, r)}},
		{Subject: rootSubject("a"), Key: "none"},
		{Reads: []seam.Read{x.All(&more, same), x.First(&another, same)}},
	})
	return []any{listed, first, all, n, more, another}, err
}
