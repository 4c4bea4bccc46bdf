package redemption_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"time"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/redemption"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// Points become a voucher, and a voucher that is given back becomes points again.
func Example() {
	ctx, db := context.Background(), memory.New()
	points := loyalty.New(db, nil)
	_, err := points.Publish(ctx, loyalty.Definition{ID: "club", Version: 1, Zone: "Asia/Shanghai", Currencies: []loyalty.Currency{{ID: "points"}}})
	check(err)
	random := bytes.Repeat([]byte("0123456789abcdef"), 2) // from the configuration: 32 random bytes
	rewards, err := reward.New(db, []secret.Key{{ID: "2026", Secret: random}}, nil)
	check(err)
	_, err = rewards.Publish(ctx, reward.Definition{
		ID: "gifts", Version: 1, Zone: "Asia/Shanghai", Program: "club", Money: "CNY",
		Rewards: []reward.Reward{{ID: "cup", Prices: []reward.Price{{Points: 20}, {Points: 10, Money: 500}}}},
	})
	check(err)
	account := loyalty.AccountID{Program: "club", Member: "alice"}
	_, err = points.Adjust(ctx, loyalty.Adjust{Account: account, N: 100, Reason: "welcome", Key: "welcome"})
	check(err)

	desk := redemption.New(db, points, rewards, nil)
	alice := reward.HolderID{Catalog: "gifts", Member: "alice"}
	cup := redemption.Order{Holder: alice, Reward: "cup", Price: reward.Price{Points: 20}, Key: "tap-1"}
	taken, err := desk.Redeem(ctx, cup)
	check(err)
	fmt.Println(len(taken.Vouchers), taken.Points.Moves[0].Balance.Available)

	back, err := desk.Return(ctx, reward.Return{Voucher: taken.Vouchers[0].ID, Reason: "sold out in the shop", Key: "return-1"})
	check(err)
	fmt.Println(back.Vouchers[0].State, back.Points.Moves[0].Balance.Available)

	// Money is paid between a reservation and its capture.
	cup.Price, cup.Key = reward.Price{Points: 10, Money: 500}, "tap-2"
	held, err := desk.Reserve(ctx, redemption.Reserve{Order: cup, For: 15 * time.Minute})
	check(err)
	got, err := desk.Capture(ctx, reward.Capture{Holder: alice, Order: held.Vouchers[0].Order, Key: "paid-1"})
	check(err)
	fmt.Println(got.Vouchers[0].State, got.Points.Moves[0].Balance.Available)
	// Output:
	// 1 80
	// returned 100
	// issued 90
}
