package lead

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/encode/encodetest"
)

func TestJSON(t *testing.T) {
	t.Run("of a lead", func(t *testing.T) { encodetest.Same(t, func(l *Lead) []byte { return l.AppendJSON(nil) }) })
	t.Run("of an outcome", func(t *testing.T) { encodetest.Same(t, (*Outcome).json) })
}
