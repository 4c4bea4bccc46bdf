package retention_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage/retention"
)

// BenchmarkCycle archives, strips and prunes entries of b.N/50 subjects, of the size of an earned
// purchase, while 32 callers earn. An operation is an entry.
func BenchmarkCycle(b *testing.B) {
	dsn := pgtest.Bench(b)
	db := dbtest.Postgres(b, dsn)
	server, err := sql.Open("pgx", dsn)
	must(b, err)
	defer server.Close()
	fill(b, server, b.N)
	points := loyalty.New(db, nil)
	_, err = points.Publish(b.Context(), loyalty.Definition{ID: "club", Version: 1, Zone: "UTC", Currencies: []loyalty.Currency{{ID: "points"}}})
	must(b, err)
	path := filepath.Join(b.TempDir(), "archive.jsonl")
	old, err := retention.New(db, &retention.Options{Limit: b.N})
	must(b, err)
	border := time.Now().AddDate(0, 0, -1)
	report := func(name string, do func()) {
		began := time.Now()
		p50, p99 := beside(b, points, do)
		b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), name+"/s")
		b.ReportMetric(p50, name+"-p50-ms")
		b.ReportMetric(p99, name+"-p99-ms")
	}
	b.ResetTimer()
	report("alone", func() { <-time.After(10 * time.Second) })
	report("archive", func() {
		file, err := os.Create(path)
		must(b, err)
		segment, err := old.Archive(b.Context(), file, border)
		must(b, err)
		must(b, file.Close())
		if segment.Entries != int64(b.N) {
			b.Fatalf("%+v", segment)
		}
	})
	report("strip", func() {
		_, err := old.Strip(b.Context(), func() (io.ReadCloser, error) { return os.Open(path) })
		must(b, err)
	})
	report("prune", func() {
		_, err := old.Prune(b.Context(), border)
		must(b, err)
	})
}

// fill writes entries of a week ago, each in the feed where a transaction of its own would put it.
func fill(b *testing.B, server *sql.DB, n int) {
	b.Helper()
	for _, text := range []string{
		"update scrmkit.journal_epoch set base = 1::bigint << 48",
		fmt.Sprintf(`insert into scrmkit.journal_entry (tenant, subject, key, seq, kind, at, actor, input, before, result, pos)
			select '', 'loyalty/club/m' || n %% %[2]d, 'order-' || n, n / %[2]d + 1, 'loyalty.earn', now() - interval '7 days', 'kathy',
				decode(repeat('9f', 32), 'hex'), '"' || repeat('b', 250) || '"', '"' || repeat('r', 600) || '"', n from generate_series(1, %[1]d) n`,
			n, max(1, n/50)),
		"vacuum analyze scrmkit.journal_entry",
	} {
		if _, err := server.Exec(text); err != nil {
			b.Fatal(err)
		}
	}
}

// beside has 32 callers earn while do runs, and returns how long a command takes in milliseconds, at
// the median and at p99.
func beside(b *testing.B, points *loyalty.Engine, do func()) (p50, p99 float64) {
	ctx, stop := context.WithCancel(b.Context())
	var mu sync.Mutex
	var all []time.Duration
	var callers sync.WaitGroup
	for caller := range 32 {
		callers.Go(func() {
			account := loyalty.AccountID{Program: "club", Member: ids.Member(fmt.Sprint("caller", caller))}
			for ctx.Err() == nil {
				began := time.Now()
				_, err := points.Adjust(context.WithoutCancel(ctx), loyalty.Adjust{Account: account, N: 1, Reason: "gift", Key: fmt.Sprint("key", next.Add(1))})
				if err != nil {
					b.Error(err)
					return
				}
				mu.Lock()
				all = append(all, time.Since(began))
				mu.Unlock()
			}
		})
	}
	do()
	stop()
	callers.Wait()
	slices.Sort(all)
	at := func(q int) float64 { return float64(all[len(all)*q/100].Microseconds()) / 1000 }
	return at(50), at(99)
}

var next atomic.Int64
