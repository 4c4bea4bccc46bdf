package stamps_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/stamps"
)

func TestMain(m *testing.M) { dbtest.Main(m, stamps.Tables) }
