package wechat_test

import (
	"context"
	"fmt"
	"log"

	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/wechattest"
)

// A client asks a WeChat that runs in the test which addresses its pushes come from. Without
// Options.Base it would ask the real one.
func Example() {
	fake := wechattest.NewServer(nil)
	defer fake.Close()
	app := wechat.App{ID: "wx0123456789abcdef", Secret: "the app's secret"}
	fake.AddApp(wechattest.App{ID: app.ID, Secret: app.Secret})

	keys := []secret.Key{{ID: "2026", Secret: []byte("32 random bytes of your own secret")}}
	client, err := wechat.New(memory.New(), app, keys, &wechat.Options{Base: fake.URL})
	if err != nil {
		log.Fatal(err)
	}
	var answer struct {
		Addresses []string `json:"ip_list"`
	}
	err = client.Do(context.Background(), wechat.Call{Path: "/cgi-bin/getcallbackip", Read: true}, &answer)
	fmt.Println(client.App(), answer.Addresses, err)
	// Output: wx0123456789abcdef [127.0.0.1] <nil>
}

// A round code is a picture, which a poster has, and not JSON.
func ExampleClient_File() {
	fake := wechattest.NewServer(nil)
	defer fake.Close()
	app := wechat.App{ID: "wx0123456789abcdef", Secret: "the app's secret"}
	fake.AddApp(wechattest.App{ID: app.ID, Secret: app.Secret})
	keys := []secret.Key{{ID: "2026", Secret: []byte("32 random bytes of your own secret")}}
	client, err := wechat.New(memory.New(), app, keys, &wechat.Options{Base: fake.URL})
	if err != nil {
		log.Fatal(err)
	}
	body := map[string]any{"scene": "shop.wangjing", "page": "pages/shop/shop"}
	picture, mediaType, err := client.File(context.Background(), wechat.Call{Path: "/wxa/getwxacodeunlimit", Body: body})
	fmt.Println(len(picture) > 0, mediaType, err)
	// Output: true image/jpeg <nil>
}
