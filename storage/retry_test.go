package storage_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/scrmkit/scrmkit/storage"
)

func TestRetry(t *testing.T) {
	again := fmt.Errorf("serialization failure: %w", storage.ErrRetry)
	other := errors.New("other")
	for _, c := range []struct {
		name string
		errs []error
		runs int
		want error
	}{
		{"at once", []error{nil}, 1, nil},
		{"another error", []error{other}, 1, other},
		{"the third time", []error{again, again, nil}, 3, nil},
		{"an error after another run", []error{again, other}, 2, other},
		{"never", []error{again, again, again, again, again, nil}, 5, again},
	} {
		t.Run(c.name, func(t *testing.T) {
			runs := 0
			err := storage.Retry(t.Context(), func() error {
				runs++
				return c.errs[runs-1]
			})
			if runs != c.runs || err != c.want {
				t.Errorf("%d runs, %v", runs, err)
			}
		})
	}
	t.Run("a caller that gave up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		runs := 0
		err := storage.Retry(ctx, func() error {
			runs++
			cancel()
			return again
		})
		if runs != 1 || err != again {
			t.Errorf("%d runs, %v", runs, err)
		}
	})
	t.Run("an error that says how the next run may do better", func(t *testing.T) {
		var renewed []int
		runs := 0
		err := storage.Retry(t.Context(), func() error {
			if runs++; runs == 3 {
				return nil
			}
			return fmt.Errorf("run %d: %w", runs, renewing{again, func() { renewed = append(renewed, runs) }})
		})
		if err != nil || !slices.Equal(renewed, []int{1, 2}) {
			t.Errorf("renewed after %v, %v", renewed, err)
		}
	})
}

// A renewing error is asked for something between two runs.
type renewing struct {
	error
	renew func()
}

func (e renewing) Unwrap() error         { return e.error }
func (e renewing) Renew(context.Context) { e.renew() }
