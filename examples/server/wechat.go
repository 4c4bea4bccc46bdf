package main

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	customers "github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/scrm/notice"
	"github.com/scrmkit/scrmkit/scrm/notifier"
	"github.com/scrmkit/scrmkit/scrm/signin"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/stamps/invitation"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/relay"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/callback"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
	"github.com/scrmkit/scrmkit/wechat/subscription"
)

// WeChat is a Mini Program as WeChat's console has it. The zero WeChat is none.
type WeChat struct {
	AppID     string                  // of the app
	Secret    string                  // of the app
	Token     string                  // signs what WeChat pushes to callbackPath
	AESKey    string                  // EncodingAESKey, which encrypts that
	Templates []subscription.Template // subscribe messages that the front end asks for
	Notices   []notifier.Template     // what customers are told by them
	Base      string                  // address of WeChat's API; "": WeChat's own
}

// set reports whether there is a Mini Program.
func (c WeChat) set() bool { return c.AppID != "" }

// check reports settings that are there without the others.
func (c WeChat) check() error {
	all := c.AppID != "" && c.Secret != "" && c.Token != "" && c.AESKey != ""
	none := c.AppID == "" && c.Secret == "" && c.Token == "" && c.AESKey == "" && c.Base == "" && c.Templates == nil && c.Notices == nil
	if !all && !none {
		return errors.New("WeChat needs all of WECHAT_APPID, WECHAT_SECRET, WECHAT_TOKEN and WECHAT_AES_KEY")
	}
	return nil
}

const (
	// callbackPath is where WeChat pushes, in its secure mode.
	callbackPath = "/wechat/callback"
	// bindPage is the page of the Mini Program that the code of an invitation opens.
	bindPage = "pages/bind/bind"
)

// A weChat is what the server has of a Mini Program.
type weChat struct {
	app         *miniprogram.Engine
	messages    *subscription.Engine
	invitations *invitation.Flow
	notices     *notice.Engine
	notifier    *notifier.Flow
	pushes      *callback.Receiver

	telling sync.Mutex
	entries *relay.Relay // of the journal, to the notifier
}

func (s *Server) newWeChat(keys []secret.Key) (*weChat, error) {
	c, w := s.cfg.WeChat, new(weChat)
	client, err := wechat.New(s.db, wechat.App{ID: c.AppID, Secret: c.Secret}, keys, &wechat.Options{Logger: s.cfg.Log, Base: c.Base})
	if err != nil {
		return nil, err
	}
	// One open-platform account at most: where the app is bound to none WeChat tells no unionid.
	if w.app, err = miniprogram.New(s.db, client, keys, &miniprogram.Options{Platform: "ours"}); err != nil {
		return nil, err
	}
	if w.messages, err = subscription.New(s.db, client, c.Templates, nil); err != nil {
		return nil, err
	}
	w.pushes, err = callback.New(s.db, c.AppID, []callback.Secret{{Token: c.Token, AESKey: c.AESKey}},
		func(ctx context.Context, tx storage.Tx, p callback.Push) ([]byte, error) {
			return nil, w.messages.In(tx).Observe(ctx, p)
		}, &callback.Options{Logger: s.cfg.Log})
	if err != nil {
		return nil, err
	}
	w.invitations = invitation.New(s.shops, w.app, bindPage)
	w.notices = notice.New(s.db, nil)
	if w.notifier, err = notifier.New(s.points, s.cards, s.customers, w.messages, w.notices, c.Notices, nil); err != nil {
		return nil, err
	}
	w.entries, err = relay.New(s.db, "notices", w.notifier.Handle, nil)
	return w, err
}

// tell tells customers what became of their points and cards since a server last did. Where another
// process reads the journal it delivers what that has posted.
func (w *weChat) tell(ctx context.Context) error {
	w.telling.Lock()
	defer w.telling.Unlock()
	for {
		turn, err := w.entries.Step(ctx)
		if err != nil {
			return err
		}
		if !turn.More {
			break
		}
	}
	_, err := w.notices.Deliver(ctx, w.notifier)
	return err
}

type weChatInput struct {
	Body struct {
		Code   string `json:"code" doc:"Of wx.login"`
		Device string `json:"device,omitempty" doc:"For the list of sessions"`
	}
}

type pressPhoneInput struct {
	Keyed
	Body struct {
		Code    string          `json:"code" doc:"Of the button"`
		Way     miniprogram.Way `json:"way" doc:"Which button it was: getPhoneNumber, or getRealtimePhoneNumber"`
		Replace bool            `json:"replace,omitempty" doc:"The number takes the place of the one that is linked"`
	}
}

// OfTemplate is a kind of subscribe messages.
type OfTemplate struct {
	Template subscription.TemplateID `path:"template"`
}

type reportInput struct {
	OfTemplate
	Keyed
}

func (s *Server) weChatRoutes(api huma.API) {
	op(s, api, anyone, http.MethodPost, "/sessions/wechat", "Sign in with WeChat", s.signInWithWeChat)
	op(s, api, customer, http.MethodPost, "/me/phone-presses", "Link my phone by WeChat's button", s.pressPhone)
	op(s, api, customer, http.MethodPost, "/me/subscriptions/{template}/reports", "Say that I accepted a message", s.reportMessage)
	op(s, api, customer, http.MethodGet, "/me/subscriptions/{template}", "How many messages I accepted", s.messagesLeft)
	op(s, api, customer, http.MethodGet, "/me/notices", "What I was told, and am to be told", s.myNotices)
}

func (s *Server) signInWithWeChat(ctx context.Context, in *weChatInput) (*reply[SignedIn], error) {
	return signedIn(s.signin.WeChat(ctx, signin.WeChat{Code: in.Body.Code, Device: in.Body.Device}))
}

func (s *Server) pressPhone(ctx context.Context, in *pressPhoneInput) (*reply[LinkedView], error) {
	b := in.Body
	return linked(s.signin.PressPhone(ctx, signin.PressPhone{
		Member: caller(ctx).member(), App: s.cfg.WeChat.AppID, Code: b.Code, Way: b.Way, Replace: b.Replace, Key: in.Key,
	}))
}

// openID returns the caller as a user of the Mini Program.
func (s *Server) openID(ctx context.Context) (miniprogram.OpenID, error) {
	who, err := s.customers.Get(ctx, caller(ctx).member())
	if err != nil {
		return "", err
	}
	user, ok := who.Identity(customers.OpenID, s.cfg.WeChat.AppID)
	if !ok {
		return "", signin.ErrNoOpenID
	}
	return miniprogram.OpenID(user.ID), nil
}

func (s *Server) reportMessage(ctx context.Context, in *reportInput) (*reply[subscription.Balance], error) {
	user, err := s.openID(ctx)
	if err != nil {
		return nil, err
	}
	return found(s.wechat.messages.Report(ctx, subscription.Report{OpenID: user, Template: in.Template, Key: in.Key}))
}

func (s *Server) messagesLeft(ctx context.Context, in *OfTemplate) (*reply[subscription.Balance], error) {
	user, err := s.openID(ctx)
	if err != nil {
		return nil, err
	}
	return found(s.wechat.messages.Balance(ctx, user, in.Template))
}

func (s *Server) myNotices(ctx context.Context, in *Paged) (*reply[list[notice.Status]], error) {
	return listed(s.wechat.notices.Of(ctx, caller(ctx).member()), in.Limit)
}
