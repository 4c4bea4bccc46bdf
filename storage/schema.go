package storage

import (
	"io/fs"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// A Schema is what a context stores: its tables, with the files that make them in a database of
// SQL, and the kinds of its entries in the journal. Each context has one, as its variable Tables; a
// service makes those of the contexts that it uses.
type Schema struct {
	Name   string            // of the context; no two in a database have the same
	Tables []Declared        // the tables, which no other context has
	Kinds  []journal.AnyKind // what its entries record: constants of the context

	// Files are named migrations/postgres/0001_tables.up.sql, and so on: of each dialect as many, in
	// the order of their numbers from 1. One that has been run anywhere is never edited; what
	// changes is a new file. Nil: there are none, which does for tests in memory.
	Files fs.FS
}

// Kind returns a kind of the context's entries by its name; false: it writes none of that kind.
func (s Schema) Kind(name string) (journal.AnyKind, bool) {
	for _, k := range s.Kinds {
		if k.String() == name {
			return k, true
		}
	}
	return nil, false
}
