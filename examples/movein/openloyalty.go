package main

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
)

// The columns that are read of what Open Loyalty exports, by its help, "Data exports: Members" and
// "Unit Transfers".
var (
	memberColumns   = []string{"memberId", "createdAt", "levelId"}
	transferColumns = []string{"memberId", "walletTypeCode", "points", "type", "createdAt", "expiredAt"}
)

// A history is what transfers did to a member's wallets.
type history map[ids.Currency]*played

// A played is a wallet as transfers left it, and the sums of what they did.
type played struct {
	wallet  loyalty.Wallet
	totals  loyalty.Totals
	counted loyalty.Totals // by the lines alone
}

// fromOpenLoyalty yields the members of an export. It holds the wallets of all of them in memory.
func fromOpenLoyalty(c config, d loyalty.Definition) iter.Seq2[member, error] {
	return func(yield func(member, error) bool) {
		histories := map[string]history{}
		for l, err := range lines(c.transfers, transferColumns...) {
			if err == nil {
				err = transfer(histories, l, c, d)
			}
			if err != nil {
				yield(member{}, err)
				return
			}
		}
		for l, err := range lines(c.members, memberColumns...) {
			var m member
			if err == nil {
				m = moved(l, histories[l.text("memberId")], c, d)
				delete(histories, l.text("memberId"))
				err = l.err
			}
			if !yield(m, err) || err != nil {
				return
			}
		}
		if len(histories) > 0 {
			yield(member{}, fmt.Errorf("%s has no member %s, which has transfers", c.members, slices.Min(slices.Collect(maps.Keys(histories)))))
		}
	}
}

// transfer plays a line of the transfers.
func transfer(histories map[string]history, l *line, c config, d loyalty.Definition) error {
	id, at, n := l.text("memberId"), l.time("createdAt"), l.points("points")
	if l.text("cancelled") == "1" || l.text("cancelled") == "true" || n == 0 {
		return l.err
	}
	currency := d.Currencies[0].ID
	if code := l.text("walletTypeCode"); len(c.wallets) > 0 {
		known := false
		if currency, known = c.wallets[code]; !known {
			return fmt.Errorf("%s, line %d: no -wallet says which currency %q is", l.file, l.n, code)
		}
	}
	if histories[id] == nil {
		histories[id] = history{}
	}
	p := histories[id][currency]
	if p == nil {
		p = &played{}
		histories[id][currency] = p
	}
	var m loyalty.Movement
	var err error
	switch kind := l.text("type"); kind {
	case "adding", "p2p_adding":
		p.wallet, m, err = p.wallet.Credit(loyalty.Lot{N: n, From: l.time("unlockAt"), To: l.time("expiredAt")}, at)
		p.totals.Issued, p.counted.Issued = p.totals.Issued+loyalty.Sum(m.Credited), p.counted.Issued+n
	case "spending", "p2p_spending":
		p.wallet, m, err = p.wallet.Spend(n, at)
		p.totals.Redeemed, p.counted.Redeemed = p.totals.Redeemed+loyalty.Sum(m.Taken), p.counted.Redeemed+n
	case "expired": // the wallet knows by itself
	default:
		return fmt.Errorf("%s, line %d: type %q is none that is known", l.file, l.n, kind)
	}
	p.totals.Expired += loyalty.Sum(m.Lapsed)
	if err != nil {
		return fmt.Errorf("%s, line %d: %w", l.file, l.n, err)
	}
	return l.err
}

// moved returns a member of the export with its wallets.
func moved(l *line, h history, c config, d loyalty.Definition) member {
	m := arriving(d, l.text("memberId"))
	m.Joined, m.Active = l.time("createdAt"), l.time("lastTransactionDate")
	for _, currency := range slices.Sorted(maps.Keys(h)) {
		p, o := h[currency], m.of(currency)
		for _, lot := range p.wallet.Lots {
			o.Lots = append(o.Lots, loyalty.OpeningLot{N: lot.N, From: lot.From, To: lot.To})
		}
		o.Redeemed, o.Expired = p.totals.Redeemed, p.totals.Expired
		m.books[currency] = p.counted
	}
	level := cmp.Or(l.text("manuallyAssignedLevelId"), l.text("levelId"))
	if level != "" {
		m.Tier = loyalty.OpeningTier{Level: cmp.Or(c.levels[level], ids.Level(level)), Since: l.time("levelAchievementDate")}
	}
	return m
}
