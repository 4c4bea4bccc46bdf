package main

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	pointtill "github.com/scrmkit/scrmkit/loyalty/till"
)

type askVoucherInput struct {
	Keyed
	Body struct {
		Shop    ids.Shop         `json:"shop"`
		Voucher reward.VoucherID `json:"voucher" doc:"Its id, as the caller's vouchers have it"`
	}
}

type enterVoucherInput struct {
	OfShop
	Keyed
	Body struct {
		Code string       `json:"code" doc:"The digits that the customer shows"`
		Cart *reward.Cart `json:"cart,omitempty" doc:"What the voucher takes something off"`
	}
}

type confirmVoucherInput struct {
	OfShop
	Body struct {
		Claim string `json:"claim" doc:"Of the preview, with the cart that it was shown for; it is the key of the write"`
	}
}

// A VoucherPreview is what the code of a voucher would do.
type VoucherPreview struct {
	Voucher VoucherView `json:"voucher"`
	Claim   string      `json:"claim" doc:"For the confirmation, by the same manager"`
	Expires time.Time   `json:"expires" doc:"Of the claim"`
}

func (s *Server) voucherRoutes(api huma.API) {
	op(s, api, customer, http.MethodPost, "/me/vouchers/codes", "Ask for a code to redeem a voucher at a shop", s.askVoucher)
	op(s, api, staff, http.MethodPost, "/shops/{shop}/vouchers/codes/preview", "See which voucher a code is for, and what it takes off", s.previewVoucherCode)
	op(s, api, staff, http.MethodPost, "/shops/{shop}/vouchers/codes/confirm", "Redeem what the preview showed", s.confirmVoucher)
	op(s, api, staff, http.MethodPost, "/shops/{shop}/vouchers/codes", "Preview and confirm at once", s.enterVoucher)
}

func (s *Server) askVoucher(ctx context.Context, in *askVoucherInput) (*reply[Issued], error) {
	issued, err := s.pointTill.Ask(ctx, pointtill.Ask{
		Shop: in.Body.Shop, Member: ids.Member(caller(ctx).name), Voucher: in.Body.Voucher, Key: in.Key,
	})
	return answered(Issued{issued.Code, issued.Digits, issued.Issued, issued.Expires}, issued.Replayed, err)
}

func (in *enterVoucherInput) enter(ctx context.Context) pointtill.Enter {
	return pointtill.Enter{Shop: in.Shop, Manager: caller(ctx).identity(), Code: in.Body.Code, Cart: in.Body.Cart, Key: in.Key}
}

func (s *Server) previewVoucherCode(ctx context.Context, in *enterVoucherInput) (*reply[VoucherPreview], error) {
	p, err := s.pointTill.Preview(ctx, in.enter(ctx))
	v := view(p.Voucher, false)
	v.Deduction = p.Deduction
	return answered(VoucherPreview{v, p.Claim, p.Expires}, p.Replayed, err)
}

func (s *Server) confirmVoucher(ctx context.Context, in *confirmVoucherInput) (*reply[Taken], error) {
	r, err := s.pointTill.Confirm(ctx, pointtill.Confirm{Shop: in.Shop, Manager: caller(ctx).identity(), Claim: in.Body.Claim})
	return redeemed(r, err)
}

func (s *Server) enterVoucher(ctx context.Context, in *enterVoucherInput) (*reply[Taken], error) {
	r, err := s.pointTill.Enter(ctx, in.enter(ctx))
	return redeemed(r, err)
}

// redeemed is the reply to a redemption by a code.
func redeemed(r pointtill.Result, err error) (*reply[Taken], error) {
	r.Outcome.Replayed = r.Replayed
	return taken(r.Outcome, false, err)
}
