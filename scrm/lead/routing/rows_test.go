package routing

import (
	"testing"

	"github.com/scrmkit/scrmkit/storage/storagetest"
)

func TestRows(t *testing.T) {
	t.Run("of lines", func(t *testing.T) { storagetest.Mapping(t, lines, nil) })
	t.Run("of visitors", func(t *testing.T) { storagetest.Mapping(t, visitors, nil) })
}
