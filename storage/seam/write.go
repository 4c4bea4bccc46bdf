package seam

import (
	"fmt"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A Verb is what is done with a row.
type Verb uint8

// The verbs.
const (
	VerbSave   Verb = iota // a root over the version before its own; ErrConflict where another one is stored
	VerbPut                // new, or in the place of the one with its key
	VerbInsert             // new; ErrConflict where there is one with its key
	VerbAdd                // added to the one with its key; ErrBound where the sum would be out of Row.Most
)

// ErrBound: a sum would be below zero or above its bound. Nothing of the change was stored.
var ErrBound = errs.New(errs.Exhausted, "seam: the sum would be out of its bounds")

// A Row is a row of any table, and what is done with it.
type Row struct {
	Table *Def
	Verb  Verb
	Most  int64 // of a VerbAdd: the sum is from 0 to that
	write func(*Columns)
}

// Save stores a root, whose version is one more than the one that was loaded.
func (t *Table[T]) Save(v *T) Row { return t.as(VerbSave, v) }

// Put stores a row, new or in the place of the one with its key.
func (t *Table[T]) Put(v *T) Row { return t.as(VerbPut, v) }

// Insert stores a new row.
func (t *Table[T]) Insert(v *T) Row { return t.as(VerbInsert, v) }

// AddWithin adds v to the row with its key, whose one column besides is a number: the sum must be
// from 0 to most, or the change is ErrBound. Of a change these rows are written last, for others
// who add to them wait until it is stored.
func (t *Table[T]) AddWithin(v *T, most int64) Row {
	if t.def.Root || len(t.def.Columns) != t.def.Key+1 || t.def.Columns[t.def.Key].Kind != KindInt {
		panic("seam: " + t.def.Name + " has not one number beside its key")
	}
	r := t.as(VerbAdd, v)
	r.Most = most
	return r
}

func (t *Table[T]) as(verb Verb, v *T) Row {
	return Row{Table: t.def, Verb: verb, write: func(c *Columns) { t.row(c, v) }}
}

// Values returns the values of the row, appended to those.
func (r Row) Values(values []Value) ([]Value, error) {
	c := Columns{values: values[len(values):len(values):cap(values)]}
	r.write(&c)
	if c.err != nil {
		return nil, fmt.Errorf("seam: write %s: %w", r.Table.Name, c.err)
	}
	return append(values, c.values...), nil
}

// A Change is stored whole or not at all: rows, and what the journal tells of them.
type Change struct {
	Rows    []Row
	Entries []journal.Entry
}
