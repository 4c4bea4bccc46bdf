package desk_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/desk"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/storage"
)

// What a bound desk does is committed or rolled back with the transaction: a code and its jobs.
func TestADeskThatIsBound(t *testing.T) {
	errOut := errors.New("the order was not paid")
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		s := open(db)
		for _, end := range []error{errOut, nil} {
			err := db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
				_, err := s.In(tx).Create(ctx, desk.Create{Codes: activation.Create{N: 2, Key: "k", Settings: activation.Settings{
					Platforms: []ids.Platform{"line"}, Ports: 3, Counting: activation.Counting{Owner: "boss", Zone: "UTC"},
				}}})
				if err != nil {
					return err
				}
				return end
			})
			codes, jobs := 0, 0
			for _, err := range s.Codes.Codes(ctx, activation.CodeQuery{}) {
				isError(t, err, nil)
				codes++
			}
			for _, err := range s.Leads.Jobs(ctx, lead.JobQuery{}) {
				isError(t, err, nil)
				jobs++
			}
			want := "2 codes, 2 jobs"
			if end != nil {
				want = "0 codes, 0 jobs"
			}
			if got := fmt.Sprintf("%d codes, %d jobs", codes, jobs); !errors.Is(err, end) || got != want {
				t.Errorf("a transaction that ends with %v: %v, and there are %s", end, err, got)
			}
		}
	})
}
