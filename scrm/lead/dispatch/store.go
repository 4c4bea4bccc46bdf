package dispatch

import (
	"context"
	"iter"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// Store keeps lines with their visitors. Everything of a line changes under its version.
type Store interface {
	// Tenant returns the tenant whose rows the store keeps. Engines bind what they seal or hash to
	// it.
	Tenant() string
	// Load returns what was found for each lookup, in their order. A line that does not exist has
	// version 0, a visitor number 0.
	Load(ctx context.Context, lookups []Lookup) ([]Loaded, error)
	// Save stores each change, all of it or nothing of it, and returns an error a change, nil where
	// it was stored. journal.ErrConflict: the stored version of the line is not Version - 1.
	// journal.ErrDuplicate: a key of Entries was used before. After either, an enclosing
	// transaction is still usable. No two changes are of one line. The second error is the
	// database's: nothing is known of the outcome, and a repetition is safe.
	Save(ctx context.Context, changes []Change) ([]error, error)
	// Lines yields the lines in the order of their ids.
	Lines(ctx context.Context) iter.Seq2[Line, error]
	// Waiting yields at most limit visitors (0: all) of a line who wait, the oldest first.
	Waiting(ctx context.Context, id LineID, limit int) iter.Seq2[Visitor, error]
}

// A Lookup names what commands need of a line.
type Lookup struct {
	Line     LineID
	Visitors []VisitorID
	Key      string // "": none
}

// Loaded is what a Lookup found.
type Loaded struct {
	Line     Line
	Visitors []Visitor // in their order
	Entry    *journal.Entry
}

// A Change is a line as it is to be stored, with Version one more than the one that was loaded. A
// visitor is new or replaces the one of that id.
type Change struct {
	Line     Line
	Visitors []Visitor
	Entries  []journal.Entry
}
