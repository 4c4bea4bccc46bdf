// Command wechat plays two journeys in a Mini Program. A manager scans an invitation and manages a
// shop from that moment on, and who invited is told. A customer scans the shop's code, signs in,
// fills in a profile, links a phone, agrees to messages, collects points and stamps, and is told
// that a coupon is there and that points end soon.
//
// WeChat is one that runs in the process and behaves as the documents say, and the clock is the
// program's, so that a year passes in a moment. On the real one app and console are your own, the
// templates are those of your console, and open has no base; nothing else changes.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver, which the embedder picks

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/otp/delivery"
	"github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/scrm/notice"
	"github.com/scrmkit/scrmkit/scrm/notifier"
	"github.com/scrmkit/scrmkit/scrm/session"
	"github.com/scrmkit/scrmkit/scrm/signin"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/invitation"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/stamps/till"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/bunstore"
	"github.com/scrmkit/scrmkit/storage/relay"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/callback"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
	"github.com/scrmkit/scrmkit/wechat/subscription"
	"github.com/scrmkit/scrmkit/wechat/wechattest"
)

// The app, as its console has it.
var (
	app     = wechat.App{ID: "wx0123456789abcdef", Secret: "the app's secret"}
	console = callback.Secret{Token: "the console's token", AESKey: "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"}
)

// The templates of messages, as the console has them.
var templates = []subscription.Template{
	{ID: cardFull, Fields: []subscription.Field{{Key: "thing1", Shorten: true}, {Key: "date2"}}},
	{ID: pointsEnd, Fields: []subscription.Field{{Key: "number1"}, {Key: "date2"}}},
	{ID: newManager, Fields: []subscription.Field{{Key: "thing1", Shorten: true}, {Key: "character_string2"}}},
}

// What they are told by, and how: the texts are those of notifier.Texts.
var told = []notifier.Template{
	{Kind: notifier.CouponIssued, ID: cardFull, Purpose: "news", Values: map[string]notifier.Value{
		"thing1": {Text: string(notifier.CouponIssued), Args: []notifier.Arg{notifier.Name}},
		"date2":  {Args: []notifier.Arg{notifier.LastDay}},
	}},
	{Kind: notifier.ManagerBound, ID: newManager, Values: map[string]notifier.Value{
		"thing1":            {Text: string(notifier.ManagerBound), Args: []notifier.Arg{notifier.Name}},
		"character_string2": {Args: []notifier.Arg{notifier.Shop}},
	}},
	{Kind: notifier.PointsExpiring, Currency: "points", ID: pointsEnd, Purpose: "news", Values: map[string]notifier.Value{
		"number1": {Args: []notifier.Arg{notifier.Points}},
		"date2":   {Args: []notifier.Arg{notifier.LastDay}},
	}},
}

const (
	cardFull   subscription.TemplateID = "card-full"
	pointsEnd  subscription.TemplateID = "points-end"
	newManager subscription.TemplateID = "new-manager"
)

func main() {
	fake := wechattest.NewServer(&wechattest.Options{Now: clock.now})
	defer fake.Close()
	fake.AddApp(wechattest.App{ID: app.ID, Secret: app.Secret})
	for _, t := range templates {
		var fields []string
		for _, f := range t.Fields {
			fields = append(fields, f.Key)
		}
		fake.AddTemplate(app.ID, wechattest.Template{ID: string(t.ID), Keys: fields})
	}
	ctx := context.Background()
	s, err := open(ctx, "file:wechat?mode=memory&cache=shared&_pragma=busy_timeout(5000)", fake.URL)
	if err != nil {
		log.Fatal(err)
	}
	defer s.db.Close()
	service := httptest.NewServer(s.pushes)
	defer service.Close()
	front := &frontEnd{Server: fake, read: map[wechattest.User]int{}, pusher: wechattest.Pusher{
		URL: service.URL, Token: console.Token, AESKey: console.AESKey, Receiver: app.ID, Now: clock.now,
	}}
	for _, journey := range []func(context.Context, *frontEnd) error{s.manager, s.customer} {
		if err := journey(ctx, front); err != nil {
			log.Fatal(err)
		}
	}
}

// A service has the engines on one database.
type service struct {
	db        *sql.DB
	shops     *shop.Engine
	cards     *stamps.Engine
	points    *loyalty.Engine
	customers *customer.Engine
	delivery  *delivery.Engine
	app       *miniprogram.Engine
	messages  *subscription.Engine
	notices   *notice.Engine

	invitations *invitation.Flow
	signIn      *signin.Flow
	till        *till.Till
	notifier    *notifier.Flow
	entries     *relay.Relay // of the journal, to the notifier
	pushes      http.Handler // what WeChat pushes
}

