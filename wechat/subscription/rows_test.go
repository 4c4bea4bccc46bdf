package subscription

import (
	"testing"

	"github.com/scrmkit/scrmkit/storage/storagetest"
)

func TestRows(t *testing.T) {
	t.Run("of consents", func(t *testing.T) { storagetest.Mapping(t, consents, nil) })
	t.Run("of messages", func(t *testing.T) {
		storagetest.Mapping(t, messages, func(m *message) { m.Replayed = false })
	})
}
