package giftcard

import (
	"embed"

	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Tables are those of the package.
var Tables = storage.Schema{
	Name: "giftcard", Tables: []storage.Declared{cards, payments}, Kinds: []journal.AnyKind{KindIssue, KindCharge, KindRefund}, Files: migrations,
}

//go:embed migrations
var migrations embed.FS

// A ledger is a card with the payments that commands need of it.
type ledger struct {
	Card
	version  int64
	payments map[string]*payment // by key
	changed  []storage.Row       // of payments
}

var (
	cards = storage.NewTable("giftcard_card", func(c *storage.Columns, l *ledger) {
		storage.Text(c, "card", &l.ID)
		c.Key()
		c.Version(&l.version)
		c.State("state", 1, &l.Card)
	}).Fill(50)
	payments = storage.NewTable("giftcard_payment", func(c *storage.Columns, p *payment) {
		storage.Text(c, "card", &p.Card)
		storage.Text(c, "payment", &p.Key)
		c.Key()
		storage.Int(c, "remains", &p.Left)
	}).Of(cards)
)

var kind = engine.Kind[ledger]{
	Root: func(l *ledger) storage.Read { return cards.Get(l) },
	Seq:  func(l *ledger) int64 { return l.Seq },
	Rows: func(l *ledger) []storage.Row {
		l.version++
		return append([]storage.Row{cards.Save(l)}, l.changed...)
	},
}
