package errs_test

import (
	"fmt"

	"github.com/scrmkit/scrmkit/errs"
)

// An error of your own has a class too, and may be a case of another one.
func ExampleNew() {
	errGone := errs.New(errs.Conflict, "orders: the order was delivered or cancelled")
	errDelivered := errs.New(errs.OutOfTime, "orders: the order was delivered", errGone)
	fmt.Println(errDelivered, errs.ClassOf(errDelivered))
	// Output: orders: the order was delivered out of time
}
