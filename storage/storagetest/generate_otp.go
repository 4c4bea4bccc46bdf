package storagetest

import (
	"context"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

func scopeSubject(id otp.Scope) string { return journal.Subject("otp", string(id)) }

// someMACs are the first bytes of few.
var someMACs = []byte{1, 2, 3, 4}

// stored returns what the model has of a scope, with the codes of someMACs.
func (h *history) stored(ctx context.Context, model storage.Tx, id otp.Scope) otp.State {
	l := otp.Lookup{Scope: id}
	for _, m := range someMACs {
		l.MACs = append(l.MACs, mac(m))
	}
	states, err := model.OTP().Load(ctx, []otp.Lookup{l}, at(0))
	if err != nil {
		h.t.Fatal(err)
	}
	return states[0]
}

// code draws one, with the version that is stored, 0 where it is new.
func (h *history) code(stored otp.State, m byte) otp.Code {
	c := otp.Code{
		Scope: stored.Scope.Scope, MAC: mac(m), ID: []byte(pick(h, someTexts, "id")), Number: int64(h.upTo(9, "number")), KeyID: pick(h, someTexts, "key id"),
		Digits: 6 + 2*h.upTo(1, "digits"), Sealed: []byte(pick(h, someTexts, "sealed")), Holder: pick(h, someHolders, "holder"),
		Purpose: pick(h, []otp.Purpose{"redeem", "stamp"}, "purpose"), Payload: []byte(pick(h, someTexts, "payload")),
		Issued: h.time(false, "issued"), Expires: h.time(false, "expires"), Reusable: h.time(false, "reusable"),
	}
	if h.upTo(1, "ended") == 1 {
		c.Ended, c.EndedAt, c.EndedBy = otp.Used, h.time(false, "ended at"), pick(h, someTypists, "ended by")
	}
	for _, old := range stored.Codes {
		if string(old.MAC) == string(c.MAC) {
			c.Version = old.Version
		}
	}
	return c
}

func (h *history) saveScopes(ctx context.Context, model storage.Tx) step {
	var changes []otp.Change
	for _, id := range some(h, someScopes, 1, 2, "scopes") {
		stored := h.stored(ctx, model, id)
		c := otp.Change{
			Scope: otp.ScopeRow{
				Scope: id, Version: h.version(stored.Scope.Version), Issued: int64(h.upTo(9, "issued")), Seq: int64(h.upTo(9, "seq")), Debt: h.time(true, "debt"),
			},
			Entries: h.entries(scopeSubject(id)),
		}
		for _, typist := range some(h, someTypists, 0, 2, "typists") {
			c.Meters = append(c.Meters, otp.Meter{
				Scope: id, Party: otp.Party{Kind: otp.PartyTypist, ID: string(typist)}, Debt: h.time(false, "debt"), Misses: int64(h.upTo(2, "misses")),
			})
		}
		for _, m := range some(h, someMACs, 0, 3, "codes") {
			code := h.code(stored, m)
			code.Version++
			c.Codes = append(c.Codes, code)
		}
		changes = append(changes, c)
	}
	return try(ctx, model, "OTP.Save", changes, func(ctx context.Context, tx storage.Tx) (any, error) {
		return kinds(tx.OTP().Save(ctx, changes))
	})
}

func (h *history) spend(ctx context.Context, model storage.Tx) step {
	stored := h.stored(ctx, model, pick(h, someScopes, "scope"))
	var changes []otp.Spent
	for _, m := range some(h, someMACs, 1, 3, "codes") {
		c := h.code(stored, m)
		c.Version = h.version(c.Version)
		for _, old := range stored.Codes {
			if string(old.MAC) == string(c.MAC) && h.often("with its id") {
				c.ID = old.ID
			}
		}
		changes = append(changes, otp.Spent{Code: c, Entries: h.entries(scopeSubject(c.Scope) + string('0'+rune(m)))})
	}
	return try(ctx, model, "OTP.Spend", changes, func(ctx context.Context, tx storage.Tx) (any, error) {
		return kinds(tx.OTP().Spend(ctx, changes))
	})
}

func (h *history) loadScopes(ctx context.Context, model storage.Tx) step {
	var lookups []otp.Lookup
	for range 1 + h.upTo(2, "lookups") {
		l := otp.Lookup{
			Scope: pick(h, someScopes, "scope"), Parties: parties(some(h, someTypists, 0, 2, "typists")...),
			Holder: pick(h, append(someHolders, ""), "holder"), Purpose: pick(h, []otp.Purpose{"redeem", "stamp"}, "purpose"),
		}
		for _, m := range some(h, someMACs, 0, 4, "codes") {
			l.MACs = append(l.MACs, mac(m))
		}
		if h.often("with a key") {
			l.Entry, l.Key = scopeSubject(l.Scope), pick(h, someKeys, "key")
		}
		lookups = append(lookups, l)
	}
	now := h.time(false, "now")
	return try(ctx, model, "OTP.Load", lookups, func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.OTP().Load(ctx, lookups, now)
	})
}

