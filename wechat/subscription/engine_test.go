package subscription_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
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
	"github.com/scrmkit/scrmkit/wechat/callback"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
	"github.com/scrmkit/scrmkit/wechat/subscription"
	"github.com/scrmkit/scrmkit/wechat/wechattest"
)

const (
	appID     = "wx0123456789abcdef"
	appSecret = "TOPSECRET0123456789"
	sendPath  = "/cgi-bin/message/subscribe/send"
	tokenPath = "/cgi-bin/stable_token"
	full      = "card-full" // a template
)

var (
	keys     = []secret.Key{{ID: "1", Secret: []byte("a secret that is 32 bytes or more")}}
	console  = callback.Secret{Token: "token", AESKey: "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"}
	alice    = wechattest.User{OpenID: "oAlice"}
	bob      = wechattest.User{OpenID: "oBob"}
	template = subscription.Template{ID: full, Fields: []subscription.Field{{Key: "thing1"}, {Key: "time2"}}}
	lost     = wechattest.Fault{Cut: true}              // before WeChat does anything
	unheard  = wechattest.Fault{Cut: true, After: true} // when it has done all
	half     = wechattest.Fault{Half: true}
)

// A bench has a WeChat, which pushes to a service with an engine, and a clock that stands until it
// is moved.
type bench struct {
	*wechattest.Server
	*subscription.Engine
	t      *testing.T
	db     storage.DB
	at     atomic.Int64
	pusher wechattest.Pusher
}

func open(t *testing.T, db storage.DB) *bench {
	t.Helper()
	b := &bench{t: t, db: db}
	b.at.Store(time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC).UnixMicro())
	b.Server = wechattest.NewServer(&wechattest.Options{Now: b.now})
	t.Cleanup(b.Close)
	b.AddApp(wechattest.App{ID: appID, Secret: appSecret})
	b.AddTemplate(appID, wechattest.Template{ID: full, Keys: []string{"thing1", "time2"}})
	b.Login(appID, alice)
	b.Login(appID, bob)
	b.Engine = b.engine(db)
	receiver, err := callback.New(db, appID, []callback.Secret{console}, func(ctx context.Context, tx storage.Tx, p callback.Push) ([]byte, error) {
		return nil, b.In(tx).Observe(ctx, p)
	}, &callback.Options{Now: b.now})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(receiver)
	t.Cleanup(server.Close)
	b.pusher = wechattest.Pusher{URL: server.URL, Token: console.Token, AESKey: console.AESKey, Receiver: appID, Now: b.now}
	return b
}

func (b *bench) now() time.Time       { return time.UnixMicro(b.at.Load()).UTC() }
func (b *bench) pass(d time.Duration) { b.at.Add(d.Microseconds()) }

// engine is one of another process, on a store.
func (b *bench) engine(s storage.Tx) *subscription.Engine {
	b.t.Helper()
	client, err := wechat.New(b.db, wechat.App{ID: appID, Secret: appSecret}, keys, &wechat.Options{Now: b.now, Base: b.URL})
	if err != nil {
		b.t.Fatal(err)
	}
	e, err := subscription.New(s, client, []subscription.Template{template}, &subscription.Options{Now: b.now})
	if err != nil {
		b.t.Fatal(err)
	}
	return e
}

// deliver has the service have what WeChat pushes.
func (b *bench) deliver() {
	b.t.Helper()
	if err := b.pusher.Deliver(rand.New(rand.NewPCG(1, 2)), b.Pushes(appID)...); err != nil {
		b.t.Fatal(err)
	}
}

