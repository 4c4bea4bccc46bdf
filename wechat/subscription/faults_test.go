package subscription_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/subscription"
	"github.com/scrmkit/scrmkit/wechat/wechattest"
)

// What WeChat answers decides what becomes of the accept.
func TestAnswers(t *testing.T) {
	for code, c := range map[int64]struct {
		want error
		left int64
	}{
		43101: {wechat.ErrRefused, 0}, 47003: {subscription.ErrSettings, 2}, 41030: {subscription.ErrSettings, 2}, 40037: {subscription.ErrSettings, 2},
		45009: {wechat.ErrRateLimited, 2}, -1: {wechat.ErrBusy, 2}, 40003: {errs.Internal, 2}, 48001: {errs.Internal, 2},
	} {
		b := open(t, memory.New())
		b.accept(alice, 2)
		b.Fail(sendPath, wechattest.Fault{Code: code})
		_, err := b.Send(t.Context(), message(alice, "a"))
		isError(t, fmt.Sprint(code), err, c.want)
		if refused, ok := errors.AsType[*wechat.Error](err); !ok || refused.Code != code {
			t.Errorf("%d: %v", code, err)
		}
		b.has(alice, c.left, 0)
		b.pass(time.Second)
		b.accept(alice, 1)
		if r, err := b.Send(t.Context(), message(alice, "a")); err != nil || r.Replayed {
			t.Errorf("%d: the same key, later: %+v %v", code, r, err)
		}
		b.asked(2)
	}
}

// WeChat says which field, page or user it does not know, and the accept stays.
func TestSettings(t *testing.T) {
	b := open(t, memory.New())
	b.accept(alice, 1)
	b.Pages("pages/home")
	refused := func(m subscription.Message, code int64, says string, want error) {
		t.Helper()
		_, err := b.Send(t.Context(), m)
		e, ok := errors.AsType[*wechat.Error](err)
		if !ok || e.Code != code || !strings.Contains(e.Msg, says) || !errors.Is(err, want) || errs.ClassOf(err) != errs.Internal {
			t.Errorf("%d: %v", code, err)
		}
	}
	m := message(alice, "a")
	m.Page = "pages/card?id=7"
	refused(m, 41030, "page", subscription.ErrSettings)
	m.Page = "pages/home?id=7"
	b.AddTemplate(appID, wechattest.Template{ID: full, Keys: []string{"thing1", "date2"}})
	refused(m, 47003, "data.date2.value", subscription.ErrSettings)
	b.AddTemplate(appID, wechattest.Template{ID: full, Keys: []string{"thing1", "phrase2"}})
	refused(m, 47003, "data.phrase2.value", subscription.ErrSettings)
	b.has(alice, 1, 0)
	m.OpenID = "oEve"
	if _, err := b.Report(t.Context(), subscription.Report{OpenID: m.OpenID, Template: full, Key: "a"}); err != nil {
		t.Fatal(err)
	}
	refused(m, 40003, "openid", errs.Internal)
	b.AddApp(wechattest.App{ID: appID, Secret: appSecret}) // without templates, and without tokens
	refused(message(alice, "a"), 40037, "template", subscription.ErrSettings)
	b.has(alice, 1, 0)
}

