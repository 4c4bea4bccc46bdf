package loyalty

import (
	"bytes"
	"crypto/sha256"
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

// decidedBy is the terms that decided entries which follow one another, of which seq is the first.
type decidedBy struct {
	terms
	seq int64
}

// A walk is what a ledger says, from its newest entry to the first. The hash of each entry is in
// the one after it, that of the newest in the account.
type walk struct {
	account  Account
	found    *TamperedError   // the first entry that is wrong
	hashes   map[int64][]byte // by the numbers of the entries at which heads were kept; nil: not known
	archived int64            // number of the newest entry whose body is in an archive; 0: none is
	deleted  bool             // entries before that are gone
	keys     map[string]bool  // of all entries
	terms    []decidedBy      // the newest first
	bookings map[bookingKey]bookedAt

	doubted bool // a booking is not as the ledger says, or it came in between

	next    link // what the entry seals that comes next
	known   bool // next has its hash
	posted  []posted
	totals  map[ids.Currency]Totals
	scratch fields
}

// verify checks a ledger by itself, and the account by its last entry.
func verify(a Account, entries iter.Seq2[journal.Entry, error]) error {
	var w walk
	if err := w.walk(a, nil, entries); err != nil {
		return err
	}
	if w.found != nil {
		return w.found
	}
	return nil
}

// walk walks through all entries, the newest first.
func (w *walk) walk(a Account, kept []Head, entries iter.Seq2[journal.Entry, error]) error {
	w.begin(a, kept)
	for entry, err := range entries {
		if err != nil {
			return fmt.Errorf("loyalty: verify %s: %w", a.ID.Member, err)
		}
		w.take(entry)
	}
	w.end()
	return nil
}

func (w *walk) begin(a Account, kept []Head) {
	size := min(a.Seq, 10_000)
	*w = walk{
		account: a, next: link{Seq: a.Seq, Hash: a.Hash}, known: true, hashes: map[int64][]byte{}, keys: make(map[string]bool, size),
		bookings: make(map[bookingKey]bookedAt, size), totals: map[ids.Currency]Totals{}, scratch: w.scratch,
	}
	for _, h := range kept {
		w.hashes[h.Seq] = nil
	}
}

func (w *walk) fail(seq int64, reason string) { w.found = &TamperedError{w.account.ID, seq, reason} }

// gone reports whether an entry can't be compared, as it is in an archive.
func (w *walk) gone(seq int64) bool { return seq <= w.archived && w.hashes[seq] == nil }

// hash notes the hash of an entry, where a head was kept at it.
func (w *walk) hash(seq int64, hash []byte) {
	if _, asked := w.hashes[seq]; asked {
		w.hashes[seq] = bytes.Clone(hash)
	}
}

// wrote notes a booking as an entry left it, where no newer one wrote it.
func (w *walk) wrote(member ids.Member, key string, seq int64, hash []byte) {
	of := bookingKey{AccountID{w.account.ID.Program, member}, key}
	if _, newer := w.bookings[of]; !newer {
		w.bookings[of] = bookedAt{w.account.ID, seq, hash}
	}
}

// take walks to the next entry.
func (w *walk) take(entry journal.Entry) {
	a := &w.account
	if entry.Seq > a.Seq {
		w.fail(entry.Seq, "follows the last one that the account knows")
		return
	}
	for ; w.next.Seq > entry.Seq; w.next.Seq-- {
		w.known = false
		if w.archived > 0 {
			w.deleted = true
		} else {
			w.fail(w.next.Seq, "is missing")
		}
	}
	w.keys[entry.Key] = true
	if entry.Archived() {
		if entry.Seq == a.Seq {
			w.fail(entry.Seq, "has no body, which the newest entry of an account never loses")
		}
		if w.known {
			w.hash(entry.Seq, w.next.Hash)
		}
		w.wrote(a.ID.Member, entry.Key, entry.Seq, nil)
		w.next, w.known, w.archived = link{Seq: entry.Seq - 1}, false, max(w.archived, entry.Seq)
		return
	}
	w.scratch = w.scratch[:0]
	w.scratch.entry(entry)
	hash := sha256.Sum256(w.scratch)
	if w.known && !bytes.Equal(hash[:], w.next.Hash) {
		w.fail(entry.Seq, "was changed")
	}
	w.hash(entry.Seq, hash[:])
	sealed := w.known
	w.next, w.known = link{}, true
	if len(entry.Before) > 0 {
		var err error
		if w.next, err = linkOf(entry.Before, a.ID.Member); err != nil {
			w.fail(entry.Seq, "can't be read")
		}
	}
	if w.next.State == nil { // it seals the entry before it, and no more
		w.wrote(a.ID.Member, entry.Key, entry.Seq, nil)
	} else {
		w.decided(entry.Seq, w.next.Terms)
		if entry.Seq == a.Seq && !bytes.Equal(w.next.State, a.digest()) {
			w.fail(entry.Seq, "did not leave the account as it is")
		}
		if b := w.next.Booking; b != nil {
			w.wrote(b.Member, b.Key, entry.Seq, b.Hash)
		}
	}
	if w.next.Seq != entry.Seq-1 {
		w.fail(entry.Seq, "does not follow the one before it")
		w.next, w.known = link{Seq: entry.Seq - 1}, false
	}
	w.post(entry, sealed)
}

// decided notes the terms that decided an entry.
func (w *walk) decided(seq int64, by terms) {
	if n := len(w.terms); n > 0 && w.terms[n-1].Version == by.Version && bytes.Equal(w.terms[n-1].Hash, by.Hash) {
		w.terms[n-1].seq = seq
		return
	}
	w.terms = append(w.terms, decidedBy{by, seq})
}

// post adds what an entry moved. Of one that a hash seals it is enough to read that.
func (w *walk) post(entry journal.Entry, sealed bool) {
	fits := false
	if sealed {
		w.posted, fits = postedBy(w.posted[:0], entry.Result, w.currency)
	}
	if !fits {
		var out Outcome
		if err := json.Unmarshal(entry.Result, &out); err != nil {
			w.fail(entry.Seq, "can't be read")
			return
		}
		w.posted = w.posted[:0]
		for _, m := range out.Moves {
			w.posted = append(w.posted, posted{m.Currency, m.Totals})
		}
	}
	for _, p := range w.posted {
		if err := p.totals.addTo(w.totals, p.currency); err != nil {
			w.fail(entry.Seq, "moves more than the books hold")
		}
	}
}

// currency returns the id of that text.
func (w *walk) currency(text []byte) ids.Currency {
	for _, h := range w.account.Holdings {
		if string(h.Currency) == string(text) {
			return h.Currency
		}
	}
	return ids.Currency(text)
}

// end compares what all entries did with the account.
func (w *walk) end() {
	a := &w.account
	switch {
	case w.next.Seq == 0:
	case w.archived > 0:
		w.deleted = true
	default:
		w.fail(1, "is missing")
	}
	if w.found != nil {
		return
	}
	for _, h := range a.Holdings {
		if w.totals[h.Currency] != h.Totals && w.archived == 0 || h.Totals.Outstanding() != h.Wallet.Total() {
			w.fail(a.Seq, "the sums of the entries are not the account's")
		}
		delete(w.totals, h.Currency)
	}
	if left := sorted(w.totals); w.archived == 0 && slices.ContainsFunc(left, func(id ids.Currency) bool { return w.totals[id] != Totals{} }) {
		w.fail(a.Seq, "the sums of the entries are not the account's")
	}
}

// kept compares the ledger with heads of the account that were kept.
func (w *walk) kept(heads []Head) error {
	id := w.account.ID
	for _, h := range heads {
		if h.Member == id.Member && !w.gone(h.Seq) && !bytes.Equal(w.hashes[h.Seq], h.Hash) {
			return &TamperedError{id, min(h.Seq, w.account.Seq+1), fmt.Sprintf("is not in the history whose head was kept at entry %d", h.Seq)}
		}
	}
	return nil
}

// booking compares a booking of the account with what the ledgers say of it, once each. Where they
// do not say all, one whose entry is deleted may be there, too.
func (w *walk) booking(key string, hash []byte, all bool) error {
	id := w.account.ID
	of := bookingKey{id, key}
	b, known := w.bookings[of]
	switch {
	case !known && !all && w.deleted:
		return nil
	case !known:
		return &TamperedError{id, w.account.Seq, "no entry wrote the booking " + key}
	case b.hash != nil && !bytes.Equal(b.hash, hash):
		return &TamperedError{id, b.seq, "the booking " + key + " is not as it was written"}
	}
	delete(w.bookings, of)
	return nil
}

// unbooked returns an error for the first booking that the ledgers tell of and that is not there.
// One whose entry is deleted may be deleted, too.
func (w *walk) unbooked() error {
	var first *TamperedError
	for of, b := range w.bookings {
		missing := of.account == w.account.ID && b.hash != nil && (w.keys[of.key] || !w.deleted)
		if missing && (first == nil || b.seq < first.Seq) {
			first = &TamperedError{of.account, b.seq, "the booking " + of.key + " is missing"}
		}
	}
	if first != nil {
		return first
	}
	return nil
}
