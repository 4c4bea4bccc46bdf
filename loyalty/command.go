package loyalty

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// An Earn gives points for an event. Its key names what they are given for: an order, a review. A
// later Refund names it by that key.
type Earn struct {
	Account AccountID `json:"account"` // member who earns
	Event
	By  string `json:"by,omitempty"` // who did it, for the journal
	Key string `json:"-"`            // idempotency key; required
}

// A Redeem spends points. What ends first goes first, then the oldest.
type Redeem struct {
	Account  AccountID    `json:"account"`            // member who spends
	Currency ids.Currency `json:"currency,omitempty"` // "": the program's first
	N        int64        `json:"n"`                  // units to spend, 1 to MaxPoints
	UpTo     bool         `json:"upTo,omitempty"`     // if there are fewer, but some, takes those; Outcome.Spent returns how many
	Reason   string       `json:"reason,omitempty"`   // why, for the journal
	By       string       `json:"by,omitempty"`       // who did it, for the journal
	Key      string       `json:"-"`                  // idempotency key; required
}

// A Reserve sets points aside until a time, to be captured or released. The hold has the name of
// the command's key.
type Reserve struct {
	Account  AccountID    `json:"account"`            // member whose points are set aside
	Currency ids.Currency `json:"currency,omitempty"` // "": the program's first
	N        int64        `json:"n"`                  // units to set aside, 1 to MaxPoints
	Until    time.Time    `json:"until"`              // when the hold releases itself
	By       string       `json:"by,omitempty"`       // who did it, for the journal
	Key      string       `json:"-"`                  // idempotency key; required
}

// A Capture spends N points of a hold, and releases the rest.
type Capture struct {
	Account  AccountID    `json:"account"`            // member whose points are held
	Currency ids.Currency `json:"currency,omitempty"` // "": the program's first
	Hold     string       `json:"hold"`               // the key of the Reserve
	N        int64        `json:"n"`                  // units to spend, at most those of the hold
	Reason   string       `json:"reason,omitempty"`   // why, for the journal
	By       string       `json:"by,omitempty"`       // who did it, for the journal
	Key      string       `json:"-"`                  // idempotency key; required
}

// A Release gives the points of a hold back.
type Release struct {
	Account  AccountID    `json:"account"`            // member whose points are held
	Currency ids.Currency `json:"currency,omitempty"` // "": the program's first
	Hold     string       `json:"hold"`               // key of the Reserve
	By       string       `json:"by,omitempty"`       // who did it, for the journal
	Key      string       `json:"-"`                  // idempotency key; required
}

// An Adjust gives points by hand, or takes them, and counts towards no metric and no cap.
type Adjust struct {
	Account  AccountID    `json:"account"`            // member who gets or loses points
	Currency ids.Currency `json:"currency,omitempty"` // "": the program's first
	N        int64        `json:"n"`                  // below zero: takes what is there
	To       time.Time    `json:"to,omitzero"`        // of what is given, its end; zero: the program's
	Reason   string       `json:"reason"`             // why; required
	By       string       `json:"by,omitempty"`       // who did it, for the journal
	Key      string       `json:"-"`                  // idempotency key; required
}

// A Transfer gives points to another member, with their ends.
type Transfer struct {
	Account  AccountID    `json:"account"`            // member who gives
	To       ids.Member   `json:"to"`                 // member who gets, another one of the same program
	Currency ids.Currency `json:"currency,omitempty"` // "": the program's first
	N        int64        `json:"n"`                  // units to move, 1 to MaxPoints
	Reason   string       `json:"reason,omitempty"`   // why, for the journal
	By       string       `json:"by,omitempty"`       // who did it, for the journal
	Key      string       `json:"-"`                  // idempotency key; required
}

