package ticket

import (
	"context"
	"embed"
	"iter"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/published"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Tables are those of the package.
var Tables = storage.Schema{Name: "ticket", Tables: []storage.Declared{sites, tickets, bodies, templates}, Kinds: entryKinds, Files: migrations}

//go:embed migrations
var migrations embed.FS

// A bodyRow is what a push brought. Those of an order but its first are stored under ids that no
// ticket has.
type bodyRow struct {
	id   ID
	body []byte
}

var (
	sites = storage.NewTable("ticket_site", func(c *storage.Columns, s *Site) {
		storage.Text(c, "site", &s.ID)
		c.Key()
		c.Version(&s.Version)
		c.State("state", 1, s)
	})
	tickets = storage.NewTable("ticket_ticket", func(c *storage.Columns, t *Ticket) {
		storage.Text(c, "site", &t.ID.Site)
		storage.Text(c, "event", &t.ID.Event)
		c.Key()
		c.Version(&t.Version)
		storage.Time(c, "received", &t.Received)
		storage.Derived(c, "status", func() State { return t.State })
		storage.Derived(c, "platform", func() string { return t.Fields.Platform })
		storage.Derived(c, "country", func() string { return t.Fields.Country })
		c.State("state", 1, t)
		storage.Derived(c, "code", func() ids.Code { return t.Target.Code })
		storage.Derived(c, "account", func() ids.Account { return t.Target.Account })
	}).Fill(80)
	bodies = storage.NewTable("ticket_body", func(c *storage.Columns, b *bodyRow) {
		storage.Text(c, "site", &b.id.Site)
		storage.Text(c, "event", &b.id.Event)
		c.Key()
		storage.Bytes(c, "body", &b.body)
	}).Of(tickets)
	templates = published.NewVersions[TemplatesID, Templates]("ticket_templates")

	sitesByID  = sites.Primary()
	ticketByID = tickets.Primary().Filter("status", "platform", "country", "code", "account", "received")
	byReceived = tickets.Index("received", "received").Filter("site", "event", "status", "platform", "country", "code", "account")
	byStatus   = tickets.Index("status", "status", "received").Filter("site", "event", "platform", "country", "code", "account")
	byCode     = tickets.Index("code", "code", "received").Only("status", Pending, Assigned).
			Filter("site", "event", "status", "platform", "country", "account")
	byTarget = tickets.Index("target", "account", "code").Only("status", Pending, Assigned)
)

// A lookup names rows. Fields may be empty, and nothing is loaded for them then.
type lookup struct {
	site    SiteID
	ticket  ID
	body    bool   // with ticket
	subject string // with key: of the journal's entry
	key     string
}

// A loaded is what a lookup found. What does not exist has version 0 and the id that was asked for.
type loaded struct {
	site   Site
	ticket Ticket
	body   []byte
	entry  *journal.Entry // nil: the key is new
}

func load(ctx context.Context, s storage.Store, l lookup) (f loaded, err error) {
	f.site.ID, f.ticket.ID = l.site, l.ticket
	b := bodyRow{id: l.ticket}
	look := storage.Look{Subject: l.subject, Key: l.key}
	if l.site != "" {
		look.Reads = append(look.Reads, sites.Get(&f.site))
	}
	if l.ticket != (ID{}) {
		look.Reads = append(look.Reads, tickets.Get(&f.ticket))
	}
	if l.body {
		look.Reads = append(look.Reads, bodies.Get(&b))
	}
	looks := []storage.Look{look}
	if err := s.Load(ctx, looks); err != nil {
		return loaded{}, err
	}
	f.body, f.entry = b.body, looks[0].Entry
	return f, nil
}

// An update is a site or a ticket as it is to be stored, with Version one more than the one that
// was loaded.
type update struct {
	site    *Site
	ticket  *Ticket
	body    []byte  // of a ticket that is new, or of push; it never changes
	push    EventID // under which the body of one more push is kept; "": there is none
	entries []journal.Entry
}

func (u update) save(ctx context.Context, s storage.Store) error {
	c := storage.Change{Entries: u.entries}
	if u.site != nil {
		c.Rows = append(c.Rows, sites.Save(u.site))
	}
	if t := u.ticket; t != nil {
		c.Rows = append(c.Rows, tickets.Save(t))
		switch {
		case u.push != "":
			c.Rows = append(c.Rows, bodies.Insert(&bodyRow{ID{t.ID.Site, u.push}, u.body}))
		case t.Version == 1:
			c.Rows = append(c.Rows, bodies.Insert(&bodyRow{t.ID, u.body}))
		}
	}
	errs, err := s.Save(ctx, []storage.Change{c})
	if err != nil {
		return err
	}
	return errs[0]
}

// A Query asks for tickets: those that fit every field that is given, the newest first or, with
// Oldest, the oldest.
type Query struct {
	Site     SiteID      // "": all
	Event    EventID     // "": all
	State    State       // "": all
	Platform string      // "": all
	Country  string      // "": all
	Code     ids.Code    // of the target
	Account  ids.Account // of the target
	From, To time.Time   // received in [From, To)
	Oldest   bool        // the oldest first
	Limit    int         // 0: all
}

// list yields the tickets of a query along the index that knows most of what it asks for.
func (q Query) list(ctx context.Context, s storage.Store) iter.Seq2[Ticket, error] {
	index, r := byReceived, storage.Range{Down: !q.Oldest, Limit: q.Limit}
	open := q.State == Pending || q.State == Assigned
	known := map[string]bool{}
	given := []struct {
		column string
		value  string
	}{
		{"site", string(q.Site)}, {"event", string(q.Event)}, {"status", string(q.State)}, {"platform", q.Platform}, {"country", q.Country},
		{"code", string(q.Code)}, {"account", string(q.Account)},
	}
	switch {
	case q.Site != "" && q.Event != "":
		index, r.Prefix, known = ticketByID, []any{q.Site, q.Event}, map[string]bool{"site": true, "event": true}
	case open && q.Code != "":
		index, r.Prefix, known = byCode, []any{q.Code}, map[string]bool{"code": true}
	case q.State != "":
		index, r.Prefix, known = byStatus, []any{q.State}, map[string]bool{"status": true}
	}
	for _, g := range given {
		if g.value != "" && !known[g.column] {
			r.Where = append(r.Where, storage.Where(g.column, g.value))
		}
	}
	if index != ticketByID {
		if !q.From.IsZero() {
			r.From = journal.Instant(q.From)
		}
		if !q.To.IsZero() {
			r.To = journal.Instant(q.To)
		}
		return storage.List(ctx, s, index, r)
	}
	return func(yield func(Ticket, error) bool) {
		for t, err := range storage.List(ctx, s, index, r) {
			if err == nil && (t.Received.Before(q.From) || !q.To.IsZero() && !t.Received.Before(q.To)) {
				continue
			}
			if !yield(t, err) {
				return
			}
		}
	}
}

// targets yields each account and code that Pending and Assigned tickets are at, once, in their
// order: each is the first one after the one before, so that its work grows with the targets, not
// with the tickets.
func targets(ctx context.Context, s storage.Store) iter.Seq2[Target, error] {
	return func(yield func(Target, error) bool) {
		r := storage.Range{}
		for {
			var t Ticket
			if err := s.Load(ctx, []storage.Look{{Reads: []storage.Read{byTarget.First(&t, r)}}}); err != nil {
				yield(Target{}, err)
				return
			}
			if t.Version == 0 || !yield(Target{Code: t.Target.Code, Account: t.Target.Account}, nil) {
				return
			}
			r.After = []any{t.Target.Account, t.Target.Code}
		}
	}
}
