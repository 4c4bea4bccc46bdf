package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	customers "github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage"
)

// demoTokens are the tokens of the demo, which everybody knows.
var demoTokens = map[string]principal{
	"demo-customer-alice": {roles: []role{customer}, name: "alice"},
	"demo-customer-bob":   {roles: []role{customer}, name: "bob"},
	"demo-manager-kathy":  {roles: []role{staff}, name: "wx-kathy"},
	"demo-manager-li":     {roles: []role{staff}, name: "wx-li"},
	"demo-visitor-wang":   {roles: []role{staff}, name: "wx-wang"},
	"demo-admin":          {roles: []role{admin}, name: "admin"},
}

// demoCustomers are the nicknames of the customers with a token of the demo.
var demoCustomers = map[ids.Member]string{"alice": "Alice", "bob": "Bob"}

// demoKey begins the key of every command of the demo, so that it changes nothing where it was
// prepared before, whatever has become of it since.
const demoKey = "demo"

var demoPrograms = []stamps.Definition{
	{
		ID: "coffee", Version: 1, Name: "Ten cups", Zone: "Asia/Shanghai",
		Card: &stamps.CardDefinition{
			Size: 10,
			Rewards: []stamps.Reward{
				{ID: "cookie", Name: "A cookie", At: 5, Coupon: stamps.Validity{Days: 30}},
				{ID: "free-cup", Name: "A free cup", At: 10, Coupon: stamps.Validity{Days: 90}},
			},
			Earn: stamps.Earn{Per: stamps.PerVisit}, PastEnd: stamps.Carry, UsedCoupon: stamps.Owe,
		},
	},
	{
		ID: "welcome", Version: 1, Name: "Welcome", Zone: "Asia/Shanghai",
		Handout: &stamps.Handout{
			Reward: stamps.Reward{ID: "welcome-cup", Name: "A cup to begin with", Coupon: stamps.Validity{Days: 30}},
			Stock:  1000, PerMember: 1,
		},
	},
}

// demoPoints is a point a yuan, two for gold members, who spent 1000 in a year.
var demoPoints = loyalty.Definition{
	ID: "club", Version: 1, Name: "会员积分", Zone: "Asia/Shanghai", Money: "CNY",
	Currencies: []loyalty.Currency{{ID: "points", Expiry: loyalty.Expiry{Months: 12, RoundUp: loyalty.Month}}},
	Rules: []loyalty.Rule{
		{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}},
		{ID: "gold", If: `tier == "gold"`, Give: loyalty.Give{Times: "2"}},
		{ID: "sign-up", On: "sign-up", Give: loyalty.Give{Points: "50", Per: loyalty.PerEvent}, Caps: []loyalty.Cap{{Times: 1, Per: loyalty.Ever}}},
	},
	Metrics: []loyalty.Metric{{ID: "spent", Of: loyalty.CountMoney, Window: loyalty.Window{Months: 12}}},
	Tiers: &loyalty.Tiers{
		Levels:    []loyalty.Level{{ID: "member", Name: "会员"}, {ID: "gold", Name: "金卡", Needs: []loyalty.Need{{"spent": 100_000}}}},
		Valid:     loyalty.Validity{Expiry: loyalty.Expiry{Months: 12}},
		Downgrade: loyalty.OnRefund,
	},
}

// demoGifts is what the points of the club are exchanged for.
var demoGifts = reward.Definition{
	ID: "gifts", Version: 1, Name: "积分商城", Zone: "Asia/Shanghai", Program: "club", Money: "CNY", Prefix: "CVP",
	Rewards: []reward.Reward{
		{
			ID: "cup", Name: "一杯咖啡", Prices: []reward.Price{{Points: 20}, {Points: 10, Money: 500}}, Stock: 1000,
			PerMember: []reward.Limit{{N: 3, Per: reward.Day}}, Valid: reward.Validity{Days: 30},
		},
		{ID: "lounge", Name: "贵宾室", Levels: []ids.Level{"gold"}, Limits: []reward.Limit{{N: 20, Per: reward.Day}}, Shops: []ids.Shop{"sanlitun"}},
		{
			ID: "cash", Name: "现金券", Table: &reward.Table{Min: 100, Steps: []reward.Step{{Points: 100, Value: 100}, {Points: 1000, Value: 1500}}},
			Valid: reward.Validity{Months: 3},
		},
	},
}

