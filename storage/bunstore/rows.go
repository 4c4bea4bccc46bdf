package bunstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/scrmkit/scrmkit/storage/seam"
)

var kinds = [...]kind{
	seam.KindText: text, seam.KindInt: integer, seam.KindTime: instant, seam.KindBytes: binary, seam.KindJSON: text,
}

func columnOf(c seam.Column) column { return column{c.Name, kinds[c.Kind]} }

// A declared is a table with the variants of it for rows that are never there yet, for numbers that
// are added, and for keys.
type declared struct{ table, fresh, bounded, keys *table }

// declared returns the table of the writers for a declared one. It is made once.
func (c *core) declared(d *seam.Def) declared {
	if t, ok := c.tables.Load(d); ok {
		return t.(declared)
	}
	t := table{name: d.Name, versioned: d.Root}
	for i, col := range d.Columns {
		switch {
		case i < d.Key:
			t.key = append(t.key, columnOf(col))
		case i > d.Key || !d.Root:
			t.rest = append(t.rest, columnOf(col))
		}
	}
	for _, child := range d.Children {
		k := c.declared(child)
		t.children = append(t.children, k.fresh, k.table)
	}
	for _, x := range d.Indexes {
		if !x.Unique {
			continue
		}
		if x.Sparse == nil || len(x.Sparse.In) > 0 || kinds[d.Columns[x.Sparse.Column].Kind] > integer {
			panic("bunstore: the unique index " + x.Name + " needs Only with a column of text or integers alone")
		}
		t.unique = &unique{place: columnOf(d.Columns[x.Sparse.Column])}
		for _, c := range x.Columns {
			t.unique.columns = append(t.unique.columns, d.Columns[c].Name)
		}
	}
	made := declared{table: newTable(t)}
	made.fresh = made.table.ofNew()
	made.keys = newTable(table{name: t.name, key: t.key})
	if t.rest = append(slices.Clone(t.rest), column{"most", integer}); !d.Root && len(t.rest) == 2 {
		made.bounded = newTable(t)
	}
	stored, _ := c.tables.LoadOrStore(d, made)
	return stored.(declared)
}

// Save implements [seam.Store].
func (u unit) Save(ctx context.Context, changes []seam.Change) ([]error, error) {
	all := make([]change, len(changes))
	var values []seam.Value
	for i, c := range changes {
		to := &all[i]
		for _, r := range c.Rows {
			var err error
			if values, err = r.Values(values[:0]); err != nil {
				return nil, u.fail("save", err)
			}
			d := u.declared(r.Table)
			w := row{d.table, make([]any, len(values))}
			for k, v := range values {
				w.values[k] = plain(v)
			}
			switch {
			case r.Verb == seam.VerbAddWithin:
				to.counts = append(to.counts, row{d.bounded, append(w.values, r.Most)})
			case r.Verb == seam.VerbAdd:
				to.sums = append(to.sums, w)
			case r.Verb == seam.VerbKeep:
				to.kept = append(to.kept, w)
			case r.Verb == seam.VerbDrop, r.Verb == seam.VerbAbsent:
				w.table = d.keys
				if r.Verb == seam.VerbDrop {
					to.dropped = append(to.dropped, w)
				} else {
					to.guards = append(to.guards, w)
				}
			case r.Verb == seam.VerbSave:
				to.roots = append(to.roots, w)
			case r.Verb == seam.VerbInsert && r.Table.Parent == nil:
				to.fresh = append(to.fresh, w)
			case r.Verb == seam.VerbInsert:
				w.table = d.fresh
				fallthrough
			default:
				to.children = append(to.children, w)
			}
		}
		to.entries = entryRows(c.Entries)
	}
	return u.save(ctx, "save", all)
}

// plain returns a value as one of a row.
func plain(v seam.Value) any {
	switch v.Kind {
	case seam.KindInt:
		return v.Int
	case seam.KindTime:
		return v.Time()
	case seam.KindBytes:
		return v.Bytes
	case seam.KindJSON:
		return json.RawMessage(v.Bytes)
	}
	return v.Text
}

