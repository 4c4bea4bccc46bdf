package bunstore

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/golden"
)

// A reader goes on from a cursor that an earlier release gave.
func TestGoldenCursors(t *testing.T) {
	f := golden.Open(t, "cursors")
	for _, c := range []struct {
		name string
		place
	}{
		{"cursor", place{"", 7, "stamps/coffee/alice", 3, "order-1"}},
		{"cursor of a tenant", place{"acme", 1 << 40, `stamps/a%2Fb/<小明> & "co"`, 3, ""}},
	} {
		f.Line(c.name, string(c.cursor()), "Readers of the journal are told ErrCursor, and have to begin anew.")
		if p, err := parseCursor(c.cursor(), c.Tenant); err != nil || p != c.place {
			t.Errorf("%s is read as %+v: %v", c.name, p, err)
		}
	}
}
