package wechat_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
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
	"github.com/scrmkit/scrmkit/wechat/wechattest"
)

const (
	appID     = "wx0123456789abcdef"
	appSecret = "TOPSECRET0123456789"
	stable    = "/cgi-bin/stable_token"
	legacy    = "/cgi-bin/token"
	reads     = "/cgi-bin/getcallbackip"
)

var keys = []secret.Key{{ID: "1", Secret: []byte("a secret that is 32 bytes or more")}}

// A bench has a WeChat with one app and a clock that stands until it is moved.
type bench struct {
	*wechattest.Server
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
	return b
}

func (b *bench) now() time.Time       { return time.UnixMicro(b.at.Load()).UTC() }
func (b *bench) pass(d time.Duration) { b.at.Add(d.Microseconds()) }

// client is one of another process.
func (b *bench) client(change ...func(*wechat.Options)) *wechat.Client { return b.on(b.db, change...) }

// on returns a client on a store.
func (b *bench) on(s storage.Tx, change ...func(*wechat.Options)) *wechat.Client {
	b.t.Helper()
	o := &wechat.Options{Now: b.now, Base: b.URL}
	for _, f := range change {
		f(o)
	}
	c, err := wechat.New(s, wechat.App{ID: appID, Secret: appSecret}, keys, o)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// token returns the token of a client, which it must have.
func (b *bench) token(c *wechat.Client) string {
	b.t.Helper()
	token, err := c.Token(b.t.Context())
	if err != nil || token == "" {
		b.t.Fatal(token, err)
	}
	return token
}

func (b *bench) asked(n int) {
	b.t.Helper()
	if got := b.Calls(stable); got != n {
		b.t.Fatalf("WeChat was asked for %d tokens, want %d", got, n)
	}
}

// call makes a call that reads.
func call(ctx context.Context, c *wechat.Client) error {
	var out struct {
		IPs []string `json:"ip_list"`
	}
	err := c.Do(ctx, wechat.Call{Path: reads, Read: true}, &out)
	if err == nil && len(out.IPs) != 1 {
		err = fmt.Errorf("the answer is %v", out)
	}
	return err
}

func TestTokens(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("eight processes with an empty database ask once", func(t *testing.T) {
			b := open(t, db.Tenant("eight"))
			var all sync.WaitGroup
			seen := make([]string, 64)
			for i := range 8 {
				c := b.client()
				for k := range 8 {
					all.Go(func() {
						token, err := c.Token(t.Context())
						if err != nil {
							t.Error(err)
						}
						seen[i*8+k] = token
					})
				}
			}
			all.Wait()
			b.asked(1)
			for _, token := range seen {
				if token != seen[0] {
					t.Fatal("tokens differ")
				}
			}
		})
		t.Run("a token is replaced before it ends, while the old one goes on", func(t *testing.T) {
			b := open(t, db.Tenant("ahead"))
			one, two := b.client(), b.client()
			first := b.token(one)
			b.pass(wechattest.Life - 3*time.Minute)
			if got := b.token(two); got == first {
				t.Error("a process that looks it up late has the old one")
			}
			b.asked(2)
			if err := call(t.Context(), one); err != nil {
				t.Error(err)
			}
			b.pass(wechattest.Overlap + time.Minute)
			for _, c := range []*wechat.Client{one, two} {
				if err := call(t.Context(), c); err != nil {
					t.Error(err)
				}
			}
			b.asked(2)
		})
		t.Run("a token that WeChat refuses is replaced once, by all", func(t *testing.T) {
			b := open(t, db.Tenant("refused"))
			one, two := b.client(), b.client()
			first := b.token(one)
			b.token(two)
			b.Revoke(appID)
			for _, c := range []*wechat.Client{one, two} {
				if err := call(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			}
			b.asked(2)
			if err := one.Refused(t.Context(), first); err != nil { // it is told late
				t.Fatal(err)
			}
			if err := call(t.Context(), b.client()); err != nil {
				t.Fatal(err)
			}
			b.asked(2)
		})
		t.Run("one that is given again is asked for by force, within bounds", func(t *testing.T) {
			b := open(t, db.Tenant("forced"))
			c := b.client()
			another := func() error {
				if err := c.Refused(t.Context(), b.token(c)); err != nil {
					t.Fatal(err)
				}
				_, err := c.Token(t.Context())
				return err
			}
			if err := another(); err != nil {
				t.Fatal(err)
			}
			if err := another(); !errors.Is(err, wechat.ErrTokenInvalid) {
				t.Fatal("within 30 seconds:", err)
			}
			for range wechat.ForceDay - 1 {
				b.pass(wechat.ForceWait)
				b.token(c)
				if err := another(); !errors.Is(err, wechat.ErrTokenInvalid) {
					t.Fatal("that is the second one:", err)
				}
			}
			b.pass(time.Hour)
			if _, err := c.Token(t.Context()); !errors.Is(err, wechat.ErrTokenInvalid) {
				t.Fatal("the 21st of a day:", err)
			}
			b.pass(24 * time.Hour)
			b.token(c)
		})
		t.Run("a process that gets no answer keeps no other waiting", func(t *testing.T) {
			b := open(t, db.Tenant("lease"))
			asked, answer := make(chan struct{}), make(chan struct{})
			slow := b.client(func(o *wechat.Options) {
				o.Legacy = true
				o.HTTP = transport(func(r *http.Request) (*http.Response, error) {
					a, err := http.DefaultTransport.RoundTrip(r)
					close(asked)
					<-answer
					return a, err
				})
			})
			late := make(chan string, 1)
			go func() { token, _ := slow.Token(t.Context()); late <- token }()
			<-asked
			quick := b.client(func(o *wechat.Options) { o.Legacy = true })
			b.pass(wechat.Lease)
			token := b.token(quick)
			close(answer)
			if got := <-late; got != token {
				t.Error("the late answer is of a token that is replaced")
			}
			if got := b.token(b.client(func(o *wechat.Options) { o.Legacy = true })); got != token || b.Calls(legacy) != 2 {
				t.Error("the late answer was stored over the other", b.Calls(legacy))
			}
		})
		t.Run("a wrong secret is said, and not tried again at once", func(t *testing.T) {
			b := open(t, db.Tenant("secret"))
			b.AddApp(wechattest.App{ID: appID, Secret: "another"})
			c := b.client()
			for range 3 {
				_, err := c.Token(t.Context())
				var e *wechat.Error
				if !errors.Is(err, wechat.ErrBadSecret) || !errors.As(err, &e) || e.Code != 40125 || e.RID == "" || errs.ClassOf(err) != errs.Internal {
					t.Fatal(err)
				}
			}
			b.asked(1)
			b.AddApp(wechattest.App{ID: appID, Secret: appSecret})
			b.pass(wechat.RefusedWait)
			b.token(c)
		})
		t.Run("is that of its tenant and of its secret", func(t *testing.T) {
			b := open(t, db.Tenant("mine"))
			mine := b.token(b.client())
			b.AddApp(wechattest.App{ID: appID, Secret: appSecret})
			b.db = db.Tenant("yours")
			if b.token(b.client()) == mine {
				t.Error("tenants share a token")
			}
		})
		t.Run("a key that is gone is no more than another fetch", func(t *testing.T) {
			b := open(t, db.Tenant("keys"))
			b.token(b.client())
			other := []secret.Key{{ID: "2", Secret: []byte("another secret of 32 bytes or more")}}
			for _, list := range [][]secret.Key{other, append(other, keys...)} {
				c, err := wechat.New(b.db, wechat.App{ID: appID, Secret: appSecret}, list, &wechat.Options{Now: b.now, Base: b.URL})
				if err != nil {
					t.Fatal(err)
				}
				b.token(c)
				b.asked(2)
			}
		})
		t.Run("a database that fails is done without, and said", func(t *testing.T) {
			b := open(t, db.Tenant("failing"))
			var logged strings.Builder
			b.db = failing{b.db}
			c := b.client(func(o *wechat.Options) { o.Logger = slog.New(slog.NewTextHandler(&logged, nil)) })
			if token := b.token(c); strings.Contains(logged.String(), token) || !strings.Contains(logged.String(), "not shared") {
				t.Error(logged.String())
			}
		})
	})
}

