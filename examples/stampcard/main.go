// Command stampcard fills a stamp card in memory, and shows that a command which is sent twice
// counts once.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func main() {
	ctx := context.Background()
	cards := stamps.New(memory.New(), nil)
	if _, err := cards.Publish(ctx, stamps.Definition{
		ID: "coffee", Version: 1, Name: "Every tenth coffee is free", Zone: "Asia/Shanghai",
		Card: &stamps.CardDefinition{
			Size:    10,
			Rewards: []stamps.Reward{{ID: "coffee", Name: "A free coffee", At: 10, Coupon: stamps.Validity{Days: 30}}},
			Earn:    stamps.Earn{Per: stamps.PerItem}, PastEnd: stamps.Carry, UsedCoupon: stamps.Refuse,
		},
	}); err != nil {
		log.Fatal(err)
	}
	alice := stamps.CardID{Program: "coffee", Member: "alice"}
	for _, order := range []string{"order-1", "order-2", "order-2"} {
		out, err := cards.Add(ctx, stamps.Add{Card: alice, Purchase: &stamps.Purchase{Items: 6}, Key: order})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: card %d, stamp %d, replayed: %t\n", order, out.Card.Round+1, out.Card.Count, out.Replayed)
		for _, c := range out.Issued() {
			fmt.Printf("  coupon %s: %s\n", c.ID, c.Name)
		}
	}
}
