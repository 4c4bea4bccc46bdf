package authenticator

import (
	"testing"

	"github.com/scrmkit/scrmkit/storage/storagetest"
)

func TestRows(t *testing.T) {
	t.Run("of subjects", func(t *testing.T) { storagetest.Mapping(t, subjects, nil) })
	t.Run("of secrets", func(t *testing.T) {
		storagetest.Mapping(t, secrets, func(s *sealed) {
			if len(s.Sealed) == 0 {
				s.Sealed = nil
			}
		})
	})
}
