package invitation_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/stamps/invitation"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
	"github.com/scrmkit/scrmkit/wechat/wechattest"
)

const page = "pages/bind/bind"

// open returns the flow of a shop in Wangjing, with the WeChat that it asks.
func open(t testing.TB, db storage.DB, now func() time.Time) (*invitation.Flow, *shop.Engine, *wechattest.Server) {
	fake := wechattest.NewServer(&wechattest.Options{Now: now})
	t.Cleanup(fake.Close)
	app := wechat.App{ID: "wx0123456789abcdef", Secret: "TOPSECRET0123456789"}
	fake.AddApp(wechattest.App{ID: app.ID, Secret: app.Secret})
	fake.Pages(page)
	keys := []secret.Key{{ID: "1", Secret: []byte("a secret that is 32 bytes or more")}}
	client, err := wechat.New(db, app, keys, &wechat.Options{Now: now, Base: fake.URL})
	if err != nil {
		t.Fatal(err)
	}
	mini, err := miniprogram.New(db, client, keys, &miniprogram.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	shops := shop.New(db, &shop.Options{Now: now})
	if _, err := shops.Put(t.Context(), shop.Put{Shop: shop.Shop{ID: "wangjing", Zone: "Asia/Shanghai"}, Key: "open"}); err != nil {
		t.Fatal(err)
	}
	return invitation.New(shops, mini, page), shops, fake
}

// sceneOf reads the scene that the fake has written into a picture.
func sceneOf(picture []byte) string {
	all := strings.Fields(string(picture))
	return all[len(all)-1]
}

func TestBind(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		var at atomic.Int64
		at.Store(time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC).Unix())
		flow, shops, fake := open(t, db, func() time.Time { return time.Unix(at.Load(), 0) })
		ctx := t.Context()
		invited, err := flow.Invite(ctx, invitation.Invite{Shop: "wangjing", By: "boss", Key: "i1"})
		if err != nil || invited.MediaType != "image/jpeg" || invited.Expires != time.Unix(at.Load(), 0).UTC().Add(shop.InvitationTTL) {
			t.Fatal(invited, err)
		}
		scene := sceneOf(invited.Picture)
		if len(scene) > miniprogram.MaxScene {
			t.Error(scene)
		}
		_, err = flow.Invite(ctx, invitation.Invite{Shop: "wangjing", By: "boss", Key: "i1"})
		if !errors.Is(err, shop.ErrShownOnce) {
			t.Error("the same key:", err)
		}

		var all sync.WaitGroup
		var won atomic.Int64
		for i := range 8 {
			all.Go(func() {
				bound, err := flow.Bind(ctx, invitation.Bind{Scene: scene, Identity: shop.Identity(fmt.Sprint("scanner-", i)), Key: "scan"})
				switch {
				case err == nil && bound.InvitedBy == "boss" && bound.Manager.Shop == "wangjing":
					won.Add(1)
				case !errors.Is(err, shop.ErrInvitation):
					t.Error(bound, err)
				}
			})
		}
		all.Wait()
		if _, managers, _, err := shops.Get(ctx, "wangjing"); err != nil || won.Load() != 1 || len(managers) != 1 {
			t.Error(won.Load(), "were bound:", managers, err)
		} else if again, err := flow.Bind(ctx, invitation.Bind{Scene: scene, Identity: managers[0].Identity, Key: "scan"}); err != nil || !again.Replayed || again.InvitedBy != "boss" {
			t.Error("after a lost answer:", again, err)
		}

		second, err := flow.Invite(ctx, invitation.Invite{Shop: "wangjing", By: "boss", Key: "i2"})
		if err != nil {
			t.Fatal(err)
		}
		late := sceneOf(second.Picture)
		for what, bad := range map[string]string{
			"nothing": "", "another kind": "shop." + strings.TrimPrefix(late, "bind."), "no token": "bind.", "a query": late + "&x=1",
			"another token": "bind." + strings.Repeat("A", 26),
		} {
			if _, err := flow.Bind(ctx, invitation.Bind{Scene: bad, Identity: "eve", Key: what}); err == nil {
				t.Error(what, "binds")
			}
		}
		stop := errors.New("stop")
		err = db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
			if _, err := flow.In(tx).Bind(ctx, invitation.Bind{Scene: late, Identity: "late", Key: "tx"}); err != nil {
				return err
			}
			return stop
		})
		if !errors.Is(err, stop) {
			t.Error(err)
		}
		at.Add(int64(shop.InvitationTTL / time.Second))
		if _, err := flow.Bind(ctx, invitation.Bind{Scene: late, Identity: "late", Key: "late"}); !errors.Is(err, shop.ErrInvitation) {
			t.Error("a code that has ended:", err)
		}

		fake.Fail("/wxa/getwxacodeunlimit", wechattest.Fault{Body: `{"errcode":45009,"errmsg":"reach max api daily quota limit"}`})
		_, err = flow.Invite(ctx, invitation.Invite{Shop: "wangjing", By: "boss", Key: "i3"})
		if !errors.Is(err, wechat.ErrRateLimited) {
			t.Error("a code that was not drawn:", err)
		}
		if left, err := shops.Invitations(ctx, "wangjing"); err != nil || len(left) != 0 {
			t.Error("an invitation that nobody can use is open:", left, err)
		}
	})
}

// The owner of a shop has a code drawn; who scans it first manages the shop.
func Example() {
	ctx, db := context.Background(), memory.New()
	fake := wechattest.NewServer(nil)
	defer fake.Close()
	app := wechat.App{ID: "wx0123456789abcdef", Secret: "the app's secret"}
	fake.AddApp(wechattest.App{ID: app.ID, Secret: app.Secret})
	keys := []secret.Key{{ID: "2026", Secret: []byte("32 random bytes of your own secret")}}
	must := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	client, err := wechat.New(db, app, keys, &wechat.Options{Base: fake.URL})
	must(err)
	mini, err := miniprogram.New(db, client, keys, nil)
	must(err)
	shops := shop.New(db, nil)
	_, err = shops.Put(ctx, shop.Put{Shop: shop.Shop{ID: "wangjing", Name: "Wangjing", Zone: "Asia/Shanghai"}, Key: "open"})
	must(err)

	flow := invitation.New(shops, mini, "pages/bind/bind")
	invited, err := flow.Invite(ctx, invitation.Invite{Shop: "wangjing", By: "boss", Key: "invite-1"})
	must(err)
	scene := sceneOf(invited.Picture) // what WeChat hands to the page
	kathy, err := mini.SignIn(ctx, fake.Login(app.ID, wechattest.User{OpenID: "oKathy"}))
	must(err)
	bound, err := flow.Bind(ctx, invitation.Bind{Scene: scene, Identity: shop.Identity(kathy.OpenID), Name: "Kathy", Key: "scan-1"})
	fmt.Println(bound.Manager.Name, bound.Manager.Shop, bound.InvitedBy, err)
	// Output:
	// Kathy wangjing boss <nil>
}
