package stamps

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
)

type (
	// ProgramID names a program.
	ProgramID string
)

// A CardID is a member's card in a program. Its text is "coffee/alice".
type CardID struct {
	Program ProgramID  // program of the card
	Member  ids.Member // whose card it is
	Claim   int64      // 0: the stamp card. n: what stands for the member's n-th coupon of a handout, and takes no stamps
}

// String returns the text of the id, which ParseCardID reads.
func (id CardID) String() string {
	s := url.PathEscape(string(id.Program)) + "/" + url.PathEscape(string(id.Member))
	if id.Claim != 0 {
		s += "/" + strconv.FormatInt(id.Claim, 10)
	}
	return s
}

// ParseCardID reads what String wrote. *errs.InputError: the text is not that of a card.
func ParseCardID(s string) (CardID, error) {
	bad := &errs.InputError{Field: "card", Reason: `is not like "program/member"`}
	part := strings.Split(s, "/")
	if len(part) < 2 || len(part) > 3 {
		return CardID{}, bad
	}
	program, err1 := url.PathUnescape(part[0])
	member, err2 := url.PathUnescape(part[1])
	if err1 != nil || err2 != nil {
		return CardID{}, bad
	}
	id := CardID{Program: ProgramID(program), Member: ids.Member(member)}
	if len(part) == 3 {
		n, err := strconv.ParseInt(part[2], 10, 64)
		if err != nil || n <= 0 {
			return CardID{}, bad
		}
		id.Claim = n
	}
	return id, id.check()
}

// MarshalText implements encoding.TextMarshaler.
func (id CardID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (id *CardID) UnmarshalText(text []byte) (err error) {
	*id, err = ParseCardID(string(text))
	return err
}

// A Card is what a member has collected in a program. It is small however many stamps it has
// seen.
type Card struct {
	ID       CardID    `json:"id"`                 // program and member
	Version  int64     `json:"version"`            // number of the change that made it so; 0: not opened yet
	Nickname string    `json:"nickname,omitempty"` // the newest one that a command gave
	Began    int       `json:"began"`              // version of the program that the round began with
	Round    int64     `json:"round"`              // rounds completed
	Count    int64     `json:"count"`              // stamps in this round
	Total    int64     `json:"total"`              // stamps that stand, lapsed ones included
	Opened   time.Time `json:"opened"`             // time of the command that opened it
	Expires  time.Time `json:"expires,omitzero"`   // when the stamps of this round lapse; zero: never, as far as is known
	Number   int64     `json:"number,omitempty"`   // of the stock of the handout, from 1
	State    State     `json:"-"`                  // as it is stored; zero in an outcome that was replayed
}

// State is the part of a card that only the rules read.
type State struct {
	Seq     int64     `json:"seq"`              // records so far
	Coupons int64     `json:"coupons"`          // coupons so far
	Floor   int64     `json:"floor,omitempty"`  // Total when the card last lapsed: stamps below can't be taken back
	Stood   int64     `json:"stood,omitempty"`  // Seq when the card last lapsed
	First   time.Time `json:"first,omitzero"`   // first stamp of the round
	Last    time.Time `json:"last,omitzero"`    // newest stamp
	Recent  []Tick    `json:"recent,omitempty"` // newest stamps, in the order of time: as many as limits look back, and at least 2
	Done    []Run     `json:"done,omitempty"`   // rounds completed since the card last lapsed
	Owed    []int64   `json:"owed,omitempty"`   // milestones above Total whose coupon is used: they give none again
	Bought  int64     `json:"bought,omitempty"` // purchases counted since the last unit of PerPurchase
	Paid    []Paid    `json:"paid,omitempty"`   // units of purchases given since the card last lapsed
}

// A Tick is a stamp that limits on time count.
type Tick struct {
	Seq int64     `json:"seq"` // Record.Seq
	At  time.Time `json:"at"`  // when it was given
	N   int64     `json:"n"`   // stamps that stand of it
}

// A Run is a number of completed rounds of one version. The newest runs are exact; of older ones
// First is that of the newest round, so that a card stays small, and a round that is taken back so
// far lapses later rather than sooner.
type Run struct {
	Version int       `json:"version"`        // version of the program
	Size    int64     `json:"size"`           // stamps of each round
	Rounds  int64     `json:"rounds"`         // how many
	First   time.Time `json:"first,omitzero"` // first stamp
}

// A Paid is a number of units of purchases that were given one after the other, all alike. The
// newest of them are kept: a purchase that would give back an older one is not taken back.
type Paid struct {
	Before int64 `json:"before"` // State.Bought before the purchase that made the unit whole
	Stamps int64 `json:"stamps"` // for each unit
	Units  int64 `json:"units"`  // how many
}

// A Purpose is what a record was made for.
type Purpose string

const (
	PurposeStamp    Purpose = "stamp"    // 集章
	PurposeCancel   Purpose = "cancel"   // 取消累计
	PurposeAdjust   Purpose = "adjust"   // by hand, with a reason
	PurposeImport   Purpose = "import"   // from another system
	PurposeTransfer Purpose = "transfer" // to or from another card
	PurposeExpire   Purpose = "expire"   // the stamps of a round, or coupons, lapsed
	PurposeClaim    Purpose = "claim"    // 发券引流
	PurposeRedeem   Purpose = "redeem"   // 核销
	PurposeUndo     Purpose = "undo"     // of a redemption
	PurposeVoid     Purpose = "void"     // of a coupon, by hand
)

// A Record is a line of a card's history, and of the shop's where it has one (流水).
type Record struct {
	Card      CardID    `json:"card"`                // card that it is of
	Seq       int64     `json:"seq"`                 // from 1, without a gap
	Purpose   Purpose   `json:"purpose"`             // what was done
	N         int64     `json:"n"`                   // stamps added, or taken where negative
	Began     int       `json:"began,omitempty"`     // version of the program that gave them; 0: none did
	Cancelled int64     `json:"cancelled,omitempty"` // of N, by later records; 1 where a purchase that gave none was taken back
	Of        int64     `json:"of,omitempty"`        // the record that this one cancels
	Coupon    int64     `json:"coupon,omitempty"`    // the coupon that this one is about
	Peer      *CardID   `json:"peer,omitempty"`      // the other card of a transfer
	At        time.Time `json:"at"`                  // when it happened
	Shop      ids.Shop  `json:"shop,omitempty"`      // where; "": the administrator did it
	By        string    `json:"by,omitempty"`        // who did it: the manager
	Via       string    `json:"via,omitempty"`       // how: "code", the reference of a physical stamp, or what the embedder says
	Nickname  string    `json:"nickname,omitempty"`  // of the member at that time
	Purchase  *Purchase `json:"purchase,omitempty"`  // of an Add: what the stamps were counted from
	Reason    string    `json:"reason,omitempty"`    // as the command gave it
}

// A Purchase is what stamps may be counted from.
type Purchase struct {
	Amount   int64  `json:"amount,omitempty"`   // net, in minor units (分)
	Currency string `json:"currency,omitempty"` // ISO 4217
	Items    int64  `json:"items,omitempty"`    // number of items
	Lines    []Line `json:"lines,omitempty"`    // what is known of its parts; the rest has no category
}

// A Line is the part of a purchase that is of one category.
type Line struct {
	Category string `json:"category"`         // for Earn.Include and Earn.Exclude
	Amount   int64  `json:"amount,omitempty"` // minor units
	Items    int64  `json:"items,omitempty"`  // number of items
}

// A CouponID is the n-th coupon of a card. Its text is "coffee/alice:2".
type CouponID struct {
	Card CardID // card that issued it, or that stands for it
	N    int64  // number of the coupon on the card, from 1
}

// String returns the text of the id, which ParseCouponID reads.
func (id CouponID) String() string { return fmt.Sprintf("%s:%d", id.Card, id.N) }

// ParseCouponID reads what String wrote. *errs.InputError: the text is not that of a coupon.
func ParseCouponID(s string) (CouponID, error) {
	bad := &errs.InputError{Field: "coupon", Reason: `is not like "program/member:1"`}
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return CouponID{}, bad
	}
	card, err1 := ParseCardID(s[:i])
	n, err2 := strconv.ParseInt(s[i+1:], 10, 64)
	if err1 != nil || err2 != nil || n <= 0 {
		return CouponID{}, bad
	}
	return CouponID{card, n}, nil
}