// A Refund takes back what a purchase earned, as far as it was sent back: by Amount, by Lines, or
// all that is left of it. It may be done any number of times. The sum of what was taken back is
// always the share of all that came back in what was earned, rounded down: of its lines in what was
// earned for them, and of the purchase in the rest. So do the metrics and the uses of caps. Once
// all of it came back the account stands as if it had not been bought, which may give points that a
// cap kept from another purchase.
//
// Where the member of the account was merged into another one since, it is taken from that one's
// points.
type Refund struct {
	Account AccountID    `json:"account"`          // that earned it
	Of      string       `json:"of"`               // the key of the Earn
	Amount  int64        `json:"amount,omitempty"` // minor units, spread over the lines as they were paid
	Lines   []LineRefund `json:"lines,omitempty"`  // what came back of each line
	All     bool         `json:"all,omitempty"`    // what is left of it; the one way for an event that is no purchase
	Reason  string       `json:"reason,omitempty"` // why, for the journal
	By      string       `json:"by,omitempty"`     // who did it, for the journal
	Key     string       `json:"-"`                // idempotency key; required
}

// A LineRefund is what came back of a line: an Amount, or a number of its Items.
type LineRefund struct {
	ID     string `json:"id"`               // Line.ID
	Amount int64  `json:"amount,omitempty"` // minor units; 0: Items says it
	Items  int64  `json:"items,omitempty"`  // number of items; 0: Amount says it
}

// A Return gives points back that were spent, to the lots that they came from. They lapse there if
// those have ended; where ends follow the member (Currency.Inactive and ByLevel) they end as the
// rule says by now. Where the member of the account was merged into another one since, that one
// gets them.
type Return struct {
	Account AccountID `json:"account"`          // that spent them
	Of      string    `json:"of"`               // the key of the Redeem or Capture
	N       int64     `json:"n,omitempty"`      // 0: all that is left of it
	Reason  string    `json:"reason,omitempty"` // why, for the journal
	By      string    `json:"by,omitempty"`     // who did it, for the journal
	Key     string    `json:"-"`                // idempotency key; required
}

// An Expire posts what time has done: points that ended, holds, a level. Where it has done nothing
// it leaves no trace.
type Expire struct {
	Account AccountID `json:"account"` // member whose points may have ended
	Key     string    `json:"-"`       // idempotency key; required
}

// A SetTier gives a level by hand. The member does not fall below it until then, and leaves it
// behind with a higher one that is earned. It gives no Gift.
type SetTier struct {
	Account AccountID `json:"account"`          // member who gets the level
	Level   ids.Level `json:"level"`            // level to give
	Until   time.Time `json:"until,omitzero"`   // zero: without end
	Reason  string    `json:"reason,omitempty"` // why, for the journal
	By      string    `json:"by,omitempty"`     // who did it, for the journal
	Key     string    `json:"-"`                // idempotency key; required
}

// A Merge moves all that a member has to another one, who is the same person: points, what metrics
// and caps have counted, the higher level, gifts of levels: those of both stay, and none comes again
// that either has. Account takes no more commands, but for refunds of what was earned or spent
// under it, and for what becomes of its holds: they are done to To.
type Merge struct {
	Account AccountID  `json:"account"`          // member who is merged, and takes no more commands
	To      ids.Member `json:"to"`               // member who goes on
	Reason  string     `json:"reason,omitempty"` // why, for the journal
	By      string     `json:"by,omitempty"`     // who did it, for the journal
	Key     string     `json:"-"`                // idempotency key; required
}

func (c Earn) check() error {
	return cmp.Or(common(c.Account, c.By, "", c.Key), valid.Time("event.at", c.At))
}

func (c Redeem) check() error {
	return cmp.Or(common(c.Account, c.By, c.Reason, c.Key), valid.OptionalID("currency", c.Currency), points(c.N))
}

func (c Reserve) check() error {
	return cmp.Or(common(c.Account, c.By, "", c.Key), valid.OptionalID("currency", c.Currency), points(c.N), valid.Time("until", c.Until))
}

