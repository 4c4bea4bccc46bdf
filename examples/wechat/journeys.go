package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/otp/delivery"
	"github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/scrm/message"
	"github.com/scrmkit/scrmkit/scrm/signin"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/invitation"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/stamps/till"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
	"github.com/scrmkit/scrmkit/wechat/subscription"
	"github.com/scrmkit/scrmkit/wechat/wechattest"
)

// A frontEnd is what users do on their phones.
type frontEnd struct {
	*wechattest.Server
	pusher wechattest.Pusher
	read   map[wechattest.User]int // messages that were printed
}

var (
	boss  = wechattest.User{OpenID: "oBoss", UnionID: "uBoss"}
	kathy = wechattest.User{OpenID: "oKathy", UnionID: "uKathy"}
	alice = wechattest.User{OpenID: "oAlice", UnionID: "uAlice", Phone: "13800138000"}
)

// scan returns the scene that WeChat hands to the page of a picture.
func (*frontEnd) scan(picture []byte) string {
	all := strings.Fields(string(picture))
	return all[len(all)-1]
}

// accept has a user agree to messages; WeChat pushes that to the service.
func (f *frontEnd) accept(u wechattest.User, all ...subscription.TemplateID) error {
	for _, t := range all {
		f.Accept(app.ID, u, string(t))
	}
	for _, event := range f.Pushes(app.ID) {
		if status, _, err := f.pusher.Push(event); err != nil || status != 200 {
			return fmt.Errorf("push: %d, %w", status, err)
		}
	}
	return nil
}

// manager is Kathy's way in.
func (s *service) manager(ctx context.Context, front *frontEnd) error {
	if _, err := s.shops.Put(ctx, shop.Put{Shop: shop.Shop{ID: "wangjing", Name: "望京", Zone: "Asia/Shanghai"}, Key: "open"}); err != nil {
		return err
	}
	owner, err := s.signIn.WeChat(ctx, signin.WeChat{Code: front.Login(app.ID, boss), Device: "the boss's phone"})
	if err != nil {
		return err
	}
	if err := front.accept(boss, newManager); err != nil {
		return err
	}
	invited, err := s.invitations.Invite(ctx, invitation.Invite{Shop: "wangjing", By: string(owner.Customer.Member), Key: "invite-1"})
	if err != nil {
		return err
	}
	say("the boss has an invitation to %s drawn, which is good until %s", invited.Shop, invited.Expires.In(shanghai).Format("2 January 15:04"))
	clock.pass(3 * time.Hour)
	in, err := s.signIn.WeChat(ctx, signin.WeChat{Code: front.Login(app.ID, kathy), Device: "Kathy's phone"})
	if err != nil {
		return err
	}
	bound, err := s.invitations.Bind(ctx, invitation.Bind{
		Scene: front.scan(invited.Picture), Identity: shop.Identity(in.Customer.Member), Name: "Kathy", Key: "scan-1",
	})
	if err != nil {
		return err
	}
	say("%s scans it and manages %s", bound.Manager.Name, bound.Manager.Shop)
	if err := s.tell(ctx, front, boss); err != nil {
		return err
	}
	_, err = s.invitations.Bind(ctx, invitation.Bind{Scene: front.scan(invited.Picture), Identity: "eve", Name: "Eve", Key: "scan-2"})
	say("Eve, who was sent a screenshot of it, is refused: %t", errors.Is(err, shop.ErrInvitation))
	return nil
}

// customer is Alice's way in, and a year of hers.
func (s *service) customer(ctx context.Context, front *frontEnd) error {
	picture, _, err := s.app.Draw(ctx, miniprogram.Picture{Scene: miniprogram.Scene{Kind: "shop", ID: "wangjing"}, Page: "pages/shop/shop"})
	if err != nil {
		return err
	}
	scene, err := miniprogram.ParseScene(front.scan(picture))
	if err != nil {
		return err
	}
	in, err := s.signIn.WeChat(ctx, signin.WeChat{Code: front.Login(app.ID, alice), Device: "Alice's phone"})
	if err != nil {
		return err
	}
	say("Alice scans the code of %s %s and signs in; she is new: %t", scene.Kind, scene.ID, in.Customer.New)
	member, _, err := s.signIn.Session(ctx, in.Started.Token) // of each request
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context, *frontEnd, ids.Member) error{s.profile, s.phone, s.agree, s.visits, s.year} {
		if err := step(ctx, front, member); err != nil {
			return err
		}
	}
	return nil
}

// profile stores what Alice tells of herself.
func (s *service) profile(ctx context.Context, _ *frontEnd, m ids.Member) error {
	_, _, err := s.signIn.PutProfile(ctx, signin.NewProfile{App: app.ID, PutProfile: customer.PutProfile{
		Member: m, Profile: customer.Profile{Nickname: "小爱", Birthday: customer.Date{Month: 5, Day: 1}}, Key: "profile-1",
	}})
	if err == nil {
		_, err = s.customers.PutPreferences(ctx, customer.PutPreferences{Member: m, Key: "preferences-1", Preferences: customer.Preferences{
			Language: "zh-Hans", Quiet: customer.Quiet{From: 22 * 60, To: 8 * 60, Zone: "Asia/Shanghai"},
		}})
	}
	say("her nickname passes WeChat's check of texts: %t", err == nil)
	return err
}

