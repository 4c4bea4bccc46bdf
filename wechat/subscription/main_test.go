package subscription_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/callback"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
	"github.com/scrmkit/scrmkit/wechat/subscription"
)

func TestMain(m *testing.M) {
	dbtest.Main(m, wechat.Tables, callback.Tables, miniprogram.Tables, subscription.Tables)
}
