package loyalty

import (
	"bytes"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A Simulation runs commands as an Engine does, in memory: a program over a history of purchases
// before it is published, or a single purchase before it is made. It is not safe for concurrent
// use.
type Simulation struct {
	program  *Program
	accounts map[AccountID]Account
	bookings map[bookingKey]Booking
	entries  map[AccountID][]journal.Entry
	keys     map[bookingKey]int // where the entries are, by their accounts and keys
}

type bookingKey struct {
	account AccountID
	key     string
}

// Simulate returns an empty simulation of a program.
func Simulate(p *Program) *Simulation {
	return &Simulation{
		program: p, accounts: map[AccountID]Account{}, bookings: map[bookingKey]Booking{}, entries: map[AccountID][]journal.Entry{},
		keys: map[bookingKey]int{},
	}
}

// Put begins with an account as it is, in place of what the simulation knew of it.
func (s *Simulation) Put(a Account) { s.accounts[a.ID] = a }

// Switch goes on with another version of the program.
func (s *Simulation) Switch(p *Program) { s.program = p }

// Do runs a command at a time, or at the last one of the account where that is later. Keys and
// errors are those of an Engine.
func (s *Simulation) Do(c Command, now time.Time) (Outcome, error) {
	if err := c.check(); err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", c.kind(), err)
	}
	out, err := s.do(c, now)
	if err != nil {
		return Outcome{}, fmt.Errorf("%s for %s: %w", c.kind(), c.lookups()[0].Account.Member, err)
	}
	return out, nil
}

func (s *Simulation) do(c Command, now time.Time) (Outcome, error) {
	r := requested(c)
	if r.follows() && s.accounts[r.needs[0].Account].Merged != "" {
		r, _ = r.follow(func(id AccountID) (ids.Member, error) { return s.accounts[id].Merged, nil })
	}
	var found []loaded
	for i, l := range r.needs {
		at, used := s.keys[bookingKey{l.Account, l.Key}]
		switch {
		case used && i > 0 && !r.followed:
			return Outcome{}, journal.ErrKeyReused
		case used:
			return replayed(&s.entries[l.Account][at], r.input)
		}
		f := loaded{Account: s.accounts[l.Account]}
		f.Account.ID = l.Account
		if b, ok := s.bookings[bookingKey{l.Account, l.Booking}]; ok {
			f.Booking = &b
		}
		found = append(found, f)
	}
	d, err := c.decide(s.program, found, journal.Instant(now))
	if err != nil || d.Seq == 0 {
		return d.Outcome, err
	}
	s.store(r, &d, found[0].Account)
	if d.also != nil {
		s.store(r, d.also, found[1].Account)
	}
	return d.Outcome, nil
}

func (s *Simulation) store(r request, d *Decision, before Account) {
	d.Next.ID = before.ID
	if b := d.Booking; b != nil {
		if b.Changes == 0 {
			b.Key = r.key()
		}
		s.bookings[bookingKey{b.Account, b.Key}] = *b
	}
	entry := r.entry(s.program, d, before)
	if entry.Key != "" {
		s.keys[bookingKey{before.ID, entry.Key}] = len(s.entries[before.ID])
	}
	s.entries[before.ID] = append(s.entries[before.ID], entry)
	s.accounts[before.ID] = d.Next
}

// Account returns an account as it is at that time.
func (s *Simulation) Account(id AccountID, now time.Time) (Account, bool) {
	a, ok := s.accounts[id]
	if !ok {
		return Account{}, false
	}
	a.ID = id
	return s.program.At(a, now), true
}

// Accounts yields all accounts as they are at that time, in the order of their members.
func (s *Simulation) Accounts(now time.Time) iter.Seq[Account] {
	return func(yield func(Account) bool) {
		accounts := slices.SortedFunc(maps.Keys(s.accounts), func(a, b AccountID) int { return bytes.Compare([]byte(a.Member), []byte(b.Member)) })
		for _, id := range accounts {
			if a, _ := s.Account(id, now); !yield(a) {
				return
			}
		}
	}
}

// Ledger returns the entries of an account, the first one first.
func (s *Simulation) Ledger(id AccountID) []journal.Entry { return s.entries[id] }

// Totals returns the books, by currency. ErrOverflow: a sum is more than an int64 holds.
func (s *Simulation) Totals() (map[ids.Currency]Totals, error) {
	totals := map[ids.Currency]Totals{}
	for _, a := range s.accounts {
		for _, h := range a.Holdings {
			if err := h.Totals.addTo(totals, h.Currency); err != nil {
				return nil, err
			}
		}
	}
	return totals, nil
}
