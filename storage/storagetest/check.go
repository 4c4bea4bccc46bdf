package storagetest

import (
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// exactly compares answers: a nil slice is an empty one, and a time is the same only where it is UTC
// too.
var exactly = cmp.Options{
	cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b time.Time) bool { return a == b }),
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[V any](t testing.TB, what string, got, want V) {
	t.Helper()
	if diff := cmp.Diff(want, got, exactly); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func isError(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: error is %v, want %v", what, got, want)
	}
}

// one is the error of a Save with one change.
func one(errs []error, err error) error {
	switch {
	case err != nil:
		return err
	case len(errs) != 1:
		return fmt.Errorf("%d answers for one change", len(errs))
	}
	return errs[0]
}

// allOf is the error of a Save that has to store every change.
func allOf(errs []error, err error) error { return errors.Join(append(errs, err)...) }

func collect[V any](seq iter.Seq2[V, error]) ([]V, error) {
	var all []V
	for v, err := range seq {
		if err != nil {
			return all, err
		}
		all = append(all, v)
	}
	return all, nil
}

func list[V any](t testing.TB, seq iter.Seq2[V, error]) []V {
	t.Helper()
	all, err := collect(seq)
	must(t, err)
	return all
}
