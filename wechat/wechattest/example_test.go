package wechattest_test

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/callback"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
	"github.com/scrmkit/scrmkit/wechat/wechattest"
)

var keys = []secret.Key{{ID: "2026", Secret: []byte("32 random bytes of your own secret")}}

// WeChat refuses what a service does not often meet on a laptop: an address that the console does
// not allow, too many calls, a text that is not fit to be shown, a session that has ended.
func Example() {
	ctx, db := context.Background(), memory.New()
	fake := wechattest.NewServer(nil)
	defer fake.Close()
	app := wechat.App{ID: "wx0123456789abcdef", Secret: "the app's secret"}
	fake.AddApp(wechattest.App{ID: app.ID, Secret: app.Secret, Addresses: []string{"192.0.2.1"}})
	alice := wechattest.User{OpenID: "oAlice"}
	open := func() *miniprogram.Engine {
		client, err := wechat.New(db, app, keys, &wechat.Options{Base: fake.URL})
		if err != nil {
			log.Fatal(err)
		}
		users, err := miniprogram.New(db, client, keys, nil)
		if err != nil {
			log.Fatal(err)
		}
		return users
	}
	check := func(users *miniprogram.Engine, content string) {
		c, err := users.CheckText(ctx, miniprogram.Text{OpenID: "oAlice", Scene: miniprogram.Profile, Content: content})
		if err != nil {
			text, _, _ := strings.Cut(err.Error(), " (rid")
			fmt.Println(text)
			return
		}
		fmt.Println(content, c.Suggestion)
	}

	fake.From("192.0.2.1")
	users := open()
	if _, err := users.SignIn(ctx, fake.Login(app.ID, alice)); err != nil {
		log.Fatal(err)
	}
	fake.Word("poker", "risky")
	check(users, "小爱")
	check(users, "poker")
	fake.Quota("/wxa/msg_sec_check", 2)
	check(users, "one too many")
	fake.EndSession(alice)
	fmt.Println(users.CheckSession(ctx, "oAlice"))
	fmt.Println("keys that no log may have:", len(fake.SessionKeys()))
	// Output:
	// 小爱 pass
	// poker risky
	// miniprogram: check text: wechat: /wxa/msg_sec_check: 45009 reach max api daily quota limit
	// miniprogram: check session: miniprogram: the session has ended; have the front end sign in again
	// keys that no log may have: 1
}

// What users do on their phones is pushed, each event one to three times and in any order, as on a
// bad day.
func ExamplePusher_Deliver() {
	fake := wechattest.NewServer(nil)
	defer fake.Close()
	const app = "wx0123456789abcdef"
	fake.AddApp(wechattest.App{ID: app, Secret: "the app's secret"})
	full := wechattest.Template{ID: "card-full", Keys: []string{"thing1", "number2"}}
	fake.AddTemplate(app, full)
	fmt.Println(full.Takes("thing1", "第 8 杯免费"), full.Takes("number2", "eight"))

	console := callback.Secret{Token: "the console's token", AESKey: "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"}
	receiver, err := callback.New(memory.New(), app, []callback.Secret{console}, func(_ context.Context, _ storage.Tx, p callback.Push) ([]byte, error) {
		for _, s := range p.Subscriptions() {
			fmt.Println(p.From, p.Event, s.Accepted)
		}
		return nil, nil
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	service := httptest.NewServer(receiver)
	defer service.Close()

	alice, bob, carol := wechattest.User{OpenID: "oAlice"}, wechattest.User{OpenID: "oBob"}, wechattest.User{OpenID: "oCarol"}
	fake.Accept(app, alice, full.ID)
	fake.Decline(app, bob, full.ID)
	fake.Accept(app, carol, full.ID)
	fake.TurnOff(app, carol, full.ID) // in the settings
	for _, u := range []wechattest.User{alice, bob, carol} {
		fmt.Println(u.OpenID, "may be sent", fake.Consents(app, u, full.ID))
	}
	fake.Lose(app, "43101") // the next message does not arrive, and its event says so
	push := wechattest.Pusher{URL: service.URL, Token: console.Token, AESKey: console.AESKey, Receiver: app}
	if err := push.Deliver(rand.New(rand.NewPCG(1, 2)), fake.Pushes(app)...); err != nil {
		log.Fatal(err)
	}
	// Unordered output:
	// true false
	// oAlice may be sent 1
	// oBob may be sent 0
	// oCarol may be sent 0
	// oAlice subscribe_msg_popup_event true
	// oBob subscribe_msg_popup_event false
	// oCarol subscribe_msg_popup_event true
	// oCarol subscribe_msg_change_event false
}

// A push whose text was changed on the way is refused: the signature is not of it.
func ExamplePusher_Encrypt() {
	console := callback.Secret{Token: "the console's token", AESKey: "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"}
	receiver, err := callback.New(memory.New(), "wx0123456789abcdef", []callback.Secret{console}, func(context.Context, storage.Tx, callback.Push) ([]byte, error) {
		return nil, nil
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	push := wechattest.Pusher{Token: console.Token, AESKey: console.AESKey, Receiver: "wx0123456789abcdef", JSON: true}
	other, err := push.Encrypt(`{"MsgType":"text","Content":"give me points"}`)
	if err != nil {
		log.Fatal(err)
	}
	signed, err := push.Request(`{"MsgType":"text","Content":"hi"}`)
	if err != nil {
		log.Fatal(err)
	}
	forged, err := http.NewRequest(http.MethodPost, signed.URL.String(), strings.NewReader(`{"Encrypt":"`+other+`"}`))
	if err != nil {
		log.Fatal(err)
	}
	w := httptest.NewRecorder()
	receiver.ServeHTTP(w, forged)
	fmt.Println(w.Code)
	// Output: 403
}
