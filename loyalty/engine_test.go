package loyalty_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

var (
	ctx   = context.Background()
	alice = loyalty.AccountID{Program: "club", Member: "alice"}
	bob   = loyalty.AccountID{Program: "club", Member: "bob"}
	noon  = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
)

// club gives a point a yuan, and the double of it to gold, who are those who spent 1000 in a year.
func club(version int) loyalty.Definition {
	return loyalty.Definition{
		ID: "club", Version: version, Name: "会员积分", Zone: "Asia/Shanghai", Money: "CNY",
		Currencies: []loyalty.Currency{{ID: "points", Expiry: loyalty.Expiry{Months: 12, RoundUp: loyalty.Month}}},
		Rules: []loyalty.Rule{
			{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}},
			{ID: "gold", If: `tier == "gold"`, Give: loyalty.Give{Times: "2"}},
			{ID: "welcome", On: "sign-up", Give: loyalty.Give{Points: "50", Per: loyalty.PerEvent}, Caps: []loyalty.Cap{{Times: 1, Per: loyalty.Ever}}},
		},
		Metrics: []loyalty.Metric{{ID: "spent", Of: loyalty.CountMoney, Window: loyalty.Window{Months: 12}}},
		Tiers: &loyalty.Tiers{
			Levels:    []loyalty.Level{{ID: "member"}, {ID: "gold", Needs: []loyalty.Need{{"spent": 100_000}}}},
			Valid:     loyalty.Validity{Expiry: loyalty.Expiry{Months: 12}},
			Downgrade: loyalty.OnRefund,
		},
	}
}

// clock is one that tests set.
type clock struct{ at atomic.Int64 }

func (c *clock) set(t time.Time) { c.at.Store(t.UnixMicro()) }
func (c *clock) now() time.Time  { return time.UnixMicro(c.at.Load()) }

// open returns an engine with the club in force, and its clock, which stands at noon.
func open(t testing.TB, db storage.DB) (*loyalty.Engine, *clock) {
	t.Helper()
	c := &clock{}
	c.set(noon)
	points := loyalty.New(db, &loyalty.Options{Now: c.now})
	if _, err := points.Publish(ctx, club(1)); err != nil {
		t.Fatal(err)
	}
	return points, c
}

func buy(id loyalty.AccountID, amount int64, key string) loyalty.Earn {
	return loyalty.Earn{Account: id, Key: key, Event: loyalty.Event{Purchase: &loyalty.Purchase{
		Currency: "CNY", Lines: []loyalty.Line{{ID: "1", Gross: amount}},
	}}}
}

func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

