package storagetest

import (
	"context"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage"
)

// accountIDs draws different ones.
func (h *history) accountIDs(least, n int) []loyalty.AccountID {
	var all []loyalty.AccountID
	for _, p := range somePrograms {
		for _, m := range someMembers {
			all = append(all, loyalty.AccountID{Program: loyalty.ProgramID(p), Member: loyalty.MemberID(m)})
		}
	}
	return some(h, all, least, n, "accounts")
}

func (h *history) saveAccounts(ctx context.Context, model storage.Tx) step {
	ids := h.accountIDs(1, 4)
	var changes []loyalty.Change
	for len(ids) > 0 {
		n := min(len(ids), 1+h.upTo(1, "of two accounts"))
		c := loyalty.Change{Entries: h.entries(ids[0].Subject())}
		for _, id := range ids[:n] {
			h.addAccount(ctx, model, &c, id)
		}
		changes, ids = append(changes, c), ids[n:]
	}
	return try(ctx, model, "Loyalty.Save", changes, func(ctx context.Context, tx storage.Tx) (any, error) {
		return kinds(tx.Loyalty().Save(ctx, changes))
	})
}

func (h *history) addAccount(ctx context.Context, model storage.Tx, c *loyalty.Change, id loyalty.AccountID) {
	keys := some(h, []string{"order 1", "order 2", "{}"}, 0, 2, "bookings")
	lookups := []loyalty.Lookup{{Account: id}}
	for _, key := range keys {
		lookups = append(lookups, loyalty.Lookup{Account: id, Booking: key})
	}
	loaded, err := model.Loyalty().Load(ctx, lookups)
	if err != nil {
		h.t.Fatal(err)
	}
	a := account(string(id.Member), h.version(loaded[0].Account.Version)+1)
	a.ID, a.Holdings[0].Wallet.Debt, a.Status.Until = id, int64(h.upTo(2, "debt")), h.time(true, "until")
	if h.upTo(1, "without points") == 1 {
		a.Holdings = nil
	}
	c.Accounts = append(c.Accounts, a)
	for i, key := range keys {
		changes := int64(0)
		if was := loaded[i+1].Booking; was != nil {
			changes = was.Changes + 1
		}
		b := booking(string(id.Member), key, changes)
		b.Account.Program = id.Program
		c.Bookings = append(c.Bookings, b)
	}
}

func (h *history) loadAccounts(ctx context.Context, model storage.Tx) step {
	var lookups []loyalty.Lookup
	for _, id := range h.accountIDs(1, 4) {
		l := loyalty.Lookup{Account: id, Booking: pick(h, []string{"", "order 1", "order 2", "{}"}, "booking")}
		if h.often("with a key") {
			l.Key = pick(h, someKeys, "key")
		}
		lookups = append(lookups, l)
	}
	return try(ctx, model, "Loyalty.Load", lookups, func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.Loyalty().Load(ctx, lookups)
	})
}

func (h *history) queryAccounts(ctx context.Context, model storage.Tx) step {
	q := loyalty.AccountQuery{Limit: h.upTo(3, "limit")}
	switch h.upTo(2, "query") {
	case 0:
		q.Program = loyalty.ProgramID(pick(h, somePrograms, "program"))
	case 1:
		q.Member = loyalty.MemberID(pick(h, someMembers, "member"))
	case 2:
		q.DueBefore = h.time(false, "due before")
	}
	return try(ctx, model, "Loyalty.Accounts", q, func(ctx context.Context, tx storage.Tx) (any, error) {
		return collect(tx.Loyalty().Accounts(ctx, q))
	})
}

func (h *history) ledgerOf(ctx context.Context, model storage.Tx) step {
	id := h.accountIDs(1, 1)[0]
	return try(ctx, model, "Loyalty.Ledger", id, func(ctx context.Context, tx storage.Tx) (any, error) {
		return collect(tx.Loyalty().Ledger(ctx, id))
	})
}
