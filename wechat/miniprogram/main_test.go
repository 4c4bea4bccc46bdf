package miniprogram_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
)

func TestMain(m *testing.M) { dbtest.Main(m, wechat.Tables, miniprogram.Tables) }
