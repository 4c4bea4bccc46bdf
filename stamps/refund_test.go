package stamps_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// records returns the history of a card, the oldest first.
func records(t *testing.T, cards *stamps.Engine, id stamps.CardID) (all []stamps.Record) {
	t.Helper()
	for r, err := range cards.History(ctx, id) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	slices.Reverse(all)
	return all
}

func TestCancelByTheKeyOfTheAdd(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("takes the stamps of that command, in any order", func(t *testing.T) {
			for i, order := range [][]int{{1, 2, 3}, {3, 2, 1}, {2, 1, 3}} {
				cards := open(t, db.Tenant(fmt.Sprint("order", i)))
				for n := int64(1); n <= 3; n++ {
					if _, err := cards.Add(ctx, add(n, fmt.Sprint("order-", n))); err != nil {
						t.Fatal(err)
					}
				}
				left := int64(6)
				for _, n := range order {
					x := stamps.Cancel{Card: alice, Of: fmt.Sprint("order-", n), Key: fmt.Sprint("refund-", n)}
					for k := range 2 {
						out, err := cards.Cancel(ctx, x)
						if err != nil || out.Record.Of != int64(n) || out.Record.N != -int64(n) || out.Replayed != (k > 0) {
							t.Fatal(out, err)
						}
					}
					if left -= int64(n); total(t, cards, alice) != left {
						t.Fatal(total(t, cards, alice), left)
					}
					x.Key += "-again"
					if _, err := cards.Cancel(ctx, x); !errors.Is(err, stamps.ErrCancelled) {
						t.Fatal(err)
					}
				}
			}
		})
		t.Run("finds nothing under the key of another command, card or of none", func(t *testing.T) {
			cards := open(t, db.Tenant("unknown"))
			bob := stamps.CardID{Program: "coffee", Member: "bob"}
			for _, c := range []stamps.Add{add(2, "order"), {Card: bob, N: 1, Key: "of-bob"}} {
				if _, err := cards.Add(ctx, c); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := cards.Adjust(ctx, stamps.Adjust{Card: alice, N: 1, Reason: "r", Key: "adjust"}); err != nil {
				t.Fatal(err)
			}
			for _, of := range []string{"of-bob", "adjust", "nothing"} {
				if _, err := cards.Cancel(ctx, stamps.Cancel{Card: alice, Of: of, Key: "x"}); !errors.Is(err, stamps.ErrUnknownRecord) {
					t.Errorf("%s: %v", of, err)
				}
			}
			var input *errs.InputError
			if _, err := cards.Cancel(ctx, stamps.Cancel{Card: alice, Of: "order", Record: 1, Key: "x"}); !errors.As(err, &input) || input.Field != "of" {
				t.Error(err)
			}
			if _, err := cards.Cancel(ctx, stamps.Cancel{Card: alice, Of: "order", Key: "order"}); !errors.Is(err, journal.ErrKeyReused) {
				t.Error(err)
			}
			if n := total(t, cards, alice); n != 3 {
				t.Error(n)
			}
		})
		t.Run("has one winner among 16, in a transaction and out of it", func(t *testing.T) {
			tenant := db.Tenant("race")
			cards := open(t, tenant)
			for _, key := range []string{"order-1", "order-2"} {
				if _, err := cards.Add(ctx, add(1, key)); err != nil {
					t.Fatal(err)
				}
			}
			var won atomic.Int64
			together(16, func(i int) {
				x := stamps.Cancel{Card: alice, Of: "order-1", Key: fmt.Sprint("refund-", i)}
				_, err := cards.Cancel(ctx, x)
				switch {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, stamps.ErrCancelled):
					t.Error(err)
				}
			})
			err := tenant.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
				out, err := cards.In(tx).Cancel(ctx, stamps.Cancel{Card: alice, Of: "order-2", Key: "in"})
				if err == nil && out.Record.Of != 2 {
					t.Error(out)
				}
				return err
			})
			if err != nil || won.Load() != 1 || total(t, cards, alice) != 0 {
				t.Fatal(err, won.Load(), total(t, cards, alice))
			}
		})
		t.Run("after a transfer takes what is there, and nothing where it is not", func(t *testing.T) {
			cards := open(t, db.Tenant("transfer"))
			bob := stamps.CardID{Program: "coffee", Member: "bob"}
			for _, c := range []stamps.Add{add(3, "order-1"), add(1, "order-2")} {
				if _, err := cards.Add(ctx, c); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := cards.Transfer(ctx, stamps.Transfer{From: alice, To: bob, N: 2, Key: "gift"}); err != nil {
				t.Fatal(err)
			}
			if _, err := cards.Cancel(ctx, stamps.Cancel{Card: alice, Of: "order-1", Key: "refund"}); !errors.Is(err, stamps.ErrTooFew) {
				t.Fatal(err)
			}
			if _, err := cards.Cancel(ctx, stamps.Cancel{Card: bob, Of: "gift", Key: "refund"}); !errors.Is(err, stamps.ErrUnknownRecord) {
				t.Fatal(err)
			}
			out, err := cards.Cancel(ctx, stamps.Cancel{Card: alice, Of: "order-2", Key: "refund"})
			if err != nil || out.Record.Of != 2 || total(t, cards, alice) != 1 || total(t, cards, bob) != 2 {
				t.Fatal(out, err)
			}
		})
	})
}

