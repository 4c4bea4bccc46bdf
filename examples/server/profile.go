package main

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/scrmkit/scrmkit/errs"
	customers "github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/scrm/signin"
)

type putProfileInput struct {
	Keyed
	Body struct {
		customers.Profile
		Version int64 `json:"version,omitempty" doc:"Of the customer as it was read; where it has changed since, the write is refused. Any, where it is missing"`
	}
}

type putPreferencesInput struct {
	Keyed
	Body customers.Preferences
}

// A Consent is what a customer says to one use of their data.
type Consent struct {
	Purpose string                `json:"purpose" doc:"For what: marketing"`
	Channel string                `json:"channel,omitempty" doc:"By which way; by every, where it is missing"`
	Kind    customers.ConsentKind `json:"kind" enum:"plain,separate,guidance" doc:"How it was asked for; what a guardian says is not the customer's to tell"`
	Given   bool                  `json:"given" doc:"false: withdrawn, or refused"`
	Version string                `json:"version" doc:"Of the text that was shown"`
	Hash    string                `json:"hash,omitempty" doc:"SHA-256 of the text, in hexadecimal"`
	Way     string                `json:"way" doc:"How it was said: miniprogram"`
	Time    time.Time             `json:"time" doc:"When it was said"`
}

type consentInput struct {
	Keyed
	Body Consent
}

type erasureInput struct {
	Keyed
	Body struct {
		Due time.Time `json:"due" doc:"Until when"`
	}
}

// A Changed customer has another version.
type Changed struct {
	Version int64 `json:"version" doc:"Of the customer after it"`
}

// A ChangedProfile may need somebody to look at it.
type ChangedProfile struct {
	Changed
	Review bool `json:"review,omitempty" doc:"A person should look at the nickname, as WeChat says"`
}

func changed(out customers.Outcome, err error) (*reply[Changed], error) {
	return answered(Changed{out.Version}, out.Replayed, err)
}

func (s *Server) profileRoutes(api huma.API) {
	op(s, api, customer, http.MethodGet, "/me", "Who I am", s.me)
	op(s, api, customer, http.MethodPut, "/me/profile", "Change my profile", s.putProfile)
	op(s, api, customer, http.MethodPut, "/me/preferences", "Change how I want to be addressed", s.putPreferences)
	op(s, api, customer, http.MethodGet, "/me/consents", "All that I agreed to and withdrew", s.consents)
	op(s, api, customer, http.MethodPost, "/me/consents", "Agree to a use of my data, or withdraw that", s.consent)
	op(s, api, customer, http.MethodGet, "/me/export", "A copy of my data", s.export)
	op(s, api, customer, http.MethodPost, "/me/erasures", "Ask to be erased later", s.eraseLater)
	op(s, api, customer, http.MethodDelete, "/me/erasures", "Stay after all", s.stay)
	op(s, api, customer, http.MethodDelete, "/me", "Be erased now", s.erase)
}

func (s *Server) me(ctx context.Context, _ *nothingInput) (*reply[customers.Customer], error) {
	return found(s.customers.Get(ctx, caller(ctx).member()))
}

// putProfile has WeChat check the nickname, where there is a Mini Program.
func (s *Server) putProfile(ctx context.Context, in *putProfileInput) (*reply[ChangedProfile], error) {
	put := customers.PutProfile{Member: caller(ctx).member(), Profile: in.Body.Profile, Version: in.Body.Version, Key: in.Key}
	out, review, err := s.signin.PutProfile(ctx, signin.NewProfile{App: s.cfg.WeChat.AppID, PutProfile: put})
	return answered(ChangedProfile{Changed{out.Version}, review}, out.Replayed, err)
}

func (s *Server) putPreferences(ctx context.Context, in *putPreferencesInput) (*reply[Changed], error) {
	return changed(s.customers.PutPreferences(ctx, customers.PutPreferences{Member: caller(ctx).member(), Preferences: in.Body, Key: in.Key}))
}

func (s *Server) consents(ctx context.Context, in *Paged) (*reply[list[customers.Consent]], error) {
	return listed(s.customers.Consents(ctx, caller(ctx).member()), in.Limit)
}

func (s *Server) consent(ctx context.Context, in *consentInput) (*reply[Changed], error) {
	b := in.Body
	return changed(s.customers.RecordConsent(ctx, customers.RecordConsent{Member: caller(ctx).member(), Key: in.Key, Consent: customers.Consent{
		Purpose: b.Purpose, Channel: b.Channel, Kind: b.Kind, Given: b.Given, Version: b.Version, Hash: b.Hash, Way: b.Way, Time: b.Time,
	}}))
}

func (s *Server) export(ctx context.Context, _ *nothingInput) (*reply[customers.Copy], error) {
	return found(s.customers.Export(ctx, caller(ctx).member()))
}

func (s *Server) eraseLater(ctx context.Context, in *erasureInput) (*reply[Changed], error) {
	if !in.Body.Due.After(time.Now()) {
		return nil, &errs.InputError{Field: "due", Reason: "is over"}
	}
	return s.schedule(ctx, in.Body.Due, in.Key)
}

func (s *Server) stay(ctx context.Context, in *keyedInput) (*reply[Changed], error) {
	return s.schedule(ctx, time.Time{}, in.Key)
}

func (s *Server) schedule(ctx context.Context, due time.Time, key string) (*reply[Changed], error) {
	return changed(s.customers.ScheduleErasure(ctx, customers.ScheduleErasure{Member: caller(ctx).member(), Due: due, Key: key}))
}

func (s *Server) erase(ctx context.Context, in *keyedInput) (*done, error) {
	out, err := s.signin.Erase(ctx, customers.Erase{Member: caller(ctx).member(), Key: in.Key})
	return &done{mark(out.Replayed)}, err
}
