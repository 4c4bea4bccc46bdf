package reward_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// A voucher that was given as a present is redeemed by its code, once.
func Example() {
	ctx := context.Background()
	random := bytes.Repeat([]byte("0123456789abcdef"), 2) // from the configuration: 32 random bytes
	rewards, err := reward.New(memory.New(), []secret.Key{{ID: "2026", Secret: random}}, nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := rewards.Publish(ctx, reward.Definition{
		ID: "gifts", Version: 1, Zone: "Asia/Shanghai", Program: "club", Prefix: "CVP",
		Rewards: []reward.Reward{{ID: "cup", Name: "A cup of coffee", Stock: 100, Valid: reward.Validity{Days: 30}}},
	}); err != nil {
		log.Fatal(err)
	}
	out, err := rewards.Issue(ctx, reward.Issue{
		Take: reward.Take{Holder: reward.HolderID{Catalog: "gifts", Member: "alice"}, Reward: "cup"}, Reason: "birthday", Key: "birthday-2026",
	})
	if err != nil {
		log.Fatal(err)
	}
	code := out.Vouchers[0].Code // CVP-7K3M-9QX2-WZ4T-HB5N

	for _, key := range []string{"till-1", "till-1", "till-2"} {
		v, err := rewards.Find(ctx, code)
		if err != nil {
			log.Fatal(err)
		}
		out, err := rewards.Redeem(ctx, reward.Redeem{Voucher: v.ID, Shop: "wangjing", Key: key})
		fmt.Println(v.Name, errors.Is(err, reward.ErrRedeemed), out.Replayed)
	}
	// Output:
	// A cup of coffee false false
	// A cup of coffee false true
	// A cup of coffee true false
}

// A table takes the dearest step that fits, and then the next one.
func ExampleTable() {
	table := reward.Table{Min: 150, Steps: []reward.Step{{Points: 50, Value: 50}, {Points: 1000, Value: 1500}}}
	for _, points := range []int64{149, 1_280} {
		_, taken, value := table.Fit(points)
		fmt.Println(points, taken, value)
	}
	// Output:
	// 149 0 0
	// 1280 1250 1750
}

// What is reserved and not captured in time is given back by itself.
func ExampleRules() {
	c, err := reward.Compile(reward.Definition{
		ID: "gifts", Version: 1, Zone: "UTC", Program: "club",
		Rewards: []reward.Reward{{ID: "cup", PerMember: []reward.Limit{{N: 1, Per: reward.Ever}}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	rules, now := reward.NewRules(c), time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	take := reward.Take{Holder: reward.HolderID{Catalog: "gifts", Member: "alice"}, Reward: "cup"}
	held, err := rules.Reserve(reward.Holder{ID: take.Holder}, nil, reward.Reserve{Take: take, For: time.Hour}, now)
	if err != nil {
		log.Fatal(err)
	}
	for _, at := range []time.Time{now, now.Add(time.Hour)} {
		d, err := rules.Issue(held.Next, held.Vouchers, reward.Issue{Take: take}, at)
		fmt.Println(len(d.Vouchers), len(d.Lapsed), errors.Is(err, reward.ErrMemberLimit))
	}
	// Output:
	// 0 0 true
	// 1 1 false
}
