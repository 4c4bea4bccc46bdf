package loyalty_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage"
)

// reported wants the views to have at an instant what the accounts, as they are stored, have then.
func reported(t *rapid.T, r dbtest.Report, db storage.Tx, at time.Time, accounts ...loyalty.Account) {
	var balances, lots, tiers []dbtest.Row
	repaid := int64(0)
	for _, a := range accounts {
		row := func(more dbtest.Row) dbtest.Row {
			more["member"], more["program"] = a.ID.Member, a.ID.Program
			return more
		}
		for _, h := range a.Holdings {
			now := latest(at, a.At)
			w, m := h.Wallet.Expire(now)
			lot := func(state string, l loyalty.Lot, hold string, until time.Time) {
				lots = append(lots, row(dbtest.Row{
					"currency": h.Currency, "state": state, "points": l.N, "available_from": l.From, "expires_at": l.To, "hold": hold, "held_until": until,
				}))
			}
			for _, l := range w.Lots {
				state := "available"
				if l.From.After(now) {
					state = "pending"
				}
				lot(state, l, "", time.Time{})
			}
			for _, o := range w.Holds {
				for _, l := range o.Lots {
					lot("held", l, o.Name, o.Until)
				}
			}
			for _, l := range m.Lapsed {
				l.From = time.Time{}
				lot("expired", l, "", time.Time{})
			}
			repaid += m.Repaid
			b, next := w.Balance(now), loyalty.Lot{}
			for i, l := range w.Expiring(now) {
				if i == 0 || l.To.Equal(next.To) {
					next.To, next.N = l.To, next.N+l.N
				}
			}
			balances = append(balances, row(dbtest.Row{
				"currency": h.Currency, "available": b.Available, "pending": b.Pending, "held": b.Held, "debt": b.Debt,
				"next_expires_at": next.To, "next_expiring": next.N, "issued": h.Totals.Issued, "redeemed": h.Totals.Redeemed,
				"expired": h.Totals.Expired + loyalty.Sum(m.Lapsed), "revoked": h.Totals.Revoked, "received": h.Totals.Received, "sent": h.Totals.Sent,
				"joined_at": a.Joined, "active_at": a.Active, "tier_due_at": a.Turns, "merged_into": a.Merged,
			}))
		}
		if s := a.Status; s.Level != "" && a.Merged == "" {
			tiers = append(tiers, row(dbtest.Row{
				"tier": s.Level, "since": s.Since, "valid_until": s.Until, "by_hand": s.Hand, "due_at": a.Turns, "joined_at": a.Joined,
			}))
		}
	}
	dbtest.Same(t, fmt.Sprint("balances at ", at), balances, r.Rows(t, "report_balance", db, at))
	dbtest.Same(t, fmt.Sprint("tiers at ", at), tiers, r.Rows(t, "report_tier", db, at))
	got := r.Rows(t, "report_lot", db, at)
	for _, row := range got {
		n, _ := row["repaid"].(int64)
		repaid -= n
		delete(row, "repaid")
	}
	got = slices.DeleteFunc(got, func(row dbtest.Row) bool { return row["state"] == "repaid" })
	dbtest.Same(t, fmt.Sprint("lots at ", at), joined(lots), joined(got))
	if repaid != 0 {
		t.Fatalf("the lots at %s have repaid %d less than the debts went down", at, repaid)
	}
}

// joined makes one row of those that differ in their points alone.
func joined(lots []dbtest.Row) (all []dbtest.Row) {
	sums := map[string]int64{}
	for _, row := range lots {
		n := row["points"].(int64)
		delete(row, "points")
		key := fmt.Sprint(row)
		if sums[key] += n; sums[key] == n {
			all = append(all, row)
		}
	}
	for _, row := range all {
		row["points"] = sums[fmt.Sprint(row)]
	}
	return all
}

// At any instant after any history the views have what Current answers then: balances, lots and
// tier, but for what time has done to the tier, which they have once it is posted.
func TestReports(t *testing.T) {
	dbtest.Reports(t, func(t *testing.T, r dbtest.Report) {
		histories, exact := 0, 0
		rapid.Check(t, func(t *rapid.T) {
			histories++
			db, c := r.Tenant(fmt.Sprint(histories)), &clock{}
			points := loyalty.New(db, &loyalty.Options{Now: c.now})
			if _, err := points.Publish(ctx, anyProgram(t)); err != nil {
				t.Fatal(err)
			}
			now := noon
			ends := []time.Time{noon}
			for i := range rapid.IntRange(1, 12).Draw(t, "commands") {
				now = now.AddDate(0, 0, rapid.IntRange(0, 6).Draw(t, "days")).Add(time.Duration(rapid.IntRange(0, 2).Draw(t, "microseconds")) * time.Microsecond)
				c.set(now)
				out, _ := run(points, anyCommand(t, i, now))
				for _, m := range out.Moves {
					for _, l := range slices.Concat(m.Credited, m.Held) {
						ends = append(ends, l.To, l.From)
					}
				}
			}
			for range 3 {
				at := now.Add(time.Duration(rapid.IntRange(-30*24, 60*24).Draw(t, "hours")) * time.Hour)
				if end := pick(t, "end", ends...); maybe(t, "on an end") && !end.IsZero() {
					at = end.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "beside")) * time.Microsecond)
				}
				c.set(at)
				var stored []loyalty.Account
				for _, id := range []loyalty.AccountID{alice, bob} {
					a, err := points.Account(ctx, id)
					if errors.Is(err, loyalty.ErrUnknownAccount) {
						continue
					}
					current, err2 := points.Current(ctx, id)
					if err != nil || err2 != nil {
						t.Fatal(err, err2)
					}
					if stored = append(stored, a); a.Turns.IsZero() || at.Before(a.Turns) {
						exact++
						same(t, a, current, at)
					}
				}
				reported(t, r, db, at, stored...)
			}
		})
		if exact < histories {
			t.Errorf("the tier was the same at %d of %d instants", exact, 3*histories)
		}
	})
}

