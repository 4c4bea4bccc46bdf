package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/otp/delivery"
	"github.com/scrmkit/scrmkit/scrm/message"
	"github.com/scrmkit/scrmkit/storage"
)

// numberOf returns a number of its own for each i.
func numberOf(i int) delivery.Address { return delivery.Address(fmt.Sprintf("+86138%08d", i)) }

// many asks for that many codes of as many addresses, and returns the references.
func (b *bench) many(n int) (refs []string) {
	b.t.Helper()
	for i := range n {
		sent, err := b.ask(numberOf(i), "signin")
		if err != nil {
			b.t.Fatal(err)
		}
		refs = append(refs, sent.Ref)
	}
	return refs
}

func TestOutcomesAreStored(t *testing.T) {
	told := func(kind error, after time.Duration) func(message.Message) (string, error) {
		return func(message.Message) (string, error) {
			return "", &message.Error{Vendor: "aliyun", Code: "isv.X", RetryAfter: after, Kind: kind}
		}
	}
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		for _, c := range []struct {
			name   string
			answer func(message.Message) (string, error)
			state  delivery.State
			fault  error
			later  time.Duration // after which it is tried again; 0: never
		}{
			{"sent", nil, delivery.StateSent, nil, 0},
			{"throttled", told(message.ErrThrottled, time.Minute), delivery.StatePending, nil, time.Minute},
			{"throttled for longer than it lives", told(message.ErrThrottled, time.Hour), delivery.StateDropped, nil, 0},
			{"refused", told(message.ErrRefused, 0), delivery.StateRejected, nil, 0},
			{"address", told(message.ErrAddress, 0), delivery.StateRejected, nil, 0},
			{"settings", told(message.ErrSettings, 0), delivery.StatePending, message.ErrSettings, 2 * time.Second},
			{"balance", told(message.ErrBalance, 0), delivery.StatePending, message.ErrBalance, 2 * time.Second},
			{"unavailable", told(message.ErrUnavailable, 0), delivery.StatePending, message.ErrUnavailable, 2 * time.Second},
			{"unknown", told(message.ErrUnknown, 0), delivery.StateUnknown, nil, 0},
			{"anything else", func(message.Message) (string, error) { return "", errors.New("broken pipe") }, delivery.StateUnknown, nil, 0},
		} {
			t.Run(c.name, func(t *testing.T) {
				b := open(t, db.Tenant("outcome "+c.name))
				sent, err := b.ask(alice, "signin")
				if err != nil {
					t.Fatal(err)
				}
				b.post.answer = c.answer
				n, err := b.engine.Deliver(ctx, b.post)
				if (n == 1) != (c.state == delivery.StateSent) || (err == nil) != (c.fault == nil) || c.fault != nil && (!errors.Is(err, c.fault) || errs.ClassOf(err) != errs.Internal) {
					t.Error(n, err)
				}
				if s := b.state(sent.Ref); s != c.state {
					t.Errorf("it is %s, want %s", s, c.state)
				}
				tries := 1
				b.post.answer = nil
				if b.deliver(); len(b.post.got[sent.Ref]) != tries {
					t.Error("it was sent again at once")
				}
				b.wait(max(c.later, time.Second))
				if b.deliver(); c.later > 0 {
					tries++
				}
				if got := len(b.post.got[sent.Ref]); got != tries {
					t.Errorf("it was handed over %d times, want %d", got, tries)
				}
				if s := b.state(sent.Ref); c.later > 0 && s != delivery.StateSent {
					t.Error(s)
				}
			})
		}
		t.Run("what is of no more use is dropped", func(t *testing.T) {
			b := open(t, db.Tenant("dropped"))
			ask := func(a delivery.Address) string {
				t.Helper()
				sent, err := b.ask(a, "signin")
				if err != nil {
					t.Fatal(err)
				}
				return sent.Ref
			}
			replaced, expired := ask(alice), ask(mail)
			b.wait(time.Minute)
			second := ask(alice)
			b.wait(9*time.Minute + 30*time.Second)
			if n := b.deliver(); n != 1 || b.state(replaced) != delivery.StateDropped || b.state(expired) != delivery.StateDropped || b.state(second) != delivery.StateSent {
				t.Error(n, b.state(replaced), b.state(expired), b.state(second))
			}
			if m := b.post.got[second][0]; m.Vars[1].Value != "1" {
				t.Error("minutes that are left:", m.Vars[1].Value)
			}
		})
		t.Run("a worker that dies leaves the message unknown, and a receipt settles it", func(t *testing.T) {
			b := open(t, db.Tenant("dies"))
			refs := b.many(3)
			b.post.answer = func(message.Message) (string, error) { panic("killed") }
			for range refs {
				func() {
					defer func() {
						if recover() == nil {
							t.Error("the panic of a sender is swallowed")
						}
					}()
					_, _ = b.engine.Deliver(ctx, b.post)
				}()
			}
			b.post.answer = nil
			for range 3 {
				if n := b.deliver(); n != 0 {
					t.Fatal("it was sent again")
				}
				b.wait(delivery.Lease)
			}
			for i, ref := range refs {
				if s := b.state(ref); s != delivery.StateUnknown || len(b.post.got[ref]) != 1 {
					t.Error(s, len(b.post.got[ref]))
				}
				for range 2 {
					if err := b.engine.Receive(ctx, message.Receipt{Ref: ref, Delivered: i > 0}); err != nil {
						t.Fatal(err)
					}
				}
				if s := b.state(ref); (s == delivery.StateDelivered) != (i > 0) || (s == delivery.StateUndelivered) != (i == 0) {
					t.Error(s)
				}
			}
			if err := b.engine.Receive(ctx, message.Receipt{Ref: "none"}); !errors.Is(err, delivery.ErrUnknownMessage) || errs.ClassOf(err) != errs.NotFound {
				t.Error(err)
			}
		})
		t.Run("a receipt without a reference is of the message that the vendor has by its id", func(t *testing.T) {
			b := open(t, db.Tenant("vendor's id"))
			b.post.answer = func(m message.Message) (string, error) { return "id-by-" + string(m.Channel), nil }
			_, sent := b.code(alice, "signin")
			_, other := b.code(mail, "signin")
			if err := b.engine.Receive(ctx, message.Receipt{ID: "id-by-sms", Delivered: true}); err != nil {
				t.Fatal(err)
			}
			if s, o := b.state(sent.Ref), b.state(other.Ref); s != delivery.StateDelivered || o != delivery.StateSent {
				t.Error(s, o)
			}
			err := b.engine.Receive(ctx, message.Receipt{ID: "none"})
			if !errors.Is(err, delivery.ErrUnknownMessage) {
				t.Error(err)
			}
			err = open(t, db.Tenant("elsewhere")).engine.Receive(ctx, message.Receipt{ID: "id-by-sms", Delivered: true})
			if !errors.Is(err, delivery.ErrUnknownMessage) {
				t.Error("a receipt of another tenant:", err)
			}
		})
		t.Run("a caller who gives up ends with the message that is under way", func(t *testing.T) {
			b := open(t, db.Tenant("gives up"))
			sent, err := b.ask(alice, "signin")
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(ctx)
			other, err := b.ask(mail, "signin")
			if err != nil {
				t.Fatal(err)
			}
			sender := senderFunc(func(ctx context.Context, m message.Message) (string, error) {
				cancel()
				return b.post.Send(ctx, m)
			})
			if n, err := b.engine.Deliver(ctx, sender); n != 1 || !errors.Is(err, context.Canceled) {
				t.Error(n, err)
			}
			if b.deliver() != 1 || b.state(sent.Ref) != delivery.StateSent || b.state(other.Ref) != delivery.StateSent || b.post.messages() != 2 {
				t.Error(b.state(sent.Ref), b.state(other.Ref))
			}
		})
		t.Run("a sender that comes back after the lease tells what came of it", func(t *testing.T) {
			b := open(t, db.Tenant("late"))
			refs := b.many(2)
			other := &post{got: map[string][]message.Message{}}
			answers := map[string]error{refs[0]: nil, refs[1]: message.ErrUnavailable}
			b.post.answer = func(m message.Message) (string, error) {
				b.wait(delivery.Lease)
				if n, err := b.engine.Deliver(ctx, other); n > 0 && len(other.got[m.Ref]) > 0 || err != nil {
					t.Error("it was sent twice", err)
				}
				return "", answers[m.Ref]
			}
			for range refs {
				_, _ = b.engine.Deliver(ctx, b.post)
			}
			for _, ref := range refs {
				if got := len(b.post.got[ref]) + len(other.got[ref]); got != 1 {
					t.Errorf("%s was handed over %d times", ref, got)
				}
			}
		})
		t.Run("workers share the work, and none sends what another one does", func(t *testing.T) {
			b := open(t, db.Tenant("workers"))
			refs := b.many(60)
			b.post.answer = func(m message.Message) (string, error) {
				switch m.Ref[0] % 4 { // references are random
				case 0:
					return "", message.ErrUnknown
				case 1:
					return "", errors.New("hung up")
				case 2:
					runtime.Gosched()
				}
				return "id", nil
			}
			var n atomic.Int64
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() {
					sent, err := b.engine.Deliver(ctx, b.post)
					if err != nil {
						t.Error(err)
					}
					n.Add(int64(sent))
				})
			}
			wg.Wait()
			sent := 0
			for _, ref := range refs {
				if len(b.post.got[ref]) != 1 {
					t.Errorf("a message was handed over %d times", len(b.post.got[ref]))
				}
				switch s := b.state(ref); s {
				case delivery.StateSent:
					sent++
				case delivery.StateUnknown:
				default:
					t.Errorf("a message is %s", s)
				}
			}
			if int64(sent) != n.Load() {
				t.Errorf("%d were sent, and %d told", sent, n.Load())
			}
		})
	})
}

