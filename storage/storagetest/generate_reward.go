package storagetest

import (
	"context"

	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/storage"
)

var (
	someRewards  = []reward.RewardID{"cup", "礼品"}
	somePeriods  = []string{"ever", "2026-11-24"}
	someVouchers = []reward.State{reward.Reserved, reward.Issued, reward.Redeemed, reward.Returned}
)

// holderIDs draws different ones.
func (h *history) holderIDs(least, n int) []reward.HolderID {
	var all []reward.HolderID
	for _, p := range somePrograms {
		for _, m := range someMembers {
			all = append(all, reward.HolderID{Catalog: reward.CatalogID(p), Member: reward.MemberID(m)})
		}
	}
	return some(h, all, least, n, "holders")
}

func (h *history) saveHolders(ctx context.Context, model storage.Tx) step {
	var changes []reward.Change
	ids := h.holderIDs(1, 4)
	if len(ids) > 1 && h.often("a merger") {
		return h.mergeHolders(ctx, model, ids[0], ids[1])
	}
	for _, id := range ids {
		loaded, err := model.Rewards().Load(ctx, []reward.Lookup{{Holder: id}})
		if err != nil {
			h.t.Fatal(err)
		}
		next := holder(string(id.Member), h.version(loaded[0].Holder.Version)+1)
		next.ID = id
		c := reward.Change{Holder: next, Entries: h.entries(id.Subject())}
		for _, n := range some(h, []int64{1, 2, 3}, 0, 3, "vouchers") {
			v := voucher(string(id.Member), n)
			v.ID.Holder.Catalog = id.Catalog
			v.Reward, v.State, v.To = pick(h, someRewards, "reward"), pick(h, someVouchers, "state"), h.time(true, "to")
			// A code is of one voucher: its MAC is found under that alone.
			v.MAC = append(mac(byte(n)), id.Subject()...)
			if h.upTo(2, "without a code") == 0 {
				v.MAC = nil
			}
			c.Vouchers = append(c.Vouchers, v)
		}
		for _, period := range some(h, somePeriods, 0, 2, "periods") {
			b := bound(period, int64(h.upTo(6, "added"))-3, int64(h.upTo(6, "most")))
			b.Reward = pick(h, someRewards, "counted")
			c.Bounds = append(c.Bounds, b)
		}
		changes = append(changes, c)
	}
	return try(ctx, model, "Rewards.Save", changes, func(ctx context.Context, tx storage.Tx) (any, error) {
		return kinds(tx.Rewards().Save(ctx, changes))
	})
}

func (h *history) mergeHolders(ctx context.Context, model storage.Tx, from, to reward.HolderID) step {
	loaded, err := model.Rewards().Load(ctx, []reward.Lookup{{Holder: from}, {Holder: to}})
	if err != nil {
		h.t.Fatal(err)
	}
	next := func(i int) reward.Holder {
		was := loaded[i].Holder
		now := holder(string(was.ID.Member), h.version(was.Version)+1)
		now.ID, now.Absorbed = was.ID, append(now.Absorbed, from.Member)
		return now
	}
	also := next(1)
	changes := []reward.Change{{Holder: next(0), Also: &also, Entries: h.entries(to.Subject())}}
	return try(ctx, model, "Rewards.Save", changes, func(ctx context.Context, tx storage.Tx) (any, error) {
		return kinds(tx.Rewards().Save(ctx, changes))
	})
}

func (h *history) holdersOf(ctx context.Context, model storage.Tx) step {
	member := reward.MemberID(pick(h, someMembers, "member"))
	return try(ctx, model, "Rewards.Holders", member, func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.Rewards().Holders(ctx, member)
	})
}

func (h *history) loadHolders(ctx context.Context, model storage.Tx) step {
	var lookups []reward.Lookup
	for _, id := range h.holderIDs(1, 4) {
		l := reward.Lookup{Holder: id, Voucher: int64(h.upTo(4, "voucher")), Reserved: h.upTo(1, "reserved") == 1}
		if h.often("with a key") {
			l.Key = pick(h, someKeys, "key")
		}
		lookups = append(lookups, l)
	}
	return try(ctx, model, "Rewards.Load", lookups, func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.Rewards().Load(ctx, lookups)
	})
}

func (h *history) queryVouchers(ctx context.Context, model storage.Tx) step {
	q := reward.VoucherQuery{Limit: h.upTo(3, "limit")}
	if h.upTo(1, "of a catalog") == 1 {
		q.Catalog = reward.CatalogID(pick(h, somePrograms, "catalog"))
	}
	if h.upTo(1, "of a member") == 1 {
		q.Member = reward.MemberID(pick(h, someMembers, "member"))
	}
	if h.upTo(1, "of a reward") == 1 {
		q.Reward = pick(h, someRewards, "reward")
	}
	if h.upTo(1, "in a state") == 1 {
		q.State = pick(h, someVouchers, "state")
	}
	if h.upTo(1, "ended") == 1 {
		q.EndedBefore = h.time(false, "ended before")
	}
	return try(ctx, model, "Rewards.Vouchers", q, func(ctx context.Context, tx storage.Tx) (any, error) {
		return collect(tx.Rewards().Vouchers(ctx, q))
	})
}

func (h *history) countsOf(ctx context.Context, model storage.Tx) step {
	id, periods := reward.CatalogID(pick(h, somePrograms, "catalog")), some(h, somePeriods, 0, 2, "periods")
	return try(ctx, model, "Rewards.Counts", id, func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.Rewards().Counts(ctx, id, periods)
	})
}

func (h *history) findVoucher(ctx context.Context, model storage.Tx) step {
	id := h.holderIDs(1, 1)[0]
	macs := [][]byte{mac(99), append(mac(byte(h.upTo(4, "voucher"))), id.Subject()...)}
	return try(ctx, model, "Rewards.Find", macs, func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.Rewards().Find(ctx, macs)
	})
}
