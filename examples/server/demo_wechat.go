package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/danielgtaylor/huma/v2"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/scrm/notifier"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
	"github.com/scrmkit/scrmkit/wechat/subscription"
	"github.com/scrmkit/scrmkit/wechat/wechattest"
)

// demoTemplate is the subscribe message of the demo.
var demoTemplate = subscription.Template{ID: "card-full", Fields: []subscription.Field{{Key: "thing1", Shorten: true}, {Key: "date2"}}}

// demoNotice is what customers are told by it.
var demoNotice = notifier.Template{
	Kind: notifier.CardFull, Program: "coffee", ID: demoTemplate.ID, Purpose: "news", Values: map[string]notifier.Value{
		"thing1": {Text: string(notifier.CardFull)}, "date2": {Args: []notifier.Arg{notifier.LastDay}},
	},
}

// demoWeChat returns a WeChat that runs in the process, and its Mini Program. The secret is of this
// start alone, for the WeChat of another start knows nothing of the tokens that this one gives.
func demoWeChat() (*wechattest.Server, WeChat) {
	fake := wechattest.NewServer(nil)
	app := WeChat{
		AppID: "wx0123456789abcdef", Secret: rand.Text(), Token: rand.Text(), AESKey: (rand.Text() + rand.Text())[:43],
		Templates: []subscription.Template{demoTemplate}, Notices: []notifier.Template{demoNotice}, Base: fake.URL,
	}
	fake.AddApp(wechattest.App{ID: app.AppID, Secret: app.Secret})
	template := wechattest.Template{ID: string(demoTemplate.ID)}
	for _, f := range demoTemplate.Fields {
		template.Keys = append(template.Keys, f.Key)
	}
	fake.AddTemplate(app.AppID, template)
	return fake, app
}

// OnPhone is a made-up user of WeChat.
type OnPhone struct {
	User string `json:"user" pattern:"^[a-z]{1,20}$" doc:"A name of your own choice"`
}

func (u OnPhone) of() wechattest.User {
	return wechattest.User{OpenID: "o-" + u.User, UnionID: "u-" + u.User}
}

type phoneInput struct{ Body OnPhone }

type phonePressInput struct {
	Body struct {
		OnPhone
		Phone string `json:"phone" pattern:"^1[0-9]{10}$" doc:"Number of the phone, without +86"`
	}
}

type phoneScanInput struct {
	Body struct {
		Picture []byte `json:"picture" doc:"A round code, in base64"`
	}
}

type phoneAcceptInput struct {
	Body struct {
		OnPhone
		Template subscription.TemplateID `json:"template" enum:"card-full"`
	}
}

type phoneMessagesInput struct {
	User string `query:"user" required:"true" pattern:"^[a-z]{1,20}$" doc:"The made-up user"`
}

// OnScreen is a code that WeChat gives the front end.
type OnScreen struct {
	Code string `json:"code" doc:"Good once, for 5 minutes"`
}

// Scanned is what WeChat tells the page that a round code opens.
type Scanned struct {
	Scene string `json:"scene"`
}

// demoRoutes are what users do on their phones, where WeChat is that of the demo.
func (s *Server) demoRoutes(api huma.API) {
	op(s, api, anyone, http.MethodPost, "/demo/logins", "Open the Mini Program on a made-up phone", s.phoneLogin)
	op(s, api, anyone, http.MethodPost, "/demo/presses", "Press the phone button there", s.phonePress)
	op(s, api, anyone, http.MethodPost, "/demo/scans", "Scan a round code there", s.phoneScan)
	op(s, api, anyone, http.MethodPost, "/demo/accepts", "Accept a message there", s.phoneAccept)
	op(s, api, anyone, http.MethodGet, "/demo/messages", "Read the messages that came there", s.phoneMessages)
}

func (s *Server) phoneLogin(_ context.Context, in *phoneInput) (*reply[OnScreen], error) {
	return found(OnScreen{s.phones.Login(s.cfg.WeChat.AppID, in.Body.of())}, nil)
}

func (s *Server) phonePress(_ context.Context, in *phonePressInput) (*reply[OnScreen], error) {
	user := in.Body.of()
	user.Phone = in.Body.Phone
	return found(OnScreen{s.phones.PressPhone(s.cfg.WeChat.AppID, user)}, nil)
}

func (s *Server) phoneScan(_ context.Context, in *phoneScanInput) (*reply[Scanned], error) {
	_, scene, _ := bytes.Cut(in.Body.Picture, []byte(" ")) // as the WeChat of the demo draws it, after the page
	if _, err := miniprogram.ParseScene(string(scene)); err != nil {
		return nil, &errs.InputError{Field: "picture", Reason: "is no round code of this WeChat"}
	}
	return found(Scanned{string(scene)}, nil)
}

// phoneMessages does at once what the work behind does each second.
func (s *Server) phoneMessages(ctx context.Context, in *phoneMessagesInput) (*reply[list[wechattest.Message]], error) {
	if err := s.wechat.tell(ctx); err != nil {
		return nil, err
	}
	all := s.phones.Inbox(s.cfg.WeChat.AppID, OnPhone{in.User}.of())
	return found(list[wechattest.Message]{Items: all}, nil)
}

// phoneAccept has WeChat push what the user accepted.
func (s *Server) phoneAccept(ctx context.Context, in *phoneAcceptInput) (*done, error) {
	app := s.cfg.WeChat
	s.phones.Accept(app.AppID, in.Body.of(), string(in.Body.Template))
	pusher := wechattest.Pusher{URL: callbackPath, Token: app.Token, AESKey: app.AESKey, Receiver: app.AppID}
	for _, event := range s.phones.Pushes(app.AppID) {
		push, err := pusher.Request(event)
		if err != nil {
			return nil, err
		}
		w := httptest.NewRecorder()
		if s.wechat.pushes.ServeHTTP(w, push.WithContext(ctx)); w.Code != http.StatusOK {
			return nil, fmt.Errorf("demo: the push is answered with %d", w.Code)
		}
	}
	return &done{}, nil
}
