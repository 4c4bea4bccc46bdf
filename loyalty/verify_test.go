package loyalty_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// tampering returns an engine of a program with a few members in a SQLite file, that file, and another
// connection to it.
func tampering(t *testing.T) (*loyalty.Engine, storage.DB, *sql.DB) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "points.db")
	c, d := &clock{}, club(1)
	c.set(noon)
	file := dbtest.SQLiteFile(t, path)
	points := loyalty.New(file, &loyalty.Options{Now: c.now})
	points.Span(2)
	d.Tiers.Levels[1].Gift = &loyalty.Gift{Points: 100}
	must[*loyalty.Program](t)(points.Publish(ctx, d))
	do := func(_ loyalty.Outcome, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	carol := loyalty.AccountID{Program: "club", Member: "carol"}
	do(points.Earn(ctx, buy(alice, 120_000, "order-1")))
	do(points.Earn(ctx, buy(bob, 30_000, "order-2")))
	do(points.Earn(ctx, buy(carol, 10_000, "order-3")))
	c.set(days(1))
	do(points.Redeem(ctx, loyalty.Redeem{Account: alice, N: 200, Reason: "cup", Key: "cup"}))
	do(points.Reserve(ctx, loyalty.Reserve{Account: alice, N: 100, Until: days(30), Key: "hold"}))
	do(points.Transfer(ctx, loyalty.Transfer{Account: bob, To: alice.Member, N: 50, Key: "gift"}))
	do(points.Refund(ctx, loyalty.Refund{Account: alice, Of: "order-1", Amount: 10_000, By: "till", Key: "back"}))
	do(points.Merge(ctx, loyalty.Merge{Account: carol, To: bob.Member, Key: "same"}))
	do(points.Refund(ctx, loyalty.Refund{Account: carol, Of: "order-3", Amount: 5_000, Key: "back-3"}))
	do(points.Return(ctx, loyalty.Return{Account: alice, Of: "cup", N: 10, Key: "cup-back"}))
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return points, file, db
}

// variants returns the JSON with one of its leaves changed, for each of them.
func variants(v any) (all []any) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			for _, other := range variants(value) {
				changed := map[string]any{}
				for k, o := range v {
					changed[k] = o
				}
				changed[key] = other
				all = append(all, changed)
			}
		}
	case []any:
		for i, value := range v {
			for _, other := range variants(value) {
				changed := slices.Clone(v)
				changed[i] = other
				all = append(all, changed)
			}
		}
		if len(v) > 0 {
			all = append(all, v[1:])
		}
	case json.Number:
		all = append(all, json.Number("1"+strings.TrimPrefix(v.String(), "-")))
	case bool:
		all = append(all, !v)
	case string:
		switch {
		case strings.HasPrefix(v, "2026-") || strings.HasPrefix(v, "2027-"):
			all = append(all, strings.Replace(v, "20", "21", 1))
		case len(v) == 44 && v[43] == '=': // a digest
			all = append(all, "AAAA"+v[4:])
		default:
			all = append(all, v+"x")
		}
	}
	return all
}

// Whatever is changed in the rows of accounts, bookings, programs and entries, Verify names it.
func TestVerifyNamesWhatever(t *testing.T) {
	points, _, db := tampering(t)
	namesWhatever(t, db, func() error { return second(points.Verified(ctx, loyalty.VerifyQuery{Program: "club"})) })
}

// So it does where all entries are archived but the newest of each account, with the archive.
func TestVerifyNamesWhateverIsArchived(t *testing.T) {
	points, file, db := tampering(t)
	archive := archived(t, file)
	namesWhatever(t, db, func() error {
		_, err := points.Verified(ctx, loyalty.VerifyQuery{Program: "club"})
		for _, m := range []ids.Member{"alice", "bob", "carol"} {
			if err == nil {
				err = archive.Verify(ctx, points, loyalty.AccountID{Program: "club", Member: m})
			}
		}
		return err
	})
}

// since asks for the verification of a program whose heads were kept.
func since(kept loyalty.Heads) loyalty.VerifyQuery {
	return loyalty.VerifyQuery{Program: kept.Program, Terms: kept.Terms, Kept: kept.All()}
}

