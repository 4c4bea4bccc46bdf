package till

import (
	"context"
	"errors"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// An entry is an Enter with what came of it.
type entry struct {
	Enter
	result Result
	err    error
}

// entries are those of one shop.
type entries struct{ all []*entry }

// work is combine.Work for what is entered at any number of tills at once: one unit of work for all
// of it, in which each entry succeeds or fails by itself.
type work struct{ *Till }

func (work) Subject(x *entry) string { return string(x.Shop) }

func (work) Load(_ context.Context, groups [][]*entry, _ bool) ([]*entries, error) {
	units := make([]*entries, len(groups))
	for i := range units {
		units[i] = &entries{}
	}
	return units, nil
}

func (work) Decide(_ context.Context, u *entries, x *entry) (*entry, error) {
	u.all = append(u.all, x)
	return x, nil
}

func (work) Stale(*entries) bool { return false }

func (work) Dirty(u *entries) bool { return len(u.all) > 0 }

func (w work) Save(ctx context.Context, units []*entries) ([]error, error) {
	var all []*entry
	for _, u := range units {
		all = append(all, u.all...)
	}
	err := w.enter(ctx, all)
	for i := 0; err != nil && i < len(all); i++ { // what fails one of them must not fail the others
		failed := err
		if len(all) > 1 && ctx.Err() == nil {
			failed = w.enter(ctx, all[i:i+1])
		}
		if failed != nil {
			all[i].err = failed
		}
	}
	return make([]error, len(units)), nil
}

// enter runs entries in one unit of work. After an error nothing of any is stored.
func (w work) enter(ctx context.Context, all []*entry) error {
	var shops []shop.Shop
	checks, pairs := make([]otp.Check, len(all)), make([]shop.Pair, len(all))
	for i, x := range all {
		checks[i], pairs[i] = x.attempt(), shop.Pair{Shop: x.Shop, Identity: x.Manager}
	}
	inTx := w.unit.InSave
	if len(all) > 1 {
		inTx = w.unit.InTx // the cards and the codes of many are more than a statement stores
	}
	errs, err := otp.Use(ctx, w.codes, inTx, otp.Using{
		Checks: checks,
		Admit: func() ([]storage.Look, func() []error) {
			looks, authorize := w.shops.Authorizing(pairs)
			return looks, func() (errs []error) {
				shops, errs = authorize()
				return errs
			}
		},
		Do: func(ctx context.Context, tx storage.Tx, claims []*otp.Claim) ([]bool, error) {
			return w.requests(ctx, w.cards.In(tx), all, shops, claims)
		},
	})
	if err != nil {
		return err
	}
	for i, x := range all {
		if errs[i] != nil {
			x.result, x.err = Result{}, errs[i]
		}
	}
	return nil
}

// requests does what the claims allow, and reports which of them are to be spent. The key of a
// request is that of the code, so that one that was done before gives its first result again.
func (w work) requests(
	ctx context.Context, cards *stamps.Engine, all []*entry, shops []shop.Shop, claims []*otp.Claim,
) (spend []bool, err error) {
	spend = make([]bool, len(all))
	var adds []stamps.Add
	var of []int
	done := func(i int, out stamps.Outcome, err error) error {
		x := all[i]
		switch {
		case err == nil:
			x.result.Outcome, x.result.Replayed, spend[i] = out, out.Replayed, !out.Replayed
		case errors.Is(err, journal.ErrKeyReused) && !claims[i].Replayed:
			x.err = otp.ErrInvalidCode // a colleague was quicker
		case refused(err):
			x.err = err
		default:
			return err
		}
		return nil
	}
	for i, claim := range claims {
		x := all[i]
		x.result, x.err = Result{}, nil
		if claim == nil {
			continue
		}
		d, err := requestOf(*claim)
		if errors.Is(err, otp.ErrInvalidCode) || errors.Is(err, storage.ErrFormat) {
			x.err = err
			continue
		}
		if err != nil {
			return nil, err
		}
		x.result = Result{Shop: shops[i].ID, Request: d}
		given := what{x.sale(), x.Manager, viaCode, claimKey(*claim)}
		if d.Purpose == stamps.PurposeStamp {
			adds, of = append(adds, d.add(shops[i], given)), append(of, i)
			continue
		}
		out, err := do(ctx, cards, d, shops[i], given)
		if err := done(i, out, err); err != nil {
			return nil, err
		}
	}
	outs, errs := cards.AddEach(ctx, adds)
	for k, i := range of {
		if err := done(i, outs[k], errs[k]); err != nil {
			return nil, err
		}
	}
	return spend, nil
}

// refused reports whether the rules of cards refuse a request, and the transaction may go on.
func refused(err error) bool {
	var input *errs.InputError
	return errors.Is(err, stamps.ErrRefused) || errors.Is(err, journal.ErrKeyReused) || errors.As(err, &input)
}
