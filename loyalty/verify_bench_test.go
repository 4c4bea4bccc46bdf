package loyalty_test

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage"
)

// BenchmarkVerifyProgram verifies a program of 2,000 members with 50 purchases each.
func BenchmarkVerifyProgram(b *testing.B) {
	const members, purchases = 2_000, 50
	adapters(b, func(b *testing.B, db storage.DB, server *sql.DB) {
		points := loyalty.New(db, nil)
		if _, err := points.Publish(ctx, club(1)); err != nil {
			b.Fatal(err)
		}
		together(100, func(i int) {
			for n := i; n < members; n += 100 {
				id := loyalty.AccountID{Program: "club", Member: ids.Member(fmt.Sprintf("m%04d", n))}
				for k := range purchases {
					if _, err := points.Earn(ctx, buy(id, 12_900, fmt.Sprint("order-", k))); err != nil {
						b.Error(err)
					}
				}
			}
		})
		if server != nil {
			if _, err := server.Exec("vacuum analyze"); err != nil {
				b.Fatal(err)
			}
		}
		for b.Loop() {
			if heads, err := points.Verified(ctx, loyalty.VerifyQuery{Program: "club"}); err != nil || len(heads.Members) != members {
				b.Fatal(len(heads.Members), err)
			}
		}
		b.ReportMetric(float64(b.N)*members*purchases/b.Elapsed().Seconds(), "entries/s")
	})
}
