package errs_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
)

var classes = []errs.Class{
	errs.NotFound, errs.Invalid, errs.Denied, errs.Conflict, errs.Exhausted, errs.OutOfTime, errs.TryAgain, errs.Internal,
}

var (
	errCoupon = errs.New(errs.Conflict, "shop: refused")
	errUsed   = errs.New(errs.OutOfTime, "shop: the coupon has ended", errCoupon)
)

// A limitError has a class of its own, whatever it wraps.
type limitError struct{ err error }

func (e *limitError) Error() string        { return "limit" }
func (e *limitError) Unwrap() error        { return e.err }
func (e *limitError) Is(target error) bool { return target == errs.Exhausted }

func TestClassOf(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want errs.Class
	}{
		{"no error", nil, ""},
		{"an error of others", io.EOF, ""},
		{"one of a class", errUsed, errs.OutOfTime},
		{"a class itself", errs.TryAgain, errs.TryAgain},
		{"one that wraps a class", fmt.Errorf("order 7: %w", errs.NotFound), errs.NotFound},
		{"a type with a class", &limitError{}, errs.Exhausted},
		{"a wrapped one", fmt.Errorf("redeem: %w", errUsed), errs.OutOfTime},
		{"the outermost decides", &limitError{errUsed}, errs.Exhausted},
		{"the first of those that are joined decides", errors.Join(errUsed, errs.TryAgain), errs.OutOfTime},
		{"errors without a class do not count", errors.Join(io.EOF, fmt.Errorf("%w: %w", io.EOF, errCoupon)), errs.Conflict},
		{"text alone is no class", errors.New("not found"), ""},
	} {
		if got := errs.ClassOf(tt.err); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// An error is one of its class and of what it is a case of, and takes over no class from there.
func TestNew(t *testing.T) {
	if !errors.Is(errUsed, errUsed) || !errors.Is(errUsed, errCoupon) || !errors.Is(errUsed, errs.OutOfTime) {
		t.Error("errUsed does not match what it is")
	}
	if errors.Is(errUsed, errs.Conflict) || errors.Is(errCoupon, errUsed) || errors.Is(errs.OutOfTime, errUsed) {
		t.Error("an error matches what it is not")
	}
	if errors.Is(errUsed, errs.New(errs.OutOfTime, errUsed.Error())) {
		t.Error("two errors of one class and text are one")
	}
	if errUsed.Error() != "shop: the coupon has ended" {
		t.Errorf("the text is %q", errUsed)
	}
}

// ClassOf says what errors.Is says: a class that the error matches, and none where it matches none.
func TestClassOfAgreesWithIs(t *testing.T) {
	var tree func(depth int) *rapid.Generator[error]
	tree = func(depth int) *rapid.Generator[error] {
		return rapid.Custom(func(t *rapid.T) error {
			kind := rapid.IntRange(0, 3).Draw(t, "kind")
			if depth > 0 {
				kind = rapid.IntRange(0, 6).Draw(t, "kind")
			}
			inner := func() error { return tree(depth-1).Draw(t, "inner") }
			switch kind {
			case 0:
				return io.EOF
			case 1:
				return rapid.SampledFrom(classes).Draw(t, "class")
			case 2:
				return errs.New(rapid.SampledFrom(classes).Draw(t, "class"), "text", errCoupon)
			case 3:
				return &limitError{}
			case 4:
				return fmt.Errorf("wrapped: %w", inner())
			case 5:
				return &limitError{inner()}
			}
			return errors.Join(inner(), inner(), inner())
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		err := tree(4).Draw(t, "err")
		got, matched := errs.ClassOf(err), 0
		for _, c := range classes {
			if errors.Is(err, c) {
				matched++
			}
		}
		if (got == "") != (matched == 0) || got != "" && !errors.Is(err, got) {
			t.Fatalf("class %q of an error that matches %d", got, matched)
		}
		if wrapped := fmt.Errorf("wrapped: %w", err); errs.ClassOf(wrapped) != got || errs.ClassOf(errors.Join(io.EOF, err)) != got {
			t.Fatal("wrapping changes the class")
		}
		if first := tree(2).Draw(t, "first"); errs.ClassOf(first) != "" && errs.ClassOf(errors.Join(first, err)) != errs.ClassOf(first) {
			t.Fatal("the first of those that are joined does not decide")
		}
	})
}
