package loyaltytest_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/loyaltytest"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/stamps"
)

// suite is what the code publishes: in a later version than the first, as most do.
func suite() loyaltytest.Suite {
	return loyaltytest.Suite{
		Programs: []loyalty.Definition{club()},
		Catalogs: []reward.Definition{
			{ID: "others", Version: 1, Zone: "UTC", Program: "another", Rewards: []reward.Reward{{ID: "cup"}}},
			{ID: "gifts", Version: 3, Zone: "UTC", Program: "club", Money: "CNY", Rewards: []reward.Reward{
				{ID: "cup", Prices: []reward.Price{{Points: 20}, {Points: 10, Money: 500}}, Stock: 3, Valid: reward.Validity{Days: 30}},
				{ID: "off", Discounts: []reward.Discount{{BasisPoints: 2000}}},
			}},
		},
		Cards: []stamps.Definition{{ID: "coffee", Version: 2, Name: "Three cups", Zone: "UTC", Card: &stamps.CardDefinition{
			Size: 3, Rewards: []stamps.Reward{{ID: "cookie", Name: "A cookie", At: 2}},
			Earn: stamps.Earn{Per: stamps.PerVisit}, PastEnd: stamps.Carry, UsedCoupon: stamps.Owe,
		}}},
	}
}

func TestScenariosWithRewardsAndStamps(t *testing.T) {
	suite().Run(t, os.DirFS("testdata/suite"), "*.json")
}

func TestDifferencesOfRewardsAndStampsAreALineEach(t *testing.T) {
	all, err := loyaltytest.Parse([]byte(`[{"name": "wrong",
		"program": {"id": "club", "version": 1, "zone": "UTC", "currencies": [{"id": "points"}]},
		"catalogs": [{"id": "gifts", "version": 1, "zone": "UTC", "program": "club", "rewards": [{"id": "cup", "stock": 3}]}],
		"cards": [{"id": "coffee", "version": 1, "name": "Coffee", "zone": "UTC", "card": {"size": 2, "rewards": [{"id": "cookie", "name": "A cookie", "at": 1}],
			"earn": {"per": "visit"}, "pastEnd": "carry", "usedCoupon": "owe"}}],
		"steps": [
			{"at": "2026-03-02T10:00:00Z", "reward": {"redeem": {"reward": "cup"}}, "want": {"vouchers": {"cup": {"redeemed": 1}}, "stock": {"cup": 3}}},
			{"at": "2026-03-02T10:00:00Z", "stamps": {"add": {}}, "want": {"cards": {"coffee": {"count": 2}}, "coupons": {"cookie": {"issued": 2}}}},
			{"at": "2026-03-02T10:00:00Z", "stamps": {"add": {}}, "reward": {"redeem": {"reward": "cup"}}},
			{"at": "2026-03-02T10:00:00Z", "reward": {"capture": {"order": 9}}}]}]`))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"step 1: stock.cup: got 2, want 3", "step 1: vouchers.cup.issued: got 1, want nothing", "step 1: vouchers.cup.redeemed: got 0, want 1",
		"step 2: cards.coffee.count: got 1, want 2", "step 2: coupons.cookie.issued: got 1, want 2",
		"step 3: has more than one command",
		`step 4: error "redemption: capture: reward.capture for alice: reward: nothing is reserved under that number; it was captured, cancelled or is past its end", want ""`,
	}
	if diff := cmp.Diff(want, all[0].Play(map[string]bool{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestScenariosThatBeginWithNothingRight(t *testing.T) {
	for what, text := range map[string]string{
		"a catalog of another program":  `"catalogs": [{"id": "gifts", "version": 1, "zone": "UTC", "program": "other", "rewards": [{"id": "cup"}]}]`,
		"a catalog with a mistake":      `"catalogs": [{"id": "gifts", "version": 1, "zone": "none", "program": "club", "rewards": [{"id": "cup"}]}]`,
		"a card with a mistake":         `"cards": [{"id": "coffee", "version": 1, "name": "x", "zone": "UTC"}]`,
		"a card without a version":      `"cards": [{"id": "x", "name": "x", "zone": "UTC", "handout": {"reward": {"id": "pot", "name": "A pot"}, "stock": 1}}]`,
		"two catalogs of the same name": `"catalogs": [{"id": "a", "version": 1, "zone": "UTC", "program": "club", "rewards": [{"id": "cup"}]}, {"id": "a", "version": 1, "zone": "UTC", "program": "club", "rewards": [{"id": "tea"}]}]`,
	} {
		all, err := loyaltytest.Parse([]byte(`[{"name": "x", "program": {"id": "club", "version": 1, "zone": "UTC", "currencies": [{"id": "points"}]}, ` + text + `}]`))
		if err != nil {
			t.Fatal(what, err)
		}
		if got := all[0].Play(map[string]bool{}); len(got) != 1 {
			t.Errorf("%s: %q", what, got)
		}
	}
}
