package refund_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/stamps"
)

func TestMain(m *testing.M) { dbtest.Main(m, loyalty.Tables, reward.Tables, stamps.Tables) }
