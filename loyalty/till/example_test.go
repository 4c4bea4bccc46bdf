package till_test

import (
	"context"
	"fmt"
	"log"

	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/loyalty/till"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// The member shows six digits, the manager types them with the cart, sees what the voucher takes
// off it, and confirms.
func Example() {
	ctx, db := context.Background(), memory.New()
	must := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	keys := []secret.Key{{ID: "2026-11", Secret: []byte("32 random bytes, kept in a vault")}}
	codes, err := otp.New(db, keys, nil)
	must(err)
	rewards, err := reward.New(db, keys, nil)
	must(err)
	shops := shop.New(db, nil)
	desk := till.New(db, shops, codes, rewards, nil)

	_, err = rewards.Publish(ctx, reward.Definition{ID: "gifts", Version: 1, Zone: "Asia/Shanghai", Program: "club", Money: "CNY",
		Rewards: []reward.Reward{{ID: "off", Name: "20 % off", Discounts: []reward.Discount{{BasisPoints: 2000}}}},
	})
	must(err)
	_, err = shops.Put(ctx, shop.Put{Shop: shop.Shop{ID: "wangjing", Name: "Wangjing", Zone: "Asia/Shanghai"}, Key: "open"})
	must(err)
	invited, err := shops.Invite(ctx, shop.Invite{Shop: "wangjing", Key: "invite-1"})
	must(err)
	_, err = shops.Bind(ctx, shop.Bind{Token: invited.Token, Identity: "kathy", Key: "scan-1"})
	must(err)
	alice := reward.HolderID{Catalog: "gifts", Member: "alice"}
	given, err := rewards.Issue(ctx, reward.Issue{Take: reward.Take{Holder: alice, Reward: "off"}, Key: "birthday"})
	must(err)

	code, err := desk.Ask(ctx, till.Ask{Shop: "wangjing", Member: "alice", Voucher: given.Vouchers[0].ID, Key: "tap-1"})
	must(err)
	cart := &reward.Cart{Currency: "CNY", Lines: []reward.CartLine{{ID: "1", Price: 3000}}}
	seen, err := desk.Preview(ctx, till.Enter{Shop: "wangjing", Manager: "kathy", Code: code.Code, Cart: cart, Key: "entry-1"})
	must(err)
	fmt.Println("the manager sees:", seen.Voucher.Reward, "takes off", seen.Deduction.Total)
	done, err := desk.Confirm(ctx, till.Confirm{Shop: "wangjing", Manager: "kathy", Claim: seen.Claim})
	must(err)
	fmt.Println(done.Outcome.Vouchers[0].State)
	// Output:
	// the manager sees: off takes off 600
	// redeemed
}