func TestPurchasesThatAreCounted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		d := coffee(1)
		d.Card.Earn = stamps.Earn{Per: stamps.PerPurchase, Purchases: 2, Include: []string{"drink"}}
		d.Card.Limit.Minimums = map[string]int64{"CNY": 500}
		cards := stamps.New(db, nil)
		if _, err := cards.Publish(ctx, d); err != nil {
			t.Fatal(err)
		}
		buy := func(key string) stamps.Add {
			return stamps.Add{Card: alice, Key: key, Purchase: &stamps.Purchase{
				Amount: 500, Currency: "CNY", Items: 1, Lines: []stamps.Line{{Category: "drink", Amount: 500, Items: 1}},
			}}
		}
		t.Run("count once each, whoever races", func(t *testing.T) {
			engines := []*stamps.Engine{cards, stamps.New(db, nil)}
			together(30, func(i int) {
				if _, err := engines[i%2].Add(ctx, buy(fmt.Sprint("order-", i%15))); err != nil {
					t.Error(err)
				}
			})
			if n := total(t, cards, alice); n != 7 {
				t.Fatalf("%d stamps for 15 purchases", n)
			}
			if _, err := engines[1].Add(ctx, buy("order-15")); err != nil || total(t, cards, alice) != 8 {
				t.Fatal(err)
			}
		})
		t.Run("are taken back by their keys, and those without a stamp too", func(t *testing.T) {
			for i := range 15 {
				x := stamps.Cancel{Card: alice, Of: fmt.Sprint("order-", i), Key: fmt.Sprint("refund-", i)}
				if _, err := cards.Cancel(ctx, x); err != nil {
					t.Fatal(err)
				}
				if n := total(t, cards, alice); n != int64(15-i)/2 {
					t.Fatalf("%d stamps for %d purchases", n, 15-i)
				}
			}
			out, err := cards.Cancel(ctx, stamps.Cancel{Card: alice, Key: "newest"})
			if err != nil || out.Record.N != 0 {
				t.Fatal("the last purchase has no stamp, and is taken back", out, err)
			}
			if _, err := cards.Cancel(ctx, stamps.Cancel{Card: alice, Key: "none"}); !errors.Is(err, stamps.ErrUnknownRecord) {
				t.Fatal(err)
			}
			if r := records(t, cards, alice)[0]; r.Began != 1 || r.Cancelled != 1 || len(r.Purchase.Lines) != 1 {
				t.Fatalf("%+v", r)
			}
		})
	})
}

func TestACouponIsTheShopsThatGaveIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		cards := open(t, db)
		for i := range 2 {
			c := add(5, fmt.Sprint("k", i))
			c.Place = stamps.Place{Shop: "wangjing"}
			if _, err := cards.Add(ctx, c); err != nil {
				t.Fatal(err)
			}
		}
		id := func(n int64) stamps.CouponID { return stamps.CouponID{Card: alice, N: n} }
		void := func(n int64, key string, p stamps.Place) error {
			return second(cards.Void(ctx, stamps.Void{Coupon: id(n), Reason: "r", Place: p, Key: key}))
		}
		undo := func(n int64, key string, p stamps.Place) error {
			return second(cards.Undo(ctx, stamps.Undo{Coupon: id(n), Reason: "r", Place: p, Key: key}))
		}
		for n := int64(1); n <= 2; n++ {
			if err := void(n, "stranger", stamps.Place{Shop: "sanlitun"}); !errors.Is(err, stamps.ErrOtherShop) {
				t.Fatal(err)
			}
		}
		if err := void(1, "own", stamps.Place{Shop: "wangjing"}); err != nil {
			t.Fatal(err)
		}
		if _, err := cards.Redeem(ctx, stamps.Redeem{Coupon: id(2), Place: stamps.Place{Shop: "sanlitun"}, Key: "r"}); err != nil {
			t.Fatal(err)
		}
		if err := undo(2, "stranger-undo", stamps.Place{Shop: "wangjing"}); !errors.Is(err, stamps.ErrOtherShop) {
			t.Fatal(err)
		}
		if err := undo(2, "own-undo", stamps.Place{Shop: "sanlitun"}); err != nil {
			t.Fatal(err)
		}
		c, err := cards.Coupon(ctx, id(2))
		if err != nil || c.State != stamps.Issued || c.Issuer != "wangjing" {
			t.Fatal(c, err)
		}
	})
}
