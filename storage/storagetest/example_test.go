package storagetest_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/storage/storagetest"
)

// The test of an adapter gives Run a function that opens an empty database: here one in memory. An
// adapter that joins transactions of the embedder's sets Database.Join too.
func ExampleRun() {
	open := func(t testing.TB) storagetest.Database {
		db := memory.New() // here with storagetest.Tables made, and closed by t.Cleanup
		return storagetest.Database{DB: db, Tenant: func(id string) storage.DB { return db.Tenant(id) }}
	}
	// In a file of tests:
	//
	//	func TestContract(t *testing.T) { storagetest.Run(t, open) }
	//	func TestCompare(t *testing.T)  { storagetest.Compare(t, open) }
	_ = func(t *testing.T) {
		storagetest.Run(t, open)
		storagetest.Compare(t, open)
	}
}

// The test of a context holds that what its rows say comes back from the database.
func ExampleMapping() {
	type giftCard struct {
		ID      string `json:"id"`
		Cents   int64  `json:"cents"`
		Version int64  `json:"-"`
	}
	giftCards := storage.NewTable("gift_card", func(c *storage.Columns, g *giftCard) {
		storage.Text(c, "card", &g.ID)
		c.Key()
		c.Version(&g.Version)
		c.State("state", 1, g)
	})
	// In a file of tests:
	//
	//	func TestRows(t *testing.T) { storagetest.Mapping(t, giftCards, nil) }
	_ = func(t *testing.T) { storagetest.Mapping(t, giftCards, nil) }
}