// phone links Alice's number by WeChat's button, and her other one by a code.
func (s *service) phone(ctx context.Context, front *frontEnd, m ids.Member) error {
	linked, err := s.signIn.PressPhone(ctx, signin.PressPhone{
		Member: m, App: app.ID, Code: front.PressPhone(app.ID, alice), Way: miniprogram.Quick, Key: "press-1",
	})
	if err != nil {
		return err
	}
	say("she presses the phone button: %s is linked", masked(linked.Identity.ID))
	const other delivery.Address = "+8613900139000"
	if _, err := s.signIn.Ask(ctx, signin.Ask{Address: other, Purpose: signin.PurposeLink, Template: "code", Key: "ask-1"}); err != nil {
		return err
	}
	sms := new(pocket)
	if _, err := s.delivery.Deliver(ctx, sms); err != nil { // a worker does this
		return err
	}
	changed, err := s.signIn.Link(ctx, signin.Link{Member: m, Address: other, Code: sms.code, Replace: true, Key: "link-1"})
	if err != nil {
		return err
	}
	say("she changes it to %s by a code", masked(changed.Identity.ID))
	if _, err := s.delivery.Deliver(ctx, sms); err != nil {
		return err
	}
	say("%s is told by SMS: %s", masked(sms.to), sms.template)
	return nil
}

// A pocket is a sender that keeps the last message, as a phone would.
type pocket struct{ to, template, code string }

func (p *pocket) Send(_ context.Context, m message.Message) (string, error) {
	p.to, p.template = m.To, m.Template
	for _, v := range m.Vars {
		if v.Name == "code" {
			p.code = v.Value
		}
	}
	return "", nil
}

func masked(number string) string { return number[:6] + "****" + number[len(number)-4:] }

const aboutPoints = "news of points and cards"

// agree notes that Alice agreed to messages, and for how many WeChat lets her be sent.
func (s *service) agree(ctx context.Context, front *frontEnd, m ids.Member) error {
	_, err := s.customers.RecordConsent(ctx, customer.RecordConsent{Member: m, Key: "consent-1", Consent: customer.Consent{
		Purpose: "news", Kind: customer.Plain, Given: true, Version: "2026-01", Way: "miniprogram", Time: clock.now(),
	}})
	if err == nil {
		err = front.accept(alice, cardFull, pointsEnd)
	}
	if err != nil {
		return err
	}
	say("she agrees to %s, one message of each kind", aboutPoints)
	return nil
}

// visits are two coffees: for each an order with points, and a stamp at the till.
func (s *service) visits(ctx context.Context, front *frontEnd, m ids.Member) error {
	managers, err := s.kathy(ctx)
	if err != nil {
		return err
	}
	for _, order := range []string{"order-1", "order-2"} {
		clock.pass(24 * time.Hour)
		paid := loyalty.Purchase{Currency: "CNY", Lines: []loyalty.Line{{ID: "1", Gross: 32_00}}}
		earned, err := s.points.Earn(ctx, loyalty.Earn{Account: loyalty.AccountID{Program: "club", Member: m}, Event: loyalty.Event{Purchase: &paid}, Key: order})
		if err != nil {
			return err
		}
		request := till.Request{Purpose: stamps.PurposeStamp, Member: m, Nickname: "小爱", Program: "coffee"}
		code, err := s.till.Ask(ctx, till.Ask{Shop: "wangjing", Request: request, Key: "tap-" + order})
		if err != nil {
			return err
		}
		done, err := s.till.Enter(ctx, till.Enter{Shop: "wangjing", Manager: managers, Code: code.Code, Key: "entry-" + order})
		if err != nil {
			return err
		}
		say("%s: %d points, %d stamps in round %d", order, earned.Moves[0].Balance.Available, done.Outcome.Card.Count, done.Outcome.Card.Round+1)
	}
	return s.tell(ctx, front, alice)
}

// kathy returns the identity that manages the shop.
func (s *service) kathy(ctx context.Context) (shop.Identity, error) {
	_, managers, _, err := s.shops.Get(ctx, "wangjing")
	if err != nil {
		return "", err
	}
	return managers[0].Identity, nil
}

// year is what happens when Alice does not come any more: a week before her points end she is told.
func (s *service) year(ctx context.Context, front *frontEnd, m ids.Member) error {
	account := loyalty.AccountID{Program: "club", Member: m}
	a, err := s.points.Account(ctx, account)
	if err != nil {
		return err
	}
	end := a.Wallet("points").Lots[0].To
	clock.pass(end.Sub(clock.now()) - 7*24*time.Hour + time.Minute) // at night
	for range 2 {                                                   // as a job does, each hour
		if _, err := s.notifier.Remind(ctx); err != nil {
			return err
		}
		if err := s.tell(ctx, front, alice); err != nil {
			return err
		}
		clock.pass(8 * time.Hour)
	}
	return nil
}

// tell is what a worker does each second: it reads on in the journal, and tells customers what became
// of their points and cards.
func (s *service) tell(ctx context.Context, front *frontEnd, u wechattest.User) error {
	if _, err := s.entries.Step(ctx); err != nil {
		return err
	}
	if _, err := s.notices.Deliver(ctx, s.notifier); err != nil {
		return err
	}
	inbox := front.Inbox(app.ID, u)
	for _, m := range inbox[front.read[u]:] {
		say("%s is told by WeChat, %s: %v", u.OpenID, m.Template, m.Values)
	}
	front.read[u] = len(inbox)
	return nil
}
