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

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage"
)

var keys = []secret.Key{
	{ID: "new", Secret: []byte(strings.Repeat("n", 32))},
	{ID: "old", Secret: []byte(strings.Repeat("o", 32))},
}

func TestASerialHasOneForm(t *testing.T) {
	for _, s := range []shop.Serial{"A1659391", "a1659391", "Ａ１６５９３９１", "ａ1659391"} {
		if c, err := s.Canonical(); err != nil || c != "A1659391" {
			t.Errorf("%s: %s %v", s, c, err)
		}
	}
	for _, s := range []shop.Serial{"", "A 1", "A\u30001", "A\x001", "А1659391", "ß", "ı1", "①", "A1\xff", shop.Serial(strings.Repeat("a", 129))} {
		var input *errs.InputError
		if c, err := s.Canonical(); !errors.As(err, &input) || input.Field != "serial" {
			t.Errorf("%q is %q: %v", s, c, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := shop.Serial(rapid.String().Draw(t, "serial"))
		c, err := s.Canonical()
		if err != nil {
			return
		}
		for _, other := range []shop.Serial{c, shop.Serial(strings.ToLower(string(c))), shop.Serial(strings.ToLower(string(s))), shop.Serial(strings.ToUpper(string(s)))} {
			if again, err := other.Canonical(); err != nil || again != c {
				t.Fatalf("%q is %q, and %q is %q: %v", s, c, other, again, err)
			}
		}
	})
}

func TestNamesOfAStamp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		pressed := func(shops *shop.Engine, name shop.Serial) ids.Shop {
			p, err := shops.Pressed(ctx, shop.Press{Serial: name})
			if err != nil && !errors.Is(err, shop.ErrUnknownStamp) {
				t.Fatal(err)
			}
			return p.Shop.ID
		}
		give := func(shops *shop.Engine, id ids.Shop, key string, serial shop.Serial, aliases ...shop.Serial) ([]shop.Stamp, error) {
			out, err := shops.BindStamp(ctx, shop.BindStamp{Shop: id, Serial: serial, Aliases: aliases, Unsigned: true, Key: key})
			return out.Stamps, err
		}
		t.Run("in any case and width are one", func(t *testing.T) {
			shops, _ := open(t, db.Tenant("width"))
			if _, err := give(shops, "wangjing", "k", "A1659391"); err != nil {
				t.Fatal(err)
			}
			for _, s := range []shop.Serial{"a1659391", "Ａ１６５９３９１"} {
				if _, err := give(shops, "sanlitun", "k2", s); !errors.Is(err, shop.ErrStampBound) {
					t.Errorf("%s is bound to two shops: %v", s, err)
				}
				if _, err := give(shops, "sanlitun", "k3", "B1", s); !errors.Is(err, shop.ErrStampBound) {
					t.Errorf("%s is bound to two shops, as another name: %v", s, err)
				}
				if id := pressed(shops, s); id != "wangjing" {
					t.Error(s, id)
				}
				if out, err := shops.BindStamp(ctx, shop.BindStamp{Shop: "wangjing", Serial: s, Unsigned: true, Key: "k"}); err != nil || !out.Replayed {
					t.Error("it is another command:", out, err)
				}
			}
			if _, err := shops.UnbindStamps(ctx, shop.UnbindStamps{Shop: "wangjing", Serial: "ａ１６５９３９１", Key: "u"}); err != nil {
				t.Fatal(err)
			}
			if _, err := give(shops, "sanlitun", "k4", "a1659391"); err != nil {
				t.Fatal(err)
			}
		})
		t.Run("either find it, and none is another's", func(t *testing.T) {
			shops, _ := open(t, db.Tenant("names"))
			stamps, err := give(shops, "wangjing", "k", "A1", "6901234567892", "ean-1")
			if err != nil || len(stamps) != 3 || stamps[1].Of != "A1" || stamps[2].Serial != "EAN-1" || stamps[0].Ref == "" || stamps[0].Ref != stamps[2].Ref {
				t.Fatal(stamps, err)
			}
			for _, name := range []shop.Serial{"a1", "6901234567892", "ＥＡＮ－1"} {
				if id := pressed(shops, name); id != "wangjing" {
					t.Errorf("%s: %q", name, id)
				}
			}
			for name, c := range map[string]shop.BindStamp{
				"the bar code in another shop":           {Shop: "sanlitun", Serial: "6901234567892"},
				"the bar code as a stamp in its shop":    {Shop: "wangjing", Serial: "6901234567892"},
				"the serial as a bar code":               {Shop: "wangjing", Serial: "B1", Aliases: []shop.Serial{"A1"}},
				"the bar code of two stamps":             {Shop: "wangjing", Serial: "B1", Aliases: []shop.Serial{"6901234567892"}},
				"the bar code of two stamps in another":  {Shop: "sanlitun", Serial: "B1", Aliases: []shop.Serial{"ean-1"}},
				"the serial in the other shop, as alias": {Shop: "sanlitun", Serial: "B1", Aliases: []shop.Serial{"a1"}},
			} {
				c.Key = "x"
				if _, err := shops.BindStamp(ctx, c); !errors.Is(err, shop.ErrStampBound) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if stamps, err = give(shops, "wangjing", "k2", "A1", "EAN-2"); err != nil || stamps[0].Ref == "" {
				t.Fatal(stamps, err)
			}
			if id := pressed(shops, "EAN-1"); id != "" {
				t.Error("a name that it no longer has finds it")
			}
			if _, err := give(shops, "sanlitun", "k3", "B1", "EAN-1"); err != nil {
				t.Error("a name that is free is not given:", err)
			}
			out, err := shops.UnbindStamps(ctx, shop.UnbindStamps{Shop: "wangjing", Serial: "ean-2", Key: "u"})
			if err != nil || len(out.Stamps) != 2 || pressed(shops, "A1") != "" || pressed(shops, "EAN-2") != "" {
				t.Fatal(out, err)
			}
		})
		t.Run("are bad input where they are no names, or twice", func(t *testing.T) {
			shops, _ := open(t, db.Tenant("bad"))
			for name, c := range map[string]struct {
				bind  shop.BindStamp
				field string
			}{
				"the same again":     {shop.BindStamp{Serial: "A1", Aliases: []shop.Serial{"a1"}}, "aliases[0]"},
				"twice":              {shop.BindStamp{Serial: "A1", Aliases: []shop.Serial{"B", "ｂ"}}, "aliases[1]"},
				"empty":              {shop.BindStamp{Serial: "A1", Aliases: []shop.Serial{""}}, "aliases[0]"},
				"too many":           {shop.BindStamp{Serial: "A1", Aliases: make([]shop.Serial, 9)}, "aliases"},
				"of other letters":   {shop.BindStamp{Serial: "印章"}, "serial"},
				"none":               {shop.BindStamp{}, "serial"},
				"a Cyrillic capital": {shop.BindStamp{Serial: "А1"}, "serial"},
			} {
				c.bind.Shop, c.bind.Key = "wangjing", "k"
				var input *errs.InputError
				if _, err := shops.BindStamp(ctx, c.bind); !errors.As(err, &input) || input.Field != c.field {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
		t.Run("have one owner, whoever races with whatever spelling", func(t *testing.T) {
			shops, _ := open(t, db.Tenant("race"))
			spellings := []shop.Serial{"A1659391", "a1659391", "Ａ１６５９３９１", "ａ１６５９３９１"}
			var won atomic.Int64
			var wg sync.WaitGroup
			for i := range 16 {
				wg.Go(func() {
					c := shop.BindStamp{Shop: []ids.Shop{"wangjing", "sanlitun"}[i%2], Serial: shop.Serial(fmt.Sprint("S", i)), Key: "k"}
					c.Aliases = []shop.Serial{spellings[i%4]}
					switch _, err := shops.BindStamp(ctx, c); {
					case err == nil:
						won.Add(1)
					case !errors.Is(err, shop.ErrStampBound):
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if won.Load() != 1 {
				t.Fatal(won.Load())
			}
		})
	})
}

func TestPresses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
		engine := func(db storage.DB, keys ...secret.Key) *shop.Engine {
			return shop.New(db, &shop.Options{Now: func() time.Time { return now }, PressKeys: keys})
		}
		set := func(t *testing.T, db storage.DB) *shop.Engine {
			open(t, db)
			shops := engine(db, keys...)
			for _, c := range []shop.BindStamp{
				{Shop: "wangjing", Serial: "A1", Aliases: []shop.Serial{"6901234567892"}},
				{Shop: "sanlitun", Serial: "B1", Unsigned: true},
			} {
				c.Key = "k"
				if _, err := shops.BindStamp(ctx, c); err != nil {
					t.Fatal(err)
				}
			}
			return shops
		}
		certify := func(t *testing.T, shops *shop.Engine, serial shop.Serial) string {
			token, err := shops.Certify(ctx, serial)
			if err != nil {
				t.Fatal(err)
			}
			return token
		}
		t.Run("count without a token where the stamp says so alone", func(t *testing.T) {
			shops := set(t, db.Tenant("unsigned"))
			for _, name := range []shop.Serial{"A1", "6901234567892"} {
				if _, err := shops.Pressed(ctx, shop.Press{Serial: name, Member: "alice", Key: "k"}); !errors.Is(err, shop.ErrUnsigned) {
					t.Fatal(err)
				}
			}
			if p, err := shops.Pressed(ctx, shop.Press{Serial: "b1"}); err != nil || p.Shop.ID != "sanlitun" {
				t.Fatal(p, err)
			}
		})
		t.Run("show no serial", func(t *testing.T) {
			shops := set(t, db.Tenant("hidden"))
			const serial, barcode = "A1659391", "4006381333931" // too long to come by chance
			bound := shop.BindStamp{Shop: "wangjing", Serial: serial, Aliases: []shop.Serial{barcode}, Key: "hidden"}
			if _, err := shops.BindStamp(ctx, bound); err != nil {
				t.Fatal(err)
			}
			shows := func(text string) bool { return strings.Contains(text, serial) || strings.Contains(text, barcode) }
			token := certify(t, shops, barcode)
			p, err := shops.Pressed(ctx, shop.Press{Token: token, Member: "alice", Key: "k"})
			if err != nil || p.Shop.ID != "wangjing" {
				t.Fatal(p, err)
			}
			for _, text := range []string{p.Ref, token} {
				if text == "" || shows(text) {
					t.Error(text)
				}
			}
			for r, err := range db.Tenant("hidden").Journal().After(ctx, "", 0) {
				if err != nil {
					t.Fatal(err)
				}
				if r.Kind == "shop.press" && (shows(fmt.Sprint(r.Subject, string(r.Result))) || strings.Contains(r.Subject, token)) {
					t.Error(r)
				}
			}
		})
		t.Run("serve one member and command, once, for two minutes", func(t *testing.T) {
			shops := set(t, db.Tenant("once"))
			token := certify(t, shops, "A1")
			press := shop.Press{Token: token, Member: "alice", Key: "k"}
			for range 3 {
				if _, err := shops.Pressed(ctx, press); err != nil {
					t.Fatal(err)
				}
			}
			for name, p := range map[string]shop.Press{
				"another member":  {Token: token, Member: "bob", Key: "k"},
				"another command": {Token: token, Member: "alice", Key: "k2"},
				"another stamp":   {Serial: "B1", Token: token, Member: "alice", Key: "k"},
			} {
				if _, err := shops.Pressed(ctx, p); !errors.Is(err, shop.ErrPress) {
					t.Errorf("%s: %v", name, err)
				}
			}
			began := now
			for after, want := range map[time.Duration]error{
				shop.PressTTL - time.Microsecond: nil, shop.PressTTL: shop.ErrPress,
				-shop.PressSkew: nil, -shop.PressSkew - time.Microsecond: shop.ErrPress,
			} {
				now = began
				p := shop.Press{Token: certify(t, shops, "A1"), Member: "alice", Key: "late"}
				now = began.Add(after)
				if _, err := shops.Pressed(ctx, p); !errors.Is(err, want) {
					t.Errorf("after %s: %v", after, err)
				}
			}
			now = began
		})
		t.Run("are of one tenant and its keys", func(t *testing.T) {
			mine, yours := set(t, db.Tenant("mine")), set(t, db.Tenant("yours"))
			token := certify(t, yours, "A1")
			flipped := []byte(token)
			flipped[len(flipped)/2] ^= 1
			id, rest, _ := strings.Cut(token, ".")
			for name, c := range map[string]struct {
				shops *shop.Engine
				token string
			}{
				"another tenant":  {mine, token},
				"changed":         {yours, string(flipped)},
				"cut":             {yours, token[:len(token)-4]},
				"another key":     {yours, "old." + rest},
				"an unknown key":  {yours, "none." + rest},
				"nothing else":    {yours, id + "."},
				"no token at all": {yours, "x"},
				"too long":        {yours, token + strings.Repeat("A", 1<<16)},
				"no keys":         {engine(db.Tenant("yours")), token},
			} {
				if _, err := c.shops.Pressed(ctx, shop.Press{Token: c.token, Member: "alice", Key: "k"}); !errors.Is(err, shop.ErrPress) {
					t.Errorf("%s: %v", name, err)
				}
			}
			old := certify(t, engine(db.Tenant("yours"), keys[1]), "A1")
			if _, err := yours.Pressed(ctx, shop.Press{Token: old, Member: "alice", Key: "k"}); err != nil {
				t.Error("an older key does not open:", err)
			}
			for _, shops := range []*shop.Engine{engine(db.Tenant("yours")), engine(db.Tenant("yours"), secret.Key{ID: "short", Secret: []byte("x")})} {
				if _, err := shops.Certify(ctx, "A1"); err == nil {
					t.Error("certified without a good key")
				}
			}
		})
		t.Run("have one winner among 16 commands", func(t *testing.T) {
			shops := set(t, db.Tenant("race"))
			token := certify(t, shops, "A1")
			var won atomic.Int64
			var wg sync.WaitGroup
			for i := range 16 {
				wg.Go(func() {
					_, err := shops.Pressed(ctx, shop.Press{Token: token, Member: fmt.Sprint("m", i), Key: "k"})
					switch {
					case err == nil:
						won.Add(1)
					case !errors.Is(err, shop.ErrPress):
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if won.Load() != 1 {
				t.Fatal(won.Load())
			}
		})
		t.Run("whose request is rolled back may be tried again", func(t *testing.T) {
			tenant := db.Tenant("rollback")
			shops := set(t, tenant)
			token := certify(t, shops, "A1")
			boom := errors.New("boom")
			err := tenant.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
				if _, err := shops.In(tx).Pressed(ctx, shop.Press{Token: token, Member: "alice", Key: "k"}); err != nil {
					return err
				}
				return boom
			})
			if !errors.Is(err, boom) {
				t.Fatal(err)
			}
			if _, err := shops.Pressed(ctx, shop.Press{Token: token, Member: "alice", Key: "k2"}); err != nil {
				t.Fatal(err)
			}
		})
	})
}
