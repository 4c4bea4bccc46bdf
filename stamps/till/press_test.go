package till_test

import (
	"errors"
	"testing"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/stamps/till"
)

// certified returns the setting with tokens for the presses of stamp A1.
func certified(t testing.TB, s setting) (setting, string) {
	t.Helper()
	s.shops = shop.New(s.db, &shop.Options{PressKeys: []secret.Key{{ID: "k1", Secret: make([]byte, 32)}}})
	s.till = till.New(s.db, s.shops, s.codes, s.cards, nil)
	token, err := s.shops.Certify(ctx, "A1")
	if err != nil {
		t.Fatal(err)
	}
	return s, token
}

// One press gives one stamp, in one program, whatever else its member asks for under the same key.
func TestAPressServesOneRequest(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		s, token := certified(t, open(t, db))
		tea := s.publish(t, "tea", stamps.Earn{Per: stamps.PerVisit})
		first, err := s.till.Press(ctx, till.Press{Token: token, Request: stampIt, Key: "k"})
		if err != nil {
			t.Fatal(err)
		}
		if again, err := s.till.Press(ctx, till.Press{Token: token, Request: stampIt, Key: "k"}); err != nil || !again.Replayed || again.Request != first.Request {
			t.Errorf("repeated: %+v, %v", again, err)
		}
		if _, err := s.till.Press(ctx, till.Press{Token: token, Request: tea, Key: "k"}); !errors.Is(err, shop.ErrPress) {
			t.Errorf("in another program: %v", err)
		}
		if coffee, tea := s.total(t), s.count(t, "tea"); coffee != 1 || tea != 0 {
			t.Errorf("one press gave %d and %d stamps", coffee, tea)
		}
	})
}

// A customer does not undo her own redemption with a press that the shop takes for a stamp.
func TestAPressUndoesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		s, _ := certified(t, open(t, db))
		if _, err := s.cards.Adjust(ctx, stamps.Adjust{Card: stamps.CardID{Program: "coffee", Member: "alice"}, N: 10, Reason: "moved", Key: "ten"}); err != nil {
			t.Fatal(err)
		}
		id := stamps.CouponID{Card: stamps.CardID{Program: "coffee", Member: "alice"}, N: 1}
		press := func(p stamps.Purpose) error {
			token, err := s.shops.Certify(ctx, "A1")
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.till.Press(ctx, till.Press{Token: token, Request: till.Request{Purpose: p, Member: "alice", Coupon: &id}, Key: "press-" + string(p)})
			return err
		}
		if err := press(stamps.PurposeRedeem); err != nil {
			t.Fatal(err)
		}
		for _, p := range []stamps.Purpose{stamps.PurposeUndo, stamps.PurposeVoid} {
			var input *errs.InputError
			if err := press(p); !errors.As(err, &input) || input.Field != "purpose" {
				t.Errorf("%s: %v", p, err)
			}
		}
		if c, err := s.cards.Coupon(ctx, id); err != nil || c.State != stamps.Redeemed {
			t.Errorf("the coupon is %s, %v", c.State, err)
		}
	})
}
