package main

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/scrm/office"
)

// SignIn is what an agent types, and where.
type SignIn struct {
	Code   string              `json:"code"`
	Device activation.DeviceID `json:"device"`
	Agent  activation.AgentID  `json:"agent,omitempty"`
}

type signInInput struct{ Body SignIn }

// SeatView is what a session has.
type SeatView struct {
	activation.Seat
	Token string `json:"token,omitempty" doc:"Of a sign-in alone: the bearer token of the session"`
}

type nothingInput struct{}

type keyedInput struct{ Keyed }

// NewPort is a port to open.
type NewPort struct {
	Platform activation.PlatformID `json:"platform"`
}

type openPortInput struct {
	Keyed
	Body NewPort
}

// Pairing is a QR code that is shown.
type Pairing struct {
	Until time.Time `json:"until"`
}

type pairInput struct {
	N int64 `path:"n"`
	Keyed
	Body Pairing
}

// Linking is an account that has scanned it.
type Linking struct {
	Account activation.AccountID `json:"account"`
	Name    string               `json:"name,omitempty"`
}

type linkInput struct {
	N int64 `path:"n"`
	Keyed
	Body Linking
}

// Told is that a contact and an account of the agent's met.
type Told struct {
	Platform lead.PlatformID `json:"platform"`
	Contact  []lead.Identity `json:"contact"`
	Event    lead.Event      `json:"event"`
}

type toldInput struct{ Body Told }

func (s *Server) agentRoutes(api huma.API) {
	op(s, api, anyone, http.MethodPost, "/agent/sessions", "Sign in with a code", s.signIn)
	op(s, api, agent, http.MethodGet, "/agent", "My session and my code", s.seat)
	op(s, api, agent, http.MethodPost, "/agent/beats", "Say that I am online, every minute", s.beat)
	op(s, api, agent, http.MethodPost, "/agent/ends", "Sign out", s.signOut)
	op(s, api, agent, http.MethodPost, "/agent/ports", "Open a port for an account", s.openPort)
	op(s, api, agent, http.MethodPost, "/agent/ports/{n}/pairings", "Say that a QR code is shown", s.pair)
	op(s, api, agent, http.MethodPost, "/agent/ports/{n}/links", "Say that an account has linked the port", s.link)
	op(s, api, agent, http.MethodPost, "/agent/events", "Count an event of a contact; its id makes it safe to repeat", s.tell)
}

func (s *Server) signIn(ctx context.Context, in *signInInput) (*reply[SeatView], error) {
	seat, err := s.activation.SignIn(ctx, activation.SignIn{Code: in.Body.Code, Device: in.Body.Device, Agent: in.Body.Agent})
	return found(SeatView{seat, seat.Token}, err)
}

func (s *Server) seat(ctx context.Context, _ *nothingInput) (*reply[SeatView], error) {
	return found(SeatView{Seat: caller(ctx).seat}, nil)
}

func (s *Server) beat(ctx context.Context, _ *nothingInput) (*reply[SeatView], error) {
	seat, err := s.activation.Beat(ctx, caller(ctx).token)
	return found(SeatView{Seat: seat}, err)
}

func (s *Server) signOut(ctx context.Context, in *keyedInput) (*reply[activation.Code], error) {
	p := caller(ctx)
	return found(s.activation.SignOut(ctx, activation.SignOut{Session: p.seat.ID(), By: p.name, Key: in.Key}))
}

func (s *Server) openPort(ctx context.Context, in *openPortInput) (*reply[activation.Port], error) {
	p := caller(ctx)
	return found(s.activation.Open(ctx, activation.Open{Session: p.seat.ID(), Platform: in.Body.Platform, By: p.name, Key: in.Key}))
}

func (s *Server) pair(ctx context.Context, in *pairInput) (*reply[activation.Port], error) {
	p := caller(ctx)
	return found(s.activation.Pair(ctx, activation.Pair{Session: p.seat.ID(), Port: in.N, Until: in.Body.Until, By: p.name, Key: in.Key}))
}

func (s *Server) link(ctx context.Context, in *linkInput) (*reply[activation.Port], error) {
	p := caller(ctx)
	return found(s.activation.Link(ctx, activation.Link{
		Session: p.seat.ID(), Port: in.N, Account: in.Body.Account, Name: in.Body.Name, By: p.name, Key: in.Key,
	}))
}

func (s *Server) tell(ctx context.Context, in *toldInput) (*reply[lead.Outcome], error) {
	b := in.Body
	return found(s.office.Report(ctx, office.Report{Token: caller(ctx).token, Platform: b.Platform, Contact: b.Contact, Event: b.Event}))
}
