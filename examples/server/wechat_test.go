package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/wechat/wechattest"
)

// scene returns what WeChat tells the page that an invitation of a shop opens.
func (b *bench) scene(shop string) string {
	b.Helper()
	drawn := b.do(root, "POST", "/shops/"+shop+"/invitations/pictures", "", 200)
	if drawn.field("mediaType") != "image/jpeg" || drawn.field("shop") != shop {
		b.Fatal(drawn.body)
	}
	return b.do("", "POST", "/demo/scans", fmt.Sprintf(`{"picture":%q}`, drawn.field("picture")), 200).field("scene").(string)
}

// Whoever scans an invitation first manages the shop from that moment on.
func TestManager(t *testing.T) {
	for name, cfg := range map[string]func(t *testing.T) Config{
		"sqlite":   func(*testing.T) Config { return Config{} },
		"postgres": func(t *testing.T) Config { return Config{Postgres: pgtest.DSN(t)} },
	} {
		t.Run(name, func(t *testing.T) { testManager(t, cfg(t)) })
	}
}

func testManager(t *testing.T, cfg Config) {
	b := start(t, cfg)
	b.do(root, "PUT", "/shops/guomao", `{"name":"国贸店","zone":"Asia/Shanghai"}`, 200)
	wei, eve := b.weChat("wei"), b.token("eve")
	token := wei.field("token").(string)
	scene := b.scene("guomao")
	code := b.code(alice, `{"shop":"guomao","purpose":"stamp","program":"coffee"}`)
	enter := fmt.Sprintf(`{"code":%q}`, code)
	b.do(token, "GET", "/shops/guomao/records", "", 403)
	b.do(token, "POST", "/shops/guomao/codes", enter, 403)
	b.do(token, "POST", "/invitations/scans", `{"scene":"shop.guomao"}`, 422)

	scan := fmt.Sprintf(`{"scene":%q,"name":"Wei"}`, scene)
	bound := b.do(token, "POST", "/invitations/scans", scan, 200)
	if bound.field("identity") != wei.field("member") || bound.field("shop") != "guomao" {
		t.Error(bound.body)
	}
	if res := b.do(eve, "POST", "/invitations/scans", scan, 422); res.field("type") != "/problems/shop-invitation" || strings.Contains(res.body, scene) {
		t.Error(res.body)
	}
	b.do(eve, "GET", "/shops/guomao/records", "", 403)

	b.do(token, "POST", "/shops/guomao/codes", enter, 200)
	if records := b.do(token, "GET", "/shops/guomao/records", "", 200); records.field("items.0.by") != wei.field("member") {
		t.Error(records.body)
	}
	b.do(token, "GET", "/shops/wangjing/records", "", 403)
	b.do(token, "GET", "/shops/guomao", "", 403) // it is the admin's
	b.do(token, "GET", "/me/cards", "", 200)     // he is a customer too
	b.do(root, "DELETE", "/shops/guomao/managers/"+wei.field("member").(string), "", 204)
	b.do(token, "GET", "/shops/guomao/records", "", 403)
}

// A report and the event are one accept, in whatever order they come.
func TestAccepts(t *testing.T) {
	b := start(t, Config{})
	ann := b.token("ann")
	left := func(want float64) {
		t.Helper()
		if res := b.do(ann, "GET", "/me/subscriptions/card-full", "", 200); res.field("left") != want {
			t.Errorf("%s, want %v", res.body, want)
		}
	}
	left(0)
	b.do(ann, "POST", "/me/subscriptions/card-full/reports", "", 200)
	left(1)
	b.do("", "POST", "/demo/accepts", `{"user":"ann","template":"card-full"}`, 204)
	left(1)
	b.do(ann, "POST", "/me/subscriptions/none/reports", "", 404)
	if res := b.do(alice, "GET", "/me/subscriptions/card-full", "", 409); res.field("type") != "/problems/signin-no-openid" {
		t.Error(res.body)
	}
}

// A customer who agreed to news is told once that the card is full, by the work behind or on
// asking, and sees what became of it.
func TestToldOfAFullCard(t *testing.T) {
	b := start(t, Config{})
	ann, bob := b.token("ann"), b.token("bob")
	b.do(ann, "POST", "/me/consents", `{"purpose":"news","kind":"plain","given":true,"version":"1","way":"miniprogram","time":"2026-01-01T00:00:00Z"}`, 200)
	for _, user := range []string{"ann", "bob"} {
		b.do("", "POST", "/demo/accepts", fmt.Sprintf(`{"user":%q,"template":"card-full"}`, user), 204)
	}
	for _, token := range []string{ann, bob} {
		for range 10 {
			b.do(token, "POST", "/me/presses", press, 200)
		}
	}
	for range 2 {
		if res := b.do("", "GET", "/demo/messages?user=ann", "", 200); res.field("items.0.values.thing1") != "您的集章卡已集满" || res.field("items.1") != nil {
			t.Error(res.body)
		}
	}
	if res := b.do(ann, "GET", "/me/notices", "", 200); res.field("items.0.state") != "sent" || res.field("items.1") != nil {
		t.Error(res.body)
	}
	if res := b.do("", "GET", "/demo/messages?user=bob", "", 200); res.field("items.0") != nil {
		t.Error("who did not agree is told:", res.body)
	}
	if res := b.do(bob, "GET", "/me/notices", "", 200); res.field("items.0.state") != "rejected" {
		t.Error(res.body)
	}
}

