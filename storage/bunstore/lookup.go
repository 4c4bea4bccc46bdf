package bunstore

import (
	"context"

	"github.com/scrmkit/scrmkit/storage"
)

// A lookup is the text of a load: what it looks for is the relation l, one row a lookup, numbered by ord. Many are
// arrays, which Postgres alone has; one is plain arguments. The tenant is the first argument.
type lookup struct {
	grammar
	columns []column
	many    bool
}

func (l lookup) tenant() string { return l.param(1, text) }

func (l lookup) source() string {
	if !l.many {
		var p params
		for i, c := range l.columns {
			p = append(p, param{c.name, l.param(i+2, c.kind)})
		}
		return "(select " + p.join("{val} as {col}", ", ") + ", 1 as ord) as l"
	}
	arrays := make([]string, len(l.columns))
	for i, c := range l.columns {
		arrays[i] = l.param(i+2, c.kind) + "[]"
	}
	return unnest(arrays) + " as l (" + names(l.columns) + ", ord)"
}

// find joins the row of the table that meets the condition, which at most one does. For many lookups its form leaves
// the planner no choice but to use the index for each of them, however small it takes the table for.
func (l lookup) find(table, alias, condition string) string {
	condition = alias + ".tenant = " + l.tenant() + " and " + condition
	if !l.many {
		return " left join " + l.name(table) + " as " + alias + " on " + condition
	}
	return " left join lateral (select * from " + l.name(table) + " as " + alias + " where " + condition +
		" limit 1) as " + alias + " on true"
}

// entry joins the entry of the journal whose subject and key are looked up. The last condition is that of the index.
func (l lookup) entry() string {
	return l.find("journal_entry", "j", "j.subject = l.entry and j.key = l.key and j.key <> ''")
}

// lookupArgs returns the arguments of one or of many lookups.
func (u unit) lookupArgs(l lookup, lookups [][]storage.Value) []any {
	w := argWriter{grammar: u.grammar, args: append(make([]any, 0, 1+len(l.columns)), u.tenant)}
	if !l.many {
		w.values(lookups[0])
		return w.args
	}
	for i := range l.columns {
		for _, values := range lookups {
			w.element(values[i])
		}
		w.end()
	}
	return w.all()
}

// look runs the lookups, whose text is made once for key, and calls fn for each row that is found. A row's ord counts
// from first: Postgres is asked once, SQLite once a lookup.
func (u unit) look(
	ctx context.Context, key any, columns []column, lookups [][]storage.Value, text func(lookup) string,
	fn func(rows Rows, first int) error,
) error {
	type textKey struct {
		key  any
		many bool
	}
	ask := func(first int, some [][]storage.Value) error {
		l := lookup{u.grammar, columns, len(some) > 1}
		s := u.statement(textKey{key, l.many}, func() string { return text(l) })
		return u.query(ctx, s, len(some), u.lookupArgs(l, some), func(rows Rows) error { return fn(rows, first) })
	}
	if u.grammar == postgres && len(lookups) > 0 {
		return ask(0, lookups)
	}
	for i := range lookups {
		if err := ask(i, lookups[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}
