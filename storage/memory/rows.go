package memory

import (
	"bytes"
	"context"
	"iter"
	"slices"

	"github.com/google/btree"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A rowTable has the rows of a table: in the order of the key, and of each index.
type rowTable struct {
	def     *storage.Def
	primary *rowIndex
	indexes []*rowIndex
}

// A rowIndex has the rows of a table in an order.
type rowIndex struct {
	def   *storage.IndexDef
	order []int
	tree  *btree.BTreeG[place]
}

// A place is where a row stands in an index, or, with fewer values, where those begin or end that
// have them.
type place struct {
	values []storage.Value
	behind bool // it stands behind all that begin with values
	row    []storage.Value
}

func (p place) less(q place) bool {
	for i := range min(len(p.values), len(q.values)) {
		if c := p.values[i].Compare(q.values[i]); c != 0 {
			return c < 0
		}
	}
	switch {
	case len(p.values) < len(q.values):
		return !p.behind
	case len(p.values) > len(q.values):
		return q.behind
	}
	return !p.behind && q.behind
}

func newRowTable(d *storage.Def) *rowTable {
	t := &rowTable{def: d, primary: newRowIndex(d.Primary())}
	for _, x := range d.Indexes {
		t.indexes = append(t.indexes, newRowIndex(x))
	}
	return t
}

func newRowIndex(x *storage.IndexDef) *rowIndex {
	order := x.Order()
	if x.Unique && x.Name != "" { // two rows of one place are both there until it is known that they are
		order = append(order, x.Table.Primary().Columns...)
	}
	return &rowIndex{x, order, btree.NewG(16, place.less)}
}

// place returns where a row stands in the index, and whether it does.
func (x *rowIndex) place(row []storage.Value) (p place, ok bool) {
	if x.def.Sparse != nil && !x.def.Sparse.Holds(row) {
		return p, false
	}
	p.row = row
	for _, c := range x.order {
		p.values = append(p.values, row[c])
	}
	return p, true
}

// get returns the row with a key, nil where there is none.
func (t *rowTable) get(key []storage.Value) []storage.Value {
	p, _ := t.primary.tree.Get(place{values: key})
	return p.row
}

// set puts a row in the place of the one that was, each nil where there is none.
func (t *rowTable) set(was, row []storage.Value) {
	for _, x := range append([]*rowIndex{t.primary}, t.indexes...) {
		if was != nil {
			if p, ok := x.place(was); ok {
				x.tree.Delete(p)
			}
		}
		if row != nil {
			if p, ok := x.place(row); ok {
				x.tree.ReplaceOrInsert(p)
			}
		}
	}
}

// index returns the index of a query.
func (t *rowTable) index(x *storage.IndexDef) *rowIndex {
	for _, i := range t.indexes {
		if i.def.Name == x.Name {
			return i
		}
	}
	return t.primary
}

// rowsOf returns the table, which is made where there is none.
func (t *tables) rowsOf(d *storage.Def) *rowTable {
	r := t.rows[d.Name]
	if r == nil {
		r = newRowTable(d)
		t.rows[d.Name] = r
	}
	return r
}

// write does with a row what a verb says, and returns what undoes that.
func (t *tables) write(r *rowTable, verb storage.Verb, row []storage.Value) (undo func()) {
	was := r.get(row[:r.def.Key])
	switch {
	case verb == storage.VerbDrop:
		row = nil
	case verb == storage.VerbKeep && was != nil:
		row = was
	case (verb == storage.VerbAdd || verb == storage.VerbAddWithin) && was != nil:
		row = slices.Clone(row)
		for i := r.def.Key; i < len(row); i++ {
			row[i].Int += was[i].Int
		}
	}
	r.set(was, row)
	return func() { r.set(row, was) }
}

// shared reports whether another row has the same place in a unique index.
func (t *rowTable) shared(row []storage.Value) bool {
	for _, x := range t.indexes {
		p, ok := x.place(row)
		if !x.def.Unique || !ok {
			continue
		}
		same, n := p.values[:len(x.def.Columns)], 0
		x.tree.AscendRange(place{values: same}, place{values: same, behind: true}, func(place) bool { n++; return n < 2 })
		if n > 1 {
			return true
		}
	}
	return false
}

// Load implements [storage.Store].
func (u unit) Load(ctx context.Context, looks []storage.Look) error {
	return u.do(ctx, func(t *tables) error {
		for i := range looks {
			l := &looks[i]
			for _, r := range l.Reads {
				if err := t.read(r); err != nil {
					return err
				}
			}
			l.Entry = nil
			if l.Key != "" {
				l.Entry = t.entry(l.Subject, l.Key)
			}
		}
		return nil
	})
}

func (t *tables) read(r storage.Read) (err error) {
	rows := t.rowsOf(r.Table)
	switch r.Kind {
	case storage.ReadKey:
		if row := rows.get(r.Key(nil)); row != nil {
			err = r.Found(readable(r.Table, row))
		}
	case storage.ReadCount:
		r.Counted(int64(len(rows.list(r.Query))))
	default:
		for _, row := range rows.list(r.Query) {
			if err == nil {
				err = r.Found(row)
			}
		}
	}
	return err
}

// Save implements [storage.Store].
func (u unit) Save(ctx context.Context, changes []storage.Change) ([]error, error) {
	rows := make([][][]storage.Value, len(changes))
	for i, c := range changes {
		for _, r := range c.Rows {
			values, err := r.Values(nil)
			if err != nil {
				return nil, err
			}
			for k := range values {
				values[k].Bytes = bytes.Clone(values[k].Bytes)
			}
			rows[i] = append(rows[i], values)
		}
	}
	errs := make([]error, len(changes))
	err := u.do(ctx, func(t *tables) error {
		for i, c := range changes {
			errs[i] = t.change(c, rows[i])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return errs, nil
}

// change stores a change whose rows have those values, or nothing of it.
func (t *tables) change(c storage.Change, rows [][]storage.Value) error {
	if t.used(c.Entries) {
		return journal.ErrDuplicate
	}
	for i, r := range c.Rows {
		stored := t.rowsOf(r.Table).get(rows[i][:r.Table.Key])
		switch {
		case r.Verb == storage.VerbSave && versionOf(r.Table, stored) != versionOf(r.Table, rows[i])-1,
			r.Verb == storage.VerbInsert && stored != nil, r.Verb == storage.VerbAbsent && stored != nil:
			return journal.ErrConflict
		}
	}
	var undo []func()
	for i, r := range c.Rows {
		if r.Verb != storage.VerbAbsent {
			undo = append(undo, t.write(t.rowsOf(r.Table), r.Verb, rows[i]))
		}
	}
	if err := t.refused(c, rows); err != nil {
		for _, u := range slices.Backward(undo) {
			u()
		}
		return err
	}
	for _, u := range undo {
		t.undoable(u)
	}
	t.record(c.Entries)
	return nil
}

// refused returns why a change that was written may not stay.
func (t *tables) refused(c storage.Change, rows [][]storage.Value) error {
	for i, r := range c.Rows {
		if len(rows[i]) == len(r.Table.Columns) && t.rowsOf(r.Table).shared(rows[i]) {
			return journal.ErrConflict
		}
	}
	for i, r := range c.Rows {
		if r.Verb == storage.VerbAddWithin {
			if n := t.rowsOf(r.Table).get(rows[i][:r.Table.Key])[r.Table.Key].Int; n < 0 || n > r.Most {
				return storage.ErrBound
			}
		}
	}
	return nil
}

// versionOf returns the version of a row of roots, 0 where there is none.
func versionOf(d *storage.Def, row []storage.Value) int64 {
	if row == nil {
		return 0
	}
	return row[d.Key].Int
}

// Prune implements [storage.Store].
func (u unit) Prune(ctx context.Context, q storage.Query) (n int64, err error) {
	err = u.do(ctx, func(t *tables) error {
		rows := t.rowsOf(q.Index.Table)
		var found [][]storage.Value
		rows.each(q, func(row []storage.Value) { found = append(found, row) })
		for _, row := range found {
			t.undoable(t.write(rows, storage.VerbDrop, row))
		}
		n = int64(len(found))
		return nil
	})
	return n, err
}

// List implements [storage.Store].
func (u unit) List(ctx context.Context, q storage.Query) iter.Seq2[[]storage.Value, error] {
	return yieldAll(ctx, u, func(t *tables) ([][]storage.Value, error) { return t.rowsOf(q.Index.Table).list(q), nil })
}

// list returns copies of the rows of a range.
func (t *rowTable) list(q storage.Query) (found [][]storage.Value) {
	t.each(q, func(row []storage.Value) { found = append(found, readable(t.def, row)) })
	return found
}

// each calls fn for the rows of a query.
func (t *rowTable) each(q storage.Query, fn func(row []storage.Value)) {
	n := 0
	t.index(q.Index).walk(q, func(row []storage.Value) bool {
		for _, c := range q.Where {
			if !c.Holds(row) {
				return true
			}
		}
		n++
		fn(row)
		return q.Limit <= 0 || n < q.Limit
	})
}

// walk calls fn for the rows of a range until it returns false.
func (x *rowIndex) walk(q storage.Query, fn func(row []storage.Value) bool) {
	at := func(behind bool, values ...storage.Value) place {
		return place{values: slices.Concat(q.Prefix, values), behind: behind}
	}
	low, high := at(false), at(true)
	if q.From != nil {
		low = at(false, *q.From)
	}
	if q.To != nil {
		high = at(false, *q.To)
	}
	visit := func(p place) bool { return fn(p.row) }
	if q.Down {
		if q.After != nil {
			if after := at(false, q.After...); after.less(high) {
				high = after
			}
		}
		x.tree.DescendLessOrEqual(high, func(p place) bool { return !p.less(low) && (!p.less(high) || visit(p)) })
		return
	}
	if q.After != nil {
		if after := at(true, q.After...); low.less(after) {
			low = after
		}
	}
	x.tree.AscendRange(low, high, visit)
}

// readable returns copies of the values that are read.
func readable(d *storage.Def, row []storage.Value) []storage.Value {
	var values []storage.Value
	for i, c := range d.Columns {
		if !c.Derived {
			v := row[i]
			v.Bytes = bytes.Clone(v.Bytes)
			values = append(values, v)
		}
	}
	return values
}
