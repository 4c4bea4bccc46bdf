package loyalty_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func fatal(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// started returns an engine with a point a yuan, and the double of it in the weekend.
func started(ctx context.Context) *loyalty.Engine {
	points := loyalty.New(memory.New(), nil)
	_, err := points.Publish(ctx, loyalty.Definition{
		ID: "club", Version: 1, Zone: "Asia/Shanghai", Money: "CNY",
		Currencies: []loyalty.Currency{{ID: "points", Expiry: loyalty.Expiry{Months: 12, RoundUp: loyalty.Month}}},
		Rules: []loyalty.Rule{
			{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}},
			{ID: "weekend", If: `time.weekday in 6..7`, Give: loyalty.Give{Times: "2"}},
		},
		Metrics: []loyalty.Metric{{ID: "spent", Of: loyalty.CountMoney}},
		Tiers:   &loyalty.Tiers{Levels: []loyalty.Level{{ID: "member"}, {ID: "gold", Needs: []loyalty.Need{{"spent": 100_000}}}}, Downgrade: loyalty.Never},
	})
	fatal(err)
	return points
}

func bought(at time.Time, amount int64) loyalty.Event {
	return loyalty.Event{At: at, Purchase: &loyalty.Purchase{Currency: "CNY", Lines: []loyalty.Line{{ID: "1", SKU: "beans", Gross: amount}}}}
}

// A purchase earns once, points are spent, and what is sent back is taken back.
func ExampleEngine() {
	ctx := context.Background()
	points, id := started(ctx), loyalty.AccountID{Program: "club", Member: "alice"}
	monday := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	tell := func(out loyalty.Outcome, err error) {
		fatal(err)
		fmt.Println(out.Moves[0].Balance.Available, out.Replayed)
	}
	tell(points.Earn(ctx, loyalty.Earn{Account: id, Event: bought(monday, 12_900), Key: "order-1"}))
	tell(points.Earn(ctx, loyalty.Earn{Account: id, Event: bought(monday, 12_900), Key: "order-1"}))
	tell(points.Redeem(ctx, loyalty.Redeem{Account: id, N: 100, Key: "redemption-1"}))
	tell(points.Return(ctx, loyalty.Return{Account: id, Of: "redemption-1", N: 40, Key: "return-1"}))
	tell(points.Refund(ctx, loyalty.Refund{Account: id, Of: "order-1", Amount: 6_450, Key: "refund-1"}))
	fatal(points.Verify(ctx, id))
	// Output:
	// 129 false
	// 129 true
	// 29 false
	// 69 false
	// 5 false
}

// What a purchase would earn, and why, before it is made.
func ExampleEngine_Preview() {
	ctx := context.Background()
	saturday := time.Date(2026, 3, 7, 12, 0, 0, 0, time.UTC)
	out, err := started(ctx).Preview().Earn(ctx, loyalty.Earn{
		Account: loyalty.AccountID{Program: "club", Member: "alice"}, Event: bought(saturday, 5_000), Key: "preview",
	})
	fatal(err)
	for _, s := range out.Steps {
		fmt.Println(s.Rule, s.Why)
	}
	fmt.Println(out.Earned("points"))
	// Output:
	// base gave
	// weekend multiplied
	// 100
}

// What is missing to the next level.
func ExampleProgram_Progress() {
	ctx := context.Background()
	points, id := started(ctx), loyalty.AccountID{Program: "club", Member: "alice"}
	now := time.Now()
	_, err := points.Earn(ctx, loyalty.Earn{Account: id, Event: bought(now, 30_000), Key: "order-1"})
	fatal(err)
	p, err := points.Program(ctx, "club", 0)
	fatal(err)
	a, err := points.Current(ctx, id)
	fatal(err)
	next, ways := p.Progress(a, now)
	fmt.Println(a.Status.Level, next, ways[0][0].Have, ways[0][0].Need)
	// Output: member gold 30000 100000
}

// What last year would have come to under another rule.
func ExampleEngine_WhatIf() {
	ctx := context.Background()
	points := started(ctx)
	for i, member := range []ids.Member{"alice", "bob", "alice"} {
		_, err := points.Earn(ctx, loyalty.Earn{
			Account: loyalty.AccountID{Program: "club", Member: member}, Event: bought(time.Date(2026, 3, 2+i, 12, 0, 0, 0, time.UTC), 60_000), Key: fmt.Sprint("order-", i),
		})
		fatal(err)
	}
	now, err := points.Program(ctx, "club", 0)
	fatal(err)
	d := now.Definition()
	d.Version, d.Rules = 2, []loyalty.Rule{{ID: "base", Give: loyalty.Give{Points: "3", Per: loyalty.PerMoney, Amount: 200}}}
	other, err := loyalty.Compile(d)
	fatal(err)
	var c loyalty.Comparison
	for part, err := range points.WhatIf(ctx, other, loyalty.WhatIfQuery{}) {
		fatal(err)
		fatal(c.Add(part)) // keep c: after an end of the process, go on with After: c.Last and At: c.At
	}
	fmt.Println(c.Members, "up to", c.Last)
	fmt.Println(c.Was.Totals["points"].Issued, c.Was.Levels)
	fmt.Println(c.Is.Totals["points"].Issued, c.Is.Levels)
	// Output:
	// 2 up to bob
	// 1800 map[gold:1 member:1]
	// 2700 map[gold:1 member:1]
}

// Points that are set aside are spent, or given back, or released by themselves.
func ExampleEngine_Reserve() {
	ctx := context.Background()
	points, id := started(ctx), loyalty.AccountID{Program: "club", Member: "alice"}
	_, err := points.Adjust(ctx, loyalty.Adjust{Account: id, N: 100, Reason: "welcome", Key: "welcome"})
	fatal(err)
	out, err := points.Reserve(ctx, loyalty.Reserve{Account: id, N: 60, Until: time.Now().Add(time.Hour), Key: "cart-1"})
	fatal(err)
	fmt.Println(out.Moves[0].Balance.Available, out.Moves[0].Balance.Held)
	out, err = points.Capture(ctx, loyalty.Capture{Account: id, Hold: "cart-1", N: 50, Key: "paid-1"})
	fatal(err)
	fmt.Println(out.Moves[0].Balance.Available, out.Moves[0].Balance.Held)
	// Output:
	// 40 60
	// 50 0
}
