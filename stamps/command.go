package stamps

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// A Place is where and by whom a command was done. All of it is optional, and goes to the records
// as it is. The caller answers for it: Shop and Zone are those of a shop whose manager, code or
// physical stamp was checked, never what a customer says. A command without a shop is the
// administrator's.
type Place struct {
	Shop     ids.Shop `json:"shop,omitempty"`     // where; "": the administrator does it
	Zone     string   `json:"zone,omitempty"`     // IANA name of the shop's time zone; "": the program's
	By       string   `json:"by,omitempty"`       // the manager, or whoever did it
	Via      string   `json:"via,omitempty"`      // how it came: "code", a physical stamp's reference; not its serial number
	Nickname string   `json:"nickname,omitempty"` // of the member, for the records
}

// Add gives stamps to a card, and opens it where it is the first.
type Add struct {
	Card     CardID    `json:"card"`               // card that gets the stamps
	N        int64     `json:"n,omitempty"`        // how many, to MaxStamps, for PerHand alone; PerVisit takes 1 as 0
	Purchase *Purchase `json:"purchase,omitempty"` // where the program counts money, items or purchases, or has a minimum
	At       time.Time `json:"at,omitzero"`        // when it happened, not in the future; zero: now
	Place
	Key string `json:"-"` // idempotency key; required
}

// Cancel takes stamps back (取消累计), in the shop that gave them; in others where
// CardDefinition.CancelAt says so.
type Cancel struct {
	Card   CardID `json:"card"`             // card that loses the stamps
	Record int64  `json:"record,omitempty"` // the record of the Add; 0: the newest that is not wholly cancelled
	Of     string `json:"of,omitempty"`     // the key of the Add, instead of its record
	N      int64  `json:"n,omitempty"`      // how many of its stamps; 0: all that are left
	Reason string `json:"reason,omitempty"` // why, for the journal
	Place
	Key string `json:"-"` // idempotency key; required
}

// Adjust changes a card by hand, past every limit but the program's end of a card and MaxStamps.
// A shop must take part.
type Adjust struct {
	Card   CardID `json:"card"`   // card to change
	N      int64  `json:"n"`      // stamps to give, or to take where negative
	Reason string `json:"reason"` // why; required
	Place
	Key string `json:"-"` // idempotency key; required
}

// Transfer moves stamps of the round that From is in to another card of the program. A shop must
// take part.
type Transfer struct {
	From   CardID `json:"from"`             // card that loses the stamps
	To     CardID `json:"to"`               // card that gets them
	N      int64  `json:"n,omitempty"`      // 0: all of the round, where that is at most MaxStamps
	Reason string `json:"reason,omitempty"` // why, for the journal
	Place
	Key string `json:"-"` // idempotency key; required
}

// Expire writes down what time has done: that the stamps of a card, or a coupon of it, lapsed.
type Expire struct {
	Card   CardID `json:"card"`             // card whose stamps or coupon may have lapsed
	Coupon int64  `json:"coupon,omitempty"` // 0: the stamps
	Key    string `json:"-"`                // idempotency key; required
}

// Claim takes a coupon from the stock of a handout (领券). Where it names a shop, as a program that
// is restricted to shops needs, somebody must vouch for it: what a customer says of herself is no
// reason to believe that she is there.
type Claim struct {
	Program ProgramID  `json:"program"`           // program with a handout
	Member  ids.Member `json:"member"`            // who gets the coupon
	Present bool       `json:"present,omitempty"` // the member is in Place.Shop, by a code or a press that was checked there
	Place
	Key string `json:"-"` // idempotency key; required
}

// Redeem uses a coupon (核销).
type Redeem struct {
	Coupon CouponID `json:"coupon"` // coupon to use
	Place
	Key string `json:"-"` // idempotency key; required
}

// Undo takes a redemption back: in the shop where it was, or with Asked in another that takes part.
type Undo struct {
	Coupon CouponID `json:"coupon"`           // coupon that was redeemed
	Reason string   `json:"reason,omitempty"` // why, for the journal
	Asked  bool     `json:"asked,omitempty"`  // the customer asked for it in Place.Shop, by a code that was checked
	Place
	Key string `json:"-"` // idempotency key; required
}

// Void ends a coupon by hand: in the shop that gave it, or with Asked in another that takes part.
type Void struct {
	Coupon CouponID `json:"coupon"`          // coupon to end
	Reason string   `json:"reason"`          // why; required
	Asked  bool     `json:"asked,omitempty"` // the customer asked for it in Place.Shop, by a code that was checked
	Place
	Key string `json:"-"` // idempotency key; required
}

// An Outcome is what a command did.
type Outcome struct {
	Card     Card     `json:"card"`              // after it
	Peer     *Card    `json:"peer,omitempty"`    // the other card of a transfer, after it
	Record   Record   `json:"record"`            // what the card's history says of it
	Coupons  []Coupon `json:"coupons,omitempty"` // those that it issued or changed
	Steps    []Step   `json:"steps,omitempty"`   // how the number of stamps came about
	Replayed bool     `json:"-"`                 // the key was used before, and this is the first result
}

