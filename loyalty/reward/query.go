package reward

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/bulk"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// Find returns the voucher of a code, as it stands, that was typed or scanned: the own one, or one
// that the voucher came with from another system. *errs.InputError: no voucher has it, and it is no
// code of the own ones, but typed wrong. ErrUnknownVoucher: no voucher has it.
func (e *Engine) Find(ctx context.Context, code string) (Voucher, error) {
	v, err := e.find(ctx, code)
	if err != nil {
		return Voucher{}, fmt.Errorf("reward: find: %w", err)
	}
	return e.show(v.At(e.frame.Now())), nil
}

func (e *Engine) find(ctx context.Context, typed string) (*Voucher, error) {
	text, unknown := read(typed)
	if unknown == nil {
		unknown = ErrUnknownVoucher
		if v, err := e.withCode(ctx, text); v != nil || err != nil {
			return v, err
		}
	}
	if text, reason := foreign(typed); reason == "" {
		if v, err := e.withForeign(ctx, text); v != nil || err != nil {
			return v, err
		}
	}
	return nil, unknown
}

// withCode returns the voucher of a code; nil: there is none. One that is found by the code, but whose
// own code is another one, is not it: what a row says of itself counts as little as a row of another
// tenant does.
func (e *Engine) withCode(ctx context.Context, text string) (*Voucher, error) {
	macs := make([][]byte, len(e.keys))
	for i, k := range e.keys {
		macs[i] = mac(k, e.frame.Tenant(), text)
	}
	v, err := withMAC(ctx, e.frame.Store, macs)
	if err != nil || v == nil {
		return nil, err
	}
	if own, _ := e.codeOf(*v); own != text {
		return nil, nil
	}
	return v, nil
}

// Voucher returns a voucher as it stands. ErrUnknownVoucher: there is none.
func (e *Engine) Voucher(ctx context.Context, id VoucherID) (Voucher, error) {
	if err := id.check(); err != nil {
		return Voucher{}, fmt.Errorf("reward: voucher: %w", err)
	}
	found, err := load(ctx, e.frame.Store, []lookup{{holder: id.Holder, voucher: id.N}})
	if err == nil && len(found[0].vouchers) == 0 {
		err = ErrUnknownVoucher
	}
	if err != nil {
		return Voucher{}, fmt.Errorf("reward: voucher %s: %w", id, err)
	}
	return e.show(found[0].vouchers[0].At(e.frame.Now())), nil
}

// Deduct returns what a voucher takes off a cart. It does not ask whether the voucher may be
// redeemed. Errors: ErrUnknownVoucher, *errs.InputError, ErrCurrency.
func (e *Engine) Deduct(ctx context.Context, id VoucherID, cart Cart) (Deduction, error) {
	v, err := e.Voucher(ctx, id)
	if err != nil {
		return Deduction{}, err
	}
	c, err := e.Catalog(ctx, id.Holder.Catalog, v.Version)
	if err != nil {
		return Deduction{}, err
	}
	d, err := c.Deduct(v.Reward, v.Value, cart)
	if err != nil {
		return Deduction{}, fmt.Errorf("reward: deduct %s: %w", id, err)
	}
	return d, nil
}

// Vouchers yields the vouchers that the query asks for, as they stand, in the order of their ids,
// or of their ends where EndedBefore is given.
// Those of a member are also those of members who were merged into it.
func (e *Engine) Vouchers(ctx context.Context, q VoucherQuery) iter.Seq2[Voucher, error] {
	return func(yield func(Voucher, error) bool) {
		err := cmp.Or(valid.OptionalID("catalog", q.Catalog), valid.OptionalID("member", q.Member), valid.OptionalID("reward", q.Reward),
			valid.OptionalID("state", q.State), valid.Time("endedBefore", q.EndedBefore), valid.Between("limit", int64(q.Limit), 0, math.MaxInt32))
		if err != nil {
			yield(Voucher{}, fmt.Errorf("reward: vouchers: %w", err))
			return
		}
		all, err := e.parts(ctx, q)
		if err != nil {
			yield(Voucher{}, fmt.Errorf("reward: vouchers: %w", err))
			return
		}
		now, left := e.frame.Now(), q.Limit
		for _, part := range all {
			part.Limit = left
			for v, err := range part.list(ctx, e.frame.Store) {
				if !yield(e.show(v.At(now)), err) {
					return
				}
				left--
			}
			if q.Limit > 0 && left == 0 {
				return
			}
		}
	}
}

