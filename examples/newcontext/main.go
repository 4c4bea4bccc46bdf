// Command newcontext plays gift cards, a context that was added to those of scrmkit. On the same
// database a second time it changes nothing: every command that took effect is a replay.
//
//	go run ./examples/newcontext [-db memory|sqlite:PATH|postgres://...]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/scrmkit/scrmkit/examples/internal/database"
	"github.com/scrmkit/scrmkit/examples/newcontext/giftcard"
	"github.com/scrmkit/scrmkit/storage"
)

func main() {
	name := flag.String("db", "memory", "`database`: memory, sqlite:PATH or postgres://...")
	flag.Parse()
	if err := play(context.Background(), *name, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func play(ctx context.Context, name string, w io.Writer) (err error) {
	db, end, err := database.Open(ctx, name, giftcard.Tables)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	cards := giftcard.New(db, &giftcard.Options{Now: func() time.Time { return now }})

	cny := func(minor int64) giftcard.Money { return giftcard.Money{Minor: minor, Currency: "CNY"} }
	on := func(card giftcard.CardID, key string) giftcard.Command { return giftcard.Command{Card: card, Key: key} }
	issue := func(card giftcard.CardID, minor int64) giftcard.Issue {
		return giftcard.Issue{Command: on(card, "sold"), Amount: cny(minor), Ends: now.AddDate(1, 0, 0)}
	}
	charge := func(card giftcard.CardID, key string, minor int64) giftcard.Charge {
		return giftcard.Charge{Command: on(card, key), Amount: cny(minor)}
	}
	tell := func(step string) func(giftcard.Outcome, error) {
		return func(out giftcard.Outcome, err error) {
			if err != nil {
				fmt.Fprintf(w, "%-24s %v\n", step, err)
				return
			}
			fmt.Fprintf(w, "%-24s %+6d, balance %5d, replayed: %t\n", step, out.Moved, out.Card.Balance.Minor, out.Replayed)
		}
	}
	tell("issue G1")(cards.Issue(ctx, issue("G1", 100_00)))
	tell("issue G2")(cards.Issue(ctx, issue("G2", 20_00)))
	tell("lunch")(cards.Charge(ctx, charge("G1", "lunch", 18_00)))
	tell("lunch, sent again")(cards.Charge(ctx, charge("G1", "lunch", 18_00)))
	tell("dinner, too dear")(cards.Charge(ctx, charge("G1", "dinner", 99_00)))
	tell("top up")(cards.TopUp(ctx, giftcard.TopUp(charge("G1", "birthday", 50_00))))
	tell("a dish sent back")(cards.Refund(ctx, giftcard.Refund{Command: on("G1", "dish"), Of: "lunch", Amount: cny(8_00)}))
	tell("lunch sent back")(cards.Refund(ctx, giftcard.Refund{Command: on("G1", "all"), Of: "lunch", Amount: cny(18_00)}))

	// A bill on two cards, in one transaction: both pay, or neither does.
	err = db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		if _, err := cards.In(tx).Charge(ctx, charge("G1", "bill", 90_00)); err != nil {
			return err
		}
		_, err := cards.In(tx).Charge(ctx, charge("G2", "bill", 90_00))
		return err
	})
	fmt.Fprintf(w, "%-24s %v\n", "bill on G1 and G2", err)
	for c, err := range cards.Ending(ctx, now.AddDate(2, 0, 0)) {
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s has %d until %s\n", c.ID, c.Balance.Minor, c.Ends.Format(time.DateOnly))
	}
	tell("void G2")(cards.Void(ctx, giftcard.Void{Command: on("G2", "lost")}))
	now = now.AddDate(1, 0, 0)
	tell("a year later")(cards.Charge(ctx, charge("G1", "late", 1)))
	return nil
}
