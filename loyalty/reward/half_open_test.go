package reward_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty/reward"
)

// An end is the first instant at which a voucher or a reservation is no more, for all that ask.
func TestEndsAreHalfOpen(t *testing.T) {
	end := noon.Add(time.Hour)
	cup := reward.Reward{ID: "cup", Name: "Cup", Stock: 2, Valid: reward.Validity{Until: end}}
	bob, carol := reward.HolderID{Catalog: "club", Member: "bob"}, reward.HolderID{Catalog: "club", Member: "carol"}
	asked := map[string]func(e *reward.Engine) (ended bool, err error){
		"Voucher": func(e *reward.Engine) (bool, error) {
			v, err := e.Voucher(ctx, reward.VoucherID{Holder: alice, N: 1})
			return v.State == reward.Lapsed, err
		},
		"Redeem": func(e *reward.Engine) (bool, error) {
			_, err := e.Redeem(ctx, reward.Redeem{Voucher: reward.VoucherID{Holder: alice, N: 1}, Shop: "north", Key: "till"})
			return refused(err, reward.ErrLapsed)
		},
		"Capture": func(e *reward.Engine) (bool, error) {
			_, err := e.Capture(ctx, reward.Capture{Holder: bob, Order: 1, Key: "paid"})
			return refused(err, reward.ErrUnknownOrder)
		},
		"Expire": func(e *reward.Engine) (bool, error) {
			out, err := e.Expire(ctx, reward.Expire{Voucher: reward.VoucherID{Holder: alice, N: 1}, Key: "end"})
			return out.Seq != 0, err
		},
		"Sweep": func(e *reward.Engine) (bool, error) {
			n, err := e.Sweep(ctx, 10)
			return n == 2, err
		},
		"Reclaim": func(e *reward.Engine) (bool, error) {
			n, err := e.Reclaim(ctx, "club", "cup")
			return n == 1, err
		},
		"Offers after a Sweep": func(e *reward.Engine) (bool, error) {
			if _, err := e.Sweep(ctx, 10); err != nil {
				return false, err
			}
			offers, err := e.Offers(ctx, carol, "")
			return *offers[0].Left > 0, err
		},
		"Reserve of what another reserved": func(e *reward.Engine) (bool, error) {
			_, err := e.Reserve(ctx, reward.Reserve{Take: reward.Take{Holder: carol, Reward: "cup"}, For: time.Hour, Key: "tap"})
			ended, err := refused(err, reward.ErrSoldOut)
			return !ended, err
		},
	}
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		for name, ask := range asked {
			for _, d := range []time.Duration{-time.Microsecond, 0, time.Microsecond} {
				e, c := open(t, db.Tenant(fmt.Sprint(name, d)), cup)
				must[reward.Outcome](t)(e.Issue(ctx, by(issue("cup", 1, reward.Price{}), "alice", "tap")))
				must[reward.Outcome](t)(e.Reserve(ctx, reward.Reserve{Take: reward.Take{Holder: bob, Reward: "cup"}, For: time.Hour, Key: "tap"}))
				c.set(end.Add(d))
				if ended, err := ask(e); err != nil || ended != (d >= 0) {
					t.Errorf("%s, %s after the end: ended is %t, %v", name, d, ended, err)
				}
			}
		}
	})
}

// refused reports whether a command was refused by that error, and returns any other.
func refused(err, by error) (bool, error) {
	if errors.Is(err, by) {
		return true, nil
	}
	return false, err
}
