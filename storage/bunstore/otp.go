package bunstore

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/storage/journal"
)

type otpStore struct{ unit }

// Save implements [otp.Store].
func (s otpStore) Save(ctx context.Context, changes []otp.Change) ([]error, error) {
	all := make([]change, len(changes))
	for i, c := range changes {
		all[i].roots = []row{{scopeTable, []any{
			string(c.Scope.Scope), c.Scope.Version + 1, c.Scope.Issued, c.Scope.Debt, c.Scope.Seq,
		}}}
		for _, m := range c.Meters {
			all[i].children = append(all[i].children, row{meterTable, []any{
				string(m.Scope), string(m.Party.Kind), m.Party.ID, m.Debt, m.Misses,
			}})
		}
		for _, code := range c.Codes {
			values := append([]any{string(code.Scope), code.MAC, code.Version}, codeValues(code)...)
			all[i].children = append(all[i].children, row{codeTable, append(values, code.ID)})
		}
		all[i].entries = entryRows(c.Entries)
	}
	return s.save(ctx, "save codes", all)
}

// Spend implements [otp.Store].
func (s otpStore) Spend(ctx context.Context, changes []otp.Spent) ([]error, error) {
	all := make([]change, len(changes))
	for i, c := range changes {
		key := []any{string(c.Code.Scope), c.Code.MAC, c.Code.ID, c.Code.Version + 1}
		all[i].roots = []row{{spentTable, append(key, codeValues(c.Code)...)}}
		all[i].entries = entryRows(c.Entries)
	}
	return s.save(ctx, "spend codes", all)
}

// codeValues are those of a code between its version and its id.
func codeValues(c otp.Code) []any {
	return []any{
		c.Number, c.KeyID, int64(c.Digits), c.Sealed, string(c.Holder), string(c.Purpose), c.Payload,
		c.Issued, c.Expires, c.Reusable, string(c.Ended), c.EndedAt, string(c.EndedBy),
	}
}

// codeFields reads the columns of a code after its scope.
func codeFields(c *otp.Code) []any {
	return []any{
		binaryField(&c.MAC), intField(&c.Version), intField(&c.Number), textField(&c.KeyID), intField(&c.Digits),
		binaryField(&c.Sealed), textField(&c.Holder), textField(&c.Purpose), binaryField(&c.Payload),
		timeField(&c.Issued), timeField(&c.Expires), timeField(&c.Reusable),
		textField(&c.Ended), timeField(&c.EndedAt), textField(&c.EndedBy), binaryField(&c.ID),
	}
}

// otpLookup are the columns of what is looked for: in the first row of a lookup the scope with all
// that is live in it, and in each row a code and a meter.
var otpLookup = []column{
	{"scope", text}, {"first", integer}, {"entry", text}, {"key", text}, {"holder", text}, {"purpose", text}, {"now", instant},
	{"mac", binary}, {"kind", text}, {"party", text},
}

// Load implements [otp.Store]. It reads all in one statement, and so of one moment.
func (s otpStore) Load(ctx context.Context, lookups []otp.Lookup, now time.Time) ([]otp.State, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	states := make([]otp.State, len(lookups))
	var args [][]any
	var parties []otp.Party
	var of []*otp.State
	for i, l := range lookups {
		states[i] = otp.State{Scope: otp.ScopeRow{Scope: l.Scope}, Count: map[int]int64{}}
		for n := range max(1, len(l.MACs), len(l.Parties)) {
			row := []any{string(l.Scope), int64(0), "", "", "", "", time.Time{}, []byte(nil)}
			if n == 0 {
				row = []any{string(l.Scope), int64(1), l.Entry, l.Key, string(l.Holder), string(l.Purpose), now, []byte(nil)}
			}
			if n < len(l.MACs) {
				row[len(row)-1] = l.MACs[n]
			}
			var party otp.Party
			if n < len(l.Parties) {
				party = l.Parties[n]
			}
			args = append(args, append(row, string(party.Kind), party.ID))
			parties, of = append(parties, party), append(of, &states[i])
		}
	}
	err := s.look(ctx, "codes", otpLookup, args, otpText, func(rows *sql.Rows, first int) error {
		var f otpFound
		if err := rows.Scan(f.fields()...); err != nil {
			return err
		}
		f.addTo(of[first+f.ord-1], parties[first+f.ord-1])
		return nil
	})
	if err != nil {
		return nil, s.fail("load codes", err)
	}
	for i := range states {
		st := &states[i]
		slices.SortFunc(st.Live, compareCodes)
		slices.SortFunc(st.Codes, compareCodes)
		st.Codes = slices.CompactFunc(st.Codes, func(a, b otp.Code) bool { return bytes.Equal(a.MAC, b.MAC) })
		slices.SortFunc(st.Meters, compareMeters)
		st.Meters = slices.Compact(st.Meters)
	}
	return states, nil
}

