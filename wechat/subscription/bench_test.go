package subscription_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
	"github.com/scrmkit/scrmkit/wechat/subscription"
)

// An instant is a WeChat that answers everything at once.
type instant struct{}

func (instant) RoundTrip(*http.Request) (*http.Response, error) {
	const answer = `{"errcode":0,"access_token":"a","expires_in":7200,"msgid":1}`
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(answer))}, nil
}

// BenchmarkSend has the front end report an accept of a new user, and sends the message, in memory.
func BenchmarkSend(b *testing.B) {
	db := memory.New()
	client, err := wechat.New(db, wechat.App{ID: appID, Secret: appSecret}, keys, &wechat.Options{HTTP: instant{}})
	if err != nil {
		b.Fatal(err)
	}
	e, err := subscription.New(db, client, []subscription.Template{template}, nil)
	if err != nil {
		b.Fatal(err)
	}
	m, n := message(alice, "a"), 0
	for b.Loop() {
		n++
		m.OpenID = miniprogram.OpenID(fmt.Sprint("o", n))
		if _, err := e.Report(b.Context(), subscription.Report{OpenID: m.OpenID, Template: m.Template, Key: "a"}); err != nil {
			b.Fatal(err)
		}
		if _, err := e.Send(b.Context(), m); err != nil {
			b.Fatal(err)
		}
	}
}
