package giftcard

import (
	"embed"
	"time"

	"github.com/scrmkit/scrmkit/storage"
)

// Tables are those of the package.
var Tables = storage.Schema{Name: "giftcard", Tables: []storage.Declared{cards, payments}, Files: migrations}

//go:embed migrations
var migrations embed.FS

type row struct {
	Card
	version int64
}

// ends is when the card loses what is on it.
func (r *row) ends() time.Time {
	if r.Balance.Minor == 0 {
		return time.Time{}
	}
	return r.Ends
}

var (
	cards = storage.NewTable("giftcard_card", func(c *storage.Columns, r *row) {
		storage.Text(c, "card", &r.ID)
		c.Key()
		c.Version(&r.version)
		storage.Derived(c, "ends", r.ends)
		c.State("state", 1, &r.Card)
	}).Fill(50)
	payments = storage.NewTable("giftcard_payment", func(c *storage.Columns, p *payment) {
		storage.Text(c, "card", &p.Card)
		storage.Text(c, "payment", &p.Key)
		c.Key()
		storage.Int(c, "taken", &p.Taken)
		storage.Int(c, "refunded", &p.Refunded)
	}).Of(cards)

	byEnd = cards.Index("ends", "ends").Only("ends")
)
