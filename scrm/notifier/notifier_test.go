package notifier_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/scrm/message"
	"github.com/scrmkit/scrmkit/scrm/notice"
	"github.com/scrmkit/scrmkit/scrm/notifier"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/storage/relay"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
	"github.com/scrmkit/scrmkit/wechat/subscription"
	"github.com/scrmkit/scrmkit/wechat/wechattest"
)

const appID = "wx0123456789abcdef"

var (
	keys  = []secret.Key{{ID: "1", Secret: []byte("a secret that is 32 bytes or more")}}
	alice = wechattest.User{OpenID: "oAlice"}
	bob   = wechattest.User{OpenID: "oBob"}
)

// messages are those of the app, as its console has them.
var messages = []subscription.Template{
	{ID: "earned", Fields: []subscription.Field{{Key: "thing1", Shorten: true}, {Key: "number2"}, {Key: "date3"}}},
	{ID: "expiring", Fields: []subscription.Field{{Key: "thing1", Shorten: true}, {Key: "number2"}, {Key: "date3"}}},
	{ID: "tier", Fields: []subscription.Field{{Key: "thing1", Shorten: true}}},
	{ID: "full", Fields: []subscription.Field{{Key: "thing1", Shorten: true}, {Key: "date2"}}},
	{ID: "coupon", Fields: []subscription.Field{{Key: "thing1", Shorten: true}}},
	{ID: "manager", Fields: []subscription.Field{{Key: "thing1", Shorten: true}, {Key: "character_string2"}}},
}

// templates tell all there is.
var templates = []notifier.Template{
	{Kind: notifier.PointsEarned, Currency: "points", ID: "earned", Page: "pages/points/points", Values: map[string]notifier.Value{
		"thing1":  {Text: "points.earned", Args: []notifier.Arg{notifier.Points}},
		"number2": {Args: []notifier.Arg{notifier.Balance}}, "date3": {Args: []notifier.Arg{notifier.Day}},
	}},
	{Kind: notifier.PointsExpiring, Currency: "points", ID: "expiring", Values: map[string]notifier.Value{
		"thing1":  {Text: "points.expiring", Args: []notifier.Arg{notifier.Points}},
		"number2": {Args: []notifier.Arg{notifier.Points}}, "date3": {Args: []notifier.Arg{notifier.LastDay}},
	}},
	{Kind: notifier.TierReached, ID: "tier", Values: map[string]notifier.Value{"thing1": {Text: "tier.reached", Args: []notifier.Arg{notifier.Name}}}},
	{Kind: notifier.TierLost, ID: "tier", Values: map[string]notifier.Value{"thing1": {Text: "tier.lost", Args: []notifier.Arg{notifier.Name}}}},
	{Kind: notifier.CardFull, ID: "full", Values: map[string]notifier.Value{
		"thing1": {Text: "card.full"}, "date2": {Args: []notifier.Arg{notifier.LastDay}},
	}},
	{Kind: notifier.CouponIssued, ID: "coupon", Purpose: "news", Values: map[string]notifier.Value{
		"thing1": {Text: "coupon.issued", Args: []notifier.Arg{notifier.Name}},
	}},
	{Kind: notifier.ManagerBound, ID: "manager", Values: map[string]notifier.Value{
		"thing1": {Text: "manager.bound", Args: []notifier.Arg{notifier.Name}}, "character_string2": {Args: []notifier.Arg{notifier.Shop}},
	}},
}

// A bench has a WeChat, everything that a flow joins, and a clock that stands until it is moved.
type bench struct {
	*notifier.Flow
	t         testing.TB
	db        storage.DB
	fake      *wechattest.Server
	points    *loyalty.Engine
	cards     *stamps.Engine
	shops     *shop.Engine
	customers *customer.Engine
	messages  *subscription.Engine
	notices   *notice.Engine
	at        atomic.Int64
	n         int
}

