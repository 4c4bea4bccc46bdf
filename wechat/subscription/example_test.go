package subscription_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/callback"
	"github.com/scrmkit/scrmkit/wechat/subscription"
	"github.com/scrmkit/scrmkit/wechat/wechattest"
)

// A user accepts one message, and is sent one; WeChat is one that runs in the test.
func Example() {
	ctx, db := context.Background(), memory.New()
	fake := wechattest.NewServer(nil)
	defer fake.Close()
	app := wechat.App{ID: "wx0123456789abcdef", Secret: "the app's secret"}
	fake.AddApp(wechattest.App{ID: app.ID, Secret: app.Secret})
	fake.AddTemplate(app.ID, wechattest.Template{ID: "card-full", Keys: []string{"thing1", "date2"}})

	keys := []secret.Key{{ID: "2026", Secret: []byte("32 random bytes of your own secret")}}
	client, err := wechat.New(db, app, keys, &wechat.Options{Base: fake.URL})
	if err != nil {
		log.Fatal(err)
	}
	messages, err := subscription.New(db, client, []subscription.Template{
		{ID: "card-full", Fields: []subscription.Field{{Key: "thing1", Shorten: true}, {Key: "date2"}}},
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	if t, ok := messages.Template("card-full"); ok {
		fmt.Println(messages.App(), t.Fields[0].Key, t.Fields[1].Key)
	}
	console := callback.Secret{Token: "the console's token", AESKey: "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"}
	receiver, err := callback.New(db, app.ID, []callback.Secret{console}, func(ctx context.Context, tx storage.Tx, p callback.Push) ([]byte, error) {
		return nil, messages.In(tx).Observe(ctx, p)
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	service := httptest.NewServer(receiver)
	defer service.Close()

	fake.Accept(app.ID, wechattest.User{OpenID: "oAlice"}, "card-full") // what wx.requestSubscribeMessage asks for
	push := wechattest.Pusher{URL: service.URL, Token: console.Token, AESKey: console.AESKey, Receiver: app.ID}
	for _, event := range fake.Pushes(app.ID) {
		status, answer, err := push.Push(event)
		fmt.Println(status, answer, err)
	}
	balance, err := messages.Balance(ctx, "oAlice", "card-full")
	fmt.Println(balance.Left, err)
	for _, key := range []string{"card-7-is-full", "card-7-is-full", "card-8-is-full"} {
		receipt, err := messages.Send(ctx, subscription.Message{
			OpenID: "oAlice", Template: "card-full", Values: map[string]string{"thing1": "第 8 杯免费", "date2": "2026-03-10"}, Key: key,
		})
		fmt.Println(receipt.Status, receipt.Replayed, err != nil, errors.Is(err, subscription.ErrNoConsent))
	}
	// Output:
	// wx0123456789abcdef thing1 date2
	// 200 success <nil>
	// 1 <nil>
	// sent false false false
	// sent true false false
	//  false true true
}

// The front end says that a user accepted, where WeChat pushes nothing.
func ExampleLedger_Report() {
	ctx, db := context.Background(), memory.New()
	keys := []secret.Key{{ID: "2026", Secret: []byte("32 random bytes of your own secret")}}
	client, err := wechat.New(db, wechat.App{ID: "wx0123456789abcdef", Secret: "the app's secret"}, keys, nil)
	if err != nil {
		log.Fatal(err)
	}
	messages, err := subscription.New(db, client, []subscription.Template{{ID: "card-full", Fields: []subscription.Field{{Key: "thing1"}}}}, nil)
	if err != nil {
		log.Fatal(err)
	}
	for range 2 { // it is sent again, for its answer was lost
		balance, err := messages.Report(ctx, subscription.Report{OpenID: "oAlice", Template: "card-full", Key: "popup-1"})
		fmt.Println(balance.Left, err)
	}
	// Output:
	// 1 <nil>
	// 1 <nil>
}

// WeChat took a message, and its answer was lost: it is held, for it is not sent twice. Where no
// event tells within an hour what became of it, a worker leaves it at that.
func ExampleLedger_Reconcile() {
	ctx, db := context.Background(), memory.New()
	var hours atomic.Int64 // that have passed
	clock := func() time.Time { return time.Date(2026, 3, 10, int(hours.Load()), 0, 0, 0, time.UTC) }
	fake := wechattest.NewServer(&wechattest.Options{Now: clock})
	defer fake.Close()
	app := wechat.App{ID: "wx0123456789abcdef", Secret: "the app's secret"}
	fake.AddApp(wechattest.App{ID: app.ID, Secret: app.Secret})
	fake.AddTemplate(app.ID, wechattest.Template{ID: "card-full", Keys: []string{"thing1"}})
	fake.Accept(app.ID, wechattest.User{OpenID: "oAlice"}, "card-full")
	fake.Fail("/cgi-bin/message/subscribe/send", wechattest.Fault{Cut: true, After: true})

	keys := []secret.Key{{ID: "2026", Secret: []byte("32 random bytes of your own secret")}}
	client, err := wechat.New(db, app, keys, &wechat.Options{Base: fake.URL, Now: clock})
	if err != nil {
		log.Fatal(err)
	}
	templates := []subscription.Template{{ID: "card-full", Fields: []subscription.Field{{Key: "thing1"}}}}
	messages, err := subscription.New(db, client, templates, &subscription.Options{Now: clock})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := messages.Report(ctx, subscription.Report{OpenID: "oAlice", Template: "card-full", Key: "popup-1"}); err != nil {
		log.Fatal(err)
	}
	full := subscription.Message{OpenID: "oAlice", Template: "card-full", Values: map[string]string{"thing1": "第 8 杯免费"}, Key: "card-7-is-full"}
	_, err = messages.Send(ctx, full)
	_, held := errors.AsType[*subscription.HeldError](err)
	fmt.Println("held:", held)
	for m, err := range messages.Held(ctx) {
		fmt.Println(m.Key, m.Status, err)
	}

	hours.Add(2)
	fmt.Println(messages.Reconcile(ctx, clock().Add(-time.Hour)))
	known, err := messages.Send(ctx, full) // WeChat is not asked
	fmt.Println(known.Status, err)
	hours.Add(365 * 24)
	fmt.Println(messages.Prune(ctx, clock().AddDate(0, -6, 0)))
	// Output:
	// held: true
	// card-7-is-full held <nil>
	// 1 <nil>
	// unknown <nil>
	// 1 <nil>
}
