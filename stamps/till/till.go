// Package till is the till of stamps (柜台): the customer asks for a code, the manager of the shop
// types it, sees who and what, and confirms; or the customer presses the shop's physical stamp
// on the phone. Stamp, coupon and code change in one transaction, and who types must manage the
// shop at that moment.
package till

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/flow"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// ErrNotYours: the coupon or the card is another member's.
var ErrNotYours = errs.New(errs.Denied, "till: the coupon is another member's")

// A Till joins the engines of shops, codes and cards. It is safe for concurrent use.
type Till struct {
	unit  flow.Unit
	shops *shop.Engine
	codes *otp.Engine
	cards *stamps.Engine

	entries combine.Runner[*entry, *entry]
}

// Options configures a Till. Nil and zero fields mean the documented defaults.
type Options struct {
	Hook storage.Hook // of traces and metrics; nil: none
}

// New returns a till. The engines must be made on the stores of db.
func New(db storage.DB, shops *shop.Engine, codes *otp.Engine, cards *stamps.Engine, opts *Options) *Till {
	t := &Till{unit: flow.On(db, nil, cmp.Or(opts, &Options{}).Hook), shops: shops, codes: codes, cards: cards}
	t.entries = combine.New(work{t})
	return t
}

// In returns a copy that is bound to a unit of work: what it does is committed or rolled back with
// tx. Ask, Confirm and Press may be parts of one; Preview and Enter check a code, whose guess a
// rollback must not forgive, and are errors.
func (t *Till) In(tx storage.Tx) *Till {
	b := *t
	b.unit, b.shops, b.codes, b.cards = t.unit.In(tx), t.shops.In(tx), t.codes.In(tx), t.cards.In(tx)
	b.entries = combine.New(work{&b})
	return &b
}

// Ask asks for a code to show at a shop.
type Ask struct {
	Shop    ids.Shop     // where the code is to be shown
	Request Request      // what the customer wants
	Device  otp.DeviceID // the customer's phone, whose codes are bounded too; "": unknown
	Key     string       // idempotency key; required
}

// Enter is a code that a manager types.
type Enter struct {
	Shop     ids.Shop         // shop of the manager
	Manager  shop.Identity    // who types; must manage the shop
	Code     string           // as it was typed
	Purpose  stamps.Purpose   // "": whatever the code is for
	N        int64            // stamps, where the program gives them by hand; elsewhere it is an *errs.InputError
	Purchase *stamps.Purchase // of a stamp
	Key      string           // idempotency key; required
}

// Confirm is a manager's yes to what Preview showed, with the number and the purchase that it was
// shown for. The claim is the key of it.
type Confirm struct {
	Shop    ids.Shop      // shop of the manager
	Manager shop.Identity // who typed the code
	Claim   string        // Preview.Claim
}

// Press is a physical stamp on a member's phone.
type Press struct {
	Serial   shop.Serial      // any name of the stamp; "": Token says it
	Token    string           // what shop.Engine.Certify gave; "" is for stamps that take presses without one
	Request  Request          // what the customer wants
	N        int64            // stamps, where the program gives them by hand; elsewhere it is an *errs.InputError
	Purchase *stamps.Purchase // of a stamp
	Key      string           // idempotency key; required
}

// A Preview is who a code is of and what it would do.
type Preview struct {
	Request Request         `json:"deed"`             // what the customer wants
	Effect  *stamps.Outcome `json:"effect,omitempty"` // nil: it needs N or Purchase; preview again, with a new key
	Claim   string          `json:"claim"`            // for Confirm, by the same manager
	Expires time.Time       `json:"expires"`          // of the claim

	Replayed bool `json:"-"` // the code was checked before with this key
}

// A Result is what was done.
type Result struct {
	Shop     ids.Shop       `json:"shop"`    // where it was done
	Request  Request        `json:"deed"`    // what the customer wanted
	Outcome  stamps.Outcome `json:"outcome"` // what became of the card or the coupon
	Replayed bool           `json:"-"`       // it was done before, and this is the first result
}

