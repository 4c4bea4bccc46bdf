package loyalty

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A TamperedError reports that what is stored of an account, or of a program, is not what was
// written. Seq is the first entry of the ledger that is another one or is missing, or that left
// behind what is another one now. Account.Member is "" and Seq is 0 where it is the program.
type TamperedError struct {
	Account AccountID // account that was changed
	Seq     int64     // entry of its ledger
	Reason  string    // what does not fit
}

// Error implements error.
func (e *TamperedError) Error() string {
	if e.Account.Member == "" {
		return fmt.Sprintf("loyalty: program %s: %s", e.Account.Program, e.Reason)
	}
	return fmt.Sprintf("loyalty: ledger of %s in %s, entry %d: %s", e.Account.Member, e.Account.Program, e.Seq, e.Reason)
}

// Is reports whether target is errs.Internal.
func (e *TamperedError) Is(target error) bool { return target == errs.Internal }

// A Head is where the ledger of an account ended at some time. Whoever keeps it outside of the
// database finds by it what nobody can find inside: that a ledger was cut off or written anew, or
// that an account is gone with all that it had.
type Head struct {
	Member ids.Member `json:"member"` // member of the account
	Seq    int64      `json:"seq"`    // number of the last entry
	Hash   []byte     `json:"hash"`   // of the entry, which seals all before it
}

// Heads are those of all accounts of a program, and the digest of its versions.
type Heads struct {
	Program ids.Program `json:"program"` // program of the accounts
	Version int         `json:"version"` // in force
	Terms   []byte      `json:"terms"`   // digest of all versions up to it
	Members []Head      `json:"members"` // in the order that the database gives them
}

// Digest returns the SHA-256 of all of it: a few bytes to keep where the heads themselves can't be
// trusted to stay.
func (h Heads) Digest() []byte {
	var f fields
	f.text(string(h.Program))
	f.number(int64(h.Version))
	f.bytes(h.Terms)
	f.number(int64(len(h.Members)))
	for _, m := range h.Members {
		f.text(string(m.Member))
		f.number(m.Seq)
		f.bytes(m.Hash)
	}
	return f.sum()
}

// Verify checks all that is stored of an account: that the entries of its ledger are numbered from
// 1 without a gap and are as they were written, that the account and its bookings are as the last
// entries left them, that the versions of the program are those that decided the entries, and that
// the ledger goes on from the heads of the account that were kept. *TamperedError: it is not so.
// ErrUnknownAccount: there is none, and nothing is left of it.
//
// Without a head that was kept outside, one who may write everything can write another history.
//
// Entries whose bodies are in an archive are checked there: an Archive gives the head in which they
// end, and that the ledger goes on from it is checked here.
//
// Entries that were written before these sealed more than the entry before them are checked as far
// as their seals reach: the account is from its next command on, and a booking from its next
// change.
//
// It reads the whole ledger. A command that comes in between is no error; journal.ErrConflict:
// twenty of them came.
func (e *Engine) Verify(ctx context.Context, id AccountID, kept ...Head) (err error) {
	ctx, call := e.frame.Begin(ctx, "loyalty.verify", id.Subject())
	defer call.End(&err)
	if err := id.check(); err != nil {
		return fmt.Errorf("loyalty: verify: %w", err)
	}
	_, err = (&audit{Engine: e, terms: map[int][]byte{}}).account(ctx, id, kept)
	return err
}

// VerifyProgram verifies all accounts of a program, and that those whose heads were kept are still
// there. It returns the heads as they are now, to be kept for the next time. kept may be nil. Of
// several mistakes it returns the first hundred, joined. Errors: those of Verify,
// ErrUnknownProgram.
func (e *Engine) VerifyProgram(ctx context.Context, id ids.Program, kept *Heads) (heads Heads, err error) {
	ctx, call := e.frame.Begin(ctx, "loyalty.verify-program", "")
	defer call.End(&err)
	if err := valid.ID("program", id); err != nil {
		return heads, fmt.Errorf("loyalty: verify: %w", err)
	}
	a := &audit{Engine: e, terms: map[int][]byte{}}
	return a.program(ctx, id, kept)
}

// An audit is a verification under way.
type audit struct {
	*Engine
	terms   map[int][]byte // digests of versions of the program
	archive *Archive       // nil: archived entries are not checked
}

