package miniprogram_test

import (
	"context"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
)

// A bound is an engine with the WeChat that it asks.
type bound struct {
	*miniprogram.Engine
	b *bench
}

func TestModes(t *testing.T) {
	dbtest.Modes(t, dbtest.Play[bound]{
		New: func(t *testing.T, db dbtest.DB) bound {
			b := open(t, db)
			return bound{b.Engine, b}
		},
		In: func(e bound, tx storage.Tx) bound { return bound{e.b.on(tx, nil), e.b} },
		Story: func(ctx context.Context, e bound, see func(any, error)) {
			see(nil, e.CheckSession(ctx, "oAlice"))
			see(e.SignIn(ctx, e.b.Login(appID, alice)))
			see(nil, e.CheckSession(ctx, "oAlice"))
			p := e.b.press(alice)
			for range 2 {
				see(e.Phone(ctx, p))
			}
			see(e.Prune(ctx, e.b.now().Add(time.Second)))
		},
	})
}
