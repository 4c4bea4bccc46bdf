package storagetest

import (
	"context"
	"fmt"
	"time"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// The ids of random histories are few, so that their commands meet.
var (
	somePrograms  = []stamps.ProgramID{"coffee", "Tea"}
	someMembers   = []stamps.MemberID{"alice", "Bob", `小明,"{}\`}
	someShops     = []stamps.ShopID{"north", "店"}
	someScopes    = []otp.Scope{"north", "店"}
	someTypists   = []otp.TypistID{"t", "经理"}
	someHolders   = []otp.HolderID{"alice", "小明"}
	someNicknames = []string{"", "Alice", "BOB", "中文昵称", "50%", "a_b", `a\b`}
	someNameParts = []string{"", "", "a", "LI", "文昵", "%", "_", `\`, "b"}
	someKeys      = []string{"k1", "k2", "k3", "k4", "k5", "NULL"}
	somePurposes  = []stamps.Purpose{stamps.PurposeStamp, stamps.PurposeCancel, stamps.PurposeRedeem}
	someStates    = []stamps.CouponState{stamps.Issued, stamps.Redeemed, stamps.Voided, stamps.Lapsed}
	someTexts     = []string{"", "latte", `a "b", {c}\`, "🙂"}
)

func pick[V any](h *history, from []V, label string) V {
	return rapid.SampledFrom(from).Draw(h.t, label)
}

func (h *history) upTo(n int, label string) int { return rapid.IntRange(0, n).Draw(h.t, label) }

func (h *history) often(label string) bool { return h.upTo(4, label) > 0 }

// some draws up to n different values of from, at least least of them.
func some[V comparable](h *history, from []V, least, n int, label string) []V {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(from), least, n, rapid.ID[V]).Draw(h.t, label)
}

// step draws a call and runs it on the model.
func (h *history) step(ctx context.Context, model storage.Tx) step {
	return pick(h, []func(context.Context, storage.Tx) step{
		h.saveCards, h.saveCards, h.saveCards, h.loadCards, h.loadCards, h.queryRecords, h.queryCoupons, h.queryCards,
		h.publish, h.program,
		h.saveAccounts, h.saveAccounts, h.loadAccounts, h.loadAccounts, h.queryAccounts, h.ledgerOf,
		h.saveHolders, h.saveHolders, h.loadHolders, h.loadHolders, h.queryVouchers, h.countsOf, h.holdersOf, h.findVoucher,
		h.saveScopes, h.saveScopes, h.spend, h.spend, h.loadScopes, h.loadScopes, h.prune,
		h.saveActivation, h.saveActivation, h.loadActivation, h.loadActivation, h.queryActivation, h.queryActivation,
		h.saveRows, h.saveRows, h.loadRows, h.pruneRows, h.listRows, h.saveGuests, h.saveGuests, h.listGuests,
		h.saveLeads, h.saveLeads, h.loadLeads, h.loadLeads, h.importLeads, h.queryLeads, h.queryCounts, h.saveJob, h.loadJob, h.queryJobs,
		h.entriesOf,
	}, "call")(ctx, model)
}

// version is mostly the one that is stored.
func (h *history) version(stored int64) int64 {
	if h.often("right version") {
		return stored
	}
	return int64(h.upTo(4, "version"))
}

// time is one of a few, or where it may be zero sometimes that.
func (h *history) time(zero bool, label string) time.Time {
	n := h.upTo(10, label)
	if zero && n == 0 {
		return time.Time{}
	}
	return at(int64(n))
}

// entries draws none or one, of a few keys.
func (h *history) entries(subject string) []journal.Entry {
	if h.upTo(3, "no entry") == 0 {
		return nil
	}
	h.seq++
	e := entry(subject, pick(h, someKeys, "key"), h.seq)
	e.Result = fmt.Appendf(nil, `{"seq": %d}`, h.seq)
	return []journal.Entry{e}
}

func cardSubject(id stamps.CardID) string { return journal.Subject("stamps", id.String()) }

// cardIDs draws different ones, among them some that stand for claims.
func (h *history) cardIDs(least, n int) []stamps.CardID {
	var all []stamps.CardID
	for _, p := range somePrograms {
		for _, m := range someMembers {
			for claim := range int64(3) {
				all = append(all, stamps.CardID{Program: p, Member: m, Claim: claim})
			}
		}
	}
	return some(h, all, least, n, "cards")
}

func (h *history) saveCards(ctx context.Context, model storage.Tx) step {
	ids := h.cardIDs(1, 4)
	numbers := map[int64]bool{}
	var changes []stamps.Change
	for len(ids) > 0 {
		n := min(len(ids), 1+h.upTo(1, "of two cards"))
		c := stamps.Change{Entries: h.entries(cardSubject(ids[0]))}
		for _, id := range ids[:n] {
			h.addCard(ctx, model, &c, id, numbers)
		}
		changes, ids = append(changes, c), ids[n:]
	}
	return try(ctx, model, "Stamps.Save", changes, func(ctx context.Context, tx storage.Tx) (any, error) {
		return kinds(tx.Stamps().Save(ctx, changes))
	})
}

// addCard draws a card, its records and its coupons. Its number stays. No two cards of a Save ask
// for one, for either could get it.
func (h *history) addCard(ctx context.Context, model storage.Tx, c *stamps.Change, id stamps.CardID, numbers map[int64]bool) {
	loaded, err := model.Stamps().Load(ctx, []stamps.Lookup{{Card: id}})
	if err != nil {
		h.t.Fatal(err)
	}
	card := stamps.Card{
		ID: id, Version: h.version(loaded[0].Card.Version) + 1, Nickname: pick(h, someNicknames, "nickname"), Began: h.upTo(2, "began"),
		Round: int64(h.upTo(2, "round")), Count: int64(h.upTo(9, "count")), Total: int64(h.upTo(20, "total")),
		Opened: h.time(false, "opened"), Expires: h.time(true, "expires"),
		State: stamps.State{Seq: int64(h.upTo(9, "seq")), Last: h.time(true, "last")},
	}
	for n := range h.upTo(3, "ticks") {
		card.State.Recent = append(card.State.Recent, stamps.Tick{Seq: int64(n), At: at(int64(n)), N: 1})
		card.State.Owed = append(card.State.Owed, int64(n))
	}
	number := int64(h.upTo(5, "number"))
	switch old := loaded[0].Card.Number; {
	case old > 0:
		card.Number = old
	case id.Claim > 0 && !numbers[number]:
		card.Number, numbers[number] = number, true
	}
	c.Cards = append(c.Cards, card)
	for _, seq := range some(h, []int64{1, 2, 3, 4, 5}, 0, 3, "records") {
		known, err := model.Stamps().Load(ctx, []stamps.Lookup{{Card: id, Record: seq}})
		if err != nil {
			h.t.Fatal(err)
		}
		r := h.record(id, seq)
		if known[0].Record != nil {
			r.Cancelled = max(1, r.Cancelled)
		}
		c.Records = append(c.Records, r)
	}
	for _, n := range some(h, []int64{1, 2, 3, 10}, 0, 2, "coupons") {
		c.Coupons = append(c.Coupons, stamps.Coupon{
			ID: stamps.CouponID{Card: id, N: n}, Reward: pick(h, someTexts, "reward"), Name: pick(h, someTexts, "name"), Began: 1,
			Pos: int64(h.upTo(20, "pos")), State: pick(h, someStates, "state"), Nickname: pick(h, someNicknames, "nickname"),
			Issued: h.time(false, "issued"), Expires: h.time(true, "expires"), Ended: h.time(true, "ended"),
		})
	}
}

// record draws one whose time follows from its card and number: those of a card may have one time,
// those of two never.
func (h *history) record(id stamps.CardID, seq int64) stamps.Record {
	offset := id.Claim
	for i, p := range somePrograms {
		for j, m := range someMembers {
			if id.Program == p && id.Member == m {
				offset += int64(10 * (1 + i*len(someMembers) + j))
			}
		}
	}
	r := stamps.Record{
		Card: id, Seq: seq, Purpose: pick(h, somePurposes, "purpose"), N: int64(h.upTo(3, "n")), Cancelled: int64(h.upTo(3, "cancelled")),
		At: at(seq / 2).Add(time.Duration(offset) * time.Microsecond), Shop: pick(h, append(someShops, ""), "shop"),
		Nickname: pick(h, someNicknames, "nickname"), Reason: pick(h, someTexts, "reason"),
	}
	if h.upTo(1, "with a purchase") == 1 {
		r.Purchase = &stamps.Purchase{Amount: int64(h.upTo(99, "amount")), Currency: "CNY"}
		r.Peer = &stamps.CardID{Program: id.Program, Member: "peer"}
	}
	return r
}

func (h *history) loadCards(ctx context.Context, model storage.Tx) step {
	var lookups []stamps.Lookup
	for _, id := range h.cardIDs(1, 4) {
		l := stamps.Lookup{
			Card: id, Record: int64(h.upTo(6, "record") - 1), Coupon: int64(h.upTo(3, "coupon")), Above: int64(h.upTo(12, "above")),
			Claims: h.upTo(1, "claims") == 1,
		}
		if h.often("with a key") {
			l.Entry, l.Key = cardSubject(id), pick(h, someKeys, "key")
		}
		lookups = append(lookups, l)
	}
	return try(ctx, model, "Stamps.Load", lookups, func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.Stamps().Load(ctx, lookups)
	})
}

func (h *history) queryRecords(ctx context.Context, model storage.Tx) step {
	q := stamps.RecordQuery{
		From: h.time(true, "from"), To: h.time(true, "to"), Purposes: some(h, somePurposes, 0, 2, "purposes"),
		Nickname: pick(h, someNameParts, "part of the nickname"), Limit: h.upTo(3, "limit"),
	}
	if h.upTo(1, "of a card") == 1 {
		q.Card = &h.cardIDs(1, 1)[0]
	} else {
		q.Shop = pick(h, someShops, "shop")
	}
	return try(ctx, model, "Stamps.Records", q, func(ctx context.Context, tx storage.Tx) (any, error) {
		return collect(tx.Stamps().Records(ctx, q))
	})
}

func (h *history) queryCoupons(ctx context.Context, model storage.Tx) step {
	q := stamps.CouponQuery{Limit: h.upTo(3, "limit")}
	if h.upTo(1, "lapsed") == 1 {
		q.LapsedBefore = h.time(false, "lapsed before")
	} else {
		q.Member = pick(h, someMembers, "member")
	}
	if h.upTo(1, "of a program") == 1 {
		q.Program = pick(h, somePrograms, "program")
	}
	return try(ctx, model, "Stamps.Coupons", q, func(ctx context.Context, tx storage.Tx) (any, error) {
		return collect(tx.Stamps().Coupons(ctx, q))
	})
}

func (h *history) queryCards(ctx context.Context, model storage.Tx) step {
	q := stamps.CardQuery{Limit: h.upTo(3, "limit")}
	switch h.upTo(3, "query") {
	case 0:
		q.Program = pick(h, somePrograms, "program")
	case 1:
		q.Member = pick(h, someMembers, "member")
	case 2:
		q.LapsedBefore = h.time(false, "lapsed before")
	case 3:
		q.Program, q.LapsedBefore = pick(h, somePrograms, "program"), h.time(false, "lapsed before")
	}
	return try(ctx, model, "Stamps.Cards", q, func(ctx context.Context, tx storage.Tx) (any, error) {
		return collect(tx.Stamps().Cards(ctx, q))
	})
}

func (h *history) publish(ctx context.Context, model storage.Tx) step {
	d := definition(1 + h.upTo(3, "version"))
	d.ID, d.Name = pick(h, somePrograms, "program"), pick(h, someTexts, "name")
	return try(ctx, model, "Stamps.Publish", d, func(ctx context.Context, tx storage.Tx) (any, error) {
		return nil, tx.Stamps().Publish(ctx, d)
	})
}

func (h *history) program(ctx context.Context, model storage.Tx) step {
	id, version := pick(h, somePrograms, "program"), h.upTo(3, "version")
	return try(ctx, model, "Stamps.Program", []any{id, version}, func(ctx context.Context, tx storage.Tx) (any, error) {
		return tx.Stamps().Program(ctx, id, version)
	})
}

func (h *history) entriesOf(ctx context.Context, model storage.Tx) step {
	subject := cardSubject(h.cardIDs(1, 1)[0])
	if h.upTo(1, "of a scope") == 1 {
		subject = scopeSubject(pick(h, someScopes, "scope"))
	}
	return try(ctx, model, "Journal.Of", subject, func(ctx context.Context, tx storage.Tx) (any, error) {
		return entriesOf(collect(tx.Journal().Of(ctx, subject)))
	})
}
