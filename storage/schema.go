package storage

import "io/fs"

// A Schema is the tables of a context, and the files that make them in a database of SQL. Each
// context has one, as its variable Tables; a service makes those of the contexts that it uses.
type Schema struct {
	Name   string // of the context; no two in a database have the same
	Tables []Declared

	// Files are named migrations/postgres/0001_tables.up.sql, and so on: of each dialect as many, in
	// the order of their numbers from 1. One that has been run anywhere is never edited; what
	// changes is a new file. Nil: there are none, which does for tests in memory.
	Files fs.FS
}
