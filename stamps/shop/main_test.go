package shop_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/stamps/shop"
)

func TestMain(m *testing.M) { dbtest.Main(m, shop.Tables) }
