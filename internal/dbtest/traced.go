package dbtest

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/scrmkit/scrmkit/internal/pgtest"
)

// A Tracer keeps the statements that are sent to a server.
type Tracer struct {
	mu   sync.Mutex
	sent []string
}

// Traced returns an empty database of Postgres, and what keeps the statements that are sent to it.
func Traced(t testing.TB) (DB, *Tracer) {
	t.Helper()
	config, err := pgx.ParseConfig(pgtest.DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	tr := &Tracer{}
	config.Tracer = tr
	db := bun.NewDB(stdlib.OpenDB(*config), pgdialect.New())
	t.Cleanup(func() { _ = db.Close() })
	return Of(migrated(t, db)), tr
}

// During returns what fn sent. Each statement is a round trip; BEGIN and COMMIT are two of those.
func (tr *Tracer) During(fn func()) []string {
	tr.mu.Lock()
	tr.sent = nil
	tr.mu.Unlock()
	fn()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.sent
}

// TraceQueryStart implements pgx.QueryTracer.
func (tr *Tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.sent = append(tr.sent, q.SQL)
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (*Tracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
