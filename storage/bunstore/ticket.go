package bunstore

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"iter"

	"github.com/uptrace/bun"

	"github.com/scrmkit/scrmkit/scrm/ticket"
	"github.com/scrmkit/scrmkit/storage/journal"
)

type ticketStore struct{ unit }

// Save implements [ticket.Store].
func (s ticketStore) Save(ctx context.Context, changes []ticket.Change) ([]error, error) {
	all := make([]change, len(changes))
	for i, c := range changes {
		all[i].entries = entryRows(c.Entries)
		if c.Site != nil {
			state, err := json.Marshal(c.Site)
			if err != nil {
				return nil, s.fail("save tickets", err)
			}
			all[i].roots = append(all[i].roots, row{siteTable, []any{string(c.Site.ID), c.Site.Version, json.RawMessage(state)}})
		}
		if t := c.Ticket; t != nil {
			state, err := json.Marshal(t)
			if err != nil {
				return nil, s.fail("save tickets", err)
			}
			all[i].roots = append(all[i].roots, row{ticketTable, []any{
				string(t.ID.Site), string(t.ID.Event), t.Version, t.Received, string(t.State), t.Fields.Platform, t.Fields.Country,
				string(t.Target.Code), t.Target.Account, json.RawMessage(state),
			}})
			if c.Push != "" || t.Version == 1 {
				event := cmp.Or(c.Push, t.ID.Event)
				all[i].children = append(all[i].children, row{ticketBodyTable, []any{string(t.ID.Site), string(event), c.Body}})
			}
		}
	}
	return s.save(ctx, "save tickets", all)
}

var ticketLookup = []column{
	{"site", text}, {"of", text}, {"event", text}, {"whole", integer}, {"entry", text}, {"key", text},
}

// Load implements [ticket.Store].
func (s ticketStore) Load(ctx context.Context, l ticket.Lookup) (f ticket.Loaded, err error) {
	if err := s.check(ctx); err != nil {
		return f, err
	}
	whole := int64(0)
	if l.Body {
		whole = 1
	}
	args := []any{string(l.Site), string(l.Ticket.Site), string(l.Ticket.Event), whole, l.Subject, l.Key}
	err = s.look(ctx, "tickets", ticketLookup, [][]any{args}, func(l lookup) string {
		return "select s.version, s.state, t.version, t.state, hexed(b.body), " + entryColumns + " from " + l.source() +
			l.find("ticket_site", "s", "s.site = l.site") +
			l.find("ticket_ticket", "t", "t.site = l.of and t.event = l.event") +
			l.find("ticket_body", "b", "b.site = l.of and b.event = l.event and l.whole = 1") +
			l.entry()
	}, func(rows *sql.Rows, _ int) error {
		var site, tick int64
		var e journal.Entry
		fields := append([]any{intField(&site), jsonField(&f.Site), intField(&tick), jsonField(&f.Ticket), binaryField(&f.Body)}, entryFields(&e)...)
		if err := rows.Scan(fields...); err != nil {
			return err
		}
		f.Site.Version, f.Ticket.Version = site, tick
		if l.Key != "" {
			f.Entry = found(e)
		}
		return nil
	})
	if err != nil {
		return ticket.Loaded{}, s.fail("load tickets", err)
	}
	f.Site.ID, f.Ticket.ID = l.Site, l.Ticket
	return f, nil
}

// Tickets implements [ticket.Store].
func (s ticketStore) Tickets(ctx context.Context, q ticket.Query) iter.Seq2[ticket.Ticket, error] {
	direction, after := "DESC", "<"
	if q.Oldest {
		direction, after = "ASC", ">"
	}
	return paged(ctx, s.unit, "list tickets", q.Limit, func(sel *bun.SelectQuery, last *ticket.Ticket) *bun.SelectQuery {
		sel = sel.TableExpr(s.name("ticket_ticket")+" AS t").ColumnExpr("t.state").Where("(t.tenant || '') = ?", s.tenant).
			OrderExpr("t.received " + direction + ", t.site " + direction + ", t.event " + direction)
		for _, w := range []struct{ column, value string }{
			{"site", string(q.Site)}, {"event", string(q.Event)}, {"status", string(q.State)}, {"platform", q.Platform}, {"country", q.Country},
			{"code", string(q.Code)}, {"account", q.Account},
		} {
			if w.value != "" {
				sel = sel.Where("t."+w.column+" = ?", w.value)
			}
		}
		if q.Code != "" && (q.State == ticket.Pending || q.State == ticket.Assigned) {
			sel = sel.Where(open)
		}
		if !q.From.IsZero() {
			sel = sel.Where("t.received >= ?", s.bind(q.From))
		}
		if !q.To.IsZero() {
			sel = sel.Where("t.received < ?", s.bind(q.To))
		}
		if last != nil {
			sel = sel.Where("(t.received, t.site, t.event) "+after+" (?, ?, ?)", s.bind(last.Received), string(last.ID.Site), string(last.ID.Event))
		}
		return sel
	}, func(rows *sql.Rows) (t ticket.Ticket, err error) {
		return t, rows.Scan(jsonField(&t))
	})
}

// open is the condition of the index of targets, as it stands there.
const open = "t.status in ('pending', 'assigned')"

// Targets implements [ticket.Store]: each is the first one after the one before, a look into an
// index.
func (s ticketStore) Targets(ctx context.Context) iter.Seq2[ticket.Target, error] {
	return func(yield func(ticket.Target, error) bool) {
		var last *ticket.Target
		for {
			page, err := readPage(ctx, s.unit, 1, last, func(sel *bun.SelectQuery, last *ticket.Target) *bun.SelectQuery {
				sel = sel.TableExpr(s.name("ticket_ticket")+" AS t").ColumnExpr("t.code, t.account").
					Where("(t.tenant || '') = ?", s.tenant).Where(open).OrderExpr("t.code, t.account")
				if last != nil {
					sel = sel.Where("(t.code, t.account) > (?, ?)", string(last.Code), last.Account)
				}
				return sel
			}, func(rows *sql.Rows) (t ticket.Target, err error) {
				return t, rows.Scan(textField(&t.Code), textField(&t.Account))
			})
			if err != nil {
				yield(ticket.Target{}, s.fail("list targets", err))
				return
			}
			if len(page) == 0 || !yield(page[0], nil) {
				return
			}
			last = &page[0]
		}
	}
}

// Sites implements [ticket.Store].
func (s ticketStore) Sites(ctx context.Context) iter.Seq2[ticket.Site, error] {
	return paged(ctx, s.unit, "list sites", 0, func(sel *bun.SelectQuery, last *ticket.Site) *bun.SelectQuery {
		sel = sel.TableExpr(s.name("ticket_site")+" AS s").ColumnExpr("s.state").Where("s.tenant = ?", s.tenant).OrderExpr("s.site")
		if last != nil {
			sel = sel.Where("s.site > ?", string(last.ID))
		}
		return sel
	}, func(rows *sql.Rows) (site ticket.Site, err error) {
		return site, rows.Scan(jsonField(&site))
	})
}

// Templates implements [ticket.Store].
func (s ticketStore) Templates(ctx context.Context, id ticket.TemplatesID, version int) (d ticket.Templates, err error) {
	return d, s.program(ctx, "ticket_templates", string(id), version, &d, ticket.ErrUnknownTemplates)
}

// Publish implements [ticket.Store].
func (s ticketStore) Publish(ctx context.Context, d ticket.Templates) error {
	return s.publish(ctx, "ticket_templates", string(d.ID), d.Version, d, ticket.ErrPublished)
}