func (c Capture) check() error {
	return cmp.Or(common(c.Account, c.By, c.Reason, c.Key), valid.OptionalID("currency", c.Currency), valid.ID("hold", c.Hold), points(c.N))
}

func (c Release) check() error {
	return cmp.Or(common(c.Account, c.By, "", c.Key), valid.OptionalID("currency", c.Currency), valid.ID("hold", c.Hold))
}

func (c Adjust) check() error {
	err := cmp.Or(common(c.Account, c.By, c.Reason, c.Key), valid.OptionalID("currency", c.Currency),
		valid.Between("n", c.N, -MaxPoints, MaxPoints), valid.Time("to", c.To))
	switch {
	case err != nil:
	case c.N == 0:
		err = &errs.InputError{Field: "n", Reason: "is 0"}
	case c.Reason == "":
		err = &errs.InputError{Field: "reason", Reason: "is missing"}
	case c.N < 0 && !c.To.IsZero():
		err = &errs.InputError{Field: "to", Reason: "is for points that are given"}
	}
	return err
}

func (c Transfer) check() error {
	return cmp.Or(common(c.Account, c.By, c.Reason, c.Key), valid.OptionalID("currency", c.Currency), points(c.N), other(c.Account, c.To))
}

func (c Merge) check() error {
	return cmp.Or(common(c.Account, c.By, c.Reason, c.Key), other(c.Account, c.To))
}

func (c Refund) check() error {
	err := cmp.Or(common(c.Account, c.By, c.Reason, c.Key), valid.ID("of", c.Of),
		valid.Between("amount", c.Amount, 0, MaxAmount), valid.Between("lines", int64(len(c.Lines)), 0, MaxLines))
	ways := 0
	for _, set := range []bool{c.Amount != 0, len(c.Lines) > 0, c.All} {
		if set {
			ways++
		}
	}
	if err == nil && ways != 1 {
		err = &errs.InputError{Field: "amount", Reason: "or lines or all is needed, and one of them"}
	}
	for i, l := range c.Lines {
		field := fmt.Sprintf("lines[%d]", i)
		again := slices.ContainsFunc(c.Lines[:i], func(o LineRefund) bool { return o.ID == l.ID })
		err = cmp.Or(err, valid.ID(field+".id", l.ID), valid.Between(field+".amount", l.Amount, 0, MaxAmount),
			valid.Between(field+".items", l.Items, 0, MaxItems))
		if err == nil && again {
			err = &errs.InputError{Field: field, Reason: "is there twice"}
		}
		if err == nil && (l.Amount == 0) == (l.Items == 0) {
			err = &errs.InputError{Field: field, Reason: "needs an amount or items, and not both"}
		}
	}
	return err
}

func (c Return) check() error {
	return cmp.Or(common(c.Account, c.By, c.Reason, c.Key), valid.ID("of", c.Of), valid.Between("n", c.N, 0, MaxPoints))
}

func (c Activate) check() error {
	return cmp.Or(common(c.Account, c.By, c.Reason, c.Key), valid.OptionalID("currency", c.Currency), valid.ID("of", c.Of),
		valid.Between("n", c.N, 0, MaxPoints))
}

func (c Expire) check() error { return common(c.Account, "", "", c.Key) }

func (c SetTier) check() error {
	return cmp.Or(common(c.Account, c.By, c.Reason, c.Key), valid.ID("level", c.Level), valid.Time("until", c.Until))
}

func common(id AccountID, by, reason, key string) error {
	return cmp.Or(id.check(), valid.Text("by", by), valid.Text("reason", reason), valid.ID("key", key))
}

func points(n int64) error { return valid.Between("n", n, 1, MaxPoints) }

func other(id AccountID, to ids.Member) error {
	err := valid.ID("to", to)
	if err == nil && to == id.Member {
		err = &errs.InputError{Field: "to", Reason: "is the same member"}
	}
	return err
}
