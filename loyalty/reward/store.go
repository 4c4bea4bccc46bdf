package reward

import (
	"context"
	"iter"
	"time"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// Store keeps catalogs, holders, vouchers and counts. Everything of a holder changes under its
// version; counts are shared, and added to.
type Store interface {
	// Tenant returns the tenant whose rows the store keeps. Engines bind what they seal or hash to
	// it.
	Tenant() string
	// Load returns what was found for each lookup, in their order. A holder that does not exist has
	// version 0.
	Load(ctx context.Context, lookups []Lookup) ([]Loaded, error)
	// Save stores each change, all of it or nothing of it, and returns an error a change, nil where
	// it was stored. journal.ErrConflict: the stored version of a holder is not Version - 1.
	// journal.ErrDuplicate: a key of Entries was used before. ErrSoldOut: a count would come out of
	// its bound. After each of them, an enclosing transaction is still usable. No two changes are
	// of one holder. The second error is the database's: nothing is known of the outcome, and the
	// keys make a retry safe.
	Save(ctx context.Context, changes []Change) ([]error, error)
	// Holders returns the holders of a member, in the order of their catalogs.
	Holders(ctx context.Context, member MemberID) ([]Holder, error)
	// Find returns the voucher whose code has one of the MACs; nil: there is none.
	Find(ctx context.Context, macs [][]byte) (*Voucher, error)
	// Counts returns the counts of all members together in the periods, in the order of rewards and
	// periods; none that are 0.
	Counts(ctx context.Context, id CatalogID, periods []string) ([]Count, error)
	// Catalog returns a version of a catalog, or the newest for version 0. ErrUnknownCatalog:
	// there is none.
	Catalog(ctx context.Context, id CatalogID, version int) (Definition, error)
	// Publish stores a version of a catalog. ErrPublished: it exists, and Definition.Version must
	// be the next.
	Publish(ctx context.Context, d Definition) error
	// Vouchers yields the vouchers that the query asks for, in the order of their ids.
	Vouchers(ctx context.Context, q VoucherQuery) iter.Seq2[Voucher, error]
}

// A Lookup names what a command needs of a holder. Fields but Holder may be empty, and nothing is
// loaded for them then.
type Lookup struct {
	Holder   HolderID
	Voucher  int64 // the voucher of that number
	Reserved bool  // the vouchers that are stored as reserved
	Key      string
}

// Loaded is what a lookup found.
type Loaded struct {
	Holder   Holder
	Vouchers []Voucher      // in the order of their numbers
	Entry    *journal.Entry // nil: the key is new
}

// A Change is a holder, or both of a merger, as it is to be stored, with Version one more than the
// one that was loaded. A voucher is new or replaces the one with its number.
type Change struct {
	Holder   Holder
	Also     *Holder // the other side of a merger; nil: none
	Vouchers []Stored
	Bounds   []Bound // no two of one count
	Entries  []journal.Entry
}

// Stored is a voucher with what its code is found by.
type Stored struct {
	Voucher
	MAC []byte // nil: it has no code
}

// A Bound adds N to a count, which must then be in 0 to Most.
type Bound struct {
	Count
	Most int64
}

// A VoucherQuery asks for the vouchers of a member, of a catalog or of both, of any reward where
// Reward is "" and any state where State is "" (as it is stored), and, where EndedBefore is not
// zero, for those of them alone that are stored as reserved or issued though they ended before that
// time.
type VoucherQuery struct {
	Catalog     CatalogID
	Member      MemberID
	Reward      RewardID
	State       State
	EndedBefore time.Time
	Limit       int // 0: all
}
