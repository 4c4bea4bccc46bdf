package miniprogram

import (
	"testing"

	"github.com/scrmkit/scrmkit/storage/storagetest"
)

func TestRows(t *testing.T) {
	t.Run("of sessions", func(t *testing.T) { storagetest.Mapping(t, sessions, nil) })
	t.Run("of answers", func(t *testing.T) { storagetest.Mapping(t, phones, nil) })
}
