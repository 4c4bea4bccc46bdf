package loyalty

import (
	"context"
	"iter"
	"time"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// Store keeps programs, accounts and bookings. Everything of an account changes under its
// version.
type Store interface {
	// Tenant returns the tenant whose rows the store keeps. Engines bind what they seal or hash to
	// it.
	Tenant() string
	// Load returns what was found for each lookup, in their order. An account that does not exist
	// has version 0.
	Load(ctx context.Context, lookups []Lookup) ([]Loaded, error)
	// Save stores each change, all of it or nothing of it, and returns an error a change, nil where
	// it was stored. journal.ErrConflict: the stored version of an account is not Version - 1.
	// journal.ErrDuplicate: a key of Entries was used before. After either, an enclosing
	// transaction is still usable. No two changes are of one account. The second error is the
	// database's: nothing is known of the outcome, and the keys make a retry safe.
	Save(ctx context.Context, changes []Change) ([]error, error)
	// Program returns a version of a program, or the newest for version 0. ErrUnknownProgram:
	// there is none.
	Program(ctx context.Context, id ProgramID, version int) (Definition, error)
	// Publish stores a version of a program. ErrPublished: it exists, and Definition.Version must
	// be the next.
	Publish(ctx context.Context, d Definition) error
	// Accounts yields the accounts that the query asks for, in the order of their ids.
	Accounts(ctx context.Context, q AccountQuery) iter.Seq2[Account, error]
	// Bookings yields the bookings of an account, in the order of their keys; where its Member is
	// "", those of all accounts of the program, in the order of their members and keys.
	Bookings(ctx context.Context, id AccountID) iter.Seq2[Booking, error]
	// Ledger yields the journal's entries of an account, the newest first.
	Ledger(ctx context.Context, id AccountID) iter.Seq2[journal.Entry, error]
}

// A Lookup names what a command needs of an account. Fields but Account may be empty, and nothing
// is loaded for them then.
type Lookup struct {
	Account AccountID
	Booking string // the key that it was booked under
	Key     string // of the journal's record of the account to load
}

// Loaded is what a lookup found.
type Loaded struct {
	Account Account
	Booking *Booking       // nil: none
	Entry   *journal.Entry // nil: the key is new
}

// A Change is one or two accounts (both sides of a transfer) as they are to be stored, with Version
// one more than the one that was loaded. A booking is new where its Changes are 0, and its key is
// then that of an entry of its account; else it replaces the one with its key.
type Change struct {
	Accounts []Account
	Bookings []Booking
	Entries  []journal.Entry
}

// An AccountQuery asks for the accounts of a member, of a program or of both, and, where
// DueBefore is not zero, for those of them alone that Account.Due before that time.
type AccountQuery struct {
	Program   ProgramID
	Member    MemberID
	DueBefore time.Time
	Limit     int // 0: all
}
