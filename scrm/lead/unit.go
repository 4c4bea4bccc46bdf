package lead

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// An op is an event on its way to its contact.
type op struct {
	Observe
	names []Identity // that the contact goes on under; with more than one, those are to be one contact, and the op is alone in its batch
	facts Facts
	now   time.Time
}

// A result is an outcome with the identity that its contact goes on under.
type result struct {
	Outcome
	contact Identity
}

// A unit is a contact with what the events at hand change of it.
type unit struct {
	contact Contact
	assumed bool      // to be new, and not in the library; Save tells
	others  []Contact // that are the same person, by the names of an op
	change  leadChange
}

// work is combine.Work for the events of an engine.
type work struct{ *Engine }

// Subject has between its parts what none of them can have.
func (work) Subject(o op) string {
	id := o.names[0]
	return string(id.Platform) + " " + id.Namespace + " " + id.ID
}

func (e work) Load(ctx context.Context, groups [][]op, fresh bool) ([]*unit, error) {
	if names := groups[0][0].names; len(names) > 1 {
		rows, err := e.resolve(ctx, names)
		if err != nil {
			return nil, err
		}
		return []*unit{{contact: rows[0], others: rows[1:]}}, nil
	}
	units := make([]*unit, len(groups))
	assume := !fresh && !e.frame.Bound && !e.frame.Dry && e.shared.assumes()
	var ids []Identity
	var of []int
	for i, group := range groups {
		id := group[0].names[0]
		if _, known := e.shared.known.Get(e.frame.Tenant(), id); assume && !known {
			units[i] = &unit{contact: Contact{ID: id}, assumed: true}
		} else {
			ids, of = append(ids, id), append(of, i)
		}
	}
	if len(ids) == 0 {
		return units, nil
	}
	found, err := load(ctx, e.frame.Store, ids)
	if err != nil {
		return nil, err
	}
	for i, c := range found {
		units[of[i]] = &unit{contact: c}
		if c.Version > 0 {
			e.shared.known.Add(e.frame.Tenant(), c.ID, struct{}{})
		}
	}
	return units, nil
}

// assumes reports whether those contacts of a batch that the engine does not know may be taken for
// new ones, as most are: Save finds out where one is not. After that the next few batches look
// first, which costs less where many come back.
func (s *shared) assumes() bool { return s.wary.Load() <= 0 || s.wary.Add(-1) < 0 }

// wary is how many batches look first after one that did not and should have.
const wary = 8

func (work) Stale(u *unit) bool { return u.assumed }

func (e work) Dirty(u *unit) bool { return len(u.change.entries) > 0 && !e.frame.Dry }

func (e work) Decide(_ context.Context, u *unit, o op) (result, error) {
	if to := u.contact.MergedTo; to != nil {
		return result{}, &mergedError{*to}
	}
	c, merged := u.contact, Decision{}
	c.Name = named(c, o.now)
	if len(u.others) > 0 {
		merged = Merge(c, u.others...)
		c = merged.Next
	}
	if slices.ContainsFunc(c.Leads, func(l Lead) bool {
		return l.Event.ID == o.Event.ID && l.Job == o.Job && l.Event.Account == o.Event.Account && !l.Event.equal(o.Event)
	}) {
		return result{}, journal.ErrKeyReused
	}
	d, err := o.facts.Observe(c, o.Event, o.now)
	if err != nil {
		return result{}, err
	}
	if len(u.others) > 0 {
		u.unite(o, merged)
		d.Turned = append(merged.Turned, d.Turned...)
	}
	if len(d.Changed) > 0 {
		u.take(o, d)
	}
	if u.assumed && len(u.change.entries) == 0 {
		return result{}, combine.ErrAgain
	}
	return result{d.Outcome, u.contact.ID}, nil
}

