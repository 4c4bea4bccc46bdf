package bunstore

import (
	"context"
	"database/sql"

	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// wants is what a load of cards looks for beside them.
type wants struct{ record, claims, free, entry bool }

var (
	cardLookup = []column{
		{"program", text}, {"member", text}, {"claim", integer}, {"record", integer}, {"entry", text}, {"key", text},
	}
	couponLookup = []column{
		{"program", text}, {"member", text}, {"claim", integer}, {"coupon", integer}, {"above", integer}, {"floor", integer},
	}
)

// Load implements [stamps.Store]. Cards are read before their coupons: who changes a coupon changes
// the version of its card, so that a Save of what was read in between meets a conflict.
func (s stampStore) Load(ctx context.Context, lookups []stamps.Lookup) ([]stamps.Loaded, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	loaded := make([]stamps.Loaded, len(lookups))
	cards := make([][]any, len(lookups))
	var want wants
	for i, l := range lookups {
		loaded[i].Card.ID = l.Card
		want.record = want.record || l.Record != 0
		want.claims = want.claims || l.Claims
		want.free = want.free || l.Free
		want.entry = want.entry || l.Key != ""
		cards[i] = []any{string(l.Card.Program), string(l.Card.Member), l.Card.Claim, l.Record, l.Entry, l.Key}
	}
	err := s.look(ctx, want, cardLookup, cards, want.text, func(rows *sql.Rows, first int) error {
		var ord int
		var card stamps.Card
		var record stamps.Record
		var taken, claimed, free int64
		var entry journal.Entry
		fields := append([]any{&ord}, cardFields(&card)...)
		if want.record {
			fields = append(fields, recordFields(&record)...)
		}
		if want.claims {
			fields = append(fields, intField(&taken), intField(&claimed))
		}
		if want.free {
			fields = append(fields, intField(&free))
		}
		if want.entry {
			fields = append(fields, entryFields(&entry)...)
		}
		if err := rows.Scan(fields...); err != nil {
			return err
		}
		to, l := &loaded[first+ord-1], lookups[first+ord-1]
		if card.Version != 0 {
			to.Card = card
		}
		if record.Seq != 0 {
			to.Record = &record
		}
		if l.Claims {
			to.Taken, to.Claimed = taken, claimed
		}
		if l.Free {
			to.Free = free
		}
		if l.Key != "" {
			to.Entry = found(entry)
		}
		return nil
	})
	if err == nil {
		err = s.loadCoupons(ctx, lookups, loaded)
	}
	if err != nil {
		return nil, s.fail("load stamps", err)
	}
	return loaded, nil
}

func (w wants) text(l lookup) string {
	columns := "select l.ord, " + cardColumns
	from := " from " + l.source() + l.find("stamps_card", "c", ofCard("c", "l"))
	if w.record {
		columns += ", " + recordColumns
		from += l.find("stamps_record", "r", ofCard("r", "l")+" and r.seq = case when l.record >= 0 then l.record else "+
			"(select x.seq from "+l.name("stamps_record")+" as x where x.tenant = "+l.tenant()+" and "+ofCard("x", "l")+
			" and x.purpose = 'stamp' and (x.cancelled < x.n or x.n = 0 and x.cancelled = 0) order by x.seq desc limit 1) end")
	}
	if w.claims {
		columns += ", (select x.number from " + l.name("stamps_card") + " as x where x.tenant = " + l.tenant() +
			" and x.program = l.program and x.number > 0 order by x.number desc limit 1)" +
			", (select x.claim from " + l.name("stamps_card") + " as x where x.tenant = " + l.tenant() +
			" and x.member = l.member and x.program = l.program order by x.claim desc limit 1)"
	}
	if w.free {
		cards := l.name("stamps_card") + " as x where x.tenant = " + l.tenant() + " and x.program = l.program and x.number "
		columns += ", (select min(f.number) + 1 from (select 0 as number union all select x.number from " + cards + "> 0) as f" +
			" where not exists (select 1 from " + cards + "= f.number + 1))"
	}
	if w.entry {
		columns += ", " + entryColumns
		from += l.entry()
	}
	return columns + from
}

// ofCard is the condition that a row of the alias a is of the card of b.
func ofCard(a, b string) string {
	return a + ".member = " + b + ".member and " + a + ".program = " + b + ".program and " + a + ".claim = " + b + ".claim"
}

func (s stampStore) loadCoupons(ctx context.Context, lookups []stamps.Lookup, loaded []stamps.Loaded) error {
	var coupons [][]any
	var of []int
	for i, l := range lookups {
		if l.Coupon != 0 || l.Above != 0 {
			card := loaded[i].Card
			of = append(of, i)
			coupons = append(coupons, []any{
				string(l.Card.Program), string(l.Card.Member), l.Card.Claim, l.Coupon, l.Above, card.Total - l.Above,
			})
		}
	}
	return s.look(ctx, "coupons", couponLookup, coupons, func(l lookup) string {
		return "select l.ord, " + couponColumns + " from " + l.source() + l.all("stamps_coupon", "k", ofCard("k", "l")+
			" and (k.n = l.coupon or l.above <> 0 and k.state <> 'voided' and k.pos > l.floor)") + " order by l.ord, k.n"
	}, func(rows *sql.Rows, first int) error {
		var ord int
		var c stamps.Coupon
		if err := rows.Scan(append([]any{&ord}, couponFields(&c)...)...); err != nil {
			return err
		}
		to := &loaded[of[first+ord-1]]
		to.Coupons = append(to.Coupons, c)
		return nil
	})
}
