package storagetest

import (
	"context"

	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

func shops(s suite) {
	s.each("that are not there load as version 0 of the id", func(s *scene) {
		s.do(func(ctx context.Context, tx storage.Tx) {
			got := loadShop(ctx, s, tx, shop.Lookup{
				Staff: true, Invited: true, Aliases: []shop.Serial{"3", "2"},
				Shop: "north", Identity: "a", Serial: "1", Invitation: mac(1), Entry: "shop", Key: "key",
			})
			equal(s.t, "state", got, shop.State{
				Shop: shop.Shop{ID: "north"}, Manager: shop.Manager{Identity: "a"}, Stamp: shop.Stamp{Serial: "1"},
				Aliases: []shop.Stamp{{Serial: "3"}, {Serial: "2"}}, Invitation: shop.Invitation{Hash: mac(1)},
			})
			equal(s.t, "state of nothing", loadShop(ctx, s, tx, shop.Lookup{}), shop.State{})
		})
	})
	s.each("load with their managers and stamps, in order", wholeShop)
	s.each("load in pairs with who may manage them", pairedShops)
	s.each("load with their invitations that have not ended", invitedManagers)
	s.each("are listed in the order of their ids", listedShops)
	s.each("never have two managers in one slot", takenSlot)
	s.each("may free a slot and fill it in one change", freedSlot)
}

func loadShop(ctx context.Context, s *scene, tx storage.Tx, l shop.Lookup) shop.State {
	s.t.Helper()
	st, err := tx.Shops().Load(ctx, l)
	must(s.t, err)
	return st
}

func wholeShop(s *scene) {
	north := shop.Shop{ID: "north", Name: "North", Address: "1 North Road", Zone: "Asia/Shanghai", From: at(0), To: at(9), Slots: 3}
	managers := []shop.Manager{
		{Identity: "z", Shop: "north", Slot: 1, Name: "Zhang", Bound: at(1)},
		{Identity: "a", Shop: "north", Slot: 2, Name: "An", Bound: at(2)},
	}
	physical := []shop.Stamp{
		{Serial: "10", Shop: "north", Bound: at(1), Ref: "stamp-1", Unsigned: true}, {Serial: "9", Of: "10", Shop: "north", Bound: at(2)},
	}
	invitation := shop.Invitation{Hash: mac(1), Shop: "north", By: "owner", Expires: at(9), Ended: at(1), UsedBy: "z"}
	first := entry("shop", "key", 1)
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, tx.Shops().Save(ctx, shop.Change{
			Shops:       []shop.Shop{north, {ID: "south", Name: "South", Zone: "UTC"}},
			Managers:    []shop.Manager{managers[1], {Identity: "m", Shop: "south", Slot: 1}, managers[0], {Identity: "n"}, {Identity: "o"}},
			Stamps:      []shop.Stamp{physical[1], {Serial: "1"}, physical[0]},
			Invitations: []shop.Invitation{{Hash: mac(2)}, invitation},
			Entries:     []journal.Entry{first},
		}))
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		north.Version, invitation.Version = 1, 1
		for i := range 2 {
			managers[i].Version, physical[i].Version = 1, 1
		}
		equal(s.t, "whole", loadShop(ctx, s, tx, shop.Lookup{
			Staff: true, Aliases: []shop.Serial{"10", "none"},
			Shop: "north", Identity: "a", Serial: "9", Invitation: mac(1), Entry: "shop", Key: "key",
		}), shop.State{
			Shop: north, Managers: managers, Stamps: physical,
			Manager: managers[1], Stamp: physical[1], Aliases: []shop.Stamp{physical[0], {Serial: "none"}}, Invitation: invitation,
			Record: &first,
		})
		equal(s.t, "of no shop", loadShop(ctx, s, tx, shop.Lookup{Identity: "n", Serial: "1", Invitation: mac(2)}), shop.State{
			Manager: shop.Manager{Identity: "n", Version: 1}, Stamp: shop.Stamp{Serial: "1", Version: 1},
			Invitation: shop.Invitation{Hash: mac(2), Version: 1},
		})
	})
}

func invitedManagers(s *scene) {
	made := []shop.Invitation{
		{Hash: mac(4), Shop: "north", By: "owner", Expires: at(8)},
		{Hash: mac(1), Shop: "north", Expires: at(9)},
		{Hash: mac(2), Shop: "north", Expires: at(9)},
		{Hash: mac(3), Shop: "north", Expires: at(7), Ended: at(1)},
		{Hash: mac(5), Shop: "south", Expires: at(9)},
	}
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, tx.Shops().Save(ctx, shop.Change{Invitations: []shop.Invitation{made[2], made[4], made[3], made[0], made[1]}}))
	})
	for i := range made {
		made[i].Version = 1
	}
	invited := func(ctx context.Context, tx storage.Tx, id shop.ID) []shop.Invitation {
		return loadShop(ctx, s, tx, shop.Lookup{Shop: id, Invited: true}).Invitations
	}
	s.do(func(ctx context.Context, tx storage.Tx) {
		equal(s.t, "invitations", invited(ctx, tx, "north"), made[:3])
		equal(s.t, "invitations to another", invited(ctx, tx, "south"), made[4:])
		equal(s.t, "invitations to none", invited(ctx, tx, "west"), nil)
		ended := made[1]
		ended.Ended = at(2)
		must(s.t, tx.Shops().Save(ctx, shop.Change{Invitations: []shop.Invitation{ended}}))
		equal(s.t, "invitations after one ended", invited(ctx, tx, "north"), []shop.Invitation{made[0], made[2]})
	})
}

