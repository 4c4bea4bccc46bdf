package session_test

import (
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/session"
)

// Each statement is a round trip: BEGIN and COMMIT would be two of those.
func TestStatements(t *testing.T) {
	store, tr := dbtest.Traced(t)
	at := newClock()
	e := open(t, store, "customer", session.Policy{}, at.now)
	var a, b session.Started
	check := func() error { return second(e.Check(ctx, a.Token)) }
	each := func() error { _, _, err := e.CheckEach(ctx, []string{a.Token, b.Token}); return err }
	rotate := func() (err error) { a, err = e.Rotate(ctx, a.Token); return err }
	later := func() { at.pass(session.DefaultIdle / 10) }
	for _, c := range []struct {
		name   string
		want   int
		before func()
		run    func() error
	}{
		{"Start", 2, nil, func() error { a = start(t, e, "alice"); return nil }},
		{"Check", 1, nil, check},
		{"Check after a tenth of the idle time", 2, later, check},
		{"Check again", 1, nil, check},
		{"Check of what is no token", 0, nil, func() error {
			if _, err := e.Check(ctx, "x"); err == nil {
				t.Error("anything is a token")
			}
			return nil
		}},
		{"CheckEach", 1, func() { b = start(t, e, "bob") }, each},
		{"CheckEach after a tenth of the idle time", 2, later, each},
		{"List", 1, nil, func() error { return second(e.List(ctx, "alice")) }},
		{"Rotate", 3, nil, rotate}, // of whom, load, save
		{"End", 3, nil, func() error { return second(e.End(ctx, a.Token)) }},
		{"Revoke", 2, nil, func() error {
			return second(e.Revoke(ctx, session.Revoke{Subject: "bob", ID: b.Session.ID, Key: "1"}))
		}},
		{"RevokeAll", 2, func() { start(t, e, "bob"); start(t, e, "bob"); later() }, func() error {
			return second(e.RevokeAll(ctx, session.RevokeAll{Subject: "bob", Key: "2"}))
		}},
		{"Prune", 1, func() { at.pass(time.Hour) }, func() error { return second(e.Prune(ctx)) }},
	} {
		if c.before != nil {
			c.before()
		}
		sent := tr.During(func() { isError(t, c.name, c.run(), nil) })
		if len(sent) != c.want {
			t.Errorf("%s takes %d statements, want %d:\n%s", c.name, len(sent), c.want, strings.Join(sent, "\n"))
		}
	}
}
