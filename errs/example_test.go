package errs_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func statusOf(err error) int {
	switch errs.ClassOf(err) {
	case errs.NotFound:
		return http.StatusNotFound
	case errs.Invalid:
		return http.StatusUnprocessableEntity
	case errs.Denied:
		return http.StatusForbidden
	case errs.Conflict, errs.Exhausted, errs.OutOfTime:
		return http.StatusConflict
	case errs.TryAgain:
		return http.StatusServiceUnavailable // with Retry-After: 1
	}
	return http.StatusInternalServerError // and into the log: whoever called can't help it
}

func ExampleClassOf() {
	cards := stamps.New(memory.New(), nil)
	_, err := cards.Add(context.Background(), stamps.Add{
		Card: stamps.CardID{Program: "coffee", Member: "alice"}, N: 1, Key: "order-1",
	})
	fmt.Println(statusOf(err), errors.Is(err, stamps.ErrUnknownProgram))
	for _, err := range []error{stamps.ErrFull, otp.ErrInvalidCode, &loyalty.InsufficientError{Have: 1, Need: 2}, storage.ErrRetry, context.Canceled} {
		fmt.Println(statusOf(err), errs.ClassOf(err))
	}
	// Output:
	// 404 true
	// 409 exhausted
	// 422 invalid
	// 409 exhausted
	// 503 try again
	// 500
}