// unite adds to the change that some contacts are one.
func (u *unit) unite(o op, d Decision) {
	united := United{Turned: d.Turned}
	for _, c := range u.others {
		for _, l := range c.Leads {
			l.Verdict = Moved
			u.change.leads = append(u.change.leads, Stored{c.ID, l})
		}
		if c.Version > 0 {
			united.Contacts = append(united.Contacts, c.Name)
			c.Seq++
			u.change.entries = append(u.change.entries, journal.Entry{
				Subject: c.subject(), Seq: c.Seq, Kind: string(KindUnited), At: o.now, By: o.By, Result: journal.JSON(d.Next.Name),
			})
		}
		to := d.Next.ID
		c.MergedTo, c.Version, c.Name, c.Leads, c.Names = &to, c.Version+1, named(c, o.now), nil, nil
		u.change.contacts = append(u.change.contacts, c)
	}
	u.put(d)
	u.change.entries = append(u.change.entries, journal.Entry{
		Subject: d.Next.subject(), Seq: d.Next.Seq, Kind: string(KindUnite), At: o.now, By: o.By, Result: journal.JSON(united),
	})
	u.others = nil
}

// named returns the name that the journal has for a contact. Names of new ones are in the order of
// their times, so that an index of them grows at its end.
func named(c Contact, now time.Time) string {
	if c.Name != "" {
		return c.Name
	}
	var at [8]byte
	binary.BigEndian.PutUint64(at[:], uint64(now.UnixMicro()))
	return base32.HexEncoding.EncodeToString(at[:])[:13] + rand.Text()[:16]
}

// take adds what an event changes to the change. Its entry has no key: the contact knows the event
// when it comes again.
func (u *unit) take(o op, d Decision) {
	u.put(d)
	told := d.Outcome.brief()
	u.change.entries = append(u.change.entries, journal.Entry{
		Subject: d.Next.subject(), Seq: d.Next.Seq, Kind: string(KindObserve), At: o.now, By: o.By, Result: told.json(),
	})
}

// put adds a decision on the contact to the change.
func (u *unit) put(d Decision) {
	ch := &u.change
	i := slices.IndexFunc(ch.contacts, func(c Contact) bool { return c.ID == d.Next.ID })
	if i < 0 {
		i = len(ch.contacts)
		ch.contacts = append(ch.contacts, d.Next)
	} else {
		d.Next.Version = ch.contacts[i].Version
	}
	ch.contacts[i] = d.Next
	for _, l := range d.Changed {
		s := Stored{d.Next.ID, l}
		if i := slices.IndexFunc(ch.leads, func(o Stored) bool { return o.Contact == s.Contact && o.N == l.N }); i >= 0 {
			ch.leads[i] = s
		} else {
			ch.leads = append(ch.leads, s)
		}
	}
	ch.count(d.Counts)
	u.contact = d.Next
}

// count adds to the counts of a change, of days and in total.
func (ch *leadChange) count(counts []Count) {
	for _, c := range counts {
		for _, day := range []time.Time{c.Day, {}} {
			c.Day = day
			i, known := slices.BinarySearchFunc(ch.counts, c, compareCounts)
			if !known {
				ch.counts = slices.Insert(ch.counts, i, Count{Job: c.Job, Account: c.Account, Day: day})
			}
			ch.counts[i].Figures = ch.counts[i].Plus(c.Figures)
		}
	}
	ch.counts = slices.DeleteFunc(ch.counts, func(c Count) bool { return c.Figures == Figures{} })
}

func (e work) Save(ctx context.Context, units []*unit) ([]error, error) {
	changes := make([]storage.Change, len(units))
	for i, u := range units {
		changes[i] = u.change.stored()
	}
	errs, err := e.frame.Store.Save(ctx, changes)
	for i, err := range errs {
		switch {
		case err == nil && !e.frame.Bound:
			e.shared.known.Add(e.frame.Tenant(), units[i].contact.ID, struct{}{})
		case err != nil && units[i].assumed:
			e.shared.wary.Store(wary)
		}
	}
	return errs, err
}

var _ combine.Work[op, *unit, result] = work{}
