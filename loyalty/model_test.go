package loyalty_test

import (
	"errors"
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty"
)

// An engine on any adapter answers as a simulation does, and stores what that has in the end.
func TestEnginesAreTheModel(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		histories := 0
		rapid.Check(t, func(t *rapid.T) {
			histories++
			tenant, c := db.Tenant(fmt.Sprint(histories)), &clock{}
			points := loyalty.New(tenant, &loyalty.Options{Now: c.now, Accounts: rapid.SampledFrom([]int{1, 100}).Draw(t, "cache")})
			d := anyProgram(t)
			sim := loyalty.Simulate(compiled(t, d))
			if _, err := points.Publish(ctx, d); err != nil {
				t.Fatal(err)
			}
			now := noon
			for i := range rapid.IntRange(1, 8).Draw(t, "commands") {
				now = now.AddDate(0, 0, rapid.IntRange(0, 12).Draw(t, "days"))
				c.set(now)
				command := anyCommand(t, i, now)
				want, wantErr := sim.Do(command, now)
				got, err := run(points, command)
				if fmt.Sprint(errors.Unwrap(err)) != fmt.Sprint(errors.Unwrap(wantErr)) {
					t.Fatalf("%T: %v, want %v", command, err, wantErr)
				}
				if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("%T (-want +got)\n%s", command, diff)
				}
			}
			for _, id := range []loyalty.AccountID{alice, bob} {
				want := sim.Stored(id)
				got, err := points.Account(ctx, id)
				if want.Version == 0 && errors.Is(err, loyalty.ErrUnknownAccount) {
					continue
				}
				if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(loyalty.Account{}, "Hash")); err != nil || diff != "" {
					t.Fatal(err, diff)
				}
				if err := points.Verify(ctx, id); err != nil {
					t.Fatal(err)
				}
			}
		})
	})
}

func run(points *loyalty.Engine, c loyalty.Command) (loyalty.Outcome, error) {
	switch c := c.(type) {
	case loyalty.Earn:
		return points.Earn(ctx, c)
	case loyalty.Redeem:
		return points.Redeem(ctx, c)
	case loyalty.Reserve:
		return points.Reserve(ctx, c)
	case loyalty.Capture:
		return points.Capture(ctx, c)
	case loyalty.Release:
		return points.Release(ctx, c)
	case loyalty.Activate:
		return points.Activate(ctx, c)
	case loyalty.Adjust:
		return points.Adjust(ctx, c)
	case loyalty.Transfer:
		return points.Transfer(ctx, c)
	case loyalty.Refund:
		return points.Refund(ctx, c)
	case loyalty.Return:
		return points.Return(ctx, c)
	case loyalty.Expire:
		return points.Expire(ctx, c)
	case loyalty.SetTier:
		return points.SetTier(ctx, c)
	case loyalty.Import:
		return points.Import(ctx, c)
	case loyalty.Merge:
		return points.Merge(ctx, c)
	}
	return loyalty.Outcome{}, errors.New("no command")
}
