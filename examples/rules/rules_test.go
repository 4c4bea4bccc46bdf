package rules

import (
	"os"
	"testing"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/loyaltytest"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/stamps"
)

func TestClub(t *testing.T) { loyaltytest.Run(t, os.DirFS("testdata"), "*.json", Club()) }

func TestShop(t *testing.T) {
	suite := loyaltytest.Suite{
		Programs: []loyalty.Definition{Club()}, Catalogs: []reward.Definition{Gifts()}, Cards: []stamps.Definition{Coffee()},
	}
	suite.Run(t, os.DirFS("testdata/shop"), "*.json")
}
