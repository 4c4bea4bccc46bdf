package storagetest

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// holder has something in every field.
func holder(member string, version int64) reward.Holder {
	return reward.Holder{
		ID:      reward.HolderID{Catalog: "coffee", Member: reward.MemberID(member)},
		Version: version, Seq: version, Last: 3,
		Counts: []reward.Count{{Reward: "cup", In: "ever", N: version}}, Merged: "carol", Absorbed: []reward.MemberID{"Dave", "小明"},
	}
}

// voucher has something in every field. The second is reserved, and has no code.
func voucher(member string, n int64) reward.Stored {
	v := reward.Stored{MAC: mac(byte(n)), Voucher: reward.Voucher{
		ID: reward.VoucherID{Holder: holder(member, 1).ID, N: n}, Order: 1, Reward: "cup", Of: "order-1", Name: `杯 "x" \`, Version: 1, State: reward.Issued,
		Price: reward.Price{Currency: "points", Points: 5, Money: 6}, Value: 7, Gift: true, Taken: at(1), From: at(2), To: at(10 + n), Ended: at(4),
		Shop: "north", By: "manager", Salt: mac(byte(n)), KeyID: "k", Prefix: "CVP",
	}}
	if n == 2 {
		v.State, v.MAC = reward.Reserved, nil
	}
	return v
}

func bound(period string, n, most int64) reward.Bound {
	return reward.Bound{Count: reward.Count{Reward: "cup", In: period, N: n}, Most: most}
}

func rewards(version int) reward.Definition {
	return reward.Definition{
		ID: "coffee", Version: version, Name: `礼品 "x" \`, Zone: "Asia/Shanghai", Program: "coffee", Money: "CNY", Prefix: "CVP",
		Rewards: []reward.Reward{{
			ID: "cup", Name: "Cup", From: at(0), Levels: []string{"gold"}, Prices: []reward.Price{{Points: 5, Money: 6}}, Stock: 9,
			Limits: []reward.Limit{{N: 3, Per: reward.Day}}, Valid: reward.Validity{Days: 30, Until: at(1e6)}, Shops: []reward.ShopID{"north"},
			Discounts: []reward.Discount{{BasisPoints: 2000, Most: 4000, NotCategories: []string{"礼品"}}, {Free: 1}},
		}},
	}
}

var holderWriter = writer{
	name: "holder",
	save: func(ctx context.Context, tx storage.Tx, id string, loaded int64, key string) error {
		return one(tx.Rewards().Save(ctx, []reward.Change{{
			Holder: holder(id, loaded+1), Bounds: []reward.Bound{bound("ever", 1, math.MaxInt64)},
			Entries: writer{name: "holder"}.entries(id, loaded, key),
		}}))
	},
	version: func(ctx context.Context, tx storage.Tx, id string) (int64, error) {
		loaded, err := tx.Rewards().Load(ctx, []reward.Lookup{{Holder: holder(id, 1).ID}})
		if err != nil {
			return 0, err
		}
		return loaded[0].Holder.Version, nil
	},
}

func vouchers(s suite) {
	s.each("are stored whole, and answer lookups in their order", vouchersWhole)
	s.each("are replaced, and found by their codes", vouchersReplaced)
	s.each("are counted within bounds, or nothing is stored", vouchersCounted)
	s.each("are listed by their query, in the order of their ids", vouchersListed)
	s.each("have catalogs that are published one version after the other", catalogs)
	s.each("hold nothing that a caller holds", voucherAlias)
	s.each("of two members change together, or neither", holdersMerged)
	s.once("of a stock of 20 are taken by 20 of 50 at once", stockRace)
}

func vouchersWhole(s *scene) {
	a, b := holder("alice", 1), holder("bob", 1)
	v1, v2, v3 := voucher("alice", 1), voucher("alice", 2), voucher("alice", 3)
	key := entry(a.ID.Subject(), "key", 1)
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, allOf(tx.Rewards().Save(ctx, []reward.Change{
			{Holder: a, Vouchers: []reward.Stored{v1, v2, v3}, Entries: []journal.Entry{key}}, {Holder: b},
		})))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		nobody := reward.HolderID{Catalog: "tea", Member: "alice"}
		got, err := tx.Rewards().Load(ctx, []reward.Lookup{
			{Holder: b.ID, Voucher: 1, Reserved: true, Key: "key"}, {Holder: a.ID, Voucher: 3, Reserved: true, Key: "key"},
			{Holder: nobody, Voucher: 1, Reserved: true, Key: "key"}, {Holder: a.ID, Voucher: 2, Reserved: true}, {Holder: a.ID, Voucher: 2}, {Holder: a.ID},
		})
		must(s.t, err)
		equal(s.t, "loaded", got, []reward.Loaded{
			{Holder: b}, {Holder: a, Vouchers: []reward.Voucher{v2.Voucher, v3.Voucher}, Entry: &key}, {Holder: reward.Holder{ID: nobody}},
			{Holder: a, Vouchers: []reward.Voucher{v2.Voucher}}, {Holder: a, Vouchers: []reward.Voucher{v2.Voucher}}, {Holder: a},
		})
	})
}

func vouchersReplaced(s *scene) {
	find := func(ctx context.Context, tx storage.Tx, macs ...[]byte) *reward.Voucher {
		v, err := tx.Rewards().Find(ctx, macs)
		must(s.t, err)
		return v
	}
	v := voucher("alice", 2)
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, one(tx.Rewards().Save(ctx, []reward.Change{{Holder: holder("alice", 1), Vouchers: []reward.Stored{v}}})))
		equal(s.t, "without a code", find(ctx, tx, mac(2), nil, []byte{}), nil)
		v.State, v.MAC = reward.Redeemed, mac(2)
		must(s.t, one(tx.Rewards().Save(ctx, []reward.Change{{Holder: holder("alice", 2), Vouchers: []reward.Stored{v}}})))
		isError(s.t, "an old holder", one(tx.Rewards().Save(ctx, []reward.Change{{Holder: holder("alice", 2), Vouchers: []reward.Stored{voucher("alice", 2)}}})), journal.ErrConflict)
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		equal(s.t, "found", find(ctx, tx, mac(1), mac(2)), &v.Voucher)
		equal(s.t, "not found", find(ctx, tx, mac(1)), nil)
	})
}

func vouchersCounted(s *scene) {
	add := func(ctx context.Context, tx storage.Tx, member string, bounds ...reward.Bound) error {
		return one(tx.Rewards().Save(ctx, []reward.Change{{
			Holder: holder(member, 1), Vouchers: []reward.Stored{voucher(member, 1)}, Bounds: bounds,
			Entries: []journal.Entry{entry(holder(member, 1).ID.Subject(), "key", 1)},
		}}))
	}
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, add(ctx, tx, "a", bound("ever", 3, 5)))
		isError(s.t, "beyond the bound", add(ctx, tx, "b", bound("ever", 3, 5)), reward.ErrSoldOut)
		isError(s.t, "one of two", add(ctx, tx, "b", bound("2026", 1, 9), bound("ever", 3, 5)), reward.ErrSoldOut)
		isError(s.t, "below zero", add(ctx, tx, "b", bound("ever", -4, 5)), reward.ErrSoldOut)
		isError(s.t, "below zero at first", add(ctx, tx, "b", bound("new", -1, 5)), reward.ErrSoldOut)
		isError(s.t, "beyond the bound at first", add(ctx, tx, "b", bound("new", 6, 5)), reward.ErrSoldOut)
		isError(s.t, "nothing, where more are taken than that", add(ctx, tx, "b", bound("ever", 0, 2)), reward.ErrSoldOut)
		errs, err := tx.Rewards().Save(ctx, []reward.Change{
			{Holder: holder("b", 1), Bounds: []reward.Bound{bound("ever", 2, 5)}},
			{Holder: holder("c", 1), Bounds: []reward.Bound{bound("ever", 1, 5)}},
			{Holder: holder("d", 1), Bounds: []reward.Bound{bound("2026", 2, math.MaxInt64)}},
		})
		must(s.t, err)
		equal(s.t, "of several", fmt.Sprint(kind(errs[0]), kind(errs[1]), kind(errs[2])), "nonesold outnone")
		must(s.t, add(ctx, tx, "e", bound("ever", -5, 5)))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		counts, err := tx.Rewards().Counts(ctx, "coffee", []string{"ever", "2026", "new"})
		must(s.t, err)
		equal(s.t, "counts", counts, []reward.Count{{Reward: "cup", In: "2026", N: 2}})
		holderWriter.holds(ctx, s.t, tx, "c", 0, 0)
	})
}

func vouchersListed(s *scene) {
	var changes []reward.Change
	for catalog, members := range map[reward.CatalogID][]string{"coffee": {"bob", "Bob", "小明"}, "tea": {"bob"}} {
		for _, m := range members {
			h := holder(m, 1)
			h.ID.Catalog = catalog
			c := reward.Change{Holder: h}
			for n := range int64(3) {
				v := voucher(m, 3-n)
				v.ID.Holder, v.MAC = h.ID, nil
				if n == 0 {
					v.Reward, v.State = "mug", reward.Redeemed
				}
				c.Vouchers = append(c.Vouchers, v)
			}
			changes = append(changes, c)
		}
	}
	s.do(func(ctx context.Context, tx storage.Tx) { must(s.t, allOf(tx.Rewards().Save(ctx, changes))) })
	s.do(func(ctx context.Context, tx storage.Tx) {
		for name, c := range map[string]struct {
			q    reward.VoucherQuery
			want []string
		}{
			"a catalog and a member": {reward.VoucherQuery{Catalog: "coffee", Member: "Bob"}, []string{"coffee/Bob/1", "coffee/Bob/2", "coffee/Bob/3"}},
			"a member":               {reward.VoucherQuery{Member: "bob", Reward: "cup"}, []string{"coffee/bob/1", "coffee/bob/2", "tea/bob/1", "tea/bob/2"}},
			"a reward":               {reward.VoucherQuery{Reward: "mug"}, []string{"coffee/Bob/3", "coffee/bob/3", "coffee/小明/3", "tea/bob/3"}},
			"a state":                {reward.VoucherQuery{State: reward.Reserved, Catalog: "coffee"}, []string{"coffee/Bob/2", "coffee/bob/2", "coffee/小明/2"}},
			"a limit":                {reward.VoucherQuery{Catalog: "coffee", Limit: 2}, []string{"coffee/Bob/1", "coffee/Bob/2"}},
			"ended":                  {reward.VoucherQuery{Catalog: "tea", EndedBefore: at(12)}, []string{"tea/bob/1"}},
			"ended a moment later":   {reward.VoucherQuery{Catalog: "tea", EndedBefore: at(12).Add(time.Microsecond)}, []string{"tea/bob/1", "tea/bob/2"}},
			"ended, and still open":  {reward.VoucherQuery{Catalog: "tea", EndedBefore: at(100)}, []string{"tea/bob/1", "tea/bob/2"}},
			"nobody":                 {reward.VoucherQuery{Member: "BOB"}, nil},
		} {
			var got []string
			for _, v := range list(s.t, tx.Rewards().Vouchers(ctx, c.q)) {
				got = append(got, v.ID.String())
			}
			equal(s.t, name, got, c.want)
		}
	})
}

func catalogs(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		_, err := tx.Rewards().Catalog(ctx, "coffee", 0)
		isError(s.t, "none", err, reward.ErrUnknownCatalog)
		isError(s.t, "the second first", tx.Rewards().Publish(ctx, rewards(2)), reward.ErrPublished)
		must(s.t, tx.Rewards().Publish(ctx, rewards(1)))
		must(s.t, tx.Rewards().Publish(ctx, rewards(2)))
		isError(s.t, "twice", tx.Rewards().Publish(ctx, rewards(2)), reward.ErrPublished)
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		for version, want := range map[int]int{0: 2, 1: 1, 2: 2} {
			d, err := tx.Rewards().Catalog(ctx, "coffee", version)
			must(s.t, err)
			equal(s.t, "catalog", d, rewards(want))
		}
		_, err := tx.Rewards().Catalog(ctx, "coffee", 3)
		isError(s.t, "a version that is not there", err, reward.ErrUnknownCatalog)
	})
}

func holdersMerged(s *scene) {
	both := func(from, to string, fromVersion, toVersion int64, key string) reward.Change {
		also := holder(to, toVersion)
		return reward.Change{
			Holder: holder(from, fromVersion), Also: &also,
			Entries: []journal.Entry{entry(holder(from, 1).ID.Subject(), key, fromVersion), entry(holder(to, 1).ID.Subject(), key, toVersion)},
		}
	}
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, one(tx.Rewards().Save(ctx, []reward.Change{both("alice", "bob", 1, 1, "a")})))
		isError(s.t, "one was changed since", one(tx.Rewards().Save(ctx, []reward.Change{both("alice", "bob", 2, 1, "b")})), journal.ErrConflict)
		isError(s.t, "the other was", one(tx.Rewards().Save(ctx, []reward.Change{both("alice", "bob", 1, 2, "b")})), journal.ErrConflict)
		isError(s.t, "a key was used", one(tx.Rewards().Save(ctx, []reward.Change{both("alice", "bob", 2, 2, "a")})), journal.ErrDuplicate)
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		tea := holder("alice", 1)
		tea.ID.Catalog = "Tea"
		must(s.t, one(tx.Rewards().Save(ctx, []reward.Change{{Holder: tea}})))
		for member, want := range map[reward.MemberID][]reward.Holder{"alice": {tea, holder("alice", 1)}, "bob": {holder("bob", 1)}, "Bob": nil} {
			got, err := tx.Rewards().Holders(ctx, member)
			must(s.t, err)
			equal(s.t, "holders of "+string(member), got, want)
		}
	})
}

// voucherAlias scribbles over what was given to Save, and then over what Load gave.
func voucherAlias(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		h, v := holder("alice", 1), voucher("alice", 1)
		scribble := func(h reward.Holder, v reward.Voucher) { h.Counts[0].N, h.Absorbed[0], v.Salt[0] = 99, "!", '!' }
		must(s.t, one(tx.Rewards().Save(ctx, []reward.Change{{Holder: h, Vouchers: []reward.Stored{v}}})))
		v.MAC[0] = '!'
		scribble(h, v.Voucher)
		for range 2 {
			got, err := tx.Rewards().Load(ctx, []reward.Lookup{{Holder: h.ID, Voucher: 1}})
			must(s.t, err)
			want := voucher("alice", 1).Voucher
			equal(s.t, "loaded", got, []reward.Loaded{{Holder: holder("alice", 1), Vouchers: []reward.Voucher{want}}})
			found, err := tx.Rewards().Find(ctx, [][]byte{mac(1)})
			must(s.t, err)
			equal(s.t, "found", found, &want)
			scribble(got[0].Holder, got[0].Vouchers[0])
			found.Salt[0] = '!'
		}
	})
}

// stockRace takes plainly and in transactions, each for another member.
func stockRace(t *testing.T, d Database) {
	var wg sync.WaitGroup
	taken := make([]error, 50)
	for i := range taken {
		wg.Go(func() {
			take := func(ctx context.Context, tx storage.Tx) error {
				return one(tx.Rewards().Save(ctx, []reward.Change{{
					Holder: holder(fmt.Sprint("member ", i), 1), Bounds: []reward.Bound{bound("ever", 1, 20), bound("2026", 1, math.MaxInt64)},
				}}))
			}
			if i%2 == 0 {
				taken[i] = take(t.Context(), d.DB)
			} else {
				taken[i] = d.DB.InTx(t.Context(), take)
			}
		})
	}
	wg.Wait()
	won := 0
	for i, err := range taken {
		if err == nil {
			won++
		} else {
			isError(t, fmt.Sprint("member ", i), err, reward.ErrSoldOut)
		}
	}
	counts, err := d.DB.Rewards().Counts(t.Context(), "coffee", []string{"ever", "2026"})
	must(t, err)
	equal(t, "winners", won, 20)
	equal(t, "counts", counts, []reward.Count{{Reward: "cup", In: "2026", N: 20}, {Reward: "cup", In: "ever", N: 20}})
}