// Ask gives the customer a code for a request at a shop, after a look whether it could be done now,
// which may see the shop as it was up to shop.Refresh ago: who enters the code sees it as it is. It
// may run twice with its key. Errors: those of otp.Engine.Issue, shop.ErrUnknownShop,
// shop.ErrClosed, ErrNotYours, stamps.ErrUnknownProgram, and what the request would meet.
func (t *Till) Ask(ctx context.Context, a Ask) (issued otp.Issued, err error) {
	ctx, call := t.unit.Begin(ctx, "stamptill.ask", "")
	defer call.End(&err)
	if err := a.Request.check(); err != nil {
		return otp.Issued{}, fmt.Errorf("till: ask: %w", err)
	}
	s, err := t.shops.Recent(ctx, a.Shop)
	if err == nil {
		err = t.look(ctx, s, a)
	}
	if err != nil {
		return otp.Issued{}, fmt.Errorf("till: ask: %w", err)
	}
	payload, err := json.Marshal(a.Request)
	if err != nil {
		return otp.Issued{}, fmt.Errorf("till: ask: %w", err)
	}
	issue := otp.Issue{
		Scope: otp.Scope(a.Shop), Holder: otp.HolderID(a.Request.Member), Purpose: otp.Purpose(a.Request.Purpose), Payload: payload,
		Device: a.Device, Key: a.Key,
	}
	if a.Request.Purpose == stamps.PurposeStamp {
		issue.With = t.cards.Expecting(a.Request.card())
	}
	issued, err = t.codes.Issue(ctx, issue)
	call.Replayed = issued.Replayed
	return issued, err
}

// look refuses a request that can't be done now. What a stamp gives is for the manager to say.
func (t *Till) look(ctx context.Context, s shop.Shop, a Ask) error {
	if a.Request.Purpose == stamps.PurposeStamp {
		_, err := t.cards.Program(ctx, a.Request.Program, 0)
		return err
	}
	_, err := do(ctx, t.cards.Preview(), a.Request, s, what{key: a.Key})
	return err
}

// Preview checks a code, as an attempt, and shows what it would do. It may run twice with its key.
// Invalid input is refused before the code is looked at, and costs no guess. Errors:
// *errs.InputError, shop.ErrNotManager, shop.ErrClosed, those of otp.Engine.Check, and what the
// request would meet.
func (t *Till) Preview(ctx context.Context, x Enter) (p Preview, err error) {
	ctx, call := t.unit.Begin(ctx, "stamptill.preview", "")
	defer call.End(&err)
	s, claim, request, err := t.check(ctx, x)
	if err != nil {
		return Preview{}, fmt.Errorf("till: preview: %w", err)
	}
	effect, err := do(ctx, t.cards.Preview(), request, s, what{x.sale(), x.Manager, viaCode, claimKey(claim)})
	claim.Note = journal.JSON(x.sale())
	p = Preview{Request: request, Claim: t.codes.Seal(claim), Expires: claim.Expires, Replayed: claim.Replayed}
	call.Replayed = claim.Replayed
	switch {
	case err == nil:
		p.Effect = &effect
	case x.N == 0 && x.Purchase == nil && (errors.Is(err, stamps.ErrNothing) || errors.Is(err, stamps.ErrMinPurchase)):
	default:
		return Preview{}, fmt.Errorf("till: preview: %w", err)
	}
	return p, nil
}

// Confirm does what Preview showed. Repeated, it gives its first result with Replayed true. Errors:
// shop.ErrNotManager, shop.ErrClosed, otp.ErrInvalidCode, and what the request meets.
func (t *Till) Confirm(ctx context.Context, x Confirm) (r Result, err error) {
	ctx, call := t.unit.Begin(ctx, "stamptill.confirm", "")
	defer call.End(&err)
	claim, err := t.codes.Open(x.Claim)
	if err == nil && (claim.By != otp.TypistID(x.Manager) || claim.Code.Scope != otp.Scope(x.Shop)) {
		err = otp.ErrInvalidCode
	}
	var request Request
	var shown sale
	if err == nil {
		request, err = requestOf(claim)
	}
	if err == nil {
		err = flow.Read(claim.Note, &shown)
	}
	if err != nil {
		return Result{}, fmt.Errorf("till: confirm: %w", err)
	}
	return t.spend(ctx, call, x.Shop, x.Manager, claim, request, shown)
}

// Enter is Preview and Confirm at once, in one transaction. It may run twice with its key. Errors:
// those of both.
func (t *Till) Enter(ctx context.Context, x Enter) (r Result, err error) {
	ctx, call := t.unit.Begin(ctx, "stamptill.enter", "")
	defer call.End(&err)
	var done *entry
	if err = x.check(); err == nil {
		done, err = engine.Together(ctx, t.unit.Frame, call, t.entries, &entry{Enter: x}, false)
	}
	if err == nil {
		err = done.err
	}
	if err != nil {
		return Result{}, fmt.Errorf("till: enter: %w", err)
	}
	call.Replayed = done.result.Replayed
	return done.result, nil
}

