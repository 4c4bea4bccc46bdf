package otp

import (
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// The reasons that the journal gives for ErrInvalidCode.
const (
	Unknown      = "unknown" // to the scope: no such code, or one of another scope
	Early        = "early"   // issued by a clock that is ahead by more than MaxSkew
	Expired      = "expired" // past its end
	WrongPurpose = "purpose" // issued for another purpose than Check.Purpose
)

// Live reports whether the code may be claimed at that time, or later.
func (c Code) Live(now time.Time) bool { return c.Ended == "" && now.Before(c.Expires) }

// Refuse returns why the code can't be claimed for that purpose at that time, or "". A clock that
// is behind that of the issuer by up to MaxSkew does not matter.
func (c Code) Refuse(purpose Purpose, now time.Time) string {
	switch {
	case c.Ended != "":
		return string(c.Ended)
	case !now.Before(c.Expires):
		return Expired
	case now.Add(MaxSkew).Before(c.Issued):
		return Early
	case purpose != "" && purpose != c.Purpose:
		return WrongPurpose
	}
	return ""
}

// right reports whether the code was right for that purpose until it was used, and its life has not
// ended: a colleague was quicker. Such a code is charged nothing. The answer is that of a wrong
// one, and what was hit can't be spent, so there is nothing in it for an attacker: the guesses that
// this lets pass are those that hit a spent code, one in a million for each code spent in the last
// minutes, and the weight of all others stays within the budget.
func (c Code) right(purpose Purpose, now time.Time) bool {
	return c.Ended == Used && now.Before(c.Expires) && (purpose == "" || purpose == c.Purpose)
}

// free reports whether the digits of the code may be issued again.
func (c Code) free(now time.Time) bool { return !now.Before(c.Reusable) }

// end returns the code as it is once it has ended.
func (c Code) end(why End, by TypistID, now time.Time) Code {
	c.Ended, c.EndedAt, c.EndedBy, c.Sealed = why, now, by, nil
	c.Reusable = now.Add(Quarantine)
	return c
}

// spend returns the code as it is once the claim is spent, and what the journal tells of it.
// ErrInvalidCode: the claim is of another tenant, past its end, or made by a clock that is ahead by
// more than MaxSkew.
func (c Claim) spend(tenant string, now time.Time) (spent, error) {
	if c.Tenant != tenant || !now.Before(c.Expires) || now.Add(ClaimTTL+MaxSkew).Before(c.Expires) {
		return spent{}, ErrInvalidCode
	}
	code := c.Code.end(Used, c.By, now)
	return spent{code: code, entries: []journal.Entry{{
		Subject: journal.Subject("otp-code", string(code.Scope), fmt.Sprint(code.Number)),
		Seq:     1, Key: "spend", Kind: string(KindSpend), At: now, By: string(c.By),
		Input:  journal.Hash(string(KindSpend), code.Number),
		Result: journal.JSON(SpentCode{code.Holder, code.Number, code.Purpose}),
	}}}, nil
}

// judge decides on a code that was typed, whose possible matches are found. It returns the claim,
// or the reason against it and whether it is charged.
func judge(found []Code, c Check, now time.Time) (claim *Claim, reason string, charged bool) {
	reason, charged = Unknown, true
	for _, code := range found {
		if reason = code.Refuse(c.Purpose, now); reason == "" {
			code.Sealed = nil
			return &Claim{Code: code, By: c.Typist, Expires: now.Add(ClaimTTL)}, "", false
		}
		if code.right(c.Purpose, now) {
			charged = false
		}
	}
	return nil, reason, charged
}
