package authenticator_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/otp/authenticator"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

var ctx = context.Background()

func key(id string) secret.Key { return secret.Key{ID: id, Secret: []byte(strings.Repeat(id, 32))} }

// A bench is an engine with a clock that the test moves.
type bench struct {
	t  *testing.T
	db storage.DB
	*authenticator.Engine
	mu  sync.Mutex
	now time.Time
}

// used is how many keys the tests have used.
var used atomic.Int64

func open(t *testing.T, db storage.DB, keys ...secret.Key) *bench {
	t.Helper()
	return openWith(t, db, authenticator.Policy{}, keys...)
}

func openWith(t *testing.T, db storage.DB, p authenticator.Policy, keys ...secret.Key) *bench {
	t.Helper()
	if len(keys) == 0 {
		keys = []secret.Key{key("a")}
	}
	b := &bench{t: t, db: db, now: time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)}
	e, err := authenticator.New(db, keys, &authenticator.Options{Policy: p, Now: b.clock})
	if err != nil {
		t.Fatal(err)
	}
	b.Engine = e
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
func (b *bench) fresh() string { return fmt.Sprint("key", used.Add(1)) }

func (b *bench) check(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) refused(err, want error) {
	b.t.Helper()
	if !errors.Is(err, want) {
		b.t.Fatalf("%v, want %v", err, want)
	}
}

// code returns what the app of an enrollment shows after a time.
func (b *bench) code(e authenticator.Enrollment, after time.Duration) string {
	b.t.Helper()
	code, err := e.TOTP.Code(b.clock().Add(after))
	b.check(err)
	return code
}

// wrong returns a code that is none of the steps around now, nor one of others.
func (b *bench) wrong(e authenticator.Enrollment, others ...string) string {
	for n := 0; ; n++ {
		code := fmt.Sprintf("%0*d", e.TOTP.Digits, n)
		near := slices.Contains(others, code)
		for steps := range 5 {
			near = near || code == b.code(e, time.Duration(steps-2)*e.TOTP.Period)
		}
		if !near {
			return code
		}
	}
}

func enroll(s authenticator.Subject, key string) authenticator.Enroll {
	return authenticator.Enroll{Subject: s, Issuer: "scrmkit", Account: "alice", Key: key}
}

func (b *bench) enroll(s authenticator.Subject) authenticator.Enrollment {
	b.t.Helper()
	e, err := b.Enroll(ctx, enroll(s, b.fresh()))
	b.check(err)
	return e
}

// confirmed enrolls and confirms, and waits for the next code.
func (b *bench) confirmed(s authenticator.Subject) authenticator.Enrollment {
	b.t.Helper()
	e := b.enroll(s)
	_, err := b.confirm(s, b.code(e, 0))
	b.check(err)
	b.wait(e.TOTP.Period)
	return e
}

func (b *bench) confirm(s authenticator.Subject, code string) (authenticator.Outcome, error) {
	return b.Confirm(ctx, authenticator.Confirm{Subject: s, Code: code, Key: b.fresh()})
}

func (b *bench) verify(s authenticator.Subject, code string) (authenticator.Outcome, error) {
	return b.Verify(ctx, authenticator.Verify{Subject: s, Code: code, Key: b.fresh()})
}

func (b *bench) recover(s authenticator.Subject, code string) (authenticator.Outcome, error) {
	return b.Recover(ctx, authenticator.Recover{Subject: s, Code: code, Key: b.fresh()})
}

func (b *bench) renew(s authenticator.Subject) []string {
	b.t.Helper()
	r, err := b.Renew(ctx, authenticator.Renew{Subject: s, Key: b.fresh()})
	b.check(err)
	return r.Codes
}

func (b *bench) status(s authenticator.Subject) authenticator.Status {
	b.t.Helper()
	status, err := b.Status(ctx, s)
	b.check(err)
	return status
}

