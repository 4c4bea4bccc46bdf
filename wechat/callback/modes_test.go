package callback_test

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/wechat/callback"
)

// A bound is a receiver with its bench.
type bound struct {
	*callback.Receiver
	b *bench
}

// A joined is a database that has a unit of work under way, which takes whatever it is given.
type joined struct{ storage.Tx }

func (j joined) InTx(ctx context.Context, fn func(ctx context.Context, tx storage.Tx) error) error {
	return fn(ctx, j.Tx)
}

func TestModes(t *testing.T) {
	dbtest.Modes(t, dbtest.Play[bound]{
		New: func(t *testing.T, db dbtest.DB) bound {
			b := open(t, db)
			return bound{b.receiver, b}
		},
		In: func(e bound, tx storage.Tx) bound {
			b := open(e.b.t, joined{tx})
			return bound{b.receiver, b}
		},
		Story: func(ctx context.Context, e bound, see func(any, error)) {
			see(e.Prune(ctx, e.b.now()))
			for _, message := range []string{text(1, "hi"), text(1, "hi"), text(2, "reply")} {
				r, err := e.b.Request(message)
				w := httptest.NewRecorder()
				e.ServeHTTP(w, r.WithContext(ctx))
				see(w.Code, err)
			}
			see(len(e.b.taken), nil)
		},
	})
}
