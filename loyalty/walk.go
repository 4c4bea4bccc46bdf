package loyalty

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"slices"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// bookedAt is what the last entry that wrote a booking says of it.
type bookedAt struct {
	ledger AccountID // that the entry is of
	seq    int64
	hash   []byte // nil: the entry may have written one, and does not seal it
}

// A walk is what a ledger says, from its newest entry to the first.
type walk struct {
	found    *TamperedError   // the first entry that is wrong
	hashes   map[int64][]byte // by the numbers of entries
	archived int64            // number of the newest entry whose body is in an archive; 0: none is
	deleted  bool             // entries before that are gone
	keys     map[string]bool  // of all entries
	terms    map[int64]terms  // by the entries
	bookings map[bookingKey]bookedAt
}

// gone reports whether an entry can't be compared, as it is in an archive.
func (w *walk) gone(seq int64) bool {
	return seq <= w.archived && w.hashes[seq] == nil
}

// verify checks a ledger by itself, and the account by its last entry.
func verify(a Account, entries iter.Seq2[journal.Entry, error]) error {
	var w walk
	if err := w.walk(a, entries); err != nil {
		return err
	}
	if w.found != nil {
		return w.found
	}
	return nil
}

// walk walks from the newest entry to the first. The hash of each is in the one after it, that of
// the newest in the account.
func (w *walk) walk(a Account, entries iter.Seq2[journal.Entry, error]) error {
	w.hashes, w.terms, w.bookings, w.keys = map[int64][]byte{}, map[int64]terms{}, map[bookingKey]bookedAt{}, map[string]bool{}
	next, known := link{Seq: a.Seq, Hash: a.Hash}, true
	totals := map[ids.Currency]Totals{}
	fail := func(seq int64, reason string) { w.found = &TamperedError{a.ID, seq, reason} }
	for entry, err := range entries {
		switch {
		case err != nil:
			return fmt.Errorf("loyalty: verify %s: %w", a.ID.Member, err)
		case entry.Seq > a.Seq:
			fail(entry.Seq, "follows the last one that the account knows")
			continue
		}
		for ; next.Seq > entry.Seq; next.Seq-- {
			known = false
			if w.archived > 0 {
				w.deleted = true
			} else {
				fail(next.Seq, "is missing")
			}
		}
		wrote := func(id AccountID, key string, hash []byte) {
			if _, newer := w.bookings[bookingKey{id, key}]; !newer {
				w.bookings[bookingKey{id, key}] = bookedAt{a.ID, entry.Seq, hash}
			}
		}
		w.keys[entry.Key] = true
		if entry.Archived() {
			if entry.Seq == a.Seq {
				fail(entry.Seq, "has no body, which the newest entry of an account never loses")
			}
			if known {
				w.hashes[entry.Seq] = next.Hash
			}
			wrote(a.ID, entry.Key, nil)
			next, known, w.archived = link{Seq: entry.Seq - 1}, false, max(w.archived, entry.Seq)
			continue
		}
		hash := digest(entry)
		if known && !bytes.Equal(hash, next.Hash) {
			fail(entry.Seq, "was changed")
		}
		w.hashes[entry.Seq] = hash
		next, known = link{}, true
		if len(entry.Before) > 0 {
			if err := json.Unmarshal(entry.Before, &next); err != nil {
				fail(entry.Seq, "can't be read")
			}
		}
		if next.State == nil { // it seals the entry before it, and no more
			wrote(a.ID, entry.Key, nil)
		} else {
			w.terms[entry.Seq] = next.Terms
			if entry.Seq == a.Seq && !bytes.Equal(next.State, a.digest()) {
				fail(entry.Seq, "did not leave the account as it is")
			}
			if b := next.Booking; b != nil {
				wrote(AccountID{a.ID.Program, b.Member}, b.Key, b.Hash)
			}
		}
		if next.Seq != entry.Seq-1 {
			fail(entry.Seq, "does not follow the one before it")
			next, known = link{Seq: entry.Seq - 1}, false
		}
		var out Outcome
		if err := json.Unmarshal(entry.Result, &out); err != nil {
			fail(entry.Seq, "can't be read")
			continue
		}
		for _, m := range out.Moves {
			if err := m.Totals.addTo(totals, m.Currency); err != nil {
				fail(entry.Seq, "moves more than the books hold")
			}
		}
	}
	switch {
	case next.Seq == 0:
	case w.archived > 0:
		w.deleted = true
	default:
		fail(1, "is missing")
	}
	if w.found != nil {
		return nil
	}
	for _, h := range a.Holdings {
		if totals[h.Currency] != h.Totals && w.archived == 0 || h.Totals.Outstanding() != h.Wallet.Total() {
			fail(a.Seq, "the sums of the entries are not the account's")
		}
		delete(totals, h.Currency)
	}
	if left := sorted(totals); w.archived == 0 && slices.ContainsFunc(left, func(id ids.Currency) bool { return totals[id] != Totals{} }) {
		fail(a.Seq, "the sums of the entries are not the account's")
	}
	return nil
}
