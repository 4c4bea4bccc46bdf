package till

import (
	"cmp"
	"context"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/flow"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A Request is what a customer wants done. Its Purpose is stamps.PurposeStamp, PurposeCancel or
// PurposeClaim, or for a coupon PurposeRedeem, PurposeUndo or PurposeVoid.
type Request struct {
	Purpose  stamps.Purpose   `json:"purpose"`            // what is to be done
	Member   ids.Member       `json:"member"`             // customer
	Nickname string           `json:"nickname,omitempty"` // of the customer, which the manager sees
	Program  stamps.ProgramID `json:"program,omitempty"`  // of the card, to stamp or to cancel, or of the handout to claim from
	Record   int64            `json:"record,omitempty"`   // to cancel: the record of the stamp; 0: the newest
	Coupon   *stamps.CouponID `json:"coupon,omitempty"`   // to redeem, to undo or to void
}

const (
	viaCode = "code"
	asked   = "the customer asked for it" // reason of an undo or a void
)

// A sale is what the manager says of a stamp. It travels in the sealed claim from Preview to
// Confirm.
type sale struct {
	N        int64            `json:"n,omitempty"`
	Purchase *stamps.Purchase `json:"purchase,omitempty"`
}

// check refuses a sale that no program could take, with a request of that purpose; "": of any.
func (s sale) check(purpose stamps.Purpose) error {
	any := stamps.CardID{Program: "any", Member: "any"}
	if err := (stamps.Add{Card: any, N: s.N, Purchase: s.Purchase, Key: "any"}).Validate(); err != nil {
		return err
	}
	switch {
	case purpose == "" || purpose == stamps.PurposeStamp:
	case s.N != 0:
		return &errs.InputError{Field: "n", Reason: "is for stamps alone; leave it out"}
	case s.Purchase != nil:
		return &errs.InputError{Field: "purchase", Reason: "is for stamps alone; leave it out"}
	}
	return nil
}

// what is the part of a request that is not the customer's to say.
type what struct {
	sale
	by  shop.Identity
	via string
	key string
}

func (r Request) card() stamps.CardID { return stamps.CardID{Program: r.Program, Member: r.Member} }

func (r Request) place(s shop.Shop, w what) stamps.Place {
	return stamps.Place{Shop: s.ID, Zone: s.Zone, By: string(w.by), Via: w.via, Nickname: r.Nickname}
}

// add is the request of a stamp, as the cards know it.
func (r Request) add(s shop.Shop, w what) stamps.Add {
	return stamps.Add{Card: r.card(), N: w.N, Purchase: w.Purchase, Place: r.place(s, w), Key: w.key}
}

// do does a request at a shop.
func do(ctx context.Context, cards *stamps.Engine, r Request, s shop.Shop, w what) (stamps.Outcome, error) {
	if err := w.check(r.Purpose); err != nil {
		return stamps.Outcome{}, err
	}
	place, card := r.place(s, w), r.card()
	switch r.Purpose {
	case stamps.PurposeStamp:
		return cards.Add(ctx, r.add(s, w))
	case stamps.PurposeCancel:
		return cards.Cancel(ctx, stamps.Cancel{Card: card, Record: r.Record, Place: place, Key: w.key})
	case stamps.PurposeClaim:
		return cards.Claim(ctx, stamps.Claim{Program: r.Program, Member: r.Member, Present: true, Place: place, Key: w.key})
	case stamps.PurposeUndo:
		return cards.Undo(ctx, stamps.Undo{Coupon: *r.Coupon, Asked: true, Reason: asked, Place: place, Key: w.key})
	case stamps.PurposeVoid:
		return cards.Void(ctx, stamps.Void{Coupon: *r.Coupon, Asked: true, Reason: asked, Place: place, Key: w.key})
	default:
		return cards.Redeem(ctx, stamps.Redeem{Coupon: *r.Coupon, Place: place, Key: w.key})
	}
}

// requestOf returns what a code is for. otp.ErrInvalidCode: it is a code of another flow's, in the
// same shop. storage.ErrFormat: a newer release has issued it.
func requestOf(c otp.Claim) (r Request, err error) {
	if !known(stamps.Purpose(c.Code.Purpose)) {
		return r, otp.ErrInvalidCode
	}
	return r, flow.Read(c.Code.Payload, &r)
}

// claimKey names the code of a claim among the commands of a card.
func claimKey(c otp.Claim) string {
	return journal.DerivedKey("code", c.Code.ID)
}

// check refuses what no shop could do, and what is another member's.
func (r Request) check() error {
	if err := cmp.Or(valid.ID("member", r.Member), valid.Text("nickname", r.Nickname)); err != nil {
		return err
	}
	switch r.Purpose {
	case stamps.PurposeStamp, stamps.PurposeCancel, stamps.PurposeClaim:
		return valid.ID("program", r.Program)
	case stamps.PurposeRedeem, stamps.PurposeUndo, stamps.PurposeVoid:
		if r.Coupon == nil {
			return &errs.InputError{Field: "coupon", Reason: "is missing"}
		}
		if r.Coupon.Card.Member != r.Member {
			return ErrNotYours
		}
	default:
		return errPurpose
	}
	return nil
}

var (
	errPurpose = &errs.InputError{Field: "purpose", Reason: "is none of stamp, cancel, claim, redeem, undo, void"}
	errByCode  = &errs.InputError{Field: "purpose", Reason: "is done by a code alone, which a manager sees; ask for one"}
)

// known reports whether a request may have the purpose.
func known(p stamps.Purpose) bool {
	switch p {
	case stamps.PurposeStamp, stamps.PurposeCancel, stamps.PurposeClaim, stamps.PurposeRedeem, stamps.PurposeUndo, stamps.PurposeVoid:
		return true
	}
	return false
}
