package desk

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/golden"
)

// What a command does with its jobs has the same keys in every release.
func TestGoldenKeys(t *testing.T) {
	f := golden.Open(t, "keys")
	for _, kind := range []string{"office.create", "office.edit"} {
		f.Line(kind, jobKey(kind, "key"), "A command that comes again is refused.")
	}
}
