// Package till redeems vouchers at the till by six digits (核销): the member asks for a code and
// shows it, the manager of the shop types it, sees which voucher it is and what it takes off the
// cart, and confirms. Code and voucher are used in one transaction, and who types must manage the
// shop at that moment.
//
// A code is good in its shop and its tenant alone, and for its purpose: stamps/till, whose codes
// share the shop's digits and guesses, refuses it, and its codes are refused here.
package till

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/flow"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Purpose is that of the codes.
const Purpose otp.Purpose = "voucher"

// A Till joins the engines of shops, codes and vouchers. It is safe for concurrent use.
type Till struct {
	unit    flow.Unit
	shops   *shop.Engine
	codes   *otp.Engine
	rewards *reward.Engine
}

// Options configures a Till. Nil and zero fields mean the documented defaults.
type Options struct {
	Hook storage.Hook // of traces and metrics; nil: none
}

// New returns a till. The engines must be made on the stores of db.
func New(db storage.DB, shops *shop.Engine, codes *otp.Engine, rewards *reward.Engine, opts *Options) *Till {
	return &Till{flow.On(db, nil, cmp.Or(opts, &Options{}).Hook), shops, codes, rewards}
}

// In returns a copy that is bound to a unit of work: what it does is committed or rolled back with
// tx. Ask and Confirm may be parts of one; Preview and Enter check a code, whose guess a rollback
// must not forgive, and are errors.
func (t *Till) In(tx storage.Tx) *Till {
	return &Till{t.unit.In(tx), t.shops.In(tx), t.codes.In(tx), t.rewards.In(tx)}
}

// An Ask asks for a code to show at a shop.
type Ask struct {
	Shop    ids.Shop         // where the code is to be shown
	Member  ids.Member       // who asks, and has the voucher
	Voucher reward.VoucherID // its holder is Member, or was merged into Member
	Device  otp.DeviceID     // from which it is asked for; "": it has no budget of its own
	Key     string           // idempotency key; required
}

// An Enter is a code that a manager types.
type Enter struct {
	Shop    ids.Shop      // shop of the manager
	Manager shop.Identity // who types; must manage the shop
	Code    string        // as it was typed
	Cart    *reward.Cart  // what the voucher takes something off; nil: that is not computed
	Key     string        // idempotency key; required
}

// A Confirm is a manager's yes to what Preview showed, with the cart that it was shown for. The
// claim is the key of it.
type Confirm struct {
	Shop    ids.Shop      // shop of the manager
	Manager shop.Identity // who typed the code
	Claim   string        // Preview.Claim
}

// A Preview is what a code would do.
type Preview struct {
	Voucher   reward.Voucher    `json:"voucher"`             // without its code
	Deduction *reward.Deduction `json:"deduction,omitempty"` // what it takes off the cart; nil: none was given
	Claim     string            `json:"claim"`               // for Confirm, by the same manager
	Expires   time.Time         `json:"expires"`             // of the claim

	Replayed bool `json:"-"` // the code was checked before with this key
}

// A Result is what was done.
type Result struct {
	Shop     ids.Shop       `json:"shop"`    // where it was redeemed
	Outcome  reward.Outcome `json:"outcome"` // its vouchers without their codes
	Replayed bool           `json:"-"`       // it was done before, and this is the first result
}

// payload is what a code holds.
type payload struct {
	Voucher reward.VoucherID `json:"voucher"`
}

// Ask gives the member a code for a voucher at a shop, after a look whether it could be redeemed
// there now. It may run twice with its key. Errors: *errs.InputError, those of otp.Engine.Issue,
// shop.ErrUnknownShop, shop.ErrClosed, and those of reward.Rules.Redeem; of another member's
// voucher reward.ErrUnknownVoucher, as of one that nobody has.
func (t *Till) Ask(ctx context.Context, a Ask) (issued otp.Issued, err error) {
	ctx, call := t.unit.Begin(ctx, "till.ask", a.Voucher.Holder.Subject())
	defer call.End(&err)
	fail := func(err error) (otp.Issued, error) { return otp.Issued{}, fmt.Errorf("till: ask: %w", err) }
	err = cmp.Or(valid.ID("shop", a.Shop), valid.ID("member", a.Member), valid.OptionalID("device", a.Device), valid.ID("key", a.Key))
	if err != nil {
		return fail(err)
	}
	if _, err := t.shops.Recent(ctx, a.Shop); err != nil {
		return fail(err)
	}
	owner, err := t.rewards.Owner(ctx, a.Voucher)
	if err != nil {
		return fail(err)
	}
	if a.Member != owner.Member && a.Member != a.Voucher.Holder.Member {
		return fail(reward.ErrUnknownVoucher)
	}
	_, err = t.rewards.Preview().Redeem(ctx, reward.Redeem{Voucher: a.Voucher, Shop: a.Shop, Key: rand.Text()})
	if err != nil {
		return fail(err)
	}
	issued, err = t.codes.Issue(ctx, otp.Issue{
		Scope: otp.Scope(a.Shop), Holder: otp.HolderID(a.Member), Purpose: Purpose, Payload: journal.JSON(payload{a.Voucher}),
		Device: a.Device, Key: a.Key,
	})
	if err != nil {
		return fail(err)
	}
	call.Replayed = issued.Replayed
	return issued, nil
}

