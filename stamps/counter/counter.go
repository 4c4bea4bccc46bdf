// Package counter is the till (柜台): the customer asks for a code, the manager of the shop types it, sees who and what,
// and confirms; or the customer presses the shop's physical stamp on the phone. Stamp, coupon and code change in one
// transaction, and who types must manage the shop at that moment.
package counter

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage"
)

// ErrNotYours: the coupon or the card is another member's.
var ErrNotYours = errors.New("counter: the coupon is another member's")

// An InputError is a command that can't be: its Field is missing or out of its bounds, as its Reason says.
type InputError = stamps.InputError

// A Counter joins the engines of shops, codes and cards. It is safe for concurrent use.
type Counter struct {
	db    storage.DB
	shops *shop.Engine
	codes *otp.Engine
	cards *stamps.Engine
}

// New returns a counter. The engines must be made on the stores of db.
func New(db storage.DB, shops *shop.Engine, codes *otp.Engine, cards *stamps.Engine) *Counter {
	return &Counter{db, shops, codes, cards}
}

// A Deed is what a customer wants done. Its Purpose is stamps.PurposeStamp, PurposeCancel or PurposeClaim, or for a coupon
// PurposeRedeem, PurposeUndo or PurposeVoid.
type Deed struct {
	Purpose  stamps.Purpose   `json:"purpose"`
	Member   stamps.MemberID  `json:"member"`
	Nickname string           `json:"nickname,omitempty"`
	Program  stamps.ProgramID `json:"program,omitempty"` // of the card, to stamp or to cancel, or of the handout to claim from
	Record   int64            `json:"record,omitempty"`  // to cancel: the record of the stamp; 0: the newest
	Coupon   *stamps.CouponID `json:"coupon,omitempty"`  // to redeem, to undo or to void
}

// Ask asks for a code to show at a shop.
type Ask struct {
	Shop shop.ID
	Deed Deed
	Key  string
}

// Enter is a code that a manager types.
type Enter struct {
	Shop     shop.ID
	Manager  shop.Identity
	Code     string
	Purpose  stamps.Purpose // "": whatever the code is for
	N        int64          // stamps, where the programme gives them by hand
	Purchase *stamps.Purchase
	Key      string
}

// Confirm is a manager's yes to what Preview showed. The claim is the key of it.
type Confirm struct {
	Shop     shop.ID
	Manager  shop.Identity
	Claim    string // Preview.Claim
	N        int64
	Purchase *stamps.Purchase
}

// Press is a physical stamp on a member's phone.
type Press struct {
	Serial   shop.Serial
	Deed     Deed
	N        int64
	Purchase *stamps.Purchase
	Key      string
}

// A Preview is who a code is of and what it would do.
type Preview struct {
	Deed    Deed            `json:"deed"`
	Effect  *stamps.Outcome `json:"effect,omitempty"` // nil: it depends on the purchase, which was not given
	Claim   string          `json:"claim"`            // for Confirm, by the same manager
	Expires time.Time       `json:"expires"`          // of the claim

	Replayed bool `json:"-"` // the code was checked before with this key
}

// A Result is what was done.
type Result struct {
	Shop     shop.ID        `json:"shop"`
	Deed     Deed           `json:"deed"`
	Outcome  stamps.Outcome `json:"outcome"`
	Replayed bool           `json:"-"` // it was done before, and this is the first result
}

// Ask gives the customer a code for a deed at a shop, after a look whether it could be done now. It may run twice with
// its key. Errors: those of otp.Engine.Issue, shop.ErrUnknownShop, shop.ErrClosed, ErrNotYours, stamps.ErrUnknownProgram,
// and what the deed would meet.
func (c *Counter) Ask(ctx context.Context, a Ask) (otp.Issued, error) {
	if err := a.Deed.check(); err != nil {
		return otp.Issued{}, fmt.Errorf("counter: ask: %w", err)
	}
	s, err := c.shops.Open(ctx, a.Shop)
	if err == nil {
		err = c.look(ctx, s, a)
	}
	if err != nil {
		return otp.Issued{}, fmt.Errorf("counter: ask: %w", err)
	}
	payload, err := json.Marshal(a.Deed)
	if err != nil {
		return otp.Issued{}, fmt.Errorf("counter: ask: %w", err)
	}
	return c.codes.Issue(ctx, otp.Issue{
		Scope: otp.Scope(a.Shop), Holder: otp.HolderID(a.Deed.Member), Purpose: otp.Purpose(a.Deed.Purpose), Payload: payload, Key: a.Key,
	})
}

