package stamps

import (
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// A Definition is a program as a team writes it, in Go or in JSON. A version of it never changes
// once it is published.
type Definition struct {
	ID      ProgramID  `json:"id"`              // id of the program; the same in all its versions
	Version int        `json:"version"`         // from 1, each one more than the one before
	Name    string     `json:"name"`            // shown to people
	Zone    string     `json:"zone"`            // IANA name of the calendar's time zone; a shop may have another
	From    time.Time  `json:"from,omitzero"`   // stamps and claims are given in [From, To); zero: no bound
	To      time.Time  `json:"to,omitzero"`     // end of the interval that From begins
	Shops   []ids.Shop `json:"shops,omitempty"` // those that take part; empty: all

	Card    *CardDefinition `json:"card,omitempty"`    // nil: the program collects no stamps
	Handout *Handout        `json:"handout,omitempty"` // nil: it hands out no coupons
}

// A CardDefinition says how a card fills, and what it gives.
type CardDefinition struct {
	Size       int64      `json:"size"`               // stamps of a full card, 1 to 1000
	Rewards    []Reward   `json:"rewards"`            // at milestones and at the end
	Earn       Earn       `json:"earn"`               // what gives stamps
	Limit      Limit      `json:"limit,omitzero"`     // bounds of what an Add gives
	PastEnd    PastEnd    `json:"pastEnd"`            // stamps beyond a full card
	Expiry     Expiry     `json:"expiry,omitzero"`    // when stamps lapse
	UsedCoupon UsedCoupon `json:"usedCoupon"`         // stamps taken back whose coupon is used
	CancelAt   CancelAt   `json:"cancelAt,omitempty"` // "": OwnShop
}

// A Reward becomes a coupon where a card's count reaches At.
type Reward struct {
	ID     string     `json:"id"`              // unique in the program
	Name   string     `json:"name"`            // shown to people; a coupon keeps it
	At     int64      `json:"at,omitempty"`    // 1 to CardDefinition.Size; 0 in a Handout
	Coupon Validity   `json:"coupon,omitzero"` // how long its coupons may be redeemed
	Shops  []ids.Shop `json:"shops,omitempty"` // where it is redeemed; empty: all that take part
}

// Validity is how long a coupon may be redeemed: the first bound that applies ends it. All zero:
// for ever.
type Validity struct {
	Days   int       `json:"days,omitempty"`   // after the issue, each of 24 hours
	Months int       `json:"months,omitempty"` // calendar months after the issue, cut to the month's last day
	Until  time.Time `json:"until,omitzero"`   // latest end; zero: none
}

// Earn says what gives stamps.
type Earn struct {
	Per      Per    `json:"per"`                // what a stamp is given for
	Stamps   int64  `json:"stamps,omitempty"`   // for each unit, 1 to 1000; 0 is 1
	Amount   int64  `json:"amount,omitempty"`   // PerAmount: minor units that make a unit
	Currency string `json:"currency,omitempty"` // ISO 4217; of Amount and of Limit.MinPurchase
	Items    int64  `json:"items,omitempty"`    // PerItem: items that make a unit; 0 is 1

	Purchases int64    `json:"purchases,omitempty"` // PerPurchase: purchases that make a unit; 0 is 1
	Include   []string `json:"include,omitempty"`   // categories that count; empty: all, and what has none
	Exclude   []string `json:"exclude,omitempty"`   // categories that do not count
}

// Per is what a stamp is given for.
type Per string

const (
	PerVisit  Per = "visit"  // each Add is one unit
	PerAmount Per = "amount" // whole units of money spent; what is left over is dropped
	PerItem   Per = "item"   // whole units of items bought; what is left over is dropped
	PerHand   Per = "hand"   // as many as Add.N says

	// PerPurchase counts each Add with a purchase as one. What is left of a unit is kept in the
	// card until the next one.
	PerPurchase Per = "purchase"
)

// Limit bounds what an Add gives. Zero fields bound nothing.
type Limit struct {
	MinPurchase int64 `json:"minPurchase,omitempty"` // minor units; less earns nothing
	PerPurchase int64 `json:"perPurchase,omitempty"` // stamps; what is above is not given
	PerDay      int64 `json:"perDay,omitempty"`      // stamps, at most 1000
	Rolling     bool  `json:"rolling,omitempty"`     // PerDay counts the last 24 hours, not the calendar day
	Cooldown    int64 `json:"cooldown,omitempty"`    // seconds between two Adds

	// Minimums is MinPurchase for several currencies: minor units by ISO 4217 code. A purchase in
	// another one is refused.
	Minimums map[string]int64 `json:"minimums,omitempty"`
}

// PastEnd says what happens to stamps beyond a full card.
type PastEnd string

const (
	Carry PastEnd = "carry" // they go on to the next round, even several
	Stop  PastEnd = "stop"  // they are not given: a member fills one card
	Count PastEnd = "count" // the card keeps counting, without further rewards
)

// UsedCoupon says what happens where stamps are taken back that a used coupon was issued for. The
// version that issued the coupon decides.
type UsedCoupon string

const (
	Refuse UsedCoupon = "refuse" // *UsedError
	Owe    UsedCoupon = "owe"    // they are taken, and the milestone gives no second coupon when it is reached again
)

// CancelAt says in which shops stamps may be taken back. Without a shop, as the administrator does
// it, they always may. The version that gave the stamps decides.
type CancelAt string

const (
	OwnShop CancelAt = "own" // in the shop that gave them
	AnyShop CancelAt = "any" // in each shop that takes part
)

// Expiry says when the stamps of a round lapse: the first bound that applies. All zero: never.
type Expiry struct {
	Date     time.Time `json:"date,omitzero"`      // latest end; zero: none
	Days     int       `json:"days,omitempty"`     // after the first stamp of the round, each of 24 hours
	Months   int       `json:"months,omitempty"`   // calendar months after the first stamp, cut to the month's last day
	Inactive int       `json:"inactive,omitempty"` // days after the newest stamp
}

// A Handout gives coupons from a stock (发券引流).
type Handout struct {
	Reward    Reward    `json:"reward"`              // what is handed out
	Stock     int64     `json:"stock"`               // coupons in all versions of the program together
	PerMember int64     `json:"perMember,omitempty"` // 0: no limit
	From      time.Time `json:"from,omitzero"`       // claimed in [From, To); zero: no bound but the program's
	To        time.Time `json:"to,omitzero"`         // end of the interval that From begins
}

// ParseDefinition reads a definition from JSON, which Compile then checks. *errs.InputError: the
// text is not the JSON of a definition, or has an unknown field.
func ParseDefinition(text []byte) (Definition, error) {
	return valid.Parse[Definition]("definition", text)
}