func must[V any](t testing.TB) func(v V, err error) V {
	return func(v V, err error) V {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// holds fails where the member has another balance, or the ledger is not whole.
func holds(t testing.TB, points *loyalty.Engine, id loyalty.AccountID, want int64) {
	t.Helper()
	a := must[loyalty.Account](t)(points.Account(ctx, id))
	if b := a.Wallet("points").Balance(a.At); b.Available-b.Debt != want {
		t.Fatalf("%s has %+v, want %d", id.Member, b, want)
	}
	if err := points.Verify(ctx, id); err != nil {
		t.Fatal(err)
	}
}

func TestEngine(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("a purchase, a redemption, a refund", func(t *testing.T) {
			points, _ := open(t, db.Tenant("story"))
			out := must[loyalty.Outcome](t)
			if o := out(points.Earn(ctx, buy(alice, 12_345, "order-1"))); o.Earned("points") != 123 || o.Seq != 1 {
				t.Fatalf("%+v", o)
			}
			out(points.Redeem(ctx, loyalty.Redeem{Account: alice, N: 100, Key: "voucher-1"}))
			out(points.Return(ctx, loyalty.Return{Account: alice, Of: "voucher-1", N: 40, Key: "back-1"}))
			holds(t, points, alice, 63)
			out(points.Refund(ctx, loyalty.Refund{Account: alice, Of: "order-1", Amount: 12_345, Key: "refund-1"}))
			holds(t, points, alice, -60)
			out(points.Earn(ctx, buy(alice, 10_000, "order-2")))
			holds(t, points, alice, 40)
			totals, err := points.Totals(ctx, "club")
			want := map[ids.Currency]loyalty.Totals{"points": {Issued: 223, Redeemed: 60, Revoked: 123}}
			if diff := gocmp.Diff(want, totals); err != nil || diff != "" {
				t.Fatal(err, diff)
			}
		})
		t.Run("a repeated key gives the first outcome and changes nothing", func(t *testing.T) {
			tenant := db.Tenant("replay")
			points, _ := open(t, tenant)
			first := must[loyalty.Outcome](t)(points.Earn(ctx, buy(alice, 10_000, "k")))
			for _, engine := range []*loyalty.Engine{points, loyalty.New(tenant, nil)} {
				again, err := engine.Earn(ctx, buy(alice, 10_000, "k"))
				if err != nil || !again.Replayed {
					t.Fatal(again, err)
				}
				again.Replayed = false
				if diff := gocmp.Diff(first, again); diff != "" {
					t.Fatal(diff)
				}
				if _, err := engine.Earn(ctx, buy(alice, 10_001, "k")); !errors.Is(err, journal.ErrKeyReused) {
					t.Fatal(err)
				}
				if _, err := engine.Redeem(ctx, loyalty.Redeem{Account: alice, N: 1, Key: "k"}); !errors.Is(err, journal.ErrKeyReused) {
					t.Fatal(err)
				}
			}
			holds(t, points, alice, 100)
		})
		t.Run("50 callers with one order earn once", func(t *testing.T) {
			points, _ := open(t, db.Tenant("fifty"))
			var fresh atomic.Int64
			together(50, func(int) {
				if out := must[loyalty.Outcome](t)(points.Earn(ctx, buy(alice, 10_000, "order"))); !out.Replayed {
					fresh.Add(1)
				}
			})
			if fresh.Load() != 1 {
				t.Fatal(fresh.Load())
			}
			holds(t, points, alice, 100)
		})
		t.Run("50 callers redeem the last points of one member, and one wins", func(t *testing.T) {
			tenant := db.Tenant("last")
			points, c := open(t, tenant)
			must[loyalty.Outcome](t)(points.Earn(ctx, buy(alice, 10_000, "order")))
			engines := []*loyalty.Engine{points, loyalty.New(tenant, &loyalty.Options{Now: c.now})} // as two processes
			var won atomic.Int64
			together(50, func(i int) {
				_, err := engines[i%2].Redeem(ctx, loyalty.Redeem{Account: alice, N: 100, Key: fmt.Sprint("r", i)})
				var few *loyalty.InsufficientError
				switch {
				case err == nil:
					won.Add(1)
				case !errors.As(err, &few) || few.Have != 0:
					t.Error(err)
				}
			})
			if won.Load() != 1 {
				t.Fatal(won.Load(), "won")
			}
			holds(t, points, alice, 0)
		})
		t.Run("many commands on few members at once leave ledgers that add up", func(t *testing.T) {
			points, _ := open(t, db.Tenant("many"))
			var sum atomic.Int64
			together(16, func(i int) {
				id := loyalty.AccountID{Program: "club", Member: ids.Member(fmt.Sprint("m", i%3))}
				for n := range 5 {
					key := fmt.Sprint(i, "-", n)
					sum.Add(must[loyalty.Outcome](t)(points.Earn(ctx, buy(id, 1_000, key))).Earned("points"))
					if n%2 == 0 {
						must[loyalty.Outcome](t)(points.Refund(ctx, loyalty.Refund{Account: id, Of: key, All: true, Key: key + "-back"}))
						sum.Add(-10)
					}
				}
			})
			left := int64(0)
			for a, err := range points.Accounts(ctx, loyalty.AccountQuery{Program: "club"}) {
				if err != nil {
					t.Fatal(err)
				}
				if err := points.Verify(ctx, a.ID); err != nil {
					t.Error(err)
				}
				left += a.Wallet("points").Total()
			}
			if left != sum.Load() {
				t.Fatal(left, sum.Load())
			}
		})
		t.Run("a transfer and a merger are of both accounts or of neither", func(t *testing.T) {
			points, _ := open(t, db.Tenant("both"))
			out := must[loyalty.Outcome](t)
			out(points.Earn(ctx, buy(alice, 10_000, "order")))
			out(points.Transfer(ctx, loyalty.Transfer{Account: alice, To: "bob", N: 30, Key: "gift"}))
			if again := out(points.Transfer(ctx, loyalty.Transfer{Account: alice, To: "bob", N: 30, Key: "gift"})); !again.Replayed {
				t.Fatal("not replayed")
			}
			if _, err := points.Transfer(ctx, loyalty.Transfer{Account: alice, To: "bob", N: 71, Key: "more"}); !errors.Is(err, loyalty.ErrRefused) {
				t.Fatal(err)
			}
			holds(t, points, alice, 70)
			holds(t, points, bob, 30)
			out(points.Merge(ctx, loyalty.Merge{Account: alice, To: "bob", Key: "same"}))
			holds(t, points, alice, 0)
			holds(t, points, bob, 100)
			if _, err := points.Earn(ctx, buy(alice, 10_000, "late")); !errors.Is(err, loyalty.ErrMerged) {
				t.Fatal(err)
			}
			totals := must[map[ids.Currency]loyalty.Totals](t)(points.Totals(ctx, "club"))
			if want := (loyalty.Totals{Issued: 100, Received: 100, Sent: 100}); totals["points"] != want {
				t.Fatalf("%+v", totals)
			}
		})
		t.Run("what was booked before mergers is refunded after them, once", func(t *testing.T) {
			points, _ := open(t, db.Tenant("chain"))
			out := must[loyalty.Outcome](t)
			carol := loyalty.AccountID{Program: "club", Member: "carol"}
			out(points.Earn(ctx, buy(alice, 10_000, "order")))
			out(points.Redeem(ctx, loyalty.Redeem{Account: alice, N: 20, Key: "spend"}))
			refund := loyalty.Refund{Account: alice, Of: "order", Amount: 1_000, Key: "first"}
			out(points.Refund(ctx, refund))
			out(points.Merge(ctx, loyalty.Merge{Account: alice, To: "bob", Key: "same"}))
			second := loyalty.Refund{Account: alice, Of: "order", Amount: 2_000, Key: "second"}
			out(points.Refund(ctx, second))
			holds(t, points, bob, 50)
			out(points.Merge(ctx, loyalty.Merge{Account: bob, To: "carol", Key: "too"}))
			for _, again := range []loyalty.Refund{refund, second} {
				if o := out(points.Refund(ctx, again)); !o.Replayed {
					t.Fatalf("%s took points again", again.Key)
				}
			}
			second.Amount++
			if _, err := points.Refund(ctx, second); !errors.Is(err, journal.ErrKeyReused) {
				t.Fatal(err)
			}
			if o := out(points.Refund(ctx, loyalty.Refund{Account: alice, Of: "order", Amount: 3_000, Key: "third"})); o.Account != carol {
				t.Fatal(o.Account)
			}
			out(points.Return(ctx, loyalty.Return{Account: alice, Of: "spend", N: 5, Key: "back"}))
			holds(t, points, carol, 25)
			together(10, func(i int) {
				_, err := points.Refund(ctx, loyalty.Refund{Account: alice, Of: "order", Amount: 4_000, Key: fmt.Sprint("all", i)})
				if err != nil && !errors.Is(err, loyalty.ErrTooMuch) {
					t.Error(err)
				}
			})
			holds(t, points, carol, -15)
			if _, err := points.Refund(ctx, loyalty.Refund{Account: alice, Of: "none", All: true, Key: "x"}); !errors.Is(err, loyalty.ErrUnknownBooking) {
				t.Fatal(err)
			}
			holds(t, points, alice, 0)
			holds(t, points, bob, 0)
			c := must[loyalty.Comparison](t)(points.Compared(ctx, must[*loyalty.Program](t)(points.Program(ctx, "club", 0)), loyalty.WhatIfQuery{}))
			if len(c.Refused) > 0 || !maps.Equal(c.Is.Totals, c.Was.Totals) {
				t.Fatalf("%+v", c)
			}
		})
		t.Run("a sweep posts what time has done, and passes by what it has not", func(t *testing.T) {
			points, c := open(t, db.Tenant("sweep"))
			out := must[loyalty.Outcome](t)
			swept := func(limit, want int) {
				t.Helper()
				if n := must[int](t)(points.Sweep(ctx, limit)); n != want {
					t.Fatalf("%d accounts were swept, want %d", n, want)
				}
			}
			out(points.Earn(ctx, buy(alice, 150_000, "order")))
			out(points.Earn(ctx, buy(bob, 10_000, "order")))
			d := club(2)
			d.Tiers.Valid, d.Tiers.Downgrade, d.Tiers.AtEnd = loyalty.Validity{}, loyalty.AtEnd, true
			d.Metrics[0].Window = loyalty.Window{Calendar: loyalty.Year}
			must[*loyalty.Program](t)(points.Publish(ctx, d))
			out(points.Earn(ctx, buy(bob, 140_000, "large")))
			c.set(noon.AddDate(1, 0, 0).Truncate(24 * time.Hour))
			swept(100, 1) // bob rises; alice has her level and her points for longer
			a := must[loyalty.Account](t)(points.Account(ctx, bob))
			if a.Status.Level != "gold" {
				t.Fatal(a.Status)
			}
			swept(100, 0)
			c.set(noon.AddDate(3, 0, 0))
			swept(1, 1)
			swept(100, 1)
			swept(100, 0)
			for _, id := range []loyalty.AccountID{alice, bob} {
				holds(t, points, id, 0)
				if a := must[loyalty.Account](t)(points.Account(ctx, id)); a.Status.Level != "member" || !a.Due().IsZero() {
					t.Fatalf("%+v", a)
				}
			}
		})
		t.Run("in a transaction that is rolled back, nothing happened", func(t *testing.T) {
			tenant := db.Tenant("rollback")
			points, _ := open(t, tenant)
			sentinel := errors.New("no")
			err := tenant.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
				if _, err := points.In(tx).Earn(ctx, buy(alice, 10_000, "order")); err != nil {
					return err
				}
				return sentinel
			})
			if !errors.Is(err, sentinel) {
				t.Fatal(err)
			}
			if _, err := points.Account(ctx, alice); !errors.Is(err, loyalty.ErrUnknownAccount) {
				t.Fatal(err)
			}
		})
		t.Run("a preview stores nothing", func(t *testing.T) {
			points, _ := open(t, db.Tenant("preview"))
			if o := must[loyalty.Outcome](t)(points.Preview().Earn(ctx, buy(alice, 10_000, "order"))); o.Earned("points") != 100 {
				t.Fatalf("%+v", o)
			}
			if _, err := points.Account(ctx, alice); !errors.Is(err, loyalty.ErrUnknownAccount) {
				t.Fatal(err)
			}
		})
		t.Run("the past under another program, beside what it was", func(t *testing.T) {
			points, c := open(t, db.Tenant("whatif"))
			out := must[loyalty.Outcome](t)
			out(points.Earn(ctx, buy(alice, 60_000, "order-1")))
			c.set(noon.AddDate(0, 0, 1))
			out(points.Earn(ctx, buy(bob, 10_000, "order-2")))
			out(points.Refund(ctx, loyalty.Refund{Account: alice, Of: "order-1", Lines: []loyalty.LineRefund{{ID: "1", Amount: 30_000}}, Key: "refund"}))
			out(points.Transfer(ctx, loyalty.Transfer{Account: alice, To: "bob", N: 200, Key: "gift"}))
			same := must[*loyalty.Program](t)(points.Program(ctx, "club", 1))
			is := must[loyalty.Comparison](t)(points.Compared(ctx, same, loyalty.WhatIfQuery{}))
			if diff := gocmp.Diff(is.Was, is.Is); diff != "" || is.Commands != 4 || len(is.Refused) != 0 {
				t.Error(is, diff)
			}
			half := club(2)
			half.Rules[0].Give.Points = "0.5"
			half.Tiers.Levels[1].Needs[0]["spent"] = 10_000
			is = must[loyalty.Comparison](t)(points.Compared(ctx, must[*loyalty.Program](t)(loyalty.Compile(half)), loyalty.WhatIfQuery{}))
			want := loyalty.Standing{
				Totals:  map[ids.Currency]loyalty.Totals{"points": {Issued: 350, Revoked: 150}},
				Metrics: map[loyalty.MetricID]int64{"spent": 40_000}, Levels: map[ids.Level]int{"gold": 2},
			}
			if diff := gocmp.Diff(want, is.Is); diff != "" || is.Refused["loyalty: 200 points are needed and 150 are there"] != 1 {
				t.Error(is, diff)
			}
			holds(t, points, alice, 100)
		})
		t.Run("what is due is listed, and posted once", func(t *testing.T) {
			points, c := open(t, db.Tenant("due"))
			must[loyalty.Outcome](t)(points.Earn(ctx, buy(alice, 200_000, "order")))
			c.set(time.Date(2027, 4, 1, 12, 0, 0, 0, time.UTC))
			for round, want := range []int64{1, 0} {
				due := int64(0)
				for a, err := range points.Accounts(ctx, loyalty.AccountQuery{Program: "club", DueBefore: c.now()}) {
					if err != nil {
						t.Fatal(err)
					}
					due++
					must[loyalty.Outcome](t)(points.Expire(ctx, loyalty.Expire{Account: a.ID, Key: fmt.Sprint("sweep-", round)}))
				}
				if due != want {
					t.Fatal(due, "are due, want", want)
				}
			}
			a := must[loyalty.Account](t)(points.Account(ctx, alice))
			if a.Status.Level != "member" || a.Holdings[0].Totals.Expired != 2000 {
				t.Fatalf("%+v", a)
			}
			holds(t, points, alice, 0)
			if o := must[loyalty.Outcome](t)(points.Expire(ctx, loyalty.Expire{Account: alice, Key: "idle"})); o.Seq != 0 {
				t.Fatalf("%+v", o)
			}
		})
	})
}

