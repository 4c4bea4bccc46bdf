package session_test

import (
	"crypto/rand"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/scrm/session"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// BenchmarkCheck checks tokens of 1,000 sessions.
func BenchmarkCheck(b *testing.B) {
	for name, opened := range map[string]func(b *testing.B) storage.Tx{
		"memory":   func(b *testing.B) storage.Tx { return memory.New() },
		"sqlite":   func(b *testing.B) storage.Tx { return dbtest.SQLite(b) },
		"postgres": func(b *testing.B) storage.Tx { return dbtest.Postgres(b, pgtest.Bench(b)).Tenant(rand.Text()[:4]) },
	} {
		for _, callers := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/callers=%d", name, callers), func(b *testing.B) {
				e := open(b, opened(b), "customer", session.Policy{}, nil)
				var tokens []string
				for i := range 1000 {
					tokens = append(tokens, start(b, e, session.Subject(fmt.Sprint("member-", i))).Token)
				}
				var n atomic.Int64
				b.SetParallelism(max(1, callers/runtime.GOMAXPROCS(0)))
				if callers == 1 {
					for b.Loop() {
						if _, err := e.Check(ctx, tokens[n.Add(1)%1000]); err != nil {
							b.Fatal(err)
						}
					}
					return
				}
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if _, err := e.Check(ctx, tokens[n.Add(1)%1000]); err != nil {
							b.Error(err)
						}
					}
				})
			})
		}
	}
}
