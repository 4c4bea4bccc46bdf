package loyalty_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// crowd draws what happens to a dozen members, whom transfers and mergers join in chains, and runs
// it on an engine whose clock it sets. It returns the time after it.
func crowd(t *rapid.T, points *loyalty.Engine, c *clock, commands int) time.Time {
	id := func(label string) loyalty.AccountID {
		return loyalty.AccountID{Program: "club", Member: ids.Member(fmt.Sprintf("m%02d", rapid.IntRange(0, 11).Draw(t, label)))}
	}
	now := noon
	for i := range commands {
		now = now.AddDate(0, 0, pick(t, "days", 0, 0, 0, 1, 7))
		c.set(now)
		key, of := fmt.Sprint("k", i), fmt.Sprint("k", rapid.IntRange(0, i).Draw(t, "of"))
		var command loyalty.Command
		switch pick(t, "kind", "earn", "earn", "give", "pass on", "pass on", "take", "refund", "return", "merge") {
		case "earn":
			command = loyalty.Earn{Account: id("account"), Event: anyEvent(t), Key: key}
		case "give":
			command = loyalty.Adjust{Account: id("account"), N: 50, Reason: "r", Key: key}
		case "pass on":
			command = loyalty.Transfer{Account: id("account"), To: id("to").Member, N: rapid.Int64Range(1, 10).Draw(t, "n"), Key: key}
		case "take":
			command = loyalty.Redeem{Account: id("account"), N: rapid.Int64Range(1, 10).Draw(t, "n"), Key: key}
		case "refund":
			command = loyalty.Refund{Account: id("account"), Of: of, All: true, Key: key}
		case "return":
			command = loyalty.Return{Account: id("account"), Of: of, Key: key}
		case "merge":
			command = loyalty.Merge{Account: id("account"), To: id("to").Member, Key: key}
		}
		_, _ = run(points, command)
	}
	return now
}

// whole compares a program in one run of all that happened, in memory.
func whole(t *rapid.T, points *loyalty.Engine, p *loyalty.Program, now time.Time) (want loyalty.Comparison) {
	s, refused, err := points.Replayed(ctx, p)
	if err == nil {
		want.Is, err = s.Stand(now)
	}
	if err != nil {
		t.Fatal(err)
	}
	want.At, want.Refused = now, map[string]int{}
	for _, err := range refused {
		want.Refused[err.Error()]++
	}
	for a, err := range points.Accounts(ctx, loyalty.AccountQuery{Program: "club"}) {
		if err != nil {
			t.Fatal(err)
		}
		want.Members, want.Last = want.Members+1, a.ID.Member
	}
	own := map[string]bool{} // a transfer and a merger stand in two ledgers
	for a := range points.Accounts(ctx, loyalty.AccountQuery{Program: "club"}) {
		for e, err := range points.Ledger(ctx, a.ID) {
			if err != nil {
				t.Fatal(err)
			}
			own[e.Key] = true
		}
	}
	want.Commands = len(own)
	return want
}

// The parts of a comparison add up to the run of the whole history, wherever they are split and by
// however many workers.
func TestWhatIfByParts(t *testing.T) {
	db, histories := memory.New(), 0
	rapid.Check(t, func(t *rapid.T) {
		histories++
		whatIfByParts(t, db.Tenant(fmt.Sprint(histories)))
	})
}

func whatIfByParts(t *rapid.T, db storage.DB) {
	c := &clock{}
	points := loyalty.New(db, &loyalty.Options{Now: c.now})
	first, next := versions(t)
	was, err := points.Publish(ctx, first)
	if err != nil {
		t.Fatal(err)
	}
	now := crowd(t, points, c, rapid.IntRange(0, 40).Draw(t, "commands"))
	p := compiled(t, next)
	if maybe(t, "the version in force") {
		p = was
	}
	want := whole(t, points, p, now)
	points.Span(rapid.IntRange(1, 5).Draw(t, "span"))
	var got loyalty.Comparison
	for more := true; more; {
		q := loyalty.WhatIfQuery{After: got.Last, At: got.At, Workers: rapid.IntRange(1, 4).Draw(t, "workers")}
		parts := rapid.IntRange(1, 6).Draw(t, "parts")
		more = false
		for part, err := range points.WhatIf(ctx, p, q) {
			if err == nil {
				err = got.Add(part)
			}
			if err != nil {
				t.Fatal(err)
			}
			if parts--; parts == 0 {
				more = true
				break
			}
		}
		// What comes later is no part of the instant, though it joins other members.
		c.set(now.Add(time.Hour))
	}
	if want.Members == 0 {
		return
	}
	want.Was, want.Next = got.Was, got.Next
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("-whole +parts\n%s", diff)
	}
	c.set(now)
	if diff := gocmp.Diff(stands(t, points, was, now), got.Was, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("-is +was\n%s", diff)
	}
}