// look refuses a deed that can't be done now. What a stamp gives is for the manager to say.
func (c *Counter) look(ctx context.Context, s shop.Shop, a Ask) error {
	if a.Deed.Purpose == stamps.PurposeStamp {
		_, err := c.cards.Program(ctx, a.Deed.Program, 0)
		return err
	}
	_, err := do(ctx, c.cards.Preview(), a.Deed, s, what{key: a.Key})
	return err
}

// Preview checks a code, as an attempt, and shows what it would do. It may run twice with its key. Errors:
// shop.ErrNotManager, shop.ErrClosed, those of otp.Engine.Check, and what the deed would meet.
func (c *Counter) Preview(ctx context.Context, x Enter) (Preview, error) {
	s, claim, deed, err := c.check(ctx, x)
	if err != nil {
		return Preview{}, fmt.Errorf("counter: preview: %w", err)
	}
	p := Preview{Deed: deed, Claim: c.codes.Seal(claim), Expires: claim.Expires, Replayed: claim.Replayed}
	effect, err := do(ctx, c.cards.Preview(), deed, s, what{
		by: x.Manager, via: viaCode, n: x.N, purchase: x.Purchase, key: claimKey(claim),
	})
	switch {
	case err == nil:
		p.Effect = &effect
	case x.Purchase == nil && (errors.Is(err, stamps.ErrNothing) || errors.Is(err, stamps.ErrMinPurchase)):
	default:
		return Preview{}, fmt.Errorf("counter: preview: %w", err)
	}
	return p, nil
}

// Confirm does what Preview showed. Repeated, it gives its first result with Replayed true. Errors: shop.ErrNotManager,
// shop.ErrClosed, otp.ErrInvalidCode, and what the deed meets.
func (c *Counter) Confirm(ctx context.Context, x Confirm) (Result, error) {
	claim, err := c.codes.Open(x.Claim)
	if err == nil && (claim.By != otp.TypistID(x.Manager) || claim.Code.Scope != otp.Scope(x.Shop)) {
		err = otp.ErrInvalidCode
	}
	var deed Deed
	if err == nil {
		err = json.Unmarshal(claim.Code.Payload, &deed)
	}
	if err != nil {
		return Result{}, fmt.Errorf("counter: confirm: %w", err)
	}
	return c.spend(ctx, x, claim, deed)
}

// Enter is Preview and Confirm at once. It may run twice with its key. Errors: those of both.
func (c *Counter) Enter(ctx context.Context, x Enter) (Result, error) {
	_, claim, deed, err := c.check(ctx, x)
	if err != nil {
		return Result{}, fmt.Errorf("counter: enter: %w", err)
	}
	return c.spend(ctx, Confirm{Shop: x.Shop, Manager: x.Manager, N: x.N, Purchase: x.Purchase}, claim, deed)
}

// Press does a deed with a physical stamp. It may run twice with its key. Errors: shop.ErrUnknownStamp,
// shop.ErrClosed, ErrNotYours, and what the deed meets.
func (c *Counter) Press(ctx context.Context, x Press) (Result, error) {
	if err := x.Deed.check(); err != nil {
		return Result{}, fmt.Errorf("counter: press: %w", err)
	}
	var r Result
	err := c.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		s, err := c.shops.In(tx).Pressed(ctx, x.Serial)
		if err != nil {
			return err
		}
		out, err := do(ctx, c.cards.In(tx), x.Deed, s, what{via: string(x.Serial), n: x.N, purchase: x.Purchase, key: x.Key})
		r = Result{s.ID, x.Deed, out, out.Replayed}
		return err
	})
	if err != nil {
		return Result{}, fmt.Errorf("counter: press: %w", err)
	}
	return r, nil
}

