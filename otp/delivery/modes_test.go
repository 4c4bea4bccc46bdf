package delivery_test

import (
	"context"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/otp/delivery"
	"github.com/scrmkit/scrmkit/scrm/message"
)

func TestModes(t *testing.T) {
	var claim delivery.Claim
	dbtest.Modes(t, dbtest.Play[*delivery.Engine]{
		New: func(t *testing.T, db dbtest.DB) *delivery.Engine { return open(t, db).engine },
		In:  (*delivery.Engine).In,
		Before: func(t *testing.T, ctx context.Context, e *delivery.Engine) { // codes are no part of a transaction
			sent, err := e.Send(ctx, delivery.Send{Address: mail, Purpose: "reset", Template: "code", Key: "first"})
			if err != nil {
				t.Fatal(err)
			}
			p := &post{got: map[string][]message.Message{}}
			if _, err := e.Deliver(ctx, p); err != nil {
				t.Fatal(err)
			}
			checked, err := e.Check(ctx, delivery.Attempt{Address: mail, Purpose: "reset", Code: p.code(sent.Ref), Key: "check"})
			if err != nil {
				t.Fatal(err)
			}
			claim = checked.Claim
		},
		Story: func(ctx context.Context, e *delivery.Engine, see func(any, error)) {
			var ref string
			for range 2 {
				sent, err := e.Send(ctx, delivery.Send{Address: alice, Purpose: "signin", Template: "code", Key: "send"})
				ref, sent.Ref = sent.Ref, ""
				see(sent, err)
			}
			status := func() {
				s, err := e.Status(ctx, ref)
				s.Ref = ""
				see(s, err)
			}
			status()
			see(nil, e.Receive(ctx, message.Receipt{Ref: ref, Delivered: true}))
			status()
			for range 2 {
				see(e.Spend(ctx, "reset", claim))
			}
			see(e.Admit(ctx, delivery.Admit{Address: alice, Key: "admit"}))
			see(e.Prune(ctx, time.Now()))
		},
	})
}
