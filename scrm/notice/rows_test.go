package notice

import (
	"testing"

	"github.com/scrmkit/scrmkit/storage/storagetest"
)

func TestRows(t *testing.T) { storagetest.Mapping(t, table, nil) }
