package loyalty_test

import (
	"context"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage"
)

// Members come from another system, in many at a time: first for show, then for good. What was run
// before is replayed, so that it may be stopped and run again.
func ExampleEngine_ImportAll() {
	ctx := context.Background()
	points, since := started(ctx), time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC)
	members := func(yield func(loyalty.Import, error) bool) {
		for _, m := range []loyalty.Import{
			{
				Account: loyalty.AccountID{Program: "club", Member: "alice"}, Key: "move-in", Joined: since,
				Points: []loyalty.Opening{{
					Lots: []loyalty.OpeningLot{{N: 120, To: time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC)}}, Redeemed: 900,
				}},
				Metrics: []loyalty.OpeningCount{{Metric: "spent", At: since, N: 102_000}},
			},
			{Account: loyalty.AccountID{Program: "club", Member: "bob"}, Key: "move-in", Tier: loyalty.OpeningTier{Level: "silver"}},
		} {
			if !yield(m, nil) {
				return
			}
		}
	}
	options := &storage.ImportOptions[loyalty.Import]{Refused: func(n int, c loyalty.Import, err error) {
		fmt.Println(c.Account.Member, "is refused:", err)
	}}
	for _, engine := range []*loyalty.Engine{points.Preview(), points, points} {
		done, err := engine.ImportAll(ctx, members, options)
		fatal(err)
		books := done.Totals["points"]
		fmt.Println(done.Stored, "opened,", done.Replayed, "there,", books.Outstanding(), "of", books.Issued, "points,", done.Levels["gold"], "gold")
	}
	// Output:
	// bob is refused: loyalty.import for bob: loyalty: the program has no such level
	// 1 opened, 0 there, 120 of 1020 points, 1 gold
	// bob is refused: loyalty.import for bob: loyalty: the program has no such level
	// 1 opened, 0 there, 120 of 1020 points, 1 gold
	// bob is refused: loyalty.import for bob: loyalty: the program has no such level
	// 0 opened, 1 there, 120 of 1020 points, 1 gold
}

// One member comes from another system.
func ExampleEngine_Import() {
	ctx := context.Background()
	out, err := started(ctx).Import(ctx, loyalty.Import{
		Account: loyalty.AccountID{Program: "club", Member: "alice"}, Key: "move-in", Tier: loyalty.OpeningTier{Level: "gold"},
		Points: []loyalty.Opening{{Lots: []loyalty.OpeningLot{{N: 120}, {N: 80, To: time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC)}}}},
	})
	fatal(err)
	fmt.Println(out.Moves[0].Balance.Available, out.Status.Level)
	// Output: 200 gold
}
