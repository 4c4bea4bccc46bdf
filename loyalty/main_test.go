package loyalty_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty"
)

func TestMain(m *testing.M) { dbtest.Main(m, loyalty.Tables) }
