package session_test

import (
	"context"
	"errors"
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/session"
)

func TestModes(t *testing.T) {
	dbtest.Modes(t, dbtest.Play[*session.Engine]{
		New: func(t *testing.T, db dbtest.DB) *session.Engine {
			return open(t, db, "customer", short, newClock().now)
		},
		In: (*session.Engine).In,
		Story: func(ctx context.Context, e *session.Engine, see func(any, error)) {
			one, err := e.Start(ctx, session.Start{Subject: "alice", Way: "sms", Device: "Mate 60"})
			see(one, err)
			two, err := e.Start(ctx, session.Start{Subject: "alice", Way: "sms"})
			see(two, err)
			see(e.Check(ctx, one.Token))
			next, err := e.Rotate(ctx, one.Token)
			see(next, err)
			see(e.Check(ctx, one.Token))
			all, errs, err := e.CheckEach(ctx, []string{next.Token, one.Token, two.Token})
			see(all, errors.Join(append(errs, err)...))
			see(e.End(ctx, two.Token))
			see(e.List(ctx, "alice"))
			for range 2 {
				see(e.Revoke(ctx, session.Revoke{Subject: "alice", ID: one.Session.ID, Key: "tap"}))
			}
			see(e.RevokeAll(ctx, session.RevokeAll{Subject: "alice", Key: "all"}))
			see(e.Check(ctx, next.Token))
			see(e.Prune(ctx))
		},
	})
}
