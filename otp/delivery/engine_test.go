package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/otp/delivery"
	"github.com/scrmkit/scrmkit/scrm/message"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

var ctx = context.Background()

const alice, mail = delivery.Address("+8613800138000"), delivery.Address("alice@example.com")

func key(id string) secret.Key { return secret.Key{ID: id, Secret: []byte(strings.Repeat(id, 32))} }

// a bench is an engine with a clock that the test moves, and a sender that keeps what it is given.
type bench struct {
	t      testing.TB
	db     storage.DB
	engine *delivery.Engine
	mu     sync.Mutex
	now    time.Time
	n      atomic.Int64
	post   *post
}

func open(t testing.TB, db storage.DB, keys ...secret.Key) *bench {
	t.Helper()
	return openWith(t, db, delivery.Policy{}, keys...)
}

func openWith(t testing.TB, db storage.DB, p delivery.Policy, keys ...secret.Key) *bench {
	t.Helper()
	if len(keys) == 0 {
		keys = []secret.Key{key("a")}
	}
	b := &bench{t: t, db: db, now: time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC), post: &post{got: map[string][]message.Message{}}}
	e, err := delivery.New(db, keys, &delivery.Options{Policy: p, Now: b.clock})
	if err != nil {
		t.Fatal(err)
	}
	b.engine = e
	return b
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) wait(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// fresh returns a key that was not used.
func (b *bench) fresh() string { return fmt.Sprint("key", b.n.Add(1)) }

func (b *bench) ask(a delivery.Address, p delivery.Purpose) (delivery.Sent, error) {
	return b.engine.Send(ctx, delivery.Send{Address: a, Purpose: p, Template: "code", Language: "zh", Key: b.fresh()})
}

func (b *bench) deliver() int {
	b.t.Helper()
	n, err := b.engine.Deliver(ctx, b.post)
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

// code sends a code, and returns it as it arrived.
func (b *bench) code(a delivery.Address, p delivery.Purpose) (string, delivery.Sent) {
	b.t.Helper()
	sent, err := b.ask(a, p)
	if err != nil {
		b.t.Fatal(err)
	}
	b.deliver()
	return b.post.code(sent.Ref), sent
}

func (b *bench) attempt(a delivery.Address, p delivery.Purpose, code string) delivery.Attempt {
	return delivery.Attempt{Address: a, Purpose: p, Code: code, Key: b.fresh()}
}

func (b *bench) verify(a delivery.Address, p delivery.Purpose, code string) error {
	_, err := b.engine.Verify(ctx, b.attempt(a, p, code))
	return err
}

func (b *bench) spend(p delivery.Purpose, c delivery.Claim) (v delivery.Verified, err error) {
	err = b.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		v, err = b.engine.In(tx).Spend(ctx, p, c)
		return err
	})
	return v, err
}

func (b *bench) state(ref string) delivery.State {
	b.t.Helper()
	s, err := b.engine.Status(ctx, ref)
	if err != nil {
		b.t.Fatal(err)
	}
	return s.State
}

// wide returns digits as Chinese keyboards type them.
func wide(digits string) string {
	return strings.Map(func(r rune) rune { return r - '0' + '０' }, digits)
}

// wrong returns digits other than a code.
func wrong(code string) string {
	for {
		if s := fmt.Sprintf("%06d", rand.IntN(1_000_000)); s != code {
			return s
		}
	}
}

// A post keeps the messages that it is given, by their reference, and answers as told.
type post struct {
	mu     sync.Mutex
	got    map[string][]message.Message
	answer func(message.Message) (string, error)
}

func (p *post) Send(_ context.Context, m message.Message) (string, error) {
	p.mu.Lock()
	p.got[m.Ref] = append(p.got[m.Ref], m)
	answer := p.answer
	p.mu.Unlock()
	if answer != nil {
		return answer(m)
	}
	return "vendor-1", nil
}

func (p *post) code(ref string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.got[ref]) == 0 {
		return ""
	}
	return p.got[ref][0].Vars[0].Value
}

func (p *post) messages() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.got)
}

func isThrottled(err error, b delivery.Budget) bool {
	e, ok := errors.AsType[*delivery.ThrottledError](err)
	return ok && e.Budget == b && e.RetryAfter > 0
}

