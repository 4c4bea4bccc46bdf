package session_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/scrm/session"
	"github.com/scrmkit/scrmkit/storage/bunstore"
)

// A tracer keeps what is sent to the server.
type tracer struct {
	mu   sync.Mutex
	sent []string
}

func (tr *tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.sent = append(tr.sent, q.SQL)
	return ctx
}

func (tr *tracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// during returns what fn sent.
func (tr *tracer) during(fn func()) []string {
	tr.mu.Lock()
	tr.sent = nil
	tr.mu.Unlock()
	fn()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.sent
}

// Each statement is a round trip: BEGIN and COMMIT would be two of those.
func TestStatements(t *testing.T) {
	config, err := pgx.ParseConfig(pgtest.DSN(t))
	isError(t, "ParseConfig", err, nil)
	tr := &tracer{}
	config.Tracer = tr
	db := bun.NewDB(stdlib.OpenDB(*config), pgdialect.New())
	t.Cleanup(func() { _ = db.Close() })
	isError(t, "Migrate", bunstore.Migrate(ctx, db, session.Tables), nil)
	store, err := bunstore.New(db, nil)
	isError(t, "New", err, nil)

	at := newClock()
	e := open(t, store, "customer", session.Policy{}, at.now)
	var a, b session.Started
	check := func() error { return second(e.Check(ctx, a.Token)) }
	each := func() error { _, _, err := e.CheckEach(ctx, []string{a.Token, b.Token}); return err }
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
		{"Rotate", 3, nil, func() error { a, err = e.Rotate(ctx, a.Token); return err }}, // of whom, load, save
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
		sent := tr.during(func() { isError(t, c.name, c.run(), nil) })
		if len(sent) != c.want {
			t.Errorf("%s takes %d statements, want %d:\n%s", c.name, len(sent), c.want, strings.Join(sent, "\n"))
		}
	}
}
