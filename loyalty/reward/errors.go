package reward

import "github.com/scrmkit/scrmkit/errs"

// ErrRefused is matched, by errors.Is, by every error below: the command was understood, and the
// rules do not allow it. Nothing was stored.
var ErrRefused = errs.New(errs.Conflict, "reward: refused")

func refuse(c errs.Class, text string) error { return errs.New(c, text, ErrRefused) }

// Errors of commands that the rules do not allow.
var (
	ErrUnknownCatalog = refuse(errs.NotFound, "reward: there is no such catalog; publish it first")
	ErrPublished      = refuse(errs.Conflict, "reward: that version is published; publish the next one")
	ErrUnknownReward  = refuse(errs.NotFound, "reward: the catalog has no such reward")
	ErrUnknownVoucher = refuse(errs.NotFound, "reward: there is no such voucher")
	ErrUnknownOrder   = refuse(errs.NotFound, "reward: nothing is reserved under that number; it was captured, cancelled or is past its end")
	ErrClosed         = refuse(errs.OutOfTime, "reward: the reward is not given at that time")
	ErrLevel          = refuse(errs.Denied, "reward: the reward is for other levels")
	ErrPrice          = refuse(errs.Conflict, "reward: that is no price of the reward, or no longer; ask for the offers again")
	ErrTooFew         = refuse(errs.Conflict, "reward: the points come to no step of the table")
	ErrSoldOut        = refuse(errs.Exhausted, "reward: there are not so many left")
	ErrMemberLimit    = refuse(errs.Exhausted, "reward: the member has taken as many as one may")
	ErrMerged         = refuse(errs.Conflict, "reward: the member was merged into another one; name that one")
	ErrReserved       = refuse(errs.Exhausted, "reward: the member has as many reserved as one may; capture or cancel some")
	ErrRedeemed       = refuse(errs.Conflict, "reward: the voucher was redeemed before")
	ErrVoided         = refuse(errs.Conflict, "reward: the voucher was voided, or given back")
	ErrLapsed         = refuse(errs.OutOfTime, "reward: the voucher is past its end")
	ErrNotYet         = refuse(errs.OutOfTime, "reward: the voucher may not be redeemed yet")
	ErrNotIssued      = refuse(errs.Conflict, "reward: the voucher is reserved; capture it first")
	ErrNotRedeemed    = refuse(errs.Conflict, "reward: the voucher is not redeemed")
	ErrCurrency       = refuse(errs.Conflict, "reward: the cart is in another currency than the catalog")
	ErrNothing        = refuse(errs.Conflict, "reward: the voucher takes nothing off that cart")
	ErrCodeTaken      = refuse(errs.Conflict, "reward: another voucher came with the same code; look which one is right")
	ErrShop           = refuse(errs.Conflict, "reward: the voucher is not for that shop")
)
