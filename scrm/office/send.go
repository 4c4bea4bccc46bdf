package office

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/lead/dispatch"
	"github.com/scrmkit/scrmkit/scrm/ticket"
	"github.com/scrmkit/scrmkit/storage"
)

// Account is the name of an account in the settings of a line.
func Account(p activation.PlatformID, a activation.AccountID) dispatch.AccountID {
	return dispatch.AccountID(url.PathEscape(string(p)) + "/" + url.PathEscape(string(a)))
}

// online returns the ports whose accounts are online, by their names in lines.
func (o *Office) online(ctx context.Context) (map[dispatch.AccountID]activation.Agent, []dispatch.AccountID, error) {
	ports, names := map[dispatch.AccountID]activation.Agent{}, []dispatch.AccountID(nil)
	for a, err := range o.p.Codes.Agents(ctx, activation.PortQuery{}) {
		if err != nil {
			return nil, nil, err
		}
		if name := Account(a.Platform, a.Account); a.Online {
			if _, twice := ports[name]; !twice {
				names = append(names, name)
			}
			ports[name] = a
		}
	}
	return ports, names, nil
}

// Visit sends a visitor of a line to an account that is online. Errors: those of dispatch.Engine.Route.
func (o *Office) Visit(ctx context.Context, line dispatch.LineID, v dispatch.VisitorID) (dispatch.Outcome, error) {
	ports, names, err := o.online(ctx)
	if err != nil {
		return dispatch.Outcome{}, fmt.Errorf("office: visit: %w", err)
	}
	var out dispatch.Outcome
	var none *dispatch.NoCapacityError
	err = o.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		none = nil
		out, err = o.p.Lines.In(tx).Route(ctx, dispatch.Route{Line: line, Visitor: v, Online: names})
		if err != nil && !errors.As(err, &none) {
			return err
		}
		return o.serve(ctx, tx, out.Served, ports)
	})
	if err == nil && none != nil {
		err = none
	}
	return out, err
}

// serve tells the tickets that waited in a line where they have gone.
func (o *Office) serve(ctx context.Context, tx storage.Tx, served []dispatch.Served, ports map[dispatch.AccountID]activation.Agent) error {
	for _, s := range served {
		id, err := ticket.Parse(string(s.Visitor))
		if err != nil {
			continue // a visitor
		}
		if err := o.sent(ctx, tx, id, ports[s.Account]); err != nil && !errors.Is(err, ticket.ErrUnknownTicket) && !errors.Is(err, ticket.ErrState) {
			return err
		}
	}
	return nil
}

func (o *Office) sent(ctx context.Context, tx storage.Tx, id ticket.ID, to activation.Agent) error {
	_, err := o.p.Tickets.In(tx).Route(ctx, ticket.Route{Ticket: id, Account: string(to.Account), Code: ticket.CodeID(to.ID.Code)})
	return err
}

// Handle processes the tickets of the query, which are Received or Manual, and sends those of a pool to an account of the line of that
// name: one by one, each in a transaction. It returns how many there were. It may run anywhere, any number of times.
func (o *Office) Handle(ctx context.Context, q ticket.Query) (n int, err error) {
	if q.State != ticket.Received && q.State != ticket.Manual {
		return 0, fmt.Errorf("office: handle: %w", &ticket.InputError{Field: "state", Reason: "is neither received nor manual"})
	}
	ports, names, err := o.online(ctx)
	if err != nil {
		return 0, fmt.Errorf("office: handle: %w", err)
	}
	for t, err := range o.p.Tickets.Tickets(ctx, q) {
		if err == nil {
			err = o.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error { return o.handle(ctx, tx, t.ID, ports, names) })
		}
		if err != nil {
			return n, fmt.Errorf("office: handle: %w", err)
		}
		n++
	}
	return n, nil
}

func (o *Office) handle(
	ctx context.Context, tx storage.Tx, id ticket.ID, ports map[dispatch.AccountID]activation.Agent, names []dispatch.AccountID,
) error {
	done, err := o.p.Tickets.In(tx).Process(ctx, id)
	if err != nil || done.State != ticket.Pending || done.Target.Pool == "" || done.Target.Account != "" {
		return err
	}
	out, err := o.p.Lines.In(tx).Route(ctx, dispatch.Route{
		Line: dispatch.LineID(done.Target.Pool), Visitor: dispatch.VisitorID(id.String()), Online: names,
	})
	var none *dispatch.NoCapacityError
	switch {
	case errors.As(err, &none), errors.Is(err, dispatch.ErrUnknownLine):
		_, err = o.p.Tickets.In(tx).Route(ctx, ticket.Route{Ticket: id})
	case err == nil && !out.Waiting:
		err = o.sent(ctx, tx, id, ports[out.Account])
	}
	if err != nil {
		return err
	}
	return o.serve(ctx, tx, out.Served, ports)
}

// Drain serves those who wait in a line, visitors and tickets, by the accounts that are online. Errors: those of dispatch.Engine.Drain.
func (o *Office) Drain(ctx context.Context, line dispatch.LineID) (out dispatch.Outcome, err error) {
	ports, names, err := o.online(ctx)
	if err != nil {
		return out, fmt.Errorf("office: drain: %w", err)
	}
	err = o.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		if out, err = o.p.Lines.In(tx).Drain(ctx, dispatch.Drain{Line: line, Online: names}); err != nil {
			return err
		}
		return o.serve(ctx, tx, out.Served, ports)
	})
	return out, err
}

// Assign gives a ticket to somebody, and takes it from the line where it waits. Errors: those of ticket.Engine.Assign.
func (o *Office) Assign(ctx context.Context, c ticket.Assign) (ticket.Outcome, error) {
	return o.decide(ctx, c.Ticket, func(ctx context.Context, e *ticket.Engine) (ticket.Outcome, error) { return e.Assign(ctx, c) })
}

// Reject ends a ticket, and takes it from the line where it waits. Errors: those of ticket.Engine.Reject.
func (o *Office) Reject(ctx context.Context, c ticket.Reject) (ticket.Outcome, error) {
	return o.decide(ctx, c.Ticket, func(ctx context.Context, e *ticket.Engine) (ticket.Outcome, error) { return e.Reject(ctx, c) })
}

func (o *Office) decide(
	ctx context.Context, id ticket.ID, run func(ctx context.Context, e *ticket.Engine) (ticket.Outcome, error),
) (out ticket.Outcome, err error) {
	err = o.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		t, _, err := o.p.Tickets.In(tx).Ticket(ctx, id)
		if err != nil {
			return err
		}
		if out, err = run(ctx, o.p.Tickets.In(tx)); err != nil || t.State != ticket.Pending || t.Target.Pool == "" {
			return err
		}
		_, err = o.p.Lines.In(tx).Leave(ctx, dispatch.Leave{Line: dispatch.LineID(t.Target.Pool), Visitor: dispatch.VisitorID(id.String())})
		if errors.Is(err, dispatch.ErrUnknownLine) {
			return nil
		}
		return err
	})
	return out, err
}