// A Step explains what one rule gave, or took from what others gave.
type Step struct {
	Rule string `json:"rule"` // what decided, as a path of the definition: "earn.amount", "limit.perDay"
	N    int64  `json:"n"`    // stamps that it gave, or took where negative
	Why  string `json:"why"`  // for people
}

// Issued returns the coupons that the command issued.
func (o Outcome) Issued() []Coupon {
	var issued []Coupon
	for _, c := range o.Coupons {
		if c.State == Issued && o.Record.Purpose != PurposeUndo {
			issued = append(issued, c)
		}
	}
	return issued
}

func (p Place) check() error {
	return cmp.Or(
		valid.OptionalID("shop", p.Shop),
		valid.Text("zone", p.Zone),
		valid.Text("by", p.By),
		valid.Text("via", p.Via),
		valid.Text("nickname", p.Nickname),
	)
}

func checkKey(key string) error { return valid.ID("key", key) }

func (p *Purchase) check() error {
	if p == nil {
		return nil
	}
	err := cmp.Or(
		valid.Between("purchase.amount", p.Amount, 0, maxAmount),
		valid.Between("purchase.items", p.Items, 0, maxStamps),
		valid.Between("purchase.lines", int64(len(p.Lines)), 0, maxLines),
	)
	if err == nil && (p.Currency != "" || p.Amount != 0) {
		err = valid.Currency("purchase.currency", p.Currency)
	}
	amount, items := p.Amount, p.Items
	for i, l := range p.Lines {
		if err != nil {
			return err
		}
		path := fmt.Sprintf("purchase.lines[%d].", i)
		amount, items = amount-l.Amount, items-l.Items
		err = cmp.Or(
			valid.ID(path+"category", l.Category),
			valid.Between(path+"amount", l.Amount, 0, maxAmount),
			valid.Between(path+"items", l.Items, 0, maxStamps),
		)
	}
	switch {
	case err != nil:
	case amount < 0:
		err = &errs.InputError{Field: "purchase.lines", Reason: "have a larger amount than the purchase"}
	case items < 0:
		err = &errs.InputError{Field: "purchase.lines", Reason: "have more items than the purchase"}
	}
	return err
}

func (c Add) check() error {
	return cmp.Or(c.Card.collects(), valid.Between("n", c.N, 0, maxStamps), c.Purchase.check(), valid.Time("at", c.At),
		c.Place.check(), checkKey(c.Key))
}

// Validate returns an *errs.InputError where no card could take the command, and else nil.
// Engine.Add does it itself, before it reads anything.
func (c Add) Validate() error { return c.check() }

func (c Cancel) check() error {
	if c.Of != "" && c.Record != 0 {
		return &errs.InputError{Field: "of", Reason: "is given beside record; leave one of them out"}
	}
	return cmp.Or(valid.OptionalID("of", c.Of), c.Card.collects(), valid.Between("record", c.Record, 0, math.MaxInt64),
		valid.Between("n", c.N, 0, maxStamps), valid.Text("reason", c.Reason), c.Place.check(), checkKey(c.Key))
}

func (c Adjust) check() error {
	err := cmp.Or(c.Card.collects(), valid.Between("n", c.N, -maxStamps, maxStamps), reason(c.Reason),
		c.Place.check(), checkKey(c.Key))
	if err == nil && c.N == 0 {
		err = &errs.InputError{Field: "n", Reason: "is 0"}
	}
	return err
}

func (c Transfer) check() error {
	err := cmp.Or(c.From.collects(), c.To.collects(), valid.Between("n", c.N, 0, maxStamps),
		valid.Text("reason", c.Reason), c.Place.check(), checkKey(c.Key))
	switch {
	case err != nil:
	case c.From.Program != c.To.Program:
		err = &errs.InputError{Field: "to", Reason: "is a card of another program"}
	case c.From == c.To:
		err = &errs.InputError{Field: "to", Reason: "is the same card"}
	}
	return err
}

func (c Expire) check() error {
	return cmp.Or(c.Card.check(), valid.Between("coupon", c.Coupon, 0, math.MaxInt64), checkKey(c.Key))
}

func (c Claim) check() error {
	return cmp.Or(valid.ID("program", c.Program), valid.ID("member", c.Member), c.Place.check(), checkKey(c.Key))
}

func (c Redeem) check() error { return cmp.Or(c.Coupon.check(), c.Place.check(), checkKey(c.Key)) }

func (c Undo) check() error {
	return cmp.Or(c.Coupon.check(), valid.Text("reason", c.Reason), c.Place.check(), checkKey(c.Key))
}

func (c Void) check() error {
	return cmp.Or(c.Coupon.check(), reason(c.Reason), c.Place.check(), checkKey(c.Key))
}

func (id CouponID) check() error {
	return cmp.Or(id.Card.check(), valid.Between("coupon.n", id.N, 1, math.MaxInt64))
}

// collects accepts the id of a card that takes stamps.
func (id CardID) collects() error {
	if id.Claim != 0 {
		return &errs.InputError{Field: "card.claim", Reason: "is for coupons of a handout alone"}
	}
	return id.check()
}

func reason(text string) error {
	if text == "" {
		return &errs.InputError{Field: "reason", Reason: "is missing"}
	}
	return valid.Text("reason", text)
}
