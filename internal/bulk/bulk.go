// Package bulk runs many commands in batches, several at once.
package bulk

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/storage"
)

// Import runs the commands of a sequence: run those of a batch, and returns a result and an error
// for each. taken is called with the results, never twice at once, and returns whether one is of a
// command that was run before. It ends with the
// first error of the sequence, of a command, of taken or of ctx, when every call has returned;
// errors of commands that a class of package errs makes a matter of the command itself are told, if
// the options want that, and are no end. name is what the errors of commands begin with.
func Import[C, R any](
	ctx context.Context, name string, commands iter.Seq2[C, error], o storage.ImportOptions[C],
	run func(ctx context.Context, batch []C) ([]R, []error), taken func(R) (replayed bool, err error),
) (done storage.Imported, err error) {
	var mu sync.Mutex
	size, workers := 200, 4
	if o.Batch > 0 {
		size = o.Batch
	}
	if o.Workers > 0 {
		workers = o.Workers
	}
	err = batches(ctx, commands, size, workers, func(ctx context.Context, first int, batch []C) error {
		results, failed := run(ctx, batch)
		mu.Lock()
		defer mu.Unlock()
		for i, err := range failed {
			if err != nil && refused(err) && o.Refused != nil {
				done.Refused++
				o.Refused(first+i, batch[i], err)
				continue
			}
			replayed := false
			if err == nil {
				replayed, err = taken(results[i])
			}
			switch {
			case err != nil:
				return fmt.Errorf("%s %d: %w", name, first+i, err)
			case replayed:
				done.Replayed++
			default:
				done.Stored++
			}
		}
		return nil
	}, func(n int) {
		mu.Lock()
		defer mu.Unlock()
		done.Next = n
		if o.Progress != nil {
			o.Progress(done)
		}
	})
	return done, err
}

// refused reports whether an error is about the command, and not about the database or the process.
func refused(err error) bool {
	switch errs.ClassOf(err) {
	case "", errs.TryAgain, errs.Internal:
		return false
	}
	return true
}

// batches calls do for the items in batches of their order, so many at once; first is the number of
// the first item of a batch. ended is called after each, never twice at once, with how many items
// from the first on have ended. It ends with the first error when every call has returned. Items are
// read by one goroutine, no further ahead than the batches that are under way and one more.
func batches[T any](
	ctx context.Context, items iter.Seq2[T, error], size, workers int,
	do func(ctx context.Context, first int, batch []T) error, ended func(n int),
) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	type part struct {
		first int
		items []T
	}
	parts := make(chan part)
	var all sync.WaitGroup
	var mu sync.Mutex
	done, next := map[int]int{}, 0 // what ended before something that began earlier: how many items, by the first
	for range workers {
		all.Go(func() {
			for p := range parts {
				if ctx.Err() != nil {
					continue
				}
				if err := do(ctx, p.first, p.items); err != nil {
					cancel(err)
					continue
				}
				mu.Lock()
				done[p.first] = len(p.items)
				for n, ok := done[next]; ok; n, ok = done[next] {
					delete(done, next)
					next += n
				}
				ended(next)
				mu.Unlock()
			}
		})
	}
	first := 0
	var batch []T
	send := func() bool {
		select {
		case parts <- part{first, batch}:
			first, batch = first+len(batch), nil
			return true
		case <-ctx.Done():
			return false
		}
	}
	func() {
		defer all.Wait()
		defer close(parts)
		for item, err := range items {
			if err != nil {
				cancel(err)
				return
			}
			if batch = append(batch, item); len(batch) == size && !send() {
				return
			}
		}
		if len(batch) > 0 {
			send()
		}
	}()
	return context.Cause(ctx)
}
