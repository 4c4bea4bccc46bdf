package main

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/otp/delivery"
	customers "github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/scrm/session"
	"github.com/scrmkit/scrmkit/scrm/signin"
)

// The messages to addresses: one with a code, and one that says that the address is unlinked.
const (
	codeTemplate     = "code"
	unlinkedTemplate = "unlinked"
)

// Asked is where a code is to be sent.
type Asked struct {
	Address  delivery.Address `json:"address" doc:"Telephone number in E.164, or a mailbox"`
	Language string           `json:"language,omitempty" doc:"Of the message, as BCP 47 has it"`
}

type askCodeInput struct {
	Keyed
	Body Asked
}

type enterCodeInput struct {
	Keyed
	Body struct {
		Address delivery.Address `json:"address" doc:"Where the code was sent"`
		Code    string           `json:"code"`
		Device  string           `json:"device,omitempty" doc:"For the list of sessions"`
	}
}

type linkAddressInput struct {
	Keyed
	Body struct {
		Address delivery.Address `json:"address" doc:"Where the code was sent"`
		Code    string           `json:"code"`
		Replace bool             `json:"replace,omitempty" doc:"The address takes the place of the one of its kind that is linked"`
	}
}

type admitAddressInput struct {
	Keyed
	Body struct {
		Address delivery.Address `json:"address" doc:"That is stopped"`
	}
}

type mySessionInput struct {
	Keyed
	Session session.ID `path:"session"`
}

// A SignedIn is a customer with a new session.
type SignedIn struct {
	Member  ids.Member      `json:"member"`
	New     bool            `json:"new,omitempty" doc:"The customer was not known before"`
	Token   string          `json:"token" doc:"The bearer token of the session, shown once"`
	Session session.Session `json:"session"`
}

func signedIn(in signin.SignedIn, err error) (*reply[SignedIn], error) {
	return found(SignedIn{in.Customer.Member, in.Customer.New, in.Started.Token, in.Started.Session}, err)
}

// LinkedView is an identity that was linked.
type LinkedView struct {
	Identity customers.Identity  `json:"identity"`
	Former   *customers.Identity `json:"former,omitempty" doc:"The one whose place it took"`
}

func linked(l signin.Linked, err error) (*reply[LinkedView], error) {
	return answered(LinkedView{l.Identity, l.Former}, l.Replayed, err)
}

// SignedOut are sessions that were ended.
type SignedOut struct {
	Sessions []session.Session `json:"sessions" nullable:"false"`
}

func signedOut(r session.Revoked, err error) (*reply[SignedOut], error) {
	return answered(SignedOut{append([]session.Session{}, r.Sessions...)}, r.Replayed, err)
}

func (s *Server) signInRoutes(api huma.API) {
	op(s, api, anyone, http.MethodPost, "/sessions/codes", "Ask for a code to sign in with", s.askToSignIn)
	op(s, api, anyone, http.MethodPost, "/sessions", "Sign in with a code that was sent", s.enterCode)
	op(s, api, customer, http.MethodGet, "/me/sessions", "My sessions", s.mySessions)
	op(s, api, customer, http.MethodDelete, "/me/sessions/{session}", "Sign out of a session", s.endMySession)
	op(s, api, customer, http.MethodDelete, "/me/sessions", "Sign out of all sessions", s.endMySessions)
	op(s, api, customer, http.MethodPost, "/me/addresses/codes", "Ask for a code to link an address with", s.askToLink)
	op(s, api, customer, http.MethodPost, "/me/addresses", "Link the address that a code was sent to", s.linkAddress)
	op(s, api, admin, http.MethodPost, "/addresses/admissions", "Let codes be sent to an address again", s.admitAddress)
}

func (s *Server) askToSignIn(ctx context.Context, in *askCodeInput) (*reply[delivery.Sent], error) {
	return s.askCode(ctx, in, signin.PurposeSignIn)
}

