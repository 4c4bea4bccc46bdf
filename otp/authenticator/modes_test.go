package authenticator_test

import (
	"context"
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/otp/authenticator"
)

func TestModes(t *testing.T) {
	dbtest.Modes(t, dbtest.Play[*authenticator.Engine]{
		New: func(t *testing.T, db dbtest.DB) *authenticator.Engine { return open(t, db).Engine },
		In:  (*authenticator.Engine).In,
		Before: func(t *testing.T, ctx context.Context, e *authenticator.Engine) { // codes are no part of a transaction
			made, err := e.Enroll(ctx, enroll("alice", "first"))
			if err != nil {
				t.Fatal(err)
			}
			code, err := made.TOTP.Code(made.At)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := e.Confirm(ctx, authenticator.Confirm{Subject: "alice", Code: code, Key: "confirm"}); err != nil {
				t.Fatal(err)
			}
		},
		Story: func(ctx context.Context, e *authenticator.Engine, see func(any, error)) {
			see(e.Status(ctx, "alice"))
			for range 2 {
				see(e.Enroll(ctx, enroll("bob", "enroll")))
			}
			see(e.Renew(ctx, authenticator.Renew{Subject: "bob", Key: "none"}))
			codes, err := e.Renew(ctx, authenticator.Renew{Subject: "alice", Key: "renew"})
			see(codes, err)
			codes.Codes = append(codes.Codes, "")
			for _, key := range []string{"recover", "again"} {
				see(e.Recover(ctx, authenticator.Recover{Subject: "alice", Code: codes.Codes[0], Key: key}))
			}
			see(e.Disable(ctx, authenticator.Disable{Subject: "alice", Key: "disable"}))
			see(e.Remove(ctx, authenticator.Remove{Subject: "bob", Key: "remove"}))
			see(e.Status(ctx, "bob"))
			see(e.Reseal(ctx, 10))
		},
	})
}
