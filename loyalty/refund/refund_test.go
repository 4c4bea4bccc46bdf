package refund_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/redemption"
	"github.com/scrmkit/scrmkit/loyalty/refund"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

var (
	ctx     = context.Background()
	noon    = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	account = loyalty.AccountID{Program: "club", Member: "alice"}
	alice   = reward.HolderID{Catalog: "gifts", Member: "alice"}
	card    = stamps.CardID{Program: "coffee", Member: "alice"}
)

type setting struct {
	db      storage.DB
	desk    *refund.Desk
	points  *loyalty.Engine
	rewards *reward.Engine
	shelf   *redemption.Desk
	cards   *stamps.Engine
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, db storage.DB) setting {
	t.Helper()
	now := func() time.Time { return noon }
	s := setting{db: db, points: loyalty.New(db, &loyalty.Options{Now: now}), cards: stamps.New(db, &stamps.Options{Now: now})}
	_, err := s.points.Publish(ctx, loyalty.Definition{
		ID: "club", Version: 1, Zone: "UTC", Money: "CNY", Currencies: []loyalty.Currency{{ID: "points"}},
		Rules: []loyalty.Rule{{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}}},
	})
	must(t, err)
	s.rewards, err = reward.New(db, []secret.Key{{ID: "1", Secret: bytes.Repeat([]byte{1}, 32)}}, &reward.Options{Now: now})
	must(t, err)
	_, err = s.rewards.Publish(ctx, reward.Definition{ID: "gifts", Version: 1, Zone: "UTC", Program: "club", Rewards: []reward.Reward{
		{ID: "gift", Stock: 100}, {ID: "cup", Prices: []reward.Price{{Points: 20}}},
	}})
	must(t, err)
	for _, id := range []stamps.ProgramID{"coffee", "tea"} {
		_, err = s.cards.Publish(ctx, stamps.Definition{ID: id, Version: 1, Zone: "UTC", Card: &stamps.CardDefinition{
			Size: 4, Rewards: []stamps.Reward{{ID: "free", Name: "Free", At: 4}}, Earn: stamps.Earn{Per: stamps.PerHand},
			PastEnd: stamps.Carry, UsedCoupon: stamps.Refuse,
		}})
		must(t, err)
	}
	s.shelf = redemption.New(db, s.points, s.rewards, nil)
	s.desk = refund.New(db, s.points, s.rewards, s.cards, nil)
	return s
}

// buy is an order of 100.00 in two lines: 100 points, so many stamps of coffee, and two gifts.
func (s setting) buy(t testing.TB, order string, n int64) []reward.Voucher {
	t.Helper()
	_, err := s.points.Earn(ctx, loyalty.Earn{Account: account, Key: order, Event: loyalty.Event{Purchase: &loyalty.Purchase{
		Currency: "CNY", Lines: []loyalty.Line{{ID: "1", Gross: 6000}, {ID: "2", Gross: 4000, Quantity: 2}},
	}}})
	must(t, err)
	_, err = s.cards.Add(ctx, stamps.Add{Card: card, N: n, Key: order})
	must(t, err)
	out, err := s.rewards.Issue(ctx, reward.Issue{Take: reward.Take{Holder: alice, Reward: "gift", N: 2}, Gift: true, Key: order})
	must(t, err)
	return out.Vouchers
}

// A standing is what alice has.
type standing struct {
	Points, Stamps, Stock int64
	Vouchers              map[reward.State]int
}

func (s setting) stands(t testing.TB) standing {
	t.Helper()
	got := standing{Vouchers: map[reward.State]int{}}
	a, err := s.points.Current(ctx, account)
	must(t, err)
	got.Points = a.Wallet("points").Balance(noon).Available
	c, err := s.cards.Card(ctx, card)
	must(t, err)
	got.Stamps = c.Total
	for v, err := range s.rewards.Vouchers(ctx, reward.VoucherQuery{Member: "alice"}) {
		must(t, err)
		got.Vouchers[v.State]++
	}
	counts, err := s.rewards.Counts(ctx, "gifts")
	must(t, err)
	for _, n := range counts {
		got.Stock += n.N
	}
	return got
}

