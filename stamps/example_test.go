package stamps_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// A card of three stamps: a full one issues a coupon, which is redeemed once. An order that is sent
// again gives no second stamp.
func Example() {
	ctx := context.Background()
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	cards := stamps.New(memory.New(), &stamps.Options{Now: func() time.Time { return noon }})
	if _, err := cards.Publish(ctx, stamps.Definition{
		ID: "coffee", Version: 1, Name: "Every third coffee is free", Zone: "Asia/Shanghai",
		Card: &stamps.CardDefinition{
			Size:    3,
			Rewards: []stamps.Reward{{ID: "cup", Name: "A free cup", At: 3, Coupon: stamps.Validity{Days: 30}}},
			Earn:    stamps.Earn{Per: stamps.PerVisit}, PastEnd: stamps.Carry, UsedCoupon: stamps.Refuse,
		},
	}); err != nil {
		log.Fatal(err)
	}
	alice := stamps.CardID{Program: "coffee", Member: "alice"}
	for _, order := range []string{"order-1", "order-2", "order-2", "order-3"} {
		out, err := cards.Add(ctx, stamps.Add{Card: alice, Key: order})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(order, "stamps:", out.Card.Total, "replayed:", out.Replayed)
		for _, c := range out.Issued() {
			fmt.Println("coupon", c.ID, c.Name, "until", c.Expires.Format(time.DateOnly))
		}
	}
	for _, key := range []string{"tap-1", "tap-2"} {
		out, err := cards.Redeem(ctx, stamps.Redeem{Coupon: stamps.CouponID{Card: alice, N: 1}, Key: key})
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println("coupon", out.Coupons[0].ID, out.Coupons[0].State)
	}
	// Output:
	// order-1 stamps: 1 replayed: false
	// order-2 stamps: 2 replayed: false
	// order-2 stamps: 2 replayed: true
	// order-3 stamps: 3 replayed: false
	// coupon coffee/alice:1 A free cup until 2026-04-01
	// coupon coffee/alice:1 redeemed
	// stamps.redeem coffee/alice: stamps: the coupon was redeemed before
}
