package stamps

import (
	"errors"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/internal/valid"
)

// An InputError is a command that can't be: its Field is missing or out of its bounds, as its
// Reason says.
type InputError = valid.Error

// ErrRefused: errors.Is tells it of every error below, *LimitError and *UsedError: the command was
// understood, and the rules do not allow it. Nothing was stored, and the same command is refused
// again while nothing else changes.
var ErrRefused = errors.New("stamps: refused")

type refusal struct{ text string }

func (e *refusal) Error() string        { return e.text }
func (e *refusal) Is(target error) bool { return target == ErrRefused }

func refuse(text string) error { return &refusal{text} }

var (
	ErrUnknownProgram = refuse("stamps: there is no such programme; publish it first")
	ErrPublished      = refuse("stamps: that version is published; publish the next one")
	ErrUnknownCard    = refuse("stamps: there is no such card")
	ErrUnknownRecord  = refuse("stamps: the card has no such stamp")
	ErrUnknownCoupon  = refuse("stamps: there is no such coupon")
	ErrNoCard         = refuse("stamps: the programme collects no stamps")
	ErrNoHandout      = refuse("stamps: the programme hands out no coupons")
	ErrClosed         = refuse("stamps: the programme does not run at that time")
	ErrShop           = refuse("stamps: the shop does not take part")
	ErrOtherShop      = refuse("stamps: another shop gave it; do it there, or ask for the customer's code")
	ErrCurrency       = refuse("stamps: the purchase is in no currency of the programme")
	ErrMinPurchase    = refuse("stamps: the purchase is below the minimum")
	ErrCategory       = refuse("stamps: nothing of the purchase is in a category that counts")
	ErrNothing        = refuse("stamps: the purchase earns no stamp")
	ErrFull           = refuse("stamps: the card is full")
	ErrOrder          = refuse("stamps: a later stamp is on the card; adjust it by hand instead")
	ErrTooFew         = refuse("stamps: the card has fewer stamps than that, lapsed ones left out")
	ErrCancelled      = refuse("stamps: the stamp was cancelled before")
	ErrAbsent         = refuse("stamps: nobody vouches that the member is in that shop; claim with a code or a press there")
	ErrSoldOut        = refuse("stamps: all coupons are handed out")
	ErrMemberLimit    = refuse("stamps: the member has claimed as many as one may")
	ErrRedeemed       = refuse("stamps: the coupon was redeemed before")
	ErrVoided         = refuse("stamps: the coupon was voided")
	ErrLapsed         = refuse("stamps: the coupon is past its end")
	ErrNotRedeemed    = refuse("stamps: the coupon is not redeemed")
)

// A LimitError is an Add that a limit on time refuses. It may be tried again, with a new key, after
// RetryAfter.
type LimitError struct {
	Limit      string // "cooldown" or "perDay"
	RetryAfter time.Duration
}

// Is tells that the rules refuse it.
func (e *LimitError) Is(target error) bool { return target == ErrRefused }

func (e *LimitError) Error() string {
	return fmt.Sprintf("stamps: limit %s is reached; try again in %s", e.Limit, e.RetryAfter.Round(time.Second))
}

// A UsedError is a taking back of stamps whose coupon is used, in a program that refuses that.
type UsedError struct{ Coupon CouponID }

// Is tells that the rules refuse it.
func (e *UsedError) Is(target error) bool { return target == ErrRefused }

func (e *UsedError) Error() string {
	return fmt.Sprintf("stamps: coupon %s of these stamps is used; undo its redemption first", e.Coupon)
}

func (id CardID) check() error {
	if id.Claim < 0 {
		return &InputError{Field: "card.claim", Reason: "is negative"}
	}
	if err := valid.ID("card.program", id.Program); err != nil {
		return err
	}
	return valid.ID("card.member", id.Member)
}