func TestWhatIfByPartsOnDatabases(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		histories := 0
		rapid.Check(t, func(rt *rapid.T) {
			if histories++; histories <= 5 {
				whatIfByParts(rt, db.Tenant(fmt.Sprint(histories)))
			}
		})
	})
}

// What happens after the instant of a comparison is no part of it, though it joins members that are
// compared already to others.
func TestWhatIfLeavesOutWhatComesLater(t *testing.T) {
	points, c := open(t, memory.New())
	id := func(n int) loyalty.AccountID {
		return loyalty.AccountID{Program: "club", Member: ids.Member(fmt.Sprint("m", n))}
	}
	for n := range 6 {
		must[loyalty.Outcome](t)(points.Earn(ctx, buy(id(n), 10_000, "order")))
	}
	p := must[*loyalty.Program](t)(points.Program(ctx, "club", 0))
	want := must[loyalty.Comparison](t)(points.Compared(ctx, p, loyalty.WhatIfQuery{}))
	points.Span(1)
	var got loyalty.Comparison
	for n := range 6 {
		for part, err := range points.WhatIf(ctx, p, loyalty.WhatIfQuery{After: got.Last, At: got.At, Workers: 1}) {
			if err != nil {
				t.Fatal(err)
			}
			if err := got.Add(part); err != nil {
				t.Fatal(err)
			}
			break
		}
		c.set(c.now().Add(time.Minute))
		must[loyalty.Outcome](t)(points.Transfer(ctx, loyalty.Transfer{Account: id(5), To: "m0", N: 1, Key: fmt.Sprint("later-", n)}))
	}
	if got.Is.Totals["points"] != want.Is.Totals["points"] || got.Commands != 6 || got.Is.Levels["member"] != 6 {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// VerifyProgram yields the heads in the order of members, wherever it is stopped, and names what is
// gone where it was.
func TestVerifyByParts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "points.db")
	file := dbtest.SQLiteFile(t, path)
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	histories := 0
	rapid.Check(t, func(t *rapid.T) {
		if histories++; histories > 20 {
			return
		}
		tenant := fmt.Sprint(histories)
		c := &clock{}
		points := loyalty.New(file.Tenant(tenant), &loyalty.Options{Now: c.now})
		if _, err := points.Publish(ctx, anyProgram(t)); err != nil {
			t.Fatal(err)
		}
		crowd(t, points, c, rapid.IntRange(0, 30).Draw(t, "commands"))
		kept, err := points.Verified(ctx, loyalty.VerifyQuery{Program: "club"})
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, h := range kept.Members {
			what := pick(t, "what", "", "", "the account", "all but bookings", "all")
			for _, query := range map[string][]string{
				"the account":      {"delete from loyalty_account where tenant = ? and member = ?"},
				"all but bookings": {"delete from loyalty_account where tenant = ? and member = ?", "delete from journal_entry where tenant = ? and subject = 'loyalty/club/' || ?"},
				"all": {
					"delete from loyalty_account where tenant = ? and member = ?", "delete from loyalty_booking where tenant = ? and member = ?",
					"delete from journal_entry where tenant = ? and subject = 'loyalty/club/' || ?",
				},
			}[what] {
				if _, err := db.Exec(query, tenant, string(h.Member)); err != nil {
					t.Fatal(err)
				}
			}
			if what != "" {
				want = append(want, string(h.Member)+" is tampered with")
			} else if points.Verify(ctx, loyalty.AccountID{Program: "club", Member: h.Member}, h) != nil {
				want = append(want, string(h.Member)+" is tampered with") // it was merged into one that is gone
			} else {
				want = append(want, fmt.Sprint(h.Member, h.Seq, h.Hash))
			}
		}
		points.Span(rapid.IntRange(1, 5).Draw(t, "span"))
		var got []string
		var after ids.Member
		for more := true; more; {
			q := since(kept)
			q.After, q.Workers = after, rapid.IntRange(1, 4).Draw(t, "workers")
			n := rapid.IntRange(1, 13).Draw(t, "heads")
			more = false
			for head, err := range points.VerifyProgram(ctx, q) {
				switch tampered := (*loyalty.TamperedError)(nil); {
				case errors.As(err, &tampered) && tampered.Account.Member == head.Member:
					got = append(got, string(head.Member)+" is tampered with")
				case err != nil:
					t.Fatal(err)
				default:
					got = append(got, fmt.Sprint(head.Member, head.Seq, head.Hash))
				}
				after = head.Member
				if n--; n == 0 {
					more = true
					break
				}
			}
		}
		if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("-want +got\n%s", diff)
		}
	})
}

