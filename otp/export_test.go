package otp

import (
	"context"
	"errors"

	"github.com/scrmkit/scrmkit/storage"
)

// Reissue stores a code with the digits of another one, as issuing does that draws them again; pruned
// says that the row of the other one is deleted before.
func Reissue(ctx context.Context, s storage.Store, c Code, number int64, pruned bool) error {
	if pruned {
		if _, err := storage.Prune(ctx, s, codes.Primary(), storage.Range{Prefix: []any{c.Scope, c.MAC}, Limit: 1}); err != nil {
			return err
		}
	}
	scope := ScopeRow{Scope: c.Scope}
	if err := s.Load(ctx, []storage.Look{{Reads: []storage.Read{scopes.Get(&scope)}}}); err != nil {
		return err
	}
	scope.Version, scope.Issued = scope.Version+1, number
	c.Version, c.Number, c.ID = 2*number, number, []byte{byte(number)}
	errs, err := s.Save(ctx, []storage.Change{{Rows: []storage.Row{scopes.Save(&scope), codes.Put(&c)}}})
	return errors.Join(append(errs, err)...)
}
