package raw_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/silenceper/wechat/v2/miniprogram/business"
	"github.com/silenceper/wechat/v2/miniprogram/subscribe"
	"github.com/silenceper/wechat/v2/util"

	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/raw"
	"github.com/scrmkit/scrmkit/wechat/wechattest"
)

const appSecret = "TOPSECRET0123456789"

var app = wechat.App{ID: "wx0123456789abcdef", Secret: appSecret}

// A redirect has silenceper ask another server than WeChat's.
type redirect struct{ to *url.URL }

func (r redirect) RoundTrip(q *http.Request) (*http.Response, error) {
	q = q.Clone(q.Context())
	q.URL.Scheme, q.URL.Host = r.to.Scheme, r.to.Host
	return http.DefaultTransport.RoundTrip(q)
}

// open returns a WeChat, which silenceper asks until the test ends, and a client.
func open(t *testing.T) (*wechattest.Server, *wechat.Client) {
	t.Helper()
	fake := wechattest.NewServer(nil)
	t.Cleanup(fake.Close)
	fake.AddApp(wechattest.App{ID: app.ID, Secret: app.Secret})
	to, err := url.Parse(fake.URL)
	if err != nil {
		t.Fatal(err)
	}
	before := util.DefaultHTTPClient
	util.DefaultHTTPClient = &http.Client{Transport: redirect{to}}
	t.Cleanup(func() { util.DefaultHTTPClient = before })
	keys := []secret.Key{{ID: "1", Secret: []byte("a secret that is 32 bytes or more")}}
	client, err := wechat.New(memory.New(), app, keys, &wechat.Options{Base: fake.URL})
	if err != nil {
		t.Fatal(err)
	}
	return fake, client
}

// Calls go with the client's token, which is one for all, and with the next one when it is refused.
func TestMiniProgram(t *testing.T) {
	fake, client := open(t)
	alice := wechattest.User{OpenID: "oAlice", Phone: "13800138000"}
	for i := range 2 {
		for range 2 {
			code := fake.PressPhone(app.ID, alice)
			got, err := raw.MiniProgram(t.Context(), client).GetBusiness().GetPhoneNumber(&business.GetPhoneNumberRequest{Code: code})
			if err != nil || got.PurePhoneNumber != "13800138000" {
				t.Fatal(i, got, err)
			}
		}
		if n := fake.Calls("/cgi-bin/stable_token"); n != i+1 {
			t.Error(n, "tokens")
		}
		token, err := client.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		fake.Revoke(app.ID)
		_, err = raw.MiniProgram(t.Context(), client).GetBusiness().GetPhoneNumber(&business.GetPhoneNumberRequest{Code: "x"})
		refused, ok := errors.AsType[*util.CommonError](err)
		if !ok || refused.ErrCode != 40001 {
			t.Fatal(err)
		}
		if err := client.Refused(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
}

// A call that waits for a token ends with the context, though silenceper has none for it.
func TestACallEndsWithItsContext(t *testing.T) {
	fake, client := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := raw.MiniProgram(ctx, client).GetSubscribe().Send(&subscribe.Message{ToUser: "oAlice"})
	if !errors.Is(err, context.Canceled) || fake.Calls("/cgi-bin/message/subscribe/send") != 0 {
		t.Error(err)
	}
}

// What silenceper says of a failure has the access token in it, and Redact takes it out.
func TestRedact(t *testing.T) {
	fake, client := open(t)
	token, err := client.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]wechattest.Fault{"a gateway": {Status: 502, Body: "x"}, "a broken connection": {Cut: true}} {
		fake.Fail("/cgi-bin/message/subscribe/send", f)
		err := raw.MiniProgram(t.Context(), client).GetSubscribe().Send(&subscribe.Message{ToUser: "oAlice"})
		if err == nil || !strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v", name, err)
		}
		if text := fmt.Sprintf("%+v", raw.Redact(err)); strings.Contains(text, token) || !strings.Contains(text, "/cgi-bin/message/subscribe/send") {
			t.Error(name, text)
		}
	}
	for text, want := range map[string]string{
		"uri=https://x/y?appid=a&secret=TOP&js_code=1 , statusCode=500": "uri=https://x/y?appid=a&secret=[secret]&js_code=[secret] , statusCode=500",
		`{"access_token":"abc","expires_in":7200}`:                      `{"access_token":"[secret]","expires_in":7200}`,
		"errcode=40001": "errcode=40001",
	} {
		if got := raw.Redact(errors.New(text)); got.Error() != want {
			t.Errorf("%s\nis redacted as\n%v", text, got)
		}
	}
	if raw.Redact(nil) != nil {
		t.Error("no error is one")
	}
}

// silenceper's object asks for what scrmkit has no call for; here its answer is a refusal, for the
// context has ended.
func Example() {
	keys := []secret.Key{{ID: "2026", Secret: []byte("32 random bytes of your own secret")}}
	client, err := wechat.New(memory.New(), wechat.App{ID: "wx0123456789abcdef", Secret: "the app's secret"}, keys, nil)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = raw.MiniProgram(ctx, client).GetSubscribe().ListTemplates()
	fmt.Println(raw.Redact(err))
	// Output: wechat: wait for an access token: context canceled
}
