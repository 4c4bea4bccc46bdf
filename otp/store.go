package otp

import (
	"context"
	"time"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// Store keeps scopes, what is metered in them, and their codes. Everything of a scope changes under
// the version of the scope, but for the spending of a code, which has a version of its own.
type Store interface {
	// Tenant returns the tenant whose rows the store keeps. Engines bind what they seal or hash to
	// it.
	Tenant() string
	// Load returns the state for each lookup, in their order. A scope that does not exist has
	// version 0.
	Load(ctx context.Context, lookups []Lookup, now time.Time) ([]State, error)
	// Save stores each change, all of it or nothing of it, and returns an error a change, nil where
	// it was stored. journal.ErrConflict: Scope.Version is not the stored version.
	// journal.ErrDuplicate: a key of Entries was used before. After either, an enclosing
	// transaction is still usable. Scope.Version is the version that was loaded; what is stored has
	// one more. No two changes are of one scope. The second error is the database's: nothing is
	// known of the outcome, and the keys make a retry safe.
	Save(ctx context.Context, changes []Change) ([]error, error)
	// Spend stores the code as it is in each change, under the version and the ID of the code and
	// with nothing else, and answers like Save: journal.ErrConflict where the stored code has
	// another version or another ID. No two changes are of one code.
	Spend(ctx context.Context, changes []Spent) ([]error, error)
	// Prune deletes the codes whose digits are free since before that time and the meters whose
	// debt ended before it and that count no misses, and returns how many rows that were.
	Prune(ctx context.Context, before time.Time) (int64, error)
}

// A Lookup names what a command needs of its scope. Fields may be empty.
type Lookup struct {
	Scope   Scope
	Parties []Party  // whose meters to load
	MACs    [][]byte // codes to load by their digits
	Holder  HolderID // with Purpose: the live code to load
	Purpose Purpose
	Entry   string // with Key: the subject of the journal's record to load
	Key     string
}

// A State is what a lookup found.
type State struct {
	Scope  ScopeRow
	Meters []Meter        // of the parties that have one, in the order of their kinds and ids
	Codes  []Code         // with one of the MACs, whether live or not
	Live   []Code         // the holder's codes for the purpose that are live: not ended, and now < Expires
	Count  map[int]int64  // live codes of the scope by number of digits
	Record *journal.Entry // nil: the key is new
}

// ScopeRow is the root of all that changes in a scope.
type ScopeRow struct {
	Scope   Scope
	Version int64
	Issued  int64     // codes issued so far
	Seq     int64     // entries of the journal so far
	Debt    time.Time // see Budget
}

// A Party is somebody who is metered in a scope.
type Party struct {
	Kind PartyKind
	ID   string
}

// A PartyKind is what a Party is.
type PartyKind string

const (
	PartyScope  PartyKind = "scope"  // all typists of a scope; metered in ScopeRow
	PartyTypist PartyKind = "typist" // a TypistID, by wrong guesses
	PartyHolder PartyKind = "holder" // a HolderID, by the codes asked for
	PartyDevice PartyKind = "device" // a DeviceID, by the codes asked for
)

// A Meter is what one party has used up in one scope.
type Meter struct {
	Scope  Scope
	Party  Party
	Debt   time.Time // see Budget
	Misses int64     // of a typist: wrong codes in a row
}

// A Code as it is stored: its digits only as a keyed MAC, and sealed for the holder's own eyes
// while it lives.
type Code struct {
	Scope    Scope
	MAC      []byte // HMAC-SHA-256 of tenant, scope and digits, cut to 16 bytes
	ID       []byte // 16 random bytes, of no other code
	Version  int64
	Number   int64 // how many codes the scope had issued with this one
	KeyID    string
	Digits   int
	Sealed   []byte // the digits, AES-256-GCM; empty once the code has ended
	Holder   HolderID
	Purpose  Purpose
	Payload  []byte
	Issued   time.Time
	Expires  time.Time // live in [Issued, Expires)
	Reusable time.Time // the digits may be issued again from here on
	Ended    End       // "": not ended before Expires
	EndedAt  time.Time
	EndedBy  TypistID
}

// An End is why a code ended before it expired.
type End string

const (
	Used     End = "used"
	Replaced End = "replaced"
)

// A Change of a scope: its row, the meters and codes that are new or other (stored whole, by scope
// and party or scope and MAC), and what the journal tells of it.
type Change struct {
	Scope   ScopeRow
	Meters  []Meter
	Codes   []Code
	Entries []journal.Entry
}

// Spent is the change of one code, where Code.Version is the version that was loaded.
type Spent struct {
	Code    Code
	Entries []journal.Entry
}
