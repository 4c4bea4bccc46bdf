package miniprogram_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
	"github.com/scrmkit/scrmkit/wechat/wechattest"
)

const (
	appID     = "wx0123456789abcdef"
	appSecret = "TOPSECRET0123456789"
	phonePath = "/wxa/business/getuserphonenumber"
)

var (
	keys  = []secret.Key{{ID: "1", Secret: []byte("a secret that is 32 bytes or more")}}
	alice = wechattest.User{OpenID: "oAlice", UnionID: "uAlice", Phone: "13800138000"}
	bob   = wechattest.User{OpenID: "oBob", UnionID: "uBob", Phone: "5550100", Country: "1"}
)

// A bench has a WeChat and an engine whose clock stands until it is moved.
type bench struct {
	*wechattest.Server
	*miniprogram.Engine
	t  *testing.T
	db storage.DB
	at atomic.Int64
}

func open(t *testing.T, db storage.DB) *bench {
	b := &bench{t: t, db: db}
	b.at.Store(time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC).UnixMicro())
	b.Server = wechattest.NewServer(&wechattest.Options{Now: b.now})
	t.Cleanup(b.Close)
	b.AddApp(wechattest.App{ID: appID, Secret: appSecret})
	b.Engine = b.engine()
	return b
}

func (b *bench) now() time.Time       { return time.UnixMicro(b.at.Load()).UTC() }
func (b *bench) pass(d time.Duration) { b.at.Add(d.Microseconds()) }

// engine is one of another process.
func (b *bench) engine() *miniprogram.Engine { return b.on(b.db, nil) }

// on returns an engine on a store, which sends by a transport.
func (b *bench) on(s storage.Tx, by http.RoundTripper) *miniprogram.Engine {
	b.t.Helper()
	client, err := wechat.New(s, wechat.App{ID: appID, Secret: appSecret}, keys, &wechat.Options{Now: b.now, Base: b.URL, HTTP: by})
	if err != nil {
		b.t.Fatal(err)
	}
	e, err := miniprogram.New(s, client, keys, &miniprogram.Options{Now: b.now, Platform: "ours"})
	if err != nil {
		b.t.Fatal(err)
	}
	return e
}

func (b *bench) press(u wechattest.User) miniprogram.Phone {
	return miniprogram.Phone{OpenID: miniprogram.OpenID(u.OpenID), Code: b.PressPhone(appID, u), Way: miniprogram.Quick}
}

func isError(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func isInput(t *testing.T, what string, err error) {
	t.Helper()
	var input *errs.InputError
	if !errors.As(err, &input) {
		t.Errorf("%s: %v", what, err)
	}
}

func TestSignIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db)
		code := b.Login(appID, alice)
		s, err := b.SignIn(t.Context(), code)
		want := miniprogram.Session{App: appID, OpenID: "oAlice", Platform: "ours", UnionID: "uAlice", At: b.now()}
		if err != nil || s != want {
			t.Fatal(s, err)
		}
		if _, err := b.SignIn(t.Context(), b.Login(appID, alice)); err != nil {
			t.Error("again:", err)
		}
		_, err = b.SignIn(t.Context(), code)
		isError(t, "a code that was used", err, wechat.ErrCodeUsed)
		_, err = b.SignIn(t.Context(), "none")
		isError(t, "no code", err, wechat.ErrCodeInvalid)
		_, err = b.SignIn(t.Context(), b.PressPhone(appID, alice))
		isError(t, "a code of the phone button", err, wechat.ErrCodeInvalid)
		old := b.Login(appID, alice)
		b.pass(wechattest.CodeLife)
		_, err = b.SignIn(t.Context(), old)
		isError(t, "a code that has ended", err, wechat.ErrCodeInvalid)
		_, err = b.SignIn(t.Context(), b.Login(appID, wechattest.User{OpenID: "oEve", Risky: true}))
		isError(t, "a user that is blocked", err, wechat.ErrUserBlocked)
		before := b.Calls("/sns/jscode2session")
		for _, code := range []string{"", "a&appid=x", "a b", "é", "a%26", strings.Repeat("a", 129)} {
			_, err := b.SignIn(t.Context(), code)
			isInput(t, code, err)
		}
		if b.Calls("/sns/jscode2session") != before {
			t.Error("WeChat was asked for what is no code")
		}
		if n, err := b.Prune(t.Context(), b.now().Add(time.Microsecond)); err != nil || n != 1 {
			t.Error(n, err)
		}
	})
}