// Press does a request with a physical stamp: one for each token. It may run twice with its key. An
// undo or a void is an *errs.InputError, for nobody in the shop sees what a press does. Errors:
// shop.ErrUnknownStamp, shop.ErrUnsigned, shop.ErrPress, shop.ErrClosed, ErrNotYours, and what the
// request meets.
func (t *Till) Press(ctx context.Context, x Press) (r Result, err error) {
	ctx, call := t.unit.Begin(ctx, "stamptill.press", "")
	defer call.End(&err)
	if err := x.Request.check(); err != nil {
		return Result{}, fmt.Errorf("till: press: %w", err)
	}
	if x.Request.Purpose == stamps.PurposeUndo || x.Request.Purpose == stamps.PurposeVoid {
		return Result{}, fmt.Errorf("till: press: %w", errByCode)
	}
	if err := valid.ID("key", x.Key); err != nil {
		return Result{}, fmt.Errorf("till: press: %w", err)
	}
	// A press serves one request: the keys of cards tell only those of one card apart.
	serves := hex.EncodeToString(journal.Hash("counter.press", []any{x.Key, x.Request}))
	err = t.unit.InSave(ctx, func(ctx context.Context, tx storage.Tx) error {
		call.Attempts++
		p, err := t.shops.In(tx).Pressed(ctx, shop.Press{Serial: x.Serial, Token: x.Token, Member: string(x.Request.Member), Key: serves})
		if err != nil {
			return err
		}
		out, err := do(ctx, t.cards.In(tx), x.Request, p.Shop, what{sale{x.N, x.Purchase}, "", p.Ref, x.Key})
		r = Result{p.Shop.ID, x.Request, out, out.Replayed}
		return err
	})
	if err != nil {
		return Result{}, fmt.Errorf("till: press: %w", err)
	}
	call.Replayed = r.Replayed
	return r, nil
}

func (x Enter) sale() sale { return sale{x.N, x.Purchase} }

func (x Enter) attempt() otp.Check {
	return otp.Check{
		Scope: otp.Scope(x.Shop), Typist: otp.TypistID(x.Manager), Code: x.Code, Purpose: otp.Purpose(x.Purpose), Key: x.Key,
	}
}

// check refuses what no code could be right for.
func (x Enter) check() error {
	if err := cmp.Or(valid.ID("shop", x.Shop), valid.ID("manager", x.Manager), x.attempt().Validate()); err != nil {
		return err
	}
	if x.Purpose != "" && !known(x.Purpose) {
		return errPurpose
	}
	return x.sale().check(x.Purpose)
}

// check authorizes and checks, for a Preview.
func (t *Till) check(ctx context.Context, x Enter) (s shop.Shop, claim otp.Claim, d Request, err error) {
	if err = x.check(); err != nil {
		return s, claim, d, err
	}
	if s, err = t.shops.Authorize(ctx, x.Shop, x.Manager); err != nil {
		return s, claim, d, err
	}
	claim, err = t.codes.Check(ctx, x.attempt())
	if err == nil {
		d, err = requestOf(claim)
	}
	return s, claim, d, err
}

// spend does the request of a claim and uses the claim up. The key of the request is that of the
// code, so that a claim that was spent gives its first result again.
func (t *Till) spend(
	ctx context.Context, call *engine.Call, id ids.Shop, by shop.Identity, claim otp.Claim, request Request, given sale,
) (r Result, err error) {
	err = t.unit.InSave(ctx, func(ctx context.Context, tx storage.Tx) error {
		call.Attempts++
		s, err := t.shops.In(tx).Authorize(ctx, id, by)
		if err != nil {
			return err
		}
		out, err := do(ctx, t.cards.In(tx), request, s, what{given, by, viaCode, claimKey(claim)})
		if errors.Is(err, journal.ErrKeyReused) {
			err = otp.ErrInvalidCode // the code was spent on another sale, or by another manager
		}
		if err != nil {
			return err
		}
		r = Result{s.ID, request, out, out.Replayed}
		if out.Replayed {
			return nil
		}
		return t.codes.In(tx).Spend(ctx, claim)
	})
	if err != nil {
		return Result{}, fmt.Errorf("till: confirm: %w", err)
	}
	call.Replayed = r.Replayed
	return r, nil
}