// parts returns the queries that a query comes to, in the order of the ids that they give: of a
// member who absorbed others, one for each of them and catalog.
func (e *Engine) parts(ctx context.Context, q VoucherQuery) ([]VoucherQuery, error) {
	if q.Member == "" {
		return []VoucherQuery{q}, nil
	}
	holders, err := holdersOf(ctx, e.frame.Store, q.Member)
	if err != nil {
		return nil, err
	}
	merged := func(h Holder) bool { return len(h.Absorbed) > 0 }
	if !slices.ContainsFunc(holders, merged) {
		return []VoucherQuery{q}, nil
	}
	var all []VoucherQuery
	for _, h := range holders {
		if q.Catalog != "" && q.Catalog != h.ID.Catalog {
			continue
		}
		for _, m := range slices.Sorted(slices.Values(append(slices.Clone(h.Absorbed), q.Member))) {
			part := q
			part.Catalog, part.Member = h.ID.Catalog, m
			all = append(all, part)
		}
	}
	return all, nil
}

// Owner returns the holder who has a voucher now: the one of its id, or who that one was merged
// into.
func (e *Engine) Owner(ctx context.Context, id VoucherID) (HolderID, error) {
	if err := id.check(); err != nil {
		return HolderID{}, fmt.Errorf("reward: owner: %w", err)
	}
	owner, err := e.current(ctx, id.Holder)
	if err != nil {
		return HolderID{}, fmt.Errorf("reward: owner of %s: %w", id, err)
	}
	return owner, nil
}

// Catalogs returns the catalogs that a member has taken from, or was merged in, in their order.
func (e *Engine) Catalogs(ctx context.Context, member ids.Member) ([]CatalogID, error) {
	if err := valid.ID("member", member); err != nil {
		return nil, fmt.Errorf("reward: catalogs: %w", err)
	}
	holders, err := holdersOf(ctx, e.frame.Store, member)
	if err != nil {
		return nil, fmt.Errorf("reward: catalogs: %w", err)
	}
	catalogs := make([]CatalogID, len(holders))
	for i, h := range holders {
		catalogs[i] = h.ID.Catalog
	}
	return catalogs, nil
}

// An Offer is a reward that a member may take, and how many pieces are left of it.
type Offer struct {
	Reward Reward `json:"reward"`          // as the catalog in force has it
	Left   *int64 `json:"left,omitempty"`  // by the stock, and by the limits of all; nil: without bound
	Yours  *int64 `json:"yours,omitempty"` // by the limits of the member; nil: without bound
}

