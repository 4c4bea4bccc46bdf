package refund_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/refund"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// An order of 80 yuan earned 80 points and a stamp. Half of it comes back, and then the rest.
func Example() {
	ctx, db := context.Background(), memory.New()
	must := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	now := func() time.Time { return noon }
	points := loyalty.New(db, &loyalty.Options{Now: now})
	cards := stamps.New(db, &stamps.Options{Now: now})
	keys := []secret.Key{{ID: "2026-11", Secret: []byte("32 random bytes, kept in a vault")}}
	rewards, err := reward.New(db, keys, &reward.Options{Now: now})
	must(err)
	desk := refund.New(db, points, rewards, cards, nil)

	_, err = points.Publish(ctx, loyalty.Definition{
		ID: "club", Version: 1, Zone: "Asia/Shanghai", Money: "CNY", Currencies: []loyalty.Currency{{ID: "points"}},
		Rules: []loyalty.Rule{{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}}},
	})
	must(err)
	_, err = cards.Publish(ctx, stamps.Definition{ID: "coffee", Version: 1, Zone: "Asia/Shanghai", Card: &stamps.CardDefinition{
		Size: 10, Rewards: []stamps.Reward{{ID: "cup", Name: "A free cup", At: 10}},
		Earn: stamps.Earn{Per: stamps.PerVisit}, PastEnd: stamps.Carry, UsedCoupon: stamps.Refuse,
	}})
	must(err)
	alice := loyalty.AccountID{Program: "club", Member: "alice"}
	order := loyalty.Event{At: noon, Purchase: &loyalty.Purchase{Currency: "CNY", Lines: []loyalty.Line{{ID: "1", Gross: 8000}}}}
	_, err = points.Earn(ctx, loyalty.Earn{Account: alice, Event: order, Key: "order-1"})
	must(err)
	_, err = cards.Add(ctx, stamps.Add{Card: stamps.CardID{Program: "coffee", Member: "alice"}, Key: "order-1"})
	must(err)

	for _, r := range []refund.Refund{
		{Account: alice, Order: "order-1", Amount: 4000, Key: "refund-1"},
		{Account: alice, Order: "order-1", All: true, Key: "refund-2"},
	} {
		back, err := desk.Refund(ctx, r)
		must(err)
		fmt.Println("points:", back.Points.Moves[0].Balance.Available, "stamps:", back.Stamps[0].Fate)
	}
	// Output:
	// points: 40 stamps: kept: a part of the order is
	// points: 0 stamps: taken back
}
