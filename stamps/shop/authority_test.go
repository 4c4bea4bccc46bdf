package shop_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage"
)

// TestAuthorizeEach: each pair of many has the answer that it has alone.
func TestAuthorizeEach(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		shops, now := open(t, db)
		closed := wangjing()
		closed.ID, closed.To = "closed", *now
		if _, err := shops.Put(ctx, shop.Put{Shop: closed, Key: "put"}); err != nil {
			t.Fatal(err)
		}
		for identity, id := range map[shop.Identity]ids.Shop{"kathy": "wangjing", "lee": "closed"} {
			if _, err := shops.Bind(ctx, shop.Bind{Token: invite(t, shops, id, "i"), Identity: identity, Key: "b"}); err != nil {
				t.Fatal(err)
			}
		}
		var input *errs.InputError
		pairs := []shop.Pair{
			{Shop: "wangjing", Identity: "kathy"}, {Shop: "sanlitun", Identity: "kathy"}, {Shop: "", Identity: "kathy"},
			{Shop: "closed", Identity: "lee"}, {Shop: "none", Identity: "kathy"}, {Shop: "wangjing", Identity: "nobody"},
			{Shop: "wangjing", Identity: "kathy"},
		}
		want := []error{nil, shop.ErrNotManager, input, shop.ErrClosed, shop.ErrNotManager, shop.ErrNotManager, nil}
		got, errs, err := shops.AuthorizeEach(ctx, pairs)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range pairs {
			alone, aloneErr := shops.Authorize(ctx, p.Shop, p.Identity)
			switch {
			case want[i] == input:
				if !errors.As(errs[i], &input) || !errors.As(aloneErr, &input) {
					t.Errorf("%v: %v, alone %v", p, errs[i], aloneErr)
				}
			case !errors.Is(errs[i], want[i]) || !errors.Is(aloneErr, want[i]):
				t.Errorf("%v: %v, alone %v", p, errs[i], aloneErr)
			case got[i] != alone || want[i] == nil && got[i].ID != p.Shop:
				t.Errorf("%v: %v, alone %v", p, got[i], alone)
			}
		}
		stopped, cancel := context.WithCancel(ctx)
		cancel()
		if _, _, err := shops.AuthorizeEach(stopped, pairs); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// TestRecent: what another process changed of a shop counts in Open at once, and in Recent within
// Refresh; what the engine itself changed, and whether it is the time of the shop, counts at once.
func TestRecent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		shops, now := open(t, db)
		other := shop.New(db, &shop.Options{Now: func() time.Time { return *now }})
		put := func(by *shop.Engine, key string, change func(*shop.Shop)) {
			t.Helper()
			s := wangjing()
			change(&s)
			if _, err := by.Put(ctx, shop.Put{Shop: s, Key: key}); err != nil {
				t.Fatal(err)
			}
		}
		expect := func(what string, want error) {
			t.Helper()
			if _, err := shops.Recent(ctx, "wangjing"); !errors.Is(err, want) {
				t.Errorf("%s: %v", what, err)
			}
		}
		shut := func(s *shop.Shop) { s.To = *now }
		expect("open", nil)
		put(other, "shut", shut)
		expect("shut a moment ago, elsewhere", nil)
		if _, err := shops.Open(ctx, "wangjing"); !errors.Is(err, shop.ErrClosed) {
			t.Errorf("Open of a shop that was shut elsewhere: %v", err)
		}
		if err := db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
			_, err := shops.In(tx).Recent(ctx, "wangjing")
			return err
		}); !errors.Is(err, shop.ErrClosed) {
			t.Errorf("in a transaction: %v", err)
		}
		*now = now.Add(shop.Refresh)
		expect("shut elsewhere, after Refresh", shop.ErrClosed)
		put(shops, "open", func(s *shop.Shop) { s.To = now.Add(shop.Refresh / 2) })
		expect("opened here", nil)
		*now = now.Add(shop.Refresh / 2)
		expect("its time is over", shop.ErrClosed)
		put(shops, "again", func(*shop.Shop) {})
		expect("opened again", nil)
		put(shops, "over", shut)
		expect("shut here", shop.ErrClosed)
		for range 2 {
			if _, err := shops.Recent(ctx, "none"); !errors.Is(err, shop.ErrUnknownShop) {
				t.Error(err)
			}
		}
	})
}

// TestAfterUnbind: after Unbind has returned nobody is let in, however many ask at that moment,
// plainly and in units of work.
func TestAfterUnbind(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		shops, _ := open(t, db)
		if _, err := shops.Bind(ctx, shop.Bind{Token: invite(t, shops, "wangjing", "i"), Identity: "kathy", Key: "b"}); err != nil {
			t.Fatal(err)
		}
		var unbound atomic.Bool
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				for late := 0; late < 5; {
					after := unbound.Load()
					var err error
					if i%2 == 0 {
						_, err = shops.Authorize(ctx, "wangjing", "kathy")
					} else {
						err = db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
							_, err := shops.In(tx).Authorize(ctx, "wangjing", "kathy")
							return err
						})
					}
					if refused := errors.Is(err, shop.ErrNotManager); err != nil && !refused || after && !refused {
						t.Errorf("after Unbind has returned: %t, %v", after, err)
						return
					}
					if after {
						late++
					}
				}
			})
		}
		if _, err := shops.Unbind(ctx, shop.Unbind{Shop: "wangjing", Identity: "kathy", Key: "u"}); err != nil {
			t.Error(err)
		}
		unbound.Store(true)
		all.Wait()
	})
}
