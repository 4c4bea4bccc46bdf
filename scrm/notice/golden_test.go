package notice

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/golden"
)

func TestGoldenStates(t *testing.T) { golden.Open(t, "states").States(Tables) }
