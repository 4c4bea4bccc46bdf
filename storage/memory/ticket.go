package memory

import (
	"bytes"
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"

	"github.com/scrmkit/scrmkit/scrm/ticket"
	"github.com/scrmkit/scrmkit/storage/journal"
)

type ticketStore struct{ unit }

// Load implements [ticket.Store].
func (s ticketStore) Load(ctx context.Context, l ticket.Lookup) (f ticket.Loaded, err error) {
	err = s.do(ctx, func(t *tables) error {
		f.Site, f.Ticket = cloneSite(t.sites[l.Site]), cloneTicket(t.tickets[l.Ticket])
		f.Site.ID, f.Ticket.ID = l.Site, l.Ticket
		if l.Body {
			f.Body = bytes.Clone(t.bodies[l.Ticket])
		}
		if l.Key != "" {
			f.Entry = t.entry(l.Subject, l.Key)
		}
		return nil
	})
	return f, err
}

// Save implements [ticket.Store].
func (s ticketStore) Save(ctx context.Context, changes []ticket.Change) ([]error, error) {
	return saveEach(ctx, s.unit, changes, func(t *tables, c ticket.Change) error {
		switch {
		case t.used(c.Entries):
			return journal.ErrDuplicate
		case c.Site != nil && t.sites[c.Site.ID].Version != c.Site.Version-1, c.Ticket != nil && t.tickets[c.Ticket.ID].Version != c.Ticket.Version-1:
			return journal.ErrConflict
		}
		if c.Site != nil {
			put(t, t.sites, c.Site.ID, cloneSite(*c.Site))
		}
		if c.Ticket != nil {
			put(t, t.tickets, c.Ticket.ID, cloneTicket(*c.Ticket))
			switch {
			case c.Push != "":
				put(t, t.bodies, ticket.ID{Site: c.Ticket.ID.Site, Event: c.Push}, bytes.Clone(c.Body))
			case c.Ticket.Version == 1:
				put(t, t.bodies, c.Ticket.ID, bytes.Clone(c.Body))
			}
		}
		t.record(c.Entries)
		return nil
	})
}

// Tickets implements [ticket.Store].
func (s ticketStore) Tickets(ctx context.Context, q ticket.Query) iter.Seq2[ticket.Ticket, error] {
	from, to := journal.Instant(q.From), journal.Instant(q.To)
	return yieldAll(ctx, s.unit, func(t *tables) ([]ticket.Ticket, error) {
		var found []ticket.Ticket
		for _, k := range t.tickets {
			if (q.Site == "" || k.ID.Site == q.Site) && (q.Event == "" || k.ID.Event == q.Event) && (q.State == "" || k.State == q.State) &&
				(q.Platform == "" || k.Fields.Platform == q.Platform) && (q.Country == "" || k.Fields.Country == q.Country) &&
				(q.Code == "" || k.Target.Code == q.Code) && (q.Account == "" || k.Target.Account == q.Account) && !k.Received.Before(from) && (to.IsZero() || k.Received.Before(to)) {
				found = append(found, cloneTicket(k))
			}
		}
		slices.SortFunc(found, func(a, b ticket.Ticket) int {
			return cmp.Or(a.Received.Compare(b.Received), cmp.Compare(a.ID.Site, b.ID.Site), cmp.Compare(a.ID.Event, b.ID.Event))
		})
		if !q.Oldest {
			slices.Reverse(found)
		}
		return first(found, q.Limit), nil
	})
}

// Targets implements [ticket.Store].
func (s ticketStore) Targets(ctx context.Context) iter.Seq2[ticket.Target, error] {
	return yieldAll(ctx, s.unit, func(t *tables) ([]ticket.Target, error) {
		var found []ticket.Target
		for _, k := range t.tickets {
			if k.State == ticket.Pending || k.State == ticket.Assigned {
				found = append(found, ticket.Target{Code: k.Target.Code, Account: k.Target.Account})
			}
		}
		slices.SortFunc(found, func(a, b ticket.Target) int {
			return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Account, b.Account))
		})
		return slices.Compact(found), nil
	})
}

// Sites implements [ticket.Store].
func (s ticketStore) Sites(ctx context.Context) iter.Seq2[ticket.Site, error] {
	return yieldAll(ctx, s.unit, func(t *tables) ([]ticket.Site, error) {
		var found []ticket.Site
		for _, k := range t.sites {
			found = append(found, cloneSite(k))
		}
		slices.SortFunc(found, func(a, b ticket.Site) int { return cmp.Compare(a.ID, b.ID) })
		return found, nil
	})
}

// Templates implements [ticket.Store].
func (s ticketStore) Templates(ctx context.Context, id ticket.TemplatesID, version int) (d ticket.Templates, err error) {
	return d, s.program(ctx, programKey{"ticket", string(id), version}, &d, ticket.ErrUnknownTemplates)
}

// Publish implements [ticket.Store].
func (s ticketStore) Publish(ctx context.Context, d ticket.Templates) error {
	return s.publish(ctx, programKey{"ticket", string(d.ID), d.Version}, d, ticket.ErrPublished)
}

func cloneSite(s ticket.Site) ticket.Site {
	s.Secrets, s.Settings.Map, s.Settings.Values = slices.Clone(s.Secrets), maps.Clone(s.Settings.Map), maps.Clone(s.Settings.Values)
	for name, table := range s.Settings.Values {
		s.Settings.Values[name] = maps.Clone(table)
	}
	if s.Settings.Signing != nil {
		signing := *s.Settings.Signing
		s.Settings.Signing = &signing
	}
	for i := range s.Secrets {
		k := &s.Secrets[i]
		k.Added, k.Sealed = journal.Instant(k.Added), bytes.Clone(k.Sealed)
	}
	return s
}

func cloneTicket(t ticket.Ticket) ticket.Ticket {
	t.Tags, t.Undecided, t.Hash = slices.Clone(t.Tags), slices.Clone(t.Undecided), bytes.Clone(t.Hash)
	t.Pushes = slices.Clone(t.Pushes)
	for i := range t.Pushes {
		k := &t.Pushes[i]
		k.Hash, k.At, k.Received = bytes.Clone(k.Hash), journal.Instant(k.At), journal.Instant(k.Received)
	}
	t.Received, t.Updated, t.Taken = journal.Instant(t.Received), journal.Instant(t.Updated), journal.Instant(t.Taken)
	return t
}
