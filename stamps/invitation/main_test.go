package invitation_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
)

func TestMain(m *testing.M) { dbtest.Main(m, shop.Tables, wechat.Tables, miniprogram.Tables) }
