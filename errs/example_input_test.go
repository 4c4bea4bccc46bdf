package errs_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// A service answers with the field that is wrong, whichever package the error is from.
func ExampleInputError() {
	points := loyalty.New(memory.New(), nil)
	_, err := points.Redeem(context.Background(), loyalty.Redeem{
		Account: loyalty.AccountID{Program: "club", Member: "alice"}, N: -5, Key: "order-1",
	})
	if invalid, ok := errors.AsType[*errs.InputError](err); ok {
		fmt.Println(invalid.Field, invalid.Reason)
	}
	// Output:
	// n is not between 1 and 1000000000000000
}

// Compile and Publish find all mistakes of a definition at once.
func ExampleDefinitionError() {
	_, err := loyalty.Compile(loyalty.Definition{
		ID: "club", Version: 1, Zone: "UTC", Late: 500, Currencies: []loyalty.Currency{{ID: "points", Scale: 9}},
	})
	if invalid, ok := errors.AsType[*errs.DefinitionError](err); ok {
		for _, m := range invalid.Mistakes {
			fmt.Println(m.Path, m.Reason)
		}
	}
	// Output:
	// late is not between 0 and 366
	// currencies[0].scale is not between 0 and 4
}
