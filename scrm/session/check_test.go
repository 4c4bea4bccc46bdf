package session_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/session"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// TestEnds: a session is good before its ends and not at them, and a use is written when a tenth of
// the idle time has passed.
func TestEnds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		const tick, tenth = time.Microsecond, 18 * time.Second
		at := newClock()
		e := open(t, db, "customer", short, at.now)
		s := start(t, e, "alice")
		begin := at.now()
		seen := func() time.Duration {
			t.Helper()
			all, err := e.List(ctx, "alice")
			if err != nil || len(all) != 1 {
				t.Fatal(all, err)
			}
			return all[0].Seen.Sub(begin)
		}
		check := func(after time.Duration, want error, written time.Duration) {
			t.Helper()
			at.pass(begin.Add(after).Sub(at.now()))
			got, err := e.Check(ctx, s.Token)
			isError(t, after.String(), err, want)
			if want == nil && (seen() != written || got.Seen.Sub(begin) != written) {
				t.Errorf("after %v: seen after %v, told %v, want %v", after, seen(), got.Seen.Sub(begin), written)
			}
		}
		check(tenth-tick, nil, 0)
		check(tenth, nil, tenth)
		check(2*tenth-tick, nil, tenth)
		check(-time.Hour, nil, tenth) // a clock that goes back shortens nothing and brings nothing forward
		check(tenth+short.Idle-tick, nil, tenth+short.Idle-tick)
		unused := start(t, e, "bob")
		at.pass(short.Idle)
		isError(t, "at the idle end", second(e.Check(ctx, unused.Token)), session.ErrInvalid)
		at.pass(-tick)
		isError(t, "before the idle end", second(e.Check(ctx, unused.Token)), nil)
		for now := at.now().Sub(begin); now < short.Lifetime-tick; now += 2 * time.Minute {
			check(now, nil, now)
		}
		check(short.Lifetime-tick, nil, short.Lifetime-tick)
		check(short.Lifetime, session.ErrInvalid, 0)
		if all, err := e.List(ctx, "alice"); err != nil || len(all) > 0 {
			t.Error("a session that has lapsed is listed:", all, err)
		}
	})
}

func TestCheckEach(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		at := newClock()
		e := open(t, db, "customer", short, at.now)
		a, b, gone := start(t, e, "alice"), start(t, e, "bob"), start(t, e, "bob")
		isError(t, "End", second(e.End(ctx, gone.Token)), nil)
		at.pass(time.Minute)
		tokens := []string{a.Token, gone.Token, "", b.Token, a.Token, session.NewToken()}
		got, failed, err := e.CheckEach(ctx, tokens)
		if err != nil {
			t.Fatal(err)
		}
		for i, token := range tokens {
			alone, aloneErr := e.Check(ctx, token)
			if got[i] != alone || !errors.Is(failed[i], aloneErr) && aloneErr == nil || errors.Is(failed[i], session.ErrInvalid) != (aloneErr != nil) {
				t.Errorf("token %d: %+v, %v; alone %+v, %v", i, got[i], failed[i], alone, aloneErr)
			}
			if want := i == 0 || i == 3 || i == 4; (failed[i] == nil) != want || want && !got[i].Seen.Equal(at.now()) {
				t.Errorf("token %d: %+v, %v", i, got[i], failed[i])
			}
		}
		if got, failed, err := e.CheckEach(ctx, nil); len(got)+len(failed) > 0 || err != nil {
			t.Error("no tokens:", got, failed, err)
		}
		stopped, cancel := context.WithCancel(ctx)
		cancel()
		_, _, err = e.CheckEach(stopped, tokens)
		isError(t, "a context that has ended", err, context.Canceled)
	})
}

// TestOneError: whatever is wrong with a token, the error says the same.
func TestOneError(t *testing.T) {
	at := newClock()
	e := open(t, memory.New(), "customer", short, at.now)
	lapsed := start(t, e, "alice")
	at.pass(short.Idle)
	ended, revoked, rotated := start(t, e, "bob"), start(t, e, "bob"), start(t, e, "bob")
	isError(t, "End", second(e.End(ctx, ended.Token)), nil)
	isError(t, "Revoke", second(e.Revoke(ctx, session.Revoke{Subject: "bob", ID: revoked.Session.ID, Key: "1"})), nil)
	isError(t, "Rotate", second(e.Rotate(ctx, rotated.Token)), nil)
	const want = "session: check: session: invalid or expired token; sign in again"
	for what, token := range map[string]string{
		"unknown": session.NewToken(), "malformed": "x", "empty": "", "long": strings.Repeat("x", 1<<20),
		"lapsed": lapsed.Token, "ended": ended.Token, "revoked": revoked.Token, "rotated": rotated.Token,
	} {
		if _, err := e.Check(ctx, token); err == nil || err.Error() != want || !errors.Is(err, errs.Denied) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestUnitOfWork: what is done in a unit of work is rolled back with it.
func TestUnitOfWork(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		at := newClock()
		e := open(t, db, "customer", short, at.now)
		s := start(t, e, "alice")
		at.pass(time.Minute)
		lost := errors.New("lost")
		var token string
		work := func(fail error) error {
			return db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
				in := e.In(tx)
				if _, err := in.Check(ctx, s.Token); err != nil {
					return err
				}
				if _, err := in.RevokeAll(ctx, session.RevokeAll{Subject: "alice", Key: "1"}); err != nil {
					return err
				}
				isError(t, "within the unit of work", second(in.Check(ctx, s.Token)), session.ErrInvalid)
				next, err := in.Start(ctx, session.Start{Subject: "alice", Way: "sms"})
				if err != nil {
					return err
				}
				if next, err = in.Rotate(ctx, next.Token); err != nil {
					return err
				}
				token = next.Token
				return fail
			})
		}
		isError(t, "the unit of work", work(lost), lost)
		isError(t, "a session from before", second(e.Check(ctx, s.Token)), nil)
		isError(t, "a session that was rolled back", second(e.Check(ctx, token)), session.ErrInvalid)
		isError(t, "the unit of work", work(nil), nil)
		isError(t, "a session from before", second(e.Check(ctx, s.Token)), session.ErrInvalid)
		isError(t, "a session that was committed", second(e.Check(ctx, token)), nil)
	})
}

// TestChecking: other things are read with a token in one load.
func TestChecking(t *testing.T) {
	db := memory.New()
	e := open(t, db, "customer", short, newClock().now)
	s, other := start(t, e, "alice"), start(t, e, "bob")
	looks, answer := e.Checking(s.Token)
	more, answerMore := e.Checking(other.Token)
	isError(t, "Load", db.Load(ctx, append(looks, more...)), nil)
	if got, err := answer(ctx); got != s.Session || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := answerMore(ctx); got != other.Session || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	looks, answer = e.Checking("x")
	_, err := answer(ctx)
	if isError(t, "no token", err, session.ErrInvalid); len(looks) > 0 {
		t.Error("what is no token is looked up")
	}
}
