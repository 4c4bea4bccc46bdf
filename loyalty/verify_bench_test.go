package loyalty_test

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage"
)

const crowded, visits = 2_000, 50 // members, and purchases of each

// crowdedClub runs f on a program of members with purchases.
func crowdedClub(b *testing.B, f func(b *testing.B, points *loyalty.Engine)) {
	adapters(b, func(b *testing.B, db storage.DB, server *sql.DB) {
		points := loyalty.New(db, nil)
		if _, err := points.Publish(ctx, club(1)); err != nil {
			b.Fatal(err)
		}
		together(100, func(i int) {
			for n := i; n < crowded; n += 100 {
				id := loyalty.AccountID{Program: "club", Member: ids.Member(fmt.Sprintf("m%04d", n))}
				for k := range visits {
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
		f(b, points)
		b.ReportMetric(float64(b.N)*crowded*visits/b.Elapsed().Seconds(), "entries/s")
	})
}

// BenchmarkVerifyProgram verifies a program of 2,000 members with 50 purchases each.
func BenchmarkVerifyProgram(b *testing.B) {
	crowdedClub(b, func(b *testing.B, points *loyalty.Engine) {
		for b.Loop() {
			if heads, err := points.Verified(ctx, loyalty.VerifyQuery{Program: "club"}); err != nil || len(heads.Members) != crowded {
				b.Fatal(len(heads.Members), err)
			}
		}
	})
}

// BenchmarkWhatIf compares such a program with one that gives twice the points.
func BenchmarkWhatIf(b *testing.B) {
	crowdedClub(b, func(b *testing.B, points *loyalty.Engine) {
		d := club(2)
		d.Rules[0].Give.Points = "2"
		next, err := loyalty.Compile(d)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if c, err := points.Compared(ctx, next, loyalty.WhatIfQuery{}); err != nil || c.Members != crowded {
				b.Fatal(c, err)
			}
		}
	})
}