// What a row of a Load is of.
const (
	withMAC = iota
	liveOfHolder
	liveCount
	meterOfParty
	scopeAndEntry
)

// otpFound is a row of a Load: of one table, and empty in the columns of the others.
type otpFound struct {
	ord, what int
	n         int64 // codes, or misses
	code      otp.Code
	scope     otp.ScopeRow
	debt      time.Time // of the scope, or of a meter
	entry     journal.Entry
}

func (f *otpFound) fields() []any {
	fields := append([]any{&f.ord, &f.what, intField(&f.n)}, codeFields(&f.code)...)
	fields = append(fields, timeField(&f.debt), intField(&f.scope.Version), intField(&f.scope.Issued), intField(&f.scope.Seq))
	return append(fields, entryFields(&f.entry)...)
}

func (f *otpFound) addTo(st *otp.State, party otp.Party) {
	id := st.Scope.Scope
	f.code.Scope = id
	switch f.what {
	case withMAC:
		st.Codes = append(st.Codes, f.code)
	case liveOfHolder:
		st.Live = append(st.Live, f.code)
	case liveCount:
		st.Count[f.code.Digits] = f.n
	case meterOfParty:
		st.Meters = append(st.Meters, otp.Meter{Scope: id, Party: party, Debt: f.debt, Misses: f.n})
	case scopeAndEntry:
		f.scope.Scope, f.scope.Debt = id, f.debt
		st.Scope, st.Record = f.scope, found(f.entry)
	}
}

// Columns of a Load beside those of the journal.
var (
	codeColumns    = codeTable.columns[1:]
	meteredColumns = []column{{"debt", instant}, {"version", integer}, {"issued", integer}, {"seq", integer}}
)

// otpText returns the text of a Load. The scope comes last: where SQLite is asked several times,
// what is saved after the first meets a conflict.
func otpText(l lookup) string {
	const live = "l.first = 1 and k.scope = l.scope and k.ended = '' and k.expires > l.now"
	codes, noCode, noScope, noEntry := readingOf("k", codeColumns), l.nulls(codeColumns), l.nulls(meteredColumns), l.nulls(entryTable.columns)
	branch := func(what int, n, code, scope, entry string) string {
		return fmt.Sprintf("select l.ord, %d, %s, %s, %s, %s from l", what, n, code, scope, entry)
	}
	return "with l as " + l.once() + "(select * from " + l.source() + ") " + strings.Join([]string{
		branch(withMAC, l.null(integer), codes, noScope, noEntry) +
			l.all("otp_code", "k", "k.scope = l.scope and k.mac = l.mac"),
		branch(liveOfHolder, l.null(integer), codes, noScope, noEntry) +
			l.all("otp_code", "k", live+" and l.holder <> '' and k.holder = l.holder and k.purpose = l.purpose"),
		branch(liveCount, "count(*)", l.nulls(codeColumns, column{"digits", integer}), noScope, noEntry) +
			l.all("otp_code", "k", live+" and k.digits >= 0") + " group by l.ord, k.digits",
		branch(meterOfParty, "k.misses", noCode, l.nulls(meteredColumns, column{"debt", instant}), noEntry) +
			l.all("otp_meter", "k", "k.scope = l.scope and k.kind = l.kind and k.party = l.party"),
		branch(scopeAndEntry, l.null(integer), noCode, readingOf("s", meteredColumns), entryColumns) +
			l.find("otp_scope", "s", "s.scope = l.scope") + l.entry() + " where l.first = 1",
	}, " union all ")
}

// null is the SQL of a value that is not there, of the type that one is read as.
func (g grammar) null(k kind) string {
	switch {
	case g == sqlite:
		return "null"
	case k == instant:
		k = integer
	case k == binary:
		k = text
	}
	return "null::" + g.typeOf(k)
}

// nulls stand for the columns, but for those of the alias k.
func (g grammar) nulls(columns []column, but ...column) string {
	all := make([]string, len(columns))
	for i, c := range columns {
		all[i] = g.null(c.kind)
		if slices.Contains(but, c) {
			all[i] = c.reading("k")
		}
	}
	return strings.Join(all, ", ")
}

func compareMeters(a, b otp.Meter) int {
	return cmp.Or(cmp.Compare(a.Party.Kind, b.Party.Kind), cmp.Compare(a.Party.ID, b.Party.ID))
}

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
	for _, from := range []struct{ table, key, column, condition string }{
		{"otp_code", "scope, mac", "reusable", ""},
		{"otp_meter", "scope, kind, party", "debt", " AND misses = 0"},
	} {
		table := s.name(from.table)
		for more := true; more; {
			err := s.write(ctx, func(u unit) error {
				result, err := u.bun.NewRaw("DELETE FROM "+table+" WHERE tenant = ? AND ("+from.key+") IN (SELECT "+from.key+
					" FROM "+table+" WHERE (tenant || '') = ? AND ("+from.column+" < ? OR "+from.column+" IS NULL)"+from.condition+" LIMIT ?)",
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
