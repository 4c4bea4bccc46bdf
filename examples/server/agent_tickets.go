package main

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/scrmkit/scrmkit/scrm/desk"
	"github.com/scrmkit/scrmkit/scrm/ticket"
)

type myTicketsQuery struct {
	Paged
	State ticket.State `query:"state"`
}

// Remark is what an agent says about a ticket.
type Remark struct {
	Note string `json:"note,omitempty"`
}

type myTicketInput struct {
	OfTicket
	Keyed
	Body Remark
}

func (in *myTicketInput) order(ctx context.Context) desk.Order {
	return desk.Order{Token: caller(ctx).token, Ticket: in.id(), Note: in.Body.Note, Key: in.Key}
}

func (s *Server) agentTicketRoutes(api huma.API) {
	const one = "/agent/tickets/{site}/{event}"
	op(s, api, agent, http.MethodGet, "/agent/tickets", "The tickets of my code, the newest first", s.myTickets)
	op(s, api, agent, http.MethodPost, one+"/takes", "Take a ticket of my code", s.takeTicket)
	op(s, api, agent, http.MethodPost, one+"/returns", "Hand a ticket of my code back, and say why", s.handTicketBack)
	op(s, api, agent, http.MethodPost, one+"/ends", "Say that I have handled a ticket", s.finishTicket)
}

func (s *Server) myTickets(ctx context.Context, in *myTicketsQuery) (*reply[list[ticket.Ticket]], error) {
	return listed(s.desk.Mine(ctx, caller(ctx).token, in.State, in.Limit), in.Limit)
}

func (s *Server) takeTicket(ctx context.Context, in *myTicketInput) (*reply[ticket.Outcome], error) {
	out, err := s.desk.Take(ctx, in.order(ctx))
	return answered(out, out.Replayed, err)
}

func (s *Server) handTicketBack(ctx context.Context, in *myTicketInput) (*reply[ticket.Outcome], error) {
	out, err := s.desk.HandBack(ctx, in.order(ctx))
	return answered(out, out.Replayed, err)
}

func (s *Server) finishTicket(ctx context.Context, in *myTicketInput) (*reply[ticket.Outcome], error) {
	out, err := s.desk.Finish(ctx, in.order(ctx))
	return answered(out, out.Replayed, err)
}
