package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage/journal"
)

func (s *service) head() {
	fmt.Fprintf(s.out, "%8s %9s %6s %6s %8s %8s %8s %8s %8s %5s %5s %10s %7s %9s %9s\n", "time", "done", "late", "errors",
		"p50 ms", "p99 ms", "max ms", "heap MB", "rss MB", "gor", "fds", "db MB", "lag s", "handed", "pruned")
}

// line prints a line of what the package comment lists.
func (s *service) line(ctx context.Context) {
	status, err1 := s.relay.Status(ctx)
	size, err2 := s.size(ctx)
	s.mu.Lock()
	took, fault := s.took, errors.Join(s.fault, err1, err2)
	s.took, s.fault = nil, nil
	s.mu.Unlock()
	slices.Sort(took)
	at := func(percent int) float64 {
		if len(took) == 0 {
			return 0
		}
		return took[(len(took)-1)*percent/100].Seconds() * 1000
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	fmt.Fprintf(s.out, "%8s %9d %6d %6d %8.1f %8.1f %8.1f %8.1f %8s %5d %5s %10.1f %7.2f %9d %9d\n",
		time.Since(s.began).Round(time.Second), s.done.Load(), s.late.Load(), s.errors.Load(), at(50), at(99), at(100),
		float64(live[0].Value.Uint64())/1e6, resident(), runtime.NumGoroutine(), files(), float64(size)/1e6,
		status.Lag.Seconds(), s.handed.Load(), s.pruned.Load())
	if fault != nil {
		fmt.Fprintln(s.out, "the last error:", fault)
	}
}

// size returns how large the database is: 0 in memory.
func (s *service) size(ctx context.Context) (n int64, err error) {
	if path, ok := strings.CutPrefix(s.config.db, "sqlite:"); ok {
		for _, name := range []string{path, path + "-wal"} {
			info, err := os.Stat(name)
			if err != nil {
				return 0, err
			}
			n += info.Size()
		}
	} else if s.sql != nil {
		err = s.sql.QueryRowContext(ctx, "select pg_database_size(current_database())").Scan(&n)
	}
	return n, err
}

// resident returns the resident memory of the process in MB, "-" where /proc has none.
func resident() string {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		var kB float64
		if n, _ := fmt.Sscanf(line, "VmRSS: %f kB", &kB); n == 1 {
			return fmt.Sprintf("%.1f", kB*1024/1e6)
		}
	}
	return "-"
}

// files returns how many files the process has open, "-" where /proc has none.
func files() string {
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return "-"
	}
	return fmt.Sprint(len(open))
}

// check verifies all ledgers, and compares what is stored with what the answers were. It prints both.
func (s *service) check(ctx context.Context) error {
	var bad, ledgers int
	for _, err := range s.points.VerifyProgram(ctx, loyalty.VerifyQuery{Program: "club"}) {
		if ledgers++; err != nil {
			bad++
			fmt.Fprintln(s.out, err)
		}
	}
	fmt.Fprintf(s.out, "%d ledgers are verified, %d of them bad\n", ledgers, bad)
	compare := func(what string, counted, stored int64) {
		if counted == stored {
			fmt.Fprintf(s.out, "%s: %d, as stored\n", what, counted)
			return
		}
		bad++
		fmt.Fprintf(s.out, "%s: %d, but stored are %d\n", what, counted, stored)
	}
	books, err1 := s.points.Totals(ctx, "club")
	compare("points issued", s.issued.Load(), books["points"].Issued)
	compare("points spent", s.spent.Load(), books["points"].Redeemed)
	balances, err2 := sum(s.points.Accounts(ctx, loyalty.AccountQuery{Program: "club"}), func(a loyalty.Account) int64 {
		return a.Wallet("points").Balance(a.At).Available
	})
	compare("points issued less points spent", s.issued.Load()-s.spent.Load(), balances)
	var given int64
	var err3 error
	for n := range s.members {
		of, err := sum(s.cards.Cards(ctx, memberID(n)), func(c stamps.Card) int64 { return c.Total })
		given, err3 = given+of, errors.Join(err3, err)
	}
	compare("stamps", s.stamps.Load(), given)
	summary, err4 := s.leads.Summary(ctx, job)
	compare("leads", s.heard.Load(), summary.Total.New+summary.Total.Duplicate)
	entries, err5 := sum(s.db.Journal().After(ctx, "", 0), func(journal.Record) int64 { return 1 })
	compare("entries handed over", s.handed.Load(), entries+s.pruned.Load())
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil || bad == 0 {
		return err
	}
	return fmt.Errorf("%d differences", bad)
}

// sum returns the sum of what each of a list counts for.
func sum[T any](list iter.Seq2[T, error], of func(T) int64) (total int64, err error) {
	for v, err := range list {
		if err != nil {
			return 0, err
		}
		total += of(v)
	}
	return total, nil
}
