package combine

import "context"

// All runs commands together and by themselves, with ctx, and returns a result and an error for
// each.
func (r *Runner[C, U, R]) All(ctx context.Context, commands []C) ([]R, []error) {
	calls := make([]*call[C, R], len(commands))
	for i, c := range commands {
		calls[i] = &call[C, R]{c: c}
	}
	r.run(ctx, calls)
	results, errs := make([]R, len(calls)), make([]error, len(calls))
	for i, w := range calls {
		results[i], errs[i] = w.r, w.err
	}
	return results, errs
}
