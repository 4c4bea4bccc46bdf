package memory

import (
	"bytes"
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage/journal"
)

type loyaltyStore struct{ unit }

// Load implements [loyalty.Store].
func (s loyaltyStore) Load(ctx context.Context, lookups []loyalty.Lookup) ([]loyalty.Loaded, error) {
	found := make([]loyalty.Loaded, len(lookups))
	err := s.do(ctx, func(t *tables) error {
		for i, l := range lookups {
			found[i].Account = cloneAccount(t.accounts[l.Account])
			found[i].Account.ID = l.Account
			if b, ok := t.bookings[l.Account][l.Booking]; ok && l.Booking != "" {
				b = cloneBooking(b)
				found[i].Booking = &b
			}
			if l.Key != "" {
				found[i].Entry = t.entry(l.Account.Subject(), l.Key)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Save implements [loyalty.Store].
func (s loyaltyStore) Save(ctx context.Context, changes []loyalty.Change) ([]error, error) {
	return saveEach(ctx, s.unit, changes, func(t *tables, c loyalty.Change) error {
		if t.used(c.Entries) {
			return journal.ErrDuplicate
		}
		for _, a := range c.Accounts {
			if t.accounts[a.ID].Version != a.Version-1 {
				return journal.ErrConflict
			}
		}
		for _, a := range c.Accounts {
			put(t, t.accounts, a.ID, cloneAccount(a))
		}
		for _, b := range c.Bookings {
			put(t, within(t.bookings, b.Account), b.Key, cloneBooking(b))
		}
		t.record(c.Entries)
		return nil
	})
}

// Program implements [loyalty.Store].
func (s loyaltyStore) Program(ctx context.Context, id loyalty.ProgramID, version int) (d loyalty.Definition, err error) {
	return d, s.program(ctx, programKey{"loyalty", string(id), version}, &d, loyalty.ErrUnknownProgram)
}

// Publish implements [loyalty.Store].
func (s loyaltyStore) Publish(ctx context.Context, d loyalty.Definition) error {
	return s.publish(ctx, programKey{"loyalty", string(d.ID), d.Version}, d, loyalty.ErrPublished)
}

// Accounts implements [loyalty.Store].
func (s loyaltyStore) Accounts(ctx context.Context, q loyalty.AccountQuery) iter.Seq2[loyalty.Account, error] {
	q.DueBefore = journal.Instant(q.DueBefore)
	return yieldAll(ctx, s.unit, func(t *tables) ([]loyalty.Account, error) {
		var found []loyalty.Account
		for id, a := range t.accounts {
			if (q.Program == "" || id.Program == q.Program) && (q.Member == "" || id.Member == q.Member) &&
				(q.DueBefore.IsZero() || lapsed(a.Due(), q.DueBefore)) {
				found = append(found, cloneAccount(a))
			}
		}
		slices.SortFunc(found, func(a, b loyalty.Account) int {
			return cmp.Or(cmp.Compare(a.ID.Program, b.ID.Program), cmp.Compare(a.ID.Member, b.ID.Member))
		})
		return first(found, q.Limit), nil
	})
}

// Bookings implements [loyalty.Store].
func (s loyaltyStore) Bookings(ctx context.Context, id loyalty.AccountID) iter.Seq2[loyalty.Booking, error] {
	return yieldAll(ctx, s.unit, func(t *tables) ([]loyalty.Booking, error) {
		var found []loyalty.Booking
		for of, bookings := range t.bookings {
			if of.Program == id.Program && (id.Member == "" || of.Member == id.Member) {
				for _, b := range bookings {
					found = append(found, cloneBooking(b))
				}
			}
		}
		slices.SortFunc(found, func(a, b loyalty.Booking) int {
			return cmp.Or(cmp.Compare(a.Account.Member, b.Account.Member), cmp.Compare(a.Key, b.Key))
		})
		return found, nil
	})
}

// Ledger implements [loyalty.Store].
func (s loyaltyStore) Ledger(ctx context.Context, id loyalty.AccountID) iter.Seq2[journal.Entry, error] {
	return journalStore(s).entries(ctx, id.Subject())
}

func cloneAccount(a loyalty.Account) loyalty.Account {
	a.Hash = bytes.Clone(a.Hash)
	a.Joined, a.Active, a.At = journal.Instant(a.Joined), journal.Instant(a.Active), journal.Instant(a.At)
	a.Status.Since, a.Status.Until = journal.Instant(a.Status.Since), journal.Instant(a.Status.Until)
	a.Turns = journal.Instant(a.Turns)
	a.Carried, a.Reached, a.Past = slices.Clone(a.Carried), slices.Clone(a.Reached), slices.Clone(a.Past)
	for i := range a.Past {
		p := &a.Past[i]
		p.At, p.Until = journal.Instant(p.At), journal.Instant(p.Until)
		p.Status.Since, p.Status.Until = journal.Instant(p.Status.Since), journal.Instant(p.Status.Until)
	}
	for i := range a.Reached {
		raised := slices.Clone(a.Reached[i].Raised)
		for j := range raised {
			raised[j].Lots = cloneLots(raised[j].Lots)
		}
		a.Reached[i].Raised = raised
	}
	a.Holdings = slices.Clone(a.Holdings)
	for i := range a.Holdings {
		w := &a.Holdings[i].Wallet
		w.At = journal.Instant(w.At)
		w.Lots = cloneLots(w.Lots)
		w.Ended = cloneLots(w.Ended)
		w.Holds = slices.Clone(w.Holds)
		for j := range w.Holds {
			w.Holds[j].Until = journal.Instant(w.Holds[j].Until)
			w.Holds[j].Lots = cloneLots(w.Holds[j].Lots)
		}
	}
	a.Tallies = slices.Clone(a.Tallies)
	for i := range a.Tallies {
		a.Tallies[i].Tally.Days = slices.Clone(a.Tallies[i].Tally.Days)
	}
	return a
}

func cloneLots(lots []loyalty.Lot) []loyalty.Lot {
	lots = slices.Clone(lots)
	for i := range lots {
		lots[i].From, lots[i].To = journal.Instant(lots[i].From), journal.Instant(lots[i].To)
		lots[i].Since = journal.Instant(lots[i].Since)
	}
	return lots
}

func cloneBooking(b loyalty.Booking) loyalty.Booking {
	b.At = journal.Instant(b.At)
	b.Lines, b.Counts, b.Parts, b.Uses = slices.Clone(b.Lines), slices.Clone(b.Counts), slices.Clone(b.Parts), slices.Clone(b.Uses)
	for i := range b.Parts {
		b.Parts[i].Lots = cloneLots(b.Parts[i].Lots)
		b.Parts[i].Shares = slices.Clone(b.Parts[i].Shares)
	}
	return b
}
