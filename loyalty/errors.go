package loyalty

import (
	"fmt"

	"github.com/scrmkit/scrmkit/errs"
)

// ErrRefused is matched, by errors.Is, by every error below and by *InsufficientError: the call was
// understood, and what the wallet holds does not allow it.
var ErrRefused = errs.New(errs.Conflict, "loyalty: refused")

func refuse(c errs.Class, text string) error { return errs.New(c, text, ErrRefused) }

// Errors of calls that the rules, or what the wallet holds, do not allow.
var (
	ErrUnknownProgram  = refuse(errs.NotFound, "loyalty: there is no such program; publish it first")
	ErrPublished       = refuse(errs.Conflict, "loyalty: that version is published; publish the next one")
	ErrUnknownAccount  = refuse(errs.NotFound, "loyalty: the member has no account in the program")
	ErrUnknownCurrency = refuse(errs.NotFound, "loyalty: the program has no such currency")
	ErrUnknownLevel    = refuse(errs.NotFound, "loyalty: the program has no such level")
	ErrUnknownBooking  = refuse(errs.NotFound, "loyalty: nothing was earned, or spent, under that key")
	ErrUnknownLine     = refuse(errs.NotFound, "loyalty: the purchase has no such line")
	ErrTooMuch         = refuse(errs.Exhausted, "loyalty: that is more than is left of it")
	ErrClosed          = refuse(errs.OutOfTime, "loyalty: the program does not run at that time")
	ErrCurrency        = refuse(errs.Conflict, "loyalty: the purchase is not in the program's currency")
	ErrAccountExists   = refuse(errs.Conflict, "loyalty: the member has an account in the program")
	ErrMerged          = refuse(errs.Conflict, "loyalty: the member was merged into another one")
)

var (
	// ErrOverflow: a wallet holds, and owes, at most MaxPoints; one event earns at most MaxEarned
	// units.
	ErrOverflow = refuse(errs.Exhausted, "loyalty: that is more points than a wallet can hold or owe")
	// ErrUnknownHold: the hold was captured, released or ended before, or never was.
	ErrUnknownHold = refuse(errs.NotFound, "loyalty: there is no such hold")
	// ErrHeld: capture or release the hold of that name first, or take another name.
	ErrHeld = refuse(errs.Conflict, "loyalty: there is a hold of that name")
	// ErrHolds: a wallet has at most MaxHolds holds.
	ErrHolds = refuse(errs.Exhausted, "loyalty: the wallet has as many holds as it can; capture or release one")
)

// A PublishedError reports a version that may not be published: it exists with another content, or
// is not the next one. It matches ErrPublished.
type PublishedError struct {
	InForce int // the newest version; 0: none is published
	Next    int // the version that can be published

	// Same reports that the version is stored as it was given: it was in force once, and InForce
	// has taken its place.
	Same bool
}

// Is reports whether target is errs.Conflict, ErrPublished or ErrRefused.
func (e *PublishedError) Is(target error) bool {
	return target == errs.Conflict || target == ErrPublished || target == ErrRefused
}

// Error implements error.
func (e *PublishedError) Error() string {
	if e.InForce == 0 {
		return "loyalty: no version is published; publish version 1 first"
	}
	return fmt.Sprintf("loyalty: version %d is in force; publish version %d", e.InForce, e.Next)
}

// An InsufficientError reports a spending of more points than there are. Have is below zero where
// the member owes points.
type InsufficientError struct {
	Have, Need int64 // units that may be spent, and units that were asked for
}

// Is reports whether target is errs.Exhausted or ErrRefused.
func (e *InsufficientError) Is(target error) bool {
	return target == errs.Exhausted || target == ErrRefused
}

// Error implements error.
func (e *InsufficientError) Error() string {
	return fmt.Sprintf("loyalty: %d points are needed and %d are there", e.Need, e.Have)
}