// A transport is a function as an http.RoundTripper.
type transport func(r *http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

// failing is a database that can't be read.
type failing struct{ storage.DB }

func (failing) Load(context.Context, []storage.Look) error { return errors.New("the database is gone") }

// A caller with a deadline never waits past it, whoever else waits for the token.
func TestACallerGivesUpInTime(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db)
		b.Fail(stable, wechattest.Fault{Hang: 300 * time.Millisecond})
		c := b.client()
		patient := make(chan error, 1)
		go func() { _, err := c.Token(t.Context()); patient <- err }()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, err := c.Token(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if err := <-patient; err != nil {
			t.Error("the other one:", err)
		}
		b.asked(1)
	})
}

// What WeChat answers besides its documents is ErrUnavailable, and no error or log has a secret.
func TestFaults(t *testing.T) {
	var logged strings.Builder
	b := open(t, dbtest.Of(memory.New()))
	for name, f := range map[string]wechattest.Fault{
		"HTML": {Body: "<html>" + appSecret + "</html>"}, "a gateway": {Status: http.StatusBadGateway, Body: appSecret},
		"nothing": {Status: http.StatusOK, Body: ""}, "a broken connection": {Cut: true}, "half an answer": {Body: `{"access_token":"` + appSecret},
		"no token": {Body: `{"expires_in":7200}`}, "a list": {Body: `[]`}, "a redirect": {Status: http.StatusFound, Body: appSecret},
	} {
		if name == "nothing" {
			continue
		}
		c := b.client(func(o *wechat.Options) { o.Logger = slog.New(slog.NewTextHandler(&logged, nil)) })
		b.Fail(stable, f)
		_, err := c.Token(t.Context())
		if !errors.Is(err, wechat.ErrUnavailable) || strings.Contains(fmt.Sprintf("%+v", err), appSecret) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := b.client()
	token := b.token(c)
	for name, f := range map[string]wechattest.Fault{"HTML": {Body: token}, "its own code": {Body: `{"errcode":48001,"errmsg":"` + token + `"}`}} {
		b.Fail(reads, f)
		if err := call(t.Context(), c); err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v", name, err)
		}
	}
	dead := wechattest.NewServer(nil)
	dead.Close()
	c = b.client(func(o *wechat.Options) { o.Base = dead.URL })
	if err := c.Do(t.Context(), wechat.Call{Path: "/x", Secret: true}, &struct{}{}); !errors.Is(err, wechat.ErrUnavailable) ||
		strings.Contains(err.Error(), appSecret) {
		t.Error(err)
	}
	if strings.Contains(logged.String(), appSecret) {
		t.Error(logged.String())
	}
}

