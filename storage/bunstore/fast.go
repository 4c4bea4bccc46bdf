package bunstore

import (
	"context"
	"database/sql"
	"slices"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// A shape is what the text of a Save in one statement depends on.
type shape struct {
	root     *table
	many     bool // changes, or rows of one, as arrays: their numbers below are 0 or 1
	insert   bool // the row of the root, or one of them, must not be there yet
	update   bool // or must be there
	place    bool // one takes a place in a unique index besides the key
	children [maxChildren]int
	entries  int  // rows of the journal
	keyed    bool // one of them has a key
	sums     int  // rows that are added to others
	within   bool // a transaction that has other statements too
}

const (
	maxChildren = 6 // tables of children that a root has, each once for new rows
	maxLone     = 2 // rows of a table that the one change of a statement with plain arguments may have
)

// shapeOf returns the shape of changes that all have the same root table.
func shapeOf(changes []change) shape {
	s := shape{root: changes[0].roots[0].table}
	for _, c := range changes {
		inserts := s.root.inserts(c.roots[0])
		s.insert, s.update = s.insert || inserts, s.update || !inserts
		s.place = s.place || s.root.takes(c.roots[0])
		s.entries += len(c.entries)
		s.keyed = s.keyed || slices.ContainsFunc(c.entries, keyed)
		s.sums += len(c.sums)
		for _, r := range c.children {
			s.children[slices.Index(s.root.children, r.table)]++
		}
	}
	s.many = len(changes) > 1 || max(s.entries, s.sums, slices.Max(s.children[:])) > maxLone
	if s.many {
		s.entries, s.sums = min(s.entries, 1), min(s.sums, 1)
		for i := range s.children {
			s.children[i] = min(s.children[i], 1)
		}
	}
	return s
}

// saveFast stores those of the changes, each by itself, in one statement.
func (u unit) saveFast(ctx context.Context, all []change, which []int, errs []error) error {
	changes := make([]change, len(which))
	for i, j := range which {
		changes[i], errs[j] = all[j], nil
	}
	s := shapeOf(changes)
	s.within = u.tx != nil
	var args []any
	if s.many {
		args = u.several(s, changes)
	} else {
		args = u.lone(changes[0])
	}
	statement := u.statement(s, func() string { return fastText(s) })
	return u.query(ctx, statement, len(changes), args, func(rows *sql.Rows) error {
		var ord int
		var used bool
		if err := rows.Scan(&ord, &used); err != nil {
			return err
		}
		errs[which[ord-1]] = journal.ErrConflict
		if used {
			errs[which[ord-1]] = journal.ErrDuplicate
		}
		return nil
	})
}

// lone returns the arguments of a statement for one change: plain values.
func (u unit) lone(c change) []any {
	args := make([]any, 0, 64)
	args = append(args, u.tenant)
	add := func(r row, from int) {
		for _, v := range r.values[from:] {
			args = append(args, u.bind(v))
		}
	}
	add(c.roots[0], 0)
	for _, t := range c.roots[0].table.children {
		for _, r := range c.children {
			if r.table == t {
				add(r, len(c.roots[0].table.key))
			}
		}
	}
	for _, r := range c.entries {
		add(r, 0)
	}
	for _, r := range c.sums {
		add(r, 0)
	}
	return args
}

// several returns the arguments of a statement for any number of changes: an array for each column
// of each table in turn, for children and entries with the ordinals of their changes before them.
func (u unit) several(s shape, changes []change) []any {
	var a arrays
	a.text.Grow(size(changes))
	var rows []row
	var ordinals []int64
	table := func(t *table, from int, numbered bool, rowsOf func(change) []row) {
		rows, ordinals = rows[:0], ordinals[:0]
		for i, c := range changes {
			for _, r := range rowsOf(c) {
				if r.table == t {
					rows, ordinals = append(rows, r), append(ordinals, int64(i+1))
				}
			}
		}
		if numbered {
			for _, n := range ordinals {
				a.add(n)
			}
			a.end()
		}
		for i := from; i < len(t.columns); i++ {
			for _, r := range rows {
				a.add(r.values[i])
			}
			a.end()
		}
	}
	table(s.root, 0, false, func(c change) []row { return c.roots })
	for i, t := range s.root.children {
		if s.children[i] > 0 {
			table(t, len(s.root.key), true, func(c change) []row { return c.children })
		}
	}
	if s.entries > 0 {
		table(entryTable, 0, true, func(c change) []row { return c.entries })
	}
	if s.sums > 0 {
		table(s.root.sums, 0, true, func(c change) []row { return c.sums })
	}
	return a.appendTo(append(make([]any, 0, 64), u.tenant))
}
