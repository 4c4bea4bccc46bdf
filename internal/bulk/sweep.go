package bulk

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

const (
	sweepBatch    = 64  // items of a batch
	sweepFailures = 100 // errors after which a sweep stops
)

// Sweep runs what is due in batches, in its order, until limit of it took effect, a hundred have
// failed or ctx has ended: one that fails keeps no other waiting. run returns how many of a batch took
// effect, and the errors of those that failed. It returns how many did, with the errors; name is what
// that of due begins with.
func Sweep[D any](
	ctx context.Context, name string, due iter.Seq2[D, error], limit int, run func(batch []D) (n int, errs []error),
) (n int, err error) {
	if limit <= 0 {
		return 0, nil
	}
	var failed []error
	var batch []D
	post := func() {
		some, errs := run(batch)
		n, failed, batch = n+some, append(failed, errs...), nil
	}
	for d, err := range due {
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", name, err))
			break
		}
		if batch = append(batch, d); len(batch) == min(sweepBatch, limit-n) {
			if post(); n >= limit || len(failed) >= sweepFailures || ctx.Err() != nil {
				break
			}
		}
	}
	if len(batch) > 0 {
		post()
	}
	return n, errors.Join(failed...)
}

// OneByOne runs a batch of Sweep one after the other.
func OneByOne[D any](run func(D) error) func(batch []D) (int, []error) {
	return func(batch []D) (n int, errs []error) {
		for _, d := range batch {
			if err := run(d); err != nil {
				errs = append(errs, err)
			} else {
				n++
			}
		}
		return n, errs
	}
}
