package ticket

import (
	"testing"

	"github.com/scrmkit/scrmkit/storage/storagetest"
)

func TestRows(t *testing.T) {
	t.Run("of sites", func(t *testing.T) { storagetest.Mapping(t, sites, nil) })
	t.Run("of tickets", func(t *testing.T) { storagetest.Mapping(t, tickets, nil) })
	t.Run("of templates", func(t *testing.T) { storagetest.Mapping(t, templates.Table(), nil) })
}
