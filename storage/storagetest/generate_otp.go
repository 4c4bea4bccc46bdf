package storagetest

import (
	"context"

	"github.com/scrmkit/scrmkit/otp"
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
