package main

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/stamps"
)

type OfCard struct {
	OfProgram
	Member ids.Member `path:"member"`
}

func (in OfCard) id() stamps.CardID { return stamps.CardID{Program: in.Program, Member: in.Member} }

type historyInput struct {
	OfCard
	Paged
}

// A Where is the place of a command that the brand gives in a shop's name.
type Where struct {
	Shop     ids.Shop `json:"shop,omitempty"`
	Nickname string   `json:"nickname,omitempty"`
}

type addInput struct {
	OfCard
	Keyed
	Body struct {
		Where
		Sale
		At time.Time `json:"at,omitzero" doc:"When it happened, for imports; now where it is missing"`
	}
}

type cancelInput struct {
	OfCard
	Keyed
	Body struct {
		Where
		Record int64  `json:"record,omitempty" doc:"Of the stamps; 0: the newest"`
		Of     string `json:"of,omitempty" doc:"The key with which the stamps were given, instead of their record"`
		N      int64  `json:"n,omitempty" doc:"How many of them; 0: all that are left"`
		Reason string `json:"reason,omitempty"`
	}
}

type adjustInput struct {
	OfCard
	Keyed
	Body struct {
		Where
		N      int64  `json:"n" doc:"Stamps to give, or to take where negative"`
		Reason string `json:"reason"`
	}
}

type transferInput struct {
	Keyed
	Body struct {
		Where
		From   stamps.CardID `json:"from" example:"coffee/alice"`
		To     stamps.CardID `json:"to" example:"coffee/bob"`
		N      int64         `json:"n,omitempty" doc:"0: all of the round"`
		Reason string        `json:"reason,omitempty"`
	}
}

type OfMember struct {
	Member ids.Member `path:"member"`
}

type memberCouponsInput struct {
	OfMember
	CouponsQuery
}

type memberClaimInput struct {
	OfMember
	Keyed
	Body struct {
		Where
		Program stamps.ProgramID `json:"program"`
	}
}

type OfCoupon struct {
	Coupon stamps.CouponID `path:"coupon" doc:"Like coffee/alice:1, escaped: coffee%2Falice:1"`
}

type redeemInput struct {
	OfCoupon
	Keyed
	Body Where
}

type turnInput struct {
	OfCoupon
	Keyed
	Body struct {
		Where
		Reason string `json:"reason"`
	}
}

func (s *Server) cardRoutes(api huma.API) {
	op(s, api, admin, http.MethodGet, "/members/{member}/cards", "The cards of a member", s.memberCards)
	op(s, api, admin, http.MethodGet, "/members/{member}/coupons", "The coupons of a member", s.memberCoupons)
	op(s, api, admin, http.MethodPost, "/members/{member}/claims", "Claim a coupon of a handout for a member", s.claimFor)
	op(s, api, admin, http.MethodGet, "/cards/{program}/{member}", "A card", s.card)
	op(s, api, admin, http.MethodGet, "/cards/{program}/{member}/history", "What happened to a card, the newest first", s.history)
	op(s, api, admin, http.MethodPost, "/cards/{program}/{member}/stamps", "Give stamps", s.add)
	op(s, api, admin, http.MethodPost, "/cards/{program}/{member}/cancellations", "Take stamps back", s.cancel)
	op(s, api, admin, http.MethodPost, "/cards/{program}/{member}/adjustments", "Change a card by hand", s.adjust)
	op(s, api, admin, http.MethodPost, "/transfers", "Move stamps to another card of the program", s.transfer)
	op(s, api, admin, http.MethodGet, "/coupons/{coupon}", "A coupon", s.coupon)
	op(s, api, admin, http.MethodPost, "/coupons/{coupon}/redemptions", "Redeem a coupon", s.redeem)
	op(s, api, admin, http.MethodPost, "/coupons/{coupon}/undos", "Take a redemption back", s.undo)
	op(s, api, admin, http.MethodPost, "/coupons/{coupon}/voids", "End a coupon", s.void)
}

// place tells where the brand does a command. ErrUnknownShop: there is no such shop.
func (s *Server) place(ctx context.Context, w Where) (stamps.Place, error) {
	p := stamps.Place{By: caller(ctx).name, Via: "admin", Nickname: w.Nickname}
	if w.Shop == "" {
		return p, nil
	}
	at, _, _, err := s.shops.Get(ctx, w.Shop)
	p.Shop, p.Zone = at.ID, at.Zone
	return p, err
}

