package stamps

import (
	"errors"
	"fmt"
	"testing"

	"github.com/scrmkit/scrmkit/errs"
)

func TestRefusals(t *testing.T) {
	for _, err := range []error{ErrFull, ErrRedeemed, ErrUnknownProgram, &LimitError{}, &UsedError{}, fmt.Errorf("wrapped: %w", ErrShop)} {
		if !errors.Is(err, ErrRefused) {
			t.Errorf("%v is no refusal", err)
		}
	}
	for _, err := range []error{nil, &errs.InputError{}, errors.New("boom")} {
		if errors.Is(err, ErrRefused) {
			t.Errorf("%v is a refusal", err)
		}
	}
}
