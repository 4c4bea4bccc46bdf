package stamps_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/stamps"
)

// An end is the first instant at which a coupon or the stamps of a card are no more, for all that
// ask.
func TestEndsAreHalfOpen(t *testing.T) {
	begin := time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC)
	end := begin.Add(24 * time.Hour)
	coupon := stamps.CouponID{Card: alice, N: 1}
	asked := map[string]func(e *stamps.Engine) (ended bool, err error){
		"Coupon": func(e *stamps.Engine) (bool, error) {
			c, err := e.Coupon(ctx, coupon)
			return c.State == stamps.Lapsed, err
		},
		"Card": func(e *stamps.Engine) (bool, error) {
			c, err := e.Card(ctx, alice)
			return c.Count == 0, err
		},
		"Redeem": func(e *stamps.Engine) (bool, error) {
			_, err := e.Redeem(ctx, stamps.Redeem{Coupon: coupon, Key: "till"})
			if errors.Is(err, stamps.ErrLapsed) {
				return true, nil
			}
			return false, err
		},
		"Add": func(e *stamps.Engine) (bool, error) {
			out, err := e.Add(ctx, add(1, "another"))
			return out.Card.Count == 1, err
		},
		"Sweep": func(e *stamps.Engine) (bool, error) {
			n, err := e.Sweep(ctx, 10)
			return n == 2, err
		},
	}
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		for name, ask := range asked {
			for _, d := range []time.Duration{-time.Microsecond, 0, time.Microsecond} {
				now := begin
				cards := stamps.New(db.Tenant(fmt.Sprint(name, d)), &stamps.Options{Now: func() time.Time { return now }})
				def := coffee(1)
				def.Card.Expiry.Days, def.Card.Rewards[0].Coupon.Days = 1, 1
				if _, err := cards.Publish(ctx, def); err != nil {
					t.Fatal(err)
				}
				if _, err := cards.Add(ctx, add(7, "order")); err != nil {
					t.Fatal(err)
				}
				now = end.Add(d)
				if ended, err := ask(cards); err != nil || ended != (d >= 0) {
					t.Errorf("%s, %s after the end: ended is %t, %v", name, d, ended, err)
				}
			}
		}
	})
}