func (b *bench) now() time.Time       { return time.UnixMicro(b.at.Load()).UTC() }
func (b *bench) pass(d time.Duration) { b.at.Add(d.Microseconds()) }
func (b *bench) key() string          { b.n++; return fmt.Sprint("key-", b.n) }

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// open returns a bench at noon in Shanghai, with a program of points and one of stamps.
func open(t testing.TB, db storage.DB) *bench {
	t.Helper()
	b := &bench{t: t, db: db}
	b.at.Store(time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC).UnixMicro())
	b.fake = wechattest.NewServer(&wechattest.Options{Now: b.now})
	t.Cleanup(b.fake.Close)
	b.fake.AddApp(wechattest.App{ID: appID, Secret: "TOPSECRET0123456789"})
	for _, m := range messages {
		var fields []string
		for _, f := range m.Fields {
			fields = append(fields, f.Key)
		}
		b.fake.AddTemplate(appID, wechattest.Template{ID: string(m.ID), Keys: fields})
	}
	b.points = loyalty.New(db, &loyalty.Options{Now: b.now})
	b.cards = stamps.New(db, &stamps.Options{Now: b.now})
	b.shops = shop.New(db, &shop.Options{Now: b.now})
	b.notices = notice.New(db, &notice.Options{Now: b.now})
	client, err := wechat.New(db, wechat.App{ID: appID, Secret: "TOPSECRET0123456789"}, keys, &wechat.Options{Now: b.now, Base: b.fake.URL})
	b.must(err)
	b.messages, err = subscription.New(db, client, messages, &subscription.Options{Now: b.now})
	b.must(err)
	b.customers, err = customer.New(db, keys, &customer.Options{Now: b.now})
	b.must(err)
	b.Flow = b.flow()
	_, err = b.points.Publish(t.Context(), loyalty.Definition{
		ID: "club", Version: 1, Name: "Club", Zone: "Asia/Shanghai", Money: "CNY",
		Currencies: []loyalty.Currency{{ID: "points", Expiry: loyalty.Expiry{Days: 30}}, {ID: "status"}},
		Rules: []loyalty.Rule{
			{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}},
			{ID: "status", Currency: "status", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}},
		},
		Metrics: []loyalty.Metric{{ID: "spent", Of: loyalty.CountMoney, Window: loyalty.Window{Months: 12}}},
		Tiers: &loyalty.Tiers{
			Levels: []loyalty.Level{
				{ID: "basic", Name: "普通会员"}, {ID: "gold", Name: "金卡", Needs: []loyalty.Need{{"spent": 1000_00}}},
			},
			Downgrade: loyalty.OnRefund,
		},
	})
	b.must(err)
	_, err = b.cards.Publish(t.Context(), stamps.Definition{
		ID: "coffee", Version: 1, Name: "Coffee", Zone: "Asia/Shanghai",
		Card: &stamps.CardDefinition{
			Size: 3, Rewards: []stamps.Reward{{ID: "cake", Name: "蛋糕", At: 1}, {ID: "coffee", Name: "咖啡", At: 3, Coupon: stamps.Validity{Days: 30}}},
			Earn: stamps.Earn{Per: stamps.PerHand}, PastEnd: stamps.Carry, UsedCoupon: stamps.Refuse,
		},
	})
	b.must(err)
	return b
}

// flow is one of another process.
func (b *bench) flow() *notifier.Flow {
	b.t.Helper()
	f, err := notifier.New(b.points, b.cards, b.customers, b.messages, b.notices, templates, &notifier.Options{Now: b.now})
	b.must(err)
	return f
}

// customer signs a user in, who accepts n messages of each template.
func (b *bench) customer(u wechattest.User, n int) ids.Member {
	b.t.Helper()
	b.fake.Login(appID, u)
	in, err := b.customers.SignIn(b.t.Context(), customer.SignIn{
		Identity: customer.Identity{Platform: customer.OpenID, Namespace: appID, ID: u.OpenID}, Way: "test", Member: ids.Member(strings.ToLower(u.OpenID[1:])),
	})
	b.must(err)
	for range n {
		for _, m := range messages {
			b.fake.Accept(appID, u, string(m.ID))
			b.pass(6 * time.Minute) // a report within the window of another one is the same accept
			_, err := b.messages.Report(b.t.Context(), subscription.Report{OpenID: miniprogram.OpenID(u.OpenID), Template: m.ID, Key: b.key()})
			b.must(err)
		}
	}
	return in.Member
}

