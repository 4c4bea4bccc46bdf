package bunstore

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/storage/journal"
)

type otpStore struct{ unit }

// Save implements [otp.Store].
func (s otpStore) Save(ctx context.Context, changes []otp.Change) ([]error, error) {
	all := make([]change, len(changes))
	for i, c := range changes {
		all[i].roots = []row{{scopeTable, []any{string(c.Scope.Scope), c.Scope.Version + 1, c.Scope.Issued, c.Scope.Debt}}}
		for _, t := range c.Typists {
			all[i].children = append(all[i].children, row{typistTable, []any{string(t.Scope), string(t.Typist), t.Debt}})
		}
		for _, code := range c.Codes {
			all[i].children = append(all[i].children, codeRow(code, code.Version))
		}
		all[i].entries = entryRows(c.Entries)
	}
	return s.save(ctx, "save codes", all)
}

// Spend implements [otp.Store].
func (s otpStore) Spend(ctx context.Context, changes []otp.Spent) ([]error, error) {
	all := make([]change, len(changes))
	for i, c := range changes {
		all[i].roots = []row{codeRow(c.Code, c.Code.Version+1)}
		all[i].entries = entryRows(c.Entries)
	}
	return s.save(ctx, "spend codes", all)
}

func codeRow(c otp.Code, version int64) row {
	return row{codeTable, []any{
		string(c.Scope), c.MAC, version, c.Number, c.KeyID, int64(c.Digits), c.Sealed,
		string(c.Holder), string(c.Purpose), c.Payload, c.Issued, c.Expires, c.Reusable,
		string(c.Ended), c.EndedAt, string(c.EndedBy),
	}}
}

const codeColumns = "k.mac, k.version, k.number, k.key_id, k.digits, k.sealed, k.holder, k.purpose, k.payload, " +
	"k.issued, k.expires, k.reusable, k.ended, k.ended_at, k.ended_by"

func codeFields(c *otp.Code) []any {
	return []any{
		bytesField(&c.MAC), intField(&c.Version), intField(&c.Number), textField(&c.KeyID), intField(&c.Digits),
		bytesField(&c.Sealed), textField(&c.Holder), textField(&c.Purpose), bytesField(&c.Payload),
		timeField(&c.Issued), timeField(&c.Expires), timeField(&c.Reusable),
		textField(&c.Ended), timeField(&c.EndedAt), textField(&c.EndedBy),
	}
}

var (
	scopeLookup = []column{{"scope", text}, {"typist", text}, {"entry", text}, {"key", text}}
	codeLookup  = []column{
		{"scope", text}, {"mac", binary}, {"live", integer}, {"holder", text}, {"purpose", text}, {"now", instant},
	}
)

// Load implements [otp.Store]. Scopes are read before their codes: a Save of what changed in between meets a conflict.
func (s otpStore) Load(ctx context.Context, lookups []otp.Lookup, now time.Time) ([]otp.State, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	states := make([]otp.State, len(lookups))
	err := s.loadScopes(ctx, lookups, states)
	if err == nil {
		err = s.loadCodes(ctx, lookups, states, now)
	}
	if err != nil {
		return nil, s.fail("load codes", err)
	}
	return states, nil
}

func (s otpStore) loadScopes(ctx context.Context, lookups []otp.Lookup, states []otp.State) error {
	args := make([][]any, len(lookups))
	for i, l := range lookups {
		args[i] = []any{string(l.Scope), string(l.Typist), l.Entry, l.Key}
		states[i].Scope.Scope = l.Scope
		states[i].Count = map[int]int64{}
		if l.Typist != "" {
			states[i].Typist.Scope, states[i].Typist.Typist = l.Scope, l.Typist
		}
	}
	return s.look(ctx, "scopes", scopeLookup, args, func(l lookup) string {
		return "select l.ord, s.version, s.issued, s.debt, t.debt, " + entryColumns + " from " + l.source() +
			l.find("otp_scope", "s", "s.scope = l.scope") +
			l.find("otp_typist", "t", "t.scope = l.scope and t.typist = l.typist") +
			l.entry()
	}, func(rows *sql.Rows, first int) error {
		var ord int
		var scope otp.ScopeRow
		var debt time.Time
		var entry journal.Entry
		if err := rows.Scan(append([]any{
			&ord, intField(&scope.Version), intField(&scope.Issued), timeField(&scope.Debt), timeField(&debt),
		}, entryFields(&entry)...)...); err != nil {
			return err
		}
		to := &states[first+ord-1]
		scope.Scope = to.Scope.Scope
		to.Scope, to.Typist.Debt, to.Record = scope, debt, found(entry)
		return nil
	})
}