func (c *Counter) check(ctx context.Context, x Enter) (s shop.Shop, claim otp.Claim, d Deed, err error) {
	if s, err = c.shops.Authorize(ctx, x.Shop, x.Manager); err != nil {
		return s, claim, d, err
	}
	claim, err = c.codes.Check(ctx, otp.Check{
		Scope: otp.Scope(x.Shop), Typist: otp.TypistID(x.Manager), Code: x.Code, Purpose: otp.Purpose(x.Purpose), Key: x.Key,
	})
	if err == nil {
		err = json.Unmarshal(claim.Code.Payload, &d)
	}
	return s, claim, d, err
}

// spend does the deed of a claim and uses the claim up. The key of the deed is that of the code, so that a claim that
// was spent gives its first result again.
func (c *Counter) spend(ctx context.Context, x Confirm, claim otp.Claim, deed Deed) (Result, error) {
	var r Result
	err := c.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		s, err := c.shops.In(tx).Authorize(ctx, x.Shop, x.Manager)
		if err != nil {
			return err
		}
		out, err := do(ctx, c.cards.In(tx), deed, s, what{by: x.Manager, via: viaCode, n: x.N, purchase: x.Purchase, key: claimKey(claim)})
		if err != nil {
			return err
		}
		r = Result{s.ID, deed, out, out.Replayed}
		if out.Replayed {
			return nil
		}
		return c.codes.In(tx).Spend(ctx, claim)
	})
	if err != nil {
		return Result{}, fmt.Errorf("counter: confirm: %w", err)
	}
	return r, nil
}

const (
	viaCode = "code"
	asked   = "the customer asked for it" // reason of an undo or a void
)

// what is the part of a deed that is not the customer's to say.
type what struct {
	by       shop.Identity
	via      string
	n        int64
	purchase *stamps.Purchase
	key      string
}

// do does a deed at a shop.
func do(ctx context.Context, cards *stamps.Engine, d Deed, s shop.Shop, w what) (stamps.Outcome, error) {
	place := stamps.Place{Shop: stamps.ShopID(s.ID), Zone: s.Zone, By: string(w.by), Via: w.via, Nickname: d.Nickname}
	card := stamps.CardID{Program: d.Program, Member: d.Member}
	switch d.Purpose {
	case stamps.PurposeStamp:
		return cards.Add(ctx, stamps.Add{Card: card, N: w.n, Purchase: w.purchase, Place: place, Key: w.key})
	case stamps.PurposeCancel:
		return cards.Cancel(ctx, stamps.Cancel{Card: card, Record: d.Record, Place: place, Key: w.key})
	case stamps.PurposeClaim:
		return cards.Claim(ctx, stamps.Claim{Program: d.Program, Member: d.Member, Present: true, Place: place, Key: w.key})
	case stamps.PurposeUndo:
		return cards.Undo(ctx, stamps.Undo{Coupon: *d.Coupon, Asked: true, Reason: asked, Place: place, Key: w.key})
	case stamps.PurposeVoid:
		return cards.Void(ctx, stamps.Void{Coupon: *d.Coupon, Asked: true, Reason: asked, Place: place, Key: w.key})
	default:
		return cards.Redeem(ctx, stamps.Redeem{Coupon: *d.Coupon, Place: place, Key: w.key})
	}
}

// claimKey names the code of a claim among the commands of a card.
func claimKey(c otp.Claim) string {
	scope := sha256.Sum256([]byte(c.Code.Scope))
	return fmt.Sprintf("code-%s-%d", hex.EncodeToString(scope[:8]), c.Code.Number)
}

// check refuses what no shop could do, and what is another member's.
func (d Deed) check() error {
	if err := cmp.Or(valid.ID("member", d.Member), valid.Text("nickname", d.Nickname)); err != nil {
		return err
	}
	switch d.Purpose {
	case stamps.PurposeStamp, stamps.PurposeCancel, stamps.PurposeClaim:
		return valid.ID("program", d.Program)
	case stamps.PurposeRedeem, stamps.PurposeUndo, stamps.PurposeVoid:
		if d.Coupon == nil {
			return &InputError{Field: "coupon", Reason: "is missing"}
		}
		if d.Coupon.Card.Member != d.Member {
			return ErrNotYours
		}
	default:
		return &InputError{Field: "purpose", Reason: "is none of stamp, cancel, claim, redeem, undo, void"}
	}
	return nil
}
