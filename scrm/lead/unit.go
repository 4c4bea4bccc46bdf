package lead

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// An op is an event on its way to its contact.
type op struct {
	Meet
	id    Identity // that the contact is stored under
	facts Facts
	now   time.Time
}

// A unit is a contact with what the events at hand change of it.
type unit struct {
	contact Contact
	library time.Time
	change  Change
}

// work is combine.Work for the events of an engine.
type work struct{ *Engine }

func (work) Subject(o op) string {
	return string(o.id.Platform) + "/" + o.id.Namespace + "/" + o.id.ID
}

func (e work) Load(ctx context.Context, groups [][]op, _ bool) ([]*unit, error) {
	ids := make([]Identity, len(groups))
	for i, group := range groups {
		ids[i] = group[0].id
	}
	found, err := e.store.Load(ctx, ids)
	if err != nil {
		return nil, err
	}
	units := make([]*unit, len(groups))
	for i, f := range found {
		units[i] = &unit{contact: f.Contact, library: f.Library}
	}
	return units, nil
}

func (work) Stale(u *unit) bool { return false }

func (e work) Dirty(u *unit) bool { return len(u.change.Entries) > 0 && !e.dry }

func (e work) Decide(_ context.Context, u *unit, o op) (Outcome, error) {
	if to := u.contact.MergedTo; to != nil {
		return Outcome{}, &mergedError{*to}
	}
	if slices.ContainsFunc(u.contact.Leads, func(l Lead) bool {
		return l.Event.ID == o.Event.ID && l.Job == o.Job && !l.Event.equal(o.Event)
	}) {
		return Outcome{}, journal.ErrKeyReused
	}
	o.facts.Library = !u.library.IsZero() && !o.Event.At.Before(u.library)
	d, err := o.facts.Meet(u.contact, o.Event, o.now)
	if err != nil || len(d.Changed) == 0 {
		return d.Outcome, err
	}
	if u.contact.Version == 0 {
		d.Next.Name = rand.Text()
	}
	u.take(o, d)
	return d.Outcome, nil
}

// take adds a decision to the change.
func (u *unit) take(o op, d Decision) {
	ch := &u.change
	if len(ch.Contacts) > 0 {
		d.Next.Version = ch.Contacts[0].Version
	}
	ch.Contacts = []Contact{d.Next}
	for _, l := range d.Changed {
		s := Stored{o.id, l}
		if i := slices.IndexFunc(ch.Leads, func(o Stored) bool { return o.N == l.N }); i >= 0 {
			ch.Leads[i] = s
		} else {
			ch.Leads = append(ch.Leads, s)
		}
	}
	ch.count(d.Counts)
	ch.Entries = append(ch.Entries, journal.Entry{
		Subject: d.Next.subject(), Seq: d.Next.Seq, Key: string(o.Job.Code) + "/" + string(o.Event.ID), Kind: "lead.meet", At: o.now, By: o.By,
		Input: journal.Hash("lead.meet", o.Event), Result: journal.JSON(d.Outcome),
	})
	u.contact = d.Next
}

// count adds to the counts of a change, of days and in total.
func (ch *Change) count(counts []Count) {
	for _, c := range counts {
		for _, day := range []time.Time{c.Day, {}} {
			c.Day = day
			i, known := slices.BinarySearchFunc(ch.Counts, c, compareCounts)
			if !known {
				ch.Counts = slices.Insert(ch.Counts, i, Count{Job: c.Job, Account: c.Account, Day: day})
			}
			ch.Counts[i].Figures = ch.Counts[i].Plus(c.Figures)
		}
	}
	ch.Counts = slices.DeleteFunc(ch.Counts, func(c Count) bool { return c.Figures == Figures{} })
}

func (e work) Save(ctx context.Context, units []*unit) ([]error, error) {
	changes := make([]Change, len(units))
	for i, u := range units {
		changes[i] = u.change
	}
	return e.store.Save(ctx, changes)
}

var _ combine.Work[op, *unit, Outcome] = work{}