// MarshalText implements encoding.TextMarshaler.
func (id CouponID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (id *CouponID) UnmarshalText(text []byte) (err error) {
	*id, err = ParseCouponID(string(text))
	return err
}

// A Coupon (优惠券) is the right to one reward.
type Coupon struct {
	ID       CouponID    `json:"id"`                 // card and number
	Reward   string      `json:"reward"`             // Reward.ID
	Name     string      `json:"name"`               // Reward.Name when it was issued
	Began    int         `json:"began"`              // version of the program that issued it
	Pos      int64       `json:"pos,omitempty"`      // Card.Total at which it was due; 0: handed out
	State    CouponState `json:"state"`              // where it stands
	Issued   time.Time   `json:"issued"`             // when it was issued
	Expires  time.Time   `json:"expires,omitzero"`   // redeemable in [Issued, Expires); zero: never ends
	Ended    time.Time   `json:"ended,omitzero"`     // when it was redeemed, voided or found lapsed
	Issuer   ids.Shop    `json:"issuer,omitempty"`   // shop that gave it; "": none did
	Shop     ids.Shop    `json:"shop,omitempty"`     // where it was redeemed
	By       string      `json:"by,omitempty"`       // who redeemed or voided it
	Nickname string      `json:"nickname,omitempty"` // of the member when it was issued
}

// A CouponState is where a coupon stands. A coupon that is past its end is lapsed whether or not
// that was written down.
type CouponState string

const (
	Issued   CouponState = "issued"   // may be redeemed
	Redeemed CouponState = "redeemed" // was used
	Voided   CouponState = "voided"   // ended by hand, or taken back with its stamps
	Lapsed   CouponState = "lapsed"   // past its end
)

// At returns the coupon as it stands at that time.
func (c Coupon) At(now time.Time) Coupon {
	if c.State == Issued && !c.Expires.IsZero() && !now.Before(c.Expires) {
		c.State, c.Ended = Lapsed, c.Expires
	}
	return c
}
