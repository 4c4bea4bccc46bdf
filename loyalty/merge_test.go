package loyalty_test

import (
	"errors"
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty"
)

// A hold of a member who was merged is captured or released by the old id, once, though the other
// has one of that name.
func TestHoldsFollowAMerger(t *testing.T) {
	points, _ := open(t, dbtest.SQLite(t))
	for _, id := range []loyalty.AccountID{alice, bob} {
		must[loyalty.Outcome](t)(points.Earn(ctx, buy(id, 50_000, "order")))
	}
	reserve := func(id loyalty.AccountID, n int64, key string) {
		must[loyalty.Outcome](t)(points.Reserve(ctx, loyalty.Reserve{Account: id, N: n, Until: days(30), Key: key}))
	}
	reserve(alice, 100, "cart")
	reserve(bob, 30, "cart")
	reserve(bob, 20, "other")
	must[loyalty.Outcome](t)(points.Merge(ctx, loyalty.Merge{Account: bob, To: alice.Member, Key: "same"}))
	capture := loyalty.Capture{Account: bob, Hold: "cart", N: 25, Key: "pay"}
	out := must[loyalty.Outcome](t)(points.Capture(ctx, capture))
	if out.Account != alice || loyalty.Sum(out.Moves[0].Taken) != 25 {
		t.Fatalf("%+v", out)
	}
	if again := must[loyalty.Outcome](t)(points.Capture(ctx, capture)); !again.Replayed || again.Seq != out.Seq {
		t.Errorf("%+v", again)
	}
	must[loyalty.Outcome](t)(points.Release(ctx, loyalty.Release{Account: bob, Hold: "other", Key: "cancel"}))
	capture.Key = "twice"
	if _, err := points.Capture(ctx, capture); !errors.Is(err, loyalty.ErrUnknownHold) {
		t.Error(err)
	}
	must[loyalty.Outcome](t)(points.Return(ctx, loyalty.Return{Account: alice, Of: "pay", N: 5, Key: "back"}))
	b := must[loyalty.Account](t)(points.Current(ctx, alice)).Wallet("points").Balance(noon)
	if b.Held != 100 || b.Available != 1000-100-20 {
		t.Errorf("%+v", b)
	}
	for _, id := range []loyalty.AccountID{alice, bob} {
		if err := points.Verify(ctx, id); err != nil {
			t.Error(err)
		}
	}
}