func (a *audit) program(ctx context.Context, id ids.Program, kept *Heads) (heads Heads, err error) {
	var errs []error
	fail := func(err error) bool {
		if err != nil {
			errs = append(errs, err)
		}
		return len(errs) == 100
	}
	program := func(reason string) error { return &TamperedError{Account: AccountID{Program: id}, Reason: reason} }
	old := map[ids.Member]Head{}
	if kept != nil {
		for _, h := range kept.Members {
			old[h.Member] = h
		}
	}
	heads, err = a.versions(ctx, id)
	if err != nil {
		return heads, err
	}
	if kept != nil {
		terms, err := a.termsUpTo(ctx, id, kept.Version)
		if err != nil || kept.Program != id || !bytes.Equal(terms, kept.Terms) {
			fail(program(fmt.Sprintf("its versions up to %d are not those that were kept", kept.Version)))
		}
	}
	known := map[ids.Member]bool{}
	for found, err := range (AccountQuery{Program: id}).list(ctx, a.frame.Store) {
		if err != nil {
			return heads, fmt.Errorf("loyalty: verify %s: %w", id, err)
		}
		var keeps []Head
		if h, ok := old[found.ID.Member]; ok {
			keeps = append(keeps, h)
		}
		head, err := a.account(ctx, found.ID, keeps)
		if fail(err) {
			return heads, errors.Join(errs...)
		}
		known[found.ID.Member] = true
		heads.Members = append(heads.Members, head)
	}
	missing := func(m ids.Member, reason string) bool {
		if known[m] {
			return false
		}
		known[m] = true
		found, err := load(ctx, a.frame.Store, []lookup{{Account: AccountID{id, m}}})
		if err != nil {
			return fail(err)
		}
		if found[0].Account.Version != 0 {
			return false // it came in between
		}
		return fail(&TamperedError{AccountID{id, m}, 1, reason})
	}
	for m := range old {
		if missing(m, "the account is gone whose head was kept") {
			return heads, errors.Join(errs...)
		}
	}
	for b, err := range bookingsIn(ctx, a.frame.Store, AccountID{Program: id}) {
		if err != nil {
			return heads, fmt.Errorf("loyalty: verify %s: %w", id, err)
		}
		if missing(b.Account.Member, "the account is gone whose bookings are there") {
			break
		}
	}
	return heads, errors.Join(errs...)
}

// versions returns the heads of a program without its members.
func (a *audit) versions(ctx context.Context, id ids.Program) (Heads, error) {
	d, err := definition(ctx, a.frame.Store, id, 0)
	if err != nil {
		return Heads{}, fmt.Errorf("loyalty: verify %s: %w", id, err)
	}
	terms, err := a.termsUpTo(ctx, id, d.Version)
	return Heads{Program: id, Version: d.Version, Terms: terms}, err
}

func (a *audit) termsUpTo(ctx context.Context, id ids.Program, version int) ([]byte, error) {
	var f fields
	for v := range version {
		terms, err := a.termsOf(ctx, id, v+1)
		if err != nil {
			return nil, err
		}
		if terms == nil {
			return nil, &TamperedError{Account: AccountID{Program: id}, Reason: fmt.Sprintf("version %d is missing, or can't be read", v+1)}
		}
		f.bytes(terms)
	}
	return f.sum(), nil
}

// termsOf returns the digest of a version as it is stored; nil where it is missing, is stored as
// another version, or can't be read.
func (a *audit) termsOf(ctx context.Context, id ids.Program, version int) ([]byte, error) {
	if terms, ok := a.terms[version]; ok {
		return terms, nil
	}
	d, err := definition(ctx, a.frame.Store, id, version)
	switch {
	case err == nil && d.ID == id && d.Version == version:
		a.terms[version] = d.digest()
	case err == nil, errors.Is(err, ErrUnknownProgram):
		a.terms[version] = nil
	case ctx.Err() != nil:
		return nil, err
	default:
		return nil, fmt.Errorf("loyalty: verify %s: %w", id, err)
	}
	return a.terms[version], nil
}

// account verifies one, again where commands came in between.
func (a *audit) account(ctx context.Context, id AccountID, kept []Head) (Head, error) {
	for range 20 {
		before, err := a.chain(ctx, id)
		if err != nil {
			return Head{}, err
		}
		err = a.once(ctx, before, kept)
		var tampered *TamperedError
		if errors.As(err, &tampered) {
			after, err := a.chain(ctx, id)
			if err != nil {
				return Head{}, err
			}
			if !slices.EqualFunc(before, after, func(a, b Account) bool { return a.Version == b.Version && a.Seq == b.Seq }) {
				continue
			}
		}
		return Head{id.Member, before[0].Seq, before[0].Hash}, err
	}
	return Head{}, fmt.Errorf("loyalty: verify %s: %w", id.Member, journal.ErrConflict)
}