type senderFunc func(context.Context, message.Message) (string, error)

// Send calls f, and fails where ctx has ended.
func (f senderFunc) Send(ctx context.Context, m message.Message) (string, error) {
	id, err := f(ctx, m)
	return id, errors.Join(err, ctx.Err())
}

// A database that fails at any point of a worker's run has no message sent twice.
func TestNoFailureSendsTwice(t *testing.T) {
	for at := 1; at <= 12; at++ {
		for _, when := range []string{"before", "after"} {
			b := open(t, memoryDB())
			sent, err := b.ask(alice, "signin")
			if err != nil {
				t.Fatal(err)
			}
			flaky := &failing{DB: b.db, at: at, after: when == "after"}
			e, err := delivery.New(flaky, keysOf("a"), &delivery.Options{Now: b.clock})
			if err != nil {
				t.Fatal(err)
			}
			for range 4 {
				_, _ = e.Deliver(ctx, b.post)
				b.wait(delivery.Lease)
			}
			if got := len(b.post.got[sent.Ref]); got > 1 {
				t.Errorf("with a failure %s call %d it was handed over %d times", when, at, got)
			}
			switch s, n := b.state(sent.Ref), len(b.post.got[sent.Ref]); {
			case s == delivery.StateUnknown:
			case s == delivery.StateSent && n == 1:
			default:
				t.Errorf("with a failure %s call %d it is %s, handed over %d times", when, at, s, n)
			}
		}
	}
}

// failing is a database that fails at one of its calls, before or after it has done it.
type failing struct {
	storage.DB
	at    int
	after bool
	calls int
}

var errDatabase = errors.New("the connection is lost")

func (f *failing) fails() bool {
	f.calls++
	return f.calls == f.at
}

func (f *failing) Load(ctx context.Context, looks []storage.Look) error {
	if f.fails() {
		return errDatabase
	}
	return f.DB.Load(ctx, looks)
}

func (f *failing) Save(ctx context.Context, changes []storage.Change) ([]error, error) {
	fails := f.fails()
	if fails && !f.after {
		return nil, errDatabase
	}
	errs, err := f.DB.Save(ctx, changes)
	if fails {
		return nil, errDatabase
	}
	return errs, err
}