// A scanner reads a column into a value.
type scanner struct{ *seam.Value }

// Scan implements sql.Scanner.
func (s scanner) Scan(src any) error {
	v := s.Value
	switch v.Kind {
	case seam.KindInt:
		return intField(&v.Int)(src)
	case seam.KindTime:
		v.Null = src == nil
		return intField(&v.Int)(src)
	case seam.KindBytes:
		return binaryField(&v.Bytes)(src)
	case seam.KindJSON:
		return bytesField(&v.Bytes)(src)
	}
	return textField(&v.Text)(src)
}

// A wanting has the values of some columns of one table, to read them from row after row.
type wanting struct {
	values []seam.Value
	found  bool // the row has a first column: it is there
}

// want appends what reads the columns to fields.
func want(d *seam.Def, columns []int, fields []any) (*wanting, []any) {
	w := &wanting{values: make([]seam.Value, len(columns))}
	for i, c := range columns {
		w.values[i].Kind = d.Columns[c].Kind
		s := scanner{&w.values[i]}
		if i > 0 {
			fields = append(fields, s)
			continue
		}
		fields = append(fields, field(func(src any) error {
			w.found = src != nil
			return s.Scan(src)
		}))
	}
	return w, fields
}

// readingColumns joins columns of a table as they are read.
func readingColumns(d *seam.Def, alias string, columns []int) string {
	all := make([]column, len(columns))
	for i, c := range columns {
		all[i] = columnOf(d.Columns[c])
	}
	return readingOf(alias, all)
}

// List implements [seam.Store].
func (u unit) List(ctx context.Context, q seam.Query) iter.Seq2[[]seam.Value, error] {
	return func(yield func([]seam.Value, error) bool) {
		readable := len(q.Index.Table.Readable())
		for left := q.Limit; ; {
			size := pageSize
			if q.Limit > 0 {
				size = min(size, left)
			}
			page, err := u.page(ctx, q, size)
			if err != nil {
				yield(nil, u.fail("list", err))
				return
			}
			for _, row := range page {
				if !yield(row[:readable], nil) {
					return
				}
				q.After = row[readable:]
			}
			if left -= len(page); len(page) < size || q.Limit > 0 && left == 0 {
				return
			}
		}
	}
}

// page reads at most size rows of a range: their readable columns, and those that the range goes on
// after.
func (u unit) page(ctx context.Context, q seam.Query, size int) (page [][]seam.Value, err error) {
	if err := u.check(ctx); err != nil {
		return nil, err
	}
	text, args := u.ranged(q, readingColumns(q.Index.Table, "t", ordered(q)), size)
	err = u.query(ctx, u.statement(text, func() string { return text }), 1, args, func(rows *sql.Rows) error {
		w, fields := want(q.Index.Table, ordered(q), nil)
		page = append(page, w.values)
		return rows.Scan(fields...)
	})
	return page, err
}

// Prune implements [seam.Store].
func (u unit) Prune(ctx context.Context, q seam.Query) (n int64, err error) {
	if err := u.check(ctx); err != nil {
		return 0, err
	}
	d := q.Index.Table
	key := nameList(d, d.Primary().Columns)
	rows, args := u.ranged(q, key, q.Limit)
	prune := "delete from " + u.name(d.Name) + " where tenant = " + u.param(1, text) + " and (" + key + ") in (" + rows + ")"
	err = u.write(ctx, func(u unit) error {
		result, err := u.exec(ctx, u.statement(prune, func() string { return prune }), args)
		if err == nil {
			n, err = result.RowsAffected()
		}
		return err
	})
	if err != nil {
		return 0, u.fail("prune", err)
	}
	return n, nil
}

// ordered are the columns of a page.
func ordered(q seam.Query) []int {
	return append(q.Index.Table.Readable(), q.Index.Order()[len(q.Prefix):]...)
}