// same wants an account whose tier is the same to be at an instant what is stored, as time has
// left its points. What the ends of lots count from may be told otherwise, as of those that have none
// at this level and are past it at all others.
func same(t *rapid.T, stored, current loyalty.Account, at time.Time) {
	if stored.Merged == "" && stored.Status != current.Status {
		t.Fatalf("at %s the status is %+v, and is stored as %+v", at, current.Status, stored.Status)
	}
	for _, h := range stored.Holdings {
		w, _ := h.Wallet.Expire(latest(at, stored.At))
		is := current.Wallet(h.Currency)
		if diff := gocmp.Diff([]any{pooled(w.Lots), pooledHolds(w.Holds), w.Debt}, []any{pooled(is.Lots), pooledHolds(is.Holds), is.Debt}); diff != "" {
			t.Fatalf("at %s (-stored +current)\n%s", at, diff)
		}
	}
}

// pooled returns the points that begin and end together.
func pooled(lots []loyalty.Lot) map[loyalty.Lot]int64 {
	sums := map[loyalty.Lot]int64{}
	for _, l := range lots {
		sums[loyalty.Lot{From: l.From, To: l.To}] += l.N
	}
	return sums
}

func pooledHolds(holds []loyalty.Hold) (all []any) {
	for _, h := range holds {
		all = append(all, h.Name, h.Until, pooled(h.Lots))
	}
	return all
}

// owe makes the wallet one that owes, with points that are pending or held.
func (h *history) owe() {
	h.w = loyalty.Wallet{At: h.now, Debt: 1 + h.upTo(60, "debt")}
	later := func(label string) time.Time { return h.now.AddDate(0, 0, 1+int(h.upTo(6, label))) }
	lot := func(from time.Time) loyalty.Lot {
		return loyalty.Lot{From: from, To: latest(from, h.now).AddDate(0, 0, 1+int(h.upTo(6, "ends"))), N: 1 + h.upTo(20, "points")}
	}
	for range h.upTo(4, "lots") {
		h.w.Lots = append(h.w.Lots, lot(later("begins")))
	}
	for i := range h.upTo(3, "holds") {
		h.w.Holds = append(h.w.Holds, loyalty.Hold{Name: fmt.Sprint(i), Until: later("until"), Lots: []loyalty.Lot{lot(time.Time{})}})
	}
}

// At any instant the views have what wallets of any history hold then: debts too, which points that
// begin or come back from holds have repaid, in the order in which they came.
func TestReportsOfWallets(t *testing.T) {
	dbtest.Reports(t, func(t *testing.T, r dbtest.Report) {
		checks := 0
		rapid.Check(t, func(t *rapid.T) {
			checks++
			db := r.Tenant(fmt.Sprint(checks))
			var accounts []loyalty.Account
			last := day(1)
			for i := range rapid.IntRange(1, 10).Draw(t, "members") {
				h := &history{T: t, now: day(1)}
				if maybe(t, "owing") {
					h.owe()
				} else {
					for range rapid.IntRange(1, 30).Draw(t, "calls") {
						if w, _, err := h.call(); err == nil {
							h.w = w
						}
					}
				}
				last = latest(last, h.now)
				accounts = append(accounts, loyalty.Account{
					ID: loyalty.AccountID{Program: "club", Member: ids.Member(fmt.Sprint("m", i))}, Version: 1, Joined: day(1), At: h.now,
					Holdings: []loyalty.Holding{{Currency: "points", Wallet: h.w}},
				})
			}
			if err := loyalty.SaveAccounts(ctx, db, accounts); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				reported(t, r, db, last.Add(time.Duration(rapid.IntRange(-3*24, 12*24).Draw(t, "hours"))*time.Hour), accounts...)
			}
		})
	})
}

// The views say what is so now.
func TestReportsAreOfNow(t *testing.T) {
	dbtest.Reports(t, func(t *testing.T, r dbtest.Report) {
		now := time.Now().UTC().Truncate(time.Microsecond)
		a := loyalty.Account{ID: alice, Version: 1, Joined: now.AddDate(-1, 0, 0), At: now.AddDate(0, 0, -9), Holdings: []loyalty.Holding{{
			Currency: "points", Wallet: loyalty.Wallet{At: now.AddDate(0, 0, -9), Lots: []loyalty.Lot{
				{To: now.Add(-time.Hour), N: 1}, {To: now.Add(time.Hour), N: 2}, {From: now.Add(-time.Hour), N: 4}, {From: now.Add(time.Hour), N: 8},
			}},
		}}}
		if err := loyalty.SaveAccounts(ctx, r, []loyalty.Account{a}); err != nil {
			t.Fatal(err)
		}
		dbtest.Same(t, "balances", []dbtest.Row{{
			"member": "alice", "program": "club", "currency": "points", "available": 6, "pending": 8, "next_expires_at": now.Add(time.Hour), "next_expiring": 2,
			"expired": 1, "joined_at": a.Joined,
		}}, r.Rows(t, "report_balance", r, time.Time{}))
	})
}
