package storagetest

import (
	"context"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// rowRanges draws ranges of every index.
func rowRanges(t *testing.T, d Database) {
	histories := 0
	model := memory.New()
	rapid.Check(t, func(t *rapid.T) {
		histories++
		tenant := fmt.Sprint("ranges ", histories)
		h := &history{t: t, ctx: context.Background(), model: model.Tenant(tenant), adapter: d.Tenant(tenant)}
		for range 3 {
			h.save(h.ctx, h.model).compare(h.ctx, t, h.adapter)
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

func (h *history) loadRows(ctx context.Context, model storage.Tx) step {
	id, n, t, key := pick(h, someRoots, "root"), int64(h.upTo(3, "children")), byte(h.upTo(3, "thing")), pick(h, someKeys, "key")
	return try(ctx, model, "Load", []any{id, n, t, key}, func(ctx context.Context, tx storage.Tx) (any, error) {
		return rowsOf(ctx, tx, id, n, t, key)
	})
}

func (h *history) listGuests(ctx context.Context, model storage.Tx) step {
	r := storage.Range{Prefix: []any{pick(h, []string{"x", "店"}, "room")}, Down: h.often("down")}
	return try(ctx, model, "List", r, func(ctx context.Context, tx storage.Tx) (any, error) { return ranged(ctx, tx, bySeat, r) })
}

func (h *history) listRows(ctx context.Context, model storage.Tx) step {
	r := storage.Range{Down: h.often("down"), Limit: h.upTo(3, "limit")}
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
			m := storage.Match{Column: "stage"}
			for _, s := range some(h, someStages, 1, 3, "stages") {
				m.In = append(m.In, s)
			}
			r.Where = append(r.Where, m)
		}
		if h.often("a part") {
			r.Where = append(r.Where, storage.Contains("id", pick(h, []string{"or", "店", "_", "B"}, "part")))
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
	r := storage.Range{Limit: 1 + h.upTo(2, "limit"), Down: h.often("down")}
	if h.often("from") {
		r.From = int64(h.upTo(2, "from is"))
	}
	if h.often("to") {
		r.To = int64(h.upTo(3, "to is"))
	}
	return try(ctx, model, "Prune", r, func(ctx context.Context, tx storage.Tx) (any, error) {
		return storage.Prune(ctx, tx, looseBySize, r)
	})
}

// ranged reads a range in every way.
func ranged[T any](ctx context.Context, tx storage.Tx, x *storage.Index[T], r storage.Range) (any, error) {
	listed, err := collect(storage.List(ctx, tx, x, r))
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
	err = tx.Load(ctx, []storage.Look{
		{Reads: []storage.Read{x.First(&first, r), x.All(&all, r), x.Count(&n, r)}},
		{Subject: rootSubject("a"), Key: "none"},
		{Reads: []storage.Read{x.All(&more, same), x.First(&another, same)}},
	})
	return []any{listed, first, all, n, more, another}, err
}
