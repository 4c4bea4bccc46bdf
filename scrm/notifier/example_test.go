package notifier_test

import (
	"context"
	"fmt"
	"log"
	"sync/atomic"
	"time"

	"golang.org/x/text/language"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/scrm/notice"
	"github.com/scrmkit/scrmkit/scrm/notifier"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/storage/relay"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/subscription"
	"github.com/scrmkit/scrmkit/wechat/wechattest"
)

// A router is a sender of a service that has notices of its own too.
type router struct{ flow *notifier.Flow }

func (r router) Send(ctx context.Context, n notice.Notice) (string, error) {
	if n.Kind == "order.shipped" {
		fmt.Println(n.Member, n.Kind)
		return "", nil
	}
	return r.flow.Send(ctx, n)
}

// Alice buys something for 32 yuan, and WeChat tells her that 32 points came in, by a text of the
// service's own. A month later she is told that they end.
func Example() {
	ctx, db := context.Background(), memory.New()
	var hours atomic.Int64 // that have passed
	clock := func() time.Time { return time.Date(2026, 3, 10, 4+int(hours.Load()), 0, 0, 0, time.UTC) }
	fake := wechattest.NewServer(&wechattest.Options{Now: clock})
	defer fake.Close()
	fake.AddApp(wechattest.App{ID: "wx1", Secret: "the secret"})
	fake.AddTemplate("wx1", wechattest.Template{ID: "T1", Keys: []string{"thing1"}})

	client, err := wechat.New(db, wechat.App{ID: "wx1", Secret: "the secret"}, keys, &wechat.Options{Now: clock, Base: fake.URL})
	if err != nil {
		log.Fatal(err)
	}
	messages, err := subscription.New(db, client, []subscription.Template{
		{ID: "T1", Fields: []subscription.Field{{Key: "thing1", Shorten: true}}},
	}, &subscription.Options{Now: clock})
	if err != nil {
		log.Fatal(err)
	}
	customers, err := customer.New(db, keys, &customer.Options{Now: clock})
	if err != nil {
		log.Fatal(err)
	}
	points := loyalty.New(db, &loyalty.Options{Now: clock})
	notices := notice.New(db, &notice.Options{Now: clock})

	texts := notifier.Texts() // and one of one's own
	for tag, text := range map[language.Tag]string{
		language.English: "%v new points!", language.SimplifiedChinese: "+%v 积分", language.TraditionalChinese: "+%v 積分",
	} {
		if err := texts.SetString(tag, "hooray", text); err != nil {
			log.Fatal(err)
		}
	}
	flow, err := notifier.New(points, nil, customers, messages, notices, []notifier.Template{
		{Kind: notifier.PointsEarned, Currency: "points", ID: "T1", Values: map[string]notifier.Value{
			"thing1": {Text: "hooray", Args: []notifier.Arg{notifier.Points}},
		}},
		{Kind: notifier.PointsExpiring, Currency: "points", ID: "T1", Values: map[string]notifier.Value{
			"thing1": {Text: string(notifier.PointsExpiring), Args: []notifier.Arg{notifier.Points}},
		}},
	}, &notifier.Options{Now: clock, Texts: texts})
	if err != nil {
		log.Fatal(err)
	}

	user := wechattest.User{OpenID: "oAlice"}
	fake.Login("wx1", user)
	_, err = customers.SignIn(ctx, customer.SignIn{
		Identity: customer.Identity{Platform: customer.OpenID, Namespace: "wx1", ID: user.OpenID}, Way: "wechat", Member: "alice",
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, key := range []string{"first", "second"} { // she accepts two messages
		fake.Accept("wx1", user, "T1")
		if _, err := messages.Report(ctx, subscription.Report{OpenID: "oAlice", Template: "T1", Key: key}); err != nil {
			log.Fatal(err)
		}
		hours.Add(1)
	}
	if _, err := points.Publish(ctx, loyalty.Definition{
		ID: "club", Version: 1, Zone: "Asia/Shanghai", Money: "CNY", Currencies: []loyalty.Currency{{ID: "points", Expiry: loyalty.Expiry{Days: 30}}},
		Rules: []loyalty.Rule{{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}}},
	}); err != nil {
		log.Fatal(err)
	}
	if _, err := points.Earn(ctx, loyalty.Earn{
		Account: loyalty.AccountID{Program: "club", Member: "alice"}, Key: "order-1",
		Event: loyalty.Event{Purchase: &loyalty.Purchase{Currency: "CNY", Lines: []loyalty.Line{{ID: "1", Gross: 32_00}}}},
	}); err != nil {
		log.Fatal(err)
	}

	entries, err := relay.New(db, "notices", flow.Handle, nil)
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		if _, err := entries.Step(ctx); err != nil { // a worker calls Run
			log.Fatal(err)
		}
		n, err := flow.Remind(ctx) // a job does this, each hour
		if err != nil {
			log.Fatal(err)
		}
		told, err := notices.Deliver(ctx, router{flow}) // a worker does this, each second
		fmt.Println(n, "reminders,", told, "told", err)
		hours.Add(25 * 24)
	}
	for _, m := range fake.Inbox("wx1", user) {
		fmt.Println(m.Values["thing1"])
	}
	// Output:
	// 0 reminders, 1 told <nil>
	// 1 reminders, 1 told <nil>
	// +32 积分
	// 32积分即将到期
}
