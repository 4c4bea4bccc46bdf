package wechat_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/wechat"
)

func TestMain(m *testing.M) { dbtest.Main(m, wechat.Tables) }
