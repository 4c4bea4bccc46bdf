package shop

import (
	"testing"

	"github.com/scrmkit/scrmkit/storage/storagetest"
)

func TestRows(t *testing.T) {
	t.Run("of shops", func(t *testing.T) { storagetest.Mapping(t, shops, nil) })
	t.Run("of managers", func(t *testing.T) { storagetest.Mapping(t, managers, nil) })
	t.Run("of stamps", func(t *testing.T) { storagetest.Mapping(t, stamps, nil) })
	t.Run("of invitations", func(t *testing.T) { storagetest.Mapping(t, invitations, nil) })
}
