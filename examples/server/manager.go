package main

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
	stamptill "github.com/scrmkit/scrmkit/stamps/till"
)

// A Sale is what the till adds to a customer's request.
type Sale struct {
	N        int64            `json:"n,omitempty" doc:"Stamps, for a program that gives them by hand alone"`
	Purchase *stamps.Purchase `json:"purchase,omitempty" doc:"Where the program counts money, items or purchases"`
}

type OfShop struct {
	Shop ids.Shop `path:"shop"`
}

type enterInput struct {
	OfShop
	Keyed
	Body struct {
		Sale
		Code    string         `json:"code" doc:"The digits that the customer shows"`
		Purpose stamps.Purpose `json:"purpose,omitempty" enum:"stamp,cancel,redeem,claim,undo,void" doc:"Whatever the code is for, where it is missing"`
	}
}

type confirmInput struct {
	OfShop
	Body struct {
		Claim string `json:"claim" doc:"Of the preview, with the number and the purchase that it showed; it is the key of the write"`
	}
}

type RecordsQuery struct {
	OfShop
	From     time.Time        `query:"from" doc:"15 days before to, where it is missing"`
	To       time.Time        `query:"to" doc:"Now, where it is missing"`
	Purpose  []stamps.Purpose `query:"purpose" enum:"stamp,cancel,adjust,transfer,expire,claim,redeem,undo,void" doc:"One or several, with commas; all where it is missing"`
	Nickname string           `query:"nickname" doc:"A part of it, in any case"`
}

type recordsPage struct {
	RecordsQuery
	Paged
}

type acceptInput struct {
	Keyed
	Body struct {
		Token string `json:"token" doc:"Of the invitation"`
		Name  string `json:"name,omitempty"`
	}
}

type shopCouponInput struct {
	OfShop
	Keyed
	Coupon stamps.CouponID `path:"coupon" doc:"Like coffee/alice:1, escaped: coffee%2Falice:1"`
	Body   struct {
		Reason string `json:"reason"`
	}
}

func (s *Server) managerRoutes(api huma.API) {
	op(s, api, staff, http.MethodPost, "/invitations/accept", "Become manager of the shop that invited me", s.accept)
	op(s, api, staff, http.MethodPost, "/shops/{shop}/codes/preview", "See whose a code is and what it would do", s.preview)
	op(s, api, staff, http.MethodPost, "/shops/{shop}/codes/confirm", "Do what the preview showed", s.confirm)
	op(s, api, staff, http.MethodPost, "/shops/{shop}/codes", "Preview and confirm at once", s.enter)
	op(s, api, staff, http.MethodGet, "/shops/{shop}/records", "What happened in the shop (流水), the newest first", s.records)
	op(s, api, staff, http.MethodGet, "/shops/{shop}/totals", "The records summed by day, purpose and manager", s.totals)
	op(s, api, staff, http.MethodPost, "/shops/{shop}/coupons/{coupon}/undos", "Take a redemption of the shop back", s.undoHere)
	op(s, api, staff, http.MethodPost, "/shops/{shop}/coupons/{coupon}/voids", "End a coupon that the shop gave", s.voidHere)
}

func (in *enterInput) enter(ctx context.Context) stamptill.Enter {
	return stamptill.Enter{
		Shop: in.Shop, Manager: caller(ctx).identity(), Code: in.Body.Code, Purpose: in.Body.Purpose,
		N: in.Body.N, Purchase: in.Body.Purchase, Key: in.Key,
	}
}

func (s *Server) preview(ctx context.Context, in *enterInput) (*reply[stamptill.Preview], error) {
	p, err := s.stampTill.Preview(ctx, in.enter(ctx))
	return answered(p, p.Replayed, err)
}

func (s *Server) confirm(ctx context.Context, in *confirmInput) (*reply[stamptill.Result], error) {
	r, err := s.stampTill.Confirm(ctx, stamptill.Confirm{
		Shop: in.Shop, Manager: caller(ctx).identity(), Claim: in.Body.Claim,
	})
	return answered(r, r.Replayed, err)
}

func (s *Server) enter(ctx context.Context, in *enterInput) (*reply[stamptill.Result], error) {
	r, err := s.stampTill.Enter(ctx, in.enter(ctx))
	return answered(r, r.Replayed, err)
}

func (in *RecordsQuery) query(limit int) stamps.RecordQuery {
	return stamps.RecordQuery{
		Shop: in.Shop, From: in.From, To: in.To, Purposes: in.Purpose, Nickname: in.Nickname, Limit: limit,
	}
}

func (s *Server) records(ctx context.Context, in *recordsPage) (*reply[list[stamps.Record]], error) {
	return listed(s.cards.Records(ctx, in.query(in.Limit)), in.Limit)
}

func (s *Server) totals(ctx context.Context, in *RecordsQuery) (*reply[list[stamps.Total]], error) {
	at, _, _, err := s.shops.Get(ctx, in.Shop)
	if err != nil {
		return nil, err
	}
	totals, err := s.cards.Totals(ctx, in.query(0), at.Zone)
	return found(list[stamps.Total]{totals}, err)
}

func (s *Server) accept(ctx context.Context, in *acceptInput) (*reply[shop.Manager], error) {
	p := caller(ctx)
	out, err := s.shops.Bind(ctx, shop.Bind{Token: in.Body.Token, Identity: p.identity(), Name: in.Body.Name, Key: in.Key})
	return answered(value(out.Manager), out.Replayed, err)
}

func (s *Server) undoHere(ctx context.Context, in *shopCouponInput) (*reply[stamps.Outcome], error) {
	out, err := s.cards.Undo(ctx, stamps.Undo{Coupon: in.Coupon, Reason: in.Body.Reason, Place: in.place(ctx), Key: in.Key})
	return answered(out, out.Replayed, err)
}

func (s *Server) voidHere(ctx context.Context, in *shopCouponInput) (*reply[stamps.Outcome], error) {
	out, err := s.cards.Void(ctx, stamps.Void{Coupon: in.Coupon, Reason: in.Body.Reason, Place: in.place(ctx), Key: in.Key})
	return answered(out, out.Replayed, err)
}

func (in *shopCouponInput) place(ctx context.Context) stamps.Place {
	return stamps.Place{Shop: in.Shop, By: caller(ctx).name, Via: "app"}
}
