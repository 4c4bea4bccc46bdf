package ticket

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage"
)

// Site returns a site, without its secrets. Errors: *errs.InputError, and ErrUnknownSite where
// there is none.
func (e *Engine) Site(ctx context.Context, id SiteID) (Site, error) {
	err := id.check()
	var l loaded
	if err == nil {
		l, err = load(ctx, e.frame.Store, lookup{site: id})
	}
	if err == nil && l.site.Version == 0 {
		err = ErrUnknownSite
	}
	if err != nil {
		return Site{}, fmt.Errorf("ticket: site: %w", err)
	}
	return l.site.public(), nil
}

// Sites yields the sites in the order of their ids, without their secrets. The database's error
// ends it.
func (e *Engine) Sites(ctx context.Context) iter.Seq2[Site, error] {
	return func(yield func(Site, error) bool) {
		for s, err := range storage.List(ctx, e.frame.Store, sitesByID, storage.Range{}) {
			if !yield(s.public(), err) {
				return
			}
		}
	}
}

// Program returns a version of templates, or the one in force for version 0. Errors:
// *errs.InputError, and ErrUnknownTemplates where there is none.
func (e *Engine) Program(ctx context.Context, id TemplatesID, version int) (*Program, error) {
	return e.programs.Get(ctx, e.frame, id, version)
}

// Push returns the body of a push of an order's ticket, by the number of its arrival. Errors:
// *errs.InputError, and ErrUnknownTicket where there is none.
func (e *Engine) Push(ctx context.Context, id ID, n int64) ([]byte, error) {
	err := cmp.Or(id.check(), valid.Between("n", n, 1, 1<<62))
	var l loaded
	if err == nil {
		if l, err = load(ctx, e.frame.Store, lookup{ticket: id.push(Pushed{N: n}), body: true}); err == nil && l.body == nil {
			err = ErrUnknownTicket
		}
	}
	if err != nil {
		return nil, fmt.Errorf("ticket: push: %w", err)
	}
	return l.body, nil
}

// Ticket returns a ticket, and the body that it came with: of an order, the body of its newest
// push. Errors: *errs.InputError, and ErrUnknownTicket where there is none.
func (e *Engine) Ticket(ctx context.Context, id ID) (t Ticket, body []byte, err error) {
	err = id.check()
	var l loaded
	if err == nil {
		l, err = load(ctx, e.frame.Store, lookup{ticket: id, body: true})
	}
	if err == nil {
		err = l.ticket.known()
	}
	if at := l.ticket.body(); err == nil && at != id {
		var of loaded
		of, err = load(ctx, e.frame.Store, lookup{ticket: at, body: true})
		l.body = of.body
	}
	if err != nil {
		return Ticket{}, nil, fmt.Errorf("ticket: %w", err)
	}
	return l.ticket, l.body, nil
}

// Tickets yields the tickets that the query asks for (网站工单管理), the newest first. *errs.InputError:
// the query is invalid. It or the database's error ends it.
func (e *Engine) Tickets(ctx context.Context, q Query) iter.Seq2[Ticket, error] {
	err := cmp.Or(q.State.check(), valid.OptionalID("event", q.Event), valid.Text("platform", q.Platform), valid.Text("country", q.Country),
		valid.OptionalID("code", q.Code), valid.OptionalID("account", q.Account), valid.Time("from", q.From), valid.Time("to", q.To), valid.Between("limit", int64(q.Limit), 0, math.MaxInt32))
	if err == nil && q.Site != "" {
		err = q.Site.check()
	}
	if err != nil {
		return engine.Failed[Ticket](fmt.Errorf("ticket: tickets: %w", err))
	}
	q.Country, q.Platform = countryOf(q.Country), platformOf(q.Platform)
	return q.list(ctx, e.frame.Store)
}

// Targets yields each account and code that Pending and Assigned tickets are at, once, in their
// order. The database's error ends it.
func (e *Engine) Targets(ctx context.Context) iter.Seq2[Target, error] {
	return targets(ctx, e.frame.Store)
}
