package bunstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"iter"

	"github.com/uptrace/bun"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage/journal"
)

type loyaltyStore struct{ unit }

// Save implements [loyalty.Store].
func (s loyaltyStore) Save(ctx context.Context, changes []loyalty.Change) ([]error, error) {
	all := make([]change, len(changes))
	for i, c := range changes {
		for _, a := range c.Accounts {
			all[i].roots = append(all[i].roots, row{accountTable, []any{
				string(a.ID.Member), string(a.ID.Program), a.Version, a.Seq, a.Hash, a.Due(), json.RawMessage(a.AppendJSON(nil)),
			}})
		}
		for _, b := range c.Bookings {
			t := newBookingTable
			if b.Changes != 0 {
				t = bookingTable
			}
			all[i].children = append(all[i].children, row{t, []any{
				string(b.Account.Member), string(b.Account.Program), b.Key, b.Changes, json.RawMessage(b.AppendJSON(nil)),
			}})
		}
		all[i].entries = entryRows(c.Entries)
	}
	return s.save(ctx, "save points", all)
}

const accountColumns = "a.program, a.member, a.version, a.seq, hexed(a.hash), a.state"

func accountFields(a *loyalty.Account) []any {
	return []any{
		textField(&a.ID.Program), textField(&a.ID.Member), intField(&a.Version), intField(&a.Seq), binaryField(&a.Hash), jsonField(a),
	}
}

var accountLookup = []column{{"program", text}, {"member", text}, {"booking", text}, {"entry", text}, {"key", text}}

// Load implements [loyalty.Store].
func (s loyaltyStore) Load(ctx context.Context, lookups []loyalty.Lookup) ([]loyalty.Loaded, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	loaded := make([]loyalty.Loaded, len(lookups))
	args := make([][]any, len(lookups))
	booked := false
	for i, l := range lookups {
		loaded[i].Account.ID = l.Account
		booked = booked || l.Booking != ""
		args[i] = []any{string(l.Account.Program), string(l.Account.Member), l.Booking, l.Account.Subject(), l.Key}
	}
	type accounts struct{ booked bool }
	err := s.look(ctx, accounts{booked}, accountLookup, args, func(l lookup) string {
		columns := "select l.ord, " + accountColumns + ", " + entryColumns
		from := " from " + l.source() + l.find("loyalty_account", "a", "a.member = l.member and a.program = l.program") +
			l.entry()
		if booked {
			columns += ", b.changes, b.state"
			from += l.find("loyalty_booking", "b", "b.member = l.member and b.program = l.program and b.key = l.booking")
		}
		return columns + from
	}, func(rows *sql.Rows, first int) error {
		var ord int
		var a loyalty.Account
		var e journal.Entry
		b := loyalty.Booking{Changes: -1}
		fields := append([]any{&ord}, accountFields(&a)...)
		fields = append(fields, entryFields(&e)...)
		if booked {
			fields = append(fields, field(func(src any) error {
				if src == nil {
					return nil
				}
				return intField(&b.Changes)(src)
			}), jsonField(&b))
		}
		if err := rows.Scan(fields...); err != nil {
			return err
		}
		to, l := &loaded[first+ord-1], lookups[first+ord-1]
		if a.Version != 0 {
			to.Account = a
		}
		if l.Key != "" {
			to.Entry = found(e)
		}
		if b.Changes >= 0 && l.Booking != "" {
			b.Account, b.Key = l.Account, l.Booking
			to.Booking = &b
		}
		return nil
	})
	if err != nil {
		return nil, s.fail("load points", err)
	}
	return loaded, nil
}

// Program implements [loyalty.Store].
func (s loyaltyStore) Program(ctx context.Context, id loyalty.ProgramID, version int) (d loyalty.Definition, err error) {
	return d, s.program(ctx, "loyalty_program", string(id), version, &d, loyalty.ErrUnknownProgram)
}

// Publish implements [loyalty.Store].
func (s loyaltyStore) Publish(ctx context.Context, d loyalty.Definition) error {
	return s.publish(ctx, "loyalty_program", string(d.ID), d.Version, d, loyalty.ErrPublished)
}

// Accounts implements [loyalty.Store].
func (s loyaltyStore) Accounts(ctx context.Context, q loyalty.AccountQuery) iter.Seq2[loyalty.Account, error] {
	return paged(ctx, s.unit, "list accounts", q.Limit, func(sel *bun.SelectQuery, last *loyalty.Account) *bun.SelectQuery {
		sel = sel.TableExpr(s.name("loyalty_account") + " AS a").ColumnExpr(s.readable(accountColumns)).OrderExpr("a.program, a.member")
		if q.Member == "" && q.DueBefore.IsZero() {
			sel = sel.Where("(a.tenant || '') = ?", s.tenant)
		} else {
			sel = sel.Where("a.tenant = ?", s.tenant)
		}
		if q.Program != "" {
			sel = sel.Where("a.program = ?", string(q.Program))
		}
		if q.Member != "" {
			sel = sel.Where("a.member = ?", string(q.Member))
		}
		if !q.DueBefore.IsZero() {
			sel = sel.Where("a.due IS NOT NULL AND a.due < ?", s.bind(q.DueBefore))
		}
		if last != nil {
			sel = sel.Where("(a.program, a.member) > (?, ?)", string(last.ID.Program), string(last.ID.Member))
		}
		return sel
	}, func(rows *sql.Rows) (a loyalty.Account, err error) {
		err = rows.Scan(accountFields(&a)...)
		return a, err
	})
}

// Bookings implements [loyalty.Store].
func (s loyaltyStore) Bookings(ctx context.Context, id loyalty.AccountID) iter.Seq2[loyalty.Booking, error] {
	return paged(ctx, s.unit, "list bookings", 0, func(sel *bun.SelectQuery, last *loyalty.Booking) *bun.SelectQuery {
		sel = sel.TableExpr(s.name("loyalty_booking")+" AS b").ColumnExpr("b.member, b.key, b.changes, b.state").
			Where("b.tenant = ? AND b.program = ?", s.tenant, string(id.Program)).OrderExpr("b.member, b.key")
		if id.Member != "" {
			sel = sel.Where("b.member = ?", string(id.Member))
		}
		if last != nil {
			sel = sel.Where("(b.member, b.key) > (?, ?)", string(last.Account.Member), last.Key)
		}
		return sel
	}, func(rows *sql.Rows) (b loyalty.Booking, err error) {
		err = rows.Scan(textField(&b.Account.Member), textField(&b.Key), intField(&b.Changes), jsonField(&b))
		b.Account.Program = id.Program
		return b, err
	})
}

// Ledger implements [loyalty.Store].
func (s loyaltyStore) Ledger(ctx context.Context, id loyalty.AccountID) iter.Seq2[journal.Entry, error] {
	return func(yield func(journal.Entry, error) bool) {
		for r, err := range journalStore(s).Of(ctx, id.Subject()) {
			if !yield(r.Entry, err) {
				return
			}
		}
	}
}
