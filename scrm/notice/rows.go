package notice

import (
	"embed"

	"github.com/scrmkit/scrmkit/storage"
)

// Tables are those of the package.
var Tables = storage.Schema{Name: "notice", Tables: []storage.Declared{table}, Files: migrations}

//go:embed migrations
var migrations embed.FS

var (
	table = storage.NewTable("notice_notice", func(c *storage.Columns, s *Status) {
		storage.Text(c, "member", &s.Member)
		storage.Text(c, "name", &s.Key)
		c.Key()
		c.Version(&s.version)
		storage.Text(c, "kind", &s.Kind)
		storage.Bytes(c, "content", &s.Content)
		storage.Time(c, "from_time", &s.From)
		storage.Time(c, "until_time", &s.Until)
		storage.Text(c, "state", &s.State)
		storage.Time(c, "due", &s.Due)
		storage.Int(c, "tries", &s.Tries)
		storage.Time(c, "changed", &s.Changed)
		storage.Text(c, "platform_id", &s.ID)
		storage.Text(c, "reason", &s.Reason)
	}).Fill(70)

	byDue   = table.Index("due", "due").Only("due")
	byUntil = table.Index("until", "until_time")
)
