package shop_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

var ctx = context.Background()

func wangjing() shop.Shop {
	return shop.Shop{ID: "wangjing", Name: "望京店", Address: "北京市朝阳区", Zone: "Asia/Shanghai"}
}

// open returns an engine with the shops wangjing and sanlitun, on a clock that the test may move.
func open(t *testing.T, db storage.DB) (*shop.Engine, *time.Time) {
	t.Helper()
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	shops := shop.New(db, &shop.Options{Now: func() time.Time { return now }})
	for _, id := range []ids.Shop{"wangjing", "sanlitun"} {
		s := wangjing()
		s.ID = id
		if _, err := shops.Put(ctx, shop.Put{Shop: s, Key: "put"}); err != nil {
			t.Fatal(err)
		}
	}
	return shops, &now
}

func invite(t *testing.T, shops *shop.Engine, id ids.Shop, key string) string {
	t.Helper()
	invited, err := shops.Invite(ctx, shop.Invite{Shop: id, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return invited.Token
}

func TestManagers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("an invitation binds one identity, once, within 24 hours", func(t *testing.T) {
			shops, now := open(t, db.Tenant("invite"))
			token := invite(t, shops, "wangjing", "i")
			if len(token) != 26 {
				t.Fatalf("a token of %d characters", len(token))
			}
			bind := shop.Bind{Token: token, Identity: "kathy", Name: "Kathy", Key: "b"}
			out, err := shops.Bind(ctx, bind)
			if err != nil || out.Manager.Slot != 1 || out.Manager.Shop != "wangjing" {
				t.Fatal(out, err)
			}
			if again, err := shops.Bind(ctx, bind); err != nil || !again.Replayed || again.Manager.Slot != 1 {
				t.Fatal("a lost answer:", again, err)
			}
			if _, err := shops.Bind(ctx, shop.Bind{Token: token, Identity: "li", Key: "b"}); !errors.Is(err, shop.ErrInvitation) {
				t.Fatal(err)
			}
			late := invite(t, shops, "wangjing", "late")
			*now = now.Add(shop.InvitationTTL)
			for _, token := range []string{late, "nonsense"} {
				if _, err := shops.Bind(ctx, shop.Bind{Token: token, Identity: "li", Key: "l"}); !errors.Is(err, shop.ErrInvitation) {
					t.Fatal(err)
				}
			}
			for r := range db.Tenant("invite").Journal().After(ctx, "", 0) {
				if strings.Contains(fmt.Sprintf("%s%s", r.Result, r.Before), token) {
					t.Fatal("the journal holds a token")
				}
			}
			if _, err := shops.Invite(ctx, shop.Invite{Shop: "wangjing", Key: "i"}); !errors.Is(err, shop.ErrShownOnce) {
				t.Fatal(err)
			}
		})
		t.Run("32 who scan at once fill two slots", func(t *testing.T) {
			shops, _ := open(t, db.Tenant("slots"))
			tokens := make([]string, 32)
			for i := range tokens {
				tokens[i] = invite(t, shops, "wangjing", fmt.Sprint("i", i))
			}
			var won, full atomic.Int64
			var wg sync.WaitGroup
			for i, token := range tokens {
				wg.Go(func() {
					_, err := shops.Bind(ctx, shop.Bind{Token: token, Identity: shop.Identity(fmt.Sprint("m", i)), Key: "b"})
					switch {
					case err == nil:
						won.Add(1)
					case errors.Is(err, shop.ErrSlots):
						full.Add(1)
					default:
						t.Error(err)
					}
				})
			}
			wg.Wait()
			_, managers, _, err := shops.Get(ctx, "wangjing")
			if err != nil || won.Load() != 2 || full.Load() != 30 || len(managers) != 2 || managers[0].Slot != 1 || managers[1].Slot != 2 {
				t.Fatal(won.Load(), full.Load(), managers, err)
			}
		})
		t.Run("one identity manages one shop, though two invite it at once", func(t *testing.T) {
			shops, _ := open(t, db.Tenant("identity"))
			tokens := []string{invite(t, shops, "wangjing", "i"), invite(t, shops, "sanlitun", "i")}
			var won atomic.Int64
			var wg sync.WaitGroup
			for i, token := range tokens {
				wg.Go(func() {
					_, err := shops.Bind(ctx, shop.Bind{Token: token, Identity: "kathy", Key: fmt.Sprint("b", i)})
					switch {
					case err == nil:
						won.Add(1)
					case !errors.Is(err, shop.ErrManages):
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if won.Load() != 1 {
				t.Fatal(won.Load())
			}
		})
		t.Run("an unbinding works at once, and the slot is free", func(t *testing.T) {
			shops, _ := open(t, db.Tenant("unbind"))
			if _, err := shops.Bind(ctx, shop.Bind{Token: invite(t, shops, "wangjing", "i"), Identity: "kathy", Key: "b"}); err != nil {
				t.Fatal(err)
			}
			if _, err := shops.Authorize(ctx, "wangjing", "kathy"); err != nil {
				t.Fatal(err)
			}
			if _, err := shops.Authorize(ctx, "sanlitun", "kathy"); !errors.Is(err, shop.ErrNotManager) {
				t.Fatal(err)
			}
			unbind := shop.Unbind{Shop: "wangjing", Identity: "kathy", Key: "u"}
			for range 2 {
				if _, err := shops.Unbind(ctx, unbind); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := shops.Authorize(ctx, "wangjing", "kathy"); !errors.Is(err, shop.ErrNotManager) {
				t.Fatal(err)
			}
			out, err := shops.Bind(ctx, shop.Bind{Token: invite(t, shops, "sanlitun", "i"), Identity: "kathy", Key: "b2"})
			if err != nil || out.Manager.Shop != "sanlitun" || out.Manager.Slot != 1 {
				t.Fatal(out, err)
			}
		})
	})
}

func TestPhysicalStamps(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		shops, now := open(t, db)
		bind := func(id ids.Shop, serial shop.Serial, key string) error {
			_, err := shops.BindStamp(ctx, shop.BindStamp{Shop: id, Serial: serial, Unsigned: true, Key: key})
			return err
		}
		for _, serial := range []shop.Serial{"A1", "A2", "A3"} {
			if err := bind("wangjing", serial, "k"); err != nil {
				t.Fatal(err)
			}
		}
		if err := bind("sanlitun", "A1", "k2"); !errors.Is(err, shop.ErrStampBound) {
			t.Fatal(err)
		}
		if p, err := shops.Pressed(ctx, shop.Press{Serial: "A1"}); err != nil || p.Shop.ID != "wangjing" {
			t.Fatal(p, err)
		}
		one := shop.UnbindStamps{Shop: "wangjing", Serial: "A1", Key: "one"}
		if out, err := shops.UnbindStamps(ctx, one); err != nil || len(out.Stamps) != 1 {
			t.Fatal(out, err)
		}
		if _, err := shops.Pressed(ctx, shop.Press{Serial: "A1"}); !errors.Is(err, shop.ErrUnknownStamp) {
			t.Fatal(err)
		}
		for i := range 2 {
			out, err := shops.UnbindStamps(ctx, shop.UnbindStamps{Shop: "wangjing", Key: "all"})
			if err != nil || len(out.Stamps) != 2 || out.Replayed != (i > 0) {
				t.Fatal(out, err)
			}
		}
		if err := bind("sanlitun", "A1", "k3"); err != nil {
			t.Fatal(err)
		}
		closed := wangjing()
		closed.ID, closed.To = "sanlitun", now.Add(time.Hour)
		if _, err := shops.Put(ctx, shop.Put{Shop: closed, Key: "close"}); err != nil {
			t.Fatal(err)
		}
		*now = now.Add(time.Hour)
		if _, err := shops.Pressed(ctx, shop.Press{Serial: "A1"}); !errors.Is(err, shop.ErrClosed) {
			t.Fatal(err)
		}
	})
}

func TestPut(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		shops, _ := open(t, db)
		for name, change := range map[string]func(*shop.Shop){
			"no id":         func(s *shop.Shop) { s.ID = "" },
			"no zone":       func(s *shop.Shop) { s.Zone = "" },
			"a made-up one": func(s *shop.Shop) { s.Zone = "Mars/Olympus" },
			"to before":     func(s *shop.Shop) { s.From, s.To = time.Unix(2, 0), time.Unix(1, 0) },
			"101 slots":     func(s *shop.Shop) { s.Slots = 101 },
			"NUL":           func(s *shop.Shop) { s.Name = "a\x00" },
		} {
			s := wangjing()
			change(&s)
			var input *errs.InputError
			if _, err := shops.Put(ctx, shop.Put{Shop: s, Key: "k"}); !errors.As(err, &input) {
				t.Errorf("%s: %v", name, err)
			}
		}
		s := wangjing()
		s.Name = "other"
		if _, err := shops.Put(ctx, shop.Put{Shop: s, Key: "put"}); !errors.Is(err, journal.ErrKeyReused) {
			t.Fatal(err)
		}
		if out, err := shops.Put(ctx, shop.Put{Shop: s, Key: "put2"}); err != nil || out.Shop.Version != 2 {
			t.Fatal(out, err)
		}
		var all []ids.Shop
		for s, err := range shops.List(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, s.ID)
		}
		if fmt.Sprint(all) != "[sanlitun wangjing]" {
			t.Fatal(all)
		}
	})
}
