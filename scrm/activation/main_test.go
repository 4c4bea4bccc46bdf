package activation_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/activation"
)

func TestMain(m *testing.M) { dbtest.Main(m, activation.Tables) }
