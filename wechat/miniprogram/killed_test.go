package miniprogram_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
)

// Wherever processes that ask for numbers are killed, WeChat is not asked again for one that a
// process returned, and the next process asks for one that is not there without a wait for the dead.
func TestProcessesAreKilled(t *testing.T) {
	const rounds, each = 14, 2
	dbtest.Worlds(t, func(t *testing.T, l dbtest.Life) {
		client, err := wechat.New(l.DB, wechat.App{ID: appID, Secret: appSecret}, keys, &wechat.Options{Now: l.Now, Base: l.URL})
		if err != nil {
			t.Fatal(err)
		}
		e, err := miniprogram.New(l.DB, client, keys, &miniprogram.Options{Now: l.Now})
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range l.Args {
			n, err := e.Phone(t.Context(), miniprogram.Phone{OpenID: miniprogram.OpenID(alice.OpenID), Code: code, Way: miniprogram.Quick})
			if errors.Is(err, wechat.ErrCodeInvalid) {
				l.Say("/lost/" + code)
			} else if err != nil || n.E164 != "+8613800138000" {
				t.Fatal(err)
			} else {
				l.Say("/returned/" + code)
			}
		}
	}, func(t *testing.T, w *dbtest.World) {
		b := open(t, w.DB)
		w.Now = b.now
		api, err := url.Parse(b.URL)
		if err != nil {
			t.Fatal(err)
		}
		proxy := httputil.NewSingleHostReverseProxy(api)
		asked, returned, lost := map[string]int{}, map[string]bool{}, map[string]bool{}
		w.Server = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			switch what, code, _ := strings.Cut(r.URL.Path[1:], "/"); {
			case what == "returned":
				returned[code] = true
				return
			case what == "lost":
				lost[code] = true
				if asked[code] < 2 || returned[code] {
					t.Error("a number that WeChat was asked for once, or that was returned, is lost")
				}
				return
			case r.URL.Path == phonePath:
				body, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(bytes.NewReader(body))
				var p struct{ Code string }
				if err := json.Unmarshal(body, &p); err != nil {
					t.Error(err)
				}
				if asked[p.Code]++; returned[p.Code] {
					t.Error("WeChat is asked again for a number that was returned")
				}
			}
			proxy.ServeHTTP(rw, r)
		})
		var all []string
		open := func() []string {
			return slices.DeleteFunc(slices.Clone(all), func(code string) bool { return returned[code] || lost[code] })
		}
		for range rounds {
			for range each {
				all = append(all, b.PressPhone(appID, alice))
			}
			w.Live(8*each, open()...)
			b.pass(2 * wechat.Timeout)
		}
		w.Live(0, open()...)
		n := b.Calls(phonePath)
		for _, code := range all {
			if returned[code] == lost[code] {
				t.Errorf("a number was returned: %t, and lost: %t", returned[code], lost[code])
			}
			p := miniprogram.Phone{OpenID: miniprogram.OpenID(alice.OpenID), Code: code, Way: miniprogram.Quick}
			if got, err := b.Phone(t.Context(), p); returned[code] && (err != nil || got.E164 != "+8613800138000" || b.Calls(phonePath) != n) {
				t.Errorf("a number that was returned: %v", err)
			}
			n = b.Calls(phonePath)
		}
		if t.Logf("%d of %d processes were killed, and %d of %d numbers lost", w.Deaths, rounds+1, len(lost), len(all)); w.Deaths == 0 || len(lost) > w.Deaths {
			t.Error("no process was killed, or too many numbers are lost")
		}
	})
}
