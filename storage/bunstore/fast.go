package bunstore

import (
	"context"
	"database/sql"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// A shape is what the text of a Save in one statement depends on.
type shape struct {
	root    *table
	insert  bool // of one change: the row must not be there yet
	place   bool // one takes a place in a unique index besides the key
	many    bool // any number of changes, as arrays
	parts   [maxParts]part
	entries int // as in part
}

// A part is the children of one table.
type part struct {
	table *table
	n     int // of one change: how many; as arrays: 1
}

const (
	maxParts   = 2 // tables of children that a root has
	maxScalars = 2 // rows of a table that one change may have and still not travel as arrays
)

// shapeOf returns the shape of changes that all have the same root table.
func shapeOf(changes []change) shape {
	s := shape{root: changes[0].roots[0].table, many: len(changes) > 1}
	for _, c := range changes {
		s.place = s.place || s.root.takes(c.roots[0])
		s.entries += len(c.entries)
		for _, r := range c.children {
			p := s.parts[:]
			for p[0].table != nil && p[0].table != r.table {
				p = p[1:]
			}
			p[0] = part{r.table, p[0].n + 1}
		}
	}
	if s.parts[1].table != nil && s.parts[1].table.name < s.parts[0].table.name {
		s.parts[0], s.parts[1] = s.parts[1], s.parts[0]
	}
	s.many = s.many || max(s.entries, s.parts[0].n, s.parts[1].n) > maxScalars
	if !s.many {
		s.insert = s.root.inserts(changes[0].roots[0])
		return s
	}
	s.entries = min(s.entries, 1)
	for i := range s.parts {
		s.parts[i].n = min(s.parts[i].n, 1)
	}
	return s
}

// saveFast stores those of the changes, each by itself, in one statement.
func (u unit) saveFast(ctx context.Context, all []change, which []int, errs []error) error {
	changes := make([]change, len(which))
	for i, j := range which {
		changes[i] = all[j]
	}
	s := shapeOf(changes)
	var args []any
	if s.many {
		args = u.arrays(s, changes)
	} else {
		args = u.scalars(changes[0])
	}
	statement := u.statement(s, func() string { return fastText(s) })
	return u.query(ctx, statement, len(changes), args, func(rows *sql.Rows) error {
		var ord int
		var used, stored bool
		if err := rows.Scan(&ord, &used, &stored); err != nil {
			return err
		}
		switch i := which[ord-1]; {
		case used:
			errs[i] = journal.ErrDuplicate
		case !stored:
			errs[i] = journal.ErrConflict
		default:
			errs[i] = nil
		}
		return nil
	})
}

// scalars returns the arguments of a statement for one change.
func (u unit) scalars(c change) []any {
	args := make([]any, 0, 64)
	args = append(args, u.tenant)
	for _, rows := range [][]row{c.roots, c.children, c.entries} {
		for _, r := range rows {
			for _, v := range r.values {
				args = append(args, u.bind(v))
			}
		}
	}
	return args
}

// arrays returns the arguments of a statement for any number of changes: an array a column, and before those of the
// children and entries one of the ordinal of their change.
func (u unit) arrays(s shape, changes []change) []any {
	args := []any{u.tenant}
	flush := func(arrays []array) {
		for i := range arrays {
			args = append(args, arrays[i].String())
		}
	}
	roots := make([]array, len(s.root.columns()))
	for _, c := range changes {
		for i, v := range c.roots[0].values {
			roots[i].add(v)
		}
	}
	flush(roots)
	of := func(t *table, rowsOf func(change) []row) {
		arrays := make([]array, 1+len(t.columns()))
		for ord, c := range changes {
			for _, r := range rowsOf(c) {
				if r.table != t {
					continue
				}
				arrays[0].add(int64(ord + 1))
				for i, v := range r.values {
					arrays[i+1].add(v)
				}
			}
		}
		flush(arrays)
	}
	for _, p := range s.parts {
		if p.n > 0 {
			of(p.table, func(c change) []row { return c.children })
		}
	}
	if s.entries > 0 {
		of(entryTable, func(c change) []row { return c.entries })
	}
	return args
}
