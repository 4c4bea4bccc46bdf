package loyalty_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// records returns all that a journal has.
func records(t *testing.T, db storage.DB) (all []journal.Record) {
	t.Helper()
	for r, err := range db.Journal().After(ctx, "", 0) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

func each(all []journal.Record) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// An archive in which an entry of a ledger was changed, left out or put elsewhere is named, at once
// or by the ledger that goes on from it; and so is a ledger that goes on from another one.
func TestArchiveNamesWhatever(t *testing.T) {
	points, file, _ := tampering(t)
	kept, err := points.Verified(ctx, loyalty.VerifyQuery{Program: "club"})
	if err != nil {
		t.Fatal(err)
	}
	all := records(t, file)
	strip(t, file)
	verify := func(all []journal.Record) error {
		a := loyalty.NewArchive(nil, kept)
		if err := a.Read(each(all)); err != nil {
			return err
		}
		for _, h := range kept.Members {
			if err := a.Verify(ctx, points, loyalty.AccountID{Program: "club", Member: h.Member}); err != nil {
				return err
			}
		}
		return nil
	}
	if err := verify(all); err != nil {
		t.Fatal(err)
	}
	tampered := 0
	for i, r := range all {
		if _, _, err := loyalty.Recorded(r.Entry); err != nil {
			continue // it is none of a ledger
		}
		tampered++
		for name, change := range map[string]func(e *journal.Entry){
			"another number":     func(e *journal.Entry) { e.Seq++ },
			"a lower number":     func(e *journal.Entry) { e.Seq-- },
			"another key":        func(e *journal.Entry) { e.Key += "x" },
			"another time":       func(e *journal.Entry) { e.At = e.At.Add(1000) },
			"another author":     func(e *journal.Entry) { e.By += "x" },
			"another input":      func(e *journal.Entry) { e.Input = []byte{1} },
			"another result":     func(e *journal.Entry) { e.Result = append(slices.Clone(e.Result), ' ') },
			"another link":       func(e *journal.Entry) { e.Before = nil },
			"another kind":       func(e *journal.Entry) { e.Kind = "loyalty.expire" },
			"the other's ledger": func(e *journal.Entry) { e.Subject = loyalty.AccountID{Program: "club", Member: "dave"}.Subject() },
		} {
			changed := slices.Clone(all)
			change(&changed[i].Entry)
			if err := verify(changed); !errors.As(err, new(*loyalty.TamperedError)) {
				t.Errorf("%s in entry %d of %s: %v", name, r.Seq, r.Subject, err)
			}
		}
		if !slices.ContainsFunc(all[i+1:], func(o journal.Record) bool { return o.Subject == r.Subject }) {
			continue // the journal has the newest as well
		}
		if err := verify(slices.Delete(slices.Clone(all), i, i+1)); !errors.As(err, new(*loyalty.TamperedError)) {
			t.Errorf("entry %d of %s is left out: %v", r.Seq, r.Subject, err)
		}
	}
	if tampered < 10 {
		t.Errorf("%d entries were changed", tampered)
	}
	only := loyalty.NewArchive(func(id loyalty.AccountID) bool { return id == alice }, kept)
	if err := only.Read(each(all)); err != nil {
		t.Fatal(err)
	}
	if _, ok := only.Head(bob); ok {
		t.Error("it has a head of an account that it is not of")
	}
	if err := only.Verify(ctx, points, alice); err != nil {
		t.Error(err)
	}
	if err := only.Verify(ctx, points, bob); !errors.As(err, new(*loyalty.TamperedError)) {
		t.Error("verified by an archive that has nothing of it:", err)
	}
	lost := errors.New("lost")
	broken := func(yield func(journal.Record, error) bool) { yield(journal.Record{}, lost) }
	if err := only.Read(broken); !errors.Is(err, lost) {
		t.Error(err)
	}
}

// Archives that overlap are read as if the second began where the first ends; and where both have the
// last entry of the first, but not as the same, it is named.
func TestArchivesOverlap(t *testing.T) {
	points, file, _ := tampering(t)
	all := records(t, file)
	strip(t, file)
	for from := range all {
		for to := from; to <= len(all); to++ {
			a := loyalty.NewArchive(nil)
			err := errors.Join(a.Read(each(all[:to])), a.Read(each(all[from:])))
			for _, id := range []loyalty.AccountID{alice, bob} {
				err = errors.Join(err, a.Verify(ctx, points, id))
			}
			if err != nil {
				t.Errorf("entries 0 to %d, and from %d on: %v", to, from, err)
			}
		}
	}
	changed := slices.Clone(all)
	for i := range changed {
		changed[i].By += "x"
	}
	a := loyalty.NewArchive(nil)
	if err := a.Read(each(all)); err != nil {
		t.Fatal(err)
	}
	if err := a.Read(each(changed)); !errors.As(err, new(*loyalty.TamperedError)) {
		t.Error(err)
	}
}

// The newest entry of an account that has no body is named, for nothing is left that the account
// could be compared with.
func TestNewestWithoutBody(t *testing.T) {
	points, file, db := tampering(t)
	archive := archived(t, file)
	if _, err := db.Exec("update journal_entry set result = '', before = ''"); err != nil {
		t.Fatal(err)
	}
	var found *loyalty.TamperedError
	if err := points.Verify(ctx, alice); !errors.As(err, &found) {
		t.Error(err)
	}
	if err := archive.Verify(ctx, points, alice); !errors.As(err, &found) {
		t.Error(err)
	}
}

// What runs through all that happened says that it is archived.
func TestHistoryIsArchived(t *testing.T) {
	points, file, _ := tampering(t)
	p, err := points.Program(ctx, "club", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := points.Compared(ctx, p, loyalty.WhatIfQuery{}); err != nil {
		t.Fatal(err)
	}
	strip(t, file)
	if _, err := points.Compared(ctx, p, loyalty.WhatIfQuery{}); !errors.Is(err, journal.ErrArchived) {
		t.Error(err)
	}
	if out, err := points.Redeem(ctx, loyalty.Redeem{Account: alice, N: 200, Reason: "cup", Key: "cup"}); !errors.Is(err, journal.ErrArchived) {
		t.Error(out, err)
	}
	if out, err := points.Refund(ctx, loyalty.Refund{Account: alice, Of: "order-1", Amount: 10_000, Key: "again"}); err != nil || len(out.Moves) == 0 {
		t.Error("a purchase whose entry is archived:", out, err)
	}
}

// A booking whose entry was deleted may be deleted too, and no other.
func TestForget(t *testing.T) {
	points, file, db := tampering(t)
	archive := archived(t, file)
	all := records(t, file)
	var at []journal.Cursor
	for _, r := range all {
		if r.Archived() {
			at = append(at, r.Cursor)
		}
	}
	gone, err := file.Journal().Prune(ctx, at)
	if err != nil || len(gone) < 5 {
		t.Fatal(gone, err)
	}
	verify := func(want bool) {
		t.Helper()
		for _, id := range []loyalty.AccountID{alice, bob, {Program: "club", Member: "carol"}} {
			for name, err := range map[string]error{"alone": points.Verify(ctx, id), "with the archive": archive.Verify(ctx, points, id)} {
				if want && err != nil {
					t.Errorf("%s, %s: %v", id.Member, name, err)
				}
				if !want && id == alice && err == nil {
					t.Errorf("%s, %s: it verifies", id.Member, name)
				}
			}
		}
	}
	bookings := func() (n int) {
		t.Helper()
		if err := db.QueryRow("select count(*) from loyalty_booking").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	verify(true)
	before := bookings()
	for range 2 {
		if err := points.Forget(ctx, append(gone, journal.Entry{Subject: "stamps/club/alice", Key: "order-2"})); err != nil {
			t.Fatal(err)
		}
	}
	if n := bookings(); n >= before {
		t.Errorf("%d bookings are left of %d", n, before)
	}
	verify(true)
	if out, err := points.Refund(ctx, loyalty.Refund{Account: alice, Of: "order-1", Amount: 1_000, Key: "late"}); !errors.Is(err, loyalty.ErrUnknownBooking) {
		t.Error(out, err)
	}
	if _, err := points.Return(ctx, loyalty.Return{Account: alice, Of: "cup", N: 10, Key: "more"}); !errors.Is(err, loyalty.ErrUnknownBooking) {
		t.Error(err)
	}
	if _, err := points.Earn(ctx, buy(alice, 10_000, "order-9")); err != nil {
		t.Fatal(err)
	}
	verify(true)
	if _, err := db.Exec("delete from loyalty_booking where key = 'order-9'"); err != nil {
		t.Fatal(err)
	}
	verify(false)
}

// A key whose entry was deleted is as good as new, whether its booking was deleted, is to be deleted
// or never is; and what is run with it again keeps its booking.
func TestDeletedKeysAreUsedAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db dbtest.DB) {
		points, _ := open(t, db)
		for _, key := range []string{"order-1", "order-2", "order-3", "order-4", "order-5"} {
			if _, err := points.Earn(ctx, buy(alice, 10_000, key)); err != nil {
				t.Fatal(err)
			}
		}
		strip(t, db)
		var at []journal.Cursor
		for _, r := range records(t, db) {
			if r.Archived() {
				at = append(at, r.Cursor)
			}
		}
		gone, err := db.Journal().Prune(ctx, at)
		if err != nil || len(gone) != 3 {
			t.Fatal(gone, err)
		}
		again := func(key string) {
			t.Helper()
			if out, err := points.Earn(ctx, buy(alice, 20_000, key)); err != nil || out.Replayed {
				t.Fatal(out, err)
			}
		}
		again("order-1")
		for range 2 {
			if err := points.Forget(ctx, gone); err != nil {
				t.Fatal(err)
			}
			if err := points.Forget(ctx, gone[:0]); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
			_, err := points.In(tx).Earn(ctx, buy(alice, 20_000, "order-2"))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"order-1", "order-2", "order-5"} {
			if _, err := points.Refund(ctx, loyalty.Refund{Account: alice, Of: key, Amount: 1_000, Key: "refund-" + key}); err != nil {
				t.Errorf("%s: %v", key, err)
			}
		}
		if _, err := points.Refund(ctx, loyalty.Refund{Account: alice, Of: "order-3", Amount: 1_000, Key: "late"}); !errors.Is(err, loyalty.ErrUnknownBooking) {
			t.Error(err)
		}
		if err := points.Verify(ctx, alice); err != nil {
			t.Error(err)
		}
	})
}