// WeChat gives tokens to the addresses on the app's list, and answers so many calls a minute.
func TestLimits(t *testing.T) {
	b := open(t, dbtest.Of(memory.New()))
	b.AddApp(wechattest.App{ID: appID, Secret: appSecret, Addresses: []string{"203.0.113.7"}})
	c := b.client()
	if _, err := c.Token(t.Context()); !errors.Is(err, wechat.ErrIPNotAllowed) || !strings.Contains(err.Error(), "invalid ip 127.0.0.1") {
		t.Error(err)
	}
	b.From("203.0.113.7")
	b.pass(wechat.RefusedWait)
	b.token(c)
	b.Quota(reads, 2)
	for _, want := range []error{nil, nil, wechat.ErrRateLimited} {
		if err := call(t.Context(), c); !errors.Is(err, want) {
			t.Error(err, "instead of", want)
		}
	}
	b.pass(time.Minute)
	if err := call(t.Context(), c); err != nil {
		t.Error(err)
	}
	b.Fail(reads, wechattest.Fault{Half: true})
	if err := call(t.Context(), c); !errors.Is(err, wechat.ErrUnavailable) {
		t.Error(err)
	}
}

// A call that reads is made again where WeChat is busy, and one that changes something is not.
func TestBusy(t *testing.T) {
	b := open(t, dbtest.Of(memory.New()))
	c := b.client()
	busy := wechattest.Fault{Code: -1}
	b.Fail(reads, busy, busy)
	if err := call(t.Context(), c); err != nil || b.Calls(reads) != 3 {
		t.Error(err, b.Calls(reads))
	}
	b.Fail(reads, busy, busy, busy)
	if err := call(t.Context(), c); !errors.Is(err, wechat.ErrBusy) {
		t.Error(err)
	}
	b.Fail("/x", busy)
	if err := c.Do(t.Context(), wechat.Call{Path: "/x", Body: 1}, &struct{}{}); !errors.Is(err, wechat.ErrBusy) || b.Calls("/x") != 1 {
		t.Error(err)
	}
}