// What WeChat answers besides its documents leaves the message held.
func TestFaults(t *testing.T) {
	for name, f := range map[string]wechattest.Fault{
		"HTML": {Body: "<html>"}, "a gateway": {Status: 502, Body: "x"}, "nothing": lost, "half an answer": half, "a list": {Body: "[]"},
		"a msgid of another kind": {Body: `{"errcode":0,"msgid":{"a":`}, "no answer to what was done": unheard,
	} {
		b := open(t, memory.New())
		b.accept(alice, 1)
		b.Fail(sendPath, f)
		_, err := b.Send(t.Context(), message(alice, "a"))
		isHeld(t, name, err)
		if held, ok := errors.AsType[*subscription.HeldError](err); !ok || !errors.Is(held.Cause, wechat.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
		b.has(alice, 0, 1)
	}
	b := open(t, memory.New())
	b.accept(alice, 1)
	if _, err := b.Send(t.Context(), message(bob, "token")); !errors.Is(err, subscription.ErrNoConsent) { // so that the token is there
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	b.Fail(sendPath, wechattest.Fault{After: true, Hang: time.Second})
	_, err := b.Send(ctx, message(alice, "a"))
	isHeld(t, "a caller who gives up", err)
	b.deliver()
	if r, err := b.Send(t.Context(), message(alice, "a")); err != nil || r.Status != subscription.Arrived {
		t.Errorf("%+v %v", r, err)
	}
}

// While WeChat is down nothing is sent twice, and nothing is taken where there is no token.
func TestWeChatIsDownForAnHour(t *testing.T) {
	b := open(t, memory.New())
	b.accept(alice, 4)
	if _, err := b.Send(t.Context(), message(alice, "before")); err != nil {
		t.Fatal(err)
	}
	for minute := range 60 {
		b.Fail(sendPath, lost)
		_, err := b.Send(t.Context(), message(alice, fmt.Sprint(minute%4)))
		if minute < 3 || minute%4 < 3 {
			isHeld(t, fmt.Sprint(minute), err)
		} else {
			isError(t, fmt.Sprint(minute), err, subscription.ErrNoConsent)
		}
		b.pass(time.Minute)
	}
	b.asked(4)
	b.has(alice, 0, 3)
	if n, err := b.Reconcile(t.Context(), b.now()); n != 3 || err != nil {
		t.Error(n, err)
	}
	b.accept(bob, 1)
	b.pass(3 * time.Hour)
	b.Fail(tokenPath, lost, lost)
	_, err := b.engine(b.db).Send(t.Context(), message(bob, "a"))
	isError(t, "without a token", err, wechat.ErrUnavailable)
	b.has(bob, 1, 0)
	got, err := b.engine(b.db).Send(t.Context(), message(alice, "before"))
	if err != nil || !got.Replayed {
		t.Errorf("what was sent before is known without a token: %+v %v", got, err)
	}
}

// A message that was sent and one that was not are told apart by their msgids, in whatever order
// their events and answers come.
func TestEventsThatAreEarly(t *testing.T) {
	b := open(t, memory.New())
	b.accept(alice, 3)
	b.Lose(appID, "0", "7", "0")
	b.Fail(sendPath, unheard)
	_, err := b.Send(t.Context(), message(alice, "a"))
	isHeld(t, "the first", err)
	b.Fail(sendPath, wechattest.Fault{After: true, Hang: 300 * time.Millisecond})
	sent := make(chan error, 1)
	go func() { _, err := b.Send(t.Context(), message(alice, "b")); sent <- err }()
	for b.Consents(appID, alice, full) > 1 {
		runtime.Gosched()
	}
	b.deliver() // both events, while the second answer is under way
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	first, err := b.Send(t.Context(), message(alice, "a"))
	if err != nil || first.Status != subscription.Arrived {
		t.Errorf("%+v %v", first, err)
	}
	if second, err := b.Send(t.Context(), message(alice, "b")); err != nil || second.Status != subscription.Failed || second.ID == first.ID {
		t.Errorf("%+v %v", second, err)
	}
	b.has(alice, 2, 0)
}

// A message is not sent inside of a transaction, which could be rolled back after it.
func TestSendIsNoPartOfATransaction(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db)
		b.accept(alice, 1)
		err := b.db.InTx(t.Context(), func(ctx context.Context, _ storage.Tx) error {
			_, err := b.Send(ctx, message(alice, "a"))
			return err
		})
		isError(t, "in a transaction", err, storage.ErrOutsideTx)
		b.asked(0)
		b.has(alice, 1, 0)
	})
}
