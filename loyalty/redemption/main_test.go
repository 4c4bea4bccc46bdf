package redemption_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/reward"
)

func TestMain(m *testing.M) { dbtest.Main(m, loyalty.Tables, reward.Tables) }
