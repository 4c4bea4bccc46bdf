package till_test

import (
	"context"
	"errors"
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/stamps/till"
	"github.com/scrmkit/scrmkit/storage"
)

// What a bound till does is committed or rolled back with the transaction; what would check a
// code in it is refused, and charges nothing.
func TestATillThatIsBound(t *testing.T) {
	errOut := errors.New("the receipt printer is out of paper")
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		s := open(t, db)
		code := s.ask(t, stampIt, "ask")
		p, err := s.till.Preview(ctx, till.Enter{Shop: "wangjing", Manager: "kathy", Code: code, Key: "see"})
		if err != nil {
			t.Fatal(err)
		}
		confirm := func(end error) error {
			return s.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
				if _, err := s.till.In(tx).Confirm(ctx, till.Confirm{Shop: "wangjing", Manager: "kathy", Claim: p.Claim}); err != nil {
					return err
				}
				if _, err := s.till.In(tx).Press(ctx, till.Press{Serial: "A1", Request: stampIt, Key: "press"}); err != nil {
					return err
				}
				return end
			})
		}
		if err := confirm(errOut); !errors.Is(err, errOut) || s.total(t) != 0 {
			t.Fatalf("rolled back: %v, %d stamps", err, s.total(t))
		}
		if err := confirm(nil); err != nil || s.total(t) != 2 {
			t.Fatalf("committed: %v, %d stamps", err, s.total(t))
		}
		var asked string
		if err := s.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
			issued, err := s.till.In(tx).Ask(ctx, till.Ask{Shop: "wangjing", Request: stampIt, Key: "in"})
			asked = issued.Code
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if err := s.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
			x := till.Enter{Shop: "wangjing", Manager: "kathy", Code: asked, Key: "in"}
			if _, err := s.till.In(tx).Enter(ctx, x); err == nil {
				t.Error("a code was entered in a transaction that may be rolled back")
			}
			if _, err := s.till.In(tx).Preview(ctx, x); err == nil {
				t.Error("a code was previewed in a transaction that may be rolled back")
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.enter(asked, "out"); err != nil || s.total(t) != 3 {
			t.Errorf("the code outside: %v, %d stamps", err, s.total(t))
		}
	})
}
