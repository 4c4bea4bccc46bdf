package storage

import (
	"fmt"
	"slices"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A Verb is what is done with a row.
type Verb uint8

// The verbs.
const (
	VerbSave      Verb = iota // a root over the version before its own; ErrConflict where another one is stored
	VerbPut                   // new, or in the place of the one with its key
	VerbInsert                // new; ErrConflict where there is one with its key
	VerbKeep                  // new; nothing is done where there is one with its key
	VerbDrop                  // deleted, where there is one with its key
	VerbAdd                   // added to the one with its key
	VerbAddWithin             // the same; ErrBound where the sum would be out of Row.Most
	VerbAbsent                // nothing is written; ErrConflict where there is one with its key
)

// ErrBound: a sum would be below zero or above its bound. Nothing of the change was stored.
var ErrBound = errs.New(errs.Exhausted, "storage: the sum would be out of its bounds")

// A Row is a row of any table, and what is done with it.
type Row struct {
	Table *Def  // table that it is of
	Verb  Verb  // what is done with it
	Most  int64 // of a VerbAddWithin: the sum is from 0 to that
	write func(*Columns)
}

// Save stores a root, whose version is one more than the one that was loaded.
func (t *Table[T]) Save(v *T) Row {
	if !t.def.Root {
		panic("storage: " + t.def.Name + " has no version")
	}
	return t.as(VerbSave, v)
}

// Put stores a row, new or in the place of the one with its key. A root that is put has the version
// that is written, from 1 on, whatever was stored; who puts it changes it under the version of its
// own root.
func (t *Table[T]) Put(v *T) Row { return t.as(VerbPut, v) }

// Insert stores a new row. The change is ErrConflict where there is one with its key.
func (t *Table[T]) Insert(v *T) Row { return t.as(VerbInsert, v) }

// Keep stores a row where there is none with its key, and does nothing where there is one.
func (t *Table[T]) Keep(v *T) Row {
	if slices.ContainsFunc(t.def.Indexes, func(x *IndexDef) bool { return x.Unique }) {
		panic("storage: a row of " + t.def.Name + " may be in the way of another one by more than its key, and is not kept")
	}
	return t.as(VerbKeep, v)
}

// Drop deletes the row with v's key, where there is one.
func (t *Table[T]) Drop(v *T) Row {
	if t.def.Root {
		panic("storage: a row of " + t.def.Name + " has a version, and is not dropped")
	}
	return t.as(VerbDrop, v)
}

// Absent lets the change be ErrConflict where there is a row with v's key.
func (t *Table[T]) Absent(v *T) Row { return t.as(VerbAbsent, v) }

// Add adds the numbers of v, which are all that it has besides its key, to those of the row with
// its key, which is made where there is none. The sums must fit into an int64. Of a change these
// rows are written last, for others who add to them wait until it is stored.
func (t *Table[T]) Add(v *T) Row {
	t.numbers()
	return t.as(VerbAdd, v)
}

// AddWithin adds v, which has one number besides its key, to the row with its key, which counts as
// 0 where there is none: the sum must be from 0 to most, or the change is ErrBound.
func (t *Table[T]) AddWithin(v *T, most int64) Row {
	if t.numbers(); len(t.def.Columns) != t.def.Key+1 {
		panic("storage: " + t.def.Name + " has more than one number besides its key")
	}
	r := t.as(VerbAddWithin, v)
	r.Most = most
	return r
}

// numbers panics where a row has other than numbers besides its key.
func (t *Table[T]) numbers() {
	other := func(c Column) bool { return c.Kind != KindInt || c.Derived }
	if t.def.Root || len(t.def.Indexes) > 0 || slices.ContainsFunc(t.def.Columns[t.def.Key:], other) {
		panic("storage: " + t.def.Name + " has other than numbers besides its key")
	}
}

func (t *Table[T]) as(verb Verb, v *T) Row {
	return Row{Table: t.def, Verb: verb, write: func(c *Columns) { t.row(c, v) }}
}

// Values returns the values of the row, appended to those: of a VerbDrop and a VerbAbsent those of
// the key.
func (r Row) Values(values []Value) ([]Value, error) {
	c := Columns{values: values[len(values):len(values):cap(values)]}
	if r.Verb == VerbDrop || r.Verb == VerbAbsent {
		c.most = r.Table.Key
	}
	r.write(&c)
	if c.err != nil {
		return nil, fmt.Errorf("storage: write %s: %w", r.Table.Name, c.err)
	}
	return append(values, c.values...), nil
}

// A Change is stored whole or not at all: rows, and what the journal says of them. No two rows are
// of one key, but those that are put, of which the last one counts, and those to be absent. Who
// changes roots of several tables names the tables in one order always: it is the one in which a
// database with locks may take them.
type Change struct {
	Rows    []Row           // rows to write
	Entries []journal.Entry // what the journal says of them
}
