package memory

import (
	"bytes"
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/storage/journal"
)

type rewardStore struct{ unit }

// Load implements [reward.Store].
func (s rewardStore) Load(ctx context.Context, lookups []reward.Lookup) ([]reward.Loaded, error) {
	found := make([]reward.Loaded, len(lookups))
	err := s.do(ctx, func(t *tables) error {
		for i, l := range lookups {
			f := &found[i]
			f.Holder = cloneHolder(t.holders[l.Holder])
			f.Holder.ID = l.Holder
			for n, v := range t.vouchers[l.Holder] {
				if n == l.Voucher || l.Reserved && v.State == reward.Reserved {
					f.Vouchers = append(f.Vouchers, cloneVoucher(v.Voucher))
				}
			}
			slices.SortFunc(f.Vouchers, compareVouchers)
			if l.Key != "" {
				f.Entry = t.entry(l.Holder.Subject(), l.Key)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Save implements [reward.Store].
func (s rewardStore) Save(ctx context.Context, changes []reward.Change) ([]error, error) {
	return saveEach(ctx, s.unit, changes, func(t *tables, c reward.Change) error {
		id := c.Holder.ID
		counts := within(t.counts, id.Catalog)
		if t.used(c.Entries) {
			return journal.ErrDuplicate
		}
		if t.holders[id].Version != c.Holder.Version-1 || c.Also != nil && t.holders[c.Also.ID].Version != c.Also.Version-1 {
			return journal.ErrConflict
		}
		for _, b := range c.Bounds {
			if n := counts[countKey{b.Reward, b.In}] + b.N; n < 0 || n > b.Most {
				return reward.ErrSoldOut
			}
		}
		put(t, t.holders, id, cloneHolder(c.Holder))
		if c.Also != nil {
			put(t, t.holders, c.Also.ID, cloneHolder(*c.Also))
		}
		for _, v := range c.Vouchers {
			v.Voucher, v.MAC = cloneVoucher(v.Voucher), bytes.Clone(v.MAC)
			put(t, within(t.vouchers, id), v.ID.N, v)
		}
		for _, b := range c.Bounds {
			k := countKey{b.Reward, b.In}
			put(t, counts, k, counts[k]+b.N)
		}
		t.record(c.Entries)
		return nil
	})
}

// Holders implements [reward.Store].
func (s rewardStore) Holders(ctx context.Context, member reward.MemberID) (found []reward.Holder, err error) {
	err = s.do(ctx, func(t *tables) error {
		for id, h := range t.holders {
			if id.Member == member {
				h = cloneHolder(h)
				h.ID = id
				found = append(found, h)
			}
		}
		return nil
	})
	slices.SortFunc(found, func(a, b reward.Holder) int { return cmp.Compare(a.ID.Catalog, b.ID.Catalog) })
	return found, err
}

// Find implements [reward.Store].
func (s rewardStore) Find(ctx context.Context, macs [][]byte) (found *reward.Voucher, err error) {
	err = s.do(ctx, func(t *tables) error {
		for _, vouchers := range t.vouchers {
			for _, v := range vouchers {
				if len(v.MAC) > 0 && slices.ContainsFunc(macs, func(mac []byte) bool { return bytes.Equal(mac, v.MAC) }) {
					c := cloneVoucher(v.Voucher)
					found = &c
				}
			}
		}
		return nil
	})
	return found, err
}

// Counts implements [reward.Store].
func (s rewardStore) Counts(ctx context.Context, id reward.CatalogID, periods []string) (counts []reward.Count, err error) {
	err = s.do(ctx, func(t *tables) error {
		for k, n := range t.counts[id] {
			if n != 0 && slices.Contains(periods, k.period) {
				counts = append(counts, reward.Count{Reward: k.reward, In: k.period, N: n})
			}
		}
		return nil
	})
	slices.SortFunc(counts, func(a, b reward.Count) int { return cmp.Or(cmp.Compare(a.Reward, b.Reward), cmp.Compare(a.In, b.In)) })
	return counts, err
}

// Catalog implements [reward.Store].
func (s rewardStore) Catalog(ctx context.Context, id reward.CatalogID, version int) (d reward.Definition, err error) {
	return d, s.program(ctx, programKey{"reward", string(id), version}, &d, reward.ErrUnknownCatalog)
}

// Publish implements [reward.Store].
func (s rewardStore) Publish(ctx context.Context, d reward.Definition) error {
	return s.publish(ctx, programKey{"reward", string(d.ID), d.Version}, d, reward.ErrPublished)
}

// Vouchers implements [reward.Store].
func (s rewardStore) Vouchers(ctx context.Context, q reward.VoucherQuery) iter.Seq2[reward.Voucher, error] {
	q.EndedBefore = journal.Instant(q.EndedBefore)
	return yieldAll(ctx, s.unit, func(t *tables) ([]reward.Voucher, error) {
		var found []reward.Voucher
		for id, vouchers := range t.vouchers {
			if q.Catalog != "" && id.Catalog != q.Catalog || q.Member != "" && id.Member != q.Member {
				continue
			}
			for _, v := range vouchers {
				open := v.State == reward.Reserved || v.State == reward.Issued
				if (q.Reward == "" || v.Reward == q.Reward) && (q.State == "" || v.State == q.State) &&
					(q.EndedBefore.IsZero() || open && lapsed(v.To, q.EndedBefore)) {
					found = append(found, cloneVoucher(v.Voucher))
				}
			}
		}
		slices.SortFunc(found, compareVouchers)
		return first(found, q.Limit), nil
	})
}

func compareVouchers(a, b reward.Voucher) int {
	return cmp.Or(cmp.Compare(a.ID.Holder.Catalog, b.ID.Holder.Catalog), cmp.Compare(a.ID.Holder.Member, b.ID.Holder.Member),
		cmp.Compare(a.ID.N, b.ID.N))
}

func cloneHolder(h reward.Holder) reward.Holder {
	h.Counts, h.Absorbed, h.Others = slices.Clone(h.Counts), slices.Clone(h.Absorbed), nil
	return h
}

func cloneVoucher(v reward.Voucher) reward.Voucher {
	v.Taken, v.From, v.To, v.Ended = journal.Instant(v.Taken), journal.Instant(v.From), journal.Instant(v.To), journal.Instant(v.Ended)
	v.Salt = bytes.Clone(v.Salt)
	v.Code, v.QR = "", ""
	return v
}