func TestCheckSession(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db)
		isError(t, "before the sign-in", b.CheckSession(t.Context(), "oAlice"), miniprogram.ErrSession)
		isInput(t, "no user", b.CheckSession(t.Context(), ""))
		for range 2 {
			if _, err := b.SignIn(t.Context(), b.Login(appID, alice)); err != nil {
				t.Fatal(err)
			}
			if err := b.CheckSession(t.Context(), "oAlice"); err != nil {
				t.Error(err)
			}
		}
		isError(t, "another user", b.CheckSession(t.Context(), "oBob"), miniprogram.ErrSession)
		b.EndSession(alice)
		isError(t, "a session that has ended", b.CheckSession(t.Context(), "oAlice"), miniprogram.ErrSession)
		b.Fail("/wxa/checksession", wechattest.Fault{Half: true})
		isError(t, "half an answer", b.CheckSession(t.Context(), "oAlice"), wechat.ErrUnavailable)
	})
}

func TestPhone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("a number is asked for once", func(t *testing.T) {
			b := open(t, db.Tenant("once"))
			p := b.press(alice)
			n, err := b.Phone(t.Context(), p)
			if err != nil || n != (miniprogram.Number{E164: "+8613800138000", Way: miniprogram.Quick, At: b.now()}) {
				t.Fatal(n, err)
			}
			b.pass(time.Minute)
			for _, e := range []*miniprogram.Engine{b.Engine, b.engine()} {
				if again, err := e.Phone(t.Context(), p); err != nil || again != n {
					t.Error(again, err)
				}
			}
			if b.Calls(phonePath) != 1 {
				t.Error(b.Calls(phonePath), "calls")
			}
			other := p
			other.OpenID = "oBob"
			_, err = b.Phone(t.Context(), other)
			isError(t, "an answer to another user", err, wechat.ErrCodeInvalid)
			if n, err := b.Prune(t.Context(), b.now()); err != nil || n != 1 {
				t.Error(n, err)
			}
			_, err = b.Phone(t.Context(), p)
			isError(t, "after Prune", err, wechat.ErrCodeInvalid)
		})
		t.Run("of another country", func(t *testing.T) {
			b := open(t, db.Tenant("country"))
			if n, err := b.Phone(t.Context(), b.press(bob)); err != nil || n.E164 != "+15550100" {
				t.Error(n, err)
			}
		})
		t.Run("a code that was taken on another's phone links nothing", func(t *testing.T) {
			b := open(t, db.Tenant("taken"))
			p := b.press(bob)
			p.OpenID = "oAlice"
			_, err := b.Phone(t.Context(), p)
			isError(t, "bob's code for alice", err, wechat.ErrCodeInvalid)
		})
		t.Run("processes that ask at once have one number", func(t *testing.T) {
			b := open(t, db.Tenant("race"))
			p := b.press(alice)
			var all sync.WaitGroup
			for range 8 {
				e := b.engine()
				all.Go(func() {
					if n, err := e.Phone(t.Context(), p); err != nil || n.E164 != "+8613800138000" {
						t.Error(n, err)
					}
				})
			}
			all.Wait()
			if b.Calls(phonePath) != 1 {
				t.Error(b.Calls(phonePath), "calls")
			}
		})
		t.Run("a caller that gets no answer leaves the code to the next", func(t *testing.T) {
			b := open(t, db.Tenant("lost"))
			p := b.press(alice)
			b.Fail(phonePath, wechattest.Fault{Status: 502, Body: "x"})
			_, err := b.Phone(t.Context(), p)
			isError(t, "a gateway", err, wechat.ErrUnavailable)
			if n, err := b.Phone(t.Context(), p); err != nil || n.E164 == "" {
				t.Error(n, err)
			}
		})
		t.Run("a caller that gives up leaves the number to the next", func(t *testing.T) {
			b := open(t, db.Tenant("gone"))
			if _, err := b.Phone(t.Context(), b.press(bob)); err != nil { // so that the token is there
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
			defer cancel()
			p := b.press(alice)
			b.Fail(phonePath, wechattest.Fault{Hang: 500 * time.Millisecond})
			_, err := b.Phone(ctx, p)
			isError(t, "a caller with a deadline", err, context.DeadlineExceeded)
			if n, err := b.engine().Phone(t.Context(), p); err != nil || n.E164 != "+8613800138000" || b.Calls(phonePath) != 2 {
				t.Error(n, err, b.Calls(phonePath))
			}
		})
		t.Run("a caller that comes too late leaves the number of another one stored", func(t *testing.T) {
			b := open(t, db.Tenant("late"))
			p := b.press(alice)
			asks, asked, end := make(chan struct{}, 2), make(chan struct{}), make(chan struct{})
			defer close(end)
			ctx, cancel := context.WithCancel(t.Context())
			hung := b.on(b.db, transport(func(r *http.Request) (*http.Response, error) {
				if r.URL.Path == phonePath {
					cancel()
					<-end
				}
				return http.DefaultTransport.RoundTrip(r)
			}))
			_, err := hung.Phone(ctx, p)
			isError(t, "a caller whose process hangs", err, context.Canceled)
			b.pass(2 * wechat.Timeout)
			late := b.on(b.db, transport(func(r *http.Request) (*http.Response, error) {
				if r.URL.Path == phonePath {
					asks <- struct{}{}
					<-asked
				}
				return http.DefaultTransport.RoundTrip(r)
			}))
			done := make(chan error)
			go func() { _, err := late.Phone(t.Context(), p); done <- err }()
			<-asks
			if n, err := b.Phone(t.Context(), p); err != nil || n.E164 != "+8613800138000" {
				t.Fatal(n, err)
			}
			close(asked)
			isError(t, "a code that was used meanwhile", <-done, wechat.ErrCodeInvalid)
			if n, err := b.Phone(t.Context(), p); err != nil || n.E164 != "+8613800138000" || b.Calls(phonePath) != 2 {
				t.Error(n, err, b.Calls(phonePath))
			}
		})
		t.Run("what is no code is not sent", func(t *testing.T) {
			b := open(t, db.Tenant("input"))
			for what, p := range map[string]miniprogram.Phone{
				"no openid": {Code: "a", Way: miniprogram.Quick}, "no code": {OpenID: "o", Way: miniprogram.Quick}, "no way": {OpenID: "o", Code: "a"},
				"a code with more": {OpenID: "o", Code: `a","openid":"b`, Way: miniprogram.Quick},
			} {
				_, err := b.Phone(t.Context(), p)
				isInput(t, what, err)
			}
			if b.Calls(phonePath) != 0 {
				t.Error("WeChat was asked")
			}
		})
	})
}

