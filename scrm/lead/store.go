package lead

import (
	"context"
	"iter"
	"time"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// Store keeps jobs, owners, contacts with their leads, counts and the library. Everything of a
// contact changes under its version; counts are shared, and added to.
type Store interface {
	// Tenant returns the tenant whose rows the store keeps. Engines bind what they seal or hash to
	// it.
	Tenant() string
	ContactStore
	JobStore
}

// ContactStore is the part of a Store that leads are kept in.
type ContactStore interface {
	// Load returns the contact of each identity, in their order, with the earliest time since when
	// the library has the identity or one of the contact's names. A contact that does not exist has
	// version 0, and may be in the library.
	Load(ctx context.Context, ids []Identity) ([]Contact, error)
	// Save stores each change, all of it or nothing of it, and returns an error a change, nil where
	// it was stored. journal.ErrConflict: the stored version of a contact is not Version - 1, or it
	// is new and without Library, and the library has its ID. journal.ErrDuplicate: a key of
	// Entries was used before. After either, an enclosing transaction is still usable. No two
	// changes are of one contact. The second error is the database's: nothing is known of the
	// outcome, and a repetition is safe.
	Save(ctx context.Context, changes []Change) ([]error, error)
	// Counts yields the counts that the query asks for, in the order of days and accounts; none
	// that are 0.
	Counts(ctx context.Context, q CountQuery) iter.Seq2[Count, error]
	// Sums returns what each span counted, in their order.
	Sums(ctx context.Context, spans []Span) ([]Figures, error)
	// Leads yields the leads that the query asks for, in the order of their times and contacts.
	Leads(ctx context.Context, q LeadQuery) iter.Seq2[Stored, error]
	// Import adds to the library the contacts that it has not, and returns what it then has of
	// each, in their order. Of two of one contact the first is added. It may run twice.
	Import(ctx context.Context, rows []Imported) ([]ImportFound, error)
}

// JobStore is the part of a Store that jobs and owners are kept in.
type JobStore interface {
	// LoadJob returns a job and an owner, and an entry of the journal. Those that do not exist have
	// version 0. Fields of the lookup may be empty.
	LoadJob(ctx context.Context, l JobLookup) (LoadedJob, error)
	// SaveJob stores a change, as ContactStore.Save does.
	SaveJob(ctx context.Context, c JobChange) error
	// Jobs yields the jobs that the query asks for, in the order of their ids.
	Jobs(ctx context.Context, q JobQuery) iter.Seq2[Job, error]
}

// A Change is one contact, or those that were found to be one, as they are to be stored, with
// Version one more than the one that was loaded. A lead is new or replaces the one with its number;
// its job is on the platform of its contact. Contact.Leads is not looked at.
type Change struct {
	Contacts []Contact
	Leads    []Stored
	Counts   []Count // to be added to those that are there
	Entries  []journal.Entry
}

// Stored is a lead with its contact.
type Stored struct {
	Contact Identity `json:"contact"`
	Lead
}

// A JobLookup names a job or an owner.
type JobLookup struct {
	Job     JobID
	Owner   OwnerID
	Subject string // with Key: of the journal's entry
	Key     string
}

// LoadedJob is what a JobLookup found.
type LoadedJob struct {
	Job   Job
	Owner Owner
	Entry *journal.Entry // nil: the key is new
}

// A JobChange is a job, an owner or neither of them as it is to be stored, with Version one more
// than the one that was loaded.
type JobChange struct {
	Job     *Job
	Owner   *Owner
	Entries []journal.Entry
}

// A JobQuery asks for the jobs of a platform, of codes or of both.
type JobQuery struct {
	Platform PlatformID
	Codes    []CodeID // none: of all
	Limit    int      // 0: all
}

// A Span is the days of a job that begin in [From, To), or its total where both are zero: of an
// account, or of all together.
type Span struct {
	Job      JobID
	Account  AccountID // "": all
	From, To time.Time
}

// A CountQuery asks for what a job counted: of an account, or of all; on the days that begin in
// [From, To), or in total where both are zero.
type CountQuery struct {
	Job      JobID
	Account  AccountID
	From, To time.Time
}

// A LeadQuery asks for the leads of a job, with one verdict or all, whose events are in [From, To).
type LeadQuery struct {
	Job      JobID
	Verdict  Verdict
	From, To time.Time // zero: open
	Limit    int       // 0: all
}
