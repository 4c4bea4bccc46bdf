package reward

import (
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// A CatalogID names a catalog.
type CatalogID string

// A RewardID names a reward within its catalog.
type RewardID string

// A Definition is a catalog as a team writes it, in Go or in JSON. A version of it never changes
// once it is published.
type Definition struct {
	ID      CatalogID   `json:"id"`               // id of the catalog; the same in all its versions
	Version int         `json:"version"`          // from 1, each one more than the one before
	Name    string      `json:"name"`             // shown to people
	Zone    string      `json:"zone"`             // IANA name of the calendar's time zone
	Program ids.Program `json:"program"`          // of the points that prices are in
	Money   string      `json:"money,omitempty"`  // ISO 4217; of all amounts. "": there are none
	Prefix  string      `json:"prefix,omitempty"` // of codes: up to 8 of 0-9 and A-Z without I, L, O and U
	Rewards []Reward    `json:"rewards"`          // what members may take
}

// A Reward is what members take.
type Reward struct {
	ID       RewardID `json:"id"`                 // unique in the catalog
	Name     string   `json:"name"`               // for people; a voucher keeps it
	Text     string   `json:"text,omitempty"`     // description for people
	Image    string   `json:"image,omitempty"`    // its address
	Category string   `json:"category,omitempty"` // for the embedder to group by

	From   time.Time   `json:"from,omitzero"`    // taken in [From, To); zero: no bound
	To     time.Time   `json:"to,omitzero"`      //
	Levels []ids.Level `json:"levels,omitempty"` // of the members who see and take it; empty: all

	Prices []Price `json:"prices,omitempty"` // for a piece; the member picks one. Empty, and no Table: it costs nothing
	Table  *Table  `json:"table,omitempty"`  // in place of Prices: points become a voucher of a value
	Value  int64   `json:"value,omitempty"`  // that a voucher stands for, minor units

	Discounts []Discount `json:"discounts,omitempty"` // what a voucher takes off a cart; empty: that is for the embedder to say

	Stock     int64   `json:"stock,omitempty"`     // pieces in all versions of the catalog together; 0: no bound
	Limits    []Limit `json:"limits,omitempty"`    // of all members together
	PerMember []Limit `json:"perMember,omitempty"` // of each of them

	Valid Validity   `json:"valid,omitzero"`  // when its vouchers may be redeemed
	Shops []ids.Shop `json:"shops,omitempty"` // where it is redeemed; empty: everywhere
}

// A Price is what a piece costs: points, money or both.
type Price struct {
	Currency ids.Currency `json:"currency,omitempty"` // of points; "": the program's first
	Points   int64        `json:"points,omitempty"`   // units of Currency
	Money    int64        `json:"money,omitempty"`    // minor units; for the embedder to collect
}

// A Table turns points into value by steps: the dearest that fits goes first, as often as it fits,
// then the next one.
type Table struct {
	Currency ids.Currency `json:"currency,omitempty"` // of points; "": the program's first
	Min      int64        `json:"min,omitempty"`      // points, below which none are taken
	Steps    []Step       `json:"steps"`              // at least one
}

// A Step turns Points into Value.
type Step struct {
	Points int64 `json:"points"`         // units of Table.Currency
	Value  int64 `json:"value"`          // minor units
	Most   int64 `json:"most,omitempty"` // times at once; 0: as often as it fits
}

// A Limit bounds the pieces that are taken in a Period of the catalog's calendar.
type Limit struct {
	N   int64  `json:"n"`   // pieces, at most
	Per Period `json:"per"` // period in which they are counted
}

// A Period is a part of the calendar. A Week is Monday to Sunday.
type Period string

const (
	Day   Period = "day"   // from midnight to midnight
	Week  Period = "week"  // from Monday
	Month Period = "month" // calendar month
	Year  Period = "year"  // calendar year
	Ever  Period = "ever"  // all time
)

// Validity is when a voucher may be redeemed: from the day that is After days after the one on
// which it was taken, to the end of the day that is Days and Months after that, or to Until where
// that is earlier. Without Days, Months and Until it has no end.
type Validity struct {
	After  int       `json:"after,omitempty"`  // days after the one on which it was taken; 0: at once
	Days   int       `json:"days,omitempty"`   // days to the end
	Months int       `json:"months,omitempty"` // cut to the month's last day
	Until  time.Time `json:"until,omitzero"`   // latest end; zero: none
}

// ParseDefinition reads a definition from JSON, which Compile then checks. *errs.InputError: the
// text is not the JSON of a definition, or has an unknown field.
func ParseDefinition(text []byte) (Definition, error) {
	return valid.Parse[Definition]("definition", text)
}
