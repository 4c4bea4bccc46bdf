package stamps_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/stamps"
)

// At any instant after any history the views have the cards and coupons that the engine gives then.
func TestReports(t *testing.T) {
	dbtest.Reports(t, func(t *testing.T, r dbtest.Report) {
		histories := 0
		rapid.Check(t, func(t *rapid.T) {
			histories++
			db := r.Tenant(fmt.Sprint(histories))
			pick := func(label string, from ...int) int { return rapid.SampledFrom(from).Draw(t, label) }
			now := time.Date(2026, 3, 10, 12, 0, 0, 1, time.UTC)
			cards := stamps.New(db, &stamps.Options{Now: func() time.Time { return now }})
			d := coffee(1)
			d.Card.Size, d.Card.Rewards[0].At = 3, 3
			d.Card.Expiry.Inactive, d.Card.Rewards[0].Coupon.Days = pick("inactive", 0, 1, 3), pick("days", 0, 2)
			d.Handout.Reward.Coupon.Days = pick("days of a handout", 0, 1)
			if _, err := cards.Publish(ctx, d); err != nil {
				t.Fatal(err)
			}
			members := []ids.Member{"alice", "bob"}
			for i := range rapid.IntRange(1, 10).Draw(t, "commands") {
				now = now.Add(time.Duration(pick("hours", 0, 1, 12, 30)) * time.Hour)
				card := stamps.CardID{Program: "coffee", Member: rapid.SampledFrom(members).Draw(t, "member")}
				coupon := stamps.CouponID{Card: card, N: int64(pick("coupon", 1, 1, 2))}
				coupon.Card.Claim = int64(pick("claim", 0, 0, 1))
				key, at := fmt.Sprint(i), stamps.Place{Shop: ids.Shop(rapid.SampledFrom([]string{"", "north"}).Draw(t, "shop")), By: "kathy", Nickname: "小爱"}
				switch pick("command", 0, 0, 0, 1, 2, 3, 4, 5) {
				case 0:
					_, _ = cards.Add(ctx, stamps.Add{Card: card, N: int64(pick("n", 1, 2, 4)), Place: at, Key: key})
				case 1:
					_, _ = cards.Claim(ctx, stamps.Claim{Program: "coffee", Member: card.Member, Key: key})
				case 2:
					_, _ = cards.Redeem(ctx, stamps.Redeem{Coupon: coupon, Place: at, Key: key})
				case 3:
					_, _ = cards.Undo(ctx, stamps.Undo{Coupon: coupon, Key: key})
				case 4:
					_, _ = cards.Void(ctx, stamps.Void{Coupon: coupon, Reason: "r", Place: stamps.Place{By: "boss"}, Key: key})
				case 5:
					_, _ = cards.Sweep(ctx, 100)
				}
			}
			last := now
			for range 3 {
				now = last.Add(time.Duration(pick("later", 0, 1, 24, 36, 72, 100)) * time.Hour)
				ends := []time.Time{now}
				for _, m := range members {
					for c := range cards.Cards(ctx, m) {
						ends = append(ends, c.Expires)
					}
					for c := range cards.Coupons(ctx, m, "") {
						ends = append(ends, c.Expires)
					}
				}
				if end := rapid.SampledFrom(ends).Draw(t, "end"); !end.IsZero() {
					now = end.Add(time.Duration(pick("beside", -1, 0, 1)) * time.Microsecond)
				}
				var held, coupons []dbtest.Row
				for _, m := range members {
					for c, err := range cards.Cards(ctx, m) {
						if err != nil {
							t.Fatal(err)
						}
						held = append(held, dbtest.Row{
							"member": m, "program": c.ID.Program, "stamps": c.Count, "rounds": c.Round, "total": c.Total, "version": c.Began,
							"opened_at": c.Opened, "expires_at": c.Expires,
						})
					}
					for c, err := range cards.Coupons(ctx, m, "") {
						if err != nil {
							t.Fatal(err)
						}
						coupons = append(coupons, dbtest.Row{
							"member": m, "program": c.ID.Card.Program, "claim": c.ID.Card.Claim, "number": c.ID.N, "reward": c.Reward, "name": c.Name,
							"state": c.State, "version": c.Began, "issued_at": c.Issued, "expires_at": c.Expires, "ended_at": c.Ended,
							"issued_shop": c.Issuer, "redeemed_shop": c.Shop, "ended_by": c.By,
						})
					}
				}
				dbtest.Same(t, fmt.Sprint("cards at ", now), held, r.Rows(t, "report_card", db, now))
				dbtest.Same(t, fmt.Sprint("coupons at ", now), coupons, r.Rows(t, "report_coupon", db, now))
			}
		})
	})
}

// The views say what is so now.
func TestReportsAreOfNow(t *testing.T) {
	dbtest.Reports(t, func(t *testing.T, r dbtest.Report) {
		for i, ends := range []time.Duration{-time.Hour, time.Hour} {
			db := r.Tenant(fmt.Sprint(i))
			now := time.Now().Add(ends - 24*time.Hour)
			cards := stamps.New(db, &stamps.Options{Now: func() time.Time { return now }})
			d := coffee(1)
			d.Card.Expiry.Inactive, d.Card.Rewards[0].At, d.Card.Rewards[0].Coupon.Days = 1, 2, 1
			if _, err := cards.Publish(ctx, d); err != nil {
				t.Fatal(err)
			}
			if _, err := cards.Add(ctx, add(2, "k")); err != nil {
				t.Fatal(err)
			}
			card, coupon := r.Rows(t, "report_card", db, time.Time{})[0], r.Rows(t, "report_coupon", db, time.Time{})[0]
			if ends < 0 && (card["stamps"] != nil || coupon["state"] != "lapsed") || ends > 0 && (card["stamps"] != int64(2) || coupon["state"] != "issued") {
				t.Error(ends, card, coupon)
			}
		}
	})
}