// Preview checks a code, as an attempt, and shows what it would do. It may run twice with its key.
// Invalid input is refused before the code is looked at, and costs no guess. Errors:
// *errs.InputError, shop.ErrNotManager, shop.ErrClosed, those of otp.Engine.Check and of
// reward.Rules.Redeem.
func (t *Till) Preview(ctx context.Context, x Enter) (p Preview, err error) {
	ctx, call := t.unit.Begin(ctx, "till.preview", "")
	defer call.End(&err)
	claim, err := t.check(ctx, x)
	if err != nil {
		return Preview{}, fmt.Errorf("till: preview: %w", err)
	}
	out, err := t.redeem(ctx, t.rewards.Preview(), claim, x.Cart)
	if err != nil {
		return Preview{}, fmt.Errorf("till: preview: %w", err)
	}
	v, err := t.rewards.Voucher(ctx, out.Vouchers[0].ID)
	if err != nil {
		return Preview{}, fmt.Errorf("till: preview: %w", err)
	}
	claim.Note, call.Replayed = journal.JSON(x.Cart), claim.Replayed
	return Preview{
		Voucher: hidden(v), Deduction: out.Deduction, Claim: t.codes.Seal(claim), Expires: claim.Expires, Replayed: claim.Replayed,
	}, nil
}

// Confirm does what Preview showed. Repeated, it gives its first result with Replayed true. Errors:
// shop.ErrNotManager, shop.ErrClosed, those of reward.Rules.Redeem, and otp.ErrInvalidCode: the
// claim is another manager's, of another shop, tenant or flow, past its end, or its code was spent.
func (t *Till) Confirm(ctx context.Context, x Confirm) (r Result, err error) {
	ctx, call := t.unit.Begin(ctx, "till.confirm", "")
	defer call.End(&err)
	claim, err := t.codes.Open(x.Claim)
	if err == nil && (claim.By != otp.TypistID(x.Manager) || claim.Code.Scope != otp.Scope(x.Shop) || claim.Code.Purpose != Purpose) {
		err = otp.ErrInvalidCode
	}
	var cart *reward.Cart
	if err == nil {
		err = flow.Read(claim.Note, &cart)
	}
	if err != nil {
		return Result{}, fmt.Errorf("till: confirm: %w", err)
	}
	return t.spend(ctx, call, claim, cart)
}

// Enter is Preview and Confirm at once. It may run twice with its key. Errors: those of both.
func (t *Till) Enter(ctx context.Context, x Enter) (r Result, err error) {
	ctx, call := t.unit.Begin(ctx, "till.enter", "")
	defer call.End(&err)
	claim, err := t.check(ctx, x)
	if err != nil {
		return Result{}, fmt.Errorf("till: enter: %w", err)
	}
	return t.spend(ctx, call, claim, x.Cart)
}

func (t *Till) check(ctx context.Context, x Enter) (claim otp.Claim, err error) {
	attempt := otp.Check{Scope: otp.Scope(x.Shop), Typist: otp.TypistID(x.Manager), Code: x.Code, Purpose: Purpose, Key: x.Key}
	if err := cmp.Or(valid.ID("shop", x.Shop), valid.ID("manager", x.Manager), attempt.Validate()); err != nil {
		return claim, err
	}
	if x.Cart != nil {
		if err := x.Cart.Validate(); err != nil {
			return claim, err
		}
	}
	if _, err := t.shops.Authorize(ctx, x.Shop, x.Manager); err != nil {
		return claim, err
	}
	return t.codes.Check(ctx, attempt)
}

// spend redeems the voucher of a claim and uses the claim up. The key of the redemption is that of
// the code, so that a claim that was spent gives its first result again.
func (t *Till) spend(ctx context.Context, call *engine.Call, claim otp.Claim, cart *reward.Cart) (r Result, err error) {
	err = t.unit.InSave(ctx, func(ctx context.Context, tx storage.Tx) error {
		call.Attempts++
		s, err := t.shops.In(tx).Authorize(ctx, ids.Shop(claim.Code.Scope), shop.Identity(claim.By))
		if err != nil {
			return err
		}
		out, err := t.redeem(ctx, t.rewards.In(tx), claim, cart)
		if errors.Is(err, journal.ErrKeyReused) && !claim.Replayed {
			err = otp.ErrInvalidCode // a colleague was quicker, or another cart was
		}
		if err != nil {
			return err
		}
		for i, v := range out.Vouchers {
			out.Vouchers[i] = hidden(v)
		}
		r = Result{s.ID, out, out.Replayed}
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

func (t *Till) redeem(ctx context.Context, rewards *reward.Engine, claim otp.Claim, cart *reward.Cart) (reward.Outcome, error) {
	var p payload
	if err := flow.Read(claim.Code.Payload, &p); err != nil {
		return reward.Outcome{}, err
	}
	return rewards.Redeem(ctx, reward.Redeem{
		Voucher: p.Voucher, Shop: ids.Shop(claim.Code.Scope), Cart: cart, By: string(claim.By),
		Key: journal.DerivedKey("code", claim.Code.ID),
	})
}

// hidden returns a voucher without its own code, and what that is made from: those are for its
// member alone.
func hidden(v reward.Voucher) reward.Voucher {
	v.Code, v.QR, v.Salt, v.KeyID, v.Prefix = "", "", nil, "", ""
	return v
}
