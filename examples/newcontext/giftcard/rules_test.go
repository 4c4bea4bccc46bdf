package giftcard

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
)

// A command is one with its rule.
type command interface {
	apply(c Card, p payment, now time.Time) (Card, payment, error)
}

func TestRules(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	cny := func(minor int64) Money { return Money{minor, "CNY"} }
	card := func(minor int64) Card { return Card{ID: "G1", Seq: 1, Balance: cny(minor)} }
	ending := func(ends time.Time) Card { c := card(500); c.Ends = ends; return c }
	void := Card{ID: "G1", Seq: 2, Balance: cny(0), Voided: true}
	paid := payment{Card: "G1", Key: "lunch", Taken: 300, Refunded: 100}
	charge := func(m Money) Charge { return Charge{Amount: m} }
	refund := func(m Money) Refund { return Refund{Of: "lunch", Amount: m} }

	for _, c := range []struct {
		name    string
		card    Card
		paid    payment
		command command
		want    int64   // balance
		moved   payment // afterwards
		err     error
		class   errs.Class
	}{
		{"issue", Card{ID: "G1"}, payment{}, Issue{Amount: cny(500), Ends: now.Add(1 * time.Microsecond)}, 500, payment{}, nil, ""},
		{"issue without an end", Card{ID: "G1"}, payment{}, Issue{Amount: cny(500)}, 500, payment{}, nil, ""},
		{"issue twice", card(1), payment{}, Issue{Amount: cny(500)}, 0, payment{}, ErrIssued, errs.Conflict},
		{"issue a void card", void, payment{}, Issue{Amount: cny(500)}, 0, payment{}, ErrIssued, errs.Conflict},
		{"issue with an end at once", Card{ID: "G1"}, payment{}, Issue{Amount: cny(500), Ends: now}, 0, payment{}, errs.Invalid, errs.Invalid},

		{"charge", card(500), payment{}, charge(cny(200)), 300, payment{Taken: 200}, nil, ""},
		{"charge all", card(500), payment{}, charge(cny(500)), 0, payment{Taken: 500}, nil, ""},
		{"charge more", card(500), payment{}, charge(cny(501)), 0, payment{}, &InsufficientError{500, 501}, errs.Exhausted},
		{"charge the most", card(0), payment{}, charge(cny(math.MaxInt64)), 0, payment{}, &InsufficientError{0, math.MaxInt64}, errs.Exhausted},
		{"charge before the end", ending(now.Add(1)), payment{}, charge(cny(1)), 499, payment{Taken: 1}, nil, ""},
		{"charge at the end", ending(now), payment{}, charge(cny(1)), 0, payment{}, ErrExpired, errs.OutOfTime},
		{"charge a void card", void, payment{}, charge(cny(1)), 0, payment{}, ErrVoided, errs.Conflict},
		{"charge no card", Card{ID: "G1"}, payment{}, charge(cny(1)), 0, payment{}, ErrUnknownCard, errs.NotFound},
		{"charge in dollars", card(500), payment{}, charge(Money{1, "USD"}), 0, payment{}, ErrCurrency, errs.Conflict},

		{"top up", card(500), payment{}, TopUp(charge(cny(1))), 501, payment{}, nil, ""},
		{"top up to the most", card(1), payment{}, TopUp(charge(cny(math.MaxInt64 - 1))), math.MaxInt64, payment{}, nil, ""},
		{"top up beyond", card(1), payment{}, TopUp(charge(cny(math.MaxInt64))), 0, payment{}, ErrOverflow, errs.Conflict},
		{"top up at the end", ending(now), payment{}, TopUp(charge(cny(1))), 0, payment{}, ErrExpired, errs.OutOfTime},
		{"top up a void card", void, payment{}, TopUp(charge(cny(1))), 0, payment{}, ErrVoided, errs.Conflict},

		{"refund", card(500), paid, refund(cny(50)), 550, payment{"G1", "lunch", 300, 150}, nil, ""},
		{"refund the rest", card(500), paid, refund(cny(200)), 700, payment{"G1", "lunch", 300, 300}, nil, ""},
		{"refund more", card(500), paid, refund(cny(201)), 0, payment{}, &InsufficientError{200, 201}, errs.Exhausted},
		{"refund no charge", card(500), payment{Card: "G1", Key: "lunch"}, refund(cny(1)), 0, payment{}, ErrUnknownCharge, errs.NotFound},
		{"refund beyond", card(math.MaxInt64), paid, refund(cny(1)), 0, payment{}, ErrOverflow, errs.Conflict},
		{"refund in dollars", card(500), paid, refund(Money{1, "USD"}), 0, payment{}, ErrCurrency, errs.Conflict},
		{"refund at the end", ending(now), paid, refund(cny(1)), 0, payment{}, ErrExpired, errs.OutOfTime},

		{"void", card(500), payment{}, Void{}, 0, payment{}, nil, ""},
		{"void an expired card", ending(now), payment{}, Void{}, 0, payment{}, nil, ""},
		{"void twice", void, payment{}, Void{}, 0, payment{}, ErrVoided, errs.Conflict},
		{"void no card", Card{ID: "G1"}, payment{}, Void{}, 0, payment{}, ErrUnknownCard, errs.NotFound},
	} {
		got, moved, err := c.command.apply(c.card, c.paid, now)
		if c.err != nil {
			var want, is *InsufficientError
			exact := errors.As(c.err, &want) && errors.As(err, &is) && *is == *want
			if !exact && !errors.Is(err, c.err) || errs.ClassOf(err) != c.class {
				t.Errorf("%s: %v, want %v", c.name, err, c.err)
			}
			continue
		}
		if _, voids := c.command.(Void); err != nil || got.Balance != cny(c.want) || moved != c.moved || got.Voided != voids {
			t.Errorf("%s: %+v, %+v, %v", c.name, got, moved, err)
		}
	}
}