// digest returns the digest of heads that were kept.
func digest(heads loyalty.Heads) []byte {
	d := loyalty.NewDigest(heads.Terms)
	for _, h := range heads.Members {
		d.Add(h)
	}
	return d.Sum()
}

func second[V any](_ V, err error) error { return err }

// archived returns what all entries of a database say, of which all but the newest of each subject
// lose their bodies.
func archived(t *testing.T, db storage.DB) *loyalty.Archive {
	t.Helper()
	archive := loyalty.NewArchive(nil)
	if err := archive.Read(db.Journal().After(ctx, "", 0)); err != nil {
		t.Fatal(err)
	}
	strip(t, db)
	return archive
}

func strip(t *testing.T, db storage.DB) {
	t.Helper()
	var all []journal.Cursor
	for r, err := range db.Journal().After(ctx, "", 0) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r.Cursor)
	}
	if n, err := db.Journal().Strip(ctx, all); err != nil || n == 0 {
		t.Fatal(n, err)
	}
}

func namesWhatever(t *testing.T, db *sql.DB, verify func() error) {
	t.Helper()
	if err := verify(); err != nil {
		t.Fatal(err)
	}
	exec := func(query string, args ...any) {
		t.Helper()
		if r, err := db.Exec(query, args...); err != nil {
			t.Fatal(err)
		} else if n, _ := r.RowsAffected(); n != 1 {
			t.Fatalf("%s changed %d rows", query, n)
		}
	}
	found := func(what string) {
		t.Helper()
		err := verify()
		unreadable := err != nil && (strings.Contains(err.Error(), "Scan error") || errors.Is(err, storage.ErrFormat))
		if !errors.As(err, new(*loyalty.TamperedError)) && !errors.Is(err, loyalty.ErrUnknownProgram) && !unreadable {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, table := range []string{"loyalty_account", "loyalty_booking", "loyalty_program", "journal_entry"} {
		rows := must[*sql.Rows](t)(db.Query("select rowid, * from " + table))
		columns := must[[]string](t)(rows.Columns())
		var all [][]any
		for rows.Next() {
			row, to := make([]any, len(columns)), make([]any, len(columns))
			for i := range row {
				to[i] = &row[i]
			}
			if err := rows.Scan(to...); err != nil {
				t.Fatal(err)
			}
			all = append(all, row)
		}
		rows.Close()
		for _, row := range all {
			if table == "journal_entry" && row[slices.Index(columns, "result")] == "" {
				continue // an archive that is stripped again names it
			}
			for i, column := range columns[1:] {
				was := row[i+1]
				var others []any
				switch value := was.(type) {
				case int64:
					others = append(others, value+1)
				case nil:
					others = append(others, 5)
				case []byte:
					other := slices.Clone(value)
					other[0]++
					others = append(others, other)
				case string:
					if !strings.HasPrefix(value, "{") {
						others = append(others, value+"x")
						break
					}
					var doc any
					d := json.NewDecoder(strings.NewReader(value))
					d.UseNumber()
					if err := d.Decode(&doc); err != nil {
						t.Fatal(err)
					}
					for _, other := range variants(doc) {
						text := must[[]byte](t)(json.Marshal(other))
						others = append(others, string(text))
					}
				}
				if column == "pos" {
					continue // the order of the feed, which no account tells
				}
				for n, other := range others {
					if column == "result" && n%4 > 0 {
						continue // one hash is over all of it
					}
					exec("update "+table+" set "+column+" = ? where rowid = ?", other, row[0])
					found(fmt.Sprintf("%s.%s of %v is %v instead of %v", table, column, row[2:5], other, was))
					exec("update "+table+" set "+column+" = ? where rowid = ?", was, row[0])
				}
			}
			if table == "loyalty_account" {
				continue // who is gone with the account is told by heads that were kept
			}
			marks := strings.Repeat(", ?", len(columns))[2:]
			exec("delete from "+table+" where rowid = ?", row[0])
			if err := verify(); err == nil || table != "loyalty_program" && !errors.As(err, new(*loyalty.TamperedError)) {
				t.Errorf("%s of %v is deleted: %v", table, row[2:5], err)
			}
			exec("insert into "+table+" (rowid, "+strings.Join(columns[1:], ", ")+") values ("+marks+")", row...)
		}
	}
	exec(`insert into loyalty_booking select tenant, member, program, 'forged', changes, state from loyalty_booking where key = 'cup'`)
	found("a booking is added")
	exec(`delete from loyalty_booking where key = 'forged'`)
	exec(`insert into journal_entry select tenant, subject, 'forged', seq + 1, kind, at, actor, input, before, result, pos from journal_entry where key = 'cup-back'`)
	found("an entry is added")
	exec(`delete from journal_entry where key = 'forged'`)
	if err := verify(); err != nil {
		t.Fatal("put back as it was:", err)
	}
}

// What leaves nothing behind that could tell, heads that were kept do.
// An account that can't be read is named, by whatever verifies it, and the others are verified.
func TestVerifyGoesOnPastWhatCannotBeRead(t *testing.T) {
	points, _, db := tampering(t)
	for _, state := range []string{``, `{`, `[]`, `{"joined": 5}`} {
		if _, err := db.Exec("update loyalty_account set state = ? where member = 'bob'", state); err != nil {
			t.Fatal(err)
		}
		found := map[ids.Member]error{}
		for head, err := range points.VerifyProgram(ctx, loyalty.VerifyQuery{Program: "club"}) {
			found[head.Member] = err
		}
		var tampered *loyalty.TamperedError
		if len(found) != 3 || found["alice"] != nil || !errors.As(found["bob"], &tampered) || tampered.Account != bob {
			t.Errorf("%q: %v", state, found)
		}
		if err := points.Verify(ctx, bob); !errors.As(err, &tampered) || tampered.Account != bob {
			t.Errorf("%q: %v", state, err)
		}
		if _, err := points.Compared(ctx, must[*loyalty.Program](t)(points.Program(ctx, "club", 0)), loyalty.WhatIfQuery{}); err == nil || !strings.Contains(err.Error(), "bob") {
			t.Errorf("%q: what if: %v", state, err)
		}
	}
}

func TestHeadsThatWereKept(t *testing.T) {
	for name, tamper := range map[string][]string{
		"an account is deleted":                   {`delete from loyalty_account where member = 'alice'`},
		"an account is deleted with all it had":   {`delete from loyalty_account where member = 'alice'`, `delete from loyalty_booking where member = 'alice'`, `delete from journal_entry where subject = 'loyalty/club/alice'`},
		"a member is renamed, without any entry":  {`update loyalty_account set member = 'mallory' where member = 'carol'`},
		"a version of the program is deleted":     {`delete from loyalty_program where version = 2`},
		"a version of the program that none used": {`update loyalty_program set definition = replace(definition, '100', '1') where version = 2`},
	} {
		t.Run(name, func(t *testing.T) {
			points, _, db := tampering(t)
			must[*loyalty.Program](t)(points.Publish(ctx, club(2)))
			heads := must[loyalty.Heads](t)(points.Verified(ctx, loyalty.VerifyQuery{Program: "club"}))
			if len(heads.Members) != 3 || heads.Version != 2 {
				t.Fatalf("%+v", heads)
			}
			if _, err := points.Verified(ctx, since(heads)); err != nil {
				t.Fatal(err)
			}
			for _, query := range tamper {
				must[sql.Result](t)(db.Exec(query))
			}
			now, err := points.Verified(ctx, since(heads))
			if tampered := (*loyalty.TamperedError)(nil); !errors.As(err, &tampered) {
				t.Error(err)
			}
			if string(digest(now)) == string(digest(heads)) {
				t.Error("the digest is the same")
			}
		})
	}
	t.Run("the last entry is taken back with all that it did", func(t *testing.T) {
		points, _, db := tampering(t)
		must[sql.Result](t)(db.Exec(`create table was as select * from loyalty_account where member = 'alice'`))
		must[sql.Result](t)(db.Exec(`create table was_booking as select * from loyalty_booking where member = 'alice'`))
		must[loyalty.Outcome](t)(points.Redeem(ctx, loyalty.Redeem{Account: alice, N: 300, Key: "last"}))
		heads := must[loyalty.Heads](t)(points.Verified(ctx, loyalty.VerifyQuery{Program: "club"}))
		for _, query := range []string{
			`delete from loyalty_account where member = 'alice'`, `insert into loyalty_account select * from was`,
			`delete from loyalty_booking where member = 'alice'`, `insert into loyalty_booking select * from was_booking`,
			`delete from journal_entry where key = 'last'`,
		} {
			must[sql.Result](t)(db.Exec(query))
		}
		if _, err := points.Verified(ctx, loyalty.VerifyQuery{Program: "club"}); err != nil {
			t.Fatal("nothing in the database can tell, but", err)
		}
		if _, err := points.Verified(ctx, since(heads)); !errors.As(err, new(*loyalty.TamperedError)) {
			t.Error(err)
		}
		alices := heads.Members[slices.IndexFunc(heads.Members, func(h loyalty.Head) bool { return h.Member == "alice" })]
		if err := points.Verify(ctx, alice, alices); !errors.As(err, new(*loyalty.TamperedError)) {
			t.Error(err)
		}
		if err := points.Verify(ctx, alice); err != nil {
			t.Error(err)
		}
	})
	t.Run("a ledger that goes on", func(t *testing.T) {
		points, _, _ := tampering(t)
		heads := must[loyalty.Heads](t)(points.Verified(ctx, loyalty.VerifyQuery{Program: "club"}))
		must[loyalty.Outcome](t)(points.Redeem(ctx, loyalty.Redeem{Account: alice, N: 300, Key: "last"}))
		must[loyalty.Outcome](t)(points.Earn(ctx, buy(loyalty.AccountID{Program: "club", Member: "dave"}, 100, "new")))
		if _, err := points.Verified(ctx, since(heads)); err != nil {
			t.Error(err)
		}
	})
}

// A healthy ledger is not accused for what its entries did not seal yet when they were written.
func TestVerifyOfEntriesThatSealLess(t *testing.T) {
	points, _, db := tampering(t)
	for _, id := range []loyalty.AccountID{alice, bob, {Program: "club", Member: "carol"}} {
		var entries []journal.Entry
		for e, err := range points.Ledger(ctx, id) {
			entries = append(entries, must[journal.Entry](t)(e, err))
		}
		slices.Reverse(entries)
		var hash []byte
		for _, e := range entries {
			e.Before = nil
			if e.Seq > 1 {
				e.Before = must[[]byte](t)(json.Marshal(map[string]any{"seq": e.Seq - 1, "hash": hash}))
			}
			must[sql.Result](t)(db.Exec("update journal_entry set before = ? where subject = ? and key = ?", string(e.Before), e.Subject, e.Key))
			hash = loyalty.EntryDigest(e)
		}
		must[sql.Result](t)(db.Exec("update loyalty_account set hash = ? where member = ?", hash, string(id.Member)))
	}
	check := func(what string, tampered bool) {
		t.Helper()
		_, err := points.Verified(ctx, loyalty.VerifyQuery{Program: "club"})
		if errors.As(err, new(*loyalty.TamperedError)) != tampered || !tampered && err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	check("as they were", false)
	must[loyalty.Outcome](t)(points.Refund(ctx, loyalty.Refund{Account: alice, Of: "order-1", Amount: 5_000, Key: "more-back"}))
	must[loyalty.Outcome](t)(points.Refund(ctx, loyalty.Refund{Account: loyalty.AccountID{Program: "club", Member: "carol"}, Of: "order-3", Amount: 500, Key: "more"}))
	must[loyalty.Outcome](t)(points.Merge(ctx, loyalty.Merge{Account: bob, To: alice.Member, Key: "all-one"}))
	check("with others after them", false)
	for _, x := range []struct{ what, change, back string }{
		{"a booking that was changed since", `update loyalty_booking set changes = changes + 1 where key = 'order-3'`, `update loyalty_booking set changes = changes - 1 where key = 'order-3'`},
		{"a booking that none wrote", `update loyalty_booking set key = 'forged' where key = 'order-2'`, `update loyalty_booking set key = 'order-2' where key = 'forged'`},
		{"an entry of them", `update journal_entry set actor = 'x' where key = 'back'`, `update journal_entry set actor = 'till' where key = 'back'`},
		{"an account that was changed", `update loyalty_account set version = version + 1 where member = 'alice'`, `update loyalty_account set version = version - 1 where member = 'alice'`},
	} {
		must[sql.Result](t)(db.Exec(x.change))
		check(x.what, true)
		must[sql.Result](t)(db.Exec(x.back))
	}
	check("put back as it was", false)
}
