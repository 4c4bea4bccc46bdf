package loyalty

import (
	"crypto/sha256"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Ids of what a Definition names.
type (
	RuleID   string // names a rule of a program
	MetricID string // names a metric of a program
)

// A Definition is a program as a team writes it, in Go or in JSON. A version of it never changes
// once it is published.
type Definition struct {
	ID      ids.Program `json:"id"`              // id of the program; the same in all its versions
	Version int         `json:"version"`         // from 1, each one more than the one before
	Name    string      `json:"name"`            // shown to people
	Zone    string      `json:"zone"`            // IANA name of the calendar's time zone
	From    time.Time   `json:"from,omitzero"`   // events that happen in [From, To) earn; zero: no bound
	To      time.Time   `json:"to,omitzero"`     // end of the interval that From begins
	Money   string      `json:"money,omitempty"` // ISO 4217; of all amounts. "": the program takes no purchases
	Basis   Basis       `json:"basis,omitempty"` // what of a purchase earns

	// Late is the number of days after an event in which it may be reported late and still count as
	// if it had been reported at once: for the caps, the milestones and the levels of the day when
	// it happened. One that is reported later still gets nothing from rules with a cap on a day,
	// week, month, year or all time, and no milestones, as its Steps say; it counts for the levels
	// of today. 0: 35; at most 366.
	Late int `json:"late,omitempty"`

	Currencies []Currency `json:"currencies"`        // at least one; commands that name none mean the first
	Rules      []Rule     `json:"rules,omitempty"`   // what events earn
	Caps       []Cap      `json:"caps,omitempty"`    // on all that a member earns in the first currency, but for milestones
	Metrics    []Metric   `json:"metrics,omitempty"` // numbers that tiers and milestones are decided on
	Tiers      *Tiers     `json:"tiers,omitempty"`   // nil: the program has no levels
}

// Basis is the amount of a line that earns.
type Basis string

const (
	Net     Basis = ""        // gross less discount
	Gross   Basis = "gross"   // before the discount
	Untaxed Basis = "untaxed" // gross less discount and tax
)

// A Currency is a kind of points: what is spent, or status points that never are.
type Currency struct {
	ID        ids.Currency `json:"id"`                  // unique in the program
	Name      string       `json:"name,omitempty"`      // shown to people
	Scale     int          `json:"scale,omitempty"`     // decimals, 0 to 4: a point is 10^Scale units, and all whole numbers of points count units
	Expiry    Expiry       `json:"expiry,omitzero"`     // of what is earned
	Inactive  bool         `json:"inactive,omitempty"`  // Expiry counts from the member's last earning or spending: that moves the end of all points
	ByLevel   bool         `json:"byLevel,omitempty"`   // a new level moves the end of all points to its rule, counted from when they were earned; Inactive does so anyway
	Begun     bool         `json:"begun,omitempty"`     // Expiry counts from when pending points may be spent
	Pending   int          `json:"pending,omitempty"`   // days until points may be spent; a Rule may have its own
	Round     Rounding     `json:"round,omitempty"`     // of fractions of a unit; "": Down
	PerLine   bool         `json:"perLine,omitempty"`   // rounds each line by itself, and not the purchase
	Overdraft Overdraft    `json:"overdraft,omitempty"` // what a refund does about points that are spent; "": BelowZero
	Value     *Value       `json:"value,omitempty"`     // what points are worth in the books of TotalsAt; nil: it does not say. No rule looks at it
}

// Rounding makes whole units of what rules give.
type Rounding string

const (
	Down     Rounding = ""         // drops the fraction
	HalfUp   Rounding = "halfUp"   // to the nearest unit; a half up
	HalfEven Rounding = "halfEven" // to the nearest unit; a half to the even one
	Up       Rounding = "up"       // rounds every fraction up
)

// PurchaseEvent is the kind of the events that are purchases.
const PurchaseEvent = "purchase"

// A Rule gives points for an event, or multiplies what others give. Which rules a purchase meets
// and what they give does not depend on the order in which they, or its lines, are written.
type Rule struct {
	ID       RuleID       `json:"id"`                 // unique in the program
	Name     string       `json:"name,omitempty"`     // shown to people
	Currency ids.Currency `json:"currency,omitempty"` // "": the first one
	On       string       `json:"on,omitempty"`       // the kind of event; "": PurchaseEvent
	From     time.Time    `json:"from,omitzero"`      // of events that happen in [From, To); zero: no bound
	To       time.Time    `json:"to,omitzero"`        // end of the interval that From begins

	// Conditions, in the language of expr-lang.org, over the names of Facts. They have no loops and
	// no functions but len and lower. "": met.
	If    string `json:"if,omitempty"`    // decides on the event
	Lines string `json:"lines,omitempty"` // decides on each line, which is line there; the rule counts the lines that meet it

	MinSpend int64 `json:"minSpend,omitempty"` // minor units, of the lines that it counts

	Priority  int    `json:"priority,omitempty"`  // the higher ones come first
	Stop      bool   `json:"stop,omitempty"`      // where it applies, those of a lower priority don't
	Exclusive bool   `json:"exclusive,omitempty"` // where it applies no other does; of several the first by priority, then by id
	Group     string `json:"group,omitempty"`     // of the rules of a group the one that gives most applies; of multipliers, on each line

	Give    Give  `json:"give"`              // what the rule gives, or multiplies by
	Bonus   bool  `json:"bonus,omitempty"`   // what it gives is not multiplied
	Caps    []Cap `json:"caps,omitempty"`    // a rule with a cap on points is rounded by itself, and multiplied after that
	Pending int   `json:"pending,omitempty"` // days until the points may be spent; 0: the currency's
}

// Give is what a rule does. Points are given Per something; or Times multiplies.
type Give struct {
	Points Decimal  `json:"points,omitempty"` // points for each Per; may be a fraction
	Per    Per      `json:"per,omitempty"`    // what the points are given for
	Amount int64    `json:"amount,omitempty"` // minor units, items or events that make one; 0 is 1, and missing where it is of money
	Part   Part     `json:"part,omitempty"`   // what happens to less than a whole Amount
	Metric MetricID `json:"metric,omitempty"` // PerMilestone: what is counted
	From   int64    `json:"from,omitempty"`   // PerMilestone: what the metric comes to at the first one; 0: Amount
	Once   bool     `json:"once,omitempty"`   // PerMilestone: the first one alone, in each window

	Times Decimal `json:"times,omitempty"` // a multiplier, of the lines that the rule counts; without Lines of all that is given
}

// Per is what points are given for.
type Per string

const (
	PerEvent     Per = "event"     // once
	PerMoney     Per = "money"     // each Amount minor units
	PerItem      Per = "item"      // each Amount items; of other events than purchases, of Event.N
	PerMilestone Per = "milestone" // each Amount that the metric comes to in its window, once however often it falls back
)

// Part says what happens to a part of Amount.
type Part string

const (
	Fraction Part = ""      // it gives its share
	Whole    Part = "whole" // it gives nothing
	Carry    Part = "carry" // it counts with the next event
)

// A Cap bounds what is given. Calendars are the program's.
type Cap struct {
	Points int64  `json:"points,omitempty"` // units; 0: no bound
	Times  int64  `json:"times,omitempty"`  // events; 0: no bound
	Per    Period `json:"per"`              // Event, Day, Week, Month, Year or Ever
}

// Periods of a Cap alone.
const (
	PerOne Period = "event" // each event by itself
	Ever   Period = "ever"  // the whole life of the account
)

// A Metric is a number that tiers and milestones are decided on. It counts from the version of the
// program that brings it: nothing of what members did before, however far its window looks back.
type Metric struct {
	ID       MetricID     `json:"id"`                 // unique in the program
	Of       Counted      `json:"of"`                 // what is counted
	Currency ids.Currency `json:"currency,omitempty"` // CountPoints; "": the first one
	On       string       `json:"on,omitempty"`       // CountEvents: the kind, of which Event.N counts
	Lines    string       `json:"lines,omitempty"`    // CountMoney and CountItems: as Rule.Lines
	Window   Window       `json:"window,omitzero"`    // how far back it counts; zero: all time
	Joined   bool         `json:"joined,omitempty"`   // the window is the year since the member joined, by the calendar
}

// Counted is what a Metric counts.
type Counted string

const (
	CountPoints    Counted = "points"    // earned; units
	CountMoney     Counted = "money"     // spent; minor units
	CountPurchases Counted = "purchases" // number of purchases
	CountItems     Counted = "items"     // number of items
	CountEvents    Counted = "events"    // number of events
)

// Tiers are the levels of a program, and how members come and go.
type Tiers struct {
	Levels    []Level        `json:"levels"`             // the lowest first, where everybody begins
	AtEnd     bool           `json:"atEnd,omitempty"`    // levels are given as windows end, not as soon as they are earned
	Valid     Validity       `json:"valid,omitzero"`     // how long a level is kept
	Downgrade Downgrade      `json:"downgrade"`          // when a level is lost
	ByOne     bool           `json:"byOne,omitempty"`    // one level at a time; else to what is earned
	Grace     int            `json:"grace,omitempty"`    // days after the end of validity in which the level is kept, and can be earned again
	Rollover  bool           `json:"rollover,omitempty"` // at the end of a window, what a metric has beyond the needs of the level that are met counts in the next
	Lose      []ids.Currency `json:"lose,omitempty"`     // points that lapse with a downgrade
}

// A Level is one tier.
type Level struct {
	ID     ids.Level                `json:"id"`               // unique in the program
	Name   string                   `json:"name,omitempty"`   // shown to people
	Needs  []Need                   `json:"needs,omitempty"`  // any of them; none: the lowest level, or Manual
	Manual bool                     `json:"manual,omitempty"` // by invitation: SetTier alone gives it
	Gift   *Gift                    `json:"gift,omitempty"`   // for reaching it
	Expiry map[ids.Currency]*Expiry `json:"expiry,omitempty"` // of what its members earn, in place of the currency's; of all they have: ByLevel and Inactive
}

// A Need is metrics and what each of them has to come to; all of them.
type Need map[MetricID]int64

// Validity is how long a level is kept after it was earned: an Expiry, and ExtraMonths after it.
// "The rest of the year and the next" is Years: 1 with RoundUp: Year; "to the end of February of
// the year after that" adds ExtraMonths: 2. Zero: as long as it is earned.
type Validity struct {
	Expiry
	ExtraMonths int `json:"extraMonths,omitempty"` // calendar months after that
}

// Downgrade says when a level is lost.
type Downgrade string

const (
	Never    Downgrade = "never"    // a level that was reached is kept
	AtEnd    Downgrade = "atEnd"    // of its validity
	OnRefund Downgrade = "onRefund" // as well as soon as a refund takes away what it was earned for
)

// ParseDefinition reads a definition from JSON, which Compile then checks. *errs.InputError: the
// text is not the JSON of a definition, or has an unknown field.
func ParseDefinition(text []byte) (Definition, error) {
	return valid.Parse[Definition]("definition", text)
}

// digest returns the SHA-256 of the definition.
func (d Definition) digest() []byte {
	sum := sha256.Sum256(journal.JSON(d))
	return sum[:]
}
