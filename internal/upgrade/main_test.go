package upgrade

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/stamps"
)

func TestMain(m *testing.M) {
	dbtest.Main(m, loyalty.Tables, reward.Tables, lead.Tables, otp.Tables, stamps.Tables)
}
