package rules

import "github.com/scrmkit/scrmkit/loyalty"

// Club returns the program as the service publishes it.
func Club() loyalty.Definition {
	return loyalty.Definition{
		ID: "club", Version: 1, Name: "会员积分", Zone: "Asia/Shanghai", Money: "CNY",
		Currencies: []loyalty.Currency{{ID: "points", Expiry: loyalty.Expiry{Months: 12, RoundUp: "month"}}},
		Rules: []loyalty.Rule{
			{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}},
			{ID: "gold", If: "tier == 'gold'", Give: loyalty.Give{Times: "2"}},
			{ID: "review", On: "review", Give: loyalty.Give{Points: "20", Per: loyalty.PerEvent}, Caps: []loyalty.Cap{{Times: 1, Per: loyalty.Day}}},
		},
		Metrics: []loyalty.Metric{{ID: "spent", Of: loyalty.CountMoney, Window: loyalty.Window{Calendar: "year"}}},
		Tiers: &loyalty.Tiers{
			Levels:    []loyalty.Level{{ID: "member"}, {ID: "gold", Needs: []loyalty.Need{{"spent": 100_000}}}},
			Valid:     loyalty.Validity{Expiry: loyalty.Expiry{Years: 1, RoundUp: "year"}},
			Downgrade: loyalty.OnRefund,
		},
	}
}
