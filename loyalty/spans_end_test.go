package loyalty_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

var errLost = errors.New("the database is lost")

// losing is a database that fails from a number of reads of the journal on.
type losing struct {
	storage.DB
	left  atomic.Int64
	panic bool
}

func (l *losing) Journal() journal.Store { return losingJournal{l.DB.Journal(), l} }

type losingJournal struct {
	journal.Store
	of *losing
}

func (j losingJournal) Of(ctx context.Context, subjects ...string) iter.Seq2[journal.Record, error] {
	switch {
	case j.of.left.Add(-1) >= 0:
		return j.Store.Of(ctx, subjects...)
	case j.of.panic:
		panic(errLost)
	}
	return func(yield func(journal.Record, error) bool) { yield(journal.Record{}, errLost) }
}

// Where the database fails, a worker panics, ctx ends or the consumer stops, the sequences end with
// what came before it and with that, and no goroutine is left.
func TestSpansEnd(t *testing.T) {
	for _, workers := range []int{1, 3} {
		for reads := range int64(7) {
			synctest.Test(t, func(t *testing.T) {
				l := &losing{DB: memory.New().Tenant("")}
				points, _ := open(t, l)
				points.Span(2)
				for n := range 10 {
					must[loyalty.Outcome](t)(points.Earn(ctx, buy(loyalty.AccountID{Program: "club", Member: ids.Member(fmt.Sprint("m", n))}, 10_000, "order")))
				}
				p := must[*loyalty.Program](t)(points.Program(ctx, "club", 0))
				// heads verifies, compares, and returns how many members came in order, and the error.
				heads := func(ctx context.Context, stop int) (n int, err error) {
					for head, failed := range points.VerifyProgram(ctx, loyalty.VerifyQuery{Program: "club", Workers: workers}) {
						if err != nil {
							t.Error("it goes on after", err)
						}
						if err = failed; err == nil && head.Member != ids.Member(fmt.Sprint("m", n)) {
							t.Error(head)
						}
						if err == nil {
							n++
						}
						if n == stop {
							break
						}
					}
					return n, err
				}
				parts := func(ctx context.Context, stop int) (n int, err error) {
					for part, failed := range points.WhatIf(ctx, p, loyalty.WhatIfQuery{Workers: workers}) {
						if err != nil {
							t.Error("it goes on after", err)
						}
						if err = failed; err == nil && part.Last != ids.Member(fmt.Sprint("m", n+1)) {
							t.Error(part)
						}
						if n += part.Members; n == stop {
							break
						}
					}
					return n, err
				}
				for name, f := range map[string]func(context.Context, int) (int, error){"verify": heads, "compare": parts} {
					l.panic = false
					l.left.Store(reads)
					n, err := f(ctx, -1)
					switch {
					case reads >= 5 && (n != 10 || err != nil), reads < 5 && !errors.Is(err, errLost), workers == 1 && n != int(min(reads, 5))*2:
						t.Error(name, workers, reads, n, err)
					}
					l.left.Store(1_000)
					if n, err := f(ctx, 4); n != 4 || err != nil {
						t.Error(name, "stopped:", n, err)
					}
					ended, cancel := context.WithCancel(ctx)
					cancel()
					if n, err := f(ended, -1); n != 0 || !errors.Is(err, context.Canceled) {
						t.Error(name, "canceled:", n, err)
					}
					l.panic = true
					l.left.Store(reads)
					func() {
						defer func() {
							if p := recover(); (p == nil) != (reads >= 5) {
								t.Error(name, workers, reads, p)
							}
						}()
						_, _ = f(ctx, -1)
					}()
					l.panic = false
				}
				l.left.Store(1_000)
			})
		}
	}
}

// A member who gave points to all others is read once, and not once for each of them.
func TestWhatIfReadsAHubOnce(t *testing.T) {
	l := &losing{DB: memory.New().Tenant("")}
	points, _ := open(t, l)
	hub := loyalty.AccountID{Program: "club", Member: "zoe"}
	must[loyalty.Outcome](t)(points.Adjust(ctx, loyalty.Adjust{Account: hub, N: 1_000, Reason: "r", Key: "k"}))
	for n := range 50 {
		must[loyalty.Outcome](t)(points.Transfer(ctx, loyalty.Transfer{Account: hub, To: ids.Member(fmt.Sprint("m", n)), N: 1, Key: fmt.Sprint("gift-", n)}))
	}
	points.Span(1)
	l.left.Store(1_000)
	c := must[loyalty.Comparison](t)(points.Compared(ctx, must[*loyalty.Program](t)(points.Program(ctx, "club", 0)), loyalty.WhatIfQuery{Workers: 1}))
	if reads := 1_000 - l.left.Load(); c.Commands != 51 || reads != 51+2 { // of each member, of the hub, and of all of the others
		t.Errorf("%d commands, %d reads", c.Commands, reads)
	}
}
