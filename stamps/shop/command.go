package shop

import (
	"cmp"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
)

const (
	// DefaultSlots is how many managers a shop has where Shop.Slots is 0.
	DefaultSlots = 2
	// InvitationTTL is how long an invitation may be used.
	InvitationTTL = 24 * time.Hour

	maxSlots = 100
)

// Errors of commands and look-ups.
var (
	ErrUnknownShop  = errs.New(errs.NotFound, "shop: there is no such shop")
	ErrClosed       = errs.New(errs.OutOfTime, "shop: the shop does not take part at this time")
	ErrNotManager   = errs.New(errs.Denied, "shop: the identity does not manage this shop")
	ErrManages      = errs.New(errs.Conflict, "shop: the identity manages a shop already; unbind it there first")
	ErrSlots        = errs.New(errs.Exhausted, "shop: all slots for managers are taken; unbind one first")
	ErrInvitation   = errs.New(errs.Invalid, "shop: the invitation is unknown, used or past its end; ask for a new one")
	ErrShownOnce    = errs.New(errs.Conflict, "shop: the invitation of that key was made, and its token is shown once; invite with a new key")
	ErrUnknownStamp = errs.New(errs.NotFound, "shop: there is no such physical stamp, or it belongs to no shop")
	ErrStampBound   = errs.New(errs.Conflict, "shop: the name belongs to another physical stamp; unbind that first")
	ErrUnsigned     = errs.New(errs.Conflict, "shop: the physical stamp takes certified presses alone; give the token of the press")
	ErrPress        = errs.New(errs.Invalid, "shop: the token of the press is unknown, used or past its end; press again")
)

// Put makes a shop, or changes it to what Shop says. Shop.Version is not read.
type Put struct {
	Shop Shop   `json:"shop"`         // the shop as it is to be
	By   string `json:"by,omitempty"` // who did it, for the journal
	Key  string `json:"-"`            // idempotency key; required
}

// Unbind takes a shop from its manager.
type Unbind struct {
	Shop     ids.Shop `json:"shop"`         // shop of the manager
	Identity Identity `json:"identity"`     // manager of the shop
	By       string   `json:"by,omitempty"` // who did it, for the journal
	Key      string   `json:"-"`            // idempotency key; required
}

// An Outcome is what a command did: the rows that it changed, after it.
type Outcome struct {
	Shop    *Shop    `json:"shop,omitempty"`    // of Put
	Manager *Manager `json:"manager,omitempty"` // of Bind and Unbind
	Stamps  []Stamp  `json:"stamps,omitempty"`  // of BindStamp and UnbindStamps, a row for each name

	InvitedBy string         `json:"invitedBy,omitempty"` // of Bind: Invite.By
	Withdrawn []InvitationID `json:"withdrawn,omitempty"` // of Withdraw and Unbind
	Replayed  bool           `json:"-"`                   // the key was used before, and this is the first result
}

// Open reports whether the shop takes part at that time.
func (s Shop) Open(now time.Time) bool {
	return !now.Before(s.From) && (s.To.IsZero() || now.Before(s.To))
}

// slots returns how many managers the shop has at most.
func (s Shop) slots() int { return cmp.Or(s.Slots, DefaultSlots) }

// slot returns the lowest slot that is free. ErrSlots: none is.
func (s Shop) slot(managers []Manager) (int, error) {
	taken := map[int]bool{}
	for _, m := range managers {
		taken[m.Slot] = true
	}
	for slot := 1; slot <= s.slots(); slot++ {
		if !taken[slot] {
			return slot, nil
		}
	}
	return 0, ErrSlots
}

func (c Put) check() error {
	s := c.Shop
	err := cmp.Or(valid.ID("shop.id", s.ID), valid.Text("shop.name", s.Name), valid.Text("shop.address", s.Address),
		valid.Time("shop.from", s.From), valid.Time("shop.to", s.To), valid.Between("shop.slots", int64(s.Slots), 0, maxSlots),
		valid.Text("by", c.By), valid.ID("key", c.Key))
	if err != nil {
		return err
	}
	if _, zoneErr := time.LoadLocation(s.Zone); zoneErr != nil || s.Zone == "" || s.Zone == "Local" {
		return &errs.InputError{Field: "shop.zone", Reason: "is no IANA time zone of this machine"}
	}
	if !s.To.IsZero() && !s.From.Before(s.To) {
		return &errs.InputError{Field: "shop.to", Reason: "is not after from"}
	}
	return nil
}

func (c Unbind) check() error {
	return cmp.Or(valid.ID("shop", c.Shop), valid.ID("identity", c.Identity), valid.Text("by", c.By), valid.ID("key", c.Key))
}
