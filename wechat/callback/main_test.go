package callback_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/wechat/callback"
)

func TestMain(m *testing.M) { dbtest.Main(m, callback.Tables) }
