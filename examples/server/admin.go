package main

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
)

type OfVersion struct {
	OfProgram
	Version int `path:"version" minimum:"1"`
}

type publishInput struct {
	OfVersion
	Body stamps.Definition
}

type putShopInput struct {
	OfShop
	Keyed
	Body struct {
		Name    string    `json:"name"`
		Address string    `json:"address,omitempty"`
		Zone    string    `json:"zone" example:"Asia/Shanghai"`
		From    time.Time `json:"from,omitzero"`
		To      time.Time `json:"to,omitzero"`
		Slots   int       `json:"slots,omitempty" doc:"For managers; 0 is 2"`
	}
}

type inviteInput struct {
	OfShop
	Keyed
}

type unbindInput struct {
	OfShop
	Keyed
	Identity shop.Identity `path:"identity"`
}

type stampInput struct {
	OfShop
	Keyed
	Serial shop.Serial `path:"serial"`
}

type bindStampInput struct {
	OfShop
	Keyed
	Serial   shop.Serial   `path:"serial"`
	Aliases  []shop.Serial `query:"alias" doc:"Its other names, such as the bar code; one or several, with commas"`
	Unsigned bool          `query:"unsigned" doc:"Presses without a token count too"`
}

type certifyInput struct {
	Serial shop.Serial `path:"serial"`
}

type withdrawInput struct {
	OfShop
	Keyed
	Invitation shop.InvitationID `path:"invitation"`
}

// A Certified press is to be sent by the phone that was touched.
type Certified struct {
	Token string `json:"token"`
}

// An OpenInvitation is one that a manager may still accept.
type OpenInvitation struct {
	ID      shop.InvitationID `json:"id"`
	By      string            `json:"by,omitempty"`
	Expires time.Time         `json:"expires"`
}

// A Withdrawal says which invitations were withdrawn.
type Withdrawal struct {
	Withdrawn []shop.InvitationID `json:"withdrawn" nullable:"false"`
}

// A ShopView is a shop with all that is bound to it.
type ShopView struct {
	shop.Shop
	Managers []shop.Manager `json:"managers" nullable:"false"`
	Stamps   []shop.Stamp   `json:"stamps" nullable:"false"`
}

// An Invitation is to be shown to the new manager, as a QR code.
type Invitation struct {
	ID      shop.InvitationID `json:"id"`
	Token   string            `json:"token" doc:"Shown once"`
	Shop    ids.Shop          `json:"shop"`
	Expires time.Time         `json:"expires"`
}

// An Unbound tells how many physical stamps were unbound.
type Unbound struct {
	Unbound int `json:"unbound"`
}

func (s *Server) programRoutes(api huma.API) {
	op(s, api, admin, http.MethodGet, "/programs/{program}", "The version of a program that is in force", s.program)
	op(s, api, admin, http.MethodGet, "/programs/{program}/versions/{version}", "A version of a program", s.version)
	op(s, api, admin, http.MethodPut, "/programs/{program}/versions/{version}", "Publish a version of a program", s.publish)
}

func (s *Server) shopRoutes(api huma.API) {
	op(s, api, admin, http.MethodGet, "/shops", "All shops", s.allShops)
	op(s, api, admin, http.MethodGet, "/shops/{shop}", "A shop with its managers and physical stamps", s.shop)
	op(s, api, admin, http.MethodPut, "/shops/{shop}", "Make a shop, or change it", s.putShop)
	op(s, api, admin, http.MethodPost, "/shops/{shop}/invitations", "Invite a manager", s.invite)
	op(s, api, admin, http.MethodGet, "/shops/{shop}/invitations", "The open invitations of a shop", s.invitations)
	op(s, api, admin, http.MethodDelete, "/shops/{shop}/invitations/{invitation}", "Withdraw an invitation", s.withdraw)
	op(s, api, admin, http.MethodDelete, "/shops/{shop}/invitations", "Withdraw all open invitations of a shop", s.withdrawAll)
	op(s, api, admin, http.MethodPost, "/stamps/{serial}/presses", "Certify a press of a physical stamp", s.certify)
	op(s, api, admin, http.MethodDelete, "/shops/{shop}/managers/{identity}", "Unbind a manager", s.unbind)
	op(s, api, admin, http.MethodPost, "/shops/{shop}/managers/{identity}/admissions", "Let a manager type codes again", s.admit)
	op(s, api, admin, http.MethodPut, "/shops/{shop}/stamps/{serial}", "Bind a physical stamp", s.bindStamp)
	op(s, api, admin, http.MethodDelete, "/shops/{shop}/stamps/{serial}", "Unbind a physical stamp", s.unbindStamp)
	op(s, api, admin, http.MethodDelete, "/shops/{shop}/stamps", "Unbind all physical stamps", s.unbindStamps)
}

func (s *Server) program(ctx context.Context, in *OfProgram) (*reply[stamps.Definition], error) {
	return s.version(ctx, &OfVersion{OfProgram: *in})
}

