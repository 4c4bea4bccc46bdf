package storage

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// maxRuns is how often a transaction is run.
const maxRuns = 5

// A renewer is an error that says how the next run may do better.
type renewer interface {
	error
	Renew(ctx context.Context)
}

// Retry runs fn, which runs a transaction of the caller's own, again while its error is ErrRetry, at
// most 5 times and after pauses that grow. fn rolls back where it returns an error, and leaves
// nothing behind then. Where ctx ends meanwhile, the last error of fn comes back. A database that
// is to do something between two runs gives the error a method Renew(context.Context).
func Retry(ctx context.Context, fn func() error) error {
	for run := 1; ; run++ {
		err := fn()
		if run == maxRuns || ctx.Err() != nil || !errors.Is(err, ErrRetry) {
			return err
		}
		t := time.NewTimer(time.Duration(1 + rand.Int64N(int64(2*time.Millisecond)<<run)))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return err
		}
		if e, ok := errors.AsType[renewer](err); ok {
			e.Renew(ctx)
		}
	}
}
