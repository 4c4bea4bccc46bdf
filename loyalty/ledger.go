package loyalty

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"slices"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// A link is what an entry of the ledger holds of the one before.
type link struct {
	Seq  int64  `json:"seq"`
	Hash []byte `json:"hash"`
}

// digest returns the SHA-256 of all that an entry says, each field with its length before it.
func digest(e journal.Entry) []byte {
	b := make([]byte, 0, 256+len(e.Subject)+len(e.Key)+len(e.By)+len(e.Before)+len(e.Result))
	text := func(s string) { b = append(binary.BigEndian.AppendUint64(b, uint64(len(s))), s...) }
	bytes := func(s []byte) { b = append(binary.BigEndian.AppendUint64(b, uint64(len(s))), s...) }
	number := func(n int64) { b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, 8), uint64(n)) }
	text(e.Subject)
	number(e.Seq)
	text(e.Key)
	text(e.Kind)
	number(e.At.UnixMicro())
	text(e.By)
	bytes(e.Input)
	bytes(e.Before)
	bytes(e.Result)
	sum := sha256.Sum256(b)
	return sum[:]
}

// A TamperedError is a ledger that is not as it was written. Seq is the first entry that is another one, or is missing.
type TamperedError struct {
	Account AccountID
	Seq     int64
	Reason  string
}

func (e *TamperedError) Error() string {
	return fmt.Sprintf("loyalty: ledger of %s in %s, entry %d: %s", e.Account.Member, e.Account.Program, e.Seq, e.Reason)
}

// Verify checks the ledger of an account: that its entries are numbered from 1 without a gap, that each is as it was
// written, and that their sums are the account's. *TamperedError: it is not. It finds what was changed, taken out or put
// in below the account's own row; who can write that row as well can write another history.
//
// It reads the whole ledger. A command that comes in between is no error.
func (e *Engine) Verify(ctx context.Context, id AccountID) (err error) {
	ctx, end := e.hook(ctx, "loyalty.verify")
	defer func() { end(err) }()
	a, err := e.Account(ctx, id)
	if err != nil {
		return err
	}
	return verify(a, e.store.Ledger(ctx, id))
}

// verify walks from the newest entry to the first. The hash of each is in the one after it, that of the newest in the
// account.
func verify(a Account, entries iter.Seq2[journal.Entry, error]) error {
	next, known := link{a.Seq, a.Hash}, true
	totals := map[CurrencyID]Totals{}
	var found *TamperedError
	fail := func(seq int64, reason string) { found = &TamperedError{a.ID, seq, reason} }
	for entry, err := range entries {
		switch {
		case err != nil:
			return fmt.Errorf("loyalty: verify %s: %w", a.ID.Member, err)
		case entry.Seq > a.Seq:
			continue // came after the account was read
		}
		for ; next.Seq > entry.Seq; next.Seq-- {
			fail(next.Seq, "is missing")
			known = false
		}
		if known && !bytes.Equal(digest(entry), next.Hash) {
			fail(entry.Seq, "was changed")
		}
		next, known = link{}, true
		if entry.Before != nil {
			if err := json.Unmarshal(entry.Before, &next); err != nil {
				fail(entry.Seq, "can't be read")
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
			totals[m.Currency] = totals[m.Currency].Plus(m.Totals)
		}
	}
	if next.Seq > 0 {
		fail(1, "is missing")
	}
	if found != nil {
		return found
	}
	for _, h := range a.Holdings {
		if totals[h.Currency] != h.Totals || h.Totals.Outstanding() != h.Wallet.Total() {
			return &TamperedError{a.ID, a.Seq, "the sums of the entries are not the account's"}
		}
		delete(totals, h.Currency)
	}
	if left := sorted(totals); slices.ContainsFunc(left, func(id CurrencyID) bool { return totals[id] != Totals{} }) {
		return &TamperedError{a.ID, a.Seq, "the sums of the entries are not the account's"}
	}
	return nil
}
