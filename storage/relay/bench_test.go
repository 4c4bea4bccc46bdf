package relay_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/relay"
)

// BenchmarkStep hands entries of 10,000 subjects over, of the size of an earned purchase, by 8
// workers to a handler that does nothing. An operation is an entry.
func BenchmarkStep(b *testing.B) {
	for _, batch := range []int{500, 5000} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			dsn := pgtest.Bench(b)
			db := dbtest.Postgres(b, dsn)
			server, err := sql.Open("pgx", dsn)
			if err != nil {
				b.Fatal(err)
			}
			defer server.Close()
			if _, err := server.Exec("update scrmkit.journal_epoch set base = 1::bigint << 48"); err != nil { // each is of a transaction of its own
				b.Fatal(err)
			}
			if _, err := server.Exec(`insert into scrmkit.journal_entry (tenant, subject, key, seq, kind, at, actor, input, before, result, pos)
				select '', 'loyalty/club/m' || n % 10000, 'order-' || n, n / 10000 + 1, 'loyalty.earn', now(), 'kathy',
					decode(repeat('9f', 32), 'hex'), repeat('b', 250), repeat('r', 600), n from generate_series(1, $1::bigint) n`, b.N); err != nil {
				b.Fatal(err)
			}
			var handed atomic.Int64
			r := newRelay(b, db, func(context.Context, string, journal.Record) error { handed.Add(1); return nil }, relay.Options{Batch: batch})
			b.ResetTimer()
			for int(handed.Load()) < b.N {
				if _, err := r.Step(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// BenchmarkLag has 32 writers and a relay that runs beside them, and reports how long after its
// commit an entry is handed over. An operation is an entry.
func BenchmarkLag(b *testing.B) {
	db := dbtest.Postgres(b, pgtest.Bench(b))
	var mu sync.Mutex
	var lags []time.Duration
	written := make(map[string]time.Time, b.N)
	ctx, stop := context.WithCancel(b.Context())
	handed := make(chan struct{}, b.N)
	r := newRelay(b, db, func(_ context.Context, _ string, r journal.Record) error {
		mu.Lock()
		defer mu.Unlock()
		if at, ok := written[name(r.Entry)]; ok {
			lags = append(lags, time.Since(at))
		} // else it comes before its writer knows
		handed <- struct{}{}
		return nil
	}, relay.Options{})
	done := make(chan error)
	go func() { done <- r.Run(ctx, func(err error) { b.Error(err) }) }()
	var next atomic.Int64
	var writers sync.WaitGroup
	b.ResetTimer()
	for w := range 32 {
		writers.Go(func() {
			for seq := int64(1); int(next.Add(1)) <= b.N; seq++ {
				if err := write(b.Context(), db, subject(w), seq); err != nil {
					b.Error(err)
				}
				mu.Lock()
				written[name(journal.Entry{Subject: subject(w), Seq: seq})] = time.Now()
				mu.Unlock()
			}
		})
	}
	writers.Wait()
	for range b.N {
		<-handed
	}
	b.StopTimer()
	stop()
	<-done
	if slices.Sort(lags); len(lags) > 0 {
		b.ReportMetric(float64(lags[len(lags)/2].Milliseconds()), "ms-p50")
		b.ReportMetric(float64(lags[len(lags)*99/100].Milliseconds()), "ms-p99")
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	}
}
