// Package bulk runs many items in batches, several at once.
package bulk

import (
	"context"
	"iter"
	"sync"
)

// Options say how items are run.
type Options struct {
	Batch   int // items of a batch, at least 1
	Workers int // batches at once, at least 1

	// Ended is called after each batch, never twice at once, with how many items from the first on
	// have ended; those of later batches may have, too. Nil: nobody asks.
	Ended func(n int)
}

// Run calls do for the items, in batches of their order; first is the number of the first item of a
// batch, from 0 on. It ends with the first error of the items, of do or of ctx, when every call
// has returned. Items are read by one goroutine, at most Workers batches ahead.
func Run[T any](ctx context.Context, items iter.Seq2[T, error], o Options, do func(ctx context.Context, first int, batch []T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	type part struct {
		first int
		items []T
	}
	parts := make(chan part)
	var workers sync.WaitGroup
	var mu sync.Mutex
	done, ended := map[int]int{}, 0 // batches that ended before one that began earlier, by their first items
	for range o.Workers {
		workers.Go(func() {
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
				for n, ok := done[ended]; ok; n, ok = done[ended] {
					delete(done, ended)
					ended += n
				}
				if o.Ended != nil {
					o.Ended(ended)
				}
				mu.Unlock()
			}
		})
	}
	first := 0
	var batch []T
	flush := func() bool {
		if len(batch) == 0 {
			return ctx.Err() == nil
		}
		select {
		case parts <- part{first, batch}:
			first, batch = first+len(batch), nil
			return true
		case <-ctx.Done():
			return false
		}
	}
	func() {
		defer workers.Wait()
		defer close(parts)
		for item, err := range items {
			if err != nil {
				cancel(err)
				return
			}
			if batch = append(batch, item); len(batch) == o.Batch && !flush() {
				return
			}
		}
		flush()
	}()
	return context.Cause(ctx)
}
