package delivery

import (
	"testing"

	"github.com/scrmkit/scrmkit/storage/storagetest"
)

func TestRows(t *testing.T) {
	t.Run("of recipients", func(t *testing.T) {
		storagetest.Mapping(t, recipients, func(r *recipient) {
			none(&r.Hash)
			if len(r.Open) == 0 {
				r.Open = nil
			}
			for i := range r.Open {
				none(&r.Open[i].ID)
				none(&r.Open[i].MAC)
			}
		})
	})
	t.Run("of messages", func(t *testing.T) {
		storagetest.Mapping(t, notes, func(n *note) {
			none(&n.Recipient)
			none(&n.Sealed)
		})
	})
	t.Run("of counts", func(t *testing.T) { storagetest.Mapping(t, counts, nil) })
}

// none makes nil of no bytes.
func none(b *[]byte) {
	if len(*b) == 0 {
		*b = nil
	}
}
