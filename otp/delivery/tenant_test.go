package delivery_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/otp/delivery"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
)

// Tenants share keys and addresses. A code, a claim, a message and a budget are of one of them.
func TestTenants(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		hour := delivery.Quota{N: 2, Window: time.Hour}
		benches := map[string]*bench{}
		for _, tenant := range []string{"", "acme", "bccm"} {
			benches[tenant] = openWith(t, db.Tenant(tenant), delivery.Policy{SMS: hour, Prefixes: map[string]delivery.Quota{"+86": hour}, From: hour})
		}
		codes, claims := map[string]string{}, map[string]delivery.Claim{}
		for tenant, b := range benches {
			codes[tenant], _ = b.code(alice, "signin")
			if _, err := b.ask(numberOf(1), "signin"); err != nil {
				t.Error("the budget of another tenant is used up:", err)
			}
			checked, err := b.engine.Check(ctx, b.attempt(alice, "signin", codes[tenant]))
			if err != nil {
				t.Fatal(err)
			}
			claims[tenant] = checked.Claim
		}
		for tenant, b := range benches {
			for other, claim := range claims {
				if other == tenant {
					continue
				}
				// The transaction's tenant decides, not the engine's.
				for _, engine := range benches {
					if err := b.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
						_, err := engine.engine.In(tx).Spend(ctx, "signin", claim)
						return err
					}); !invalid(err) {
						t.Errorf("a claim of %q is spent in %q: %v", other, tenant, err)
					}
				}
			}
			if n := b.deliver(); n != 1 {
				t.Errorf("%d messages of %q, want its own", n, tenant)
			}
		}
		for tenant, b := range benches {
			if v, err := b.spend("signin", claims[tenant]); err != nil || v.Address != alice {
				t.Errorf("%q: %v", tenant, err)
			}
		}
	})
}

// What was sent under a key is good while the key is in the ring, wherever it stands there: codes,
// claims, messages, keys of commands, and what is counted of an address.
func TestRotation(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		for i, rings := range [][2][]string{{{"a"}, {"b", "a"}}, {{"a", "b"}, {"b", "a"}}, {{"b", "a"}, {"a", "b"}}, {{"a"}, {"a", "b"}}} {
			name := fmt.Sprint(rings)
			db := db.Tenant(fmt.Sprint("rotation ", i))
			b := open(t, db, keysOf(rings[0]...)...)
			code, _ := b.code(alice, "signin")
			miss := b.attempt(alice, "signin", wrong(code))
			if _, err := b.engine.Verify(ctx, miss); !invalid(err) {
				t.Fatal(err)
			}
			checked, err := b.engine.Check(ctx, b.attempt(alice, "signin", code))
			if err != nil {
				t.Fatal(err)
			}
			send := delivery.Send{Address: mail, Purpose: "signin", Template: "code", Key: "mail"}
			first, err := b.engine.Send(ctx, send)
			if err != nil {
				t.Fatal(err)
			}
			b.rekey(keysOf(rings[1]...))
			for range 10 {
				if _, err := b.engine.Verify(ctx, miss); !invalid(err) {
					t.Errorf("%s: the key of a wrong code: %v", name, err)
				}
			}
			if again, err := b.engine.Send(ctx, send); err != nil || !again.Replayed || again.Ref != first.Ref {
				t.Errorf("%s: the key of a message: %+v, %v", name, again, err)
			}
			if b.deliver() != 1 || b.verify(mail, "signin", b.post.code(first.Ref)) != nil {
				t.Errorf("%s: the message is not sent, or its code is wrong", name)
			}
			if _, err := b.ask(alice, "signin"); !isThrottled(err, delivery.BudgetPause) {
				t.Errorf("%s: the pause is forgotten: %v", name, err)
			}
			if _, err := b.spend("signin", checked.Claim); err != nil {
				t.Errorf("%s: the claim: %v", name, err)
			}
			b.wait(time.Minute)
			if code, _ = b.code(alice, "signin"); b.verify(alice, "signin", code) != nil {
				t.Errorf("%s: a code that is sent later", name)
			}
		}
		t.Run("a key that is gone", func(t *testing.T) {
			b := open(t, db.Tenant("rotation gone"), key("a"))
			code, _ := b.code(alice, "signin")
			checked, err := b.engine.Check(ctx, b.attempt(alice, "signin", code))
			if err != nil {
				t.Fatal(err)
			}
			pending, err := b.ask(mail, "signin")
			if err != nil {
				t.Fatal(err)
			}
			b.rekey([]secret.Key{key("b")})
			if err := b.verify(alice, "signin", code); !invalid(err) {
				t.Error(err)
			}
			if _, err := b.spend("signin", checked.Claim); !invalid(err) {
				t.Error(err)
			}
			if b.deliver() != 0 || b.state(pending.Ref) != delivery.StateDropped {
				t.Error(b.state(pending.Ref))
			}
		})
	})
}

// rekey replaces the engine by one with other keys.
func (b *bench) rekey(keys []secret.Key) {
	b.t.Helper()
	e, err := delivery.New(b.db, keys, &delivery.Options{Now: b.clock})
	if err != nil {
		b.t.Fatal(err)
	}
	b.engine = e
}
