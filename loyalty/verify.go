package loyalty

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

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
	_, err = newAudit(e).account(ctx, id, kept)
	return err
}

// A VerifyQuery asks for the verification of the accounts of a program.
type VerifyQuery struct {
	Program ids.Program            // program of the accounts
	After   ids.Member             // the member after whom they begin; "": with the first one
	Workers int                    // accounts are verified by so many goroutines; 0: GOMAXPROCS. A bound engine has one
	Terms   Terms                  // those of the program that were kept; zero: none were
	Kept    iter.Seq2[Head, error] // heads that were kept, in the order of members; nil: none were
}

// VerifyProgram verifies the accounts of a program, and that those whose heads were kept, or whose
// bookings are there, are still there. It yields their heads as they are now, in the order of
// members: with a nil error where all is as it was written, and with a *TamperedError where it is
// not, or journal.ErrConflict. It goes on after these, until the consumer breaks; a mistake of the
// program comes first, with a Head that has no Member.
//
// Any other error is the last thing that it yields, with a Head that has no Member: of the
// database, of ctx, of Kept, *errs.InputError where Kept is not in order, and ErrUnknownProgram.
//
// Memory holds a few thousand entries a worker, and what the longest ledger writes of bookings. To
// go on after a break or an error, give the last member that was yielded as After. Kept may yield
// all heads as before; those up to After are passed over.
func (e *Engine) VerifyProgram(ctx context.Context, q VerifyQuery) iter.Seq2[Head, error] {
	return func(yield func(Head, error) bool) {
		var err error
		ctx, call := e.frame.Begin(ctx, "loyalty.verify-program", "")
		defer call.End(&err)
		for v, failed := range e.verifyProgram(ctx, q) {
			if failed != nil {
				err = failed
				yield(Head{}, err)
				return
			}
			err = cmp.Or(err, v.err)
			if !yield(v.head, v.err) {
				return
			}
		}
	}
}

// A verdict is what became of the verification of an account: its head has the member in any case.
type verdict struct {
	head Head
	err  error // *TamperedError or journal.ErrConflict
}

func (e *Engine) verifyProgram(ctx context.Context, q VerifyQuery) iter.Seq2[verdict, error] {
	return func(yield func(verdict, error) bool) {
		if err := cmp.Or(valid.ID("program", q.Program), valid.OptionalID("after", q.After)); err != nil {
			yield(verdict{}, fmt.Errorf("loyalty: verify: %w", err))
			return
		}
		a := newAudit(e)
		err := a.program(ctx, q)
		switch mistake := (*TamperedError)(nil); {
		case errors.As(err, &mistake):
			if !yield(verdict{err: err}, nil) {
				return
			}
		case err != nil:
			yield(verdict{}, err)
			return
		}
		parts := func(ctx context.Context) iter.Seq2[span, error] {
			return e.spans(ctx, q.Program, q.After, q.Kept)
		}
		check := func(ctx context.Context, part span) (checked, error) {
			own := &audit{Engine: e, terms: maps.Clone(a.terms)}
			return own.span(ctx, q.Program, part)
		}
		for part, err := range inOrder(ctx, e.workers(q.Workers), parts, check) {
			for {
				if err != nil {
					yield(verdict{}, fmt.Errorf("loyalty: verify %s: %w", q.Program, err))
					return
				}
				for _, v := range part.verdicts {
					if !yield(v, nil) {
						return
					}
				}
				if part.rest == nil {
					break
				}
				part, err = check(ctx, *part.rest)
			}
		}
	}
}

// An audit is a verification under way. It is not safe for concurrent use.
type audit struct {
	*Engine
	terms   map[int][]byte // digests of versions of the program
	archive *Archive       // nil: archived entries are not checked
}

func newAudit(e *Engine) *audit { return &audit{Engine: e, terms: map[int][]byte{}} }

// program checks the versions of a program, and that they go on from those that were kept.
func (a *audit) program(ctx context.Context, q VerifyQuery) error {
	d, err := definition(ctx, a.frame.Store, q.Program, 0)
	if err != nil {
		return fmt.Errorf("loyalty: verify %s: %w", q.Program, err)
	}
	if _, err := a.termsUpTo(ctx, q.Program, d.Version); err != nil || q.Terms.Program == "" && q.Terms.Version == 0 {
		return err
	}
	terms, err := a.termsUpTo(ctx, q.Program, q.Terms.Version)
	if mistake := (*TamperedError)(nil); err != nil && !errors.As(err, &mistake) {
		return err
	}
	if err != nil || q.Terms.Program != q.Program || !bytes.Equal(terms.Hash, q.Terms.Hash) {
		reason := fmt.Sprintf("its versions up to %d are not those that were kept", q.Terms.Version)
		return &TamperedError{Account: AccountID{Program: q.Program}, Reason: reason}
	}
	return nil
}

