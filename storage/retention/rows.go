package retention

import (
	"embed"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Tables are those of the package.
var Tables = storage.Schema{Name: "retention", Tables: []storage.Declared{floors}, Files: migrations}

//go:embed migrations
var migrations embed.FS

// A floor is how far a tenant's journal was dealt with.
type floor struct {
	Name    string // of what was done
	Version int64
	Cursor  journal.Cursor // there is nothing left to do up to it
}

const (
	archived = "archive"
	deleted  = "prune"
)

var floors = storage.NewTable("retention_floor", func(c *storage.Columns, f *floor) {
	storage.Text(c, "name", &f.Name)
	c.Key()
	c.Version(&f.Version)
	storage.Text(c, "cursor", &f.Cursor)
})
