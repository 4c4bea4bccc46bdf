package storage_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/scrmkit/scrmkit/internal/golden"
	"github.com/scrmkit/scrmkit/storage"
)

// kept has a column of each shape that a state may have.
type kept struct {
	ID     string
	Object struct {
		N int `json:"n"`
	}
	List []string
	None *string
}

func keptIn(name string, format int) *storage.Table[kept] {
	return storage.NewTable(name, func(c *storage.Columns, k *kept) {
		storage.Text(c, "id", &k.ID)
		c.Key()
		c.State("object", format, &k.Object)
		c.State("list", format, &k.List)
		c.State("none", format, &k.None)
	})
}

func written(t *testing.T, table *storage.Table[kept], k kept) []storage.Value {
	t.Helper()
	values, err := table.Put(&k).Values(nil)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// A state of any shape is read in its own format and in those after it, and in none before.
func TestGoldenFormats(t *testing.T) {
	f := golden.Open(t, "formats")
	for _, k := range []struct {
		name string
		kept
	}{{"empty", kept{ID: "a"}}, {"full", kept{ID: "a", List: []string{"x", "}"}}}} {
		if k.name == "full" {
			k.Object.N = 7
		}
		for format := 1; format <= 3; format++ {
			values := written(t, keptIn("kept", format), k.kept)
			var texts []string
			for _, v := range values[1:] {
				if !json.Valid(v.Bytes) {
					t.Errorf("format %d: %s is no JSON", format, v.Bytes)
				}
				texts = append(texts, string(v.Bytes))
			}
			line, _ := json.Marshal(texts)
			f.Line(k.name+" in format "+string(rune('0'+format)), string(line), "States that were stored can't be read.")
			for reader := 1; reader <= 3; reader++ {
				var got kept
				err := keptIn("kept", reader).Get(&got).Found(values)
				switch {
				case reader < format && !errors.Is(err, storage.ErrFormat):
					t.Errorf("a state of format %d is read in format %d: %v", format, reader, err)
				case reader >= format && (err != nil || len(got.List) != len(k.List) || got.Object != k.Object || got.None != nil):
					t.Errorf("a state of format %d is read in format %d as %+v: %v", format, reader, got, err)
				}
			}
		}
	}
}
