package shop

import (
	"context"
	"iter"
	"time"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// Store keeps shops, managers, invitations and physical stamps. Each row has a version of its own.
type Store interface {
	// Tenant returns the tenant whose rows the store keeps. Engines bind what they seal or hash to
	// it.
	Tenant() string
	// Load returns the rows that a command needs, and the journal's record of its key. What does
	// not exist has version 0 and the id that was asked for.
	Load(ctx context.Context, l Lookup) (State, error)
	// Pairs returns State.Shop and State.Manager for each pair, in their order.
	Pairs(ctx context.Context, pairs []Pair) ([]State, error)
	// Save stores the change, all of it or nothing of it. journal.ErrConflict: a row's Version is
	// not the stored one, or the slot is taken. journal.ErrDuplicate: the key of an entry was used
	// before. After either, an enclosing transaction is still usable. Versions are those that were
	// loaded; what is stored has one more.
	Save(ctx context.Context, c Change) error
	// List yields the shops of the tenant in the order of their ids.
	List(ctx context.Context) iter.Seq2[Shop, error]
}

// A Lookup names rows. Fields may be empty.
type Lookup struct {
	Shop       ID
	Staff      bool     // with Shop: its managers and physical stamps
	Identity   Identity // the manager
	Serial     Serial   // the physical stamp
	Aliases    []Serial // more of them
	Invitation []byte   // by its hash
	Invited    bool     // with Shop: its invitations that have not ended, those past their end among them
	Entry      string   // with Key: the subject of the journal's record to load
	Key        string
}

// A Pair is a shop and somebody who may manage it.
type Pair struct {
	Shop     ID
	Identity Identity
}

// A State is what a lookup found.
type State struct {
	Shop       Shop
	Managers   []Manager // with Lookup.Staff, in the order of their slots
	Stamps     []Stamp   // with Lookup.Staff, in the order of their serials
	Manager    Manager   // Lookup.Identity
	Stamp      Stamp     // Lookup.Serial
	Aliases    []Stamp   // with Lookup.Aliases, in the same order
	Invitation Invitation
	Record     *journal.Entry

	Invitations []Invitation // with Lookup.Invited, by Expires and then by Hash
}

// A Change of any number of rows.
type Change struct {
	Shops       []Shop
	Managers    []Manager
	Stamps      []Stamp
	Invitations []Invitation
	Entries     []journal.Entry
}

// A Manager is an identity and the shop that it manages.
type Manager struct {
	Identity Identity  `json:"identity"`
	Shop     ID        `json:"shop,omitempty"` // "": none
	Slot     int       `json:"slot,omitempty"` // 1 to Shop.Slots; no two managers of a shop have the same
	Name     string    `json:"name,omitempty"`
	Bound    time.Time `json:"bound,omitzero"`
	Version  int64     `json:"-"`
}

// A Stamp is a name of a physical stamp (印章), and the shop that it belongs to.
type Stamp struct {
	Serial   Serial    `json:"serial"`         // in its canonical form
	Of       Serial    `json:"of,omitempty"`   // the stamp that this is another name of; "": its own
	Shop     ID        `json:"shop,omitempty"` // "": none
	Bound    time.Time `json:"bound,omitzero"`
	Ref      string    `json:"ref,omitempty"`      // names the stamp in records that a customer sees
	Unsigned bool      `json:"unsigned,omitempty"` // presses without a token count
	Version  int64     `json:"-"`
}

// An Invitation as it is stored: by a hash of its tenant and its token.
type Invitation struct {
	Hash    []byte
	Shop    ID
	By      string // who invited
	Expires time.Time
	Ended   time.Time // used or withdrawn; zero: not yet
	UsedBy  Identity  // "": withdrawn
	Version int64
}
