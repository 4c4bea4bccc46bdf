package subscription_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/subscription"
)

// named returns a message that says its key, by which WeChat is seen to get it.
func named(key string) subscription.Message {
	m := message(alice, key)
	m.Values["thing1"] = key
	return m
}

// Wherever processes that send are killed, WeChat gets no message twice; what was told to be sent is
// sent, what was told to be held is not sent after that, and in the end the ledger and WeChat agree.
func TestProcessesAreKilled(t *testing.T) {
	const rounds, each = 12, 3
	dbtest.Worlds(t, func(t *testing.T, l dbtest.Life) {
		client, err := wechat.New(l.DB, wechat.App{ID: appID, Secret: appSecret}, keys, &wechat.Options{Now: l.Now, Base: l.URL})
		if err != nil {
			t.Fatal(err)
		}
		e, err := subscription.New(l.DB, client, []subscription.Template{template}, &subscription.Options{Now: l.Now})
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range l.Args {
			r, err := e.Send(t.Context(), named(key))
			if held, ok := errors.AsType[*subscription.HeldError](err); ok {
				r, err = held.Message, nil
			}
			if err != nil {
				t.Fatal(err)
			}
			l.Say("/told/" + string(r.Status) + "/" + key)
		}
	}, func(t *testing.T, w *dbtest.World) {
		b := open(t, w.DB)
		w.Now = b.now
		got, known, sent := map[string]int{}, map[string]bool{}, map[string]bool{} // by WeChat; to processes, and as sent
		api, err := url.Parse(b.URL)
		if err != nil {
			t.Fatal(err)
		}
		proxy := httputil.NewSingleHostReverseProxy(api)
		w.Server = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if what, ok := strings.CutPrefix(r.URL.Path, "/told/"); ok {
				status, key, _ := strings.Cut(what, "/")
				known[key], sent[key] = true, sent[key] || status == string(subscription.Sent)
				return
			}
			if r.URL.Path == sendPath {
				body, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(bytes.NewReader(body))
				var m struct {
					Data struct{ Thing1 struct{ Value string } }
				}
				if err := json.Unmarshal(body, &m); err != nil {
					t.Error(err)
				}
				key := m.Data.Thing1.Value
				if got[key]++; got[key] > 1 || known[key] {
					t.Errorf("%s is sent again", key)
				}
			}
			proxy.ServeHTTP(rw, r)
		})
		b.accept(alice, rounds*each)
		var all []string
		for round := range rounds {
			for i := range each {
				all = append(all, fmt.Sprint(round, "-", i))
			}
			w.Live(8*each, all[max(0, len(all)-2*each):]...)
			b.pass(2 * subscription.Lease)
			if round%3 == 0 {
				b.deliver()
			}
		}
		w.Live(0, all...)
		b.deliver()
		b.pass(2 * subscription.Lease)
		if _, err := b.Reconcile(t.Context(), b.now()); err != nil {
			t.Fatal(err)
		}
		never := int64(0)
		for _, key := range all {
			r, err := b.Send(t.Context(), named(key))
			if err != nil || !r.Replayed || sent[key] && (r.Status != subscription.Arrived || got[key] != 1) {
				t.Errorf("%s, which is told to be sent: %t, and WeChat got %d times: %+v %v", key, sent[key], got[key], r, err)
			}
			if got[key] == 0 {
				never++
			}
		}
		left := int64(b.Consents(appID, alice, full))
		if balance, err := b.Balance(t.Context(), "oAlice", full); err != nil || balance.Held != 0 || balance.Left != left-never {
			t.Errorf("%+v %v, and WeChat has %d, and never got %d", balance, err, left, never)
		}
		if t.Logf("%d of %d processes were killed, %d messages held and never got", w.Deaths, rounds+1, never); w.Deaths == 0 {
			t.Error("none was killed")
		}
	})
}