func (s setting) has(t testing.TB, what string, want standing) {
	t.Helper()
	if diff := cmp.Diff(want, s.stands(t)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// entries counts what the journal has.
func (s setting) entries(t testing.TB) (n int) {
	t.Helper()
	for _, err := range s.db.Journal().After(ctx, "", 0) {
		must(t, err)
		n++
	}
	return n
}

// fates are what became of the parts: of stamps, then of vouchers.
func fates(r refund.Result) (all []refund.Fate) {
	for _, b := range r.Stamps {
		all = append(all, b.Fate)
	}
	for _, b := range r.Vouchers {
		all = append(all, b.Fate)
	}
	return all
}

func is(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error is %v, want %v", what, err, want)
	}
}

func TestRefund(t *testing.T) {
	tenant := 0
	dbtest.Each(t, func(t *testing.T, whole dbtest.DB) {
		run := func(name string, f func(t *testing.T, s setting)) {
			tenant++
			db := whole.Tenant(fmt.Sprint("case ", tenant))
			t.Run(name, func(t *testing.T) { f(t, open(t, db)) })
		}
		do := func(t *testing.T, s setting, c refund.Refund, want ...refund.Fate) refund.Result {
			t.Helper()
			c.Account = account
			r, err := s.desk.Refund(ctx, c)
			must(t, err)
			if diff := cmp.Diff(want, fates(r)); diff != "" {
				t.Errorf("fates (-want +got):\n%s", diff)
			}
			return r
		}
		run("of all takes back points, stamps and vouchers of that order alone, once", func(t *testing.T, s setting) {
			s.buy(t, "order-1", 2)
			s.buy(t, "order-2", 1)
			c := refund.Refund{Order: "order-1", All: true, Reason: "returned", Key: "refund-1"}
			r := do(t, s, c, refund.TakenBack, refund.TakenBack, refund.TakenBack)
			want := standing{100, 1, 2, map[reward.State]int{reward.Issued: 2, reward.Returned: 2}}
			s.has(t, "after it", want)
			n := s.entries(t)
			again := do(t, s, c, refund.TakenBack, refund.TakenBack, refund.TakenBack)
			if !again.Replayed || !r.Whole || !again.Whole || again.Points.Seq != r.Points.Seq || s.entries(t) != n {
				t.Errorf("the repetition is %+v", again)
			}
			s.has(t, "after its repetition", want)
			c.Account, c.Reason = account, "another"
			_, err := s.desk.Refund(ctx, c)
			is(t, "the key with another input", err, journal.ErrKeyReused)
			c.Reason, c.Key = "returned", "refund-2"
			_, err = s.desk.Refund(ctx, c)
			is(t, "a second time", err, loyalty.ErrTooMuch)
			s.has(t, "after all", want)
		})
		run("of a part takes points in proportion, and keeps what has no parts until the last", func(t *testing.T, s setting) {
			s.buy(t, "order-1", 2)
			r := do(t, s, refund.Refund{Order: "order-1", Lines: []loyalty.LineRefund{{ID: "2", Items: 1}}, Key: "a"}, refund.KeptPart, refund.KeptPart, refund.KeptPart)
			if r.Whole {
				t.Error("it is whole")
			}
			s.has(t, "after a part", standing{80, 2, 2, map[reward.State]int{reward.Issued: 2}})
			r = do(t, s, refund.Refund{Order: "order-1", Amount: 8000, Key: "b"}, refund.TakenBack, refund.TakenBack, refund.TakenBack)
			if !r.Whole {
				t.Error("it is not whole")
			}
			want := standing{0, 0, 0, map[reward.State]int{reward.Returned: 2}}
			s.has(t, "after the rest", want)
			// The first is repeated late: it tells what it did, and does no more.
			if r := do(t, s, refund.Refund{Order: "order-1", Lines: []loyalty.LineRefund{{ID: "2", Items: 1}}, Key: "a"}); !r.Replayed {
				t.Error(r)
			}
			s.has(t, "after the repetition of the first", want)
		})
		run("of a part takes the stamps and vouchers that it names", func(t *testing.T, s setting) {
			vouchers := s.buy(t, "order-1", 3)
			c := refund.Refund{
				Order: "order-1", Amount: 5000, Stamps: []refund.Stamps{{Program: "coffee", N: 2}}, Vouchers: []reward.VoucherID{vouchers[1].ID}, Key: "a",
			}
			do(t, s, c, refund.TakenBack, refund.KeptPart, refund.TakenBack)
			want := standing{50, 1, 1, map[reward.State]int{reward.Issued: 1, reward.Returned: 1}}
			s.has(t, "after a part", want)
			if r := do(t, s, c, refund.TakenBack, refund.TakenBack); !r.Replayed {
				t.Error(r)
			}
			s.has(t, "after its repetition", want)
			do(t, s, refund.Refund{Order: "order-1", All: true, Key: "b"}, refund.TakenBack, refund.TakenBack, refund.KeptEnded)
			s.has(t, "after the rest", standing{0, 0, 0, map[reward.State]int{reward.Returned: 2}})
		})
		run("leaves what it can't take back, and says why", func(t *testing.T, s setting) {
			vouchers := s.buy(t, "order-1", 4)
			_, err := s.rewards.Redeem(ctx, reward.Redeem{Voucher: vouchers[0].ID, Shop: "north", Key: "use"})
			must(t, err)
			_, err = s.rewards.Void(ctx, reward.Void{Voucher: vouchers[1].ID, Reason: "fraud", Key: "void"})
			must(t, err)
			_, err = s.cards.Redeem(ctx, stamps.Redeem{Coupon: stamps.CouponID{Card: card, N: 1}, Key: "use"})
			must(t, err)
			do(t, s, refund.Refund{Order: "order-1", All: true, Key: "a"}, refund.KeptUsed, refund.KeptUsed, refund.KeptEnded)
			s.has(t, "after it", standing{0, 4, 2, map[reward.State]int{reward.Redeemed: 1, reward.Voided: 1}})
			// What was used then, and is undone since, is not taken by the repetition, but by
			// another refund.
			_, err = s.rewards.Undo(ctx, reward.Undo{Voucher: vouchers[0].ID, Key: "undo"})
			must(t, err)
			if r := do(t, s, refund.Refund{Order: "order-1", All: true, Key: "a"}); !r.Replayed {
				t.Error(r)
			}
			do(t, s, refund.Refund{Order: "order-1", All: true, Key: "b"}, refund.KeptUsed, refund.TakenBack, refund.KeptEnded)
		})
		run("gives points back that a voucher of the order cost, and cancels what is reserved", func(t *testing.T, s setting) {
			s.buy(t, "order-0", 1)
			for _, o := range []redemption.Order{
				{Holder: alice, Reward: "cup", Price: reward.Price{Points: 20}, Of: "order-1", Key: "cup"},
			} {
				_, err := s.shelf.Redeem(ctx, o)
				must(t, err)
				o.N, o.Key = 2, "cups"
				_, err = s.shelf.Reserve(ctx, redemption.Reserve{Order: o, For: time.Hour})
				must(t, err)
			}
			s.has(t, "before", standing{40, 1, 5, map[reward.State]int{reward.Issued: 3, reward.Reserved: 2}})
			r := do(t, s, refund.Refund{Order: "order-1", All: true, Key: "a"}, refund.TakenBack, refund.TakenBack, refund.TakenBack)
			if r.Points != nil {
				t.Error("the order earned", r.Points)
			}
			s.has(t, "after", standing{100, 1, 2, map[reward.State]int{reward.Issued: 2, reward.Returned: 1, reward.Cancelled: 2}})
			again := do(t, s, refund.Refund{Order: "order-1", All: true, Key: "a"}, refund.TakenBack, refund.TakenBack, refund.TakenBack)
			if !again.Replayed {
				t.Error(again)
			}
			s.has(t, "after its repetition", standing{100, 1, 2, map[reward.State]int{reward.Issued: 2, reward.Returned: 1, reward.Cancelled: 2}})
		})
		run("of a member who was merged takes from the one who goes on", func(t *testing.T, s setting) {
			s.buy(t, "order-1", 2)
			_, err := s.shelf.Merge(ctx, loyalty.Merge{Account: account, To: "bob", Key: "m"})
			must(t, err)
			do(t, s, refund.Refund{Order: "order-1", All: true, Key: "a"}, refund.TakenBack, refund.TakenBack, refund.TakenBack)
			totals, err := s.points.Totals(ctx, "club")
			must(t, err)
			if n := totals["points"].Outstanding(); n != 0 {
				t.Errorf("%d points are left", n)
			}
		})
		run("in the caller's transaction goes with it", func(t *testing.T, s setting) {
			s.buy(t, "order-1", 2)
			before, end := s.stands(t), errors.New("end")
			err := s.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
				r, err := s.desk.In(tx).Refund(ctx, refund.Refund{Account: account, Order: "order-1", All: true, Key: "a"})
				must(t, err)
				if len(fates(r)) != 3 {
					t.Error(r)
				}
				return end
			})
			is(t, "the transaction", err, end)
			s.has(t, "after it was rolled back", before)
		})
		run("is refused where it can't be, and nothing is stored", func(t *testing.T, s setting) {
			vouchers := s.buy(t, "order-1", 2)
			n := s.entries(t)
			for what, c := range map[string]struct {
				c    refund.Refund
				want error
			}{
				"an order that is not known":     {refund.Refund{Order: "order-9", All: true, Key: "a"}, refund.ErrUnknownOrder},
				"more than was paid":             {refund.Refund{Order: "order-1", Amount: 10_001, Key: "a"}, loyalty.ErrTooMuch},
				"a line that is not known":       {refund.Refund{Order: "order-1", Lines: []loyalty.LineRefund{{ID: "9", Items: 1}}, Key: "a"}, loyalty.ErrUnknownLine},
				"more stamps than it gave":       {refund.Refund{Order: "order-1", Amount: 1, Stamps: []refund.Stamps{{Program: "coffee", N: 3}}, Key: "a"}, stamps.ErrTooFew},
				"stamps of another program":      {refund.Refund{Order: "order-1", Amount: 1, Stamps: []refund.Stamps{{Program: "tea"}}, Key: "a"}, stamps.ErrUnknownRecord},
				"a voucher that is not of it":    {refund.Refund{Order: "order-9", Amount: 1, Vouchers: []reward.VoucherID{vouchers[0].ID}, Key: "a"}, reward.ErrUnknownVoucher},
				"an order of which nothing came": {refund.Refund{Order: "order-9", Amount: 1, Key: "a"}, refund.ErrUnknownOrder},
			} {
				c.c.Account = account
				_, err := s.desk.Refund(ctx, c.c)
				is(t, what, err, c.want)
			}
			for field, c := range map[string]refund.Refund{
				"account.member":    {Account: loyalty.AccountID{Program: "club"}, Order: "o", All: true, Key: "k"},
				"account.program":   {Account: loyalty.AccountID{Member: "alice"}, Order: "o", All: true, Key: "k"},
				"order":             {Account: account, All: true, Key: "k"},
				"amount":            {Account: account, Order: "o", Key: "k"},
				"all":               {Account: account, Order: "o", All: true, Stamps: []refund.Stamps{{Program: "coffee"}}, Key: "k"},
				"stamps[1].program": {Account: account, Order: "o", Amount: 1, Stamps: []refund.Stamps{{Program: "coffee"}, {Program: "coffee"}}, Key: "k"},
				"key":               {Account: account, Order: "o", All: true, Key: "o"},
			} {
				var input *errs.InputError
				if _, err := s.desk.Refund(ctx, c); !errors.As(err, &input) || input.Field != field {
					t.Errorf("%s: %v", field, err)
				}
			}
			if got := s.entries(t); got != n {
				t.Errorf("%d entries were stored", got-n)
			}
		})
	})
}

