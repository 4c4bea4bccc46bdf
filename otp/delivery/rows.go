package delivery

import (
	"context"
	"embed"
	"encoding/hex"
	"time"

	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Tables are those of the package.
var Tables = storage.Schema{Name: "delivery", Tables: []storage.Declared{recipients, notes, counts}, Kinds: entryKinds, Files: migrations}

//go:embed migrations
var migrations embed.FS

// A count is how many there were of something in a window.
type count struct {
	Ends time.Time // end of the window
	Name string    // of what is counted
	N    int64
}

var (
	recipients = storage.NewTable("delivery_recipient", func(c *storage.Columns, r *recipient) {
		storage.Bytes(c, "hash", &r.Hash)
		c.Key()
		c.Version(&r.Version)
		storage.Int(c, "seq", &r.Seq)
		c.State("state", 1, &r.history)
		storage.Derived(c, "idle", r.idle)
	}).Fill(80)
	notes = storage.NewTable("delivery_message", func(c *storage.Columns, n *note) {
		storage.Text(c, "ref", &n.Ref)
		c.Key()
		c.Version(&n.Version)
		storage.Text(c, "state", &n.State)
		storage.Time(c, "due", &n.Due)
		storage.Int(c, "tries", &n.Tries)
		storage.Bytes(c, "recipient", &n.Recipient)
		storage.Text(c, "channel", &n.Channel)
		storage.Text(c, "purpose", &n.Purpose)
		storage.Text(c, "template", &n.Template)
		storage.Text(c, "language", &n.Language)
		storage.Time(c, "made", &n.Made)
		storage.Time(c, "expires", &n.Expires)
		storage.Time(c, "changed", &n.Changed)
		storage.Text(c, "vendor_id", &n.ID)
		storage.Text(c, "reason", &n.Reason)
		storage.Text(c, "key_id", &n.KeyID)
		storage.Bytes(c, "sealed", &n.Sealed)
	}).Fill(70)
	counts = storage.NewTable("delivery_count", func(c *storage.Columns, n *count) {
		storage.Time(c, "ends", &n.Ends)
		storage.Text(c, "name", &n.Name)
		c.Key()
		storage.Int(c, "n", &n.N)
	}).Fill(50)

	byIdle    = recipients.Index("idle", "idle").Only("idle")
	byDue     = notes.Index("due", "due").Only("due")
	byExpires = notes.Index("expires", "expires")

	byVendorID = notes.Index("vendor", "vendor_id").Only("vendor_id")
)

// prune deletes what is over since before a time, and returns how many rows those were.
func prune(ctx context.Context, s storage.Store, before time.Time) (int64, error) {
	r := storage.Range{To: before, Limit: engine.PruneBatch}
	return engine.Prune(
		func() (int64, error) { return storage.Prune(ctx, s, byIdle, r) },
		func() (int64, error) { return storage.Prune(ctx, s, byExpires, r) },
		func() (int64, error) { return storage.Prune(ctx, s, counts.Primary(), r) },
	)
}

// subjectOf is the subject of the journal for the address with a hash.
func subjectOf(hash []byte) string { return journal.Subject("delivery", hex.EncodeToString(hash)) }

// ended is what the journal tells of a message that ended, and of a receipt.
func (n note) ended(kind journal.Kind[Status], now time.Time) journal.Entry {
	return journal.Entry{
		Subject: journal.Subject("delivery-message", n.Ref), Seq: n.Version, Kind: string(kind), At: now, Result: journal.JSON(n.status()),
	}
}
