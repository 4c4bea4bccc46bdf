package storage

import (
	"fmt"
	"slices"
	"strings"
)

// A Def is a table as a Store sees it. Every row has the tenant before its columns.
type Def struct {
	Name     string      // unique in the database
	Columns  []Column    // those of the key, then the version of a root, then the rest
	Key      int         // how many are of the key
	Root     bool        // the column after the key is a version
	Parent   *Def        // the root that its rows belong to, with whose key theirs begin; nil: none
	Children []*Def      // tables whose Parent it is
	Indexes  []*IndexDef // besides the key
	Fill     int         // how many percent of a page new rows fill, where the database has that; 0: as it likes
}

// A Column of a table.
type Column struct {
	Name    string // unique in the table
	Kind    Kind   // what its values are
	Derived bool   // it is written and not read
}

// An IndexDef orders the rows of a table by columns, and then by the key.
type IndexDef struct {
	Name    string     // of the database: that of the table with one of its own; "": the key
	Table   *Def       // table that it is of
	Columns []int      // in the order of the index
	Unique  bool       // no two rows have the same Columns
	Sparse  *Condition // nil: every row has a place
	Filters []int      // columns that may be looked at besides, in the rows of a range
}

// A Condition is that a column has one of some values, that it is a text with a part or, without
// either, that it is above zero, or is not empty.
type Condition struct {
	Column int     // number of the column in Def.Columns
	In     []Value // any of these values
	Part   string  // part of a text
}

// Holds reports whether a row meets the condition.
func (c *Condition) Holds(row []Value) bool {
	v := row[c.Column]
	if c.Part != "" {
		return strings.Contains(v.Text, c.Part)
	}
	if len(c.In) == 0 {
		return v.Int > 0 || !v.Zero() && v.Kind != KindInt
	}
	return slices.ContainsFunc(c.In, func(w Value) bool { return v.Compare(w) == 0 })
}

// Order returns the columns that the index orders rows by: its own and, but in a unique one, those
// of the key that are not among them.
func (x *IndexDef) Order() []int {
	order := append(make([]int, 0, len(x.Columns)+x.Table.Key), x.Columns...)
	if x.Unique {
		return order
	}
	for i := range x.Table.Key {
		if !slices.Contains(order, i) {
			order = append(order, i)
		}
	}
	return order
}

// A Table has the rows of one type. It is made once, as a variable of its package.
type Table[T any] struct {
	def *Def
	row func(*Columns, *T)
}

// A Declared is a Table of any type.
type Declared interface {
	// Def returns the table as a Store sees it.
	Def() *Def
}

// NewTable declares a table with its columns, in the order of the function, which declares, writes
// and reads a row. It panics where there is no key, or two columns have one name.
func NewTable[T any](name string, row func(*Columns, *T)) *Table[T] {
	t := &Table[T]{&Def{Name: name}, row}
	row(&Columns{table: t.def}, new(T))
	if t.def.Key == 0 {
		panic("storage: " + name + " has no key")
	}
	seen := map[string]bool{"tenant": true}
	for _, c := range t.def.Columns {
		if seen[c.Name] {
			panic("storage: " + name + " has two columns " + c.Name)
		}
		seen[c.Name] = true
	}
	return t
}

// Def returns the table as a Store sees it.
func (t *Table[T]) Def() *Def { return t.def }

// Of makes the rows of t those of a root, with whose key theirs begin. They are written together
// with their root.
func (t *Table[T]) Of(root Declared) *Table[T] {
	r := root.Def()
	for i, c := range r.Columns[:r.Key] {
		if i >= t.def.Key || t.def.Columns[i] != c {
			panic(fmt.Sprintf("storage: the key of %s does not begin with that of %s", t.def.Name, r.Name))
		}
	}
	t.def.Parent = r
	r.Children = append(r.Children, t.def)
	return t
}

// Fill has new rows fill that many percent of a page, which leaves the rest for their next versions.
// It is for rows that are updated often.
func (t *Table[T]) Fill(percent int) *Table[T] {
	t.def.Fill = percent
	return t
}

// An Index orders the rows of a table. Rows are looked for along an index alone.
type Index[T any] struct {
	table *Table[T]
	def   *IndexDef
}

// Index declares an index on columns. Its name in the database is that of the table and its own.
func (t *Table[T]) Index(name string, columns ...string) *Index[T] {
	x := &IndexDef{Name: t.def.Name + "_" + name, Table: t.def}
	for _, c := range columns {
		x.Columns = append(x.Columns, t.def.column(c))
	}
	t.def.Indexes = append(t.def.Indexes, x)
	return &Index[T]{t, x}
}

// Unique declares an index in which no two rows have the same columns: a change that would put a
// second one there is ErrConflict. Index.Only, with a column alone that is no time, has to say which
// rows have a place in it.
func (t *Table[T]) Unique(name string, columns ...string) *Index[T] {
	x := t.Index(name, columns...)
	x.def.Unique = true
	return x
}

// Primary returns the index on the key.
func (t *Table[T]) Primary() *Index[T] {
	return &Index[T]{t, t.def.Primary()}
}

// Only keeps the rows out whose column is none of the values; without values, those where it is zero,
// below zero or empty.
func (x *Index[T]) Only(column string, in ...any) *Index[T] {
	c := &Condition{Column: x.table.def.column(column)}
	for _, v := range in {
		c.In = append(c.In, x.table.def.Columns[c.Column].as(v))
	}
	x.def.Sparse = c
	return x
}

// Filter names columns that Range.Where may ask for. They are looked at in the rows of the range,
// at the cost of reading them.
func (x *Index[T]) Filter(columns ...string) *Index[T] {
	for _, c := range columns {
		x.def.Filters = append(x.def.Filters, x.table.def.column(c))
	}
	return x
}

// column returns the number of the column of that name.
func (d *Def) column(name string) int {
	i := slices.IndexFunc(d.Columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		panic("storage: " + d.Name + " has no column " + name)
	}
	return i
}

// Primary returns the index on the key.
func (d *Def) Primary() *IndexDef {
	x := &IndexDef{Table: d, Unique: true, Columns: make([]int, 0, d.Key)}
	for i := range d.Key {
		x.Columns = append(x.Columns, i)
	}
	return x
}

// Readable returns the numbers of the columns that are read.
func (d *Def) Readable() []int {
	all := make([]int, 0, len(d.Columns)+len(d.Columns)/2) // callers append to it
	for i, c := range d.Columns {
		if !c.Derived {
			all = append(all, i)
		}
	}
	return all
}
