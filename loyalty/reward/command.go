package reward

import (
	"cmp"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// A Take is what a member takes.
type Take struct {
	Holder HolderID  `json:"holder"`         // member and catalog
	Reward RewardID  `json:"reward"`         // reward of the catalog
	N      int64     `json:"n,omitempty"`    // pieces; 0 is 1
	Price  Price     `json:"price,omitzero"` // the one of the reward's that the member agreed to; of a table the most points
	Cart   *Cart     `json:"cart,omitempty"` // of a table: what the points are to pay, at most as much of it as the reward lets them; nil: any
	Of     string    `json:"of,omitempty"`   // the order that it is given for, or with; "": the key of the command names it
	Level  ids.Level `json:"-"`              // the member's; a repeated command may have another
}

// An Issue takes pieces of a reward, a voucher each.
type Issue struct {
	Take
	Gift   bool   `json:"gift,omitempty"`   // it costs nothing, and neither levels nor limits of the member stand against it
	Reason string `json:"reason,omitempty"` // why, for the journal
	By     string `json:"by,omitempty"`     // who did it, for the journal
	Key    string `json:"-"`                // idempotency key; required
}

// A Reserve sets pieces aside for a time, to be captured or cancelled.
type Reserve struct {
	Take
	For time.Duration `json:"for"`          // up to MaxReservation
	By  string        `json:"by,omitempty"` // who did it, for the journal
	Key string        `json:"-"`            // idempotency key; required
}

// MaxReservation is the longest time that something is reserved for.
const MaxReservation = 31 * 24 * time.Hour

// A Capture issues what was reserved.
type Capture struct {
	Holder HolderID `json:"holder"`       // member and catalog
	Order  int64    `json:"order"`        // Voucher.Order
	By     string   `json:"by,omitempty"` // who did it, for the journal
	Key    string   `json:"-"`            // idempotency key; required
}

// A Cancel gives back what was reserved.
type Cancel struct {
	Holder HolderID `json:"holder"`           // member and catalog
	Order  int64    `json:"order"`            // Voucher.Order
	Reason string   `json:"reason,omitempty"` // why, for the journal
	By     string   `json:"by,omitempty"`     // who did it, for the journal
	Key    string   `json:"-"`                // idempotency key; required
}

// A Redeem uses a voucher.
type Redeem struct {
	Voucher VoucherID `json:"voucher"`        // voucher to use
	Shop    ids.Shop  `json:"shop"`           // where it is used
	Cart    *Cart     `json:"cart,omitempty"` // that it takes something off; nil: what it takes off is not computed
	By      string    `json:"by,omitempty"`   // who did it, for the journal
	Key     string    `json:"-"`              // idempotency key; required
}

// An Undo takes a redemption back.
type Undo struct {
	Voucher VoucherID `json:"voucher"`          // voucher that was redeemed
	Reason  string    `json:"reason,omitempty"` // why, for the journal
	By      string    `json:"by,omitempty"`     // who did it, for the journal
	Key     string    `json:"-"`                // idempotency key; required
}

// A Return gives a voucher back that was not redeemed: to the stock, and to the limits.
type Return struct {
	Voucher VoucherID `json:"voucher"`          // voucher to give back
	Reason  string    `json:"reason,omitempty"` // why, for the journal
	By      string    `json:"by,omitempty"`     // who did it, for the journal
	Key     string    `json:"-"`                // idempotency key; required
}

// A Void ends a voucher that was not redeemed, and gives nothing back.
type Void struct {
	Voucher VoucherID `json:"voucher"`      // voucher to end
	Reason  string    `json:"reason"`       // why; required
	By      string    `json:"by,omitempty"` // who did it, for the journal
	Key     string    `json:"-"`            // idempotency key; required
}

// A Merge notes that a member turned out to be another one. What Holder took stays under its ids,
// and what was reserved is captured or cancelled there; from then on To takes in its place, who has
// its vouchers among the own ones and for whom limits count what both took.
type Merge struct {
	Holder HolderID   `json:"holder"`           // member who is merged, and takes no more
	To     ids.Member `json:"to"`               // who goes on
	Reason string     `json:"reason,omitempty"` // why, for the journal
	By     string     `json:"by,omitempty"`     // who did it, for the journal
	Key    string     `json:"-"`                // idempotency key; required
}

// An Expire posts that a voucher is past its end, and with it all that its holder had reserved
// until an earlier time. Where nothing is it leaves no trace.
type Expire struct {
	Voucher VoucherID `json:"voucher"` // voucher that may be past its end
	Key     string    `json:"-"`       // idempotency key; required
}

func (id HolderID) check() error {
	return cmp.Or(valid.ID("holder.catalog", id.Catalog), valid.ID("holder.member", id.Member))
}

func (id VoucherID) check() error {
	return cmp.Or(id.Holder.check(), valid.Between("voucher.n", id.N, 1, maxStock))
}

func (t Take) check() error {
	return cmp.Or(t.Holder.check(), valid.ID("reward", t.Reward), valid.Between("n", t.N, 0, MaxPieces),
		valid.OptionalID("price.currency", t.Price.Currency), valid.Between("price.points", t.Price.Points, 0, maxPoints),
		valid.Between("price.money", t.Price.Money, 0, maxAmount), t.Cart.check(), valid.OptionalID("of", t.Of), valid.OptionalID("level", t.Level))
}

func common(by, reason, key string) error {
	return cmp.Or(valid.Text("by", by), valid.Text("reason", reason), valid.ID("key", key))
}

func (c Issue) check() error {
	err := cmp.Or(c.Take.check(), common(c.By, c.Reason, c.Key))
	if err == nil && c.Gift && c.Price != (Price{}) {
		err = &errs.InputError{Field: "price", Reason: "is there, and the voucher is a gift"}
	}
	return err
}

func (c Reserve) check() error {
	err := cmp.Or(c.Take.check(), common(c.By, "", c.Key))
	if err == nil && (c.For < time.Second || c.For > MaxReservation) {
		err = &errs.InputError{Field: "for", Reason: "is not between a second and 31 days"}
	}
	return err
}

func (c Capture) check() error {
	return cmp.Or(c.Holder.check(), valid.Between("order", c.Order, 1, maxStock), common(c.By, "", c.Key))
}

func (c Cancel) check() error {
	return cmp.Or(c.Holder.check(), valid.Between("order", c.Order, 1, maxStock), common(c.By, c.Reason, c.Key))
}

func (c Redeem) check() error {
	return cmp.Or(c.Voucher.check(), valid.ID("shop", c.Shop), c.Cart.check(), common(c.By, "", c.Key))
}

func (c Undo) check() error   { return cmp.Or(c.Voucher.check(), common(c.By, c.Reason, c.Key)) }
func (c Return) check() error { return cmp.Or(c.Voucher.check(), common(c.By, c.Reason, c.Key)) }
func (c Merge) check() error {
	err := cmp.Or(c.Holder.check(), valid.ID("to", c.To), common(c.By, c.Reason, c.Key))
	if err == nil && c.To == c.Holder.Member {
		err = &errs.InputError{Field: "to", Reason: "is the same member"}
	}
	return err
}

func (c Expire) check() error { return cmp.Or(c.Voucher.check(), common("", "", c.Key)) }

func (c Void) check() error {
	err := cmp.Or(c.Voucher.check(), common(c.By, c.Reason, c.Key))
	if err == nil && c.Reason == "" {
		err = &errs.InputError{Field: "reason", Reason: "is missing"}
	}
	return err
}