// last returns what the journal says of the newest command on a subject.
func (b *bench) last(s authenticator.Subject) journal.Record {
	b.t.Helper()
	for r, err := range b.db.Journal().Of(ctx, journal.Subject("authenticator", string(s))) {
		b.check(err)
		return r
	}
	return journal.Record{}
}

func TestEngine(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		t.Run("the code that confirms is used up, and so is each code that is verified", func(t *testing.T) {
			b := open(t, db.Tenant("story"))
			e := b.enroll("alice")
			if len(e.TOTP.Secret) != 20 || !strings.Contains(e.URI, e.TOTP.Base32()) || !e.Expires.Equal(b.now.Add(authenticator.ConfirmWithin)) {
				t.Fatal(e.Expires, len(e.TOTP.Secret))
			}
			_, err := b.verify("alice", b.code(e, 0))
			b.refused(err, authenticator.ErrNotEnrolled)
			_, err = b.confirm("alice", b.wrong(e))
			b.refused(err, authenticator.ErrInvalidCode)
			first := b.code(e, 0)
			out, err := b.confirm("alice", first[:3]+" "+first[3:])
			b.check(err)
			if s := out.Status; !s.Enrolled() || s.Active.Number != 1 || !s.Active.Confirmed.Equal(b.now) || s.Pending.Number != 0 {
				t.Fatalf("%+v", s)
			}
			_, err = b.confirm("alice", first)
			b.refused(err, authenticator.ErrNoEnrollment)
			_, err = b.verify("alice", first)
			b.refused(err, authenticator.ErrInvalidCode)
			if r := b.last("alice"); !strings.Contains(string(r.Result), `"refused":"used"`) {
				t.Errorf("the journal says %s", r.Result)
			}
			for range 3 {
				b.wait(e.TOTP.Period)
				out, err = b.verify("alice", b.code(e, 0))
				b.check(err)
				if got := b.status("alice"); got != out.Status || !got.Active.LastUsed.Equal(b.now) {
					t.Fatalf("%+v is stored as %+v", out.Status, got)
				}
			}
			_, err = b.verify("alice", b.code(e, -e.TOTP.Period))
			b.refused(err, authenticator.ErrInvalidCode)
			if got := b.status("bob"); got != (authenticator.Status{}) {
				t.Errorf("bob: %+v", got)
			}
		})
		t.Run("a code is accepted one step late, and early where the policy says so", func(t *testing.T) {
			for _, ahead := range []bool{false, true} {
				b := openWith(t, db.Tenant(fmt.Sprint("drift", ahead)), authenticator.Policy{Ahead: ahead})
				e := b.confirmed("alice")
				_, err := b.verify("alice", b.code(e, e.TOTP.Period))
				if (err == nil) != ahead {
					t.Errorf("ahead %t: early: %v", ahead, err)
				}
				b.wait(4 * e.TOTP.Period)
				_, err = b.verify("alice", b.code(e, -2*e.TOTP.Period))
				b.refused(err, authenticator.ErrInvalidCode)
				_, err = b.verify("alice", b.code(e, -e.TOTP.Period))
				b.check(err)
				_, err = b.verify("alice", b.code(e, 0))
				b.check(err)
			}
		})
		t.Run("a new authenticator takes the place of the old once it is confirmed", func(t *testing.T) {
			b := open(t, db.Tenant("replace"))
			old := b.confirmed("alice")
			dropped := b.enroll("alice")
			e := b.enroll("alice")
			_, err := b.verify("alice", b.code(old, 0))
			b.check(err)
			_, err = b.confirm("alice", b.code(dropped, 0))
			b.refused(err, authenticator.ErrInvalidCode)
			_, err = b.verify("alice", b.code(e, 0))
			b.refused(err, authenticator.ErrInvalidCode)
			_, err = b.confirm("alice", b.code(e, 0))
			b.check(err)
			b.wait(e.TOTP.Period)
			_, err = b.verify("alice", b.code(old, 0))
			b.refused(err, authenticator.ErrInvalidCode)
			_, err = b.verify("alice", b.code(e, 0))
			b.check(err)
			late := b.enroll("alice")
			b.wait(authenticator.ConfirmWithin)
			_, err = b.confirm("alice", b.code(late, 0))
			b.refused(err, authenticator.ErrNoEnrollment)
		})
		t.Run("wrong codes make wait, and 100 disable until another authenticator is confirmed", func(t *testing.T) {
			b := open(t, db.Tenant("failures"))
			e := b.confirmed("alice")
			codes := b.renew("alice")
			for n := int64(1); n <= authenticator.MaxFailures; n++ {
				_, err := b.verify("alice", b.wrong(e))
				b.refused(err, authenticator.ErrInvalidCode)
				if got := b.status("alice").Active.Failures; got != n {
					t.Fatalf("%d failures are counted as %d", n, got)
				}
				if n == authenticator.MaxFailures || authenticator.Wait(n) == 0 {
					continue
				}
				var throttled *authenticator.ThrottledError
				before := b.last("alice")
				for _, again := range []*bench{b, open(t, db.Tenant("failures"))} { // another process
					again.now = b.now
					_, err = again.verify("alice", b.code(e, 0))
					if !errors.As(err, &throttled) || throttled.RetryAfter != authenticator.Wait(n) {
						t.Fatalf("after %d: %v", n, err)
					}
				}
				if b.last("alice").Seq != before.Seq {
					t.Fatal("what was not looked at was stored")
				}
				b.wait(throttled.RetryAfter)
			}
			_, err := b.verify("alice", b.code(e, 0))
			b.refused(err, authenticator.ErrDisabled)
			b.wait(1000 * time.Hour)
			_, err = b.verify("alice", b.code(e, 0))
			b.refused(err, authenticator.ErrDisabled)
			if s := b.status("alice"); s.Active.Disabled.IsZero() || !s.Enrolled() {
				t.Fatalf("%+v", s)
			}
			_, err = b.recover("alice", codes[0])
			b.check(err)
			e = b.confirmed("alice")
			out, err := b.verify("alice", b.code(e, 0))
			b.check(err)
			if out.Status.Recovery.Left != 9 || out.Status.Active.Failures != 0 {
				t.Fatalf("%+v", out.Status)
			}
		})
		t.Run("a right code forgets the wrong ones before it, and four of them cost nothing", func(t *testing.T) {
			b := open(t, db.Tenant("forget"))
			e := b.confirmed("alice")
			for range 3 {
				for range 4 {
					_, err := b.verify("alice", b.wrong(e))
					b.refused(err, authenticator.ErrInvalidCode)
				}
				_, err := b.verify("alice", b.code(e, 0))
				b.check(err)
				b.wait(e.TOTP.Period)
			}
		})
		t.Run("a recovery code is good once, and one of an older set is not", func(t *testing.T) {
			b := open(t, db.Tenant("recovery"))
			_, err := b.Renew(ctx, authenticator.Renew{Subject: "alice", Key: "early"})
			b.refused(err, authenticator.ErrNotEnrolled)
			b.confirmed("alice")
			_, err = b.recover("alice", strings.Repeat("A", 24))
			b.refused(err, authenticator.ErrNoRecoveryCodes)
			old, codes := b.renew("alice"), b.renew("alice")
			for i, code := range codes {
				_, err := b.recover("alice", old[i])
				b.refused(err, authenticator.ErrInvalidCode)
				out, err := b.recover("alice", strings.ToLower(strings.ReplaceAll(code, "-", " ")))
				b.check(err)
				if r := out.Status.Recovery; r.Left != len(codes)-i-1 || !r.LastUsed.Equal(b.now) || b.status("alice") != out.Status {
					t.Fatalf("%+v", r)
				}
				_, err = b.recover("alice", code)
				b.refused(err, authenticator.ErrInvalidCode)
			}
			if n := len(b.renew("alice")); n != authenticator.RecoveryCodes {
				t.Fatalf("%d codes", n)
			}
		})
		t.Run("what is disabled or removed accepts nothing", func(t *testing.T) {
			b := open(t, db.Tenant("remove"))
			disable := authenticator.Disable{Subject: "alice", By: "kathy", Key: "d"}
			remove := authenticator.Remove{Subject: "alice", By: "kathy", Key: "r"}
			_, err := b.Disable(ctx, disable)
			b.refused(err, authenticator.ErrNotEnrolled)
			_, err = b.Remove(ctx, remove)
			b.refused(err, authenticator.ErrNotEnrolled)
			e := b.confirmed("alice")
			codes := b.renew("alice")
			_, err = b.Disable(ctx, disable)
			b.check(err)
			_, err = b.verify("alice", b.code(e, 0))
			b.refused(err, authenticator.ErrDisabled)
			_, err = b.recover("alice", codes[0])
			b.check(err)
			waiting := b.enroll("alice")
			_, err = b.Remove(ctx, remove)
			b.check(err)
			if s := b.status("alice"); s.Enrolled() || s.Recovery.Left != 0 || s.Pending.Number != 0 {
				t.Fatalf("%+v", s)
			}
			stored, _, err := authenticator.Sealed(ctx, b.db, "alice")
			b.check(err)
			if len(stored) > 0 {
				t.Error("a secret is still stored")
			}
			_, err = b.verify("alice", b.code(e, 0))
			b.refused(err, authenticator.ErrNotEnrolled)
			_, err = b.recover("alice", codes[1])
			b.refused(err, authenticator.ErrNoRecoveryCodes)
			_, err = b.confirm("alice", b.code(waiting, 0))
			b.refused(err, authenticator.ErrNoEnrollment)
			e = b.confirmed("alice")
			_, err = b.verify("alice", b.code(e, 0))
			b.check(err)
			if s := b.status("alice"); s.Active.Number != 3 || s.Recovery.Number != 0 {
				t.Fatalf("%+v", s)
			}
		})
		t.Run("a clock that goes back accepts no code again, and keeps nobody out", func(t *testing.T) {
			b := open(t, db.Tenant("clock"))
			e := b.confirmed("alice")
			code := b.code(e, 0)
			_, err := b.verify("alice", code)
			b.check(err)
			for _, back := range []time.Duration{time.Microsecond, e.TOTP.Period, time.Hour} {
				b.wait(-back)
				for _, code := range []string{code, b.code(e, 0)} {
					_, err = b.verify("alice", code)
					b.refused(err, authenticator.ErrInvalidCode)
				}
				b.wait(back)
			}
			b.wait(24 * time.Hour)
			for b.status("alice").Active.Failures < 12 {
				_, err = b.verify("alice", b.wrong(e))
				b.refused(err, authenticator.ErrInvalidCode)
				b.wait(authenticator.Wait(b.status("alice").Active.Failures))
			}
			b.wait(-23 * time.Hour)
			_, err = b.verify("alice", b.code(e, 0))
			b.check(err)
		})
		t.Run("algorithms, digits and periods of a policy", func(t *testing.T) {
			b := openWith(t, db.Tenant("policy"), authenticator.Policy{Algorithm: authenticator.SHA512, Digits: 8, Period: time.Minute})
			e := b.confirmed("alice")
			if len(e.TOTP.Secret) != 64 || !strings.Contains(e.URI, "algorithm=SHA512&digits=8&period=60") {
				t.Fatal(e.URI)
			}
			// It stays as it was enrolled.
			plain := open(t, db.Tenant("policy"))
			plain.now = b.now
			_, err := plain.verify("alice", b.code(e, 0))
			b.check(err)
		})
	})
}

