package signin_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/otp/delivery"
	"github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/scrm/session"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
)

func TestMain(m *testing.M) {
	dbtest.Main(m, delivery.Tables, customer.Tables, session.Tables, wechat.Tables, miniprogram.Tables)
}
