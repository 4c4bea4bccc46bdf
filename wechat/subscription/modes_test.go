package subscription_test

import (
	"context"
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/wechat/callback"
	"github.com/scrmkit/scrmkit/wechat/subscription"
	"github.com/scrmkit/scrmkit/wechat/wechattest"
)

// A bound is a ledger with what WeChat pushes to it.
type bound struct {
	*subscription.Ledger
	b      *bench
	pushes []callback.Push
}

// A message is sent outside of units of work, so what they have is a ledger.
func TestModes(t *testing.T) {
	dbtest.Modes(t, dbtest.Play[*bound]{
		New: func(t *testing.T, db dbtest.DB) *bound {
			b := open(t, db)
			return &bound{Ledger: &b.Engine.Ledger, b: b}
		},
		In: func(e *bound, tx storage.Tx) *bound { return &bound{e.Ledger.In(tx), e.b, e.pushes} },
		Before: func(t *testing.T, ctx context.Context, e *bound) {
			e.b.accept(alice, 2)
			e.b.Fail(sendPath, lost)
			_, err := e.b.Send(ctx, message(alice, "a"))
			isHeld(t, "an answer that is lost", err)
			e.b.pass(2 * subscription.Lease)
			e.b.Accept(appID, bob, full)
			e.b.TurnOff(appID, alice, full)
			r, err := callback.New(memory.New(), appID, []callback.Secret{console}, func(_ context.Context, _ storage.Tx, p callback.Push) ([]byte, error) {
				e.pushes = append(e.pushes, p)
				return nil, nil
			}, &callback.Options{Now: e.b.now})
			if err != nil {
				t.Fatal(err)
			}
			for _, event := range e.b.Pushes(appID) {
				e.b.push(r, event)
			}
		},
		Story: func(ctx context.Context, e *bound, see func(any, error)) {
			for r, err := range e.Held(ctx) {
				see(r, err)
			}
			see(e.Reconcile(ctx, e.b.now()))
			see(e.Balance(ctx, "oAlice", full))
			for range 2 {
				see(e.Report(ctx, subscription.Report{OpenID: "oBob", Template: full, Key: "popup"}))
			}
			for _, p := range append(e.pushes, e.pushes...) {
				see(nil, e.Observe(ctx, p))
			}
			for _, u := range []wechattest.User{alice, bob} {
				see(e.Balance(ctx, message(u, "").OpenID, full))
			}
			see(e.Prune(ctx, e.b.now()))
		},
	})
}
