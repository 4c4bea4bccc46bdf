package authenticator_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/otp/authenticator"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

func TestReplays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db.Tenant("replays"))
		first, err := b.Enroll(ctx, enroll("alice", "enroll"))
		b.check(err)
		again, err := b.Enroll(ctx, enroll("alice", "enroll"))
		b.check(err)
		if !again.Replayed || again.URI != first.URI || again.TOTP.Base32() != first.TOTP.Base32() || !again.Expires.Equal(first.Expires) {
			t.Errorf("an enrollment that waits is shown as %+v", again.Outcome)
		}
		other := enroll("alice", "enroll")
		other.Account = "bob"
		_, err = b.Enroll(ctx, other)
		b.refused(err, journal.ErrKeyReused)

		replayed := func(name string, run func() (authenticator.Outcome, error)) {
			t.Helper()
			out, err := run()
			b.check(err)
			stored := b.last("alice")
			again, err := run()
			b.check(err)
			if out.Replayed || !again.Replayed || again.Status != out.Status || !again.At.Equal(out.At) || b.last("alice").Cursor != stored.Cursor {
				t.Errorf("%s: %+v, and again %+v", name, out, again)
			}
		}
		confirm := func(code string) (authenticator.Outcome, error) {
			return b.Confirm(ctx, authenticator.Confirm{Subject: "alice", Code: code, Key: "confirm"})
		}
		code := b.code(first, 0)
		replayed("confirm", func() (authenticator.Outcome, error) { return confirm(code) })
		_, err = b.Enroll(ctx, enroll("alice", "enroll"))
		b.refused(err, authenticator.ErrEnded)

		b.wait(30 * time.Second)
		verify := func(code string) (authenticator.Outcome, error) {
			return b.Verify(ctx, authenticator.Verify{Subject: "alice", Code: code, Key: "verify"})
		}
		code = b.code(first, 0)
		replayed("verify", func() (authenticator.Outcome, error) { return verify(code) })
		renew := authenticator.Renew{Subject: "alice", Key: "renew"}
		renewed, err := b.Renew(ctx, renew)
		b.check(err)
		lost, err := b.Renew(ctx, renew)
		b.check(err)
		if !lost.Replayed || len(lost.Codes) > 0 || len(renewed.Codes) != authenticator.RecoveryCodes {
			t.Errorf("renewed again: %d codes", len(lost.Codes))
		}
		use := func(code string) (authenticator.Outcome, error) {
			return b.Recover(ctx, authenticator.Recover{Subject: "alice", Code: code, Key: "recover"})
		}
		replayed("recover", func() (authenticator.Outcome, error) { return use(renewed.Codes[3]) })

		// What was accepted is accepted again for a minute, and no longer.
		b.wait(authenticator.RepeatWithin - 1)
		_, err = verify(code)
		b.check(err)
		b.wait(1)
		for name, again := range map[string]func() (authenticator.Outcome, error){
			"verify":  func() (authenticator.Outcome, error) { return verify(code) },
			"recover": func() (authenticator.Outcome, error) { return use(renewed.Codes[3]) },
		} {
			if _, err := again(); !errors.Is(err, authenticator.ErrInvalidCode) {
				t.Errorf("%s: %v", name, err)
			}
		}

		// A wrong code is counted once for its key.
		wrong := authenticator.Verify{Subject: "alice", Code: b.wrong(first), Key: "wrong"}
		for range 10 {
			_, err := b.Verify(ctx, wrong)
			b.refused(err, authenticator.ErrInvalidCode)
		}
		if n := b.status("alice").Active.Failures; n != 1 {
			t.Errorf("a wrong code that was sent ten times is counted as %d", n)
		}
		disable := authenticator.Disable{Subject: "alice", Key: "disable"}
		replayed("disable", func() (authenticator.Outcome, error) { return b.Disable(ctx, disable) })
		disable.By = "kathy"
		b.refused(second(b.Disable(ctx, disable)), journal.ErrKeyReused)
		remove := authenticator.Remove{Subject: "alice", Key: "remove"}
		replayed("remove", func() (authenticator.Outcome, error) { return b.Remove(ctx, remove) })
		remove.Key = "disable"
		b.refused(second(b.Remove(ctx, remove)), journal.ErrKeyReused)

		// A secret is shown again as long as it waits.
		for name, end := range map[string]func(){
			"replaced": func() { b.enroll("bob") }, "expired": func() { b.wait(authenticator.ConfirmWithin) },
			"removed": func() { b.check(second(b.Remove(ctx, authenticator.Remove{Subject: "bob", Key: b.fresh()}))) },
		} {
			b.check(second(b.Enroll(ctx, enroll("bob", name))))
			end()
			if _, err := b.Enroll(ctx, enroll("bob", name)); !errors.Is(err, authenticator.ErrEnded) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func second[A any](_ A, err error) error { return err }

// Whoever knows a key learns no more of its code than by guessing with any other.
func TestAKnownKeyGivesNoGuessAway(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db.Tenant("known key"))
		e := b.confirmed("alice")
		v := authenticator.Verify{Subject: "alice", Code: b.code(e, 0), Key: "known"}
		b.check(second(b.Verify(ctx, v)))
		var guesses []string
		for n := int64(1); n <= 5; n++ {
			v.Code = b.wrong(e, guesses...)
			guesses = append(guesses, v.Code)
			for range 2 { // the second time it is repeated, and not counted
				b.refused(second(b.Verify(ctx, v)), authenticator.ErrInvalidCode)
				if failures := b.status("alice").Active.Failures; failures != n {
					t.Fatalf("%d guesses are counted as %d", n, failures)
				}
			}
		}
		v.Code = b.wrong(e, guesses...)
		b.refused(second(b.Verify(ctx, v)), errs.Exhausted)
	})
}

