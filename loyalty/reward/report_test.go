package reward_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty/reward"
)

// At any instant after any history the view has the vouchers that the engine gives then.
func TestReports(t *testing.T) {
	dbtest.Reports(t, func(t *testing.T, r dbtest.Report) {
		histories := 0
		rapid.Check(t, func(t *rapid.T) {
			histories++
			db, c := r.Tenant(fmt.Sprint(histories)), &clock{}
			pick := func(label string, from ...int) int { return rapid.SampledFrom(from).Draw(t, label) }
			e, err := reward.New(db, keys, &reward.Options{Now: c.now})
			if err != nil {
				t.Fatal(err)
			}
			price := reward.Price{Points: 20, Money: 500, Currency: "stars"}
			d := catalog(
				reward.Reward{ID: "cup", Name: "Cup", Valid: reward.Validity{After: pick("after", 0, 1), Days: pick("days", 0, 1, 3)}},
				reward.Reward{ID: "mug", Name: "Mug", Prices: []reward.Price{price}, Value: 1_000},
			)
			if _, err := e.Publish(ctx, d); err != nil {
				t.Fatal(err)
			}
			now := noon
			for i := range rapid.IntRange(1, 10).Draw(t, "commands") {
				now = now.Add(time.Duration(pick("hours", 0, 1, 12, 30)) * time.Hour)
				c.set(now)
				holder := reward.HolderID{Catalog: "club", Member: rapid.SampledFrom([]ids.Member{"alice", "bob"}).Draw(t, "member")}
				take := reward.Take{Holder: holder, Reward: "cup", N: int64(pick("n", 1, 2))}
				if pick("mug", 0, 1) == 1 {
					take.Reward, take.Price, take.Of = "mug", price, "order-7"
				}
				key, id := fmt.Sprint(i), reward.VoucherID{Holder: holder, N: int64(pick("voucher", 1, 1, 2, 3))}
				switch pick("command", 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8) {
				case 0:
					x := reward.Issue{Take: take, Key: key}
					if pick("gift", 0, 1) == 1 {
						x.Gift, x.Price = true, reward.Price{}
					}
					_, _ = e.Issue(ctx, x)
				case 1:
					_, _ = e.Reserve(ctx, reward.Reserve{Take: take, For: time.Duration(pick("for", 1, 24)) * time.Hour, Key: key})
				case 2:
					_, _ = e.Capture(ctx, reward.Capture{Holder: holder, Order: id.N, Key: key})
				case 3:
					_, _ = e.Cancel(ctx, reward.Cancel{Holder: holder, Order: id.N, By: "kathy", Key: key})
				case 4:
					_, _ = e.Redeem(ctx, reward.Redeem{Voucher: id, Shop: "north", By: "kathy", Key: key})
				case 5:
					_, _ = e.Return(ctx, reward.Return{Voucher: id, Key: key})
				case 6:
					_, _ = e.Void(ctx, reward.Void{Voucher: id, Reason: "r", By: "kathy", Key: key})
				case 7:
					_, _ = e.Undo(ctx, reward.Undo{Voucher: id, Key: key})
				case 8:
					_, _ = e.Sweep(ctx, 100)
				}
			}
			last := now
			for range 3 {
				now = last.Add(time.Duration(pick("later", 0, 1, 24, 36, 72, 100)) * time.Hour)
				ends := []time.Time{now}
				for v := range e.Vouchers(ctx, reward.VoucherQuery{}) {
					ends = append(ends, v.To)
				}
				if end := rapid.SampledFrom(ends).Draw(t, "end"); !end.IsZero() {
					now = end.Add(time.Duration(pick("beside", -1, 0, 1)) * time.Microsecond)
				}
				c.set(now)
				var want []dbtest.Row
				for v, err := range e.Vouchers(ctx, reward.VoucherQuery{}) {
					if err != nil {
						t.Fatal(err)
					}
					want = append(want, dbtest.Row{
						"member": v.ID.Holder.Member, "catalog": v.ID.Holder.Catalog, "number": v.ID.N, "reward": v.Reward, "name": v.Name, "state": v.State,
						"version": v.Version, "given_for": v.Of, "price_points": v.Price.Points, "price_currency": v.Price.Currency,
						"price_money": v.Price.Money, "value": v.Value, "gift": v.Gift, "taken_at": v.Taken, "valid_from": v.From, "expires_at": v.To,
						"ended_at": v.Ended, "redeemed_shop": v.Shop, "ended_by": v.By,
					})
				}
				dbtest.Same(t, fmt.Sprint("vouchers at ", now), want, r.Rows(t, "report_voucher", db, now))
			}
			dbtest.Same(t, "catalogs", []dbtest.Row{{"catalog": d.ID, "version": d.Version, "name": d.Name, "zone": d.Zone, "program": d.Program, "money": d.Money}},
				r.Rows(t, "report_catalog", db, now))
		})
	})
}

// The view says what is so now.
func TestReportsAreOfNow(t *testing.T) {
	dbtest.Reports(t, func(t *testing.T, r dbtest.Report) {
		for state, reserved := range map[string]time.Duration{"lapsed": 2 * time.Hour, "reserved": time.Hour} {
			db, c := r.Tenant(state), &clock{}
			c.set(time.Now().Add(-reserved))
			e := must[*reward.Engine](t)(reward.New(db, keys, &reward.Options{Now: c.now}))
			must[*reward.Catalog](t)(e.Publish(ctx, catalog(reward.Reward{ID: "cup", Name: "Cup"})))
			take := reward.Take{Holder: alice, Reward: "cup"}
			must[reward.Outcome](t)(e.Reserve(ctx, reward.Reserve{Take: take, For: 90 * time.Minute, Key: "k"}))
			if got := r.Rows(t, "report_voucher", db, time.Time{})[0]["state"]; got != state {
				t.Errorf("%s, want %s", got, state)
			}
		}
	})
}
