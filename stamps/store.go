package stamps

import (
	"context"
	"iter"
	"time"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// Store keeps programs, cards, records and coupons. Everything of a card changes under the
// version of the card.
type Store interface {
	// Tenant returns the tenant whose rows the store keeps. Engines bind what they seal or hash to
	// it.
	Tenant() string
	// Load returns what was found for each lookup, in their order. A card that does not exist has
	// version 0.
	Load(ctx context.Context, lookups []Lookup) ([]Loaded, error)
	// Save stores each change, all of it or nothing of it, and returns an error a change, nil where
	// it was stored. journal.ErrConflict: the stored version of a card is not Version - 1, or its
	// Number is taken. journal.ErrDuplicate: a key of Entries was used before. After either, an
	// enclosing transaction is still usable. No two changes are of one card. The second error is
	// the database's: nothing is known of the outcome, and the keys make a retry safe.
	Save(ctx context.Context, changes []Change) ([]error, error)
	// Program returns a version of a program, or the newest for version 0. ErrUnknownProgram:
	// there is none.
	Program(ctx context.Context, id ProgramID, version int) (Definition, error)
	// Publish stores a version of a program. ErrPublished: it exists, and Definition.Version must
	// be the next.
	Publish(ctx context.Context, d Definition) error
	// Records yields the records that the query asks for, the newest first.
	Records(ctx context.Context, q RecordQuery) iter.Seq2[Record, error]
	// Coupons yields the coupons that the query asks for, in the order of their ids.
	Coupons(ctx context.Context, q CouponQuery) iter.Seq2[Coupon, error]
	// Cards yields the cards that the query asks for, in the order of their ids; none that stands
	// for a claim.
	Cards(ctx context.Context, q CardQuery) iter.Seq2[Card, error]
}

// A Lookup names what a command needs of its card. Fields but Card may be empty, and nothing is
// loaded for them then.
type Lookup struct {
	Card   CardID
	Record int64  // the record with that number; -1: the newest of PurposeStamp that is not wholly cancelled
	Coupon int64  // the coupon with that number
	Above  int64  // the coupons that are not voided and have Pos > Card.Total - Above
	Claims bool   // how much of the handout is gone
	Free   bool   // the lowest number of the handout that is free; it takes a walk through all of them
	Entry  string // with Key: the subject of the journal's record to load
	Key    string
}

// Loaded is what a lookup found.
type Loaded struct {
	Card    Card
	Record  *Record        // nil: none
	Coupons []Coupon       // the one of Lookup.Coupon, and those of Lookup.Above, in the order of their numbers
	Taken   int64          // the highest Card.Number of the program
	Free    int64          // the lowest number from 1 that no card of the program has
	Claimed int64          // the highest CardID.Claim of the member in the program
	Entry   *journal.Entry // nil: the key is new
}

// A Change is one or two cards (both sides of a transfer) as they are to be stored, with Version
// one more than the one that was loaded, and their records and coupons. A record is new, or has
// another Cancelled than 0 and replaces the one with its number; nothing else of a record ever
// changes. A coupon is new or replaces the one with its number.
type Change struct {
	Cards   []Card
	Records []Record
	Coupons []Coupon
	Entries []journal.Entry
}

// A RecordQuery asks for records of a card or of a shop in [From, To), of any purpose where
// Purposes is empty.
type RecordQuery struct {
	Card     *CardID
	Shop     ShopID
	From, To time.Time // zero: no bound
	Purposes []Purpose
	Nickname string // part of the nickname, in any case; "": any
	Limit    int    // 0: all
}

// A CouponQuery asks for the coupons of a member, of a program or of both, and, where
// LapsedBefore is not zero, for those of them alone that are stored as issued though they ended
// before that time.
type CouponQuery struct {
	Program      ProgramID
	Member       MemberID
	LapsedBefore time.Time
	Limit        int // 0: all
}

// A CardQuery asks for the cards of a member, of a program or of both, and, where LapsedBefore is
// not zero, for those of them alone that are stored with stamps that lapsed before that time.
type CardQuery struct {
	Program      ProgramID
	Member       MemberID
	LapsedBefore time.Time
	Limit        int // 0: all
}