// push has a receiver have one event.
func (b *bench) push(r *callback.Receiver, event string) {
	b.t.Helper()
	request, err := b.pusher.Request(event)
	if err != nil {
		b.t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if r.ServeHTTP(w, request); w.Code != http.StatusOK {
		b.t.Fatal(w.Code, w.Body)
	}
}

// accept is a user who accepts so many messages, a second apart.
func (b *bench) accept(u wechattest.User, n int) {
	b.t.Helper()
	for range n {
		b.Accept(appID, u, full)
		b.pass(time.Second)
	}
	b.deliver()
}

// has wants a balance.
func (b *bench) has(u wechattest.User, left, held int64) {
	b.t.Helper()
	got, err := b.Balance(b.t.Context(), miniprogram.OpenID(u.OpenID), full)
	if err != nil || got != (subscription.Balance{Left: left, Held: held}) {
		b.t.Errorf("%+v %v, want %d and %d", got, err, left, held)
	}
}

// asked wants so many calls for messages.
func (b *bench) asked(n int) {
	b.t.Helper()
	if got := b.Calls(sendPath); got != n {
		b.t.Errorf("WeChat was asked for %d messages, want %d", got, n)
	}
}

func message(u wechattest.User, key string) subscription.Message {
	return subscription.Message{OpenID: miniprogram.OpenID(u.OpenID), Template: full, Values: map[string]string{"thing1": "第 8 杯免费", "time2": "15:01"}, Key: key}
}

func isError(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func isHeld(t *testing.T, what string, err error) {
	t.Helper()
	held, ok := errors.AsType[*subscription.HeldError](err)
	if !ok || held.Message.Status != subscription.Held || errs.ClassOf(err) != errs.Conflict {
		t.Errorf("%s: %v", what, err)
	}
}

func TestMessages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("are as many as the user accepted", func(t *testing.T) {
			b := open(t, db.Tenant("many"))
			_, err := b.Send(t.Context(), message(alice, "0"))
			isError(t, "before the user accepts", err, subscription.ErrNoConsent)
			b.asked(0)
			b.accept(alice, 2)
			b.has(alice, 2, 0)
			b.has(bob, 0, 0)
			for i := range 2 {
				r, err := b.Send(t.Context(), message(alice, fmt.Sprint(i)))
				if err != nil || r.Status != subscription.Sent || r.ID == "" || r.Replayed || r.OpenID != "oAlice" || r.Template != full {
					t.Fatalf("%+v %v", r, err)
				}
			}
			_, err = b.Send(t.Context(), message(alice, "2"))
			isError(t, "the third of two", err, subscription.ErrNoConsent)
			b.asked(2)
			if errs.ClassOf(err) != errs.Denied || b.Consents(appID, alice, full) != 0 {
				t.Error(errs.ClassOf(err), b.Consents(appID, alice, full))
			}
		})
		t.Run("are sent once by their key, by whichever process", func(t *testing.T) {
			b := open(t, db.Tenant("once"))
			b.accept(alice, 3)
			first, err := b.Send(t.Context(), message(alice, "a"))
			if err != nil {
				t.Fatal(err)
			}
			again := message(alice, "a")
			again.Values["time2"] = "16:00"
			got, err := b.engine(b.db).Send(t.Context(), again)
			if err != nil || !got.Replayed || got.ID != first.ID || got.Status != subscription.Sent {
				t.Errorf("%+v %v", got, err)
			}
			b.deliver()
			if got, err = b.Send(t.Context(), again); err != nil || got.Status != subscription.Arrived || got.ID != first.ID {
				t.Errorf("%+v %v", got, err)
			}
			b.asked(1)
			b.has(alice, 2, 0)
		})
		t.Run("of sixteen senders at once are three", func(t *testing.T) {
			b := open(t, db.Tenant("race"))
			b.accept(alice, 3)
			var all sync.WaitGroup
			var sent, refused atomic.Int64
			for i := range 16 {
				e := b.Engine
				if i%2 == 0 {
					e = b.engine(b.db)
				}
				all.Go(func() {
					_, err := e.Send(t.Context(), message(alice, fmt.Sprint(i)))
					switch {
					case err == nil:
						sent.Add(1)
					case errors.Is(err, subscription.ErrNoConsent):
						refused.Add(1)
					default:
						t.Error(err)
					}
				})
			}
			all.Wait()
			b.asked(3)
			if sent.Load() != 3 || refused.Load() != 13 {
				t.Error(sent.Load(), refused.Load())
			}
		})
		t.Run("of sixteen senders with one key are one", func(t *testing.T) {
			b := open(t, db.Tenant("key"))
			b.accept(alice, 3)
			var all sync.WaitGroup
			for range 16 {
				e := b.engine(b.db)
				all.Go(func() {
					if _, err := e.Send(t.Context(), message(alice, "a")); err != nil && errs.ClassOf(err) != errs.Conflict {
						t.Error(err)
					}
				})
			}
			all.Wait()
			b.asked(1)
			b.has(alice, 2, 0)
		})
		t.Run("that are held stay spent until an event tells", func(t *testing.T) {
			b := open(t, db.Tenant("held"))
			b.accept(alice, 2)
			for i, f := range []wechattest.Fault{unheard, half} {
				key := fmt.Sprint(i)
				b.Fail(sendPath, f)
				_, err := b.Send(t.Context(), message(alice, key))
				isHeld(t, "an answer that is lost", err)
				_, err = b.engine(b.db).Send(t.Context(), message(alice, key))
				isHeld(t, "the same key", err)
				b.has(alice, int64(1-i), 1)
				b.deliver()
				b.has(alice, int64(1-i), 0)
				if r, err := b.Send(t.Context(), message(alice, key)); err != nil || r.Status != subscription.Arrived || r.ID == "" || !r.Replayed {
					t.Errorf("%+v %v", r, err)
				}
			}
			b.asked(2)
		})
		t.Run("that are held and fail by an event are given back", func(t *testing.T) {
			b := open(t, db.Tenant("failed"))
			b.accept(alice, 2)
			b.Lose(appID, "1", "43101")
			b.Fail(sendPath, unheard)
			_, err := b.Send(t.Context(), message(alice, "a"))
			isHeld(t, "an answer that is lost", err)
			b.deliver()
			b.has(alice, 2, 0)
			if r, err := b.Send(t.Context(), message(alice, "a")); err != nil || r.Status != subscription.Failed || r.Code != "1" {
				t.Errorf("%+v %v", r, err)
			}
			if _, err := b.Send(t.Context(), message(alice, "b")); err != nil {
				t.Error(err)
			}
			b.deliver()
			b.has(alice, 0, 0)
			b.pass(time.Second)
			b.accept(alice, 1)
			b.has(alice, 1, 0)
		})
		t.Run("that nothing is heard of are left at that", func(t *testing.T) {
			b := open(t, db.Tenant("reconcile"))
			b.accept(alice, 1)
			b.accept(bob, 1)
			for _, u := range []wechattest.User{alice, bob} {
				b.Fail(sendPath, lost)
				_, err := b.Send(t.Context(), message(u, "a"))
				isHeld(t, "no answer", err)
				b.pass(subscription.Lease)
			}
			held, err := storage.Collect(b.Held(t.Context()))
			if err != nil || len(held) != 2 || held[0].OpenID != "oAlice" || held[1].OpenID != "oBob" || held[0].Key != "a" || held[0].Template != full {
				t.Errorf("%+v %v", held, err)
			}
			if n, err := b.Prune(t.Context(), b.now().Add(time.Hour)); n != 0 || err != nil {
				t.Error("held ones are pruned:", n, err)
			}
			for i, want := range []int64{1, 0, 0, 1, 0} { // alice's alone, though a later time is asked for; then bob's too
				if i == 3 {
					b.pass(time.Hour)
				}
				if n, err := b.Reconcile(t.Context(), b.now()); n != want || err != nil {
					t.Error(i, n, err)
				}
			}
			b.has(alice, 0, 0)
			if r, err := b.Send(t.Context(), message(alice, "a")); err != nil || r.Status != subscription.Unknown {
				t.Errorf("%+v %v", r, err)
			}
			b.asked(2)
			if n, err := b.Prune(t.Context(), b.now()); n != 2 || err != nil {
				t.Error(n, err)
			}
		})
	})
}