// A command that comes in while a program is verified, or compared, is no mistake.
func TestVerifyWhileCommandsRun(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		points, _ := open(t, db)
		points.Span(2)
		p := must[*loyalty.Program](t)(points.Program(ctx, "club", 0))
		id := func(n int) loyalty.AccountID {
			return loyalty.AccountID{Program: "club", Member: ids.Member(fmt.Sprint("m", n%7))}
		}
		var left atomic.Int64
		left.Store(2)
		together(3, func(i int) {
			for n := 0; i < 2 && n < 50; n++ {
				if _, err := points.Earn(ctx, buy(id(n), 10_000, fmt.Sprintf("order-%d-%d", i, n))); err != nil {
					t.Error(err)
				}
				if _, err := points.Transfer(ctx, loyalty.Transfer{Account: id(n), To: id(n + 1).Member, N: 1, Key: fmt.Sprintf("gift-%d-%d", i, n)}); err != nil {
					t.Error(err)
				}
				if _, err := points.Refund(ctx, loyalty.Refund{Account: id(n), Of: fmt.Sprintf("order-%d-%d", i, n), Amount: 100, Key: fmt.Sprintf("back-%d-%d", i, n)}); err != nil {
					t.Error(err)
				}
			}
			if i < 2 {
				left.Add(-1)
				return
			}
			kept := loyalty.Heads{Terms: loyalty.Terms{Program: "club"}}
			for left.Load() > 0 {
				now, err := points.Verified(ctx, loyalty.VerifyQuery{Program: "club", Kept: kept.All(), Workers: 2})
				if err != nil && !errors.Is(err, journal.ErrConflict) {
					t.Error(err)
				}
				kept = now
				if _, err := points.Compared(ctx, p, loyalty.WhatIfQuery{Workers: 2}); err != nil {
					t.Error(err)
				}
			}
		})
		kept, err := points.Verified(ctx, loyalty.VerifyQuery{Program: "club", Workers: 3})
		if err != nil || len(kept.Members) != 7 {
			t.Error(kept, err)
		}
	})
}

// A sequence of heads that fails, or is in no order, ends the verification.
func TestHeadsThatAreNone(t *testing.T) {
	points, _ := open(t, memory.New())
	for n := range 5 {
		must[loyalty.Outcome](t)(points.Earn(ctx, buy(loyalty.AccountID{Program: "club", Member: ids.Member(fmt.Sprint("m", n))}, 10_000, "order")))
	}
	points.Span(2)
	heads := must[loyalty.Heads](t)(points.Verified(ctx, loyalty.VerifyQuery{Program: "club"}))
	fails := func(n int, failed error) iter.Seq2[loyalty.Head, error] {
		return func(yield func(loyalty.Head, error) bool) {
			for _, h := range heads.Members[:n] {
				if !yield(h, nil) {
					return
				}
			}
			yield(loyalty.Head{}, failed)
		}
	}
	swapped := slices.Clone(heads.Members)
	swapped[3], swapped[4] = swapped[4], swapped[3]
	for name, c := range map[string]struct {
		kept iter.Seq2[loyalty.Head, error]
		want string
	}{
		"that fails":    {fails(3, errLost), "loyalty: verify club: the database is lost"},
		"at once":       {fails(0, errLost), "loyalty: verify club: the database is lost"},
		"at its end":    {fails(5, errLost), "loyalty: verify club: the database is lost"},
		"in no order":   {loyalty.Heads{Members: swapped}.All(), "loyalty: verify club: kept: is not in the order of members"},
		"without names": {loyalty.Heads{Members: make([]loyalty.Head, 1)}.All(), "loyalty: verify club: kept: is not in the order of members"},
	} {
		var last error
		for _, err := range points.VerifyProgram(ctx, loyalty.VerifyQuery{Program: "club", Kept: c.kept}) {
			last = err
		}
		if last == nil || last.Error() != c.want {
			t.Errorf("%s: %v", name, last)
		}
	}
	for name, q := range map[string]loyalty.VerifyQuery{"no program": {}, "no member": {Program: "club", After: "\x00"}} {
		for head, err := range points.VerifyProgram(ctx, q) {
			if err == nil {
				t.Error(name, head)
			}
		}
	}
}

