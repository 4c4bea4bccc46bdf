package till_test

import (
	"context"
	"errors"
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/loyalty/till"
	"github.com/scrmkit/scrmkit/storage"
)

// What a bound till confirms is committed or rolled back with the transaction.
func TestATillThatIsBound(t *testing.T) {
	errOut := errors.New("the receipt printer is out of paper")
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		s := open(t, db)
		v := s.gives(t, "off", "v")
		enter := till.Enter{Shop: "wangjing", Manager: "kathy", Code: s.asks(t, v, "ask"), Key: "enter"}
		p := must[till.Preview](t)(s.till.Preview(ctx, enter))
		for _, end := range []error{errOut, nil} {
			err := db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
				if _, err := s.till.In(tx).Enter(ctx, enter); err == nil {
					t.Error("a code was entered in a transaction that may be rolled back")
				}
				if _, err := s.till.In(tx).Confirm(ctx, till.Confirm{Shop: "wangjing", Manager: "kathy", Claim: p.Claim}); err != nil {
					return err
				}
				return end
			})
			want := reward.Redeemed
			if end != nil {
				want = reward.Issued
			}
			if got := s.state(t, v); !errors.Is(err, end) || got != want {
				t.Errorf("a transaction that ends with %v: %v, and the voucher is %s", end, err, got)
			}
		}
	})
}
