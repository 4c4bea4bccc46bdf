package stamps

import (
	"errors"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/internal/valid"
)

// An InputError is a command that can't be: its Field is missing or out of its bounds, as its Reason says.
type InputError = valid.Error

var (
	ErrUnknownProgram = errors.New("stamps: there is no such programme; publish it first")
	ErrPublished      = errors.New("stamps: that version is published; publish the next one")
	ErrUnknownCard    = errors.New("stamps: there is no such card")
	ErrUnknownRecord  = errors.New("stamps: the card has no such stamp")
	ErrUnknownCoupon  = errors.New("stamps: there is no such coupon")
	ErrNoCard         = errors.New("stamps: the programme collects no stamps")
	ErrNoHandout      = errors.New("stamps: the programme hands out no coupons")
	ErrClosed         = errors.New("stamps: the programme does not run at that time")
	ErrShop           = errors.New("stamps: the shop does not take part")
	ErrCurrency       = errors.New("stamps: the purchase is not in the programme's currency")
	ErrMinPurchase    = errors.New("stamps: the purchase is below the minimum")
	ErrNothing        = errors.New("stamps: the purchase earns no stamp")
	ErrFull           = errors.New("stamps: the card is full")
	ErrOrder          = errors.New("stamps: a later stamp is on the card; adjust it by hand instead")
	ErrTooFew         = errors.New("stamps: the card has fewer stamps than that, lapsed ones left out")
	ErrCancelled      = errors.New("stamps: the stamp was cancelled before")
	ErrSoldOut        = errors.New("stamps: all coupons are handed out")
	ErrMemberLimit    = errors.New("stamps: the member has claimed as many as one may")
	ErrRedeemed       = errors.New("stamps: the coupon was redeemed before")
	ErrVoided         = errors.New("stamps: the coupon was voided")
	ErrLapsed         = errors.New("stamps: the coupon is past its end")
	ErrNotRedeemed    = errors.New("stamps: the coupon is not redeemed")
)

// A LimitError is an Add that a limit on time refuses. It may be tried again, with a new key, after RetryAfter.
type LimitError struct {
	Limit      string // "cooldown" or "perDay"
	RetryAfter time.Duration
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("stamps: limit %s is reached; try again in %s", e.Limit, e.RetryAfter.Round(time.Second))
}

// A UsedError is a taking back of stamps whose coupon is used, in a programme that refuses that.
type UsedError struct{ Coupon CouponID }

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
