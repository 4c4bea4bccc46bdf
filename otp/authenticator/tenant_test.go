package authenticator_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/otp/authenticator"
	"github.com/scrmkit/scrmkit/storage"
)

// Tenants share a keyring and name their subjects alike. What one of them has is of no use in
// another one: not its codes, and not its rows.
func TestTenants(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		here, there := open(t, db.Tenant("here")), open(t, db.Tenant("there"))
		e := here.confirmed("alice")
		codes := here.renew("alice")
		there.now = here.now
		if s := there.status("alice"); s != (authenticator.Status{}) {
			t.Errorf("%+v", s)
		}
		_, err := there.verify("alice", there.code(e, 0))
		there.refused(err, authenticator.ErrNotEnrolled)
		own := there.confirmed("alice")
		there.renew("alice")
		here.now = there.now
		_, err = there.verify("alice", there.code(e, 0))
		there.refused(err, authenticator.ErrInvalidCode)
		_, err = there.recover("alice", codes[0])
		there.refused(err, authenticator.ErrInvalidCode)
		_, err = there.verify("alice", there.code(own, 0))
		there.check(err)
		_, err = here.verify("alice", here.code(e, 0))
		here.check(err)

		// An engine that is bound to a transaction is in the tenant of that.
		here.check(db.Tenant("there").InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
			_, err := here.In(tx).Enroll(ctx, enroll("bob", "bob"))
			return err
		}))
		bobs, err := there.Enroll(ctx, enroll("bob", "bob"))
		there.check(err)
		if _, err = there.confirm("bob", there.code(bobs, 0)); err != nil || here.status("bob").Enrollments != 0 {
			t.Error(err)
		}
	})
}

// Who can write to the database gives nobody the secret of somebody else, of another tenant or of
// another use.
func TestSecretsAreOfOneSubject(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		here, there := open(t, db.Tenant("one")), open(t, db.Tenant("two"))
		e := here.confirmed("mallory")
		codes := here.renew("mallory")
		pending := here.enroll("mallory")
		there.now = here.now
		for _, to := range []struct {
			b *bench
			s authenticator.Subject
		}{{here, "alice"}, {there, "mallory"}, {there, "alice"}} {
			to.b.check(authenticator.Graft(ctx, here.db, "mallory", to.b.db, to.s))
			for name, err := range map[string]error{
				"verify": second(to.b.verify(to.s, to.b.code(e, 0))), "recover": second(to.b.recover(to.s, codes[0])),
				"confirm": second(to.b.confirm(to.s, to.b.code(pending, 0))),
			} {
				if err == nil || errors.Is(err, authenticator.ErrInvalidCode) {
					t.Errorf("%s as %s in %s: %v", name, to.s, to.b.db.TenantID(), err)
				}
			}
			if s := to.b.status(to.s); s.Active.Failures != 0 || s.Recovery.Left != authenticator.RecoveryCodes {
				t.Errorf("%+v", s)
			}
		}
		here.check(authenticator.Swap(ctx, here.db, "mallory"))
		if _, err := here.verify("mallory", here.code(pending, 0)); err == nil || errors.Is(err, authenticator.ErrInvalidCode) {
			t.Errorf("the secret of an enrollment that is not confirmed is taken: %v", err)
		}
	})
}

// After a rotation everything goes on; once Reseal has found the last secret, the old key may go.
func TestReseal(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		db = db.Tenant("rotation")
		b := open(t, db, key("a"))
		subjects := []authenticator.Subject{"alice", "bob", "carol"}
		enrolled, codes := map[authenticator.Subject]authenticator.Enrollment{}, map[authenticator.Subject][]string{}
		for _, s := range subjects {
			enrolled[s], codes[s] = b.confirmed(s), b.renew(s)
		}
		b.enroll("carol")
		code := b.code(enrolled["alice"], 0)
		verify := authenticator.Verify{Subject: "alice", Code: code, Key: "before"}
		_, err := b.Verify(ctx, verify)
		b.check(err)

		rotated := open(t, db, key("b"), key("a"))
		rotated.now = b.now
		if out, err := rotated.Verify(ctx, verify); err != nil || !out.Replayed {
			t.Errorf("a command that was hashed with the old key: %v", err)
		}
		_, err = open(t, db, key("b")).recover("alice", codes["alice"][0])
		if err == nil || errors.Is(err, authenticator.ErrInvalidCode) {
			t.Errorf("without the old key: %v", err)
		}
		_, err = rotated.recover("alice", codes["alice"][0])
		rotated.check(err)
		for _, limit := range []int{0, -1, 1001} {
			if _, err := rotated.Reseal(ctx, limit); err == nil {
				t.Errorf("the limit %d is accepted", limit)
			}
		}
		var counts []int
		for {
			n, err := rotated.Reseal(ctx, 4)
			rotated.check(err)
			if counts = append(counts, n); n == 0 {
				break
			}
		}
		if !slices.Equal(counts, []int{4, 2, 0}) { // one was sealed as the recovery code was used
			t.Errorf("resealed %v", counts)
		}
		alone := open(t, db, key("b"))
		alone.now = b.now
		alone.wait(enrolled["bob"].TOTP.Period)
		for _, s := range subjects {
			_, keys, err := authenticator.Sealed(ctx, db, s)
			if err != nil || slices.Contains(keys, "a") {
				t.Errorf("%s: %v, %v", s, keys, err)
			}
			_, err = alone.verify(s, alone.code(enrolled[s], 0))
			alone.check(err)
			_, err = alone.recover(s, codes[s][1])
			alone.check(err)
		}
		if n, err := alone.Reseal(ctx, 1); n != 0 || err != nil {
			t.Errorf("resealed %d with one key: %v", n, err)
		}
	})
}