func (a *audit) termsUpTo(ctx context.Context, id ids.Program, version int) (Terms, error) {
	var f fields
	for v := range version {
		terms, err := a.termsOf(ctx, id, v+1)
		if err != nil {
			return Terms{}, err
		}
		if terms == nil {
			return Terms{}, &TamperedError{Account: AccountID{Program: id}, Reason: fmt.Sprintf("version %d is missing, or can't be read", v+1)}
		}
		f.bytes(terms)
	}
	return Terms{id, version, f.sum()}, nil
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

// decided checks that the terms that decided the entries are those that are stored.
func (a *audit) decided(ctx context.Context, w *walk) error {
	for _, t := range slices.Backward(w.terms) {
		stored, err := a.termsOf(ctx, w.account.ID.Program, t.Version)
		if err != nil {
			return err
		}
		if !bytes.Equal(stored, t.Hash) {
			return &TamperedError{w.account.ID, t.seq, fmt.Sprintf("version %d of the program is not the one that decided it", t.Version)}
		}
	}
	return nil
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
			if !slices.EqualFunc(before, after, func(a, b accountRow) bool { return a.Version == b.Version && a.Seq == b.Seq }) {
				continue
			}
		}
		return Head{id.Member, before[0].Seq, before[0].Hash}, err
	}
	return Head{}, fmt.Errorf("loyalty: verify %s: %w", id.Member, journal.ErrConflict)
}

// chain returns an account and those that it was merged into, one after the other.
func (a *audit) chain(ctx context.Context, id AccountID) (all []accountRow, err error) {
	for {
		row := accountRow{Account: Account{ID: id}}
		err := a.frame.Store.Load(ctx, []storage.Look{{Reads: []storage.Read{accounts.Get(&row)}}})
		if errors.As(err, new(*storage.RowError)) && !errors.Is(err, storage.ErrFormat) {
			return nil, &TamperedError{id, row.Seq, "the account can't be read"}
		}
		if err != nil {
			return nil, fmt.Errorf("loyalty: verify %s: %w", id.Member, err)
		}
		all = append(all, row)
		next := row.Merged
		if next == "" || slices.ContainsFunc(all, func(a accountRow) bool { return a.ID.Member == next }) {
			return all, nil
		}
		id.Member = next
	}
}

func (a *audit) once(ctx context.Context, chain []accountRow, kept []Head) error {
	own := chain[0]
	var w walk
	if err := w.walk(own.Account, kept, ledger(ctx, a.frame.Store, own.ID)); err != nil {
		return err
	}
	if own.Version == 0 {
		return a.unknown(ctx, &w)
	}
	if w.found != nil {
		return w.found
	}
	if err := w.kept(kept); err != nil {
		return err
	}
	if err := a.decided(ctx, &w); err != nil {
		return err
	}
	for _, next := range chain[1:] {
		var later walk
		if err := later.walk(next.Account, nil, ledger(ctx, a.frame.Store, next.ID)); err != nil {
			return err
		}
		for of, b := range later.bookings {
			w.bookings[of] = b
		}
		if later.archived > 0 && a.archive == nil { // each of those entries may have written any
			for of, b := range w.bookings {
				w.bookings[of] = bookedAt{b.ledger, b.seq, nil}
			}
			w.deleted = w.deleted || later.deleted
		}
	}
	if a.archive != nil {
		if a.archive.heads[own.ID].Seq < w.archived {
			return &TamperedError{own.ID, w.archived, "is in no archive that was read"}
		}
		a.archive.overlay(own.ID, w.bookings)
	}
	for b, err := range bookingsIn(ctx, a.frame.Store, own.ID) {
		if err != nil {
			return fmt.Errorf("loyalty: verify %s: %w", own.ID.Member, err)
		}
		if err := w.booking(b.Key, b.digest(), a.archive != nil); err != nil {
			return err
		}
	}
	if err := w.unbooked(); err != nil {
		return err
	}
	return own.due()
}

// unknown returns what is wrong with an account that is not there.
func (a *audit) unknown(ctx context.Context, w *walk) error {
	id := w.account.ID
	missing := &TamperedError{id, 1, "the account is missing"}
	if w.found != nil {
		return missing
	}
	for _, err := range bookingsIn(ctx, a.frame.Store, id) {
		if err == nil {
			err = missing
		}
		return err
	}
	return fmt.Errorf("loyalty: verify %s: %w", id.Member, ErrUnknownAccount)
}

// due checks that the account is listed as due when it is.
func (a *accountRow) due() error {
	if !a.Listed.Equal(a.Due()) {
		return &TamperedError{a.ID, a.Seq, "the account is not listed as due when it is"}
	}
	return nil
}

// checked is what became of a span: of its members up to those of the rest.
type checked struct {
	verdicts []verdict
	rest     *span // nil: there is none
}

// maxGone bounds the members of a span that have bookings and no account.
const maxGone = 1_000

