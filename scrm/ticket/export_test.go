package ticket

import (
	"context"

	"github.com/scrmkit/scrmkit/storage"
)

// PublishUnchecked stores templates as they are.
func PublishUnchecked(ctx context.Context, s storage.Store, d Templates) error {
	_, err := templates.Publish(ctx, s, d.ID, d.Version, d)
	return err
}

// Store stores a ticket as it is.
func Store(ctx context.Context, s storage.Store, t Ticket) error {
	return update{ticket: &t}.save(ctx, s)
}
