package memory_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// Engines run on a database in memory as they do on one that lasts, and so do tests of a service.
// What a transaction did is gone where it fails, and no tenant sees another's rows.
func Example() {
	ctx, db := context.Background(), memory.New()
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	points := loyalty.New(db, &loyalty.Options{Now: func() time.Time { return noon }})
	if _, err := points.Publish(ctx, loyalty.Definition{
		ID: "club", Version: 1, Zone: "Asia/Shanghai", Currencies: []loyalty.Currency{{ID: "points"}},
	}); err != nil {
		log.Fatal(err)
	}
	alice := loyalty.AccountID{Program: "club", Member: "alice"}
	out, err := points.Adjust(ctx, loyalty.Adjust{Account: alice, N: 100, Reason: "welcome", Key: "welcome"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("available:", out.Moves[0].Balance.Available)

	fmt.Println(db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		if _, err := points.In(tx).Redeem(ctx, loyalty.Redeem{Account: alice, N: 30, Key: "order-1"}); err != nil {
			return err
		}
		return errors.New("the payment was declined")
	}))
	account, err := points.Account(ctx, alice)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("available:", account.Wallet("points").Balance(noon).Available)

	_, err = loyalty.New(db.Tenant("acme"), nil).Account(ctx, alice)
	fmt.Println(errors.Is(err, loyalty.ErrUnknownAccount))
	// Output:
	// available: 100
	// the payment was declined
	// available: 100
	// true
}
