package giftcard

import (
	"errors"
	"math"
	"testing"
)

// A command is one with its rule.
type command interface {
	apply(c *Card, p *payment) error
}

func TestRules(t *testing.T) {
	cny := func(minor int64) Money { return Money{minor, "CNY"} }
	card := func(minor int64) Card { return Card{ID: "G1", Seq: 1, Balance: cny(minor)} }
	issue := func(minor int64) Issue { return Issue{Command{Amount: cny(minor)}} }
	charge := func(minor int64) Charge { return Charge{Command{Amount: cny(minor)}} }
	refund := func(minor int64) Refund { return Refund{Command{Amount: cny(minor)}, "lunch"} }
	dollar := Charge{Command{Amount: Money{1, "USD"}}}

	for _, c := range []struct {
		name    string
		card    Card
		left    int64 // of the payment
		command command
		want    int64 // balance
		leaves  int64 // of the payment
		err     error
	}{
		{"issue", Card{ID: "G1"}, 0, issue(500), 500, 0, nil},
		{"issue the most", Card{ID: "G1"}, 0, issue(math.MaxInt64), math.MaxInt64, 0, nil},
		{"issue twice", card(1), 0, issue(500), 0, 0, ErrIssued},
		{"issue a card that is used up", card(0), 0, issue(500), 0, 0, ErrIssued},

		{"charge", card(500), 0, charge(200), 300, 200, nil},
		{"charge all", card(500), 0, charge(500), 0, 500, nil},
		{"charge more", card(500), 0, charge(501), 0, 0, ErrInsufficient},
		{"charge the most", card(0), 0, charge(math.MaxInt64), 0, 0, ErrInsufficient},
		{"charge no card", Card{ID: "G1"}, 0, charge(1), 0, 0, ErrUnknownCard},
		{"charge in dollars", card(500), 0, dollar, 0, 0, ErrCurrency},

		{"refund", card(500), 200, refund(50), 550, 150, nil},
		{"refund the rest", card(500), 200, refund(200), 700, 0, nil},
		{"refund more", card(500), 200, refund(201), 0, 0, ErrInsufficient},
		{"refund no charge", card(500), 0, refund(1), 0, 0, ErrInsufficient},
		{"refund no card", Card{ID: "G1"}, 0, refund(1), 0, 0, ErrUnknownCard},
		{"refund up to the most", card(math.MaxInt64 - 7), 7, refund(7), math.MaxInt64, 0, nil},
	} {
		got, paid := c.card, payment{"G1", "lunch", c.left}
		err := c.command.apply(&got, &paid)
		if !errors.Is(err, c.err) || err == nil && (got.Balance != cny(c.want) || paid.Left != c.leaves) {
			t.Errorf("%s: %+v, %+v, %v", c.name, got, paid, err)
		}
	}
}
