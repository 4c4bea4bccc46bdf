package desk

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/scrm/lead/routing"
	"github.com/scrmkit/scrmkit/scrm/ticket"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Account is the name of an account in the settings of a line.
func Account(p ids.Platform, a ids.Account) routing.AccountID {
	return routing.AccountID(url.PathEscape(string(p)) + "/" + url.PathEscape(string(a)))
}

// account returns the account that Account has given the name; ok is false where it has not.
func account(name routing.AccountID) (a ids.Account, ok bool) {
	_, text, ok := strings.Cut(string(name), "/")
	text, err := url.PathUnescape(text)
	return ids.Account(text), ok && err == nil && valid.ID("account", text) == nil
}

// tickets is what the names of tickets begin with, among the visitors of a line.
const tickets = "ticket:"

// Visitor is the name of a ticket among the visitors of a line. No other visitor has one that
// begins so.
func Visitor(id ticket.ID) routing.VisitorID { return routing.VisitorID(tickets + id.String()) }

// A roster is the accounts of a line.
type roster struct {
	ports  map[routing.AccountID]activation.Agent // that have one, of a code in use
	online []routing.AccountID
	gone   []routing.AccountID // named by Account, without such a port: nobody would see what they are sent
	leads  []routing.Leads     // of those that have a port
	line   int64               // its version before the leads were read; 0: they were not
}

// roster returns the accounts of a line. ErrUnknownLine: there is no such line.
func (d *Desk) roster(ctx context.Context, tx storage.Tx, id ids.Line) (roster, error) {
	r := roster{ports: map[routing.AccountID]activation.Agent{}}
	line, err := d.p.Lines.In(tx).Line(ctx, id)
	if err != nil {
		return r, err
	}
	var q activation.PortQuery
	names := map[routing.AccountID]bool{}
	for _, a := range line.Settings.Accounts {
		if id, ok := account(a.ID); ok {
			q.Accounts, names[a.ID] = append(q.Accounts, id), true
		}
	}
	if len(q.Accounts) == 0 {
		return r, nil
	}
	codes := map[ids.Code]bool{} // whether they are in use
	for a, err := range d.p.Codes.In(tx).Agents(ctx, q) {
		if err != nil {
			return r, err
		}
		name := Account(a.Platform, a.Account)
		if !names[name] {
			continue
		}
		usable, known := codes[a.ID.Code]
		if !known {
			why, err := d.unusable(ctx, tx, ticket.Target{Code: a.ID.Code})
			if err != nil {
				return r, err
			}
			usable = why == ""
			codes[a.ID.Code] = usable
		}
		if !usable || a.State == activation.Banned {
			continue
		}
		if r.ports[name] = a; a.Online {
			r.online = append(r.online, name)
		}
	}
	for name := range names {
		if _, has := r.ports[name]; !has {
			r.gone = append(r.gone, name)
		}
	}
	if line.Settings.Visitors {
		return r, nil
	}
	r.line = line.Version
	r.leads, err = d.counted(ctx, tx, r.ports)
	return r, err
}

// counted returns the new leads of accounts, as their jobs count them: what is stored with a lead
// is what a line goes by, so that nothing has to be told, and a verdict that turns turns here.
func (d *Desk) counted(ctx context.Context, tx storage.Tx, ports map[routing.AccountID]activation.Agent) ([]routing.Leads, error) {
	var of []lead.AccountOf
	names := slices.Sorted(maps.Keys(ports))
	for _, name := range names {
		a := ports[name]
		job := lead.JobID{Code: a.ID.Code, Platform: a.Platform}
		of = append(of, lead.AccountOf{Job: job, Account: a.Account})
	}
	sums, err := d.p.Leads.In(tx).Accounts(ctx, of)
	var leads []routing.Leads
	for i, s := range sums {
		if !s.Day.IsZero() { // it has a job
			leads = append(leads, routing.Leads{Account: names[i], Day: s.Day, Today: s.Today.New, Total: s.Total.New})
		}
	}
	return leads, err
}

// attempts is how often a line is looked at where others change it meanwhile.
const attempts = 20

// onLine runs in a transaction of its own what looks at a line, and again where the line changed
// after its leads were read.
func (d *Desk) onLine(ctx context.Context, run func(ctx context.Context, tx storage.Tx) error) (err error) {
	for range attempts {
		if err = d.unit.InSave(ctx, run); !errors.Is(err, routing.ErrMoved) || ctx.Err() != nil {
			break
		}
	}
	return err
}

// An Arrival is a visitor who comes to a line.
type Arrival struct {
	Line    ids.Line          // line that the visitor comes by
	Visitor routing.VisitorID // "": whom the token is for
	Token   string            // of routing.Engine.Sign; "": none, where the line asks for none
	Origin  string            // where the visitor comes from, such as a hash of an address; "": not known
}

// Visit sends a visitor to an account of a line that asks for no token: see Arrive.
func (d *Desk) Visit(ctx context.Context, line ids.Line, v routing.VisitorID) (routing.Outcome, error) {
	return d.Arrive(ctx, Arrival{Line: line, Visitor: v})
}

