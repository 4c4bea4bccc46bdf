package otp

import (
	"testing"

	"github.com/scrmkit/scrmkit/storage/storagetest"
)

func TestRows(t *testing.T) {
	t.Run("of scopes", func(t *testing.T) { storagetest.Mapping(t, scopes, nil) })
	t.Run("of meters", func(t *testing.T) { storagetest.Mapping(t, meters, nil) })
	t.Run("of codes", func(t *testing.T) {
		storagetest.Mapping(t, codes, func(c *Code) {
			for _, b := range []*[]byte{&c.MAC, &c.ID, &c.Sealed, &c.Payload} {
				if len(*b) == 0 {
					*b = nil
				}
			}
		})
	})
}
