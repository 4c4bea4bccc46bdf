// Command quickstart earns, redeems and refunds points, in memory.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func main() {
	ctx := context.Background()
	points := loyalty.New(memory.New(), nil)
	if _, err := points.Publish(ctx, loyalty.Definition{
		ID: "club", Version: 1, Name: "A point a yuan", Zone: "Asia/Shanghai", Money: "CNY",
		Currencies: []loyalty.Currency{{ID: "points", Expiry: loyalty.Expiry{Months: 12, RoundUp: loyalty.Month}}},
		Rules:      []loyalty.Rule{{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}}},
	}); err != nil {
		log.Fatal(err)
	}
	alice := loyalty.AccountID{Program: "club", Member: "alice"}
	order := loyalty.Event{Purchase: &loyalty.Purchase{Currency: "CNY", Lines: []loyalty.Line{{ID: "1", Gross: 12_900}}}}
	tell := func(out loyalty.Outcome, err error) {
		if err != nil {
			log.Fatal(err)
		}
		b := out.Moves[0].Balance
		fmt.Printf("%d points, %d owed, replayed: %t\n", b.Available, b.Debt, out.Replayed)
	}
	tell(points.Earn(ctx, loyalty.Earn{Account: alice, Event: order, Key: "order-1"}))
	tell(points.Earn(ctx, loyalty.Earn{Account: alice, Event: order, Key: "order-1"}))
	tell(points.Redeem(ctx, loyalty.Redeem{Account: alice, N: 100, Key: "voucher-1"}))
	tell(points.Refund(ctx, loyalty.Refund{Account: alice, Of: "order-1", Amount: 6_450, Key: "refund-1"}))
}
