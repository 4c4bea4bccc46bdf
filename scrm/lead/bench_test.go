package lead_test

import (
	"crypto/rand"
	"database/sql"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/storage"
)

// BenchmarkMeet counts new contacts of 20 codes.
func BenchmarkMeet(b *testing.B) {
	adapters := map[string]func(b *testing.B) (storage.DB, *sql.DB){
		"postgres": func(b *testing.B) (storage.DB, *sql.DB) {
			dsn := pgtest.Bench(b)
			server, err := sql.Open("pgx", dsn)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = server.Close() })
			return dbtest.Postgres(b, dsn).Tenant(rand.Text()[:4]), server
		},
		"sqlite": func(b *testing.B) (storage.DB, *sql.DB) { return dbtest.SQLite(b), nil },
	}
	for _, name := range []string{"postgres", "sqlite"} {
		b.Run(name, func(b *testing.B) {
			db, server := adapters[name](b)
			var codes []lead.CodeID
			for i := range 20 {
				codes = append(codes, lead.CodeID(fmt.Sprint("code-", i)))
			}
			leads, c := open(b, db, codes...)
			c.set(at(24 * 60))
			var event atomic.Int64
			for _, callers := range []int{1, 32} {
				b.Run(fmt.Sprint(callers), func(b *testing.B) {
					began := pgtest.WAL(b, server)
					var next atomic.Int64
					var wg sync.WaitGroup
					b.ResetTimer()
					for range callers {
						wg.Go(func() {
							for next.Add(1) <= int64(b.N) {
								i := event.Add(1)
								code := codes[i%20]
								m := met(code, person(fmt.Sprintf("86138%08d", i*7919%100_000_000)), inbound(lead.EventID(fmt.Sprintf("3EB0%016d", i)), lead.AccountID(fmt.Sprint("account-", i%100)), int(i%1000)))
								if _, err := leads.Meet(ctx, m); err != nil {
									b.Error(err)
									return
								}
							}
						})
					}
					wg.Wait()
					b.StopTimer()
					b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
					if server != nil {
						b.ReportMetric(float64(pgtest.WAL(b, server)-began)/float64(b.N), "wal-B/op")
					}
				})
			}
		})
	}
}