func (s *Server) askToLink(ctx context.Context, in *askCodeInput) (*reply[delivery.Sent], error) {
	return s.askCode(ctx, in, signin.PurposeLink)
}

func (s *Server) askCode(ctx context.Context, in *askCodeInput, purpose delivery.Purpose) (*reply[delivery.Sent], error) {
	sent, err := s.signin.Ask(ctx, signin.Ask{
		Address: in.Body.Address, Purpose: purpose, Template: codeTemplate, Language: in.Body.Language, From: caller(ctx).from, Key: in.Key,
	})
	return answered(sent, sent.Replayed, err)
}

func (s *Server) enterCode(ctx context.Context, in *enterCodeInput) (*reply[SignedIn], error) {
	b := in.Body
	return signedIn(s.signin.Enter(ctx, signin.Enter{Address: b.Address, Code: b.Code, From: caller(ctx).from, Device: b.Device, Key: in.Key}))
}

func (s *Server) mySessions(ctx context.Context, _ *nothingInput) (*reply[list[session.Session]], error) {
	all, err := s.sessions.List(ctx, session.Subject(caller(ctx).name))
	return found(list[session.Session]{append([]session.Session{}, all...)}, err)
}

func (s *Server) endMySession(ctx context.Context, in *mySessionInput) (*reply[SignedOut], error) {
	return signedOut(s.sessions.Revoke(ctx, session.Revoke{Subject: session.Subject(caller(ctx).name), ID: in.Session, Key: in.Key}))
}

func (s *Server) endMySessions(ctx context.Context, in *keyedInput) (*reply[SignedOut], error) {
	return signedOut(s.sessions.RevokeAll(ctx, session.RevokeAll{Subject: session.Subject(caller(ctx).name), Key: in.Key}))
}

func (s *Server) linkAddress(ctx context.Context, in *linkAddressInput) (*reply[LinkedView], error) {
	b, p := in.Body, caller(ctx)
	return linked(s.signin.Link(ctx, signin.Link{
		Member: p.member(), Address: b.Address, Code: b.Code, From: p.from, Replace: b.Replace, Key: in.Key,
	}))
}

func (s *Server) admitAddress(ctx context.Context, in *admitAddressInput) (*reply[delivery.Admitted], error) {
	a, err := s.delivery.Admit(ctx, delivery.Admit{Address: in.Body.Address, By: caller(ctx).name, Key: in.Key})
	return answered(a, a.Replayed, err)
}

// deliver hands over the messages to addresses.
func (s *Server) deliver(ctx context.Context) error {
	_, err := s.delivery.Deliver(ctx, s.cfg.Sender)
	return err
}

// The times for which what is over is kept.
const (
	keptMessages = 7 * 24 * time.Hour  // for receipts
	keptKeys     = 90 * 24 * time.Hour // of WeChat's, of users who have not come back
)

// tidyCustomers erases the customers whose time has come, and deletes what is over.
func (s *Server) tidyCustomers(ctx context.Context, now time.Time) error {
	var failed []error
	for due, err := range s.customers.Erasures(ctx, now) {
		if err == nil {
			_, err = s.signin.Erase(ctx, customers.Erase{Member: due.Member, By: "erasure", Key: rand.Text()})
		}
		if !errors.Is(err, customers.ErrErased) { // as by another process
			failed = append(failed, err)
		}
	}
	_, err1 := s.sessions.Prune(ctx)
	_, err2 := s.delivery.Prune(ctx, now.Add(-keptMessages))
	failed = append(failed, err1, err2)
	if s.wechat != nil {
		_, err1 = s.wechat.app.Prune(ctx, now.Add(-keptKeys))
		_, err2 = s.wechat.pushes.Prune(ctx, now.Add(-keptMessages))
		_, err3 := s.wechat.notices.Prune(ctx, now.Add(-keptMessages))
		_, err4 := s.wechat.notifier.Remind(ctx)
		failed = append(failed, err1, err2, err3, err4)
	}
	return errors.Join(failed...)
}
