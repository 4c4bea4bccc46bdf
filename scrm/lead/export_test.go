package lead

import (
	"context"

	"github.com/scrmkit/scrmkit/storage"
)

// Load returns contacts as they are stored.
func Load(ctx context.Context, s storage.Store, ids []Identity) ([]Contact, error) {
	return load(ctx, s, ids)
}
