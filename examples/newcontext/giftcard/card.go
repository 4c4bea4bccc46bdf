// Package giftcard keeps gift cards: money that is paid in advance and spent later. The balance of
// a card is the sum of what the entries of its journal moved, and never below zero.
package giftcard

import "github.com/scrmkit/scrmkit/errs"

// Errors of the rules.
var (
	ErrUnknownCard  = errs.New(errs.NotFound, "there is no such card")
	ErrIssued       = errs.New(errs.Conflict, "the card was issued before")
	ErrCurrency     = errs.New(errs.Conflict, "the card is in another currency")
	ErrInsufficient = errs.New(errs.Exhausted, "the amount exceeds what remains")
)

// A CardID names a card within its tenant.
type CardID string

// Money is an amount in a currency.
type Money struct {
	Minor    int64  `json:"minor"`    // minor units
	Currency string `json:"currency"` // ISO 4217
}

// A Card is a gift card.
type Card struct {
	ID      CardID `json:"id"`      // unique in the tenant
	Seq     int64  `json:"seq"`     // number of its last entry in the journal
	Balance Money  `json:"balance"` // never below zero
}

// A payment is what may be refunded of a Charge.
type payment struct {
	Card CardID
	Key  string // of the Charge
	Left int64  // minor units
}

// A Command is what every command has.
type Command struct {
	Card   CardID `json:"card"`         // card to change
	Amount Money  `json:"amount"`       // above zero
	By     string `json:"by,omitempty"` // who does it, for the journal
	Key    string `json:"-"`            // idempotency key within the card; required
}

// An Issue makes a card with an amount on it.
type Issue struct{ Command }

// A Charge takes money off a card.
type Charge struct{ Command }

// A Refund puts money back that a Charge took off.
type Refund struct {
	Command
	Of string `json:"of"` // key of that Charge
}

func (i Issue) apply(c *Card, _ *payment) error {
	if c.Seq != 0 {
		return ErrIssued
	}
	c.Balance = i.Amount
	return nil
}

func (h Charge) apply(c *Card, p *payment) error {
	return c.move(p, -h.Amount.Minor, h.Amount.Currency)
}

func (r Refund) apply(c *Card, p *payment) error { return c.move(p, r.Amount.Minor, r.Amount.Currency) }

// move moves an amount from a payment back to the card or, where it is negative, the other way. The
// sums stay within what the card was issued with.
func (c *Card) move(p *payment, minor int64, currency string) error {
	switch {
	case c.Seq == 0:
		return ErrUnknownCard
	case c.Balance.Currency != currency:
		return ErrCurrency
	case c.Balance.Minor+minor < 0 || p.Left < minor:
		return ErrInsufficient
	}
	c.Balance.Minor, p.Left = c.Balance.Minor+minor, p.Left-minor
	return nil
}