// Offers returns what a member of a level may take now, in the order of the catalog; what is sold
// out or used up among it. What others reserved and did not capture in time counts as taken until
// it is given back, by Sweep or by the next one who takes.
func (e *Engine) Offers(ctx context.Context, id HolderID, level ids.Level) ([]Offer, error) {
	if err := id.check(); err != nil {
		return nil, fmt.Errorf("reward: offers: %w", err)
	}
	now := e.frame.Now()
	c, err := e.Catalog(ctx, id.Catalog, 0)
	if err != nil {
		return nil, err
	}
	if id, err = e.current(ctx, id); err != nil {
		return nil, fmt.Errorf("reward: offers: %w", err)
	}
	found, err := load(ctx, e.frame.Store, []lookup{{holder: id, reserved: true}})
	if err != nil {
		return nil, fmt.Errorf("reward: offers: %w", err)
	}
	counted, err := taken(ctx, e.frame.Store, c, now)
	if err != nil {
		return nil, fmt.Errorf("reward: offers: %w", err)
	}
	u := &unit{holder: found[0].holder, vouchers: found[0].vouchers}
	if err := e.loadPeers(ctx, []*unit{u}, [][]op{nil}); err != nil {
		return nil, fmt.Errorf("reward: offers: %w", err)
	}
	if u.rules, err = e.rules(ctx, u); err != nil {
		return nil, err
	}
	if u.holder.Others, err = u.others(now); err != nil {
		return nil, err
	}
	return u.rules.Offers(u.holder, u.reserved(), counted, level, now)
}

// Counts returns how many pieces of each reward all members together have taken in the periods of
// this moment that it has a limit for, and ever; what is reserved among them, and none that are 0.
func (e *Engine) Counts(ctx context.Context, id CatalogID) ([]Count, error) {
	c, err := e.Catalog(ctx, id, 0)
	if err != nil {
		return nil, err
	}
	counted, err := taken(ctx, e.frame.Store, c, e.frame.Now())
	if err != nil {
		return nil, fmt.Errorf("reward: counts: %w", err)
	}
	return slices.DeleteFunc(counted, func(n Count) bool { return n.N == 0 }), nil
}

// Offers returns what a member of a level may take at that time, where reserved are the vouchers
// that the member has reserved and taken are the counts of all members in the periods of that time.
func (r Rules) Offers(h Holder, reserved []Voucher, taken []Count, level ids.Level, now time.Time) ([]Offer, error) {
	m, err := r.begin(h, reserved, now)
	if err != nil {
		return nil, err
	}
	var offers []Offer
	for i := range r.now.def.Rewards {
		reward := &r.now.def.Rewards[i]
		if now.Before(reward.From) || !reward.To.IsZero() && !now.Before(reward.To) ||
			len(reward.Levels) > 0 && !slices.Contains(reward.Levels, level) {
			continue
		}
		offers = append(offers, Offer{
			Reward: *reward, Left: bounded(left(r.now.bounds(reward, now), taken)), Yours: bounded(m.left(reward)),
		})
	}
	return offers, nil
}

// bounded returns nil where nothing bounds what is left.
func bounded(n int64) *int64 {
	if n > maxStock {
		return nil
	}
	return &n
}

// Reclaim gives back to the stock of a reward what was reserved and not captured in time, and
// returns how many vouchers that was. A bound engine's Issue and Reserve don't do so by themselves:
// the owner of the transaction does, outside of it, where they return ErrSoldOut.
func (e *Engine) Reclaim(ctx context.Context, id CatalogID, reward RewardID) (n int, err error) {
	return e.expire(ctx, VoucherQuery{Catalog: id, Reward: reward, State: Reserved}, math.MaxInt)
}

// Sweep posts which vouchers are past their end, at most limit, and returns how many there were.
// Nothing depends on it but the books, and what Offers says is left: a voucher stands as time has
// left it at any instant. It may be stopped, by ctx, and run twice, and in many processes at once. One
// that fails keeps no other waiting; after a hundred errors, which are joined, it stops.
func (e *Engine) Sweep(ctx context.Context, limit int) (n int, err error) {
	return e.expire(ctx, VoucherQuery{}, limit)
}

func (e *Engine) expire(ctx context.Context, q VoucherQuery, limit int) (int, error) {
	q.EndedBefore = e.frame.Now().Add(time.Microsecond) // an end is the first instant after
	return bulk.Sweep(ctx, "reward: sweep", q.list(ctx, e.frame.Store), limit, bulk.OneByOne(func(v voucherRow) error {
		_, err := e.Expire(ctx, Expire{Voucher: v.ID, Key: rand.Text()})
		return err
	}))
}