// ranged is the statement that selects columns of the first rows of a range, with its arguments.
func (u unit) ranged(q seam.Query, columns string, size int) (query string, args []any) {
	d := q.Index.Table
	args = []any{u.tenant}
	param := func(k kind, v any) string {
		args = append(args, u.bind(v))
		return u.param(len(args), k)
	}
	r := ranging{u.grammar, "t", func(column int, v seam.Value) string { return param(kinds[d.Columns[column].Kind], plain(v)) }}
	query = "select " + columns + " from " + u.name(d.Name) + " as t where " + r.where(q, u.param(1, kinds[seam.KindText])) +
		r.order(q)
	return query + " limit " + param(integer, int64(size)), args
}

// A ranging is the text of a range of rows of the alias.
type ranging struct {
	grammar
	alias string
	param func(column int, v seam.Value) string // takes a value
}

// where is the condition that a row is in the range.
func (r ranging) where(q seam.Query, tenant string) string {
	d, order := q.Index.Table, q.Index.Order()
	rest := order[len(q.Prefix):]
	name := func(c int) string { return r.alias + "." + d.Columns[c].Name }
	of := "(" + r.alias + ".tenant || '')"
	if q.Index.Name == "" || q.Index.Unique {
		of = r.alias + ".tenant"
	}
	where := []string{of + " = " + tenant}
	for i, v := range q.Prefix {
		where = append(where, name(order[i])+" = "+r.param(order[i], v))
	}
	if c := q.Index.Sparse; c != nil {
		where = append(where, sparse(r.alias, d, c))
	}
	if q.From != nil {
		where = append(where, name(rest[0])+" >= "+r.param(rest[0], *q.From))
	}
	if q.To != nil {
		where = append(where, name(rest[0])+" < "+r.param(rest[0], *q.To))
	}
	if len(q.After) > 0 {
		var left, right []string
		for i, v := range q.After {
			left, right = append(left, name(rest[i])), append(right, r.param(rest[i], v))
		}
		after := " > "
		if q.Down {
			after = " < "
		}
		where = append(where, "("+strings.Join(left, ", ")+")"+after+"("+strings.Join(right, ", ")+")")
	}
	for _, c := range q.Where {
		if c.Part != "" {
			in := "strpos"
			if r.grammar == sqlite {
				in = "instr"
			}
			where = append(where, in+"("+name(c.Column)+", "+r.param(c.Column, seam.Value{Kind: seam.KindText, Text: c.Part})+") > 0")
			continue
		}
		in := make([]string, len(c.In))
		for i, v := range c.In {
			in[i] = r.param(c.Column, v)
		}
		where = append(where, name(c.Column)+" in ("+strings.Join(in, ", ")+")")
	}
	return strings.Join(where, " and ")
}

// order is the order of the rows, "" where there is one at most.
func (r ranging) order(q seam.Query) string {
	d, rest := q.Index.Table, q.Index.Order()[len(q.Prefix):]
	by := make([]string, len(rest))
	for i, c := range rest {
		by[i] = r.alias + "." + d.Columns[c].Name
		if q.Down {
			by[i] += " desc"
		}
	}
	if len(by) == 0 {
		return ""
	}
	return " order by " + strings.Join(by, ", ")
}

// sparse is the condition of a sparse index, as it stands there.
func sparse(alias string, d *seam.Def, c *seam.Condition) string {
	name := d.Columns[c.Column].Name
	if alias != "" {
		name = alias + "." + name
	}
	var in []string
	for _, v := range c.In {
		switch v.Kind {
		case seam.KindText:
			in = append(in, "'"+strings.ReplaceAll(v.Text, "'", "''")+"'")
		case seam.KindInt:
			in = append(in, strconv.FormatInt(v.Int, 10))
		case seam.KindTime:
			if v.Null && len(c.In) == 1 {
				return name + " is null"
			}
			fallthrough
		default:
			panic(fmt.Sprintf("bunstore: an index of %s has a condition on other than text, integers and the zero time", d.Name))
		}
	}
	switch kind := d.Columns[c.Column].Kind; {
	case in != nil:
		return name + " in (" + strings.Join(in, ", ") + ")"
	case kind == seam.KindText:
		return name + " <> ''"
	case kind == seam.KindInt:
		return name + " > 0"
	}
	return name + " is not null"
}