func TestTenantsAndApps(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db.Tenant("mine"))
		b.accept(alice, 1)
		b.has(alice, 1, 0)
		b.Fail(sendPath, lost)
		_, err := b.Send(t.Context(), message(alice, "a"))
		isHeld(t, "no answer", err)
		b.pass(time.Hour)
		for _, other := range []*subscription.Engine{b.engine(db.Tenant("yours")), otherApp(b)} {
			if got, err := other.Balance(t.Context(), "oAlice", full); err != nil || got != (subscription.Balance{}) {
				t.Error(got, err)
			}
			if held, err := storage.Collect(other.Held(t.Context())); err != nil || len(held) != 0 {
				t.Error(held, err)
			}
			if n, err := other.Reconcile(t.Context(), b.now()); err != nil || n != 0 {
				t.Error(n, err)
			}
		}
		if n, err := b.Reconcile(t.Context(), b.now()); err != nil || n != 1 {
			t.Error(n, err)
		}
	})
}

// otherApp is an engine of another app on the same database.
func otherApp(b *bench) *subscription.Engine {
	client, err := wechat.New(b.db, wechat.App{ID: "wxother", Secret: "x"}, keys, &wechat.Options{Now: b.now, Base: b.URL})
	if err != nil {
		b.t.Fatal(err)
	}
	e, err := subscription.New(b.db, client, []subscription.Template{template}, &subscription.Options{Now: b.now})
	if err != nil {
		b.t.Fatal(err)
	}
	return e
}

func TestWhatIsNoMessageIsNotSent(t *testing.T) {
	b := open(t, memory.New())
	b.accept(alice, 1)
	for what, change := range map[string]func(m *subscription.Message){
		"no user": func(m *subscription.Message) { m.OpenID = "" }, "no template": func(m *subscription.Message) { m.Template = "" },
		"no key": func(m *subscription.Message) { m.Key = "" }, "a slash": func(m *subscription.Message) { m.Page = "/pages/card" },
		"a release": func(m *subscription.Message) { m.Release = "release" }, "a language": func(m *subscription.Message) { m.Lang = "zh" },
		"a value": func(m *subscription.Message) { m.Values["time2"] = "noon" }, "no value": func(m *subscription.Message) { delete(m.Values, "thing1") },
		"a value too many": func(m *subscription.Message) { m.Values["thing3"] = "a" },
	} {
		m := message(alice, "a")
		change(&m)
		_, err := b.Send(t.Context(), m)
		if input, ok := errors.AsType[*errs.InputError](err); !ok || input.Field == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
	m := message(alice, "a")
	m.Template = "other"
	_, err := b.Send(t.Context(), m)
	isError(t, "another template", err, subscription.ErrUnknownTemplate)
	b.asked(0)
	b.has(alice, 1, 0)
	if err := b.Observe(t.Context(), callback.Push{Receiver: "wxother", Event: "text"}); err != nil {
		t.Error(err)
	}
	m = message(alice, "a")
	m.Page, m.Release, m.Lang = "pages/card/card?id=7", subscription.Trial, subscription.English
	if _, err := b.Send(t.Context(), m); err != nil {
		t.Error(err)
	}
}
