package giftcard

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/uptrace/bun/dialect"

	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/storagetest"
)

var update = flag.Bool("update", false, "write the files of migrations again, while none of them was run anywhere")

func TestRows(t *testing.T) {
	t.Run("of cards", func(t *testing.T) { storagetest.Mapping(t, cards, nil) })
	t.Run("of payments", func(t *testing.T) { storagetest.Mapping(t, payments, nil) })
}

// TestFiles holds the files of migrations to the declared tables.
func TestFiles(t *testing.T) {
	for d, folder := range map[dialect.Name]string{dialect.PG: "postgres", dialect.SQLite: "sqlite"} {
		path, want := filepath.Join("migrations", folder, "0001_tables.up.sql"), bunstore.Script(d, Tables)
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Errorf("%s is not what the tables are declared as; run with -update: %v", path, err)
		}
	}
}
