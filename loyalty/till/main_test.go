package till_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
)

func TestMain(m *testing.M) { dbtest.Main(m, reward.Tables, otp.Tables, stamps.Tables, shop.Tables) }
