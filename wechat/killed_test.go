package wechat_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/wechattest"
)

// Wherever processes that get a token are killed, WeChat is asked once in a lease and not again once
// a process has the token; and a lease after the last of them the next one has a token that is good.
func TestProcessesAreKilled(t *testing.T) {
	const rounds, steps = 6, 6
	const brief = "brief" // a process that waits no longer for another one's lease
	dbtest.Worlds(t, func(t *testing.T, l dbtest.Life) {
		c, err := wechat.New(l.DB, wechat.App{ID: appID, Secret: appSecret}, keys, &wechat.Options{Now: l.Now, Base: l.URL, Legacy: true})
		if err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		if len(l.Args) > 0 {
			short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			defer cancel()
			ctx = short
		}
		token, err := c.Token(ctx)
		if err == nil {
			l.Say("/has/" + token)
		} else if len(l.Args) == 0 || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}, func(t *testing.T, w *dbtest.World) {
		b := open(t, w.DB)
		w.Now = b.now
		api, err := url.Parse(b.URL)
		if err != nil {
			t.Fatal(err)
		}
		proxy := httputil.NewSingleHostReverseProxy(api)
		var asked time.Time // when WeChat was asked last
		var has string      // the token that a process told
		w.Server = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if token, ok := strings.CutPrefix(r.URL.Path, "/has/"); ok {
				if has != "" && token != has {
					t.Errorf("processes have tokens that differ")
				}
				has = token
				return
			}
			if has != "" || b.now().Before(asked.Add(wechat.Lease)) {
				t.Errorf("WeChat is asked at %s, after %s", b.now(), asked)
			}
			asked = b.now()
			proxy.ServeHTTP(rw, r)
		})
		for range rounds {
			b.pass(wechattest.Life)
			has = ""
			w.Live(steps)
			b.pass(wechat.Lease - time.Second)
			w.Live(steps, brief)
			b.pass(wechat.Lease)
			w.Live(0)
			c := b.client(func(o *wechat.Options) { o.Legacy = true })
			n := b.Calls(legacy)
			if err := call(t.Context(), c); err != nil || b.token(c) != has || b.Calls(legacy) != n {
				t.Errorf("the next process has another token, or asks for one: %v", err)
			}
		}
		if t.Logf("%d of %d processes were killed, and %d tokens asked for", w.Deaths, 3*rounds, b.Calls(legacy)); w.Deaths == 0 {
			t.Error("none was killed")
		}
	})
}