// Arrive sends a visitor to an account of the line that is online. Targets count the new leads of
// its accounts, each in the job of the code that has the account, on that job's day: see
// routing.Leads. Errors: those of routing.Engine.Route, and *errs.InputError where the
// visitor has the name of a ticket.
func (d *Desk) Arrive(ctx context.Context, c Arrival) (out routing.Outcome, err error) {
	ctx, call := d.unit.Begin(ctx, "desk.arrive", routing.LineSubject(c.Line))
	defer call.End(&err)
	if c.Token != "" && c.Visitor == "" {
		v, err := d.p.Lines.Visitor(c.Line, c.Token)
		if err != nil {
			return routing.Outcome{}, fmt.Errorf("desk: visit: %w", err)
		}
		c.Visitor = v
	}
	if strings.HasPrefix(string(c.Visitor), tickets) {
		err := &errs.InputError{Field: "visitor", Reason: "begins with " + tickets + ", as tickets alone do"}
		return routing.Outcome{}, fmt.Errorf("desk: visit: %w", err)
	}
	var none error
	err = d.onLine(ctx, func(ctx context.Context, tx storage.Tx) error {
		call.Attempts++
		none = nil
		r, err := d.roster(ctx, tx, c.Line)
		if err != nil {
			return err
		}
		out, err = d.p.Lines.In(tx).Route(ctx, routing.Route{
			Line: c.Line, Visitor: c.Visitor, Token: c.Token, Origin: c.Origin, Online: r.online, Gone: r.gone, Leads: r.leads, Version: r.line,
		})
		var full *routing.NoCapacityError
		var limit *routing.LimitError
		if errors.As(err, &full) || errors.As(err, &limit) {
			none, err = err, nil // those who waited were served nevertheless
		}
		if err != nil {
			return err
		}
		return d.serve(ctx, tx, c.Line, out, r)
	})
	return out, cmp.Or(err, none)
}

// serve tells the tickets that waited in a line where they have gone, or that they waited for too
// long.
func (d *Desk) serve(ctx context.Context, tx storage.Tx, line ids.Line, out routing.Outcome, r roster) error {
	for _, s := range slices.Concat(out.Served, out.Lapsed) {
		name, isTicket := strings.CutPrefix(string(s.Visitor), tickets)
		if !isTicket {
			continue
		}
		id, err := ticket.Parse(name)
		if err == nil {
			err = d.sent(ctx, tx, id, line, s.Account, r)
		}
		if err != nil && !errors.Is(err, ticket.ErrUnknownTicket) && !errors.Is(err, ticket.ErrState) {
			return err
		}
	}
	return nil
}

// sent tells a ticket that it has gone to an account: one that has a port, or a name that the line
// alone knows. "": to none.
func (d *Desk) sent(ctx context.Context, tx storage.Tx, id ticket.ID, line ids.Line, name routing.AccountID, r roster) error {
	to, ok := account(name)
	if name != "" && !ok {
		to = ids.Account(name)
	}
	_, err := d.p.Tickets.In(tx).Route(ctx, ticket.Route{
		Ticket: id, Pool: line, Account: to, Code: r.ports[name].ID.Code,
	})
	return err
}

// Handle processes the tickets of the query, which are Received or Manual, and sends those of a
// pool to an account of the line of that name: one by one, each in a transaction. One whose code is
// not in use, or whose pool is no line, becomes Manual with the reason. Of a query for Pending or
// Assigned tickets it recalls those whose targets cannot handle them: see Recall. It returns how
// many it has handled, and of the latter how many it recalled. Where some fail, it goes on with the
// others, and its error is those of all of them, joined: of ticket.Engine.Process and of
// routing.Engine.Route. *errs.InputError: the query's state is another. It may run anywhere, any
// number of times.
func (d *Desk) Handle(ctx context.Context, q ticket.Query) (n int, err error) {
	ctx, call := d.unit.Begin(ctx, "desk.handle", "")
	defer call.End(&err)
	if q.State == ticket.Pending || q.State == ticket.Assigned {
		return d.recallAll(ctx, q)
	}
	if q.State != ticket.Received && q.State != ticket.Manual {
		return 0, fmt.Errorf("desk: handle: %w", &errs.InputError{Field: "state", Reason: "is none of received, manual, pending and assigned"})
	}
	var failed []error
	for t, err := range d.p.Tickets.Tickets(ctx, q) {
		if err != nil {
			failed = append(failed, fmt.Errorf("desk: handle: %w", err))
			break
		}
		err = d.onLine(ctx, func(ctx context.Context, tx storage.Tx) error { return d.handle(ctx, tx, t) })
		if err == nil || errors.Is(err, errSame) {
			n++
			continue
		}
		if failed = append(failed, fmt.Errorf("desk: handle %s: %w", t.ID, err)); ctx.Err() != nil {
			break
		}
	}
	return n, errors.Join(failed...)
}

// errSame rolls a transaction back that would leave a ticket as it is.
var errSame = errors.New("desk: the ticket stays as it is")