// What a row of loadCodes is of.
const (
	withMAC = iota
	liveOfHolder
	liveCount
)

// loadCodes reads codes and counts them in one statement. Each MAC is a lookup of its own, and what is live is another.
func (s otpStore) loadCodes(ctx context.Context, lookups []otp.Lookup, states []otp.State, now time.Time) error {
	var args [][]any
	var of []*otp.State
	for i, l := range lookups {
		args = append(args, []any{string(l.Scope), []byte(nil), int64(1), string(l.Holder), string(l.Purpose), now})
		of = append(of, &states[i])
		for _, mac := range l.MACs {
			args = append(args, []any{string(l.Scope), mac, int64(0), "", "", time.Time{}})
			of = append(of, &states[i])
		}
	}
	err := s.look(ctx, "codes", codeLookup, args, codesText, func(rows *sql.Rows, first int) error {
		var ord, what int
		var n int64
		var c otp.Code
		if err := rows.Scan(append([]any{&ord, &what, &n}, codeFields(&c)...)...); err != nil {
			return err
		}
		to := of[first+ord-1]
		c.Scope = to.Scope.Scope
		switch what {
		case withMAC:
			to.Codes = append(to.Codes, c)
		case liveOfHolder:
			to.Live = append(to.Live, c)
		case liveCount:
			to.Count[c.Digits] = n
		}
		return nil
	})
	for i := range states {
		slices.SortFunc(states[i].Live, compareCodes)
		slices.SortFunc(states[i].Codes, compareCodes)
		states[i].Codes = slices.CompactFunc(states[i].Codes, func(a, b otp.Code) bool { return bytes.Equal(a.MAC, b.MAC) })
	}
	return err
}

func codesText(l lookup) string {
	const live = "l.live = 1 and k.scope = l.scope and k.ended = '' and k.expires > l.now"
	return "with l as (select * from " + l.source() + ")" +
		fmt.Sprintf(" select l.ord, %d, 0, ", withMAC) + codeColumns + " from l" +
		l.all("otp_code", "k", "l.live = 0 and k.scope = l.scope and k.mac = l.mac") +
		fmt.Sprintf(" union all select l.ord, %d, 0, ", liveOfHolder) + codeColumns + " from l" +
		l.all("otp_code", "k", live+" and l.holder <> '' and k.holder = l.holder and k.purpose = l.purpose") +
		fmt.Sprintf(" union all select l.ord, %d, count(*), ", liveCount) + countColumns + " from l" +
		l.all("otp_code", "k", live+" and k.digits >= 0") + " group by l.ord, k.digits"
}

// countColumns are codeColumns with nothing but the digits.
const countColumns = "null, null, null, null, k.digits, null, null, null, null, null, null, null, null, null, null"

func compareCodes(a, b otp.Code) int {
	return cmp.Or(cmp.Compare(a.Number, b.Number), bytes.Compare(a.MAC, b.MAC))
}

// pruned is how many rows are deleted at a time, so that nobody waits long.
const pruned = 1000

// Prune implements [otp.Store].
func (s otpStore) Prune(ctx context.Context, before time.Time) (n int64, err error) {
	if err := s.check(ctx); err != nil {
		return 0, err
	}
	for _, from := range []struct{ table, key, column string }{
		{"otp_code", "scope, mac", "reusable"},
		{"otp_typist", "scope, typist", "debt"},
	} {
		table := s.name(from.table)
		for more := true; more; {
			err := s.write(ctx, func(u unit) error {
				result, err := u.bun.NewRaw("DELETE FROM "+table+" WHERE tenant = ? AND ("+from.key+") IN (SELECT "+from.key+
					" FROM "+table+" WHERE (tenant || '') = ? AND ("+from.column+" < ? OR "+from.column+" IS NULL) LIMIT ?)",
					u.tenant, u.tenant, u.bind(before), pruned).Conn(u.conn()).Exec(ctx)
				if err != nil {
					return err
				}
				deleted, err := result.RowsAffected()
				n, more = n+deleted, deleted == pruned
				return err
			})
			if err != nil {
				return n, s.fail("prune codes", err)
			}
		}
	}
	return n, nil
}
