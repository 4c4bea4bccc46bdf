package storage

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// maxRuns is how often a transaction is run.
const maxRuns = 5

// Retry runs fn, which runs a transaction of the caller's own, again while its error is ErrRetry, at
// most 5 times and after pauses that grow. fn rolls back where it returns an error, and leaves
// nothing behind then. Where ctx ends meanwhile, the last error of fn comes back.
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
	}
}
