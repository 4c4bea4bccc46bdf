package session_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/session"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func TestStart(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		at := newClock()
		e := open(t, db, "customer", session.Policy{}, at.now)
		c := session.Start{Subject: "alice", Way: "wechat.miniprogram", Device: "iPhone of 小爱"}
		first, err := e.Start(ctx, c)
		want := session.Session{
			Subject: "alice", ID: 1, Way: c.Way, Device: c.Device, Started: at.now(), Seen: at.now(), Expires: at.now().Add(session.DefaultIdle),
		}
		if err != nil || first.Session != want || len(first.Evicted) > 0 {
			t.Fatalf("%+v, %v", first, err)
		}
		at.pass(time.Hour)
		next := start(t, e, "alice")
		if next.Session.ID != 2 || next.Token == first.Token {
			t.Errorf("the second session is %+v", next)
		}
		if got, err := e.Check(ctx, first.Token); got != want || err != nil {
			t.Errorf("Check: %+v, %v", got, err)
		}
		if got, err := e.List(ctx, "alice"); err != nil || !slices.Equal(got, []session.Session{want, next.Session}) {
			t.Errorf("List: %+v, %v", got, err)
		}
		if got, err := e.List(ctx, "bob"); err != nil || len(got) > 0 {
			t.Errorf("List of nobody: %+v, %v", got, err)
		}
	})
}

func TestRotate(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		at := newClock()
		e := open(t, db, "customer", short, at.now)
		old := start(t, e, "alice")
		at.pass(time.Minute)
		next, err := e.Rotate(ctx, old.Token)
		want := old.Session
		want.Seen, want.Expires = at.now(), at.now().Add(short.Idle)
		if err != nil || next.Session != want || next.Token == old.Token {
			t.Fatalf("%+v, %v", next, err)
		}
		isError(t, "the old token", second(e.Check(ctx, old.Token)), session.ErrInvalid)
		isError(t, "Rotate with the old token", second(e.Rotate(ctx, old.Token)), session.ErrInvalid)
		isError(t, "End with the old token", second(e.End(ctx, old.Token)), session.ErrInvalid)
		if got, err := e.Check(ctx, next.Token); got != want || err != nil {
			t.Errorf("the new token: %+v, %v", got, err)
		}
		if got, err := e.List(ctx, "alice"); err != nil || !slices.Equal(got, []session.Session{want}) {
			t.Errorf("List: %+v, %v", got, err)
		}
		token := next.Token
		for range 4 { // its absolute end stays
			at.pass(2 * time.Minute)
			if next, err = e.Rotate(ctx, token); err != nil {
				t.Fatal(err)
			}
			token = next.Token
		}
		if want := old.Session.Started.Add(short.Lifetime); !next.Session.Expires.Equal(want) {
			t.Errorf("the session ends at %v, want %v", next.Session.Expires, want)
		}
		at.pass(time.Minute)
		isError(t, "Rotate at the absolute end", second(e.Rotate(ctx, token)), session.ErrInvalid)
	})
}

func TestEnd(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		e := open(t, db, "customer", short, newClock().now)
		s, other := start(t, e, "alice"), start(t, e, "alice")
		if got, err := e.End(ctx, s.Token); got != s.Session || err != nil {
			t.Errorf("%+v, %v", got, err)
		}
		isError(t, "Check after End", second(e.Check(ctx, s.Token)), session.ErrInvalid)
		isError(t, "End after End", second(e.End(ctx, s.Token)), session.ErrInvalid)
		isError(t, "the other session", second(e.Check(ctx, other.Token)), nil)
	})
}

