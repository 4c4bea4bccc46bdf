package giftcard_test

import (
	"context"
	"fmt"

	"github.com/scrmkit/scrmkit/examples/newcontext/giftcard"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func Example() {
	ctx, db := context.Background(), memory.New()
	cards := giftcard.New(db, nil)
	yuan := func(n int64) giftcard.Money { return giftcard.Money{Minor: n * 100, Currency: "CNY"} }
	tell := func(step string) func(giftcard.Outcome, error) {
		return func(out giftcard.Outcome, err error) {
			if err != nil {
				fmt.Println(step+":", err)
				return
			}
			fmt.Printf("%s: %+d, balance %d, replayed %t\n", step, out.Moved, out.Card.Balance.Minor, out.Replayed)
		}
	}
	lunch := giftcard.Charge{Command: giftcard.Command{Card: "G1", Amount: yuan(18), Key: "lunch"}}
	tell("sold")(cards.Issue(ctx, giftcard.Issue{Command: giftcard.Command{Card: "G1", Amount: yuan(100), Key: "sold"}}))
	tell("sold")(cards.Issue(ctx, giftcard.Issue{Command: giftcard.Command{Card: "G2", Amount: yuan(20), Key: "sold"}}))
	tell("lunch")(cards.Charge(ctx, lunch))
	tell("lunch, sent again")(cards.Charge(ctx, lunch))
	tell("a dish sent back")(cards.Refund(ctx, giftcard.Refund{Command: giftcard.Command{Card: "G1", Amount: yuan(8), Key: "dish"}, Of: "lunch"}))
	tell("all of it sent back")(cards.Refund(ctx, giftcard.Refund{Command: giftcard.Command{Card: "G1", Amount: yuan(18), Key: "all"}, Of: "lunch"}))

	// A bill on two cards, in one transaction: both pay, or neither does.
	err := db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		for _, id := range []giftcard.CardID{"G1", "G2"} {
			if _, err := cards.In(tx).Charge(ctx, giftcard.Charge{Command: giftcard.Command{Card: id, Amount: yuan(50), Key: "bill"}}); err != nil {
				return err
			}
		}
		return nil
	})
	fmt.Println("a bill on both:", err)
	card, err := cards.Card(ctx, "G1")
	fmt.Println(card.Balance.Minor, err)
	// Output:
	// sold: +10000, balance 10000, replayed false
	// sold: +2000, balance 2000, replayed false
	// lunch: -1800, balance 8200, replayed false
	// lunch, sent again: -1800, balance 8200, replayed true
	// a dish sent back: +800, balance 9000, replayed false
	// all of it sent back: giftcard.refund: the amount exceeds what remains
	// a bill on both: giftcard.charge: the amount exceeds what remains
	// 9000 <nil>
}
