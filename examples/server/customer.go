package main

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
	stamptill "github.com/scrmkit/scrmkit/stamps/till"
)

// A Request is what a customer wants done. Whose card it is the token says.
type Request struct {
	Purpose stamps.Purpose   `json:"purpose" enum:"stamp,cancel,redeem,claim,undo,void"`
	Program stamps.ProgramID `json:"program,omitempty" pattern:"^[^\\x00-\\x1f]*$" doc:"To stamp, to cancel or to claim"`
	Record  int64            `json:"record,omitempty" doc:"To cancel: the record of the stamp; 0: the newest"`
	Coupon  *stamps.CouponID `json:"coupon,omitempty" doc:"To redeem, to undo or to void"`
}

// request returns the request as the till knows it.
func (s *Server) request(ctx context.Context, r Request) (stamptill.Request, error) {
	who, err := s.customers.Get(ctx, caller(ctx).member())
	return stamptill.Request{
		Purpose: r.Purpose, Member: who.ID, Nickname: who.Profile.Nickname, Program: r.Program, Record: r.Record, Coupon: r.Coupon,
	}, err
}

// An Issued code is for its holder to show.
type Issued struct {
	Code    string    `json:"code"`
	Digits  int       `json:"digits" doc:"How many digits the code has: more than 6 where many codes of the shop are live"`
	Issued  time.Time `json:"issued"`
	Expires time.Time `json:"expires"`
}

type askInput struct {
	Keyed
	Body struct {
		Request
		Shop ids.Shop `json:"shop"`
	}
}

type pressInput struct {
	Keyed
	Body struct {
		Request
		Token  string      `json:"token,omitempty" doc:"Of the press, which its vendor certified; it is good once, for two minutes"`
		Serial shop.Serial `json:"serial,omitempty" doc:"Serial number or bar code, instead of the token, of a stamp that takes presses without one"`
	}
}

type claimInput struct {
	Keyed
	Body struct {
		Program stamps.ProgramID `json:"program"`
	}
}

type OfProgram struct {
	Program stamps.ProgramID `path:"program"`
}

type myHistoryInput struct {
	OfProgram
	Paged
}

type CouponsQuery struct {
	Program stamps.ProgramID `query:"program" doc:"All where it is missing"`
	Paged
}

func (s *Server) customerRoutes(api huma.API) {
	op(s, api, customer, http.MethodGet, "/me/cards", "My cards", s.myCards)
	op(s, api, customer, http.MethodGet, "/me/cards/{program}", "My card in a program", s.myCard)
	op(s, api, customer, http.MethodGet, "/me/cards/{program}/history", "What happened to my card, the newest first", s.myHistory)
	op(s, api, customer, http.MethodGet, "/me/coupons", "My coupons", s.myCoupons)
	op(s, api, customer, http.MethodPost, "/me/codes", "Ask for a code to show at a shop: to stamp, to cancel or to redeem", s.ask)
	op(s, api, customer, http.MethodPost, "/me/presses", "Press a shop's physical stamp on the phone", s.press)
	op(s, api, customer, http.MethodPost, "/me/claims", "Claim a coupon of a handout that is for everywhere", s.claim)
}

func (s *Server) myCards(ctx context.Context, _ *struct{}) (*reply[list[stamps.Card]], error) {
	return listed(s.cards.Cards(ctx, caller(ctx).member()), 0)
}

func (s *Server) myCard(ctx context.Context, in *OfProgram) (*reply[stamps.Card], error) {
	return found(s.cards.Card(ctx, stamps.CardID{Program: in.Program, Member: caller(ctx).member()}))
}

func (s *Server) myHistory(ctx context.Context, in *myHistoryInput) (*reply[list[stamps.Record]], error) {
	id := stamps.CardID{Program: in.Program, Member: caller(ctx).member()}
	return listed(without(s.cards.History(ctx, id), func(r *stamps.Record) { r.By = "" }), in.Limit)
}

func (s *Server) myCoupons(ctx context.Context, in *CouponsQuery) (*reply[list[stamps.Coupon]], error) {
	coupons := s.cards.Coupons(ctx, caller(ctx).member(), in.Program)
	return listed(without(coupons, func(c *stamps.Coupon) { c.By = "" }), in.Limit)
}

func (s *Server) ask(ctx context.Context, in *askInput) (*reply[Issued], error) {
	request, err := s.request(ctx, in.Body.Request)
	if err != nil {
		return nil, err
	}
	issued, err := s.stampTill.Ask(ctx, stamptill.Ask{Shop: in.Body.Shop, Request: request, Key: in.Key})
	return answered(Issued{issued.Code, issued.Digits, issued.Issued, issued.Expires}, issued.Replayed, err)
}

func (s *Server) press(ctx context.Context, in *pressInput) (*reply[stamptill.Result], error) {
	request, err := s.request(ctx, in.Body.Request)
	if err != nil {
		return nil, err
	}
	r, err := s.stampTill.Press(ctx, stamptill.Press{Serial: in.Body.Serial, Token: in.Body.Token, Request: request, Key: in.Key})
	return answered(r, r.Replayed, err)
}

func (s *Server) claim(ctx context.Context, in *claimInput) (*reply[stamps.Outcome], error) {
	who, err := s.customers.Get(ctx, caller(ctx).member())
	if err != nil {
		return nil, err
	}
	place := stamps.Place{Nickname: who.Profile.Nickname, Via: "app"} // in no shop: for that a code or a press vouches
	out, err := s.cards.Claim(ctx, stamps.Claim{Program: in.Body.Program, Member: who.ID, Place: place, Key: in.Key})
	return answered(out, out.Replayed, err)
}

// without takes out what a customer need not know: which manager it was.
func without[T any](seq iter.Seq2[T, error], hide func(*T)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for v, err := range seq {
			hide(&v)
			if !yield(v, err) {
				return
			}
		}
	}
}
