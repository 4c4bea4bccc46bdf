package loyalty

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// An Archive checks ledgers whose entries are in archives of the journal, which package retention
// writes. It keeps in memory a head of each account and a digest of each booking, and is not safe for
// concurrent use.
type Archive struct {
	of       func(AccountID) bool
	kept     map[AccountID]Head
	heads    map[AccountID]Head
	bookings map[AccountID]map[string][]byte // as the last entry left them; nil: that did not seal it
}

// NewArchive returns an Archive that has read nothing. It is of the accounts for which of returns
// true, and of all where it is nil: an account that was merged is checked with those that it was
// merged into. Heads that were kept are compared with the ledgers as they are read.
func NewArchive(of func(AccountID) bool, kept ...Heads) *Archive {
	a := &Archive{of, map[AccountID]Head{}, map[AccountID]Head{}, map[AccountID]map[string][]byte{}}
	for _, heads := range kept {
		for _, h := range heads.Members {
			a.kept[AccountID{heads.Program, h.Member}] = h
		}
	}
	return a
}

// Read checks the records of the archive that was written next, of which it passes over those that
// are no entry of a ledger, and those that an archive before it had: that each goes on from the one
// before it, from the first entry of the account on. *TamperedError: it does not. The error of the
// records is returned too.
func (a *Archive) Read(records iter.Seq2[journal.Record, error]) error {
	for r, err := range records {
		if err != nil {
			return fmt.Errorf("loyalty: verify an archive: %w", err)
		}
		if err := a.read(r.Entry); err != nil {
			return err
		}
	}
	return nil
}

func (a *Archive) read(e journal.Entry) error {
	of, ok := journal.ParseSubject("loyalty", e.Subject)
	if !ok || len(of) != 2 {
		return nil
	}
	id := AccountID{ids.Program(of[0]), ids.Member(of[1])}
	if a.of != nil && !a.of(id) {
		return nil
	}
	var out Outcome
	var l link
	err := json.Unmarshal(e.Result, &out)
	if err == nil && len(e.Before) > 0 {
		err = json.Unmarshal(e.Before, &l)
	}
	head, kept := a.heads[id], a.kept[id]
	own := Head{id.Member, e.Seq, digest(e)}
	switch {
	case err != nil:
		return &TamperedError{id, e.Seq, "can't be read"}
	case out.Account != id:
		return &TamperedError{id, e.Seq, "is of another account"}
	case 0 < e.Seq && e.Seq < head.Seq, e.Seq == head.Seq && bytes.Equal(own.Hash, head.Hash):
		return nil
	case e.Seq == head.Seq:
		return &TamperedError{id, e.Seq, "is not the same in two archives"}
	case e.Seq != head.Seq+1:
		return &TamperedError{id, head.Seq + 1, "is missing"}
	case l.Seq != head.Seq || !bytes.Equal(l.Hash, head.Hash):
		return &TamperedError{id, head.Seq, "was changed"}
	case e.Seq == kept.Seq && !bytes.Equal(own.Hash, kept.Hash):
		return &TamperedError{id, e.Seq, fmt.Sprintf("is not in the history whose head was kept at entry %d", kept.Seq)}
	}
	a.heads[id] = own
	if l.State == nil {
		a.booked(id, e.Key, nil)
	} else if b := l.Booking; b != nil {
		a.booked(AccountID{id.Program, b.Member}, b.Key, b.Hash)
	}
	return nil
}

func (a *Archive) booked(id AccountID, key string, hash []byte) {
	if a.bookings[id] == nil {
		a.bookings[id] = map[string][]byte{}
	}
	a.bookings[id][key] = hash
}

// Verify is Engine.Verify, with the entries that were read in the place of those in the journal that
// have no body. They are all that were archived. Errors: those of Engine.Verify.
func (a *Archive) Verify(ctx context.Context, e *Engine, id AccountID) (err error) {
	ctx, call := e.frame.Begin(ctx, "loyalty.verify", id.Subject())
	defer call.End(&err)
	if err := id.check(); err != nil {
		return fmt.Errorf("loyalty: verify: %w", err)
	}
	var kept []Head
	if h, ok := a.Head(id); ok {
		kept = []Head{h}
	}
	own := newAudit(e)
	own.archive = a
	_, err = own.account(ctx, id, kept)
	return err
}

// overlay puts what the last archived entry says of each booking of an account in the place of what
// entries say that are archived too.
func (a *Archive) overlay(id AccountID, written map[bookingKey]bookedAt) {
	for key, hash := range a.bookings[id] {
		of := bookingKey{id, key}
		if w, known := written[of]; !known || w.seq <= a.heads[w.ledger].Seq {
			written[of] = bookedAt{id, a.heads[id].Seq, hash}
		}
	}
}

// Head returns the head in which the archives leave the ledger of an account, for Engine.Verify.
func (a *Archive) Head(id AccountID) (h Head, ok bool) {
	h, ok = a.heads[id]
	return h, ok
}

// Heads yields those of all accounts of a program, in any order.
func (a *Archive) Heads(program ids.Program) iter.Seq[Head] {
	return func(yield func(Head) bool) {
		for id, h := range a.heads {
			if id.Program == program && !yield(h) {
				return
			}
		}
	}
}

// Forget deletes the bookings of commands whose entries were deleted from the journal, of which it
// passes over those of other kinds, and those of commands that were run again with the same key: such
// a purchase can't be refunded any more, nor a redemption given back. It may run twice. It is for
// retention.Options.Pruned. Errors: what the database said.
func (e *Engine) Forget(ctx context.Context, entries []journal.Entry) (err error) {
	ctx, call := e.frame.Begin(ctx, "loyalty.forget", "")
	defer call.End(&err)
	if err = e.forget(ctx, entries); err != nil {
		return fmt.Errorf("loyalty: forget: %w", err)
	}
	return nil
}

func (e *Engine) forget(ctx context.Context, entries []journal.Entry) error {
	var gone []AccountID
	var looks []storage.Look
	for _, entry := range entries {
		if of, ok := journal.ParseSubject("loyalty", entry.Subject); ok && len(of) == 2 && entry.Key != "" {
			gone = append(gone, AccountID{ids.Program(of[0]), ids.Member(of[1])})
			looks = append(looks, storage.Look{Subject: entry.Subject, Key: entry.Key})
		}
	}
	if len(looks) == 0 {
		return nil
	}
	if err := e.frame.Store.Load(ctx, looks); err != nil {
		return err
	}
	var c storage.Change
	for i, l := range looks {
		if l.Entry == nil {
			c.Rows = append(c.Rows, bookings.Drop(&Booking{Account: gone[i], Key: l.Key}))
		}
	}
	if len(c.Rows) == 0 {
		return nil
	}
	failed, err := e.frame.Store.Save(ctx, []storage.Change{c})
	return errors.Join(append(failed, err)...)
}
