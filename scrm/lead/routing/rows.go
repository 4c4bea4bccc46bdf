package routing

import (
	"embed"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/storage"
)

// Tables are those of the package.
var Tables = storage.Schema{Name: "routing", Tables: []storage.Declared{lines, visitors}, Kinds: entryKinds, Files: migrations}

//go:embed migrations
var migrations embed.FS

// A Visitor is a row of the line that they came to.
type visitorRow struct {
	line ids.Line
	Visitor
}

var (
	lines = storage.NewTable("routing_line", func(c *storage.Columns, l *Line) {
		storage.Text(c, "line", &l.ID)
		c.Key()
		c.Version(&l.Version)
		c.State("state", 1, l)
	}).Fill(50)
	visitors = storage.NewTable("routing_visitor", func(c *storage.Columns, v *visitorRow) {
		storage.Text(c, "line", &v.line)
		storage.Text(c, "visitor", &v.ID)
		c.Key()
		storage.Derived(c, "place", v.place)
		c.State("state", 1, &v.Visitor)
	}).Of(lines)

	byID    = lines.Primary()
	byPlace = visitors.Index("place", "line", "place").Only("place")
)

// place is where a visitor who waits has a place among the others.
func (v *visitorRow) place() int64 {
	if !v.Waiting {
		return 0
	}
	return v.N
}