func TestCallback(t *testing.T) {
	b := start(t, Config{})
	ann := b.token("ann")
	app := b.cfg.WeChat
	b.phones.Accept(app.AppID, OnPhone{"ann"}.of(), string(demoTemplate.ID))
	event := b.phones.Pushes(app.AppID)[0]
	right := wechattest.Pusher{URL: callbackPath, Token: app.Token, AESKey: app.AESKey, Receiver: app.AppID}
	otherToken, otherKey, otherApp := right, right, right
	otherToken.Token, otherKey.AESKey, otherApp.Receiver = "another", strings.Repeat("a", 43), "wx1"
	for _, c := range []struct {
		what   string
		pusher wechattest.Pusher
		status int
		left   float64
	}{
		{"another signature", otherToken, 403, 0},
		{"another key", otherKey, 403, 0},
		{"another app", otherApp, 403, 0},
		{"the right one", right, 200, 1},
		{"the same again", right, 200, 1},
	} {
		r, err := c.pusher.Request(event)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		b.ServeHTTP(w, r)
		res := b.do(ann, "GET", "/me/subscriptions/card-full", "", 200)
		if w.Code != c.status || res.field("left") != c.left {
			t.Errorf("%s: %d, %s", c.what, w.Code, res.body)
		}
	}
	plain := httptest.NewRequestWithContext(t.Context(), "POST", callbackPath, strings.NewReader(event))
	plain.Header.Set("Authorization", "Bearer "+root)
	w := httptest.NewRecorder()
	if b.ServeHTTP(w, plain); w.Code != 403 {
		t.Errorf("without a signature: %d", w.Code)
	}

	web := httptest.NewServer(b)
	defer web.Close()
	right.URL = web.URL + callbackPath
	if status, echo, err := right.Ask("hello"); status != 200 || echo != "hello" || err != nil {
		t.Errorf("the console's question: %d %q, %v", status, echo, err)
	}
}

// The WeChat of the demo starts anew with the server, whose database has what was before.
func TestWeChatOfASecondStart(t *testing.T) {
	path := dbtest.SQLitePath(t)
	first := start(t, Config{SQLite: path})
	ann := first.weChat("ann")
	first.scene("wangjing")
	second := start(t, Config{SQLite: path})
	if again := second.weChat("ann"); again.field("member") != ann.field("member") {
		t.Error(again.body)
	}
	second.do(ann.field("token").(string), "PUT", "/me/profile", `{"nickname":"Ann"}`, 200)
	second.do("", "POST", "/demo/accepts", `{"user":"ann","template":"card-full"}`, 204)
	second.scene("wangjing")
}

// ownWeChat returns a WeChat that is not that of the demo, and the settings of a server with it.
func ownWeChat(t *testing.T) (*wechattest.Server, map[string]string) {
	fake := wechattest.NewServer(nil)
	t.Cleanup(fake.Close)
	fake.AddApp(wechattest.App{ID: "wxfedcba9876543210", Secret: "hush"})
	fake.AddTemplate("wxfedcba9876543210", wechattest.Template{ID: "t-1", Keys: []string{"thing1"}})
	return fake, map[string]string{
		"WECHAT_APPID": "wxfedcba9876543210", "WECHAT_SECRET": "hush", "WECHAT_TOKEN": "hush", "WECHAT_AES_KEY": strings.Repeat("k", 43),
		"WECHAT_BASE": fake.URL, "WECHAT_TEMPLATES": `[{"id":"t-1","fields":[{"key":"thing1"}]}]`,
		"WECHAT_NOTICES":      `[{"kind":"coupon.issued","id":"t-1","values":{"thing1":{"args":["name"]}}}]`,
		"SCRMKIT_ADMIN_TOKEN": "the admin's own token, which is long",
	}
}