func TestBadInputStoresNothing(t *testing.T) {
	points, c := open(t, dbtest.SQLite(t))
	must[loyalty.Outcome](t)(points.Earn(ctx, buy(alice, 10_000, "order")))
	before := must[loyalty.Account](t)(points.Account(ctx, alice))
	lines := func(l ...loyalty.Line) loyalty.Earn {
		return loyalty.Earn{Account: alice, Key: "bad", Event: loyalty.Event{Purchase: &loyalty.Purchase{Currency: "CNY", Lines: l}}}
	}
	late := buy(alice, 100, "bad")
	late.At = c.now().Add(time.Second)
	dollars := buy(alice, 100, "bad")
	dollars.Purchase.Currency = "USD"
	mixed := buy(alice, 100, "bad")
	mixed.Kind = "review"
	for name, run := range map[string]func() error{
		"no lines":               func() error { _, err := points.Earn(ctx, lines()); return err },
		"a negative amount":      func() error { _, err := points.Earn(ctx, buy(alice, -1, "bad")); return err },
		"an amount past the end": func() error { _, err := points.Earn(ctx, buy(alice, math.MaxInt64, "bad")); return err },
		"amounts that overflow": func() error {
			_, err := points.Earn(ctx, lines(loyalty.Line{ID: "1", Gross: 9e11}, loyalty.Line{ID: "2", Gross: 9e11}))
			return err
		},
		"the same line twice": func() error {
			_, err := points.Earn(ctx, lines(loyalty.Line{ID: "1", Gross: 1}, loyalty.Line{ID: "1", Gross: 1}))
			return err
		},
		"a discount above the line": func() error {
			_, err := points.Earn(ctx, lines(loyalty.Line{ID: "1", Gross: 1, Discount: 2}))
			return err
		},
		"the future":              func() error { _, err := points.Earn(ctx, late); return err },
		"another currency":        func() error { _, err := points.Earn(ctx, dollars); return err },
		"a purchase as a review":  func() error { _, err := points.Earn(ctx, mixed); return err },
		"no key":                  func() error { _, err := points.Earn(ctx, buy(alice, 1, "")); return err },
		"a redemption of nothing": func() error { _, err := points.Redeem(ctx, loyalty.Redeem{Account: alice, Key: "bad"}); return err },
		"an unknown currency": func() error {
			_, err := points.Redeem(ctx, loyalty.Redeem{Account: alice, Currency: "stars", N: 1, Key: "bad"})
			return err
		},
		"a refund of nothing known": func() error {
			_, err := points.Refund(ctx, loyalty.Refund{Account: alice, Of: "order-9", All: true, Key: "bad"})
			return err
		},
		"a refund above the purchase": func() error {
			_, err := points.Refund(ctx, loyalty.Refund{Account: alice, Of: "order", Amount: 10_001, Key: "bad"})
			return err
		},
		"a refund of a line twice": func() error {
			l := loyalty.LineRefund{ID: "1", Amount: 1}
			_, err := points.Refund(ctx, loyalty.Refund{Account: alice, Of: "order", Lines: []loyalty.LineRefund{l, l}, Key: "bad"})
			return err
		},
		"a refund of an unknown line": func() error {
			_, err := points.Refund(ctx, loyalty.Refund{Account: alice, Of: "order", Lines: []loyalty.LineRefund{{ID: "2", Amount: 1}}, Key: "bad"})
			return err
		},
		"a return of a purchase": func() error {
			_, err := points.Return(ctx, loyalty.Return{Account: alice, Of: "order", Key: "bad"})
			return err
		},
		"points past the end": func() error {
			_, err := points.Adjust(ctx, loyalty.Adjust{Account: alice, N: loyalty.MaxPoints, Reason: "x", Key: "bad"})
			return err
		},
		"more than is there": func() error {
			_, err := points.Adjust(ctx, loyalty.Adjust{Account: alice, N: -101, Reason: "x", Key: "bad"})
			return err
		},
		"no reason": func() error {
			_, err := points.Adjust(ctx, loyalty.Adjust{Account: alice, N: 1, Key: "bad"})
			return err
		},
		"oneself": func() error {
			_, err := points.Transfer(ctx, loyalty.Transfer{Account: alice, To: "alice", N: 1, Key: "bad"})
			return err
		},
		"an unknown level": func() error {
			_, err := points.SetTier(ctx, loyalty.SetTier{Account: alice, Level: "iron", Key: "bad"})
			return err
		},
		"a member without account": func() error {
			_, err := points.Redeem(ctx, loyalty.Redeem{Account: bob, N: 1, Key: "bad"})
			return err
		},
		"an unknown program": func() error {
			_, err := points.Earn(ctx, buy(loyalty.AccountID{Program: "none", Member: "alice"}, 1, "bad"))
			return err
		},
	} {
		err := run()
		var input *errs.InputError
		if !errors.As(err, &input) && !errors.Is(err, loyalty.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	after := must[loyalty.Account](t)(points.Account(ctx, alice))
	if diff := gocmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
}

func TestClocksThatGoBack(t *testing.T) {
	points, c := open(t, dbtest.SQLite(t))
	must[loyalty.Outcome](t)(points.Earn(ctx, buy(alice, 10_000, "order-1")))
	c.set(noon.Add(-time.Hour))
	out := must[loyalty.Outcome](t)(points.Earn(ctx, buy(alice, 10_000, "order-2")))
	if !out.At.Equal(noon) {
		t.Error(out.At)
	}
	holds(t, points, alice, 200)
}
