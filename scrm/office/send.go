package office

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/lead/dispatch"
	"github.com/scrmkit/scrmkit/scrm/ticket"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Account is the name of an account in the settings of a line.
func Account(p activation.PlatformID, a activation.AccountID) dispatch.AccountID {
	return dispatch.AccountID(url.PathEscape(string(p)) + "/" + url.PathEscape(string(a)))
}

// account returns the account that Account has given the name; ok is false where it has not.
func account(name dispatch.AccountID) (a activation.AccountID, ok bool) {
	_, text, ok := strings.Cut(string(name), "/")
	text, err := url.PathUnescape(text)
	return activation.AccountID(text), ok && err == nil && valid.ID("account", text) == nil
}

// tickets is what the names of tickets begin with, among the visitors of a line.
const tickets = "ticket:"

// Visitor is the name of a ticket among the visitors of a line. No other visitor has one that begins so.
func Visitor(id ticket.ID) dispatch.VisitorID { return dispatch.VisitorID(tickets + id.String()) }

// A roster is the accounts of a line.
type roster struct {
	ports  map[dispatch.AccountID]activation.Agent // that have one
	online []dispatch.AccountID
}

// roster returns the accounts of a line. ErrUnknownLine: there is no such line.
func (o *Office) roster(ctx context.Context, tx storage.Tx, id dispatch.LineID) (roster, error) {
	r := roster{ports: map[dispatch.AccountID]activation.Agent{}}
	line, err := o.p.Lines.In(tx).Line(ctx, id)
	if err != nil {
		return r, err
	}
	var q activation.PortQuery
	names := map[dispatch.AccountID]bool{}
	for _, a := range line.Settings.Accounts {
		if id, ok := account(a.ID); ok {
			q.Accounts, names[a.ID] = append(q.Accounts, id), true
		}
	}
	if len(q.Accounts) == 0 {
		return r, nil
	}
	for a, err := range o.p.Codes.In(tx).Agents(ctx, q) {
		if err != nil {
			return r, err
		}
		name := Account(a.Platform, a.Account)
		if !names[name] {
			continue
		}
		if r.ports[name] = a; a.Online {
			r.online = append(r.online, name)
		}
	}
	return r, nil
}

// Visit sends a visitor of a line to an account that is online. Errors: those of dispatch.Engine.Route, and *dispatch.InputError where
// the visitor has the name of a ticket.
func (o *Office) Visit(ctx context.Context, line dispatch.LineID, v dispatch.VisitorID) (dispatch.Outcome, error) {
	if strings.HasPrefix(string(v), tickets) {
		err := &dispatch.InputError{Field: "visitor", Reason: "begins with " + tickets + ", as tickets alone do"}
		return dispatch.Outcome{}, fmt.Errorf("office: visit: %w", err)
	}
	var out dispatch.Outcome
	var none *dispatch.NoCapacityError
	err := o.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		none = nil
		r, err := o.roster(ctx, tx, line)
		if err != nil {
			return err
		}
		out, err = o.p.Lines.In(tx).Route(ctx, dispatch.Route{Line: line, Visitor: v, Online: r.online})
		if err != nil && !errors.As(err, &none) {
			return err
		}
		return o.serve(ctx, tx, line, out.Served, r)
	})
	if err == nil && none != nil {
		err = none
	}
	return out, err
}

// serve tells the tickets that waited in a line where they have gone.
func (o *Office) serve(ctx context.Context, tx storage.Tx, line dispatch.LineID, served []dispatch.Served, r roster) error {
	for _, s := range served {
		name, isTicket := strings.CutPrefix(string(s.Visitor), tickets)
		if !isTicket {
			continue
		}
		id, err := ticket.Parse(name)
		if err == nil {
			err = o.sent(ctx, tx, id, line, s.Account, r)
		}
		if err != nil && !errors.Is(err, ticket.ErrUnknownTicket) && !errors.Is(err, ticket.ErrState) {
			return err
		}
	}
	return nil
}

