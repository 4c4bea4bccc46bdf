package shop

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/internal/valid"
)

const (
	// DefaultSlots is how many managers a shop has where Shop.Slots is 0.
	DefaultSlots = 2
	// InvitationTTL is how long an invitation may be used.
	InvitationTTL = 24 * time.Hour

	maxSlots = 100
)

var (
	ErrUnknownShop  = errors.New("shop: there is no such shop")
	ErrClosed       = errors.New("shop: the shop does not take part at this time")
	ErrNotManager   = errors.New("shop: the identity does not manage this shop")
	ErrManages      = errors.New("shop: the identity manages a shop already; unbind it there first")
	ErrSlots        = errors.New("shop: all slots for managers are taken; unbind one first")
	ErrInvitation   = errors.New("shop: the invitation is unknown, used or past its end; ask for a new one")
	ErrShownOnce    = errors.New("shop: the invitation of that key was made, and its token is shown once; invite with a new key")
	ErrUnknownStamp = errors.New("shop: there is no such physical stamp, or it belongs to no shop")
	ErrStampBound   = errors.New("shop: the physical stamp belongs to another shop; unbind it there first")
)

// Put makes a shop, or changes it to what Shop says. Shop.Version is not read.
type Put struct {
	Shop Shop   `json:"shop"`
	By   string `json:"by,omitempty"`
	Key  string `json:"-"`
}

// Invite makes an invitation to manage a shop.
type Invite struct {
	Shop ID     `json:"shop"`
	By   string `json:"by,omitempty"`
	Key  string `json:"-"`
}

// Invited is the answer to an Invite. Token, 256 random bits, goes into the QR code that the new manager scans; whoever
// scans it first is bound.
type Invited struct {
	Token   string    `json:"-"`
	Shop    ID        `json:"shop"`
	Expires time.Time `json:"expires"`
}

// Bind accepts an invitation.
type Bind struct {
	Token    string
	Identity Identity
	Name     string
	Key      string
}

// Unbind takes a shop from its manager.
type Unbind struct {
	Shop     ID       `json:"shop"`
	Identity Identity `json:"identity"`
	By       string   `json:"by,omitempty"`
	Key      string   `json:"-"`
}

// BindStamp gives a physical stamp to a shop.
type BindStamp struct {
	Shop   ID     `json:"shop"`
	Serial Serial `json:"serial"`
	By     string `json:"by,omitempty"`
	Key    string `json:"-"`
}

// UnbindStamps takes a physical stamp from its shop, or all of them.
type UnbindStamps struct {
	Shop   ID     `json:"shop"`
	Serial Serial `json:"serial,omitempty"` // "": all
	By     string `json:"by,omitempty"`
	Key    string `json:"-"`
}

// An Outcome is what a command did: the rows that it changed, after it.
type Outcome struct {
	Shop     *Shop    `json:"shop,omitempty"`    // of Put
	Manager  *Manager `json:"manager,omitempty"` // of Bind and Unbind
	Stamps   []Stamp  `json:"stamps,omitempty"`  // of BindStamp and UnbindStamps
	Replayed bool     `json:"-"`                 // the key was used before, and this is the first result
}

// Open tells whether the shop takes part at that time.
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

// open tells whether an invitation may be used at that time.
func (i Invitation) open(now time.Time) bool {
	return i.Version > 0 && i.Ended.IsZero() && now.Before(i.Expires)
}

func newToken() string {
	b := make([]byte, 32)
	rand.Read(b)
	return hex.EncodeToString(b)
}

func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
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
		return &InputError{Field: "shop.zone", Reason: "is no IANA time zone of this machine"}
	}
	if !s.To.IsZero() && !s.From.Before(s.To) {
		return &InputError{Field: "shop.to", Reason: "is not after from"}
	}
	return nil
}

func (c Invite) check() error {
	return cmp.Or(valid.ID("shop", c.Shop), valid.Text("by", c.By), valid.ID("key", c.Key))
}

func (c Bind) check() error {
	err := cmp.Or(valid.ID("identity", c.Identity), valid.Text("name", c.Name), valid.ID("key", c.Key))
	if err == nil && (len(c.Token) > valid.MaxID || c.Token == "") {
		err = &InputError{Field: "token", Reason: fmt.Sprintf("has not 1 to %d bytes", valid.MaxID)}
	}
	return err
}

func (c Unbind) check() error {
	return cmp.Or(valid.ID("shop", c.Shop), valid.ID("identity", c.Identity), valid.Text("by", c.By), valid.ID("key", c.Key))
}

func (c BindStamp) check() error {
	return cmp.Or(valid.ID("shop", c.Shop), valid.ID("serial", c.Serial), valid.Text("by", c.By), valid.ID("key", c.Key))
}

func (c UnbindStamps) check() error {
	return cmp.Or(valid.ID("shop", c.Shop), valid.OptionalID("serial", c.Serial), valid.Text("by", c.By), valid.ID("key", c.Key))
}