// TestRefundsThatAddUpToOrdersLeaveNothing: however orders are refunded, in whatever parts and
// order, and however often each command is repeated, in the end nothing is left of them, and
// nothing else is touched.
func TestRefundsThatAddUpToOrdersLeaveNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := open(t, memory.New())
		s.buy(t, "kept", 1)
		before := s.stands(t)
		type part struct {
			refund.Refund
			last bool
		}
		var parts [][]part
		orders := rapid.IntRange(1, 3).Draw(rt, "orders")
		var turns []int
		for i := range orders {
			order := fmt.Sprint("order-", i)
			s.buy(t, order, rapid.Int64Range(1, 3).Draw(rt, "stamps"))
			left, own := int64(10_000), []part{}
			for n := 0; left > 0; n++ {
				c := refund.Refund{Account: account, Order: order, Key: fmt.Sprintf("refund-%d-%d", i, n)}
				c.Amount = min(left, rapid.SampledFrom([]int64{1, 33, 2500, 9999, 10_000}).Draw(rt, "amount"))
				if left -= c.Amount; n == 3 {
					c.Amount, c.All, left = 0, true, 0
				}
				own = append(own, part{c, left == 0})
				turns = append(turns, i)
			}
			parts = append(parts, own)
		}
		var done []refund.Refund
		for _, i := range rapid.Permutation(turns).Draw(rt, "turns") {
			p := parts[i][0]
			parts[i] = parts[i][1:]
			r, err := s.desk.Refund(ctx, p.Refund)
			if err != nil || r.Whole != p.last {
				rt.Fatalf("%+v: whole %v, %v", p.Refund, r.Whole, err)
			}
			done = append(done, p.Refund)
			again, err := s.desk.Refund(ctx, rapid.SampledFrom(done).Draw(rt, "repeated"))
			if err != nil || !again.Replayed {
				rt.Fatalf("the repetition is %+v, %v", again, err)
			}
		}
		after := s.stands(t)
		delete(after.Vouchers, reward.Returned)
		if diff := cmp.Diff(before, after); diff != "" {
			rt.Fatalf("what is left (-want +got):\n%s", diff)
		}
	})
}
