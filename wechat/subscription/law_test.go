package subscription_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/subscription"
	"github.com/scrmkit/scrmkit/wechat/wechattest"
)

// Whatever users, WeChat and the network do, no key is sent twice, and when every event has come
// the ledger and WeChat agree on what is left: but for messages that are held though WeChat did not
// take them, which stay spent.
func TestTheLedgerAgreesWithWeChat(t *testing.T) {
	b, users := open(t, memory.New()), 0
	rapid.Check(t, func(rt *rapid.T) {
		users++
		u := wechattest.User{OpenID: fmt.Sprint("o", users)}
		b.Login(appID, u)
		never, taken := int64(0), map[string]bool{}
		var waiting []string // events that WeChat has not pushed yet
		var since time.Time  // when the first of them happened
		push := func() {
			if err := b.pusher.Deliver(rand.New(rand.NewPCG(uint64(users), 1)), waiting...); err != nil {
				rt.Fatal(err)
			}
			waiting = nil
		}
		for step := range rapid.IntRange(1, 40).Draw(rt, "steps") {
			switch op := rapid.SampledFrom([]string{"accept", "accept", "report", "decline", "turn off", "send", "send", "send", "push"}).Draw(rt, "op"); op {
			case "accept":
				b.Accept(appID, u, full)
			case "report":
				b.Accept(appID, u, full)
				b.pass(time.Duration(rapid.IntRange(0, 290).Draw(rt, "delay")) * time.Second)
				if _, err := b.Report(t.Context(), subscription.Report{OpenID: message(u, "").OpenID, Template: full, Key: fmt.Sprint(step)}); err != nil {
					rt.Fatal(err)
				}
			case "decline":
				b.Decline(appID, u, full)
			case "turn off":
				b.TurnOff(appID, u, full)
			case "send":
				fault := rapid.SampledFrom([]string{"", "", "", "unheard", "half", "lost", "busy"}).Draw(rt, "fault")
				key := fmt.Sprint("key-", rapid.IntRange(0, 12).Draw(rt, "key"))
				has := b.Consents(appID, u, full)
				asked, again := send(rt, b, u, key, fault)
				if asked && taken[key] {
					rt.Fatalf("%s is sent again", key)
				}
				taken[key] = taken[key] || asked && !again
				if asked && !again && b.Consents(appID, u, full) == has { // it was refused without a word, or never came there
					never++
				}
			case "push":
				push()
			}
			if len(waiting) == 0 {
				since = b.now()
			}
			waiting = append(waiting, b.Pushes(appID)...)
			if b.pass(time.Duration(rapid.IntRange(1, 600).Draw(rt, "pass")) * time.Second); b.now().Sub(since) > subscription.Late-20*time.Minute {
				push()
			}
		}
		push()
		b.pass(time.Hour)
		if _, err := b.Reconcile(t.Context(), b.now()); err != nil {
			rt.Fatal(err)
		}
		got, err := b.Balance(t.Context(), message(u, "").OpenID, full)
		left := int64(b.Consents(appID, u, full))
		if err != nil || got.Held != 0 || got.Left > left || got.Left < left-never {
			rt.Fatalf("%+v %v, and WeChat has %d, and did not take %d messages that were held", got, err, left, never)
		}
	})
}

// send sends a message, and reports whether WeChat was asked, and whether it may be asked again.
func send(t *rapid.T, b *bench, u wechattest.User, key, fault string) (asked, again bool) {
	b.Fail(sendPath, map[string]wechattest.Fault{"unheard": unheard, "half": half, "lost": lost, "busy": {Code: -1}}[fault])
	defer b.Fail(sendPath)
	before := b.Calls(sendPath)
	_, err := b.Send(b.t.Context(), message(u, key))
	again = errors.Is(err, wechat.ErrBusy) || errors.Is(err, wechat.ErrRefused)
	if _, held := errors.AsType[*subscription.HeldError](err); err != nil && !held && !again && !errors.Is(err, subscription.ErrNoConsent) {
		t.Fatal(err)
	}
	return b.Calls(sendPath) > before, again
}

// A mortal store is that of a process that ends in the course of a Save: before it is stored, or
// when it is.
type mortal struct {
	storage.DB
	left  *atomic.Int64 // Saves until the end
	after bool          // the last one is stored
}

var errDead = errors.New("the process has ended")

func (m mortal) Load(ctx context.Context, looks []storage.Look) error {
	if m.left.Load() <= 0 {
		return errDead
	}
	return m.DB.Load(ctx, looks)
}

func (m mortal) Save(ctx context.Context, changes []storage.Change) ([]error, error) {
	n := m.left.Add(-1)
	if n > 0 || n == 0 && m.after {
		failed, err := m.DB.Save(ctx, changes)
		if n > 0 || err != nil {
			return failed, err
		}
	}
	return nil, errDead
}

// Whenever the process ends, its successor sends the message if WeChat can't have it, and once.
func TestTheProcessEnds(t *testing.T) {
	for saves := range 3 {
		for _, after := range []bool{false, true} {
			for _, f := range []wechattest.Fault{{}, unheard, lost} {
				name := fmt.Sprintf("in save %d, stored %t, %+v", saves+1, after, f)
				b := open(t, memory.New())
				b.accept(alice, 2)
				b.Fail(sendPath, f)
				left := new(atomic.Int64)
				left.Store(int64(saves + 1))
				_, err := b.engine(mortal{b.db, left, after}).Send(t.Context(), message(alice, "a"))
				if err == nil && saves < 2 {
					t.Error(name, "the process did not end")
				}
				for range 2 {
					_, _ = b.Send(t.Context(), message(alice, "a"))
				}
				b.deliver()
				b.pass(2 * subscription.Lease)
				if _, err := b.Reconcile(t.Context(), b.now()); err != nil {
					t.Fatal(err)
				}
				if r, err := b.Send(t.Context(), message(alice, "a")); err != nil || !r.Replayed || b.Calls(sendPath) > 1 {
					t.Errorf("%s: %+v %v after %d calls", name, r, err, b.Calls(sendPath))
				}
				b.has(alice, 1, 0)
			}
		}
	}
}
