package reward

import (
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A HolderID names a member with a catalog.
type HolderID struct {
	Catalog CatalogID  `json:"catalog"` // catalog that vouchers are of
	Member  ids.Member `json:"member"`  // customer, in the embedder's words
}

// Subject is the subject of the holder's entries in the journal.
func (id HolderID) Subject() string {
	return journal.Subject("reward", string(id.Catalog), string(id.Member))
}

// A VoucherID names a voucher: the N-th of its holder, from 1.
type VoucherID struct {
	Holder HolderID `json:"holder"` // who took it
	N      int64    `json:"n"`      // number of the voucher among the holder's, from 1
}

// String returns the text of the id, for messages and logs.
func (id VoucherID) String() string {
	return fmt.Sprintf("%s/%s/%d", id.Holder.Catalog, id.Holder.Member, id.N)
}

// A Holder is what limits need of a member. It stays small however much is taken.
type Holder struct {
	ID      HolderID `json:"-"`                // member and catalog
	Version int64    `json:"-"`                // 0: there is none yet
	Seq     int64    `json:"-"`                // entries in the journal
	Last    int64    `json:"-"`                // number of the newest voucher
	Counts  []Count  `json:"counts,omitempty"` // what limits of each member count

	Merged   ids.Member   `json:"merged,omitempty"`   // who the member turned out to be, and who takes in its place since
	Absorbed []ids.Member `json:"absorbed,omitempty"` // those who turned out to be this member, in their order
	Others   []Count      `json:"-"`                  // what limits count of the absorbed ones; read with the holder, not stored with it
}

// A Count is how many pieces of a reward were taken in a period, which In names: "ever", "2026",
// "2026-11", "2026-W48", "2026-11-24".
type Count struct {
	Reward RewardID `json:"reward"` // reward that was taken
	In     string   `json:"in"`     // period, as above
	N      int64    `json:"n"`      // pieces
}

// A State is what became of a voucher.
type State string

const (
	Reserved  State = "reserved"  // set aside until To
	Issued    State = "issued"    // may be redeemed
	Redeemed  State = "redeemed"  // was used
	Lapsed    State = "lapsed"    // reserved or issued, past its end
	Cancelled State = "cancelled" // reserved, and given back
	Returned  State = "returned"  // issued, and given back
	Voided    State = "voided"    // ended by hand
)

// A Voucher is one piece of a reward that a member took. Times are UTC in microseconds.
type Voucher struct {
	ID       VoucherID `json:"id"`                 // holder and number
	Order    int64     `json:"order"`              // number of the first voucher that was taken with it
	Reward   RewardID  `json:"reward"`             // reward of the catalog
	Of       string    `json:"of,omitempty"`       // the order that it was given for: Take.Of, or the key that it was taken under
	Name     string    `json:"name"`               // Reward.Name when it was taken
	Version  int       `json:"version"`            // of the catalog that it was taken with
	State    State     `json:"state"`              // where it stands
	Price    Price     `json:"price"`              // of this piece
	Value    int64     `json:"value,omitempty"`    // what it stands for, minor units; 0: nothing
	Gift     bool      `json:"gift,omitempty"`     // it was given for nothing
	Imported bool      `json:"imported,omitempty"` // it came from another system: no stock and no limit counts it
	Taken    time.Time `json:"taken"`              // when it was reserved or issued
	From     time.Time `json:"from,omitzero"`      // redeemed in [From, To); zero: no bound. While it is reserved, To ends that
	To       time.Time `json:"to,omitzero"`        // end of the interval that From begins
	Ended    time.Time `json:"ended,omitzero"`     // redeemed, lapsed, cancelled, returned or voided
	Shop     ids.Shop  `json:"shop,omitempty"`     // where it was redeemed
	By       string    `json:"by,omitempty"`       // who ended it
	Salt     []byte    `json:"salt,omitempty"`     // that its code is made from; nil: it has none
	KeyID    string    `json:"key,omitempty"`      // of the Key that the code is made with
	Prefix   string    `json:"prefix,omitempty"`   // Definition.Prefix when it was taken

	// Code is what the member shows, and QR what a picture of it holds: of a voucher that is issued
	// or redeemed. Neither is stored.
	Code string `json:"-"`
	QR   string `json:"-"`
}

// At returns the voucher as it stands at that time.
func (v Voucher) At(now time.Time) Voucher {
	if v.ends(now) {
		v.State, v.Ended = Lapsed, v.To
	}
	return v
}

// ends reports whether time has ended the voucher.
func (v Voucher) ends(now time.Time) bool {
	return (v.State == Reserved || v.State == Issued) && !v.To.IsZero() && !now.Before(v.To)
}
