package storage_test

import (
	"context"
	"errors"
	"fmt"
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
}
