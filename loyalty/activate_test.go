package loyalty_test

import (
	"testing"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// pending is a club whose points are pending for ten days, and end for those who are no gold; a
// refund takes no others.
func pending(t *testing.T) *loyalty.Simulation {
	t.Helper()
	d := club(1)
	d.Currencies[0].Pending, d.Currencies[0].Overdraft = 10, loyalty.PendingOnly
	d.Tiers.Levels[1].Expiry = map[ids.Currency]*loyalty.Expiry{"points": {}}
	return loyalty.Simulate(must[*loyalty.Program](t)(loyalty.Compile(d)))
}

func TestActivateBeginsTheOrdersOwnPoints(t *testing.T) {
	s := pending(t)
	for _, c := range []loyalty.Command{
		buy(alice, 10_000, "first"),
		loyalty.SetTier{Account: alice, Level: "gold", Key: "gold"},
		buy(alice, 10_000, "second"),
		loyalty.Activate{Account: alice, Of: "second", Key: "delivered"},
		loyalty.Refund{Account: alice, Of: "first", All: true, Key: "back"},
	} {
		must[loyalty.Outcome](t)(s.Do(c, noon))
	}
	w := s.Stored(alice).Wallet("points")
	if len(w.Lots) != 1 || w.Lots[0] != (loyalty.Lot{N: 200}) {
		t.Errorf("the wallet has %+v, want the points of the second order", w.Lots)
	}
}

func TestActivateFollowsAMerger(t *testing.T) {
	s := pending(t)
	carol := loyalty.AccountID{Program: "club", Member: "carol"}
	for _, c := range []loyalty.Command{
		buy(alice, 10_000, "order"), buy(bob, 7_000, "order"), buy(carol, 5_000, "order"),
		loyalty.Merge{Account: alice, To: bob.Member, Key: "merge"},
		loyalty.Merge{Account: bob, To: carol.Member, Key: "merge-2"},
	} {
		must[loyalty.Outcome](t)(s.Do(c, noon))
	}
	for range 2 {
		must[loyalty.Outcome](t)(s.Do(loyalty.Activate{Account: alice, Of: "order", Key: "delivered"}, noon))
		if b := s.Stored(carol).Wallet("points").Balance(noon); b != (loyalty.Balance{Available: 100, Pending: 120}) {
			t.Errorf("the balance is %+v", b)
		}
	}
}

// An engine activates on every database, and the journal has the outcome.
func TestActivateIsTold(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		points, _ := open(t, db)
		d := club(2)
		d.Currencies[0].Pending = 10
		must[*loyalty.Program](t)(points.Publish(ctx, d))
		must[loyalty.Outcome](t)(points.Earn(ctx, buy(alice, 10_000, "order")))
		activated := must[loyalty.Outcome](t)(points.Activate(ctx, loyalty.Activate{Account: alice, Of: "order", Key: "delivered"}))
		entries := must[[]journal.Record](t)(storage.Collect(db.Journal().Of(ctx, alice.Subject())))
		told := must[loyalty.Outcome](t)(loyalty.KindActivate.Result(entries[0].Entry))
		if b := told.Moves[0].Balance; b != (loyalty.Balance{Available: 100}) || b != activated.Moves[0].Balance {
			t.Errorf("the journal tells of %+v, and the engine of %+v", told, activated)
		}
	})
}
