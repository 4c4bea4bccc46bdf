package activation_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/activation"
)

func TestPools(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		shared := activation.Settings{Platforms: both.Platforms, Pool: "plan"}
		fill := func(t *testing.T, tenant string, ports int) (*activation.Engine, *clock) {
			codes, now := open(t, db.Tenant(tenant))
			must(codes.PutPool(ctx, activation.PutPool{Pool: "plan", Ports: ports, Key: "p"}))
			for i, c := range must(codes.Create(ctx, activation.Create{N: ports, Settings: shared, Key: "k"})) {
				must(codes.Open(ctx, activation.Open{Session: signIn(codes, c, fmt.Sprint("pc", i)).ID(), Platform: "line", Key: "o"}))
			}
			return codes, now
		}
		t.Run("tell what is free now", func(t *testing.T) {
			codes, now := fill(t, "tell", 3)
			if p := must(codes.Pool(ctx, "plan")); p.Free != 0 {
				t.Fatal(p)
			}
			now.pass(activation.Idle)
			if p := must(codes.Pool(ctx, "plan")); p.Free != 3 {
				t.Fatal(p)
			}
		})
		t.Run("shrink to what is in use now", func(t *testing.T) {
			codes, now := fill(t, "shrink", 3)
			var bad *errs.InputError
			if _, err := codes.PutPool(ctx, activation.PutPool{Pool: "plan", Ports: 2, Key: "less"}); !errors.As(err, &bad) || bad.Reason != "are fewer than the 3 in use" {
				t.Fatal(err)
			}
			now.pass(activation.Idle)
			if p := must(codes.PutPool(ctx, activation.PutPool{Pool: "plan", Ports: 0, Key: "none"})); p.Ports != 0 || p.Free != 0 {
				t.Fatal(p)
			}
		})
		t.Run("that are full get back what is due of them, whatever else is", func(t *testing.T) {
			codes, now := open(t, db.Tenant("due"))
			for i, c := range must(codes.Create(ctx, activation.Create{N: 40, Settings: both, Key: "others"})) {
				must(codes.Open(ctx, activation.Open{Session: signIn(codes, c, fmt.Sprint("x", i)).ID(), Platform: "line", Key: "o"}))
			}
			now.pass(time.Second)
			codes, _ = fill(t, "due", 2)
			now.pass(activation.Idle)
			late := must(activation.New(db.Tenant("due"), keys, &activation.Options{Now: now.time}))
			access := signIn(late, issue(late, shared, "late"), "late")
			for i := range 2 {
				must(late.Open(ctx, activation.Open{Session: access.ID(), Platform: "line", Key: fmt.Sprint(i)}))
			}
			_, err := late.Open(ctx, activation.Open{Session: access.ID(), Platform: "line", Key: "more"})
			capacity(t, err, activation.CapacityError{Ports: 2, Pool: "plan"})
			if n := count(activation.DueCodes(ctx, db.Tenant("due"), now.time())); n != 40 {
				t.Fatal("codes of others were settled:", n)
			}
			_ = codes
		})
	})
}
