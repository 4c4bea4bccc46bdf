package stamps

import (
	"context"
	"errors"

	"github.com/scrmkit/scrmkit/storage"
)

// SaveCard stores a card as it is.
func SaveCard(ctx context.Context, s storage.Store, c Card) error {
	ch := change{Cards: []Card{c}}
	errs, err := s.Save(ctx, []storage.Change{ch.stored()})
	return errors.Join(append(errs, err)...)
}
