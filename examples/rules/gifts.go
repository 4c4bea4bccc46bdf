package rules

import (
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/stamps"
)

// Gifts returns the catalog of what the points of the club are exchanged for.
func Gifts() reward.Definition {
	return reward.Definition{
		ID: "gifts", Version: 1, Name: "积分商城", Zone: "Asia/Shanghai", Program: "club", Money: "CNY",
		Rewards: []reward.Reward{
			{ID: "cup", Name: "一杯咖啡", Prices: []reward.Price{{Points: 200}, {Points: 100, Money: 500}}, Stock: 2, Valid: reward.Validity{Days: 30}},
			{ID: "lounge", Name: "贵宾室", Levels: []ids.Level{"gold"}},
		},
	}
}

// Coffee returns the stamp card.
func Coffee() stamps.Definition {
	return stamps.Definition{
		ID: "coffee", Version: 1, Name: "集章卡", Zone: "Asia/Shanghai",
		Card: &stamps.CardDefinition{
			Size: 10, Rewards: []stamps.Reward{{ID: "cookie", Name: "一块曲奇", At: 2, Coupon: stamps.Validity{Days: 30}}},
			Earn: stamps.Earn{Per: stamps.PerVisit}, PastEnd: stamps.Carry, UsedCoupon: stamps.Owe,
		},
	}
}