// open makes the engines. base is where WeChat is; "": the real one.
func open(ctx context.Context, name, base string) (*service, error) {
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	on := bunstore.OnSQLite(db)
	if err := bunstore.Migrate(ctx, on,
		stamps.Tables, shop.Tables, loyalty.Tables, otp.Tables, delivery.Tables, customer.Tables, session.Tables, notice.Tables,
		wechat.Tables, miniprogram.Tables, callback.Tables, subscription.Tables, relay.Tables,
	); err != nil {
		return nil, err
	}
	store, err := bunstore.New(on, nil)
	if err != nil {
		return nil, err
	}
	keys := []secret.Key{{ID: "2026", Secret: []byte("32 random bytes, kept in a vault")}}
	client, err := wechat.New(store, app, keys, &wechat.Options{Now: clock.now, Base: base})
	if err != nil {
		return nil, err
	}
	s := &service{
		db: db, shops: shop.New(store, &shop.Options{Now: clock.now}),
		cards:   stamps.New(store, &stamps.Options{Now: clock.now}),
		points:  loyalty.New(store, &loyalty.Options{Now: clock.now}),
		notices: notice.New(store, &notice.Options{Now: clock.now}),
	}
	if s.app, err = miniprogram.New(store, client, keys, &miniprogram.Options{Now: clock.now, Platform: "ours"}); err != nil {
		return nil, err
	}
	if s.messages, err = subscription.New(store, client, templates, &subscription.Options{Now: clock.now}); err != nil {
		return nil, err
	}
	if s.customers, err = customer.New(store, keys, &customer.Options{Now: clock.now}); err != nil {
		return nil, err
	}
	sessions, err := session.New(store, "customer", &session.Options{Now: clock.now})
	if err != nil {
		return nil, err
	}
	if s.delivery, err = delivery.New(store, keys, &delivery.Options{Now: clock.now}); err != nil {
		return nil, err
	}
	codes, err := otp.New(store, keys, &otp.Options{Now: clock.now})
	if err != nil {
		return nil, err
	}
	// What WeChat pushes is taken once, in the transaction that changes the ledger.
	s.pushes, err = callback.New(store, app.ID, []callback.Secret{console}, func(ctx context.Context, tx storage.Tx, p callback.Push) ([]byte, error) {
		return nil, s.messages.In(tx).Observe(ctx, p)
	}, &callback.Options{Now: clock.now})
	if err != nil {
		return nil, err
	}
	s.invitations = invitation.New(s.shops, s.app, "pages/bind/bind")
	s.signIn = signin.New(store, s.customers, sessions, s.app, s.delivery, &signin.Options{Unlinked: "unlinked"})
	s.till = till.New(store, s.shops, codes, s.cards, nil)
	s.notifier, err = notifier.New(s.points, s.cards, s.customers, s.messages, s.notices, told, &notifier.Options{Now: clock.now})
	if err != nil {
		return nil, err
	}
	if s.entries, err = relay.New(store, "notices", s.notifier.Handle, &relay.Options{Now: clock.now}); err != nil {
		return nil, err
	}
	return s, s.rules(ctx)
}

// rules puts a point a yuan, which ends after a year, and a stamp a visit in force.
func (s *service) rules(ctx context.Context) error {
	if _, err := s.cards.Publish(ctx, stamps.Definition{
		ID: "coffee", Version: 1, Name: "Every second coffee is free", Zone: "Asia/Shanghai",
		Card: &stamps.CardDefinition{
			Size: 2, Rewards: []stamps.Reward{{ID: "coffee", Name: "A free coffee", At: 2, Coupon: stamps.Validity{Days: 30}}},
			Earn: stamps.Earn{Per: stamps.PerVisit}, PastEnd: stamps.Carry, UsedCoupon: stamps.Refuse,
		},
	}); err != nil {
		return err
	}
	_, err := s.points.Publish(ctx, loyalty.Definition{
		ID: "club", Version: 1, Name: "A point a yuan", Zone: "Asia/Shanghai", Money: "CNY",
		Currencies: []loyalty.Currency{{ID: "points", Expiry: loyalty.Expiry{Months: 12}}},
		Rules:      []loyalty.Rule{{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}}},
	})
	return err
}

// say prints a step.
func say(format string, args ...any) {
	fmt.Printf("%s  %s\n", clock.now().In(shanghai).Format("2006-01-02 15:04"), fmt.Sprintf(format, args...))
}

var shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

// clock is that of the service and of WeChat.
var clock = newHands(time.Date(2026, 3, 10, 10, 0, 0, 0, shanghai))

type hands struct{ at atomic.Int64 }

func newHands(at time.Time) *hands {
	h := new(hands)
	h.at.Store(at.UnixMicro())
	return h
}

func (h *hands) now() time.Time       { return time.UnixMicro(h.at.Load()) }
func (h *hands) pass(d time.Duration) { h.at.Add(d.Microseconds()) }
