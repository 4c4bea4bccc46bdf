package ticket

import (
	"context"

	"github.com/scrmkit/scrmkit/storage/seam"
)

// PublishUnchecked stores templates as they are.
func PublishUnchecked(ctx context.Context, s seam.Store, d Templates) error {
	return publish(ctx, s, d)
}

// Store stores a ticket as it is.
func Store(ctx context.Context, s seam.Store, t Ticket) error { return update{ticket: &t}.save(ctx, s) }
