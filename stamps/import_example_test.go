package stamps_test

import (
	"context"
	"fmt"
	"log"

	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// Cards come from another system with their stamps, and with coupons that are to be redeemed.
func ExampleEngine_ImportAll() {
	ctx := context.Background()
	cards := stamps.New(memory.New(), nil)
	if _, err := cards.Publish(ctx, stamps.Definition{
		ID: "coffee", Version: 1, Name: "Every third coffee is free", Zone: "Asia/Shanghai",
		Card: &stamps.CardDefinition{
			Size: 3, Rewards: []stamps.Reward{{ID: "cup", Name: "A free cup", At: 3}},
			Earn: stamps.Earn{Per: stamps.PerVisit}, PastEnd: stamps.Carry, UsedCoupon: stamps.Refuse,
		},
	}); err != nil {
		log.Fatal(err)
	}
	alice := stamps.Import{
		Card: stamps.CardID{Program: "coffee", Member: "alice"}, Rounds: 4, Count: 2, Coupons: []stamps.OpeningCoupon{{Reward: "cup"}}, Key: "move-in",
	}
	done, err := cards.ImportAll(ctx, func(yield func(stamps.Import, error) bool) { yield(alice, nil) }, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(done.Stored, "card,", done.Stamps, "stamps,", done.Coupons["cup"], "cup")

	again, err := cards.Import(ctx, alice)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("round", again.Card.Round, "replayed:", again.Replayed)
	// Output:
	// 1 card, 2 stamps, 1 cup
	// round 4 replayed: true
}
