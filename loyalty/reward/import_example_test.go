package reward_test

import (
	"bytes"
	"context"
	"fmt"
	"log"

	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// A voucher that another system has printed is found by what is on it.
func ExampleEngine_ImportAll() {
	ctx := context.Background()
	random := bytes.Repeat([]byte("0123456789abcdef"), 2) // from the configuration: 32 random bytes
	rewards, err := reward.New(memory.New(), []secret.Key{{ID: "2026", Secret: random}}, nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := rewards.Publish(ctx, reward.Definition{
		ID: "gifts", Version: 1, Zone: "Asia/Shanghai", Program: "club",
		Rewards: []reward.Reward{{ID: "cup", Name: "A cup of coffee", Valid: reward.Validity{Days: 30}}},
	}); err != nil {
		log.Fatal(err)
	}
	alice := reward.Import{
		Holder: reward.HolderID{Catalog: "gifts", Member: "alice"}, Vouchers: []reward.OpeningVoucher{{Reward: "cup", Code: "K7-4411"}}, Key: "move-in",
	}
	done, err := rewards.ImportAll(ctx, func(yield func(reward.Import, error) bool) { yield(alice, nil) }, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(done.Stored, "member,", done.Vouchers["cup"], "cup")

	v, err := rewards.Find(ctx, "k7 4411")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(v.ID, v.Name)
	// Output:
	// 1 member, 1 cup
	// gifts/alice/1 A cup of coffee
}