// sent tells a ticket that it has gone to an account, whether that has a port or not.
func (o *Office) sent(ctx context.Context, tx storage.Tx, id ticket.ID, line dispatch.LineID, name dispatch.AccountID, r roster) error {
	to, ok := account(name)
	if !ok {
		to = activation.AccountID(name)
	}
	_, err := o.p.Tickets.In(tx).Route(ctx, ticket.Route{
		Ticket: id, Pool: ticket.PoolID(line), Account: string(to), Code: ticket.CodeID(r.ports[name].ID.Code),
	})
	return err
}

// Handle processes the tickets of the query, which are Received or Manual, and sends those of a pool to an account of the line of that
// name: one by one, each in a transaction. It returns how many it has handled. Where some can't be, it goes on with the others, and its
// error is those of all of them, joined: of ticket.Engine.Process and of dispatch.Engine.Route. *ticket.InputError: the query's state is
// neither. It may run anywhere, any number of times.
func (o *Office) Handle(ctx context.Context, q ticket.Query) (n int, err error) {
	if q.State != ticket.Received && q.State != ticket.Manual {
		return 0, fmt.Errorf("office: handle: %w", &ticket.InputError{Field: "state", Reason: "is neither received nor manual"})
	}
	var failed []error
	for t, err := range o.p.Tickets.Tickets(ctx, q) {
		if err != nil {
			failed = append(failed, fmt.Errorf("office: handle: %w", err))
			break
		}
		err = o.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error { return o.handle(ctx, tx, t) })
		if err == nil || errors.Is(err, errSame) {
			n++
			continue
		}
		if failed = append(failed, fmt.Errorf("office: handle %s: %w", t.ID, err)); ctx.Err() != nil {
			break
		}
	}
	return n, errors.Join(failed...)
}

// errSame rolls a transaction back that would leave a ticket as it is.
var errSame = errors.New("office: the ticket stays as it is")

func (o *Office) handle(ctx context.Context, tx storage.Tx, was ticket.Ticket) error {
	id := was.ID
	done, err := o.p.Tickets.In(tx).Process(ctx, id)
	if err != nil || done.State != ticket.Pending || done.Target.Pool == "" || done.Target.Account != "" {
		return err
	}
	line := dispatch.LineID(done.Target.Pool)
	r, err := o.roster(ctx, tx, line)
	var out dispatch.Outcome
	if err == nil {
		out, err = o.p.Lines.In(tx).Route(ctx, dispatch.Route{Line: line, Visitor: Visitor(id), Online: r.online})
	}
	var none *dispatch.NoCapacityError
	switch {
	case errors.As(err, &none), errors.Is(err, dispatch.ErrUnknownLine):
		if _, err = o.p.Tickets.In(tx).Route(ctx, ticket.Route{Ticket: id, Pool: done.Target.Pool}); err == nil && len(out.Served) == 0 {
			err = o.changed(ctx, tx, was)
		}
	case err == nil && !out.Waiting:
		err = o.sent(ctx, tx, id, line, out.Account, r)
	}
	if err != nil {
		return err
	}
	return o.serve(ctx, tx, line, out.Served, r)
}

// changed returns errSame where a ticket is as it was, but for the time.
func (o *Office) changed(ctx context.Context, tx storage.Tx, was ticket.Ticket) error {
	is, _, err := o.p.Tickets.In(tx).Ticket(ctx, was.ID)
	is.Version, is.Seq, is.Updated = was.Version, was.Seq, was.Updated
	if err == nil && bytes.Equal(journal.JSON(is), journal.JSON(was)) {
		err = errSame
	}
	return err
}

// Drain serves those who wait in a line, visitors and tickets, by the accounts that are online. Errors: those of dispatch.Engine.Drain.
func (o *Office) Drain(ctx context.Context, line dispatch.LineID) (out dispatch.Outcome, err error) {
	err = o.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		r, err := o.roster(ctx, tx, line)
		if err != nil {
			return err
		}
		if out, err = o.p.Lines.In(tx).Drain(ctx, dispatch.Drain{Line: line, Online: r.online}); err != nil {
			return err
		}
		return o.serve(ctx, tx, line, out.Served, r)
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
		_, err = o.p.Lines.In(tx).Leave(ctx, dispatch.Leave{Line: dispatch.LineID(t.Target.Pool), Visitor: Visitor(id)})
		if errors.Is(err, dispatch.ErrUnknownLine) {
			return nil
		}
		return err
	})
	return out, err
}
