package lead

import (
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/storage/storagetest"
)

func TestRows(t *testing.T) {
	t.Run("of jobs", func(t *testing.T) { storagetest.Mapping(t, jobs, nil) })
	t.Run("of owners", func(t *testing.T) { storagetest.Mapping(t, owners, nil) })
	t.Run("of contacts", func(t *testing.T) {
		storagetest.Mapping(t, contacts, func(c *Contact) { c.Leads, c.Library = nil, time.Time{} })
	})
	t.Run("of leads", func(t *testing.T) { storagetest.Mapping(t, leads, nil) })
	t.Run("of counts", func(t *testing.T) { storagetest.Mapping(t, counts, nil) })
	t.Run("of the library", func(t *testing.T) { storagetest.Mapping(t, library, nil) })
}
