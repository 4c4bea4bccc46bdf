package memory_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/storage/storagetest"
)

func TestContract(t *testing.T) {
	storagetest.Run(t, open)
}

func FuzzCursor(f *testing.F) { storagetest.FuzzCursor(f, open(f)) }

func open(testing.TB) storagetest.Database {
	db := memory.New()
	return storagetest.Database{DB: db, Tenant: func(id string) storage.DB { return db.Tenant(id) }}
}