// chain returns an account and those that it was merged into, one after the other.
func (a *audit) chain(ctx context.Context, id AccountID) (accounts []Account, err error) {
	for {
		found, err := load(ctx, a.frame.Store, []lookup{{Account: id}})
		if err != nil {
			return nil, fmt.Errorf("loyalty: verify %s: %w", id.Member, err)
		}
		accounts = append(accounts, found[0].Account)
		next := found[0].Account.Merged
		if next == "" || slices.ContainsFunc(accounts, func(a Account) bool { return a.ID.Member == next }) {
			return accounts, nil
		}
		id.Member = next
	}
}

func (a *audit) once(ctx context.Context, chain []Account, kept []Head) error {
	own := chain[0]
	var w walk
	if err := w.walk(own, ledger(ctx, a.frame.Store, own.ID)); err != nil {
		return err
	}
	if own.Version == 0 {
		if w.found != nil {
			return &TamperedError{own.ID, 1, "the account is missing"}
		}
		for _, err := range bookingsIn(ctx, a.frame.Store, own.ID) {
			if err == nil {
				err = &TamperedError{own.ID, 1, "the account is missing"}
			}
			return err
		}
		return fmt.Errorf("loyalty: verify %s: %w", own.ID.Member, ErrUnknownAccount)
	}
	if w.found != nil {
		return w.found
	}
	for _, h := range kept {
		if h.Member == own.ID.Member && !w.gone(h.Seq) && !bytes.Equal(w.hashes[h.Seq], h.Hash) {
			return &TamperedError{own.ID, min(h.Seq, own.Seq+1), fmt.Sprintf("is not in the history whose head was kept at entry %d", h.Seq)}
		}
	}
	for seq, t := range w.terms {
		stored, err := a.termsOf(ctx, own.ID.Program, t.Version)
		if err != nil {
			return err
		}
		if !bytes.Equal(stored, t.Hash) {
			return &TamperedError{own.ID, seq, fmt.Sprintf("version %d of the program is not the one that decided it", t.Version)}
		}
	}
	bookings := w.bookings
	for _, next := range chain[1:] {
		var later walk
		if err := later.walk(next, ledger(ctx, a.frame.Store, next.ID)); err != nil {
			return err
		}
		for of, b := range later.bookings {
			bookings[of] = b
		}
		if later.archived > 0 && a.archive == nil { // each of those entries may have written any
			for of, b := range bookings {
				bookings[of] = bookedAt{b.ledger, b.seq, nil}
			}
			w.deleted = w.deleted || later.deleted
		}
	}
	if a.archive != nil {
		if a.archive.heads[own.ID].Seq < w.archived {
			return &TamperedError{own.ID, w.archived, "is in no archive that was read"}
		}
		a.archive.overlay(own.ID, bookings)
	}
	if err := a.bookings(ctx, own, bookings, &w); err != nil {
		return err
	}
	return a.due(ctx, own)
}

// bookings compares those of an account with what the ledgers say of them. One whose entry is deleted
// may be, too.
func (a *audit) bookings(ctx context.Context, own Account, written map[bookingKey]bookedAt, ledger *walk) error {
	seen := map[string]bool{}
	for b, err := range bookingsIn(ctx, a.frame.Store, own.ID) {
		if err != nil {
			return fmt.Errorf("loyalty: verify %s: %w", own.ID.Member, err)
		}
		w, known := written[bookingKey{own.ID, b.Key}]
		switch {
		case !known && ledger.deleted && a.archive == nil:
		case !known:
			return &TamperedError{own.ID, own.Seq, "no entry wrote the booking " + b.Key}
		case w.hash != nil && !bytes.Equal(w.hash, b.digest()):
			return &TamperedError{own.ID, w.seq, "the booking " + b.Key + " is not as it was written"}
		}
		seen[b.Key] = true
	}
	for of, w := range written {
		if of.account == own.ID && w.hash != nil && !seen[of.key] && (ledger.keys[of.key] || !ledger.deleted) {
			return &TamperedError{own.ID, w.seq, "the booking " + of.key + " is missing"}
		}
	}
	return nil
}

// due checks that the account is listed as due when it is.
func (a *audit) due(ctx context.Context, own Account) error {
	row := accountRow{Account: Account{ID: own.ID}}
	if err := a.frame.Store.Load(ctx, []storage.Look{{Reads: []storage.Read{accounts.Get(&row)}}}); err != nil {
		return fmt.Errorf("loyalty: verify %s: %w", own.ID.Member, err)
	}
	if row.Version == own.Version && !row.Listed.Equal(own.Due()) {
		return &TamperedError{own.ID, own.Seq, "the account is not listed as due when it is"}
	}
	return nil
}