func TestDelivery(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("a code arrives, and proves the address once", func(t *testing.T) {
			for _, address := range []delivery.Address{alice, mail} {
				b := open(t, db.Tenant("once "+string(address)))
				code, sent := b.code(address, "signin")
				m := b.post.got[sent.Ref][0]
				if m.To != string(address) || m.Channel != address.Channel() || m.Template != "code" || m.Language != "zh" || len(code) != 6 ||
					len(m.Vars) != 2 || m.Vars[0].Name != "code" || m.Vars[1] != (message.Var{Name: "minutes", Value: "10"}) {
					t.Fatalf("%+v", m)
				}
				if sent.Left != 4 || !sent.Expires.Equal(b.now.Add(10*time.Minute)) || !sent.Next.Equal(b.now.Add(time.Minute)) {
					t.Errorf("%+v", sent)
				}
				if err := b.verify(address, "signin", wide(code[:3])+" "+code[3:]); err != nil {
					t.Fatal(err)
				}
				if err := b.verify(address, "signin", code); !errors.Is(err, delivery.ErrInvalidCode) {
					t.Error(err)
				}
				s, err := b.engine.Status(ctx, sent.Ref)
				if err != nil || s.State != delivery.StateSent || s.VendorID != "vendor-1" || s.Tries != 1 || s.Purpose != "signin" {
					t.Errorf("%+v, %v", s, err)
				}
			}
		})
		t.Run("a claim is spent once, in the transaction of what it allows", func(t *testing.T) {
			b := open(t, db.Tenant("claim"))
			code, _ := b.code(alice, "signin")
			attempt := b.attempt(alice, "signin", code)
			checked, err := b.engine.Check(ctx, attempt)
			if err != nil || checked.Replayed || !checked.Expires.Equal(b.now.Add(delivery.ClaimTTL)) {
				t.Fatal(checked, err)
			}
			again, err := b.engine.Check(ctx, attempt)
			if err != nil || !again.Replayed || !again.Expires.Equal(checked.Expires) {
				t.Error(again, err)
			}
			other, err := b.engine.Check(ctx, b.attempt(alice, "signin", code))
			if err != nil {
				t.Fatal("a code that was checked and not spent:", err)
			}
			rollback := errors.New("rolled back")
			if err := b.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
				if _, err := b.engine.In(tx).Spend(ctx, "signin", checked.Claim); err != nil {
					return err
				}
				return rollback
			}); !errors.Is(err, rollback) {
				t.Fatal(err)
			}
			if _, err := b.spend("reset", checked.Claim); !errors.Is(err, delivery.ErrInvalidCode) {
				t.Error("for another purpose:", err)
			}
			v, err := b.spend("signin", checked.Claim)
			if err != nil || v.Address != alice || v.Purpose != "signin" {
				t.Fatal(v, err)
			}
			for _, c := range []delivery.Claim{checked.Claim, again.Claim, other.Claim, "", "a.", "a.AAAA", checked.Claim[1:]} {
				if _, err := b.spend("signin", c); !errors.Is(err, delivery.ErrInvalidCode) {
					t.Error(err)
				}
			}
			if err := b.verify(alice, "signin", code); !errors.Is(err, delivery.ErrInvalidCode) {
				t.Error(err)
			}
		})
		t.Run("a claim outlives a code that replaces its own, and ends in its time", func(t *testing.T) {
			b := open(t, db.Tenant("claim outlives"))
			code, _ := b.code(alice, "signin")
			checked, err := b.engine.Check(ctx, b.attempt(alice, "signin", code))
			if err != nil {
				t.Fatal(err)
			}
			b.wait(time.Minute)
			second, _ := b.code(alice, "signin")
			if _, err := b.spend("signin", checked.Claim); err != nil {
				t.Error(err)
			}
			if err := b.verify(alice, "signin", second); !errors.Is(err, delivery.ErrInvalidCode) {
				t.Error("the verification is over:", err)
			}
			b.wait(time.Minute)
			code, _ = b.code(alice, "signin")
			if checked, err = b.engine.Check(ctx, b.attempt(alice, "signin", code)); err != nil {
				t.Fatal(err)
			}
			b.wait(delivery.ClaimTTL)
			if _, err := b.spend("signin", checked.Claim); !errors.Is(err, delivery.ErrInvalidCode) {
				t.Error("past its end:", err)
			}
		})
		t.Run("one error for none, wrong, expired, replaced, and of another purpose, address and tenant", func(t *testing.T) {
			b := open(t, db.Tenant("one error"))
			stranger := open(t, db.Tenant("one error elsewhere"))
			replaced, _ := b.code(alice, "signin")
			b.wait(time.Minute)
			code, _ := b.code(alice, "signin")
			b.code(mail, "signin")
			stranger.code(alice, "signin")
			texts := map[string]bool{}
			for name, err := range map[string]error{
				"none":            b.verify("+8613900139000", "signin", code),
				"wrong":           b.verify(alice, "signin", wrong(code)),
				"replaced":        b.verify(alice, "signin", replaced),
				"another purpose": b.verify(alice, "reset", code),
				"another address": b.verify(mail, "signin", code),
				"another tenant":  stranger.verify(alice, "signin", code),
			} {
				if !errors.Is(err, delivery.ErrInvalidCode) || errs.ClassOf(err) != errs.Invalid {
					t.Errorf("%s: %v", name, err)
				}
				texts[err.Error()] = true
			}
			b.wait(10 * time.Minute)
			if err := b.verify(alice, "signin", code); !errors.Is(err, delivery.ErrInvalidCode) {
				t.Error("expired:", err)
			} else if texts[err.Error()] = true; len(texts) != 1 {
				t.Error(slices.Collect(maps.Keys(texts)))
			}
		})
		t.Run("five wrong codes kill it, a new one gives five more, and the verification ends with ten", func(t *testing.T) {
			b := open(t, db.Tenant("tries"))
			for range 2 {
				code, _ := b.code(alice, "signin")
				for range 5 {
					if err := b.verify(alice, "signin", wrong(code)); !errors.Is(err, delivery.ErrInvalidCode) {
						t.Fatal(err)
					}
				}
				if err := b.verify(alice, "signin", code); !errors.Is(err, delivery.ErrInvalidCode) {
					t.Error("a dead code:", err)
				}
				if _, err := b.ask(alice, "signin"); !isThrottled(err, delivery.BudgetPause) {
					t.Error(err)
				}
				b.wait(4 * time.Minute)
			}
			if _, err := b.ask(alice, "signin"); !isThrottled(err, delivery.BudgetSends) || errs.ClassOf(err) != errs.Exhausted {
				t.Error(err)
			}
			b.code(alice, "reset")
		})
		t.Run("a key that comes again changes nothing and gives the first answer", func(t *testing.T) {
			b := open(t, db.Tenant("keys"))
			send := delivery.Send{Address: alice, Purpose: "signin", Template: "code", From: "192.0.2.1", Key: "k"}
			first, err := b.engine.Send(ctx, send)
			if err != nil {
				t.Fatal(err)
			}
			send.From, send.Silent = "192.0.2.2", true
			for range 50 {
				again, err := b.engine.Send(ctx, send)
				if err != nil || !again.Replayed || again.Ref != first.Ref {
					t.Fatal(again, err)
				}
			}
			send.Purpose = "reset"
			if _, err := b.engine.Send(ctx, send); !errors.Is(err, journal.ErrKeyReused) {
				t.Error(err)
			}
			if b.deliver() != 1 {
				t.Error("more than one message was made")
			}
			code := b.post.code(first.Ref)
			miss := delivery.Attempt{Address: alice, Purpose: "signin", Code: wrong(code), Key: "miss"}
			for range 20 {
				if err := func() error { _, err := b.engine.Verify(ctx, miss); return err }(); !errors.Is(err, delivery.ErrInvalidCode) {
					t.Fatal(err)
				}
			}
			hit := delivery.Attempt{Address: alice, Purpose: "signin", Code: code, Key: "hit"}
			for i := range 3 {
				v, err := b.engine.Verify(ctx, hit)
				if err != nil || v.Replayed != (i > 0) || v.Address != alice {
					t.Fatal(v, err)
				}
			}
			b.wait(delivery.ClaimTTL)
			if _, err := b.engine.Verify(ctx, hit); !errors.Is(err, delivery.ErrInvalidCode) {
				t.Error("a key from long ago proves the address again:", err)
			}
			if miss.Code = code; func() error { _, err := b.engine.Verify(ctx, miss); return err }() == nil {
				t.Error("another code with the key of a wrong one")
			}
		})
		t.Run("a hundred wrong codes in a row stop an address until it is let in", func(t *testing.T) {
			b := openWith(t, db.Tenant("stopped"), delivery.Policy{Address: delivery.Quota{N: 100, Window: 24 * time.Hour}})
			for misses := 0; misses < delivery.MaxMisses; misses += 5 {
				code, _ := b.code(alice, delivery.Purpose(fmt.Sprint("p", misses)))
				for range 5 {
					if err := b.verify(alice, delivery.Purpose(fmt.Sprint("p", misses)), wrong(code)); !errors.Is(err, delivery.ErrInvalidCode) {
						t.Fatal(misses, err)
					}
				}
				b.wait(24 * time.Hour)
			}
			for _, err := range []error{b.verify(alice, "p95", "123456"), func() error { _, err := b.ask(alice, "signin"); return err }()} {
				if !errors.Is(err, delivery.ErrStopped) || errs.ClassOf(err) != errs.Denied {
					t.Error(err)
				}
			}
			admit := delivery.Admit{Address: alice, By: "kathy", Key: "admit"}
			for i := range 2 {
				a, err := b.engine.Admit(ctx, admit)
				if err != nil || a.Misses != delivery.MaxMisses || a.Replayed != (i > 0) {
					t.Fatal(a, err)
				}
			}
			if _, err := b.engine.Admit(ctx, delivery.Admit{Address: alice, Key: "again"}); !errors.Is(err, delivery.ErrNotStopped) {
				t.Error(err)
			}
			code, _ := b.code(alice, "signin")
			if err := b.verify(alice, "signin", code); err != nil {
				t.Error(err)
			}
		})
		t.Run("a code is sent where the transaction commits, and checked outside", func(t *testing.T) {
			b := open(t, db.Tenant("tx"))
			rollback := errors.New("rolled back")
			send := delivery.Send{Address: alice, Purpose: "signin", Template: "code", Key: "k"}
			for _, want := range []error{rollback, nil} {
				if err := b.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
					if _, err := b.engine.In(tx).Send(ctx, send); err != nil {
						return err
					}
					if _, err := b.engine.In(tx).Check(ctx, b.attempt(alice, "signin", "123456")); err == nil || invalid(err) {
						t.Error("it was checked inside")
					}
					if _, err := b.engine.In(tx).Deliver(ctx, b.post); err == nil {
						t.Error("it was sent inside")
					}
					return want
				}); !errors.Is(err, want) {
					t.Fatal(err)
				}
				if n := b.deliver(); (n == 1) != (want == nil) {
					t.Errorf("%d messages, with %v", n, want)
				}
			}
		})
		t.Run("what is over is deleted, and nothing else", func(t *testing.T) {
			b := open(t, db.Tenant("prune"))
			prune := func(want int64) {
				t.Helper()
				if n, err := b.engine.Prune(ctx, b.now.Add(time.Hour)); err != nil || n != want {
					t.Errorf("%d rows, %v; want %d", n, err, want)
				}
			}
			code, sent := b.code(alice, "signin")
			prune(0)
			if err := b.verify(alice, "signin", code); err != nil {
				t.Fatal(err)
			}
			b.wait(11 * time.Minute)
			prune(1) // the message
			if _, err := b.engine.Status(ctx, sent.Ref); !errors.Is(err, delivery.ErrUnknownMessage) {
				t.Error(err)
			}
			b.wait(2 * time.Hour)
			prune(1) // the address
			b.wait(24 * time.Hour)
			prune(3) // windows of the address, the prefix and the tenant
			code, _ = b.code(alice, "signin")
			if err := b.verify(alice, "signin", wrong(code)); !errors.Is(err, delivery.ErrInvalidCode) {
				t.Fatal(err)
			}
			b.wait(1000 * time.Hour)
			prune(4) // all but the address, which counts a wrong code
		})
	})
}

