package lead_test

import (
	"bufio"
	"crypto/rand"
	"database/sql"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/storage"
)

var adapters = map[string]func(b *testing.B) (storage.DB, *sql.DB){
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

// BenchmarkImport adds the rows of a file to the library, a tenth of them twice: -benchtime 1000000x is a million of them. peak-MB is
// what the process has of the system at most.
func BenchmarkImport(b *testing.B) {
	for _, name := range []string{"postgres", "sqlite"} {
		for _, phones := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/phones=%t", name, phones), func(b *testing.B) {
				db, _ := adapters[name](b)
				leads := lead.New(db.Leads(), nil)
				c := lead.ImportCSV{Platform: "whatsapp", Namespace: lead.WhatsApp, Phones: phones, Region: "CN", Key: "file"}
				file, to := io.Pipe()
				go func() {
					w := bufio.NewWriterSize(to, 1<<16)
					for i := range b.N {
						fmt.Fprintf(w, "86138%08d,name %d,remark\n", i*10/11, i)
					}
					_ = w.Flush()
					_ = to.Close()
				}()
				rows, added := 0, 0
				b.ResetTimer()
				for m, err := range leads.ImportCSV(ctx, c, file) {
					if err != nil {
						b.Fatal(err)
					}
					rows++
					if m.Mark == lead.Added {
						added++
					}
				}
				b.StopTimer()
				if rows != b.N || added < rows*9/10 {
					b.Fatal(rows, added)
				}
				var mem runtime.MemStats
				runtime.ReadMemStats(&mem)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
				b.ReportMetric(float64(mem.Sys)/1e6, "peak-MB")
			})
		}
	}
}

// BenchmarkMeet counts new contacts of 20 codes.
func BenchmarkMeet(b *testing.B) {
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