func (b *bench) prefer(m ids.Member, p customer.Preferences) {
	b.t.Helper()
	_, err := b.customers.PutPreferences(b.t.Context(), customer.PutPreferences{Member: m, Preferences: p, Key: b.key()})
	b.must(err)
}

func (b *bench) agree(m ids.Member, given bool) {
	b.t.Helper()
	_, err := b.customers.RecordConsent(b.t.Context(), customer.RecordConsent{Member: m, Key: b.key(), Consent: customer.Consent{
		Purpose: "news", Kind: customer.Plain, Given: given, Version: "1", Way: "test", Time: b.now(),
	}})
	b.must(err)
}

func (b *bench) buy(m ids.Member, yuan int64) loyalty.Outcome {
	b.t.Helper()
	out, err := b.points.Earn(b.t.Context(), loyalty.Earn{
		Account: loyalty.AccountID{Program: "club", Member: m}, Key: b.key(),
		Event: loyalty.Event{Purchase: &loyalty.Purchase{Currency: "CNY", Lines: []loyalty.Line{{ID: "1", Gross: yuan * 100}}}},
	})
	b.must(err)
	return out
}

func (b *bench) stamp(m ids.Member, n int64) {
	b.t.Helper()
	_, err := b.cards.Add(b.t.Context(), stamps.Add{Card: stamps.CardID{Program: "coffee", Member: m}, N: n, Key: b.key()})
	b.must(err)
}

