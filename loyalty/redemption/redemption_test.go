package redemption_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/redemption"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
)

var (
	ctx     = context.Background()
	noon    = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	alice   = reward.HolderID{Catalog: "gifts", Member: "alice"}
	account = loyalty.AccountID{Program: "club", Member: "alice"}
	cost    = reward.Price{Points: 20}
)

// A setting is a desk with its engines, and a clock that stands at noon.
type setting struct {
	db      storage.DB
	desk    *redemption.Desk
	points  *loyalty.Engine
	rewards *reward.Engine
	at      *atomic.Int64
}

func open(t testing.TB, db storage.DB) setting {
	t.Helper()
	s := setting{db: db, at: &atomic.Int64{}}
	s.set(noon)
	now := func() time.Time { return time.UnixMicro(s.at.Load()) }
	s.points = loyalty.New(db, &loyalty.Options{Now: now})
	_, err := s.points.Publish(ctx, loyalty.Definition{
		ID: "club", Version: 1, Zone: "UTC", Money: "CNY",
		Currencies: []loyalty.Currency{{ID: "points", Expiry: loyalty.Expiry{Months: 12}}, {ID: "stars"}},
		Rules:      []loyalty.Rule{{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}}},
		Metrics:    []loyalty.Metric{{ID: "spent", Of: loyalty.CountMoney}},
		Tiers:      &loyalty.Tiers{Levels: []loyalty.Level{{ID: "member"}, {ID: "gold", Needs: []loyalty.Need{{"spent": 100_000}}}}, Downgrade: loyalty.Never},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.rewards, err = reward.New(db, []secret.Key{{ID: "1", Secret: bytes.Repeat([]byte{1}, 32)}}, &reward.Options{Now: now})
	if err == nil {
		_, err = s.rewards.Publish(ctx, reward.Definition{
			ID: "gifts", Version: 1, Zone: "UTC", Program: "club", Money: "CNY", Rewards: []reward.Reward{
				{ID: "cup", Prices: []reward.Price{cost, {Points: 10, Money: 500}}},
				{ID: "last", Prices: []reward.Price{cost}, Stock: 3},
				{ID: "badge", Prices: []reward.Price{{Currency: "stars", Points: 2}}},
				{ID: "lounge", Levels: []ids.Level{"gold"}},
				{ID: "money", Table: &reward.Table{Min: 50, Steps: []reward.Step{{Points: 50, Value: 100}, {Points: 100, Value: 250}}}},
			},
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	s.desk = redemption.New(db, s.points, s.rewards, nil)
	return s
}

func (s setting) set(t time.Time) { s.at.Store(t.UnixMicro()) }

// give gives points by hand.
func (s setting) give(t testing.TB, member ids.Member, n int64) {
	t.Helper()
	_, err := s.points.Adjust(ctx, loyalty.Adjust{Account: loyalty.AccountID{Program: "club", Member: member}, N: n, Reason: "gift", Key: fmt.Sprint("give", n)})
	if err != nil {
		t.Fatal(err)
	}
}

func (s setting) balance(t testing.TB, member ids.Member) loyalty.Balance {
	t.Helper()
	a, err := s.points.Current(ctx, loyalty.AccountID{Program: "club", Member: member})
	if err != nil {
		t.Fatal(err)
	}
	return a.Wallet("points").Balance(time.UnixMicro(s.at.Load()))
}

func (s setting) has(t testing.TB, want loyalty.Balance) {
	t.Helper()
	if got := s.balance(t, "alice"); got != want {
		t.Errorf("the balance is %+v, want %+v", got, want)
	}
}

// states counts the vouchers of a member.
func (s setting) states(t testing.TB, member ids.Member) map[reward.State]int {
	t.Helper()
	states := map[reward.State]int{}
	for v, err := range s.rewards.Vouchers(ctx, reward.VoucherQuery{Catalog: "gifts", Member: member}) {
		if err != nil {
			t.Fatal(err)
		}
		states[v.State]++
	}
	return states
}

func order(id reward.RewardID, n int64, p reward.Price, key string) redemption.Order {
	return redemption.Order{Holder: alice, Reward: id, N: n, Price: p, By: "till", Key: key}
}

func is(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error is %v, want %v", what, err, want)
	}
}

func TestDesk(t *testing.T) {
	tenant := 0
	dbtest.Each(t, func(t *testing.T, whole dbtest.DB) {
		run := func(name string, f func(t *testing.T, s setting)) {
			tenant++
			db := whole.Tenant(fmt.Sprint("case ", tenant))
			t.Run(name, func(t *testing.T) { f(t, open(t, db)) })
		}
		do := func(t *testing.T) func(redemption.Result, error) redemption.Result {
			return func(r redemption.Result, err error) redemption.Result {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
				return r
			}
		}
		for _, c := range []struct {
			balance, n int64
			price      reward.Price
			fails      bool
		}{{10, 1, cost, true}, {10, 1, reward.Price{Points: 10, Money: 500}, false}, {100, 6, cost, true}, {100, 5, cost, false}} {
			run(fmt.Sprintf("OL34: %d pieces at %d of a balance of %d", c.n, c.price.Points, c.balance), func(t *testing.T, s setting) {
				s.give(t, "alice", c.balance)
				_, err := s.desk.Redeem(ctx, order("cup", c.n, c.price, "a"))
				var few *loyalty.InsufficientError
				if c.fails {
					if !errors.As(err, &few) || few.Have != c.balance || few.Need != c.n*c.price.Points {
						t.Errorf("error is %v", err)
					}
					s.has(t, loyalty.Balance{Available: c.balance})
					if len(s.states(t, "alice")) != 0 {
						t.Error("there is a voucher")
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				s.has(t, loyalty.Balance{Available: c.balance - c.n*c.price.Points})
				if got := s.states(t, "alice")[reward.Issued]; int64(got) != c.n {
					t.Errorf("%d vouchers", got)
				}
			})
		}
		run("a repetition spends once, though the price has changed since", func(t *testing.T, s setting) {
			s.give(t, "alice", 100)
			first := do(t)(s.desk.Redeem(ctx, order("cup", 1, cost, "a")))
			next := reward.Definition{ID: "gifts", Version: 2, Zone: "UTC", Program: "club", Rewards: []reward.Reward{{ID: "cup", Prices: []reward.Price{{Points: 90}}}}}
			if _, err := s.rewards.Publish(ctx, next); err != nil {
				t.Fatal(err)
			}
			again := do(t)(s.desk.Redeem(ctx, order("cup", 1, cost, "a")))
			if !again.Replayed || again.Vouchers[0].Code != first.Vouchers[0].Code || again.Vouchers[0].Code == "" {
				t.Error(again)
			}
			s.has(t, loyalty.Balance{Available: 80})
			_, err := s.desk.Redeem(ctx, order("cup", 1, cost, "b"))
			is(t, "the old price", err, reward.ErrPrice)
		})
		run("what is reserved is captured, and its points are spent", func(t *testing.T, s setting) {
			s.give(t, "alice", 50)
			do(t)(s.desk.Reserve(ctx, redemption.Reserve{Order: order("last", 2, cost, "r"), For: time.Hour}))
			s.has(t, loyalty.Balance{Available: 10, Held: 40})
			got := do(t)(s.desk.Capture(ctx, reward.Capture{Holder: alice, Order: 1, Key: "c"}))
			if got.Vouchers[1].Code == "" || got.Points == nil {
				t.Error(got)
			}
			s.has(t, loyalty.Balance{Available: 10})
			do(t)(s.desk.Return(ctx, reward.Return{Voucher: got.Vouchers[1].ID, Key: "back"}))
			if again := do(t)(s.desk.Return(ctx, reward.Return{Voucher: got.Vouchers[1].ID, Key: "back"})); !again.Replayed {
				t.Error(again)
			}
			_, err := s.desk.Return(ctx, reward.Return{Voucher: got.Vouchers[1].ID, Key: "again"})
			is(t, "twice", err, reward.ErrVoided)
			s.has(t, loyalty.Balance{Available: 30})
		})
		run("what is reserved is cancelled, and its points are given back", func(t *testing.T, s setting) {
			s.give(t, "alice", 60)
			do(t)(s.desk.Reserve(ctx, redemption.Reserve{Order: order("last", 3, cost, "r"), For: time.Hour}))
			do(t)(s.desk.Cancel(ctx, reward.Cancel{Holder: alice, Order: 1, Key: "c"}))
			s.has(t, loyalty.Balance{Available: 60})
			do(t)(s.desk.Redeem(ctx, order("last", 3, cost, "b")))
		})
		run("what is reserved and not captured in time gives stock and points back by itself", func(t *testing.T, s setting) {
			s.give(t, "alice", 60)
			s.give(t, "bob", 20)
			do(t)(s.desk.Reserve(ctx, redemption.Reserve{Order: order("last", 3, cost, "r"), For: time.Hour}))
			bobs := order("last", 1, cost, "b")
			bobs.Holder.Member = "bob"
			_, err := s.desk.Redeem(ctx, bobs)
			is(t, "before its end", err, reward.ErrSoldOut)
			s.set(noon.Add(time.Hour + time.Second))
			s.has(t, loyalty.Balance{Available: 60})
			do(t)(s.desk.Redeem(ctx, bobs))
			_, err = s.desk.Capture(ctx, reward.Capture{Holder: alice, Order: 1, Key: "c"})
			is(t, "a late capture", err, reward.ErrUnknownOrder)
			if got := s.states(t, "alice"); got[reward.Lapsed] != 3 {
				t.Error(got)
			}
		})
		run("a table spends what it takes, in another currency a price does", func(t *testing.T, s setting) {
			s.give(t, "alice", 270)
			r := do(t)(s.desk.Redeem(ctx, order("money", 1, reward.Price{Points: 270}, "a")))
			if r.Vouchers[0].Value != 600 || r.Price.Points != 250 {
				t.Error(r)
			}
			s.has(t, loyalty.Balance{Available: 20})
			_, err := s.desk.Redeem(ctx, order("badge", 1, reward.Price{Currency: "stars", Points: 2}, "b"))
			var few *loyalty.InsufficientError
			if !errors.As(err, &few) {
				t.Error(err)
			}
		})
		run("levels see and take what is theirs", func(t *testing.T, s setting) {
			_, err := s.desk.Redeem(ctx, order("lounge", 1, reward.Price{}, "a"))
			is(t, "without an account", err, reward.ErrLevel)
			purchase := &loyalty.Purchase{Currency: "CNY", Lines: []loyalty.Line{{ID: "1", Gross: 100_000}}}
			if _, err := s.points.Earn(ctx, loyalty.Earn{Account: account, Event: loyalty.Event{Purchase: purchase}, Key: "order"}); err != nil {
				t.Fatal(err)
			}
			offers, err := s.desk.Offers(ctx, alice)
			if err != nil || len(offers) != 5 || offers[0].Pieces[0] != 50 || offers[0].Pieces[1] != 100 || *offers[1].Left != 3 || offers[4].Value != 2500 {
				t.Errorf("%+v, %v", offers, err)
			}
			do(t)(s.desk.Redeem(ctx, order("lounge", 1, reward.Price{}, "b")))
		})
		run("a voucher of a member who was merged gives its points to the other", func(t *testing.T, s setting) {
			s.give(t, "alice", 20)
			r := do(t)(s.desk.Redeem(ctx, order("cup", 1, cost, "a")))
			s.give(t, "bob", 1)
			if _, err := s.points.Merge(ctx, loyalty.Merge{Account: account, To: "bob", Key: "m"}); err != nil {
				t.Fatal(err)
			}
			do(t)(s.desk.Return(ctx, reward.Return{Voucher: r.Vouchers[0].ID, Key: "back"}))
			if got := s.balance(t, "bob"); got.Available != 21 {
				t.Error(got)
			}
		})
		run("of 50 at once 3 get the last 3, and of one member's 50 five are paid", func(t *testing.T, s setting) {
			for i := range 50 {
				s.give(t, ids.Member(fmt.Sprint("member-", i)), 20)
			}
			s.give(t, "alice", 100)
			race := func(o func(i int) redemption.Order) (won, poor, gone int64) {
				var wg sync.WaitGroup
				var w, p, g atomic.Int64
				for i := range 50 {
					wg.Go(func() {
						_, err := s.desk.Redeem(ctx, o(i))
						var few *loyalty.InsufficientError
						switch {
						case err == nil:
							w.Add(1)
						case errors.As(err, &few):
							p.Add(1)
						case errors.Is(err, reward.ErrSoldOut):
							g.Add(1)
						default:
							t.Error(err)
						}
					})
				}
				wg.Wait()
				return w.Load(), p.Load(), g.Load()
			}
			won, poor, gone := race(func(i int) redemption.Order {
				o := order("last", 1, cost, "a")
				o.Holder.Member = ids.Member(fmt.Sprint("member-", i))
				return o
			})
			if won != 3 || poor != 0 || gone != 47 {
				t.Errorf("%d won, %d are poor, for %d they are gone", won, poor, gone)
			}
			won, poor, gone = race(func(i int) redemption.Order { return order("cup", 1, cost, fmt.Sprint("k", i)) })
			if won != 5 || poor != 45 || gone != 0 {
				t.Errorf("%d won, %d are poor, for %d they are gone", won, poor, gone)
			}
			s.has(t, loyalty.Balance{})
			s.give(t, "alice", 1000)
			won, poor, gone = race(func(i int) redemption.Order { return order("cup", 1, cost, fmt.Sprint("all", i)) })
			if won != 50 || poor != 0 || gone != 0 {
				t.Errorf("%d won, %d are poor, for %d they are gone", won, poor, gone)
			}
			totals, err := s.points.Totals(ctx, "club")
			if err != nil {
				t.Fatal(err)
			}
			if spent := totals["points"].Redeemed; spent != 58*20 {
				t.Errorf("%d points are spent", spent)
			}
		})
	})
}
