package retention_test

import (
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage/retention"
)

// BenchmarkSize reports how many bytes a purchase of two lines takes on Postgres, with its indexes and
// without the room that updates leave behind: of members who buy 50 times, as it is stored, after
// Strip and after Prune; what its entry takes in an archive; and what an account takes. An operation
// is a purchase. Run it with -benchtime 50000x, or more.
func BenchmarkSize(b *testing.B) {
	dsn := pgtest.Bench(b)
	db := dbtest.Postgres(b, dsn)
	server, err := sql.Open("pgx", dsn)
	must(b, err)
	defer server.Close()
	points := loyalty.New(db, nil)
	_, err = points.Publish(b.Context(), loyalty.Definition{
		ID: "club", Version: 1, Zone: "Asia/Shanghai", Money: "CNY",
		Currencies: []loyalty.Currency{{ID: "points", Expiry: loyalty.Expiry{Months: 12, RoundUp: loyalty.Month}}},
		Rules:      []loyalty.Rule{{ID: "base", Give: loyalty.Give{Points: "1", Per: loyalty.PerMoney, Amount: 100}}},
	})
	must(b, err)
	members := max(1, b.N/50)
	b.ResetTimer()
	var callers sync.WaitGroup
	for caller := range 32 {
		callers.Go(func() {
			for i := caller; i < b.N; i += 32 {
				_, err := points.Earn(b.Context(), loyalty.Earn{
					Account: loyalty.AccountID{Program: "club", Member: ids.Member(fmt.Sprint("member-", i%members))},
					Event: loyalty.Event{Shop: "north", Purchase: &loyalty.Purchase{Currency: "CNY", Lines: []loyalty.Line{
						{ID: "1", SKU: "latte-large", Category: "coffee", Quantity: 2, Gross: 6400},
						{ID: "2", SKU: "croissant", Category: "bakery", Quantity: 1, Gross: 2800, Discount: 300},
					}}},
					Key: fmt.Sprint("order-2026-", i),
				})
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	callers.Wait()
	b.StopTimer()
	taken := func(table string) float64 {
		var n float64
		must(b, server.QueryRow("select pg_total_relation_size($1)", "scrmkit."+table).Scan(&n))
		return n
	}
	report := func(name string) {
		_, err := server.Exec("vacuum full analyze")
		must(b, err)
		b.ReportMetric((taken("journal_entry")+taken("loyalty_booking"))/float64(b.N), name+"-B/op")
	}
	report("stored")
	b.ReportMetric(taken("loyalty_booking")/float64(b.N), "booking-B/op")
	b.ReportMetric(taken("loyalty_account")/float64(members), "B/account")
	path := filepath.Join(b.TempDir(), "archive.jsonl")
	file, err := os.Create(path)
	must(b, err)
	old, err := retention.New(db, &retention.Options{Limit: b.N, Pruned: points.Forget})
	must(b, err)
	_, err = old.Archive(b.Context(), file, time.Now().Add(time.Hour))
	must(b, err)
	at, err := file.Seek(0, io.SeekCurrent)
	must(b, err)
	must(b, file.Close())
	b.ReportMetric(float64(at)/float64(b.N), "archived-B/op")
	_, err = old.Strip(b.Context(), func() (io.ReadCloser, error) { return os.Open(path) })
	must(b, err)
	report("stripped")
	_, err = old.Prune(b.Context(), time.Now().Add(time.Hour))
	must(b, err)
	report("pruned")
}
