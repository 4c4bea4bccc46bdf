package main

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/desk"
	"github.com/scrmkit/scrmkit/scrm/lead"
)

type OfCode struct {
	Code ids.Code `path:"code"`
}

// NewCodes are codes to make.
type NewCodes struct {
	N        int                 `json:"n"`
	Settings activation.Settings `json:"settings"`
	Targets  lead.Targets        `json:"targets,omitzero" doc:"Of the jobs that count its leads"`
}

// ShownCode is a code that was made; the code itself is empty where the request is repeated.
type ShownCode struct {
	ID   ids.Code `json:"id"`
	Code string   `json:"code,omitempty" doc:"What agents sign in with: it is shown this once"`
}

type newCodesInput struct {
	Keyed
	Body NewCodes
}

type editCodeInput struct {
	OfCode
	Keyed
	Body activation.Settings
}

type codeInput struct {
	OfCode
	Keyed
}

// CodeStates are codes and the state that they are to have.
type CodeStates struct {
	Codes []ids.Code       `json:"codes"`
	State activation.State `json:"state" enum:"enabled,disabled,expired,deleted"`
}

type codeStatesInput struct {
	Keyed
	Body CodeStates
}

type rowsQuery struct {
	Paged
	Platforms  []string         `query:"platform" doc:"Whose jobs to show, one or several, with commas or in several parameters; whatsapp and line where none is given"`
	Department string           `query:"department"`
	State      activation.State `query:"state"`
}

type sessionInput struct {
	OfCode
	N int64 `path:"n"`
	Keyed
}

// PortChange is a state that a port is to have.
type PortChange struct {
	State  activation.PortState `json:"state" enum:"loggedOut,banned,closed"`
	Reason string               `json:"reason,omitempty"`
}

type portInput struct {
	OfCode
	N int64 `path:"n"`
	Keyed
	Body PortChange
}

type OfPool struct {
	Pool activation.PoolID `path:"pool"`
}

// PoolSize is how many ports a pool has.
type PoolSize struct {
	Ports int `json:"ports"`
}

type poolInput struct {
	OfPool
	Keyed
	Body PoolSize
}

type agentsQuery struct {
	Paged
	Platform ids.Platform `query:"platform"`
	Account  ids.Account  `query:"account"`
	Code     ids.Code     `query:"code"`
}

// ShownInvitation is what the QR code for a device has.
type ShownInvitation struct {
	activation.Invited
	Token string `json:"token,omitempty"`
}

type inviteDeviceInput struct{ Keyed }

type deviceInput struct {
	Device activation.DeviceID `path:"device"`
	Keyed
}

// NewDevice is a device that has scanned an invitation.
type NewDevice struct {
	Token  string              `json:"token"`
	Device activation.DeviceID `json:"device"`
	Name   string              `json:"name,omitempty"`
}

// ShownDevice is a device that was added; its token is empty where the request is repeated.
type ShownDevice struct {
	activation.Device
	Token string `json:"token,omitempty" doc:"What the device signs in with, where a code is for added devices alone: it is shown this once"`
}

type newDeviceInput struct {
	Keyed
	Body NewDevice
}

func (s *Server) codeRoutes(api huma.API) {
	const code, pool = "/codes/{code}", "/pools/{pool}"
	op(s, api, admin, http.MethodPost, "/codes", "Make activation codes, with the jobs that count their leads", s.newCodes)
	op(s, api, admin, http.MethodGet, "/codes", "The codes, with who is online and what they counted", s.codeRows)
	op(s, api, admin, http.MethodPost, "/code-states", "Enable, disable, expire or delete codes", s.codeStates)
	op(s, api, admin, http.MethodGet, code, "A code with its sessions", s.code)
	op(s, api, admin, http.MethodPut, code, "Change a code and its jobs", s.editCode)
	op(s, api, admin, http.MethodPost, code+"/renewals", "Give a code another secret", s.renewCode)
	op(s, api, admin, http.MethodDelete, code+"/sessions/{n}", "End a session", s.endSession)
	op(s, api, admin, http.MethodPost, code+"/ports/{n}/states", "Log an account out, note its ban, or close its port", s.changePort)
	op(s, api, admin, http.MethodPut, pool, "Make a pool of ports, or change how many it has", s.putPool)
	op(s, api, admin, http.MethodGet, pool, "A pool of ports", s.pool)
	op(s, api, admin, http.MethodGet, "/agents", "The accounts that agents work with", s.agents)
	op(s, api, admin, http.MethodGet, "/devices", "The devices", s.devices)
	op(s, api, admin, http.MethodPost, "/device-invitations", "Invite a device, by QR code", s.inviteDevice)
	op(s, api, admin, http.MethodDelete, "/devices/{device}", "Remove a device and end its sessions", s.removeDevice)
	op(s, api, anyone, http.MethodPost, "/devices", "Add the device that has scanned an invitation", s.addDevice)
}

