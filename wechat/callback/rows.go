package callback

import (
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Tables are those of the package.
var Tables = storage.Schema{Name: "callback", Tables: []storage.Declared{pushes}, Files: migrations}

//go:embed migrations
var migrations embed.FS

// A taken is a push that was handed on.
type taken struct {
	Hash     []byte // of what it says
	Receiver string // whom it was for
	At       time.Time
}

var (
	pushes = storage.NewTable("callback_push", func(c *storage.Columns, t *taken) {
		storage.Bytes(c, "hash", &t.Hash)
		storage.Text(c, "receiver", &t.Receiver)
		c.Key()
		storage.Time(c, "at", &t.At)
	})
	pushesByTime = pushes.Index("at", "at")
)

// Prune forgets the pushes that were taken before a time, but for those that could be sent again
// and taken for new, and returns how many those were. It may run twice, and beside anything else.
func (r *Receiver) Prune(ctx context.Context, before time.Time) (n int64, err error) {
	if last := r.now().Add(-2 * Window); before.After(last) {
		before = last
	}
	old := storage.Range{To: journal.Instant(before), Limit: engine.PruneBatch}
	n, err = engine.Prune(func() (int64, error) { return storage.Prune(ctx, r.db, pushesByTime, old) })
	if err != nil {
		return n, fmt.Errorf("callback: prune: %w", err)
	}
	return n, nil
}