// A transport is a function as an http.RoundTripper.
type transport func(r *http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What WeChat may answer to a phone's code besides its documents is no number.
func TestPhoneAnswers(t *testing.T) {
	b := open(t, memory.New())
	good := func(country, number, app string) string {
		return fmt.Sprintf(`{"errcode":0,"phone_info":{"purePhoneNumber":%s,"countryCode":%s,"watermark":{"appid":"%s"}}}`, number, country, app)
	}
	b.Fail(phonePath, wechattest.Fault{Body: good(`86`, `"13800138000"`, appID)})
	if n, err := b.Phone(t.Context(), b.press(alice)); err != nil || n.E164 != "+8613800138000" {
		t.Error(n, err)
	}
	for what, body := range map[string]string{
		"another app": good(`"86"`, `"13800138000"`, "wxother"), "no number": good(`"86"`, `""`, appID), "letters": good(`"86"`, `"138O0138000"`, appID),
		"no country": good(`null`, `"13800138000"`, appID), "a list": `[]`, "nothing": `{}`, "an object": good(`{}`, `"13800138000"`, appID),
	} {
		b.Fail(phonePath, wechattest.Fault{Body: body})
		n, err := b.Phone(t.Context(), b.press(alice))
		isError(t, what, err, wechat.ErrUnavailable)
		if n.E164 != "" || err != nil && strings.Contains(err.Error(), "13800138000") {
			t.Error(what, n, err)
		}
	}
}

func TestCheckText(t *testing.T) {
	b := open(t, memory.New())
	b.Word("poker", "risky")
	b.Word("maybe", "review")
	text := miniprogram.Text{OpenID: "oAlice", Scene: miniprogram.Profile, Content: "小爱"}
	_, err := b.CheckText(t.Context(), text)
	var refused *wechat.Error
	if !errors.As(err, &refused) || refused.Code != 40003 {
		t.Error("a user that WeChat does not know:", err)
	}
	b.Login(appID, alice)
	for content, want := range map[string]miniprogram.Suggestion{"小爱": miniprogram.Pass, "poker": miniprogram.Risky, "maybe": miniprogram.Review} {
		text.Content = content
		if c, err := b.CheckText(t.Context(), text); err != nil || c.Suggestion != want || c.Trace == "" {
			t.Error(content, c, err)
		}
	}
	b.pass(2*time.Hour + time.Second)
	_, err = b.CheckText(t.Context(), text)
	isError(t, "a visit of long ago", err, miniprogram.ErrVisit)
	for what, bad := range map[string]miniprogram.Text{
		"no user": {Scene: 1, Content: "a"}, "no scene": {OpenID: "o", Content: "a"}, "scene 5": {OpenID: "o", Scene: 5, Content: "a"},
		"no text": {OpenID: "o", Scene: 1}, "no UTF-8": {OpenID: "o", Scene: 1, Content: "\xff"},
		"too long": {OpenID: "o", Scene: 1, Content: strings.Repeat("爱", miniprogram.MaxText+1)},
	} {
		_, err := b.CheckText(t.Context(), bad)
		isInput(t, what, err)
	}
}

func TestDraw(t *testing.T) {
	b := open(t, memory.New())
	b.Pages("pages/shop/shop")
	p := miniprogram.Picture{Scene: miniprogram.Scene{Kind: "shop", ID: "wangjing"}, Page: "pages/shop/shop", Width: 430, Clear: true}
	file, mediaType, err := b.Draw(t.Context(), p)
	if err != nil || mediaType != "image/jpeg" || !strings.HasSuffix(string(file), "pages/shop/shop shop.wangjing") {
		t.Error(string(file), mediaType, err)
	}
	p.Page = "pages/none"
	_, _, err = b.Draw(t.Context(), p)
	isError(t, "no page", err, miniprogram.ErrPage)
	p.Release = miniprogram.Trial
	if _, _, err := b.Draw(t.Context(), p); err != nil {
		t.Error("a page that is not published yet:", err)
	}
	good := miniprogram.Scene{Kind: "a", ID: "b"}
	for what, bad := range map[string]miniprogram.Picture{
		"no scene": {}, "a slash": {Scene: good, Page: "/pages/shop"}, "a query": {Scene: good, Page: "p?a=b"}, "a release": {Scene: good, Release: "x"},
		"narrow": {Scene: good, Width: 279}, "wide": {Scene: good, Width: 1281}, "a space": {Scene: miniprogram.Scene{Kind: "a", ID: "b c"}},
		"too long": {Scene: miniprogram.Scene{Kind: "a", ID: strings.Repeat("b", 31)}},
	} {
		_, _, err := b.Draw(t.Context(), bad)
		isInput(t, what, err)
	}
	b.Fail("/wxa/getwxacodeunlimit", wechattest.Fault{Body: "<html>"})
	p.Page = ""
	_, _, err = b.Draw(t.Context(), p)
	isError(t, "no picture", err, wechat.ErrUnavailable)
}

func TestLinks(t *testing.T) {
	b := open(t, memory.New())
	b.Pages("pages/shop/shop")
	l := miniprogram.Link{Page: "pages/shop/shop", Query: url.Values{"id": {"1"}}, Expires: b.now().Add(time.Hour)}
	if link, err := b.Link(t.Context(), l); err != nil || !strings.HasPrefix(link, "https://wxaurl.cn/") {
		t.Error(link, err)
	}
	l.Page = "pages/none"
	_, err := b.Link(t.Context(), l)
	isError(t, "no page", err, miniprogram.ErrPage)
	for what, bad := range map[string]miniprogram.Link{
		"no end": {}, "an end at once": {Expires: b.now().Add(time.Second)}, "an end far ahead": {Expires: b.now().Add(miniprogram.MaxLink + time.Second)},
		"a long query": {Expires: b.now().Add(time.Hour), Query: url.Values{"a": {strings.Repeat("b", 1024)}}},
	} {
		_, err := b.Link(t.Context(), bad)
		isInput(t, what, err)
	}
	if link, err := b.ShortLink(t.Context(), "pages/shop/shop?id=1", "望京"); err != nil || link == "" {
		t.Error(link, err)
	}
	_, err = b.ShortLink(t.Context(), "pages/none", "")
	isError(t, "no page of a short link", err, miniprogram.ErrPage)
	_, err = b.ShortLink(t.Context(), "", "")
	isInput(t, "a short link to nothing", err)
}

// A scene is read as it was written, whatever it is, or refused.
func FuzzScene(f *testing.F) {
	f.Add("shop.wangjing")
	f.Add("b.aAbB-_.09")
	f.Add(".x")
	f.Add("x.")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := miniprogram.ParseScene(text)
		if err != nil {
			isInput(t, text, err)
			return
		}
		if again, err := s.Text(); err != nil || again != text || len(again) > miniprogram.MaxScene {
			t.Errorf("%q is read as %+v and written as %q, %v", text, s, again, err)
		}
	})
}

// Whoever has the file of the database has no token, no session key and no number.
func TestNothingIsInTheClear(t *testing.T) {
	path := dbtest.SQLitePath(t)
	b := open(t, dbtest.SQLiteFile(t, path))
	if _, err := b.SignIn(t.Context(), b.Login(appID, alice)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Phone(t.Context(), b.press(alice)); err != nil {
		t.Fatal(err)
	}
	client, err := wechat.New(b.db, wechat.App{ID: appID, Secret: appSecret}, keys, &wechat.Options{Now: b.now, Base: b.URL})
	if err != nil {
		t.Fatal(err)
	}
	token, err := client.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var stored string
	for _, end := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + end)
		if err != nil {
			t.Fatal(err)
		}
		stored += string(content)
	}
	if !strings.Contains(stored, "oAlice") {
		t.Fatal("the file is another one")
	}
	for _, secret := range append(b.SessionKeys(), token, appSecret, "13800138000") {
		if strings.Contains(stored, secret) {
			t.Errorf("%q is in the file", secret)
		}
	}
}
