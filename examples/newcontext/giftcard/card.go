// Package giftcard keeps gift cards: money that is paid in advance and spent later. The balance of
// a card is the sum of what the entries of its journal moved, and never below zero.
package giftcard

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Errors of the rules.
var (
	ErrUnknownCard   = errs.New(errs.NotFound, "there is no such card")
	ErrUnknownCharge = errs.New(errs.NotFound, "the card has no charge with that key")
	ErrIssued        = errs.New(errs.Conflict, "the card was issued before")
	ErrVoided        = errs.New(errs.Conflict, "the card is void")
	ErrCurrency      = errs.New(errs.Conflict, "the card is in another currency")
	ErrOverflow      = errs.New(errs.Conflict, "the balance would exceed an int64")
	ErrExpired       = errs.New(errs.OutOfTime, "the card has expired")
)

// An InsufficientError reports an amount that exceeds what remains of the card or, of a Refund, of
// its charge.
type InsufficientError struct{ Have, Need int64 } // minor units

// Error implements error.
func (e *InsufficientError) Error() string {
	return fmt.Sprintf("the amount of %d exceeds the %d that remain", e.Need, e.Have)
}

// Is reports whether target is errs.Exhausted.
func (e *InsufficientError) Is(target error) bool { return target == errs.Exhausted }

// A CardID names a card within its tenant.
type CardID string

// Money is an amount in a currency.
type Money struct {
	Minor    int64  `json:"minor"`    // minor units
	Currency string `json:"currency"` // ISO 4217
}

// A Card is a gift card.
type Card struct {
	ID      CardID    `json:"id"`               // unique in the tenant
	Seq     int64     `json:"seq"`              // number of its last entry in the journal
	Balance Money     `json:"balance"`          // never below zero
	Ends    time.Time `json:"ends,omitzero"`    // from then on it can't be used; zero: never
	Voided  bool      `json:"voided,omitempty"` // it can't be used any more
}

// A payment is what a Charge took off a card, and how much of that was refunded.
type payment struct {
	Card            CardID
	Key             string // of the Charge
	Taken, Refunded int64
}

// A Command is what every command has.
type Command struct {
	Card CardID `json:"card"`         // card to change
	By   string `json:"by,omitempty"` // who does it, for the journal
	Key  string `json:"-"`            // idempotency key within the card; required
}

// An Issue makes a card.
type Issue struct {
	Command
	Amount Money     `json:"amount"`        // what is on it at first, above zero
	Ends   time.Time `json:"ends,omitzero"` // as Card.Ends
}

// A Charge takes money off a card.
type Charge struct {
	Command
	Amount Money `json:"amount"` // above zero
}

// A TopUp puts money on a card.
type TopUp Charge

// A Refund puts money back that a Charge took off.
type Refund struct {
	Command
	Of     string `json:"of"`     // key of that Charge
	Amount Money  `json:"amount"` // above zero
}

// A Void ends a card, with what is on it.
type Void struct{ Command }

func (m Money) check() error {
	return cmp.Or(valid.Between("amount.minor", m.Minor, 1, math.MaxInt64), valid.Currency("amount.currency", m.Currency))
}

func (i Issue) apply(c Card, p payment, now time.Time) (Card, payment, error) {
	c.Balance, c.Ends = i.Amount, journal.Instant(i.Ends)
	switch {
	case c.Seq != 0:
		return c, p, ErrIssued
	case !c.Ends.IsZero() && !now.Before(c.Ends):
		return c, p, &errs.InputError{Field: "ends", Reason: "is not in the future"}
	}
	return c, p, nil
}

func (h Charge) apply(c Card, p payment, now time.Time) (Card, payment, error) {
	c, err := c.moved(-h.Amount.Minor, h.Amount.Currency, now)
	p.Taken = h.Amount.Minor
	return c, p, err
}

func (t TopUp) apply(c Card, p payment, now time.Time) (Card, payment, error) {
	c, err := c.moved(t.Amount.Minor, t.Amount.Currency, now)
	return c, p, err
}

func (r Refund) apply(c Card, p payment, now time.Time) (Card, payment, error) {
	c, err := c.moved(r.Amount.Minor, r.Amount.Currency, now)
	switch left := p.Taken - p.Refunded; {
	case err == nil && p.Taken == 0:
		err = ErrUnknownCharge
	case err == nil && r.Amount.Minor > left:
		err = &InsufficientError{Have: left, Need: r.Amount.Minor}
	}
	p.Refunded += r.Amount.Minor
	return c, p, err
}

func (Void) apply(c Card, p payment, _ time.Time) (Card, payment, error) {
	switch {
	case c.Seq == 0:
		return c, p, ErrUnknownCard
	case c.Voided:
		return c, p, ErrVoided
	}
	c.Balance.Minor, c.Voided = 0, true
	return c, p, nil
}

// moved returns the card with an amount added to its balance, which is negative where it is taken.
func (c Card) moved(minor int64, currency string, now time.Time) (Card, error) {
	switch have := c.Balance.Minor; {
	case c.Seq == 0:
		return c, ErrUnknownCard
	case c.Voided:
		return c, ErrVoided
	case !c.Ends.IsZero() && !now.Before(c.Ends):
		return c, ErrExpired
	case c.Balance.Currency != currency:
		return c, ErrCurrency
	case minor > math.MaxInt64-have:
		return c, ErrOverflow
	case have+minor < 0:
		return c, &InsufficientError{Have: have, Need: -minor}
	}
	c.Balance.Minor += minor
	return c, nil
}
