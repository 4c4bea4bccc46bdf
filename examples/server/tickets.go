package main

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/scrm/ticket"
)

type OfSite struct {
	Site ticket.SiteID `path:"site"`
}

type putSiteInput struct {
	OfSite
	Keyed
	Body ticket.Settings
}

// NewSecret is one that a site has chosen; without it one is made.
type NewSecret struct {
	Secret string `json:"secret,omitempty"`
}

type addSecretInput struct {
	OfSite
	Keyed
	Body NewSecret
}

// ShownSecret is a secret that was added; it is empty where the request is repeated.
type ShownSecret struct {
	ID     string `json:"id"`
	Secret string `json:"secret,omitempty" doc:"What the site signs with: it is shown this once"`
}

type retireSecretInput struct {
	OfSite
	Secret string `path:"secret"`
	Keyed
}

type OfTemplates struct {
	Templates ticket.TemplatesID `path:"templates"`
	Version   int                `path:"version" minimum:"1"`
}

type publishTemplatesInput struct {
	OfTemplates
	Body ticket.Templates
}

type OfTicket struct {
	OfSite
	Event ticket.EventID `path:"event"`
}

func (in OfTicket) id() ticket.ID { return ticket.ID{Site: in.Site, Event: in.Event} }

type ticketsQuery struct {
	Paged
	Site     ticket.SiteID `query:"site"`
	State    ticket.State  `query:"state"`
	Platform string        `query:"platform"`
	Country  string        `query:"country"`
	Code     ids.Code      `query:"code" doc:"Of the target"`
	Account  ids.Account   `query:"account" doc:"Of the target"`
	From     time.Time     `query:"from"`
	To       time.Time     `query:"to"`
}

// A TicketRow is a ticket in the list (网站工单管理).
type TicketRow struct {
	ID       ticket.ID     `json:"id"`
	Name     string        `json:"name"`
	Country  string        `json:"country,omitempty"`
	Platform string        `json:"platform,omitempty"`
	Customer string        `json:"customer,omitempty"`
	Phone    string        `json:"phone,omitempty" doc:"In E.164, or as it was typed where it could not be read"`
	State    ticket.State  `json:"state"`
	Reason   ticket.Reason `json:"reason,omitempty"`
	Created  time.Time     `json:"created"`
	SiteName string        `json:"siteName,omitempty"`
	Gender   string        `json:"gender,omitempty"`
	Remark   string        `json:"remark,omitempty"`
	Target   ticket.Target `json:"target,omitzero"`
}

// TicketView is a ticket with its name.
type TicketView struct {
	Name string `json:"name"`
	ticket.Ticket
	Body string `json:"body,omitempty" doc:"As it was pushed"`
}

// Processing is which tickets to process, the oldest first.
type Processing struct {
	State ticket.State  `json:"state" enum:"received,manual"`
	Site  ticket.SiteID `json:"site,omitempty"`
	From  time.Time     `json:"from,omitzero"`
	To    time.Time     `json:"to,omitzero"`
}

type processInput struct{ Body Processing }

// Processed is how many tickets were.
type Processed struct {
	N       int              `json:"n"`
	Next    time.Time        `json:"next,omitzero" doc:"There are more: go on from here"`
	Problem *huma.ErrorModel `json:"problem,omitempty" doc:"Why some were not"`
}

// Assignment is who handles a ticket.
type Assignment struct {
	Target ticket.Target `json:"target"`
	Note   string        `json:"note,omitempty"`
}

type assignInput struct {
	OfTicket
	Keyed
	Body Assignment
}

// Rejection is why a ticket ends.
type Rejection struct {
	Note string `json:"note"`
}

type rejectInput struct {
	OfTicket
	Keyed
	Body Rejection
}

func (s *Server) ticketRoutes(api huma.API) {
	const site, one, templates = "/sites/{site}", "/tickets/{site}/{event}", "/templates/{templates}/versions/{version}"
	op(s, api, admin, http.MethodPut, site, "Make or change a website that pushes", s.putSite)
	op(s, api, admin, http.MethodGet, "/sites", "The websites", s.sites)
	op(s, api, admin, http.MethodGet, site, "A website", s.site)
	op(s, api, admin, http.MethodPost, site+"/secrets", "Give a website one more secret", s.addSecret)
	op(s, api, admin, http.MethodDelete, site+"/secrets/{secret}", "Retire a secret", s.retireSecret)
	op(s, api, admin, http.MethodPut, templates, "Publish a version of templates", s.publishTemplates)
	op(s, api, admin, http.MethodGet, templates, "A version of templates", s.templates)
	op(s, api, admin, http.MethodGet, "/tickets", "The tickets, the newest first", s.ticketList)
	op(s, api, admin, http.MethodPost, "/tickets", "Process tickets by the templates as they are now", s.processTickets)
	op(s, api, admin, http.MethodGet, one, "A ticket, with what was pushed", s.ticket)
	op(s, api, admin, http.MethodPost, one+"/decisions", "Process a ticket by the templates as they are now", s.processTicket)
	op(s, api, admin, http.MethodPost, one+"/assignments", "Give a ticket to somebody", s.assignTicket)
	op(s, api, admin, http.MethodPost, one+"/rejections", "Reject a ticket", s.rejectTicket)
}

