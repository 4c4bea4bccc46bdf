package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A book is where the cards are kept.
type book interface {
	// define puts the program in force. It may run twice.
	define(ctx context.Context) error
	// stamp gives the stamp of a sale, and reports whether it was given before. *refusal: the rules
	// don't give it.
	stamp(ctx context.Context, s sale) (replayed bool, err error)
	// totals sums what is stored.
	totals(ctx context.Context) (totals, error)
}

// A refusal is a stamp that is not given, and would not be if it were asked for again.
type refusal struct{ err error }

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// totals are what a book holds of the program.
type totals struct {
	cards, stamps, completed int64
	coupons                  int64 // issued, whatever became of them
}

// A tally counts what a run did.
type tally struct {
	lines, cash, stamped, replayed, refused int
	refusal                                 error // one of them
	took                                    time.Duration
}

// play stamps the sales with so many callers. A card has one caller, so that its stamps are given
// in the order of sales. The first error that is no refusal ends the run.
func play(ctx context.Context, b book, sales []sale, callers int) (tally, error) {
	began := time.Now()
	sum := tally{lines: len(sales)}
	shares := make([][]sale, callers)
	callerOf := map[string]int{}
	for _, s := range sales {
		if s.card == "" {
			sum.cash++
			continue
		}
		i, ok := callerOf[s.card]
		if !ok {
			i = len(callerOf) % callers
			callerOf[s.card] = i
		}
		shares[i] = append(shares[i], s)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	tallies := make([]tally, callers)
	var wg sync.WaitGroup
	for i, share := range shares {
		wg.Go(func() {
			if err := tallies[i].play(ctx, b, share); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return tally{}, err
	}
	for _, t := range tallies {
		sum.stamped += t.stamped
		sum.replayed += t.replayed
		sum.refused += t.refused
		if sum.refusal == nil {
			sum.refusal = t.refusal
		}
	}
	sum.took = time.Since(began)
	return sum, nil
}

func (t *tally) play(ctx context.Context, b book, share []sale) error {
	for _, s := range share {
		replayed, err := b.stamp(ctx, s)
		if err != nil {
			err = fmt.Errorf("line %d: %w", s.line, err)
		}
		switch no := (*refusal)(nil); {
		case errors.As(err, &no):
			t.refused++
			t.refusal = err
		case err != nil:
			return err
		case replayed:
			t.replayed++
		default:
			t.stamped++
		}
	}
	return nil
}

// A result is a run, and what the book holds after it.
type result struct {
	tally
	totals
}

// replays reports whether a run of the same sales after r changed nothing.
func (r result) replays(next result) bool {
	return next.totals == r.totals && next.stamped == 0 && next.replayed == r.stamped+r.replayed && next.refused == r.refused
}