func (s *Server) newCodes(ctx context.Context, in *newCodesInput) (*reply[list[ShownCode]], error) {
	b := in.Body
	made, err := s.desk.Create(ctx, desk.Create{
		Codes: activation.Create{N: b.N, Settings: b.Settings, By: caller(ctx).name, Key: in.Key}, Targets: b.Targets,
	})
	shown := make([]ShownCode, len(made))
	for i, m := range made {
		shown[i] = ShownCode{m.ID, m.Code}
	}
	return found(list[ShownCode]{shown}, err)
}

func (s *Server) codeRows(ctx context.Context, in *rowsQuery) (*reply[list[desk.Row]], error) {
	q := desk.Query{CodeQuery: activation.CodeQuery{Department: in.Department, State: in.State, Limit: in.Limit}}
	for _, p := range in.Platforms {
		q.Platforms = append(q.Platforms, ids.Platform(p))
	}
	if len(q.Platforms) == 0 {
		q.Platforms = []ids.Platform{"whatsapp", "line"}
	}
	return listed(s.desk.Rows(ctx, q), in.Limit)
}

func (s *Server) codeStates(ctx context.Context, in *codeStatesInput) (*reply[list[activation.Code]], error) {
	change := map[activation.State]func(context.Context, activation.CodeBatch) ([]activation.Code, error){
		activation.Enabled: s.activation.Enable, activation.Disabled: s.activation.Disable,
		activation.Expired: s.activation.Expire, activation.Deleted: s.activation.Delete,
	}[in.Body.State]
	codes, err := change(ctx, activation.CodeBatch{Codes: in.Body.Codes, By: caller(ctx).name, Key: in.Key})
	return found(list[activation.Code]{codes}, err)
}

func (s *Server) code(ctx context.Context, in *OfCode) (*reply[activation.Code], error) {
	return found(s.activation.Code(ctx, in.Code))
}

func (s *Server) editCode(ctx context.Context, in *editCodeInput) (*reply[activation.Code], error) {
	return found(s.desk.Edit(ctx, activation.Edit{Code: in.Code, Settings: in.Body, By: caller(ctx).name, Key: in.Key}))
}

func (s *Server) renewCode(ctx context.Context, in *codeInput) (*reply[ShownCode], error) {
	made, err := s.activation.Renew(ctx, activation.Renew{Code: in.Code, By: caller(ctx).name, Key: in.Key})
	return found(ShownCode{made.ID, made.Code}, err)
}

func (s *Server) endSession(ctx context.Context, in *sessionInput) (*reply[activation.Code], error) {
	id := activation.SessionID{Code: in.Code, N: in.N}
	return found(s.activation.SignOut(ctx, activation.SignOut{Session: id, By: caller(ctx).name, Key: in.Key}))
}

func (s *Server) changePort(ctx context.Context, in *portInput) (*reply[activation.Port], error) {
	change := map[activation.PortState]func(context.Context, activation.Leave) (activation.Port, error){
		activation.LoggedOut: s.activation.Logout, activation.Banned: s.activation.Ban, activation.Closed: s.activation.Close,
	}[in.Body.State]
	id := activation.PortID{Code: in.Code, N: in.N}
	return found(change(ctx, activation.Leave{Port: id, Reason: in.Body.Reason, By: caller(ctx).name, Key: in.Key}))
}

func (s *Server) putPool(ctx context.Context, in *poolInput) (*reply[activation.Pool], error) {
	return found(s.activation.PutPool(ctx, activation.PutPool{Pool: in.Pool, Ports: in.Body.Ports, By: caller(ctx).name, Key: in.Key}))
}

func (s *Server) pool(ctx context.Context, in *OfPool) (*reply[activation.Pool], error) {
	return found(s.activation.Pool(ctx, in.Pool))
}

func (s *Server) agents(ctx context.Context, in *agentsQuery) (*reply[list[activation.Agent]], error) {
	q := activation.PortQuery{Code: in.Code, Platform: in.Platform, Limit: in.Limit}
	if in.Account != "" {
		q.Accounts = []ids.Account{in.Account}
	}
	return listed(s.activation.Agents(ctx, q), in.Limit)
}

func (s *Server) devices(ctx context.Context, in *Paged) (*reply[list[activation.Device]], error) {
	return listed(s.activation.Devices(ctx), in.Limit)
}

func (s *Server) inviteDevice(ctx context.Context, in *inviteDeviceInput) (*reply[ShownInvitation], error) {
	inv, err := s.activation.Invite(ctx, caller(ctx).name, in.Key)
	return found(ShownInvitation{inv, inv.Token}, err)
}

func (s *Server) removeDevice(ctx context.Context, in *deviceInput) (*reply[activation.Device], error) {
	return found(s.activation.RemoveDevice(ctx, activation.RemoveDevice{Device: in.Device, By: caller(ctx).name, Key: in.Key}))
}

func (s *Server) addDevice(ctx context.Context, in *newDeviceInput) (*reply[ShownDevice], error) {
	b := in.Body
	added, err := s.activation.AddDevice(ctx, activation.AddDevice{Token: b.Token, Device: b.Device, Name: b.Name, Key: in.Key})
	return found(ShownDevice{added.Device, added.Token}, err)
}
