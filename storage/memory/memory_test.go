package memory_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/storage/storagetest"
)

func TestContract(t *testing.T) {
	storagetest.Run(t, func(testing.TB) storagetest.Database { return storagetest.Database{DB: memory.New()} })
}

func FuzzCursor(f *testing.F) { storagetest.FuzzCursor(f, memory.New()) }
