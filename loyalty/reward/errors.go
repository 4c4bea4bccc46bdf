package reward

import (
	"errors"

	"github.com/scrmkit/scrmkit/internal/valid"
)

// An InputError is a command that can't be: its Field is missing or out of its bounds, as its
// Reason says.
type InputError = valid.Error

// A DefinitionError lists every mistake of a definition.
type DefinitionError = valid.DefinitionError

// A Mistake says what is wrong at its Path: "rewards[1].stock".
type Mistake = valid.Mistake

// ErrRefused: errors.Is tells it of every error below: the command was understood, and the rules do
// not allow it. Nothing was stored.
var ErrRefused = errors.New("reward: refused")

type refusal struct{ text string }

func (e *refusal) Error() string        { return e.text }
func (e *refusal) Is(target error) bool { return target == ErrRefused }

func refuse(text string) error { return &refusal{text} }

var (
	ErrUnknownCatalog = refuse("reward: there is no such catalogue; publish it first")
	ErrPublished      = refuse("reward: that version is published; publish the next one")
	ErrUnknownReward  = refuse("reward: the catalogue has no such reward")
	ErrUnknownVoucher = refuse("reward: there is no such voucher")
	ErrUnknownOrder   = refuse("reward: nothing is reserved under that number; it was captured, cancelled or is past its end")
	ErrClosed         = refuse("reward: the reward is not given at that time")
	ErrLevel          = refuse("reward: the reward is for other levels")
	ErrPrice          = refuse("reward: that is no price of the reward, or no longer; ask for the offers again")
	ErrTooFew         = refuse("reward: the points come to no step of the table")
	ErrSoldOut        = refuse("reward: there are not so many left")
	ErrMemberLimit    = refuse("reward: the member has taken as many as one may")
	ErrMerged         = refuse("reward: the member was merged into another one; name that one")
	ErrReserved       = refuse("reward: the member has as many reserved as one may; capture or cancel some")
	ErrRedeemed       = refuse("reward: the voucher was redeemed before")
	ErrVoided         = refuse("reward: the voucher was voided, or given back")
	ErrLapsed         = refuse("reward: the voucher is past its end")
	ErrNotYet         = refuse("reward: the voucher may not be redeemed yet")
	ErrNotIssued      = refuse("reward: the voucher is reserved; capture it first")
	ErrNotRedeemed    = refuse("reward: the voucher is not redeemed")
	ErrCurrency       = refuse("reward: the cart is in another currency than the catalog")
	ErrNothing        = refuse("reward: the voucher takes nothing off that cart")
	ErrShop           = refuse("reward: the voucher is not for that shop")
)