func TestRaces(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		const racers = 32
		// race runs f on two processes at once, and returns how many were accepted.
		race := func(b, other *bench, f func(b *bench, i int) error) (accepted int64) {
			var n atomic.Int64
			var wg sync.WaitGroup
			other.now = b.now
			for i := range racers {
				wg.Go(func() {
					err := f([]*bench{b, other}[i%2], i)
					if err == nil {
						n.Add(1)
					} else if !errors.Is(err, authenticator.ErrInvalidCode) && !errors.Is(err, authenticator.ErrNoEnrollment) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			return n.Load()
		}
		db = db.Tenant("races")
		b, other := open(t, db), open(t, db)
		e := b.enroll("alice")
		code := b.code(e, 0)
		if n := race(b, other, func(b *bench, i int) error {
			_, err := b.Confirm(ctx, authenticator.Confirm{Subject: "alice", Code: code, Key: fmt.Sprint("confirm", i)})
			return err
		}); n != 1 {
			t.Errorf("a code confirmed %d times", n)
		}
		b.wait(e.TOTP.Period)
		code = b.code(e, 0)
		if n := race(b, other, func(b *bench, i int) error {
			_, err := b.Verify(ctx, authenticator.Verify{Subject: "alice", Code: code, Key: fmt.Sprint("verify", i)})
			return err
		}); n != 1 {
			t.Errorf("a code was accepted %d times", n)
		}
		codes := b.renew("alice")
		if n := race(b, other, func(b *bench, i int) error {
			_, err := b.Recover(ctx, authenticator.Recover{Subject: "alice", Code: codes[0], Key: fmt.Sprint("recover", i)})
			return err
		}); n != 1 {
			t.Errorf("a recovery code was accepted %d times", n)
		}
		if n := race(b, other, func(b *bench, i int) error {
			_, err := b.Recover(ctx, authenticator.Recover{Subject: "alice", Code: codes[i%10], Key: fmt.Sprint("all", i)})
			return err
		}); n != 9 || b.status("alice").Recovery.Left != 0 {
			t.Errorf("of 9 recovery codes %d were accepted, and %d are left", n, b.status("alice").Recovery.Left)
		}
		// Wrong codes that come at once are all counted, up to the one that makes the others wait.
		b.wait(e.TOTP.Period)
		var throttled atomic.Int64
		if n := race(b, other, func(b *bench, i int) error {
			_, err := b.Verify(ctx, authenticator.Verify{Subject: "alice", Code: b.wrong(e), Key: fmt.Sprint("wrong", i)})
			if errors.Is(err, errs.Exhausted) {
				throttled.Add(1)
				return authenticator.ErrInvalidCode
			}
			return err
		}); n != 0 || throttled.Load() != racers-5 || b.status("alice").Active.Failures != 5 {
			t.Errorf("%d wrong codes were accepted, %d not looked at, and %d counted", n, throttled.Load(), b.status("alice").Active.Failures)
		}
	})
}

func TestNew(t *testing.T) {
	for name, c := range map[string]struct {
		keys   []secret.Key
		policy authenticator.Policy
	}{
		"no key":           {},
		"a short key":      {keys: []secret.Key{{ID: "a", Secret: make([]byte, 31)}}},
		"two keys of one":  {keys: []secret.Key{key("a"), key("a")}},
		"an algorithm":     {keys: []secret.Key{key("a")}, policy: authenticator.Policy{Algorithm: "MD5"}},
		"too few digits":   {keys: []secret.Key{key("a")}, policy: authenticator.Policy{Digits: 5}},
		"too short a time": {keys: []secret.Key{key("a")}, policy: authenticator.Policy{Period: time.Second}},
	} {
		if _, err := authenticator.New(memory.New(), c.keys, &authenticator.Options{Policy: c.policy}); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if _, err := authenticator.New(memory.New(), []secret.Key{key("a")}, nil); err != nil {
		t.Error(err)
	}
}