// follow hands the journal to a flow, from its beginning.
func (b *bench) follow(f *notifier.Flow) error {
	for r, err := range b.db.Journal().After(b.t.Context(), "", 0) {
		if err == nil {
			err = f.Handle(b.t.Context(), b.db.TenantID(), r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// relay follows the journal from its beginning, and delivers.
func (b *bench) relay() {
	b.t.Helper()
	b.must(b.follow(b.Flow))
	_, err := b.notices.Deliver(b.t.Context(), b)
	b.must(err)
}

// inbox is what a user got, the values in the order of their fields.
func (b *bench) inbox(u wechattest.User) (all []string) {
	for _, m := range b.fake.Inbox(appID, u) {
		text := m.Template + " " + m.Lang + ":"
		for _, t := range messages {
			for _, f := range t.Fields {
				if string(t.ID) == m.Template {
					text += " " + m.Values[f.Key]
				}
			}
		}
		all = append(all, text)
	}
	return all
}

func (b *bench) has(what string, u wechattest.User, want ...string) {
	b.t.Helper()
	got := b.inbox(u)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		b.t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTold(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db)
		a, o := b.customer(alice, 3), b.customer(bob, 3)
		b.prefer(o, customer.Preferences{Language: "en-GB"})
		b.agree(o, true)
		b.buy(a, 1234)
		b.buy(o, 1200)
		b.stamp(a, 1)
		b.stamp(o, 3)
		for range 2 { // whoever lost the cursor tells nothing twice
			b.relay()
		}
		b.has("in Chinese, without a consent to news", alice,
			"earned zh_CN: 您获得1,234积分 1234 2026年3月10日", "tier zh_CN: 恭喜升级为金卡")
		b.has("in English", bob,
			"earned en_US: 1,200 points earned 1200 2026-03-10", "tier en_US: Welcome to 金卡",
			"full en_US: Your card is full 2026-04-09", "coupon en_US: New coupon: 蛋糕", "coupon en_US: New coupon: 咖啡")

		_, err := b.shops.Put(t.Context(), shop.Put{Shop: shop.Shop{ID: "wangjing", Name: "望京", Zone: "Asia/Shanghai"}, Key: "put"})
		b.must(err)
		for i, by := range []string{"alice", "nobody", ""} {
			invited, err := b.shops.Invite(t.Context(), shop.Invite{Shop: "wangjing", By: by, Key: fmt.Sprint("invite", i)})
			b.must(err)
			_, err = b.shops.Bind(t.Context(), shop.Bind{Token: invited.Token, Identity: shop.Identity(fmt.Sprint("kathy", i)), Name: "Kathy", Key: "bind"})
			b.must(err)
			_, err = b.shops.Unbind(t.Context(), shop.Unbind{Shop: "wangjing", Identity: shop.Identity(fmt.Sprint("kathy", i)), Key: "unbind"})
			b.must(err)
		}
		b.relay()
		b.has("who invited a manager is told", alice,
			"earned zh_CN: 您获得1,234积分 1234 2026年3月10日", "tier zh_CN: 恭喜升级为金卡", "manager zh_CN: Kathy已成为店长 wangjing")
	})
}

// Who reads the journal again after programs have other names tells nothing twice.
func TestRenamed(t *testing.T) {
	b := open(t, memory.New())
	ctx, a := t.Context(), b.customer(alice, 3)
	b.agree(a, true)
	b.buy(a, 1000)
	b.stamp(a, 3)
	b.relay()
	told := b.inbox(alice)
	p, err := b.points.Program(ctx, "club", 0)
	b.must(err)
	points := p.Definition()
	points.Version, points.Name = 2, "Another club"
	points.Tiers = &loyalty.Tiers{Levels: slices.Clone(points.Tiers.Levels), Downgrade: points.Tiers.Downgrade}
	points.Tiers.Levels[1].Name = "Golden"
	_, err = b.points.Publish(ctx, points)
	b.must(err)
	c, err := b.cards.Program(ctx, "coffee", 0)
	b.must(err)
	cards := c.Definition()
	cards.Version, cards.Card.Rewards = 2, slices.Clone(cards.Card.Rewards)
	for i := range cards.Card.Rewards {
		cards.Card.Rewards[i].Name = "Another"
	}
	_, err = b.cards.Publish(ctx, cards)
	b.must(err)
	b.pass(2 * time.Minute)
	b.relay()
	if len(told) != 5 {
		t.Errorf("told %q", told)
	}
	b.has("after that", alice, told...)
}

// What ends on one day is told once, a week ahead, with what of it is there when it is told.
func TestReminders(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db)
		ctx := t.Context()
		a, o := b.customer(alice, 3), b.customer(bob, 3)
		b.buy(a, 30)
		b.pass(time.Hour)
		b.buy(a, 12)
		b.buy(o, 5)
		b.pass(24 * time.Hour)
		b.buy(a, 100)
		remind := func(want int) {
			t.Helper()
			if n, err := b.Remind(ctx); n != want || err != nil {
				t.Errorf("%d reminders, %v, want %d", n, err, want)
			}
		}
		remind(0)
		b.pass(22*24*time.Hour + 12*time.Hour)
		for _, m := range []ids.Member{a, o} {
			b.prefer(m, customer.Preferences{Language: "en", Quiet: customer.Quiet{From: 0, To: 9 * 60, Zone: "Asia/Shanghai"}})
		}
		remind(2)
		remind(0)
		if _, err := b.notices.Deliver(ctx, b); err != nil {
			t.Error(err)
		}
		b.has("at night", alice)
		for _, m := range []ids.Member{a, o} {
			_, err := b.points.Redeem(ctx, loyalty.Redeem{Account: loyalty.AccountID{Program: "club", Member: m}, N: 5, Key: "redeem"})
			b.must(err)
		}
		b.pass(9 * time.Hour)
		if _, err := b.notices.Deliver(ctx, b); err != nil {
			t.Error(err)
		}
		b.has("in the morning, after some were spent", alice, "expiring en_US: 37 points end soon 37 2026-04-09")
		b.has("who has spent all is told nothing", bob)
		for range 10 {
			b.pass(24 * time.Hour)
			if _, err := b.Remind(ctx); err != nil {
				t.Error(err)
			}
			if _, err := b.notices.Deliver(ctx, b); err != nil {
				t.Error(err)
			}
			if _, err := b.notices.Prune(ctx, b.now()); err != nil {
				t.Error(err)
			}
		}
		b.has("each end once", alice, "expiring en_US: 37 points end soon 37 2026-04-09", "expiring en_US: 100 points end soon 100 2026-04-10")
	})
}

