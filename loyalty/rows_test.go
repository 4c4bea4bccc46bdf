package loyalty

import (
	"testing"

	"github.com/scrmkit/scrmkit/storage/storagetest"
)

func TestRows(t *testing.T) {
	t.Run("of programs", func(t *testing.T) { storagetest.Mapping(t, programs.Table(), nil) })
	t.Run("of accounts", func(t *testing.T) {
		storagetest.Mapping(t, accounts, func(a *accountRow) {
			if len(a.Hash) == 0 {
				a.Hash = nil
			}
		})
	})
	t.Run("of bookings", func(t *testing.T) { storagetest.Mapping(t, bookings, nil) })
}