// hook takes a push: 202, once it is stored.
func (s *Server) hook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		d := ticket.Delivery{Header: r.Header.Get, Query: r.URL.Query().Get, Body: body}
		_, err = s.tickets.Receive(r.Context(), ticket.SiteID(r.PathValue("site")), d)
	}
	if err != nil {
		model, header := s.explain(r.Context(), err)
		writeProblem(w, model, header)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func (s *Server) putSite(ctx context.Context, in *putSiteInput) (*reply[ticket.Site], error) {
	return found(s.tickets.PutSite(ctx, ticket.PutSite{Site: in.Site, Settings: in.Body, By: caller(ctx).name, Key: in.Key}))
}

func (s *Server) sites(ctx context.Context, in *Paged) (*reply[list[ticket.Site]], error) {
	return listed(s.tickets.Sites(ctx), in.Limit)
}

func (s *Server) site(ctx context.Context, in *OfSite) (*reply[ticket.Site], error) {
	return found(s.tickets.Site(ctx, in.Site))
}

func (s *Server) addSecret(ctx context.Context, in *addSecretInput) (*reply[ShownSecret], error) {
	added, err := s.tickets.AddSecret(ctx, ticket.AddSecret{Site: in.Site, Secret: in.Body.Secret, By: caller(ctx).name, Key: in.Key})
	return found(ShownSecret{added.ID, added.Secret}, err)
}

func (s *Server) retireSecret(ctx context.Context, in *retireSecretInput) (*reply[ticket.Site], error) {
	return found(s.tickets.RetireSecret(ctx, ticket.RetireSecret{Site: in.Site, ID: in.Secret, By: caller(ctx).name, Key: in.Key}))
}

func (s *Server) publishTemplates(ctx context.Context, in *publishTemplatesInput) (*reply[ticket.Templates], error) {
	if in.Body.ID != in.Templates || in.Body.Version != in.Version {
		return nil, &errs.InputError{Field: "id", Reason: "and version are not those of the address"}
	}
	p, err := s.tickets.Publish(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	return found(p.Templates(), nil)
}

func (s *Server) templates(ctx context.Context, in *OfTemplates) (*reply[ticket.Templates], error) {
	p, err := s.tickets.Program(ctx, in.Templates, in.Version)
	if err != nil {
		return nil, err
	}
	return found(p.Templates(), nil)
}

func (s *Server) ticketList(ctx context.Context, in *ticketsQuery) (*reply[list[TicketRow]], error) {
	q := ticket.Query{Site: in.Site, State: in.State, Platform: in.Platform, Country: in.Country, Code: in.Code, Account: in.Account, From: in.From, To: in.To, Limit: in.Limit}
	names := map[ticket.SiteID]string{}
	return listed(func(yield func(TicketRow, error) bool) {
		for t, err := range s.tickets.Tickets(ctx, q) {
			name, known := names[t.ID.Site]
			if err == nil && !known {
				var site ticket.Site
				site, err = s.tickets.Site(ctx, t.ID.Site)
				name = site.Settings.Name
				names[t.ID.Site] = name
			}
			if !yield(ticketRow(t, name), err) {
				return
			}
		}
	}, in.Limit)
}

func ticketRow(t ticket.Ticket, site string) TicketRow {
	f := t.Fields
	return TicketRow{
		ID: t.ID, Name: t.Name(), Country: f.Country, Platform: f.Platform, Customer: f.Name, Phone: cmp.Or(f.Phone, f.Typed),
		State: t.State, Reason: t.Reason, Created: t.Received, SiteName: site, Gender: f.Gender, Remark: f.Remark, Target: t.Target,
	}
}

func (s *Server) processTickets(ctx context.Context, in *processInput) (*reply[Processed], error) {
	b := in.Body
	n, next, err := s.process(ctx, ticket.Query{State: b.State, Site: b.Site, From: b.From, To: b.To, Limit: maxSweep})
	out := Processed{N: n, Next: next}
	if err != nil && out == (Processed{}) {
		return nil, err
	}
	if err != nil {
		out.Problem, _ = s.explain(ctx, err)
	}
	return found(out, nil)
}

// process processes the tickets of a query, the oldest first, and tells how many there were and
// from when to go on: where there are more than the query's limit, which is rounded up to all that
// came in the last one's microsecond.
func (s *Server) process(ctx context.Context, q ticket.Query) (n int, next time.Time, err error) {
	q.Oldest = true
	found, last := 0, time.Time{}
	for t, err := range s.tickets.Tickets(ctx, q) {
		if err != nil {
			return 0, next, err
		}
		found, last = found+1, t.Received
	}
	if found == q.Limit {
		next = last.Add(time.Microsecond)
		q.To = next
	}
	q.Limit = 0
	n, err = s.desk.Handle(ctx, q)
	return n, next, err
}

func (s *Server) processTicket(ctx context.Context, in *OfTicket) (*reply[TicketView], error) {
	t, _, err := s.tickets.Ticket(ctx, in.id())
	if err == nil && (t.State == ticket.Received || t.State == ticket.Manual) {
		_, err = s.desk.Handle(ctx, ticket.Query{Site: in.Site, Event: in.Event, State: t.State})
	}
	if err != nil {
		return nil, err
	}
	return s.ticket(ctx, in)
}

func (s *Server) ticket(ctx context.Context, in *OfTicket) (*reply[TicketView], error) {
	t, body, err := s.tickets.Ticket(ctx, in.id())
	return found(TicketView{t.Name(), t, string(body)}, err)
}

func (s *Server) assignTicket(ctx context.Context, in *assignInput) (*reply[ticket.Outcome], error) {
	b := in.Body
	out, err := s.desk.Assign(ctx, ticket.Assign{Ticket: in.id(), Target: b.Target, Note: b.Note, By: caller(ctx).name, Key: in.Key})
	return answered(out, out.Replayed, err)
}

func (s *Server) rejectTicket(ctx context.Context, in *rejectInput) (*reply[ticket.Outcome], error) {
	out, err := s.desk.Reject(ctx, ticket.Reject{Ticket: in.id(), Note: in.Body.Note, By: caller(ctx).name, Key: in.Key})
	return answered(out, out.Replayed, err)
}