// span verifies the accounts of a part of a program together. One that is not at once as it should
// be is verified by itself: a command may have come in between, and the account may be merged.
func (a *audit) span(ctx context.Context, id ids.Program, part span) (c checked, err error) {
	walks, subjects := make([]walk, len(part.rows)), make([]string, len(part.rows))
	for i, row := range part.rows {
		walks[i].begin(row.Account, part.keptOf(row.ID.Member))
		walks[i].doubted = slices.ContainsFunc(part.unread, func(u unread) bool { return u.member == row.ID.Member })
		subjects[i] = row.ID.Subject()
	}
	at := 0
	for r, err := range a.frame.Store.Journal().Of(ctx, subjects...) {
		if err != nil {
			return c, err
		}
		for r.Subject != subjects[at] {
			at++
		}
		walks[at].take(r.Entry)
	}
	gone, rest, err := a.bookings(ctx, id, part, walks)
	if err != nil {
		return c, err
	}
	if rest != "" {
		part, c.rest = part.cut(rest)
	}
	for _, h := range part.kept {
		if _, found := part.row(h.Member); !found && !slices.Contains(gone, h.Member) {
			gone = append(gone, h.Member)
		}
	}
	for i := range part.rows {
		row, w := &part.rows[i], &walks[i]
		kept := part.keptOf(row.ID.Member)
		head := Head{row.ID.Member, row.Seq, row.Hash}
		if w.end(); w.found == nil && row.Merged == "" && !w.doubted {
			err := cmp.Or(w.kept(kept), a.decided(ctx, w), w.unbooked(), row.due())
			if err == nil {
				c.verdicts = append(c.verdicts, verdict{head, nil})
				continue
			}
		}
		if err := a.alone(ctx, row.ID, kept, &c); err != nil {
			return c, err
		}
	}
	for _, m := range gone {
		if err := a.alone(ctx, AccountID{id, m}, part.keptOf(m), &c); err != nil {
			return c, err
		}
	}
	slices.SortFunc(c.verdicts, func(a, b verdict) int { return cmp.Compare(a.head.Member, b.head.Member) })
	return c, nil
}

// bookings takes the bookings of a span to the walks of their accounts. It returns the members that
// have bookings and no account, and the first one that is left to the rest where they are too many.
func (a *audit) bookings(ctx context.Context, id ids.Program, part span, walks []walk) (gone []ids.Member, rest ids.Member, err error) {
	at, scratch := 0, fields(nil)
	for b, err := range bookingsOfSpan(ctx, a.frame.Store, id, part) {
		if err != nil {
			return nil, "", err
		}
		m := b.Account.Member
		for at < len(walks) && part.rows[at].ID.Member < m {
			at++
		}
		switch {
		case at < len(walks) && part.rows[at].ID.Member == m:
			scratch = scratch[:0]
			if err := walks[at].booking(b.Key, b.digest(&scratch), false); err != nil {
				walks[at].doubted = true
			}
		case len(gone) > 0 && gone[len(gone)-1] == m:
		case len(gone) == maxGone:
			return gone, m, nil
		default:
			gone = append(gone, m)
		}
	}
	return gone, "", nil
}

// alone verifies an account by itself.
func (a *audit) alone(ctx context.Context, id AccountID, kept []Head, c *checked) error {
	head, err := a.account(ctx, id, kept)
	var tampered *TamperedError
	switch {
	case errors.Is(err, ErrUnknownAccount):
		err = &TamperedError{id, 1, "the account is gone whose head was kept"}
	case err == nil, errors.As(err, &tampered), errors.Is(err, journal.ErrConflict):
	default:
		return err
	}
	head.Member = id.Member
	c.verdicts = append(c.verdicts, verdict{head, err})
	return nil
}

// row returns where the account of a member is among the rows, or would be.
func (s span) row(m ids.Member) (at int, found bool) {
	return slices.BinarySearchFunc(s.rows, m, func(r accountRow, m ids.Member) int { return cmp.Compare(r.ID.Member, m) })
}

// keptOf returns the head of a member that was kept, if there is one.
func (s span) keptOf(m ids.Member) []Head {
	at, found := slices.BinarySearchFunc(s.kept, m, func(h Head, m ids.Member) int { return cmp.Compare(h.Member, m) })
	if !found {
		return nil
	}
	return s.kept[at : at+1]
}

// cut returns the part of a span before a member, and the part from that one on.
func (s span) cut(m ids.Member) (span, *span) {
	row, _ := s.row(m)
	kept, _ := slices.BinarySearchFunc(s.kept, m, func(h Head, m ids.Member) int { return cmp.Compare(h.Member, m) })
	rest := &span{from: m, before: s.before, rows: s.rows[row:], kept: s.kept[kept:]}
	s.before, s.rows, s.kept = m, s.rows[:row], s.kept[:kept]
	return s, rest
}
