package reward

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/bulk"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// An Import gives a member vouchers that it had in another system. They meet no limit and count for
// none, and neither take from the stock nor go back to it: in a catalog that members move into, both
// are for what it gives itself.
type Import struct {
	Holder   HolderID         `json:"holder"`           // member and catalog
	Vouchers []OpeningVoucher `json:"vouchers"`         // 1 to MaxPieces
	Reason   string           `json:"reason,omitempty"` // why, for the journal
	By       string           `json:"by,omitempty"`     // who did it, for the journal
	Key      string           `json:"-"`                // idempotency key; required
}

// An OpeningVoucher is a voucher that a member comes with, and that may still be redeemed.
type OpeningVoucher struct {
	Reward RewardID  `json:"reward"`          // reward of the catalog
	Code   string    `json:"-"`               // code that it has in the other system, and is found by here too; "": none
	Value  int64     `json:"value,omitempty"` // what it stands for, minor units; 0: Reward.Value. Required of a table
	Of     string    `json:"of,omitempty"`    // the order that it was given for; "": the key of the command names it
	Taken  time.Time `json:"taken,omitzero"`  // when it was issued; zero: now
	From   time.Time `json:"from,omitzero"`   // redeemed in [From, To); zero: by the reward's rule, from Taken on
	To     time.Time `json:"to,omitzero"`     // end of the interval that From begins; zero: by the reward's rule, from Taken on
}

func (c Import) check() error {
	err := cmp.Or(c.Holder.check(), valid.Between("vouchers", int64(len(c.Vouchers)), 1, MaxPieces), common(c.By, c.Reason, c.Key))
	seen := map[string]bool{}
	for i, v := range c.Vouchers {
		if err != nil {
			return err
		}
		field := fmt.Sprintf("vouchers[%d]", i)
		err = cmp.Or(valid.ID(field+".reward", v.Reward), valid.Between(field+".value", v.Value, 0, maxAmount), valid.OptionalID(field+".of", v.Of),
			valid.Time(field+".taken", v.Taken), valid.Time(field+".from", v.From), valid.Time(field+".to", v.To))
		if err != nil || v.Code == "" {
			continue
		}
		text, reason := foreign(v.Code)
		if seen[text] && reason == "" {
			reason = "is there twice"
		}
		if seen[text] = true; reason != "" {
			err = &errs.InputError{Field: field + ".code", Reason: reason}
		}
	}
	return err
}

// Import decides on an Import. Errors: ErrUnknownReward, ErrMerged, *errs.InputError.
func (r Rules) Import(h Holder, x Import, now time.Time) (Decision, error) {
	m, err := r.begin(h, nil, now)
	if err != nil {
		return Decision{}, err
	}
	if h.Merged != "" {
		return Decision{}, ErrMerged
	}
	for i, o := range x.Vouchers {
		v, err := r.brought(o, fmt.Sprintf("vouchers[%d]", i), now)
		if err != nil {
			return Decision{}, err
		}
		m.Next.Last++
		v.ID, v.Order, v.Of = VoucherID{m.Holder, m.Next.Last}, m.Next.Last, cmp.Or(o.Of, x.Key)
		m.Vouchers = append(m.Vouchers, v)
	}
	return m.end(x.Reason), nil
}

// brought returns a voucher as it comes in, without its number.
func (r Rules) brought(o OpeningVoucher, field string, now time.Time) (Voucher, error) {
	reward, err := r.now.reward(o.Reward)
	if err != nil {
		return Voucher{}, err
	}
	taken, err := valid.Past(field+".taken", o.Taken, now)
	if err != nil {
		return Voucher{}, err
	}
	v := Voucher{
		Reward: reward.ID, Name: reward.Name, Version: r.now.def.Version, State: Issued, Imported: true, Value: cmp.Or(o.Value, reward.Value), Taken: taken,
	}
	v.From, v.To = r.now.window(reward.Valid, taken)
	if !o.From.IsZero() {
		v.From = journal.Instant(o.From)
	}
	if !o.To.IsZero() {
		v.To = journal.Instant(o.To)
	}
	switch {
	case v.Value != 0 && r.now.def.Money == "":
		return Voucher{}, &errs.InputError{Field: field + ".value", Reason: "is money, and the catalog has none"}
	case v.Value == 0 && reward.Table != nil:
		return Voucher{}, &errs.InputError{Field: field + ".value", Reason: "is missing; the vouchers of a table have no other"}
	case !v.To.IsZero() && !v.From.Before(v.To):
		return Voucher{}, &errs.InputError{Field: field + ".to", Reason: "is not after from"}
	case v.ends(now):
		return Voucher{}, &errs.InputError{Field: field + ".to", Reason: "is not in the future; leave the voucher out"}
	}
	return v, nil
}

// Import gives a member vouchers of another system. They have a code of the catalog's to show, as all
// have; the one that they come with is kept as a MAC alone, and finds them too. Errors: those of
// Rules.Import; ErrCodeTaken where another voucher came with the same code.
func (e *Engine) Import(ctx context.Context, c Import) (Outcome, error) { return e.do(ctx, c) }

// Imported is what ImportAll did, to be compared with what the other system says of its members.
type Imported struct {
	storage.Imported
	Vouchers map[RewardID]int64 // vouchers that came in, now or before
	Values   map[RewardID]int64 // what they stand for together, minor units
}

// ImportAll runs imports, in any order and many in each write; each does what Engine.Import does with
// it. It can be stopped by ctx at any time. It goes on where it is run again with the same imports,
// or with those from Next on: what took effect is replayed by its key. On a Preview it stores
// nothing and returns what it would come to, but that it does not see where two imports have a code.
//
// It returns what it did though it ends with an error: that of the sequence, of the database, of ctx
// or, where nobody is told of refusals, of the first of them. An import that was under way then may
// have taken effect and not be counted.
func (e *Engine) ImportAll(ctx context.Context, imports iter.Seq2[Import, error], opts *storage.ImportOptions[Import]) (done Imported, err error) {
	ctx, call := e.frame.Begin(ctx, string(KindImport), "")
	defer call.End(&err)
	o := *cmp.Or(opts, &storage.ImportOptions[Import]{})
	if e.frame.Bound {
		o.Workers = 1
	}
	done = Imported{Vouchers: map[RewardID]int64{}, Values: map[RewardID]int64{}}
	done.Imported, err = bulk.Import(ctx, "reward: import", imports, o, e.imports, func(out Outcome) (bool, error) {
		for _, v := range out.Vouchers {
			done.Vouchers[v.Reward]++
			if done.Values[v.Reward] > math.MaxInt64-v.Value {
				return false, fmt.Errorf("the vouchers of %s stand for more than an int64 holds", v.Reward)
			}
			done.Values[v.Reward] += v.Value
		}
		return out.Replayed, nil
	})
	return done, err
}

// imports runs a batch of imports.
func (e *Engine) imports(ctx context.Context, batch []Import) ([]Outcome, []error) {
	return bulk.Each(batch, func(c Import) (op, error) {
		if err := c.check(); err != nil {
			return op{}, fmt.Errorf("%s: %w", KindImport, err)
		}
		return e.op(c), nil
	}, func(ops []op) ([]Outcome, []error) {
		outs, errs := e.runner.All(ctx, ops)
		for i, err := range errs {
			switch {
			case errors.Is(err, ErrMerged):
				outs[i], errs[i] = e.Import(ctx, ops[i].command.(Import))
			case err != nil:
				errs[i] = fmt.Errorf("%s for %s: %w", KindImport, ops[i].needs.holder.Member, err)
			}
		}
		return outs, errs
	})
}
