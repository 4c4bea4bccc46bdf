package customer

import (
	"testing"

	"github.com/scrmkit/scrmkit/storage/storagetest"
)

func TestRows(t *testing.T) {
	t.Run("of customers", func(t *testing.T) { storagetest.Mapping(t, customers, nil) })
	t.Run("of identities", func(t *testing.T) { storagetest.Mapping(t, identities, nil) })
	t.Run("of consents", func(t *testing.T) { storagetest.Mapping(t, consents, nil) })
	t.Run("of fields", func(t *testing.T) { storagetest.Mapping(t, fieldVersions.Table(), nil) })
}