// command runs a command of the brand at its place.
func command[C any](
	ctx context.Context, s *Server, w Where, do func(context.Context, C) (stamps.Outcome, error), with func(stamps.Place) C,
) (*reply[stamps.Outcome], error) {
	p, err := s.place(ctx, w)
	if err != nil {
		return nil, err
	}
	out, err := do(ctx, with(p))
	return answered(out, out.Replayed, err)
}

func (s *Server) memberCards(ctx context.Context, in *OfMember) (*reply[list[stamps.Card]], error) {
	return listed(s.cards.Cards(ctx, in.Member), 0)
}

func (s *Server) memberCoupons(ctx context.Context, in *memberCouponsInput) (*reply[list[stamps.Coupon]], error) {
	return listed(s.cards.Coupons(ctx, in.Member, in.Program), in.Limit)
}

func (s *Server) card(ctx context.Context, in *OfCard) (*reply[stamps.Card], error) {
	return found(s.cards.Card(ctx, in.id()))
}

func (s *Server) history(ctx context.Context, in *historyInput) (*reply[list[stamps.Record]], error) {
	return listed(s.cards.History(ctx, in.id()), in.Limit)
}

func (s *Server) coupon(ctx context.Context, in *OfCoupon) (*reply[stamps.Coupon], error) {
	return found(s.cards.Coupon(ctx, in.Coupon))
}

func (s *Server) claimFor(ctx context.Context, in *memberClaimInput) (*reply[stamps.Outcome], error) {
	return command(ctx, s, in.Body.Where, s.cards.Claim, func(p stamps.Place) stamps.Claim {
		return stamps.Claim{Program: in.Body.Program, Member: in.Member, Present: p.Shop != "", Place: p, Key: in.Key}
	})
}

func (s *Server) add(ctx context.Context, in *addInput) (*reply[stamps.Outcome], error) {
	return command(ctx, s, in.Body.Where, s.cards.Add, func(p stamps.Place) stamps.Add {
		return stamps.Add{Card: in.id(), N: in.Body.N, Purchase: in.Body.Purchase, At: in.Body.At, Place: p, Key: in.Key}
	})
}

func (s *Server) cancel(ctx context.Context, in *cancelInput) (*reply[stamps.Outcome], error) {
	return command(ctx, s, in.Body.Where, s.cards.Cancel, func(p stamps.Place) stamps.Cancel {
		return stamps.Cancel{
			Card: in.id(), Record: in.Body.Record, Of: in.Body.Of, N: in.Body.N, Reason: in.Body.Reason, Place: p, Key: in.Key,
		}
	})
}

func (s *Server) adjust(ctx context.Context, in *adjustInput) (*reply[stamps.Outcome], error) {
	return command(ctx, s, in.Body.Where, s.cards.Adjust, func(p stamps.Place) stamps.Adjust {
		return stamps.Adjust{Card: in.id(), N: in.Body.N, Reason: in.Body.Reason, Place: p, Key: in.Key}
	})
}

func (s *Server) transfer(ctx context.Context, in *transferInput) (*reply[stamps.Outcome], error) {
	return command(ctx, s, in.Body.Where, s.cards.Transfer, func(p stamps.Place) stamps.Transfer {
		return stamps.Transfer{From: in.Body.From, To: in.Body.To, N: in.Body.N, Reason: in.Body.Reason, Place: p, Key: in.Key}
	})
}

func (s *Server) redeem(ctx context.Context, in *redeemInput) (*reply[stamps.Outcome], error) {
	return command(ctx, s, in.Body, s.cards.Redeem, func(p stamps.Place) stamps.Redeem {
		return stamps.Redeem{Coupon: in.Coupon, Place: p, Key: in.Key}
	})
}

func (s *Server) undo(ctx context.Context, in *turnInput) (*reply[stamps.Outcome], error) {
	return command(ctx, s, in.Body.Where, s.cards.Undo, func(p stamps.Place) stamps.Undo {
		return stamps.Undo{Coupon: in.Coupon, Reason: in.Body.Reason, Place: p, Key: in.Key}
	})
}

func (s *Server) void(ctx context.Context, in *turnInput) (*reply[stamps.Outcome], error) {
	return command(ctx, s, in.Body.Where, s.cards.Void, func(p stamps.Place) stamps.Void {
		return stamps.Void{Coupon: in.Coupon, Reason: in.Body.Reason, Place: p, Key: in.Key}
	})
}
