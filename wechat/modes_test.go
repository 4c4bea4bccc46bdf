package wechat_test

import (
	"context"
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/wechat"
)

// A bound is a client with the WeChat that it calls.
type bound struct {
	*wechat.Client
	b *bench
}

func TestModes(t *testing.T) {
	dbtest.Modes(t, dbtest.Play[bound]{
		New: func(t *testing.T, db dbtest.DB) bound {
			b := open(t, db)
			return bound{b.client(), b}
		},
		In: func(e bound, tx storage.Tx) bound {
			e.b.pass(wechat.ForceWait) // what WeChat was asked for is not rolled back
			return bound{e.b.on(tx), e.b}
		},
		Story: func(ctx context.Context, e bound, see func(any, error)) {
			token, err := e.Token(ctx)
			see(token != "", err)
			see(nil, call(ctx, e.Client))
			see(nil, e.Refused(ctx, token))
			other, err := e.Token(ctx)
			see(other != token, err)
			see(nil, call(ctx, e.Client))
		},
	})
}