var demoShops = []struct {
	shop    shop.Shop
	manager shop.Manager
	serial  shop.Serial // "": none
}{
	{
		shop.Shop{ID: "wangjing", Name: "望京店", Address: "北京市朝阳区望京", Zone: "Asia/Shanghai"},
		shop.Manager{Identity: "wx-kathy", Name: "Kathy"}, "A1659391",
	},
	{
		shop.Shop{ID: "sanlitun", Name: "三里屯店", Address: "北京市朝阳区三里屯", Zone: "Asia/Shanghai"},
		shop.Manager{Identity: "wx-li", Name: "Li"}, "",
	},
}

// demo prepares the demo. It may run twice, and in several processes at once.
func (s *Server) demo(ctx context.Context) error {
	for _, d := range demoPrograms {
		if _, err := s.cards.Publish(ctx, d); err != nil && !errors.Is(err, stamps.ErrPublished) {
			return fmt.Errorf("demo: %w", err)
		}
	}
	if _, err := s.points.Publish(ctx, demoPoints); err != nil && !errors.Is(err, loyalty.ErrPublished) {
		return fmt.Errorf("demo: %w", err)
	}
	if _, err := s.rewards.Publish(ctx, demoGifts); err != nil && !errors.Is(err, reward.ErrPublished) {
		return fmt.Errorf("demo: %w", err)
	}
	for id, nickname := range demoCustomers {
		if err := s.demoCustomer(ctx, id, nickname); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
	}
	for _, d := range demoShops {
		err := s.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
			return demoShop(ctx, s.shops.In(tx), d.shop, d.manager, d.serial)
		})
		if err != nil {
			return fmt.Errorf("demo: %w", err)
		}
	}
	return nil
}

// demoCustomer makes a customer, but for one who has been erased.
func (s *Server) demoCustomer(ctx context.Context, id ids.Member, nickname string) error {
	_, err := s.customers.SignIn(ctx, customers.SignIn{Identity: customers.Identity{Platform: demoKey, ID: string(id)}, Way: demoKey, Member: id})
	if err == nil {
		_, err = s.customers.PutProfile(ctx, customers.PutProfile{Member: id, Profile: customers.Profile{Nickname: nickname}, By: demoKey, Key: demoKey})
	}
	if errors.Is(err, customers.ErrMember) || errors.Is(err, customers.ErrErased) {
		return nil
	}
	return err
}

func demoShop(ctx context.Context, shops *shop.Engine, at shop.Shop, manager shop.Manager, serial shop.Serial) error {
	if _, err := shops.Put(ctx, shop.Put{Shop: at, By: demoKey, Key: demoKey + "-shop"}); err != nil {
		return err
	}
	invited, err := shops.Invite(ctx, shop.Invite{Shop: at.ID, By: demoKey, Key: demoKey + "-invitation"})
	if errors.Is(err, shop.ErrShownOnce) {
		return nil // all of it was prepared before, in one transaction
	}
	if err != nil {
		return err
	}
	bind := shop.Bind{Token: invited.Token, Identity: manager.Identity, Name: manager.Name, Key: demoKey}
	if _, err := shops.Bind(ctx, bind); err != nil {
		return err
	}
	if serial != "" {
		_, err = shops.BindStamp(ctx, shop.BindStamp{
			Shop: at.ID, Serial: serial, Unsigned: true, By: demoKey, Key: demoKey, // the demo has no vendor that certifies a press
		})
	}
	return err
}