func TestNotTold(t *testing.T) {
	ctx := t.Context()
	for _, c := range []struct {
		name  string
		state notice.State
		do    func(b *bench, m ids.Member)
	}{
		{"who accepted no message", notice.Rejected, func(b *bench, _ ids.Member) {
			for range 2 { // what was accepted is used up
				b.buy("alice", 1)
				b.relay()
			}
		}},
		{"who turned messages off in WeChat, of which no event came", notice.Rejected, func(b *bench, _ ids.Member) { b.fake.TurnOff(appID, alice, "earned") }},
		{"who wants other channels", notice.Rejected, func(b *bench, m ids.Member) { b.prefer(m, customer.Preferences{Channels: []string{"sms"}}) }},
		{"who wants to be erased", notice.Rejected, func(b *bench, m ids.Member) {
			_, err := b.customers.ScheduleErasure(ctx, customer.ScheduleErasure{Member: m, Due: b.now().Add(time.Hour), Key: "erase"})
			b.must(err)
		}},
		{"who was erased", notice.Rejected, func(b *bench, m ids.Member) {
			_, err := b.customers.Erase(ctx, customer.Erase{Member: m, Key: "erase"})
			b.must(err)
		}},
		{"who has no WeChat any more", notice.Rejected, func(b *bench, m ids.Member) {
			_, err := b.customers.Link(ctx, customer.Link{Member: m, Identity: customer.Identity{Platform: customer.Phone, ID: "+8613800138000"}, Way: "sms", Key: "link"})
			b.must(err)
			_, err = b.customers.Unlink(ctx, customer.Unlink{Member: m, Identity: customer.Identity{Platform: customer.OpenID, Namespace: appID, ID: "oAlice"}, Key: "unlink"})
			b.must(err)
		}},
		{"whose WeChat did not say whether it sent", notice.Unknown, func(b *bench, _ ids.Member) {
			b.fake.Fail("/cgi-bin/message/subscribe/send", wechattest.Fault{Cut: true})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t, memory.New())
			m := b.customer(alice, 2)
			c.do(b, m)
			before := len(b.inbox(alice))
			b.buy(m, 1)
			b.relay()
			b.pass(3 * time.Hour)
			b.relay()
			if got := b.inbox(alice); len(got) != before {
				t.Errorf("told %q", got)
			}
			if got := b.states(m)[c.state]; got != 1 {
				t.Errorf("%d are %s: %v", got, c.state, b.states(m))
			}
		})
	}
}

func (b *bench) states(m ids.Member) map[notice.State]int {
	b.t.Helper()
	all := map[notice.State]int{}
	for s, err := range b.notices.Of(b.t.Context(), m) {
		b.must(err)
		all[s.State]++
	}
	return all
}

// A WeChat that is down for an hour is told of, and messages wait for it; those that are too old by
// then are not sent. A service that was down for a day tells nothing of what is older.
func TestDown(t *testing.T) {
	b := open(t, memory.New())
	ctx, a := t.Context(), b.customer(alice, 3)
	b.buy(a, 1)
	b.must(b.follow(b.Flow))
	down := make([]wechattest.Fault, 200)
	for i := range down {
		down[i] = wechattest.Fault{Status: 502, Body: "<html>bad gateway</html>"}
	}
	b.fake.Fail("/cgi-bin/stable_token", down...)
	for range 60 {
		if _, err := b.notices.Deliver(ctx, b); err != nil && !errors.Is(err, message.ErrUnavailable) {
			t.Fatal(err)
		}
		b.pass(time.Minute)
	}
	b.has("while it is down", alice)
	b.fake.Fail("/cgi-bin/stable_token")
	b.pass(time.Hour)
	b.relay()
	b.has("when it is back", alice, "earned zh_CN: 您获得1积分 1 2026年3月10日")

	b.buy(a, 2)
	b.pass(24 * time.Hour)
	b.buy(a, 3)
	b.relay()
	b.has("a service that was down", alice, "earned zh_CN: 您获得1积分 1 2026年3月10日", "earned zh_CN: 您获得3积分 6 2026年3月11日")
}

