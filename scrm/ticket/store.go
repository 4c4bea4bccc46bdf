package ticket

import (
	"context"
	"iter"
	"time"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// Store keeps sites, templates, and tickets with the bodies that they came with.
type Store interface {
	// Tenant returns the tenant whose rows the store keeps. Engines bind what they seal or hash to
	// it.
	Tenant() string
	// Load returns the rows that a command needs. What does not exist has version 0 and the id that
	// was asked for.
	Load(ctx context.Context, l Lookup) (Loaded, error)
	// Save stores each change, all of it or nothing of it, and returns an error a change, nil where
	// it was stored. journal.ErrConflict: the stored version of a row is not Version - 1.
	// journal.ErrDuplicate: a key of Entries was used before. After either, an enclosing
	// transaction is still usable. No two changes are of one row. The second error is the
	// database's: nothing is known of the outcome, and a repetition is safe.
	Save(ctx context.Context, changes []Change) ([]error, error)
	// Tickets yields the tickets that the query asks for.
	Tickets(ctx context.Context, q Query) iter.Seq2[Ticket, error]
	// Targets yields each code and account that Pending and Assigned tickets are at, once, in their
	// order: of targets without a code too. It looks up one after the other, so that its work grows
	// with the targets, not with the tickets.
	Targets(ctx context.Context) iter.Seq2[Target, error]
	// Sites yields the sites in the order of their ids.
	Sites(ctx context.Context) iter.Seq2[Site, error]
	// Templates returns a version of templates, or the newest for version 0. ErrUnknownTemplates:
	// there is none.
	Templates(ctx context.Context, id TemplatesID, version int) (Templates, error)
	// Publish stores a version of templates. ErrPublished: it exists, and Templates.Version must be
	// the next.
	Publish(ctx context.Context, d Templates) error
}

// A Lookup names rows. Fields may be empty, and nothing is loaded for them then.
type Lookup struct {
	Site    SiteID
	Ticket  ID
	Body    bool   // with Ticket
	Subject string // with Key: of the journal's entry
	Key     string
}

// Loaded is what a Lookup found.
type Loaded struct {
	Site   Site
	Ticket Ticket
	Body   []byte
	Entry  *journal.Entry // nil: the key is new
}

// A Change is a site or a ticket as it is to be stored, with Version one more than the one that was
// loaded.
type Change struct {
	Site    *Site
	Ticket  *Ticket
	Body    []byte  // of a ticket that is new, or of Push; it never changes
	Push    EventID // under which the body of one more push is kept, which is no ticket's id; "": there is none
	Entries []journal.Entry
}

// A Query asks for tickets: those that fit every field that is given, the newest first or, with
// Oldest, the oldest.
type Query struct {
	Site     SiteID
	Event    EventID
	State    State
	Platform string    // in small letters, for a Store
	Country  string    // in capitals, for a Store
	Code     CodeID    // of the target
	Account  string    // of the target
	From, To time.Time // received in [From, To)
	Oldest   bool
	Limit    int // 0: all
}