func TestRevoke(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		at := newClock()
		e := open(t, db, "customer", short, at.now)
		a, b, c := start(t, e, "alice"), start(t, e, "alice"), start(t, e, "alice")
		bob := start(t, e, "bob")
		revoke := session.Revoke{Subject: "alice", ID: b.Session.ID, By: "kathy", Key: "1"}
		for i := range 2 {
			out, err := e.Revoke(ctx, revoke)
			if err != nil || out.Replayed != (i == 1) || !slices.Equal(out.Sessions, []session.Session{b.Session}) {
				t.Errorf("%+v, %v", out, err)
			}
		}
		isError(t, "what was revoked", second(e.Check(ctx, b.Token)), session.ErrInvalid)
		isError(t, "another session", second(e.Check(ctx, a.Token)), nil)
		other := revoke
		other.ID = a.Session.ID
		isError(t, "the key of another command", second(e.Revoke(ctx, other)), journal.ErrKeyReused)
		revoke.Key = "2"
		isError(t, "what was revoked before", second(e.Revoke(ctx, revoke)), session.ErrUnknown)
		isError(t, "a session of another subject", second(e.Revoke(ctx, session.Revoke{Subject: "bob", ID: c.Session.ID, Key: "3"})), session.ErrUnknown)

		all := session.RevokeAll{Subject: "alice", Except: c.Session.ID, Key: "4"}
		out, err := e.RevokeAll(ctx, all)
		if err != nil || out.Replayed || !slices.Equal(out.Sessions, []session.Session{a.Session}) {
			t.Errorf("%+v, %v", out, err)
		}
		isError(t, "what all were revoked with", second(e.Check(ctx, a.Token)), session.ErrInvalid)
		isError(t, "what was excepted", second(e.Check(ctx, c.Token)), nil)
		later := start(t, e, "alice")
		if out, err := e.RevokeAll(ctx, all); err != nil || !out.Replayed || !slices.Equal(out.Sessions, []session.Session{a.Session}) {
			t.Errorf("again: %+v, %v", out, err)
		}
		isError(t, "what began after RevokeAll", second(e.Check(ctx, later.Token)), nil)
		if out, err := e.RevokeAll(ctx, session.RevokeAll{Subject: "alice", Key: "5"}); err != nil || len(out.Sessions) != 2 {
			t.Errorf("%+v, %v", out, err)
		}
		for _, token := range []string{c.Token, later.Token} {
			isError(t, "after all were revoked", second(e.Check(ctx, token)), session.ErrInvalid)
		}
		isError(t, "another subject", second(e.Check(ctx, bob.Token)), nil)
		isError(t, "nobody's sessions", second(e.RevokeAll(ctx, session.RevokeAll{Subject: "carol", Key: "6"})), nil)
	})
}

func TestCap(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		at := newClock()
		e := open(t, db, "customer", short, at.now)
		a := start(t, e, "alice")
		at.pass(time.Second)
		b := start(t, e, "alice")
		at.pass(time.Second)
		c := start(t, e, "alice")
		at.pass(time.Minute)
		used, err := e.Check(ctx, a.Token)
		isError(t, "Check", err, nil)
		d := start(t, e, "alice")
		if !slices.Equal(d.Evicted, []session.Session{b.Session}) {
			t.Errorf("%+v gave way", d.Evicted)
		}
		isError(t, "the one idle longest", second(e.Check(ctx, b.Token)), session.ErrInvalid)
		fewer := open(t, db, "customer", session.Policy{Lifetime: short.Lifetime, Idle: short.Idle, Sessions: 1}, at.now)
		if last := start(t, fewer, "alice"); !slices.Equal(last.Evicted, []session.Session{c.Session, used, d.Session}) {
			t.Errorf("%+v gave way to a policy of one session", last.Evicted)
		}
		at.pass(short.Idle)
		if next := start(t, fewer, "alice"); len(next.Evicted) > 0 {
			t.Errorf("%+v gave way, and had lapsed", next.Evicted)
		}
	})
}

// TestPolicyOfTheMoment: a policy holds for the sessions from before.
func TestPolicyOfTheMoment(t *testing.T) {
	db, at := memory.New(), newClock()
	s := start(t, open(t, db, "staff", session.Policy{}, at.now), "kathy")
	at.pass(2 * time.Hour)
	isError(t, "a shorter policy", second(open(t, db, "staff", session.Policy{Lifetime: 2 * time.Hour}, at.now).Check(ctx, s.Token)), session.ErrInvalid)
	isError(t, "the first policy", second(open(t, db, "staff", session.Policy{}, at.now).Check(ctx, s.Token)), nil)
}

// TestRevokedForGood: what was revoked after it had lapsed does not come back with a longer policy.
func TestRevokedForGood(t *testing.T) {
	db, at := memory.New(), newClock()
	brief := open(t, db, "staff", short, at.now)
	s := start(t, brief, "kathy")
	at.pass(short.Lifetime)
	isError(t, "RevokeAll", second(brief.RevokeAll(ctx, session.RevokeAll{Subject: "kathy", Key: "1"})), nil)
	isError(t, "a longer policy", second(open(t, db, "staff", session.Policy{}, at.now).Check(ctx, s.Token)), session.ErrInvalid)
}