// Several processes follow, remind and deliver at once, some of which are killed after WeChat has
// sent and before that is stored.
func TestAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db)
		ctx, a := t.Context(), b.customer(alice, 8)
		for i := range int64(6) {
			b.buy(a, i+1)
		}
		b.stamp(a, 3)
		b.agree(a, true)
		b.pass(23 * time.Hour)
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				f := b.flow()
				if err := b.follow(f); err != nil {
					t.Error(err)
				}
				var s notice.Sender = f
				if i == 0 {
					s = killed{f}
				}
				func() {
					defer func() { recover() }()
					if _, err := b.notices.Deliver(ctx, s); err != nil {
						t.Error(err)
					}
				}()
			})
		}
		wg.Wait()
		b.pass(10 * time.Minute) // the lease of who was killed
		b.relay()
		all := b.inbox(alice)
		slices.Sort(all)
		if once := slices.Compact(slices.Clone(all)); len(all) != 9 || len(once) != 9 {
			t.Errorf("told\n%s", strings.Join(all, "\n"))
		}
		if got := b.states(a); got[notice.Sent] != 9 {
			t.Error(got)
		}
	})
}

// killed is a process that ends after a notice was told.
type killed struct{ notice.Sender }

func (k killed) Send(ctx context.Context, n notice.Notice) (string, error) {
	if _, err := k.Sender.Send(ctx, n); err != nil {
		return "", err
	}
	panic("killed")
}

// A relay hands each entry to the flow, and those that the flow can't read it puts aside.
func TestHandle(t *testing.T) {
	b := open(t, memory.New())
	ctx, a := t.Context(), b.customer(alice, 1)
	for i := range int64(5) {
		b.buy(a, i+1)
	}
	failed, err := b.db.Save(ctx, []storage.Change{{Entries: []journal.Entry{
		{Subject: "loyalty/club/other", Seq: 1, Key: "k", Kind: "loyalty.earn", At: b.now(), Input: []byte{1}, Result: []byte(`{"account":7}`)},
	}}})
	b.must(errors.Join(append(failed, err)...))
	r, err := relay.New(b.db, "notices", b.Handle, &relay.Options{Attempts: 1, Now: b.now})
	b.must(err)
	turn, err := r.Step(ctx)
	b.must(err)
	if got := b.states(a)[notice.Pending]; got != 5 || turn.Dead != 1 || turn.Failed != 0 || turn.Waiting != 0 {
		t.Errorf("%d are posted, %+v", got, turn)
	}
}

// What comes from another service, or from before a change of the templates, is told by nobody.
func TestForeign(t *testing.T) {
	b := open(t, memory.New())
	a := b.customer(alice, 1)
	for content, want := range map[string]error{`"text"`: errs.Invalid, `{"template": "other"}`: message.ErrSettings} {
		_, err := b.Send(t.Context(), notice.Notice{Member: a, Key: "1", Kind: notifier.PointsEarned, Content: json.RawMessage(content)})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", content, err)
		}
	}
}

func TestTemplates(t *testing.T) {
	b := open(t, memory.New())
	for name, change := range map[string]func(*notifier.Template){
		"is not a kind":                             func(x *notifier.Template) { x.Kind = "other" },
		"is what a template of points must have":    func(x *notifier.Template) { x.Currency = "" },
		"is not of a message that the engine sends": func(x *notifier.Template) { x.ID = "other" },
		"is missing":                                func(x *notifier.Template) { delete(x.Values, "thing1") },
		"is no field of the message":                func(x *notifier.Template) { x.Values["thing9"] = x.Values["thing1"] },
		"neither a text nor one arg":                func(x *notifier.Template) { x.Values["thing1"] = notifier.Value{} },
		"which its kind does not have":              func(x *notifier.Template) { x.Values["thing1"] = notifier.Value{Args: []notifier.Arg{notifier.Shop}} },
		"that the catalog does not have in":         func(x *notifier.Template) { x.Values["thing1"] = notifier.Value{Text: "other"} },
		"a text that takes other args in en": func(x *notifier.Template) {
			x.Values["thing1"] = notifier.Value{Text: "points.earned"}
		},
		"a text that takes other args in zh": func(x *notifier.Template) {
			x.Values["thing1"] = notifier.Value{Text: "points.earned", Args: []notifier.Arg{notifier.Points, notifier.Day}}
		},
		"days": func(x *notifier.Template) { x.Days = -1 },
	} {
		x := templates[0]
		x.Values = map[string]notifier.Value{}
		for k, v := range templates[0].Values {
			x.Values[k] = v
		}
		change(&x)
		_, err := notifier.New(b.points, b.cards, b.customers, b.messages, b.notices, []notifier.Template{x}, nil)
		var wrong *errs.DefinitionError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
