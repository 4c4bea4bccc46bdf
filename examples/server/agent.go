package main

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/desk"
	"github.com/scrmkit/scrmkit/scrm/lead"
)

// SignIn is what an agent types, and where.
type SignIn struct {
	Code        string              `json:"code"`
	Device      activation.DeviceID `json:"device"`
	DeviceToken string              `json:"deviceToken,omitempty" doc:"Of a device that was added"`
	Agent       activation.AgentID  `json:"agent,omitempty"`
}

type signInInput struct{ Body SignIn }

// AccessView is what an agent is told: of the session, and of the code what it may do.
type AccessView struct {
	Code    CodeView           `json:"code"`
	Session activation.Session `json:"session"`
	Token   string             `json:"token,omitempty" doc:"Of a sign-in alone: the bearer token of the session"`
}

// CodeView is what a code may do.
type CodeView struct {
	ID        ids.Code          `json:"id"`
	Platforms []ids.Platform    `json:"platforms"`
	Ports     int               `json:"ports,omitempty" doc:"How many accounts work at a time; of the pool, where it has one"`
	Pool      activation.PoolID `json:"pool,omitempty"`
	Expires   time.Time         `json:"expires,omitzero"`
}

func viewCode(c activation.Code) CodeView {
	k := c.Settings
	return CodeView{ID: c.ID, Platforms: k.Platforms, Ports: k.Ports, Pool: k.Pool, Expires: k.Expires}
}

func viewAccess(s activation.Access) AccessView {
	return AccessView{Code: viewCode(s.Code), Session: s.Session, Token: s.Token}
}

type nothingInput struct{}

type keyedInput struct{ Keyed }

// NewPort is a port to open.
type NewPort struct {
	Platform ids.Platform `json:"platform"`
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
	Account ids.Account `json:"account"`
	Name    string      `json:"name,omitempty"`
}

type linkInput struct {
	N int64 `path:"n"`
	Keyed
	Body Linking
}

// PortEnd is a state that an agent gives a port.
type PortEnd struct {
	State  activation.PortState `json:"state" enum:"loggedOut,closed"`
	Reason string               `json:"reason,omitempty"`
}

type portEndInput struct {
	N int64 `path:"n"`
	Keyed
	Body PortEnd
}

// Told is that a contact and an account of the agent's met.
type Told struct {
	Platform ids.Platform    `json:"platform"`
	Contact  []lead.Identity `json:"contact"`
	Event    lead.Event      `json:"event"`
}

type toldInput struct{ Body Told }

func (s *Server) agentRoutes(api huma.API) {
	op(s, api, anyone, http.MethodPost, "/agent/sessions", "Sign in with a code", s.signIn)
	op(s, api, agent, http.MethodGet, "/agent", "My session and my code", s.access)
	op(s, api, agent, http.MethodPost, "/agent/beats", "Say that I am online, every minute", s.beat)
	op(s, api, agent, http.MethodPost, "/agent/ends", "Sign out", s.signOut)
	op(s, api, agent, http.MethodPost, "/agent/ports", "Open a port for an account", s.openPort)
	op(s, api, agent, http.MethodPost, "/agent/ports/{n}/pairings", "Say that a QR code is shown", s.pair)
	op(s, api, agent, http.MethodPost, "/agent/ports/{n}/links", "Say that an account has linked the port", s.link)
	op(s, api, agent, http.MethodPost, "/agent/ports/{n}/states", "Log my account out, or close my port", s.endPort)
	s.agentTicketRoutes(api)
	op(s, api, agent, http.MethodPost, "/agent/events", "Count an event of a contact; its id makes it safe to repeat", s.tell)
}

func (s *Server) signIn(ctx context.Context, in *signInInput) (*reply[AccessView], error) {
	b := in.Body
	access, err := s.activation.SignIn(ctx, activation.SignIn{Code: b.Code, Device: b.Device, DeviceToken: b.DeviceToken, Agent: b.Agent})
	return found(viewAccess(access), err)
}

func (s *Server) access(ctx context.Context, _ *nothingInput) (*reply[AccessView], error) {
	return found(viewAccess(caller(ctx).access), nil)
}

func (s *Server) beat(ctx context.Context, _ *nothingInput) (*reply[AccessView], error) {
	access, err := s.activation.Beat(ctx, caller(ctx).token)
	return found(viewAccess(access), err)
}

func (s *Server) signOut(ctx context.Context, in *keyedInput) (*reply[CodeView], error) {
	p := caller(ctx)
	code, err := s.activation.SignOut(ctx, activation.SignOut{Session: p.access.ID(), By: p.name, Key: in.Key})
	return found(viewCode(code), err)
}

func (s *Server) openPort(ctx context.Context, in *openPortInput) (*reply[activation.Port], error) {
	return found(s.activation.Open(ctx, activation.Open{Session: caller(ctx).access.ID(), Platform: in.Body.Platform, Key: in.Key}))
}

func (s *Server) pair(ctx context.Context, in *pairInput) (*reply[activation.Port], error) {
	return found(s.activation.Pair(ctx, activation.Pair{Session: caller(ctx).access.ID(), Port: in.N, Until: in.Body.Until, Key: in.Key}))
}

func (s *Server) link(ctx context.Context, in *linkInput) (*reply[activation.Port], error) {
	return found(s.activation.Link(ctx, activation.Link{
		Session: caller(ctx).access.ID(), Port: in.N, Account: in.Body.Account, Name: in.Body.Name, Key: in.Key,
	}))
}

func (s *Server) endPort(ctx context.Context, in *portEndInput) (*reply[activation.Port], error) {
	p := caller(ctx)
	change := s.activation.Logout
	if in.Body.State == activation.Closed {
		change = s.activation.Close
	}
	id := activation.PortID{Code: p.access.Code.ID, N: in.N}
	return found(change(ctx, activation.Leave{Port: id, Session: p.access.Session.N, Reason: in.Body.Reason, By: p.name, Key: in.Key}))
}

func (s *Server) tell(ctx context.Context, in *toldInput) (*reply[desk.Answer], error) {
	b := in.Body
	out, err := s.desk.Report(ctx, desk.Report{Token: caller(ctx).token, Platform: b.Platform, Contact: b.Contact, Event: b.Event})
	return answered(out, out.Replayed, err)
}
