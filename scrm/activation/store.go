package activation

import (
	"context"
	"iter"
	"time"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// Store keeps codes with their ports, claims to accounts, pools, devices and invitations. Each row
// but a port has a version of its own; a port changes under that of its code.
type Store interface {
	// Tenant returns the tenant whose rows the store keeps. Engines bind what they seal or hash to
	// it.
	Tenant() string
	// Secret returns how the rest of a code is stored, whatever else there is of the code unread;
	// nil: there is no such code.
	Secret(ctx context.Context, id CodeID) (*Secret, error)
	// Load returns the rows that a command needs. What does not exist has version 0 (a port: number
	// 0) and the id that was asked for.
	Load(ctx context.Context, l Lookup) (Loaded, error)
	// Save stores the change, all of it or nothing of it. journal.ErrConflict: the stored version
	// of a row is not Version - 1. journal.ErrDuplicate: a key of Entries was used before.
	// ErrCapacity: a pool would have fewer than no ports left. After each of them, an enclosing
	// transaction is still usable.
	Save(ctx context.Context, c Change) error
	// Codes yields the codes that the query asks for and that are not deleted, the newest first.
	Codes(ctx context.Context, q CodeQuery) iter.Seq2[Code, error]
	// Ports yields the ports that the query asks for and that are not stored as closed, in the
	// order of their ids.
	Ports(ctx context.Context, q PortQuery) iter.Seq2[Held, error]
	// Devices yields the devices that are not removed, in the order of their ids.
	Devices(ctx context.Context) iter.Seq2[Device, error]
	// Due yields the codes that the query asks for, the first ones first.
	Due(ctx context.Context, q DueQuery) iter.Seq2[Code, error]
}

// A Lookup names rows. Fields may be empty, and nothing is loaded for them then.
type Lookup struct {
	Codes      []CodeID  // no two the same
	Port       PortID    // of a code
	Account    AccountID // with Port or Platform: an account on its platform, of which there may be a claim
	Platform   PlatformID
	Pool       PoolID
	Device     DeviceID
	OfDevice   bool   // with Device: its Codes instead of those of Codes
	Invitation []byte // by its hash
	Subject    string // with Key: of the journal's entry
	Key        string
}

// Loaded is what a Lookup found.
type Loaded struct {
	Codes      []Code // in their order
	Port       Port
	Claim      Claim // of Account
	Claimed    Held  // the port that it is for, with its code
	Pool       Pool
	Device     Device
	Invitation Invitation
	Entry      *journal.Entry // nil: the key is new
}

// A Change is rows as they are to be stored, with Version one more than the one that was loaded. A
// port is new or replaces the one with its id. Code.Created is not zero; Pool.Free is not looked
// at.
type Change struct {
	Codes       []Code
	Ports       []Port
	Ended       []SessionID // of Codes: their ports that are Unlinked or Pending, and without an account, become Closed
	Claims      []Claim
	Pools       []Pool
	Devices     []Device
	Invitations []Invitation
	Draws       []Draw // no two of one pool
	Entries     []journal.Entry
}

// A Draw takes N ports from those that are free of a pool, or gives back as many where N is
// negative.
type Draw struct {
	Pool PoolID
	N    int
}

// Held is a port with its code.
type Held struct {
	Port Port
	Code Code
}

// A CodeQuery asks for the codes of a department, or of all, that are in a state at that time, or
// in any.
type CodeQuery struct {
	Department string
	State      State     // "": any
	Now        time.Time // with State
	Limit      int       // 0: all
}

// A PortQuery asks for ports of a code, of a platform, with one of some accounts, or of whichever
// of the three are given.
type PortQuery struct {
	Code     CodeID
	Platform PlatformID
	Accounts []AccountID
	Limit    int // 0: all
}

// A DueQuery asks for the codes whose Due is not after Now: of all, or of those that have ports of
// a pool.
type DueQuery struct {
	Pool  PoolID
	Now   time.Time
	Limit int // 0: all
}
