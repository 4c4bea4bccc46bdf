package bunstore

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/scrmkit/scrmkit/storage"
)

// A scanner reads a column into a value.
type scanner struct{ *storage.Value }

// Scan implements sql.Scanner.
func (s scanner) Scan(src any) error {
	v := s.Value
	switch v.Kind {
	case storage.KindInt:
		return intField(&v.Int)(src)
	case storage.KindTime:
		v.Null = src == nil
		return intField(&v.Int)(src)
	case storage.KindBytes:
		return binaryField(&v.Bytes)(src)
	case storage.KindJSON:
		return bytesField(&v.Bytes)(src)
	}
	return textField(&v.Text)(src)
}

// A wanting has the values of some columns of one table, to read them from row after row.
type wanting struct {
	values []storage.Value
	found  bool // the row has a first column: it is there
}

// want appends what reads the columns to fields.
func want(d *storage.Def, columns []int, fields []any) (*wanting, []any) {
	w := &wanting{values: make([]storage.Value, len(columns))}
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
func readingColumns(d *storage.Def, alias string, columns []int) string {
	all := make([]column, len(columns))
	for i, c := range columns {
		all[i] = columnOf(d.Columns[c])
	}
	return readingOf(alias, all)
}

// List implements [storage.Store].
func (u unit) List(ctx context.Context, q storage.Query) iter.Seq2[[]storage.Value, error] {
	return func(yield func([]storage.Value, error) bool) {
		columns, places := ordered(q)
		readable := len(q.Index.Table.Readable())
		for left := q.Limit; ; {
			size := pageSize
			if q.Limit > 0 {
				size = min(size, left)
			}
			page, err := u.page(ctx, q, columns, size)
			if err != nil {
				yield(nil, u.fail(ctx, "list", err))
				return
			}
			if n := len(page); n > 0 {
				q.After = nil
				for _, at := range places {
					q.After = append(q.After, page[n-1][at])
				}
			}
			for _, row := range page {
				if !yield(row[:readable], nil) {
					return
				}
			}
			if left -= len(page); len(page) < size || q.Limit > 0 && left == 0 {
				return
			}
		}
	}
}

// page reads those columns of at most size rows of a range.
func (u unit) page(ctx context.Context, q storage.Query, columns []int, size int) (page [][]storage.Value, err error) {
	if err := u.check(ctx); err != nil {
		return nil, err
	}
	if err := u.learn(ctx); err != nil {
		return nil, err
	}
	text, args := u.ranged(q, readingColumns(q.Index.Table, "t", columns), size)
	err = u.once(ctx, func() error {
		page = nil
		w, fields := want(q.Index.Table, columns, nil)
		return u.query(ctx, u.statement(text, func() string { return text }), 1, args, func(rows Rows) error {
			err := rows.Scan(fields...)
			page = append(page, slices.Clone(w.values))
			return err
		})
	})
	return page, err
}

// Prune implements [storage.Store].
func (u unit) Prune(ctx context.Context, q storage.Query) (n int64, err error) {
	if err := u.changing(ctx); err != nil {
		return 0, err
	}
	if err := u.learn(ctx); err != nil {
		return 0, u.fail(ctx, "prune", err)
	}
	d := q.Index.Table
	key := nameList(d, d.Primary().Columns)
	rows, args := u.ranged(q, key, q.Limit)
	prune := "with old as (" + rows + u.locking() + ") delete from " + u.name(d.Name) +
		" where tenant = " + u.param(1, text) + " and (" + key + ") in (select " + key + " from old)"
	err = u.write(ctx, func(u unit) error {
		result, err := u.exec(ctx, u.statement(prune, func() string { return prune }), args)
		if err == nil {
			n, err = result.RowsAffected()
		}
		return err
	})
	if err != nil {
		return 0, u.fail(ctx, "prune", err)
	}
	return n, nil
}

// ordered returns the columns of a page, which begin with those that are readable, and where those
// are among them that the range goes on after.
func ordered(q storage.Query) (columns, places []int) {
	columns = q.Index.Table.Readable()
	for _, c := range q.Index.Order()[len(q.Prefix):] {
		at := slices.Index(columns, c)
		if at < 0 {
			at, columns = len(columns), append(columns, c)
		}
		places = append(places, at)
	}
	return columns, places
}

// ranged is the statement that selects columns of the first rows of a range, with its arguments.
func (u unit) ranged(q storage.Query, columns string, size int) (query string, args []any) {
	d := q.Index.Table
	args = []any{u.tenant}
	param := func(v storage.Value) string {
		args = append(args, u.bind(v))
		return u.param(len(args), kinds[v.Kind])
	}
	r := ranging{u.grammar, "t", !u.distributed(), func(_ int, v storage.Value) string { return param(v) }}
	query = "select " + columns + " from " + u.name(d.Name) + " as t where " + r.where(q, u.param(1, kinds[storage.KindText])) +
		r.order(q)
	return query + " limit " + u.firstOf(param(storage.Value{Kind: storage.KindInt, Int: int64(size)})), args
}

// A ranging is the text of a range of rows of the alias.
type ranging struct {
	grammar
	alias string
	whole bool                                     // the database is not distributed: see [unit.feed]
	param func(column int, v storage.Value) string // takes a value
}

// where is the condition that a row is in the range.
func (r ranging) where(q storage.Query, tenant string) string {
	d, order := q.Index.Table, q.Index.Order()
	rest := order[len(q.Prefix):]
	name := func(c int) string { return r.alias + "." + d.Columns[c].Name }
	of := r.listed(r.alias, tenant)
	switch {
	case q.Index.Name == "" || q.Index.Unique:
		of = r.alias + ".tenant = " + tenant
	case r.whole:
		of = r.indexed(r.alias, tenant)
	}
	where := []string{of}
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
			where = append(where, in+"("+name(c.Column)+", "+r.param(c.Column, storage.Value{Kind: storage.KindText, Text: c.Part})+") > 0")
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
func (r ranging) order(q storage.Query) string {
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
func sparse(alias string, d *storage.Def, c *storage.Condition) string {
	name := d.Columns[c.Column].Name
	if alias != "" {
		name = alias + "." + name
	}
	var in []string
	for _, v := range c.In {
		switch v.Kind {
		case storage.KindText:
			in = append(in, "'"+strings.ReplaceAll(v.Text, "'", "''")+"'")
		case storage.KindInt:
			in = append(in, strconv.FormatInt(v.Int, 10))
		case storage.KindTime:
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
	case kind == storage.KindText:
		return name + " <> ''"
	case kind == storage.KindInt:
		return name + " > 0"
	case kind == storage.KindBytes:
		return "length(" + name + ") > 0"
	}
	return name + " is not null"
}