// In a transaction codes are not checked, and all else is committed or rolled back with it.
func TestInATransaction(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db.Tenant("tx"))
		e := b.confirmed("alice")
		codes := b.renew("alice")
		lost := errors.New("lost")
		for _, end := range []error{lost, nil} {
			before := b.status("alice")
			err := b.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
				bound := b.In(tx)
				for name, err := range map[string]error{
					"verify":  second(bound.Verify(ctx, authenticator.Verify{Subject: "alice", Code: b.wrong(e), Key: "v"})),
					"confirm": second(bound.Confirm(ctx, authenticator.Confirm{Subject: "alice", Code: b.wrong(e), Key: "c"})),
				} {
					if err == nil || errors.Is(err, authenticator.ErrInvalidCode) || !strings.Contains(err.Error(), "outside") {
						t.Errorf("%s: %v", name, err)
					}
				}
				if _, err := bound.Recover(ctx, authenticator.Recover{Subject: "alice", Code: codes[0], Key: "r"}); err != nil {
					return err
				}
				if _, err := bound.Enroll(ctx, enroll("alice", "e")); err != nil {
					return err
				}
				if again, err := bound.Enroll(ctx, enroll("alice", "e")); err != nil || !again.Replayed {
					t.Errorf("enrolled again: %v", err)
				}
				return end
			})
			b.refused(err, end)
			after := b.status("alice")
			if rolledBack := after == before; rolledBack != (end != nil) {
				t.Errorf("with %v it was %+v and is %+v", end, before, after)
			}
		}
		if s := b.status("alice"); s.Recovery.Left != 9 || s.Pending.Number != 2 || s.Active.Failures != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A wrong code is in the database when its answer comes, whatever becomes of what is done after it.
func TestAFailureIsCommittedBeforeItsAnswer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db.Tenant("committed"))
		e := b.confirmed("alice")
		for n := int64(1); n <= 4; n++ {
			_, err := b.verify("alice", b.wrong(e))
			b.refused(err, authenticator.ErrInvalidCode)
			_ = b.db.InTx(ctx, func(context.Context, storage.Tx) error { return err })
			if other := open(t, db.Tenant("committed")); other.status("alice").Active.Failures != n {
				t.Fatalf("%d failures, of which another process sees %d", n, other.status("alice").Active.Failures)
			}
		}
	})
}

// Neither the journal nor an error has a secret or a code, and what is stored is sealed.
func TestSecretsStaySecret(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		b := open(t, db.Tenant("secret"))
		var told []string
		e := b.enroll("alice")
		wrong := b.wrong(e)
		first := b.code(e, 0)
		told = append(told, fmt.Sprint(second(b.confirm("alice", wrong))), fmt.Sprint(second(b.confirm("alice", first))))
		b.wait(30 * time.Second)
		codes := b.renew("alice")
		pending := b.enroll("alice")
		next := b.code(e, 0)
		for _, err := range []error{
			second(b.verify("alice", next)), second(b.verify("alice", next)), second(b.verify("alice", wrong)), second(b.verify("alice", next+"x")),
			second(b.recover("alice", codes[0])), second(b.recover("alice", codes[0])), second(b.recover("alice", codes[0]+"!")),
			second(b.Enroll(ctx, authenticator.Enroll{Subject: "alice", Issuer: "a:b", Account: "c", Key: "k"})),
			second(b.Disable(ctx, authenticator.Disable{Subject: "alice", Key: "d"})), second(b.verify("alice", next)),
		} {
			told = append(told, fmt.Sprint(err))
		}
		for r, err := range b.db.Journal().Of(ctx, journal.Subject("authenticator", "alice")) {
			b.check(err)
			told = append(told, string(journal.JSON(r.Entry)))
		}
		stored, _, err := authenticator.Sealed(ctx, b.db, "alice")
		b.check(err)
		for _, sealed := range stored {
			told = append(told, string(sealed))
		}
		if len(stored) != 3 || len(told) < 15 {
			t.Fatalf("%d secrets, %d texts", len(stored), len(told))
		}
		secrets := append(codes, first, next, wrong, strings.ReplaceAll(codes[0], "-", ""))
		for _, e := range []authenticator.Enrollment{e, pending} {
			secrets = append(secrets, e.TOTP.Base32(), string(e.TOTP.Secret), string(journal.JSON(e.TOTP.Secret)), e.URI)
		}
		for _, text := range told {
			if i := slices.IndexFunc(secrets, func(s string) bool { return strings.Contains(text, s) }); i >= 0 {
				t.Errorf("%s has %s", text, secrets[i])
			}
		}
	})
}
