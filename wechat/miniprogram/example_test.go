package miniprogram_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
	"github.com/scrmkit/scrmkit/wechat/wechattest"
)

// A user scans a shop's code, signs in and presses the phone button; WeChat is one that runs in the
// test.
func Example() {
	ctx, db := context.Background(), memory.New()
	fake := wechattest.NewServer(nil)
	defer fake.Close()
	app := wechat.App{ID: "wx0123456789abcdef", Secret: "the app's secret"}
	fake.AddApp(wechattest.App{ID: app.ID, Secret: app.Secret})
	alice := wechattest.User{OpenID: "oAlice", Phone: "13800138000"}

	keys := []secret.Key{{ID: "2026", Secret: []byte("32 random bytes of your own secret")}}
	client, err := wechat.New(db, app, keys, &wechat.Options{Base: fake.URL})
	if err != nil {
		log.Fatal(err)
	}
	users, err := miniprogram.New(db, client, keys, nil)
	if err != nil {
		log.Fatal(err)
	}
	_, mediaType, err := users.Draw(ctx, miniprogram.Picture{Scene: miniprogram.Scene{Kind: "shop", ID: "wangjing"}, Page: "pages/shop/shop"})
	fmt.Println(mediaType, err)
	text, err := miniprogram.Scene{Kind: "shop", ID: "wangjing"}.Text() // which is in the picture
	fmt.Println(text, err)
	scene, err := miniprogram.ParseScene(text) // as the page got it
	fmt.Println(scene.Kind, scene.ID, err)

	session, err := users.SignIn(ctx, fake.Login(app.ID, alice)) // the code of wx.login
	fmt.Println(session.OpenID, err)
	fmt.Println(users.CheckSession(ctx, session.OpenID)) // before what it allows is done
	number, err := users.Phone(ctx, miniprogram.Phone{OpenID: session.OpenID, Code: fake.PressPhone(app.ID, alice), Way: miniprogram.Quick})
	fmt.Println(number.E164, number.Way, err)
	check, err := users.CheckText(ctx, miniprogram.Text{OpenID: session.OpenID, Scene: miniprogram.Profile, Content: "小爱"})
	fmt.Println(check.Suggestion, err)
	_, err = users.Link(ctx, miniprogram.Link{Page: "pages/shop/shop", Expires: time.Now().Add(24 * time.Hour)})
	fmt.Println(err)
	_, err = users.ShortLink(ctx, "pages/shop/shop?id=wangjing", "望京")
	fmt.Println(err)
	n, err := users.Prune(ctx, time.Now().Add(-time.Hour))
	fmt.Println(n, err)
	// Output:
	// image/jpeg <nil>
	// shop.wangjing <nil>
	// shop wangjing <nil>
	// oAlice <nil>
	// <nil>
	// +8613800138000 quick <nil>
	// pass <nil>
	// <nil>
	// <nil>
	// 0 <nil>
}