// A bound engine asks one connection alone, and sees what its unit of work has written.
func TestVerifyWithinATransaction(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		points, _ := open(t, db)
		points.Span(1)
		var once sync.Once
		must[loyalty.Outcome](t)(points.Earn(ctx, buy(bob, 10_000, "order")))
		err := db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
			bound := points.In(tx)
			if _, err := bound.Earn(ctx, buy(alice, 10_000, "order")); err != nil {
				return err
			}
			heads, err := bound.Verified(ctx, loyalty.VerifyQuery{Program: "club", Workers: 4})
			if err == nil && len(heads.Members) != 2 {
				t.Error(heads)
			}
			once.Do(func() {
				_, err = bound.Compared(ctx, must[*loyalty.Program](t)(bound.Program(ctx, "club", 0)), loyalty.WhatIfQuery{})
			})
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// However many members are gone, each is named once.
func TestVerifyOfManyWhoAreGone(t *testing.T) {
	points, _, db := tampering(t)
	must[sql.Result](t)(db.Exec(`with recursive n(i) as (select 1 union all select i + 1 from n where i < 2100)
		insert into loyalty_booking select tenant, printf('gone%04d', i), program, key, changes, state from loyalty_booking, n where member = 'bob'`))
	var got []string
	for head, err := range points.VerifyProgram(ctx, loyalty.VerifyQuery{Program: "club"}) {
		if errors.As(err, new(*loyalty.TamperedError)) {
			got = append(got, string(head.Member))
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 2100 || got[0] != "gone0001" || got[2099] != "gone2100" || !slices.IsSorted(got) {
		t.Errorf("%d members: %v", len(got), got)
	}
}

// What is held is a few spans, however large the program is and however many heads were kept.
func TestVerifyHoldsAFewSpans(t *testing.T) {
	points, _ := open(t, memory.New())
	for n := range 100 {
		must[loyalty.Outcome](t)(points.Earn(ctx, buy(loyalty.AccountID{Program: "club", Member: ids.Member(fmt.Sprintf("m%02d", n))}, 10_000, "order")))
	}
	kept := must[loyalty.Heads](t)(points.Verified(ctx, loyalty.VerifyQuery{Program: "club"}))
	points.Span(3)
	pulled := 0
	for _, err := range points.VerifyProgram(ctx, loyalty.VerifyQuery{Program: "club", Workers: 2, Kept: func(yield func(loyalty.Head, error) bool) {
		for _, h := range kept.Members {
			if pulled++; !yield(h, nil) {
				return
			}
		}
	}}) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	if pulled > 2*2*3+2 {
		t.Errorf("%d heads were read for the first account", pulled)
	}
}

// Accounts, entries and bookings of many members come in a few statements.
func TestVerifyAsksSeldom(t *testing.T) {
	db, tracer := dbtest.Traced(t)
	points, _ := open(t, db)
	together(200, func(n int) {
		if _, err := points.Earn(ctx, buy(loyalty.AccountID{Program: "club", Member: ids.Member(fmt.Sprint("m", n))}, 10_000, "order")); err != nil {
			t.Error(err)
		}
	})
	p := must[*loyalty.Program](t)(points.Program(ctx, "club", 0))
	for name, f := range map[string]func() error{
		"verify":  func() error { _, err := points.Verified(ctx, loyalty.VerifyQuery{Program: "club"}); return err },
		"what if": func() error { _, err := points.Compared(ctx, p, loyalty.WhatIfQuery{}); return err },
	} {
		if err := f(); err != nil { // which prepares the statements
			t.Fatal(err)
		}
		if sent := tracer.During(func() { _ = f() }); len(sent) > 20 {
			t.Errorf("%s: %d statements for 200 members: %s", name, len(sent), sent[:20])
		}
	}
}