func (h *history) prune(ctx context.Context, model storage.Tx) step {
	before := h.time(false, "before")
	return try(ctx, model, "OTP.Prune", before, func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.OTP().Prune(ctx, before)
	})
}

// loadedShop returns what the model has of the rows of a lookup.
func (h *history) loadedShop(ctx context.Context, model storage.Tx, l shop.Lookup) shop.State {
	st, err := model.Shops().Load(ctx, l)
	if err != nil {
		h.t.Fatal(err)
	}
	return st
}

func (h *history) saveShop(ctx context.Context, model storage.Tx) step {
	shops := []shop.ID{"north", "店"}
	c := shop.Change{Entries: h.entries("shop")}
	for _, id := range some(h, shops, 0, 2, "shops") {
		st := h.loadedShop(ctx, model, shop.Lookup{Staff: true, Shop: id})
		c.Shops = append(c.Shops, shop.Shop{
			ID: id, Name: pick(h, someTexts, "name"), Zone: "UTC", From: h.time(true, "from"), Slots: h.upTo(3, "slots"),
			Version: h.version(st.Shop.Version),
		})
	}
	for _, id := range some(h, someIdentities, 0, 2, "managers") {
		st := h.loadedShop(ctx, model, shop.Lookup{Identity: id})
		m := shop.Manager{
			Identity: id, Name: pick(h, someTexts, "name"), Bound: h.time(true, "bound"), Version: h.version(st.Manager.Version),
		}
		if h.often("bound") {
			m.Shop, m.Slot = pick(h, shops, "shop"), 1+h.upTo(1, "slot")
		}
		c.Managers = append(c.Managers, m)
	}
	for _, serial := range some(h, someSerials, 0, 2, "stamps") {
		st := h.loadedShop(ctx, model, shop.Lookup{Serial: serial})
		c.Stamps = append(c.Stamps, shop.Stamp{
			Serial: serial, Shop: pick(h, append(shops, ""), "shop"), Bound: h.time(true, "bound"), Version: h.version(st.Stamp.Version),
		})
	}
	for _, m := range some(h, someMACs, 0, 1, "invitations") {
		st := h.loadedShop(ctx, model, shop.Lookup{Invitation: mac(m)})
		c.Invitations = append(c.Invitations, shop.Invitation{
			Hash: mac(m), Shop: pick(h, shops, "shop"), Expires: h.time(false, "expires"), Ended: h.time(true, "ended"),
			Version: h.version(st.Invitation.Version),
		})
	}
	return try(ctx, model, "Shops.Save", c, func(ctx context.Context, tx storage.Tx) (any, error) {
		return nil, tx.Shops().Save(ctx, c)
	})
}

func (h *history) loadShop(ctx context.Context, model storage.Tx) step {
	l := shop.Lookup{
		Staff: rapid.Bool().Draw(h.t, "staff"),
		Shop:  pick(h, []shop.ID{"north", "店", ""}, "shop"), Identity: pick(h, append(someIdentities, ""), "manager"),
		Serial: pick(h, append(someSerials, ""), "stamp"), Invitation: mac(pick(h, someMACs, "invitation")),
		Entry: "shop", Key: pick(h, someKeys, "key"),
	}
	return try(ctx, model, "Shops.Load", l, func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.Shops().Load(ctx, l)
	})
}

func (h *history) pairShops(ctx context.Context, model storage.Tx) step {
	var pairs []shop.Pair
	for range h.upTo(3, "pairs") {
		pairs = append(pairs, shop.Pair{
			Shop: pick(h, []shop.ID{"north", "店", ""}, "shop"), Identity: pick(h, append(someIdentities, ""), "manager"),
		})
	}
	return try(ctx, model, "Shops.Pairs", pairs, func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.Shops().Pairs(ctx, pairs)
	})
}

func (h *history) listShops(ctx context.Context, model storage.Tx) step {
	return try(ctx, model, "Shops.List", nil, func(ctx context.Context, tx storage.Tx) (any, error) {
		return collect(tx.Shops().List(ctx))
	})
}
