package reward_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty/reward"
)

func TestMain(m *testing.M) { dbtest.Main(m, reward.Tables) }