func (d *Desk) handle(ctx context.Context, tx storage.Tx, was ticket.Ticket) error {
	id := was.ID
	done, err := d.p.Tickets.In(tx).Process(ctx, id)
	if err != nil || done.State != ticket.Pending {
		return err
	}
	if recalled, err := d.recall(ctx, tx, id, done.Target); err != nil || recalled {
		return cmp.Or(err, d.changed(ctx, tx, was))
	}
	if done.Target.Pool == "" || done.Target.Account != "" {
		return nil
	}
	line := done.Target.Pool
	r, err := d.roster(ctx, tx, line)
	var out routing.Outcome
	if err == nil {
		out, err = d.p.Lines.In(tx).Route(ctx, routing.Route{
			Line: line, Visitor: Visitor(id), Order: true, Online: r.online, Gone: r.gone, Leads: r.leads, Version: r.line,
		})
	}
	var none *routing.NoCapacityError
	switch {
	case errors.As(err, &none):
		if _, err = d.p.Tickets.In(tx).Route(ctx, ticket.Route{Ticket: id, Pool: done.Target.Pool}); err == nil && len(out.Served)+len(out.Lapsed) == 0 {
			err = d.changed(ctx, tx, was)
		}
	case err == nil && !out.Waiting:
		err = d.sent(ctx, tx, id, line, out.Account, r)
	}
	if err != nil {
		return err
	}
	return d.serve(ctx, tx, line, out, r)
}

// changed returns errSame where a ticket is as it was, but for the time.
func (d *Desk) changed(ctx context.Context, tx storage.Tx, was ticket.Ticket) error {
	is, _, err := d.p.Tickets.In(tx).Ticket(ctx, was.ID)
	is.Version, is.Seq, is.Updated = was.Version, was.Seq, was.Updated
	if err == nil && bytes.Equal(journal.JSON(is), journal.JSON(was)) {
		err = errSame
	}
	return err
}

// Drain serves those who wait in a line, visitors and tickets, by the accounts that are online.
// Errors: those of routing.Engine.Drain.
func (d *Desk) Drain(ctx context.Context, line ids.Line) (out routing.Outcome, err error) {
	ctx, call := d.unit.Begin(ctx, "desk.drain", routing.LineSubject(line))
	defer call.End(&err)
	err = d.onLine(ctx, func(ctx context.Context, tx storage.Tx) error {
		call.Attempts++
		r, err := d.roster(ctx, tx, line)
		if err != nil {
			return err
		}
		if out, err = d.p.Lines.In(tx).Drain(ctx, routing.Drain{Line: line, Online: r.online, Gone: r.gone, Leads: r.leads, Version: r.line}); err != nil {
			return err
		}
		return d.serve(ctx, tx, line, out, r)
	})
	return out, err
}

// Assign gives a ticket to somebody, and takes it from the line where it waits. Errors:
// *TargetError where the target cannot handle it, and those of ticket.Engine.Assign. Repeated with
// its key it answers as before, whatever became of the target.
func (d *Desk) Assign(ctx context.Context, c ticket.Assign) (ticket.Outcome, error) {
	return d.decide(ctx, "desk.assign", c.Ticket, func(ctx context.Context, tx storage.Tx) (ticket.Outcome, error) {
		out, err := d.p.Tickets.In(tx).Assign(ctx, c)
		if err != nil || out.Replayed {
			return out, err
		}
		why, err := d.unusable(ctx, tx, c.Target)
		if err == nil && why != "" {
			err = fmt.Errorf("desk: assign: %w", &TargetError{c.Target, why})
		}
		return out, err
	})
}

// Reject ends a ticket, and takes it from the line where it waits. Errors: those of
// ticket.Engine.Reject.
func (d *Desk) Reject(ctx context.Context, c ticket.Reject) (ticket.Outcome, error) {
	return d.decide(ctx, "desk.reject", c.Ticket, func(ctx context.Context, tx storage.Tx) (ticket.Outcome, error) {
		return d.p.Tickets.In(tx).Reject(ctx, c)
	})
}

func (d *Desk) decide(
	ctx context.Context, name string, id ticket.ID, run func(ctx context.Context, tx storage.Tx) (ticket.Outcome, error),
) (out ticket.Outcome, err error) {
	ctx, call := d.unit.Begin(ctx, name, id.Subject())
	defer call.End(&err)
	err = d.unit.InSave(ctx, func(ctx context.Context, tx storage.Tx) error {
		call.Attempts++
		t, _, err := d.p.Tickets.In(tx).Ticket(ctx, id)
		if err != nil {
			return err
		}
		if out, err = run(ctx, tx); err != nil || t.State != ticket.Pending || t.Target.Pool == "" {
			return err
		}
		_, err = d.p.Lines.In(tx).Leave(ctx, routing.Leave{Line: t.Target.Pool, Visitor: Visitor(id)})
		if errors.Is(err, routing.ErrUnknownLine) {
			return nil
		}
		return err
	})
	if err != nil {
		return ticket.Outcome{}, err
	}
	call.Replayed = out.Replayed
	return out, nil
}