func TestInputs(t *testing.T) {
	b := open(t, memoryDB())
	for field, run := range map[string]func() error{
		"address": func() error { _, err := b.ask("13800138000", "signin"); return err },
		"purpose": func() error { _, err := b.ask(alice, ""); return err },
		"template": func() error {
			_, err := b.engine.Send(ctx, delivery.Send{Address: alice, Purpose: "p", Key: "k"})
			return err
		},
		"language": func() error {
			_, err := b.engine.Send(ctx, delivery.Send{Address: alice, Purpose: "p", Template: "t", Language: "a b", Key: "k"})
			return err
		},
		"from": func() error {
			_, err := b.engine.Send(ctx, delivery.Send{Address: alice, Purpose: "p", Template: "t", From: "a\x00b", Key: "k"})
			return err
		},
		"key": func() error {
			_, err := b.engine.Send(ctx, delivery.Send{Address: alice, Purpose: "p", Template: "t"})
			return err
		},
		"code": func() error { return b.verify(alice, "signin", "12345") },
		"ref":  func() error { return b.engine.Receive(ctx, message.Receipt{}) },
		"by": func() error {
			_, err := b.engine.Admit(ctx, delivery.Admit{Address: alice, By: "a\n", Key: "k"})
			return err
		},
	} {
		if e, ok := errors.AsType[*errs.InputError](run()); !ok || e.Field != field {
			t.Errorf("%s: %v", field, run())
		}
	}
	for name, keys := range map[string][]secret.Key{"none": nil, "short": {{ID: "a", Secret: []byte("short")}}, "twice": {key("a"), key("a")}} {
		if _, err := delivery.New(b.db, keys, nil); err == nil {
			t.Errorf("keys are accepted: %s", name)
		}
	}
	if _, err := delivery.New(b.db, []secret.Key{key("a")}, &delivery.Options{Policy: delivery.Policy{SMSLife: time.Hour}}); !errors.Is(err, errs.Invalid) {
		t.Error(err)
	}
}