func listedShops(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		equal(s.t, "no shops", list(s.t, tx.Shops().List(ctx)), nil)
		for _, id := range []shop.ID{"店", "b", "a", "B", "a-1", "a_1", "é", "aa"} {
			must(s.t, tx.Shops().Save(ctx, shop.Change{Shops: []shop.Shop{{ID: id, Name: "Shop", Zone: "UTC"}}}))
		}
	})
	s.do(func(ctx context.Context, tx storage.Tx) {
		var got []shop.ID
		for _, sh := range list(s.t, tx.Shops().List(ctx)) {
			equal(s.t, "shop", sh, shop.Shop{ID: sh.ID, Name: "Shop", Zone: "UTC", Version: 1})
			got = append(got, sh.ID)
		}
		equal(s.t, "ids", got, []shop.ID{"B", "a", "a-1", "a_1", "aa", "b", "é", "店"})
	})
}

func takenSlot(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		bind := func(id shop.Identity, sh shop.ID, slot int) error {
			return tx.Shops().Save(ctx, shop.Change{Managers: []shop.Manager{{Identity: id, Shop: sh, Slot: slot}}})
		}
		must(s.t, bind("a", "north", 1))
		isError(s.t, "the same slot", bind("b", "north", 1), journal.ErrConflict)
		must(s.t, bind("b", "north", 2))
		must(s.t, bind("c", "south", 1))
		isError(s.t, "one slot for two", tx.Shops().Save(ctx, shop.Change{Managers: []shop.Manager{
			{Identity: "d", Shop: "west", Slot: 1}, {Identity: "e", Shop: "west", Slot: 1},
		}}), journal.ErrConflict)
		must(s.t, bind("d", "", 0))
		must(s.t, bind("e", "", 0))
	})
}

func freedSlot(s *scene) {
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, tx.Shops().Save(ctx, shop.Change{Managers: []shop.Manager{{Identity: "m", Shop: "north", Slot: 1}}}))
		must(s.t, tx.Shops().Save(ctx, shop.Change{Managers: []shop.Manager{
			{Identity: "m", Version: 1}, {Identity: "z", Shop: "north", Slot: 1},
		}}))
		must(s.t, tx.Shops().Save(ctx, shop.Change{Managers: []shop.Manager{
			{Identity: "a", Shop: "north", Slot: 1}, {Identity: "z", Version: 1},
		}}))
		equal(s.t, "managers", loadShop(ctx, s, tx, shop.Lookup{Staff: true, Shop: "north"}).Managers,
			[]shop.Manager{{Identity: "a", Shop: "north", Slot: 1, Version: 1}})
	})
}

func pairedShops(s *scene) {
	north := shop.Shop{ID: "north", Name: "North", Zone: "Asia/Shanghai", From: at(0), To: at(9), Slots: 3}
	kathy := shop.Manager{Identity: "kathy", Shop: "north", Slot: 1, Name: "Kathy", Bound: at(1)}
	s.do(func(ctx context.Context, tx storage.Tx) {
		must(s.t, tx.Shops().Save(ctx, shop.Change{Shops: []shop.Shop{north}, Managers: []shop.Manager{kathy}}))
	})
	north.Version, kathy.Version = 1, 1
	s.do(func(ctx context.Context, tx storage.Tx) {
		got, err := tx.Shops().Pairs(ctx, []shop.Pair{
			{Shop: "north", Identity: "nobody"}, {Shop: "north", Identity: "kathy"}, {Shop: "south", Identity: "kathy"},
			{Shop: "north", Identity: "kathy"}, {},
		})
		must(s.t, err)
		equal(s.t, "pairs", got, []shop.State{
			{Shop: north, Manager: shop.Manager{Identity: "nobody"}}, {Shop: north, Manager: kathy},
			{Shop: shop.Shop{ID: "south"}, Manager: kathy}, {Shop: north, Manager: kathy}, {},
		})
		got, err = tx.Shops().Pairs(ctx, []shop.Pair{{Shop: "north", Identity: "kathy"}})
		must(s.t, err)
		equal(s.t, "pair", got, []shop.State{{Shop: north, Manager: kathy}})
		got, err = tx.Shops().Pairs(ctx, nil)
		must(s.t, err)
		equal(s.t, "no pairs", len(got), 0)
	})
}