func (s *Server) version(ctx context.Context, in *OfVersion) (*reply[stamps.Definition], error) {
	p, err := s.cards.Program(ctx, in.Program, in.Version)
	if err != nil {
		return nil, err
	}
	return found(p.Definition(), nil)
}

func (s *Server) publish(ctx context.Context, in *publishInput) (*reply[stamps.Definition], error) {
	switch {
	case in.Body.ID != in.Program:
		return nil, &errs.InputError{Field: "id", Reason: "is not that of the path"}
	case in.Body.Version != in.Version:
		return nil, &errs.InputError{Field: "version", Reason: "is not that of the path"}
	}
	p, err := s.cards.Publish(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	return found(p.Definition(), nil)
}

func (s *Server) allShops(ctx context.Context, in *Paged) (*reply[list[shop.Shop]], error) {
	return listed(s.shops.List(ctx), in.Limit)
}

func (s *Server) shop(ctx context.Context, in *OfShop) (*reply[ShopView], error) {
	v, managers, physical, err := s.shops.Get(ctx, in.Shop)
	return found(ShopView{v, append([]shop.Manager{}, managers...), append([]shop.Stamp{}, physical...)}, err)
}

func (s *Server) putShop(ctx context.Context, in *putShopInput) (*reply[shop.Shop], error) {
	b := in.Body
	out, err := s.shops.Put(ctx, shop.Put{By: caller(ctx).name, Key: in.Key, Shop: shop.Shop{
		ID: in.Shop, Name: b.Name, Address: b.Address, Zone: b.Zone, From: b.From, To: b.To, Slots: b.Slots,
	}})
	return answered(value(out.Shop), out.Replayed, err)
}

func (s *Server) invite(ctx context.Context, in *inviteInput) (*reply[Invitation], error) {
	i, err := s.shops.Invite(ctx, shop.Invite{Shop: in.Shop, By: caller(ctx).name, Key: in.Key})
	return answered(Invitation{i.ID, i.Token, i.Shop, i.Expires}, false, err)
}

func (s *Server) invitations(ctx context.Context, in *OfShop) (*reply[list[OpenInvitation]], error) {
	all, err := s.shops.Invitations(ctx, in.Shop)
	items := make([]OpenInvitation, len(all))
	for i, v := range all {
		items[i] = OpenInvitation{v.ID(), v.By, v.Expires}
	}
	return found(list[OpenInvitation]{items}, err)
}

func (s *Server) withdraw(ctx context.Context, in *withdrawInput) (*reply[Withdrawal], error) {
	out, err := s.shops.Withdraw(ctx, shop.Withdraw{Shop: in.Shop, Invitation: in.Invitation, By: caller(ctx).name, Key: in.Key})
	return answered(Withdrawal{append([]shop.InvitationID{}, out.Withdrawn...)}, out.Replayed, err)
}

func (s *Server) withdrawAll(ctx context.Context, in *inviteInput) (*reply[Withdrawal], error) {
	return s.withdraw(ctx, &withdrawInput{OfShop: in.OfShop, Keyed: in.Keyed})
}

func (s *Server) certify(ctx context.Context, in *certifyInput) (*reply[Certified], error) {
	token, err := s.shops.Certify(ctx, in.Serial)
	return found(Certified{token}, err)
}

func (s *Server) unbind(ctx context.Context, in *unbindInput) (*done, error) {
	out, err := s.shops.Unbind(ctx, shop.Unbind{Shop: in.Shop, Identity: in.Identity, By: caller(ctx).name, Key: in.Key})
	return &done{mark(out.Replayed)}, err
}

func (s *Server) admit(ctx context.Context, in *unbindInput) (*reply[otp.Admitted], error) {
	a, err := s.codes.Admit(ctx, otp.Admit{
		Scope: otp.Scope(in.Shop), Typist: otp.TypistID(in.Identity), By: caller(ctx).name, Key: in.Key,
	})
	return answered(a, a.Replayed, err)
}

func (s *Server) bindStamp(ctx context.Context, in *bindStampInput) (*reply[shop.Stamp], error) {
	out, err := s.shops.BindStamp(ctx, shop.BindStamp{
		Shop: in.Shop, Serial: in.Serial, Aliases: in.Aliases, Unsigned: in.Unsigned, By: caller(ctx).name, Key: in.Key,
	})
	if err != nil {
		return nil, err
	}
	return answered(out.Stamps[0], out.Replayed, nil)
}

func (s *Server) unbindStamp(ctx context.Context, in *stampInput) (*reply[Unbound], error) {
	out, err := s.shops.UnbindStamps(ctx, shop.UnbindStamps{Shop: in.Shop, Serial: in.Serial, By: caller(ctx).name, Key: in.Key})
	var n int
	for _, name := range out.Stamps {
		if name.Of == "" {
			n++
		}
	}
	return answered(Unbound{n}, out.Replayed, err)
}

func (s *Server) unbindStamps(ctx context.Context, in *inviteInput) (*reply[Unbound], error) {
	return s.unbindStamp(ctx, &stampInput{OfShop: in.OfShop, Keyed: in.Keyed})
}