func TestWithoutDemo(t *testing.T) {
	fake, env := ownWeChat(t)
	cfg, err := settings(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	b := serve(t, cfg)
	admin := env["SCRMKIT_ADMIN_TOKEN"]
	if feed := b.do(admin, "GET", "/journal", "", 200); feed.field("items.0") != nil {
		t.Error("something of the demo is there:", feed.body)
	}
	for _, path := range []string{"/demo/logins", "/demo/presses", "/demo/scans", "/demo/accepts"} {
		b.do("", "POST", path, `{"user":"ann"}`, 404)
	}
	b.do("", "GET", "/demo/messages?user=ann", "", 404)
	all := documented(b)
	if len(all) < 150 {
		t.Errorf("the document lists %d operations", len(all))
	}
	for _, o := range all {
		if public[o.String()] {
			continue
		}
		for token := range demoTokens {
			if res := b.send(token, o.method, o.path, "k", strings.NewReader("{}")); res.status != 401 {
				t.Errorf("%s with %s: %d", o, token, res.status)
			}
		}
	}
	if page := b.send("", "GET", "/openapi.json", "", nil); strings.Contains(page.body, "demo-") || strings.Contains(page.body, `"Demo"`) {
		t.Error("the document tells of the demo")
	}
	b.do(admin+"x", "GET", "/shops", "", 401)
	b.do(admin, "PUT", "/shops/guomao", `{"name":"国贸店","zone":"Asia/Shanghai"}`, 200)

	in := b.do("", "POST", "/sessions/wechat", fmt.Sprintf(`{"code":%q}`, fake.Login(cfg.WeChat.AppID, wechattest.User{OpenID: "oAnn"})), 200)
	ann := in.field("token").(string)
	b.do("", "POST", "/sessions/wechat", `{"code":"none"}`, 422)
	b.do(ann, "GET", "/me/cards", "", 200)
	b.do(ann, "GET", "/shops", "", 403)
	b.do(ann, "POST", "/me/subscriptions/t-1/reports", "", 200)
	picture, err := base64.StdEncoding.DecodeString(b.do(admin, "POST", "/shops/guomao/invitations/pictures", "", 200).field("picture").(string))
	if err != nil {
		t.Fatal(err)
	}
	scene := string(picture[bytes.LastIndexByte(picture, ' ')+1:])
	b.do(ann, "POST", "/invitations/scans", fmt.Sprintf(`{"scene":%q,"name":"Ann"}`, scene), 200)
	b.do(ann, "GET", "/shops/guomao/totals", "", 200)
}

// Without WeChat customers sign in by codes, and what needs it is not there.
func TestWithoutWeChat(t *testing.T) {
	b := serve(t, Config{})
	b.do("", "POST", "/sessions/wechat", `{"code":"none"}`, 404)
	b.do("", "POST", callbackPath, "", 404)
	const mail = "ann@example.com"
	b.do("", "POST", "/sessions/codes", `{"address":"`+mail+`"}`, 200)
	in := b.do("", "POST", "/sessions", fmt.Sprintf(`{"address":%q,"code":%q}`, mail, b.codeTo(mail)), 200)
	ann := in.field("token").(string)
	b.do(ann, "PUT", "/me/profile", `{"nickname":"Ann"}`, 200)
	b.do(ann, "POST", "/me/phone-presses", `{"code":"none","way":"quick"}`, 404)
	for token, want := range map[string]int{"": 401, root: 401, ann: 403} { // nobody is admin
		b.do(token, "GET", "/shops", "", want)
	}
}

func TestGreeting(t *testing.T) {
	_, env := ownWeChat(t)
	whole, err := settings(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		cfg       Config
		has, lack []string
	}{
		{Config{}, []string{"Nobody is admin", "WeChat is not configured"}, []string{"curl", "demo-"}},
		{whole, nil, []string{"Nobody is admin", "not configured", "curl", "demo-", env["SCRMKIT_ADMIN_TOKEN"]}},
		{Config{Demo: true}, []string{"curl", "demo-admin", "/demo/logins"}, []string{"Nobody is admin", "not configured"}},
		{Config{Demo: true, WeChat: whole.WeChat}, []string{"curl"}, []string{"/demo/logins", "not configured"}},
	} {
		var out bytes.Buffer
		serve(t, c.cfg).greet(&out, "http://here")
		for _, text := range c.has {
			if !strings.Contains(out.String(), text) {
				t.Errorf("no %q in:\n%s", text, &out)
			}
		}
		for _, text := range c.lack {
			if strings.Contains(out.String(), text) {
				t.Errorf("%q in:\n%s", text, &out)
			}
		}
	}
}

func TestWrongSettings(t *testing.T) {
	_, env := ownWeChat(t)
	for name, c := range map[string]struct{ value, told string }{
		"WECHAT_APPID": {"", "WECHAT_APPID"}, "WECHAT_SECRET": {"", "WECHAT_SECRET"}, "WECHAT_TOKEN": {"", "WECHAT_TOKEN"},
		"WECHAT_AES_KEY": {"", "WECHAT_AES_KEY"}, "WECHAT_TEMPLATES": {"[", "WECHAT_TEMPLATES"},
		"SCRMKIT_ADMIN_TOKEN": {"short", "SCRMKIT_ADMIN_TOKEN"}, "DATABASE_URL": {"postgres://127.0.0.1:1/none", "SCRMKIT_OTP_KEY"},
	} {
		getenv := func(n string) string {
			if n == name {
				return c.value
			}
			return env[n]
		}
		args := []string{"-db", filepath.Join(t.TempDir(), "test.db"), "-addr", "127.0.0.1:0"}
		err := run(t.Context(), args, getenv, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.told) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s=%q: %v", name, c.value, err)
		}
	}
}
