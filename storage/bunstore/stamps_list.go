package bunstore

import (
	"context"
	"database/sql"
	"iter"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/scrmkit/scrmkit/stamps"
)

// Records implements [stamps.Store]. Of records of the same time, those of one card go by their
// numbers, the highest first, and those of several by the ids of the cards.
func (s stampStore) Records(ctx context.Context, q stamps.RecordQuery) iter.Seq2[stamps.Record, error] {
	instr := map[grammar]string{postgres: "strpos", sqlite: "instr"}[s.grammar]
	return paged(ctx, s.unit, "list records", q.Limit, func(sel *bun.SelectQuery, last *stamps.Record) *bun.SelectQuery {
		sel = sel.TableExpr(s.name("stamps_record")+" AS r").ColumnExpr(s.readable(recordColumns)).Where("r.tenant = ?", s.tenant).
			OrderExpr("r.at DESC, r.program, r.member, r.claim, r.seq DESC")
		if q.Card != nil {
			sel = sel.Where("r.member = ? AND r.program = ? AND r.claim = ?",
				string(q.Card.Member), string(q.Card.Program), q.Card.Claim)
		}
		if q.Shop != "" {
			sel = sel.Where("r.shop = ? AND r.shop <> ''", string(q.Shop))
		}
		if !q.From.IsZero() {
			sel = sel.Where("r.at >= ?", s.bind(q.From))
		}
		if !q.To.IsZero() {
			sel = sel.Where("r.at < ?", s.bind(q.To))
		}
		if len(q.Purposes) > 0 {
			purposes := make([]string, len(q.Purposes))
			for i, p := range q.Purposes {
				purposes[i] = string(p)
			}
			sel = sel.Where("r.purpose IN (?)", bun.List(purposes))
		}
		if q.Nickname != "" {
			sel = sel.Where(instr+"(r.nick_key, ?) > 0", strings.ToLower(q.Nickname))
		}
		if last != nil {
			at, card := s.bind(last.At), []any{string(last.Card.Program), string(last.Card.Member), last.Card.Claim}
			sel = sel.Where("r.at <= ?", at).Where("r.at < ? OR (r.program, r.member, r.claim) > (?) OR "+
				"(r.program, r.member, r.claim) = (?) AND r.seq < ?", at, bun.List(card), bun.List(card), last.Seq)
		}
		return sel
	}, func(rows *sql.Rows) (r stamps.Record, err error) {
		err = rows.Scan(recordFields(&r)...)
		return r, err
	})
}

// Coupons implements [stamps.Store].
func (s stampStore) Coupons(ctx context.Context, q stamps.CouponQuery) iter.Seq2[stamps.Coupon, error] {
	return paged(ctx, s.unit, "list coupons", q.Limit, func(sel *bun.SelectQuery, last *stamps.Coupon) *bun.SelectQuery {
		sel = sel.TableExpr(s.name("stamps_coupon")+" AS k").ColumnExpr(s.readable(couponColumns)).Where("k.tenant = ?", s.tenant).
			OrderExpr("k.program, k.member, k.claim, k.n")
		sel = s.narrow(sel, "k", q.Program, q.Member, q.LapsedBefore)
		if !q.LapsedBefore.IsZero() {
			sel = sel.Where("k.state = 'issued'")
		}
		if last != nil {
			id := last.ID
			sel = sel.Where("(k.program, k.member, k.claim, k.n) > (?, ?, ?, ?)",
				string(id.Card.Program), string(id.Card.Member), id.Card.Claim, id.N)
		}
		return sel
	}, func(rows *sql.Rows) (c stamps.Coupon, err error) {
		err = rows.Scan(couponFields(&c)...)
		return c, err
	})
}

// Cards implements [stamps.Store].
func (s stampStore) Cards(ctx context.Context, q stamps.CardQuery) iter.Seq2[stamps.Card, error] {
	return paged(ctx, s.unit, "list cards", q.Limit, func(sel *bun.SelectQuery, last *stamps.Card) *bun.SelectQuery {
		sel = sel.TableExpr(s.name("stamps_card")+" AS c").ColumnExpr(s.readable(cardColumns)).
			Where("c.tenant = ? AND c.claim = 0", s.tenant).OrderExpr("c.program, c.member")
		sel = s.narrow(sel, "c", q.Program, q.Member, q.LapsedBefore)
		if last != nil {
			sel = sel.Where("(c.program, c.member) > (?, ?)", string(last.ID.Program), string(last.ID.Member))
			if q.Program != "" {
				sel = sel.Where("c.member > ?", string(last.ID.Member))
			}
		}
		return sel
	}, func(rows *sql.Rows) (c stamps.Card, err error) {
		err = rows.Scan(cardFields(&c)...)
		return c, err
	})
}

// narrow adds what cards and coupons are asked for by.
func (s stampStore) narrow(
	sel *bun.SelectQuery, alias string, program stamps.ProgramID, member stamps.MemberID, lapsedBefore time.Time,
) *bun.SelectQuery {
	as := bun.Ident(alias)
	if program != "" {
		sel = sel.Where("?.program = ?", as, string(program))
	}
	if member != "" {
		sel = sel.Where("?.member = ?", as, string(member))
	}
	if !lapsedBefore.IsZero() {
		sel = sel.Where("?.expires IS NOT NULL AND ?.expires < ?", as, as, s.bind(lapsedBefore))
	}
	return sel
}
