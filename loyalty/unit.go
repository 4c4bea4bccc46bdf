package loyalty

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// An op is a command at its time.
type op struct {
	request
	now     time.Time
	subject string // of the journal's entry
	opens   bool   // it is one of many imports
}

// A unit is an account with what the commands at hand need of it, and of other accounts.
type unit struct {
	program  *Program
	account  Account
	bookings map[string]*Booking // by key
	peers    []loaded            // of a command on several accounts
	entries  []journal.Entry     // that were stored before
	change   change
	cached   bool
}

// work is combine.Work for the commands of an engine.
type work struct{ *Engine }

func (work) Subject(o op) string { return o.subject }

func (e work) Load(ctx context.Context, groups [][]op, fresh bool) ([]*unit, error) {
	units := make([]*unit, len(groups))
	var lookups []lookup
	var owner []*unit
	for g, group := range groups {
		if !fresh {
			if units[g] = e.cached(group); units[g] != nil {
				continue
			}
		}
		units[g] = &unit{bookings: map[string]*Booking{}}
		for _, o := range group {
			for _, l := range o.needs {
				if l.Booking == "" && (fresh || e.frame.Bound) { // one may be left of an entry that was deleted
					l.Booking = l.Key
				}
				lookups, owner = append(lookups, l), append(owner, units[g])
			}
		}
	}
	if len(lookups) > 0 {
		found, err := load(ctx, e.frame.Store, lookups)
		if err != nil {
			return nil, err
		}
		for i, f := range found {
			owner[i].add(lookups[i], f)
		}
	}
	for g, u := range units {
		p, err := e.Program(ctx, groups[g][0].needs[0].Account.Program, 0)
		if err != nil {
			return nil, err
		}
		u.program = p
	}
	return units, nil
}

// cached returns the unit of an account that is in memory, for commands that need nothing else of
// it. An account that one of many imports opens is taken not to be there.
func (e *Engine) cached(group []op) *unit {
	if e.frame.Bound || e.frame.Dry {
		return nil
	}
	for _, o := range group {
		if len(o.needs) > 1 || o.needs[0].Booking != "" {
			return nil
		}
	}
	a, ok := e.shared.accounts.Get(e.frame.Tenant(), group[0].needs[0].Account)
	if !ok && !group[0].opens {
		return nil
	}
	a.ID = group[0].needs[0].Account
	return &unit{account: a, cached: true}
}

func (u *unit) add(l lookup, f loaded) {
	if u.account.ID != (AccountID{}) && l.Account != u.account.ID {
		u.peers = append(u.peers, f)
		return
	}
	// Of several look-ups the oldest account counts, so that what was read before another change
	// meets a conflict.
	if u.account.ID == (AccountID{}) || f.Account.Version < u.account.Version {
		u.account = f.Account
	}
	if f.Booking != nil {
		u.bookings[l.Booking] = f.Booking
	}
	if f.Entry != nil {
		u.entries = append(u.entries, *f.Entry)
	}
}

func (e work) Stale(u *unit) bool { return u.cached || e.Dirty(u) }

func (e work) Dirty(u *unit) bool { return len(u.change.Entries) > 0 && !e.frame.Dry }

func (e work) Decide(_ context.Context, u *unit, o op) (Outcome, error) {
	if entry := engine.Find(o.key(), u.entries, u.change.Entries); entry != nil {
		return replayed(entry, o.input)
	}
	for _, peer := range u.peers {
		switch {
		case peer.Entry == nil:
		case !bytes.Equal(peer.Entry.Input, o.input):
			return Outcome{}, journal.ErrKeyReused
		case o.followed:
			return replayed(peer.Entry, o.input)
		default:
			return Outcome{}, combine.ErrAgain // it was stored between the reading of one account and of the other
		}
	}
	found := append([]loaded{{Account: u.account}}, u.peers...)
	if of := o.needs[0].Booking; of != "" {
		found[0].Booking = u.bookings[of]
	}
	d, err := o.decide(u.program, found, o.now)
	if err != nil || d.Seq == 0 {
		return d.Outcome, err
	}
	u.take(o, u.account, &d)
	if d.also != nil {
		u.take(o, found[1].Account, d.also)
	}
	return d.Outcome, nil
}

func replayed(e *journal.Entry, input []byte) (out Outcome, err error) {
	err = e.Replay(input, &out)
	out.Replayed = true
	return out, err
}

// take adds a decision on one account to the change.
func (u *unit) take(o op, before Account, d *Decision) {
	ch := &u.change
	d.Next.ID = before.ID
	if b := d.Booking; b != nil {
		if b.Changes == 0 {
			if b.Key = o.key(); u.bookings[b.Key] != nil && b.Account == u.account.ID {
				ch.Left = append(ch.Left, b.Key)
			}
		}
		if i := slices.IndexFunc(ch.Bookings, func(c Booking) bool { return c.Key == b.Key && c.Account == b.Account }); i >= 0 {
			b.Changes = min(b.Changes, ch.Bookings[i].Changes) // it is new as long as the first of it is not stored
			ch.Bookings[i] = *b
		} else {
			ch.Bookings = append(ch.Bookings, *b)
		}
		if u.bookings != nil {
			u.bookings[b.Key] = b
		}
	}
	i := slices.IndexFunc(ch.Accounts, func(a Account) bool { return a.ID == d.Next.ID })
	if i < 0 {
		i = len(ch.Accounts)
		ch.Accounts = append(ch.Accounts, d.Next)
	}
	d.Next.Version = ch.Accounts[i].Version
	ch.Entries = append(ch.Entries, o.entry(u.program, d, before))
	ch.Accounts[i] = d.Next
	if d.Next.ID == u.account.ID {
		u.account = d.Next
	}
}

func (e work) Save(ctx context.Context, units []*unit) ([]error, error) {
	changes := make([]storage.Change, len(units))
	for i, u := range units {
		changes[i] = u.change.stored()
	}
	errs, err := e.frame.Store.Save(ctx, changes)
	if e.frame.Bound {
		return errs, err
	}
	for i, u := range units {
		for _, a := range u.change.Accounts {
			e.shared.accounts.Saved(e.frame.Tenant(), a.ID, a, err == nil && errs[i] == nil)
		}
	}
	return errs, err
}
