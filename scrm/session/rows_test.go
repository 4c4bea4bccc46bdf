package session

import (
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/storage/storagetest"
)

func TestRows(t *testing.T) {
	t.Run("of subjects", func(t *testing.T) { storagetest.Mapping(t, subjects, nil) })
	t.Run("of sessions", func(t *testing.T) {
		storagetest.Mapping(t, sessions, func(s *stored) { s.Expires = time.Time{} })
	})
}
