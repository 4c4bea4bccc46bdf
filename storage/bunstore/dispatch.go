package bunstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"iter"

	"github.com/uptrace/bun"

	"github.com/scrmkit/scrmkit/scrm/lead/dispatch"
	"github.com/scrmkit/scrmkit/storage/journal"
)

type dispatchStore struct{ unit }

// Save implements [dispatch.Store].
func (s dispatchStore) Save(ctx context.Context, changes []dispatch.Change) ([]error, error) {
	all := make([]change, len(changes))
	for i, c := range changes {
		state, err := json.Marshal(c.Line)
		if err != nil {
			return nil, s.fail("save lines", err)
		}
		all[i].roots = []row{{lineTable, []any{string(c.Line.ID), c.Line.Version, json.RawMessage(state)}}}
		for _, v := range c.Visitors {
			state, err := json.Marshal(v)
			if err != nil {
				return nil, s.fail("save lines", err)
			}
			place := int64(0)
			if v.Waiting {
				place = v.N
			}
			all[i].children = append(all[i].children, row{visitorTable, []any{
				string(c.Line.ID), string(v.ID), place, json.RawMessage(state),
			}})
		}
		all[i].entries = entryRows(c.Entries)
	}
	return s.save(ctx, "save lines", all)
}

var (
	lineLookup    = []column{{"line", text}, {"entry", text}, {"key", text}}
	visitorLookup = []column{{"line", text}, {"visitor", text}}
)

// Load implements [dispatch.Store]. Lines are read before their visitors: who changes a visitor changes the version of the line, so
// that a Save of what was read in between meets a conflict.
func (s dispatchStore) Load(ctx context.Context, lookups []dispatch.Lookup) ([]dispatch.Loaded, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	loaded := make([]dispatch.Loaded, len(lookups))
	args := make([][]any, len(lookups))
	var visitors [][]any
	var of []*dispatch.Visitor
	for i, l := range lookups {
		to := &loaded[i]
		to.Line.ID, to.Visitors = l.Line, make([]dispatch.Visitor, len(l.Visitors))
		args[i] = []any{string(l.Line), l.Line.Subject(), l.Key}
		for k, id := range l.Visitors {
			to.Visitors[k].ID = id
			visitors, of = append(visitors, []any{string(l.Line), string(id)}), append(of, &to.Visitors[k])
		}
	}
	err := s.look(ctx, "lines", lineLookup, args, func(l lookup) string {
		return "select l.ord, d.version, d.state, " + entryColumns + " from " + l.source() +
			l.find("dispatch_line", "d", "d.line = l.line") +
			l.entry()
	}, func(rows *sql.Rows, first int) error {
		var ord int
		var version int64
		var line dispatch.Line
		var e journal.Entry
		if err := rows.Scan(append([]any{&ord, intField(&version), jsonField(&line)}, entryFields(&e)...)...); err != nil {
			return err
		}
		to := &loaded[first+ord-1]
		if version > 0 {
			to.Line = line
		}
		if lookups[first+ord-1].Key != "" {
			to.Entry = found(e)
		}
		return nil
	})
	if err == nil && len(visitors) > 0 {
		err = s.look(ctx, "visitors", visitorLookup, visitors, func(l lookup) string {
			return "select l.ord, v.state from " + l.source() + l.find("dispatch_visitor", "v", "v.line = l.line and v.visitor = l.visitor")
		}, func(rows *sql.Rows, first int) error {
			var ord int
			var v dispatch.Visitor
			if err := rows.Scan(&ord, jsonField(&v)); err != nil {
				return err
			}
			if v.ID != "" {
				*of[first+ord-1] = v
			}
			return nil
		})
	}
	if err != nil {
		return nil, s.fail("load lines", err)
	}
	return loaded, nil
}

// Lines implements [dispatch.Store].
func (s dispatchStore) Lines(ctx context.Context) iter.Seq2[dispatch.Line, error] {
	return paged(ctx, s.unit, "list lines", 0, func(sel *bun.SelectQuery, last *dispatch.Line) *bun.SelectQuery {
		sel = sel.TableExpr(s.name("dispatch_line")+" AS d").ColumnExpr("d.state").Where("d.tenant = ?", s.tenant).OrderExpr("d.line")
		if last != nil {
			sel = sel.Where("d.line > ?", string(last.ID))
		}
		return sel
	}, func(rows *sql.Rows) (l dispatch.Line, err error) {
		return l, rows.Scan(jsonField(&l))
	})
}

// Waiting implements [dispatch.Store].
func (s dispatchStore) Waiting(ctx context.Context, id dispatch.LineID, limit int) iter.Seq2[dispatch.Visitor, error] {
	return paged(ctx, s.unit, "list visitors", limit, func(sel *bun.SelectQuery, last *dispatch.Visitor) *bun.SelectQuery {
		sel = sel.TableExpr(s.name("dispatch_visitor")+" AS v").ColumnExpr("v.state").
			Where("v.tenant = ? AND v.line = ? AND v.place > 0", s.tenant, string(id)).OrderExpr("v.place")
		if last != nil {
			sel = sel.Where("v.place > ?", last.N)
		}
		return sel
	}, func(rows *sql.Rows) (v dispatch.Visitor, err error) {
		return v, rows.Scan(jsonField(&v))
	})
}
