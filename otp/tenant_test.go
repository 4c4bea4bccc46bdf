package otp_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/storage"
)

// Tenants share a keyring and name their shops, customers and managers alike. What one of them
// sealed or claimed is good in that one alone, and there once: for each pair of tenants and scopes,
// sealed or as a value, spent by an engine bound to a transaction of the one or of the other.
func TestWhatIsSealedIsOfOneTenant(t *testing.T) {
	type place struct {
		tenant string
		scope  otp.Scope
		typist otp.TypistID
	}
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		var places []place
		benches := map[string]*bench{}
		for _, tenant := range []string{"", "acme", "bccm"} {
			benches[tenant] = open(t, db.Tenant(tenant))
			for _, scope := range []otp.Scope{"wangjing", "sanlitun"} {
				for _, typist := range []otp.TypistID{"kathy", "li"} {
					places = append(places, place{tenant, scope, typist})
				}
			}
		}
		claim := func(p place) otp.Claim {
			t.Helper()
			b := benches[p.tenant]
			c, err := b.codes.Check(ctx, otp.Check{Scope: p.scope, Typist: p.typist, Code: b.issue(p.scope, "alice", "stamp").Code, Key: b.fresh()})
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		spend := func(tenant string, engine *otp.Engine, c otp.Claim) error {
			return db.Tenant(tenant).InTx(ctx, func(ctx context.Context, tx storage.Tx) error { return engine.In(tx).Spend(ctx, c) })
		}
		for _, p := range places {
			for other, b := range benches {
				for engine, e := range benches { // the transaction's tenant decides, not the engine's
					c := claim(p)
					sealed := benches[p.tenant].codes.Seal(c)
					name := fmt.Sprintf("made in %v, spent in %q by an engine of %q", p, other, engine)
					if opened, err := b.codes.Open(sealed); (err == nil) != (other == p.tenant) || err != nil && !errors.Is(err, otp.ErrInvalidCode) {
						t.Errorf("%s: opened as %v: %v", name, opened.Tenant, err)
					}
					if other == p.tenant {
						if err := spend(other, e.codes, c); err != nil {
							t.Errorf("%s: %v", name, err)
						}
						if err := spend(other, e.codes, c); !errors.Is(err, otp.ErrInvalidCode) {
							t.Errorf("%s, again: %v", name, err)
						}
						continue
					}
					// A victim has asked for a code of the same scope, holder and number.
					victim := b.issue(p.scope, "alice", "stamp")
					forged := c
					forged.Tenant = other
					renamed := forged
					renamed.Code.Scope, renamed.Code.Number = p.scope, victim.Number
					for what, c := range map[string]otp.Claim{"as it is": c, "renamed": forged, "with the victim's number": renamed} {
						if err := spend(other, e.codes, c); !errors.Is(err, otp.ErrInvalidCode) {
							t.Errorf("%s, %s: %v", name, what, err)
						}
					}
					if _, err := b.check(p.scope, victim.Code, "stamp"); err != nil {
						t.Errorf("%s: the victim's code is burnt: %v", name, err)
					}
				}
			}
		}
	})
}

// Digits come again. A claim of a code that had them before spends nothing, whether the row of that
// code is still there or was pruned, and whether or not that code was spent.
func TestAClaimIsOfOneCode(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		for _, spent := range []bool{false, true} {
			for _, pruned := range []bool{false, true} {
				db := db.Tenant(fmt.Sprint("ids ", spent, pruned))
				b := open(t, db)
				issued := b.issue("s", "alice", "stamp")
				before, err := b.check("s", issued.Code, "")
				if err != nil {
					t.Fatal(err)
				}
				if spent {
					if err := b.spend(before); err != nil {
						t.Fatal(err)
					}
				}
				for number := int64(2); number < 6; number++ {
					if err := otp.Reissue(ctx, db, before.Code, number, pruned); err != nil {
						t.Fatal(err)
					}
					if err := b.spend(before); !errors.Is(err, otp.ErrInvalidCode) {
						t.Errorf("a claim of the first code spends the code with number %d: %v", number, err)
					}
				}
				b.n.Add(1)
				after, err := b.check("s", issued.Code, "")
				if err != nil || after.Code.Number != 5 {
					t.Fatal(after.Code.Number, err)
				}
				if err := b.spend(after); err != nil {
					t.Error(err)
				}
			}
		}
	})
}

// An engine that is bound to the transaction of another tenant issues there.
func TestABoundEngineIssuesInTheTransactionsTenant(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		here, there := open(t, db.Tenant("here")), open(t, db.Tenant("there"))
		var issued otp.Issued
		issue := otp.Issue{Scope: "s", Holder: "alice", Purpose: "stamp", Key: "k"}
		if err := db.Tenant("there").InTx(ctx, func(ctx context.Context, tx storage.Tx) (err error) {
			issued, err = here.codes.In(tx).Issue(ctx, issue)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := here.check("s", issued.Code, ""); !errors.Is(err, otp.ErrInvalidCode) {
			t.Error("in the engine's own tenant:", err)
		}
		if _, err := there.check("s", issued.Code, ""); err != nil {
			t.Error("in the tenant of the transaction:", err)
		}
		if again, err := there.codes.Issue(ctx, issue); err != nil || again.Code != issued.Code || !again.Replayed {
			t.Error("the sealed digits don't open in the tenant of the transaction:", again, err)
		}
	})
}
