package callback

import (
	"context"
	"embed"
	"fmt"
	"time"

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

// pruned is how many rows are deleted at a time, so that nobody waits long.
const pruned = 1000

// Prune forgets the pushes that were taken before a time, but for those that could be sent again
// and taken for new, and returns how many those were. It may run twice, and beside anything else.
func (r *Receiver) Prune(ctx context.Context, before time.Time) (n int64, err error) {
	if last := r.now().Add(-2 * Window); before.After(last) {
		before = last
	}
	for more := int64(pruned); more == pruned; n += more {
		more, err = storage.Prune(ctx, r.db, pushesByTime, storage.Range{To: journal.Instant(before), Limit: pruned})
		if err != nil {
			return n, fmt.Errorf("callback: prune: %w", err)
		}
	}
	return n, nil
}
