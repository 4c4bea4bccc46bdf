package stamps

import (
	"testing"

	"github.com/scrmkit/scrmkit/storage/storagetest"
)

func TestRows(t *testing.T) {
	t.Run("of programs", func(t *testing.T) { storagetest.Mapping(t, programs.Table(), nil) })
	t.Run("of cards", func(t *testing.T) { storagetest.Mapping(t, cards, nil) })
	t.Run("of records", func(t *testing.T) { storagetest.Mapping(t, records, nil) })
	t.Run("of coupons", func(t *testing.T) { storagetest.Mapping(t, coupons, nil) })
}
