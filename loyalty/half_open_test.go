package loyalty_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty"
)

// An end is the first instant at which points or a hold are no more, for all that ask.
func TestEndsAreHalfOpen(t *testing.T) {
	end := noon.Add(time.Hour)
	short := func(err error) (bool, error) {
		var insufficient *loyalty.InsufficientError
		if errors.As(err, &insufficient) {
			return true, nil
		}
		return false, err
	}
	asked := map[string]func(e *loyalty.Engine) (ended bool, err error){
		"Current": func(e *loyalty.Engine) (bool, error) {
			a, err := e.Current(ctx, alice)
			return a.Wallet("points").Total() == 0, err
		},
		"Redeem": func(e *loyalty.Engine) (bool, error) {
			_, err := e.Redeem(ctx, loyalty.Redeem{Account: alice, N: 6, Key: "spend"})
			return short(err)
		},
		"Reserve": func(e *loyalty.Engine) (bool, error) {
			_, err := e.Reserve(ctx, loyalty.Reserve{Account: alice, N: 6, Until: end.Add(time.Hour), Key: "another"})
			return short(err)
		},
		"Transfer": func(e *loyalty.Engine) (bool, error) {
			_, err := e.Transfer(ctx, loyalty.Transfer{Account: alice, To: bob.Member, N: 6, Key: "send"})
			return short(err)
		},
		"Capture": func(e *loyalty.Engine) (bool, error) {
			_, err := e.Capture(ctx, loyalty.Capture{Account: alice, Hold: "hold", N: 4, Key: "paid"})
			if errors.Is(err, loyalty.ErrUnknownHold) {
				return true, nil
			}
			return false, err
		},
		"Expire": func(e *loyalty.Engine) (bool, error) {
			out, err := e.Expire(ctx, loyalty.Expire{Account: alice, Key: "end"})
			return out.Seq != 0, err
		},
		"Sweep": func(e *loyalty.Engine) (bool, error) {
			n, err := e.Sweep(ctx, 10)
			return n == 1, err
		},
	}
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		for name, ask := range asked {
			for _, d := range []time.Duration{-time.Microsecond, 0, time.Microsecond} {
				points, c := open(t, db.Tenant(fmt.Sprint(name, d)))
				must[loyalty.Outcome](t)(points.Adjust(ctx, loyalty.Adjust{Account: alice, N: 10, To: end, Reason: "gift", Key: "give"}))
				must[loyalty.Outcome](t)(points.Reserve(ctx, loyalty.Reserve{Account: alice, N: 4, Until: end, Key: "hold"}))
				c.set(end.Add(d))
				if ended, err := ask(points); err != nil || ended != (d >= 0) {
					t.Errorf("%s, %s after the end: ended is %t, %v", name, d, ended, err)
				}
			}
		}
	})
}
