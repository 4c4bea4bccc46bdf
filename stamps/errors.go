package stamps

import (
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// ErrRefused is matched, by errors.Is, by every error below, *LimitError and *UsedError: the
// command was understood, and the rules do not allow it. Nothing was stored, and the same command
// is refused again while nothing else changes.
var ErrRefused = errs.New(errs.Conflict, "stamps: refused")

func refuse(c errs.Class, text string) error { return errs.New(c, text, ErrRefused) }

// Errors of commands that the rules do not allow.
var (
	ErrUnknownProgram = refuse(errs.NotFound, "stamps: there is no such program; publish it first")
	ErrPublished      = refuse(errs.Conflict, "stamps: that version is published; publish the next one")
	ErrUnknownCard    = refuse(errs.NotFound, "stamps: there is no such card")
	ErrCardExists     = refuse(errs.Conflict, "stamps: the member has a card of the program")
	ErrUnknownRecord  = refuse(errs.NotFound, "stamps: the card has no such stamp")
	ErrUnknownCoupon  = refuse(errs.NotFound, "stamps: there is no such coupon")
	ErrNoCard         = refuse(errs.Conflict, "stamps: the program collects no stamps")
	ErrNoHandout      = refuse(errs.Conflict, "stamps: the program hands out no coupons")
	ErrClosed         = refuse(errs.OutOfTime, "stamps: the program does not run at that time")
	ErrShop           = refuse(errs.Conflict, "stamps: the shop does not take part")
	ErrOtherShop      = refuse(errs.Denied, "stamps: another shop gave it; do it there, or ask for the customer's code")
	ErrCurrency       = refuse(errs.Conflict, "stamps: the purchase is in no currency of the program")
	ErrMinPurchase    = refuse(errs.Conflict, "stamps: the purchase is below the minimum")
	ErrCategory       = refuse(errs.Conflict, "stamps: nothing of the purchase is in a category that counts")
	ErrNothing        = refuse(errs.Conflict, "stamps: the purchase earns no stamp")
	ErrFull           = refuse(errs.Exhausted, "stamps: the card is full")
	ErrOrder          = refuse(errs.Conflict, "stamps: a later stamp is on the card; adjust it by hand instead")
	ErrTooFew         = refuse(errs.Exhausted, "stamps: the card has fewer stamps than that, lapsed ones left out")
	ErrCancelled      = refuse(errs.Conflict, "stamps: the stamp was cancelled before")
	ErrAbsent         = refuse(errs.Denied, "stamps: nobody vouches that the member is in that shop; claim with a code or a press there")
	ErrSoldOut        = refuse(errs.Exhausted, "stamps: all coupons are handed out")
	ErrMemberLimit    = refuse(errs.Exhausted, "stamps: the member has claimed as many as one may")
	ErrRedeemed       = refuse(errs.Conflict, "stamps: the coupon was redeemed before")
	ErrVoided         = refuse(errs.Conflict, "stamps: the coupon was voided")
	ErrLapsed         = refuse(errs.OutOfTime, "stamps: the coupon is past its end")
	ErrNotRedeemed    = refuse(errs.Conflict, "stamps: the coupon is not redeemed")
)

// A LimitError reports an Add that a limit on time refuses. It may be tried again, with a new key,
// after RetryAfter.
type LimitError struct {
	Limit      string        // "cooldown" or "perDay"
	RetryAfter time.Duration // how long to wait
}

// Is reports whether target is errs.Exhausted or ErrRefused.
func (e *LimitError) Is(target error) bool { return target == errs.Exhausted || target == ErrRefused }

// Error implements error.
func (e *LimitError) Error() string {
	return fmt.Sprintf("stamps: limit %s is reached; try again in %s", e.Limit, e.RetryAfter.Round(time.Second))
}

// A UsedError reports stamps that can't be taken back because their coupon is used, in a program
// that refuses that.
type UsedError struct {
	Coupon CouponID // coupon that was used
}

// Is reports whether target is errs.Conflict or ErrRefused.
func (e *UsedError) Is(target error) bool { return target == errs.Conflict || target == ErrRefused }

// Error implements error.
func (e *UsedError) Error() string {
	return fmt.Sprintf("stamps: coupon %s of these stamps is used; undo its redemption first", e.Coupon)
}

func (id CardID) check() error {
	if id.Claim < 0 {
		return &errs.InputError{Field: "card.claim", Reason: "is negative"}
	}
	if err := valid.ID("card.program", id.Program); err != nil {
		return err
	}
	return valid.ID("card.member", id.Member)
}