// TestKeptApart: tokens and sessions of one realm or tenant are none in another.
func TestKeptApart(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		at := newClock()
		home := open(t, db.Tenant("here"), "customer", short, at.now)
		s := start(t, home, "alice")
		for name, e := range map[string]*session.Engine{
			"realm": open(t, db.Tenant("here"), "staff", short, at.now), "tenant": open(t, db.Tenant("there"), "customer", short, at.now),
			"tenant of a unit of work": home.In(db.Tenant("elsewhere")),
		} {
			mine := start(t, e, "alice")
			isError(t, "Check in another "+name, second(e.Check(ctx, s.Token)), session.ErrInvalid)
			isError(t, "Rotate in another "+name, second(e.Rotate(ctx, s.Token)), session.ErrInvalid)
			isError(t, "End in another "+name, second(e.End(ctx, s.Token)), session.ErrInvalid)
			isError(t, "RevokeAll in another "+name, second(e.RevokeAll(ctx, session.RevokeAll{Subject: "alice", Except: mine.Session.ID, Key: "1"})), nil)
			if all, err := e.List(ctx, "alice"); err != nil || !slices.Equal(all, []session.Session{mine.Session}) {
				t.Errorf("List in another %s: %+v, %v", name, all, err)
			}
		}
		at.pass(short.Idle + time.Microsecond)
		if n, err := open(t, db.Tenant("here"), "vendor", short, at.now).Prune(ctx); n != 0 || err != nil {
			t.Errorf("Prune in another realm: %d, %v", n, err)
		}
		if n, err := home.Prune(ctx); n != 1 || err != nil {
			t.Errorf("Prune at home: %d, %v", n, err)
		}
	})
}

func TestPrune(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		at := newClock()
		e := open(t, db, "customer", short, at.now)
		idle, ended, used := start(t, e, "alice"), start(t, e, "alice"), start(t, e, "alice")
		isError(t, "End", second(e.End(ctx, ended.Token)), nil)
		at.pass(time.Minute)
		isError(t, "Check", second(e.Check(ctx, used.Token)), nil)
		at.pass(short.Idle - time.Minute)
		if n, err := e.Prune(ctx); n != 0 || err != nil {
			t.Errorf("at the idle end: %d, %v", n, err)
		}
		at.pass(time.Microsecond)
		if n, err := e.Prune(ctx); n != 2 || err != nil {
			t.Errorf("after the idle end: %d, %v", n, err)
		}
		isError(t, "what was pruned", second(e.Check(ctx, idle.Token)), session.ErrInvalid)
		isError(t, "what was used", second(e.Check(ctx, used.Token)), nil)
		if next := start(t, e, "alice"); next.Session.ID <= used.Session.ID {
			t.Errorf("the next ID is %d", next.Session.ID)
		}
	})
}

func TestInput(t *testing.T) {
	db, long := memory.New(), strings.Repeat("x", 2000)
	e := open(t, db, "customer", short, nil)
	s := start(t, e, "alice")
	before := len(records(t, db))
	for what, err := range map[string]error{
		"no subject":        second(e.Start(ctx, session.Start{Way: "sms"})),
		"no way":            second(e.Start(ctx, session.Start{Subject: "alice"})),
		"a way with spaces": second(e.Start(ctx, session.Start{Subject: "alice", Way: "a b"})),
		"a long device":     second(e.Start(ctx, session.Start{Subject: "alice", Way: "sms", Device: long})),
		"a device of lines": second(e.Start(ctx, session.Start{Subject: "alice", Way: "sms", Device: "a\nb"})),
		"no key":            second(e.Revoke(ctx, session.Revoke{Subject: "alice", ID: s.Session.ID})),
		"no session":        second(e.Revoke(ctx, session.Revoke{Subject: "alice", Key: "1"})),
		"a session below 0": second(e.RevokeAll(ctx, session.RevokeAll{Subject: "alice", Except: -1, Key: "1"})),
		"no key for all":    second(e.RevokeAll(ctx, session.RevokeAll{Subject: "alice"})),
		"a long name":       second(e.RevokeAll(ctx, session.RevokeAll{Subject: "alice", By: long, Key: "1"})),
		"nobody to list":    second(e.List(ctx, "")),
		"no realm":          second(session.New(db, "", nil)),
		"a brief lifetime":  second(session.New(db, "r", &session.Options{Policy: session.Policy{Lifetime: time.Second}})),
		"a long idle":       second(session.New(db, "r", &session.Options{Policy: session.Policy{Lifetime: time.Hour, Idle: 2 * time.Hour}})),
		"too many sessions": second(session.New(db, "r", &session.Options{Policy: session.Policy{Sessions: 101}})),
		"fewer than none":   second(session.New(db, "r", &session.Options{Policy: session.Policy{Sessions: -1}})),
	} {
		var input *errs.InputError
		if !errors.As(err, &input) || input.Field == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
	if n := len(records(t, db)); n != before {
		t.Errorf("%d records, want %d", n, before)
	}
}

func records(t testing.TB, db storage.Tx) (all []journal.Record) {
	t.Helper()
	for r, err := range db.Journal().After(ctx, "", 0) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}
