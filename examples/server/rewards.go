package main

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty/redemption"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/storage"
)

// toPay is how long a customer's reservation stands.
const toPay = 15 * time.Minute

type OfCatalog struct {
	Catalog reward.CatalogID `path:"catalog"`
}

type OfHolder struct {
	OfCatalog
	Member ids.Member `path:"member"`
}

func (in OfHolder) id() reward.HolderID {
	return reward.HolderID{Catalog: in.Catalog, Member: in.Member}
}

type OfVoucher struct {
	OfHolder
	N int64 `path:"n" minimum:"1"`
}

func (in OfVoucher) id() reward.VoucherID {
	return reward.VoucherID{Holder: in.OfHolder.id(), N: in.N}
}

type OfCatalogVersion struct {
	OfCatalog
	Version int `path:"version" minimum:"1"`
}

type publishCatalogInput struct {
	OfCatalogVersion
	Body reward.Definition
}

// Wanted is what a member takes.
type Wanted struct {
	Reward reward.RewardID `json:"reward"`
	N      int64           `json:"n,omitempty" doc:"Pieces; 1 where it is missing"`
	Price  reward.Price    `json:"price,omitzero" doc:"The one of the reward's that the member agreed to; of a table the most points"`
	Cart   *reward.Cart    `json:"cart,omitempty" doc:"Of a table: what the points are to pay, at most as much of it as the reward lets them"`
}

type takeInput struct {
	OfCatalog
	Keyed
	Body Wanted
}

// Ordered names what was reserved.
type Ordered struct {
	Order int64 `json:"order" doc:"Of the reserved vouchers"`
}

type myOrderInput struct {
	OfCatalog
	Keyed
	Body Ordered
}

type holderOrderInput struct {
	OfHolder
	Keyed
	Body Ordered
}

type giftInput struct {
	OfHolder
	Keyed
	Body struct {
		Reward reward.RewardID `json:"reward"`
		N      int64           `json:"n,omitempty"`
		Reason string          `json:"reason,omitempty"`
	}
}

type voucherInput struct {
	OfVoucher
	Keyed
	Body struct {
		Reason string `json:"reason"`
	}
}

// Shown is the code that a member shows.
type Shown struct {
	Code string       `json:"code" doc:"Typed or scanned"`
	Cart *reward.Cart `json:"cart,omitempty" doc:"What the voucher takes something off"`
}

type shopVoucherInput struct {
	OfShop
	Body Shown
}

type redeemVoucherInput struct {
	OfShop
	Keyed
	Body Shown
}

type VouchersQuery struct {
	OfCatalog
	Member ids.Member      `query:"member"`
	Reward reward.RewardID `query:"reward"`
	State  reward.State    `query:"state" enum:"reserved,issued,redeemed,lapsed,cancelled,returned,voided" doc:"As it is stored: what has lapsed may still be issued"`
	Paged
}

// VoucherView is a voucher, for its member with the code.
type VoucherView struct {
	reward.Voucher
	Code string `json:"code,omitempty"`
	QR   string `json:"qr,omitempty" doc:"What a picture of the code holds"`

	Deduction *reward.Deduction `json:"deduction,omitempty" doc:"What it takes off the cart"`
}

// Taken is what was taken or given back, and what became of the points.
type Taken struct {
	Vouchers []VoucherView `json:"vouchers" nullable:"false"`
	Price    reward.Price  `json:"price"`

	Deduction *reward.Deduction `json:"deduction,omitempty" doc:"What the voucher took off the cart"`
}

func (s *Server) rewardRoutes(api huma.API) {
	const catalog, holder, voucher = "/rewards/{catalog}", "/rewards/{catalog}/members/{member}", "/rewards/{catalog}/members/{member}/vouchers/{n}"
	op(s, api, customer, http.MethodGet, "/me/rewards/{catalog}", "What I may exchange my points for", s.offers)
	op(s, api, customer, http.MethodPost, "/me/rewards/{catalog}/redemptions", "Exchange points for vouchers", s.redeemReward)
	op(s, api, customer, http.MethodPost, "/me/rewards/{catalog}/reservations", "Set vouchers and their points aside for 15 minutes, to pay the rest", s.hold)
	op(s, api, customer, http.MethodPost, "/me/rewards/{catalog}/cancellations", "Give back what I reserved", s.cancelMine)
	op(s, api, customer, http.MethodGet, "/me/vouchers", "My vouchers, with their codes", s.myVouchers)
	op(s, api, staff, http.MethodPost, "/shops/{shop}/vouchers/preview", "See what a voucher is", s.previewVoucher)
	op(s, api, staff, http.MethodPost, "/shops/{shop}/vouchers", "Redeem a voucher in the shop", s.redeemVoucher)
	op(s, api, admin, http.MethodPut, catalog+"/versions/{version}", "Publish a version of a catalog", s.publishCatalog)
	op(s, api, admin, http.MethodGet, catalog+"/versions/{version}", "A version of a catalog", s.catalogVersion)
	op(s, api, admin, http.MethodGet, catalog+"/vouchers", "The vouchers of a catalog", s.vouchers)
	op(s, api, admin, http.MethodPost, holder+"/gifts", "Give vouchers to a member", s.gift)
	op(s, api, admin, http.MethodPost, holder+"/captures", "Give what was reserved, now that it is paid", s.captureOrder)
	op(s, api, admin, http.MethodPost, holder+"/cancellations", "Give back what was reserved", s.cancelOrder)
	op(s, api, admin, http.MethodPost, voucher+"/returns", "Take a voucher back, and give its points back", s.returnVoucher)
	op(s, api, admin, http.MethodPost, voucher+"/voids", "End a voucher", s.voidVoucher)
	op(s, api, admin, http.MethodPost, voucher+"/undos", "Take a redemption back", s.undoVoucher)
}

// mine is the caller as a holder.
func (in OfCatalog) mine(ctx context.Context) reward.HolderID {
	return reward.HolderID{Catalog: in.Catalog, Member: ids.Member(caller(ctx).name)}
}

// view returns a voucher without what its code is made from; the code itself is for its member
// alone.
func view(v reward.Voucher, own bool) VoucherView {
	w := VoucherView{Voucher: v}
	w.Salt, w.KeyID, w.Prefix = nil, "", ""
	if own {
		w.Code, w.QR, w.By = v.Code, v.QR, ""
	}
	return w
}

func views(seq iter.Seq2[reward.Voucher, error], own bool) iter.Seq2[VoucherView, error] {
	return func(yield func(VoucherView, error) bool) {
		for v, err := range seq {
			if !yield(view(v, own), err) {
				return
			}
		}
	}
}

// taken is the reply to a command on vouchers.
func taken(out reward.Outcome, own bool, err error) (*reply[Taken], error) {
	t := Taken{Vouchers: make([]VoucherView, len(out.Vouchers)), Price: out.Price, Deduction: out.Deduction}
	for i, v := range out.Vouchers {
		t.Vouchers[i] = view(v, own)
	}
	return answered(t, out.Replayed, err)
}

func (s *Server) offers(ctx context.Context, in *OfCatalog) (*reply[list[redemption.Offer]], error) {
	offers, err := s.redemption.Offers(ctx, in.mine(ctx))
	return found(list[redemption.Offer]{offers}, err)
}

func (in *takeInput) order(ctx context.Context) redemption.Order {
	return redemption.Order{Holder: in.mine(ctx), Reward: in.Body.Reward, N: in.Body.N, Price: in.Body.Price, Cart: in.Body.Cart, By: caller(ctx).name, Key: in.Key}
}

func (s *Server) redeemReward(ctx context.Context, in *takeInput) (*reply[Taken], error) {
	if in.Body.Price.Money != 0 {
		return nil, &errs.InputError{Field: "price.money", Reason: "is to be paid first: reserve it, and it is captured then"}
	}
	r, err := s.redemption.Redeem(ctx, in.order(ctx))
	return taken(r.Outcome, true, err)
}

func (s *Server) hold(ctx context.Context, in *takeInput) (*reply[Taken], error) {
	r, err := s.redemption.Reserve(ctx, redemption.Reserve{Order: in.order(ctx), For: toPay})
	return taken(r.Outcome, true, err)
}

func (s *Server) cancelMine(ctx context.Context, in *myOrderInput) (*reply[Taken], error) {
	r, err := s.redemption.Cancel(ctx, reward.Cancel{Holder: in.mine(ctx), Order: in.Body.Order, By: caller(ctx).name, Key: in.Key})
	return taken(r.Outcome, true, err)
}

func (s *Server) myVouchers(ctx context.Context, in *Paged) (*reply[list[VoucherView]], error) {
	q := reward.VoucherQuery{Member: ids.Member(caller(ctx).name), Limit: in.Limit}
	return listed(views(s.rewards.Vouchers(ctx, q), true), in.Limit)
}

func (s *Server) previewVoucher(ctx context.Context, in *shopVoucherInput) (*reply[VoucherView], error) {
	if _, err := s.shops.Authorize(ctx, in.Shop, caller(ctx).identity()); err != nil {
		return nil, err
	}
	v, err := s.rewards.Find(ctx, in.Body.Code)
	w := view(v, false)
	if err == nil && in.Body.Cart != nil {
		var d reward.Deduction
		d, err = s.rewards.Deduct(ctx, v.ID, *in.Body.Cart)
		w.Deduction = &d
	}
	return found(w, err)
}

// redeemVoucher is done by who manages the shop at that moment: both are asked in one transaction.
func (s *Server) redeemVoucher(ctx context.Context, in *redeemVoucherInput) (*reply[Taken], error) {
	p := caller(ctx)
	var out reward.Outcome
	err := s.db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
		if _, err := s.shops.In(tx).Authorize(ctx, in.Shop, p.identity()); err != nil {
			return err
		}
		v, err := s.rewards.In(tx).Find(ctx, in.Body.Code)
		if err != nil {
			return err
		}
		out, err = s.rewards.In(tx).Redeem(ctx, reward.Redeem{Voucher: v.ID, Shop: in.Shop, Cart: in.Body.Cart, By: p.name, Key: in.Key})
		return err
	})
	return taken(out, false, err)
}

func (s *Server) publishCatalog(ctx context.Context, in *publishCatalogInput) (*reply[reward.Definition], error) {
	if in.Body.ID != in.Catalog || in.Body.Version != in.Version {
		return nil, &errs.InputError{Field: "id", Reason: "and version are not those of the address"}
	}
	c, err := s.rewards.Publish(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	return found(c.Definition(), nil)
}

func (s *Server) catalogVersion(ctx context.Context, in *OfCatalogVersion) (*reply[reward.Definition], error) {
	c, err := s.rewards.Catalog(ctx, in.Catalog, in.Version)
	if err != nil {
		return nil, err
	}
	return found(c.Definition(), nil)
}

func (s *Server) vouchers(ctx context.Context, in *VouchersQuery) (*reply[list[VoucherView]], error) {
	if _, err := s.rewards.Catalog(ctx, in.Catalog, 0); err != nil {
		return nil, err
	}
	q := reward.VoucherQuery{Catalog: in.Catalog, Member: in.Member, Reward: in.Reward, State: in.State, Limit: in.Limit}
	return listed(views(s.rewards.Vouchers(ctx, q), false), in.Limit)
}

func (s *Server) gift(ctx context.Context, in *giftInput) (*reply[Taken], error) {
	out, err := s.rewards.Issue(ctx, reward.Issue{
		Take: reward.Take{Holder: in.id(), Reward: in.Body.Reward, N: in.Body.N}, Gift: true, Reason: in.Body.Reason, By: caller(ctx).name, Key: in.Key,
	})
	return taken(out, false, err)
}

func (s *Server) captureOrder(ctx context.Context, in *holderOrderInput) (*reply[Taken], error) {
	r, err := s.redemption.Capture(ctx, reward.Capture{Holder: in.id(), Order: in.Body.Order, By: caller(ctx).name, Key: in.Key})
	return taken(r.Outcome, false, err)
}

func (s *Server) cancelOrder(ctx context.Context, in *holderOrderInput) (*reply[Taken], error) {
	r, err := s.redemption.Cancel(ctx, reward.Cancel{Holder: in.id(), Order: in.Body.Order, By: caller(ctx).name, Key: in.Key})
	return taken(r.Outcome, false, err)
}

func (s *Server) returnVoucher(ctx context.Context, in *voucherInput) (*reply[Taken], error) {
	r, err := s.redemption.Return(ctx, reward.Return{Voucher: in.id(), Reason: in.Body.Reason, By: caller(ctx).name, Key: in.Key})
	return taken(r.Outcome, false, err)
}

func (s *Server) voidVoucher(ctx context.Context, in *voucherInput) (*reply[Taken], error) {
	out, err := s.rewards.Void(ctx, reward.Void{Voucher: in.id(), Reason: in.Body.Reason, By: caller(ctx).name, Key: in.Key})
	return taken(out, false, err)
}

func (s *Server) undoVoucher(ctx context.Context, in *voucherInput) (*reply[Taken], error) {
	out, err := s.rewards.Undo(ctx, reward.Undo{Voucher: in.id(), Reason: in.Body.Reason, By: caller(ctx).name, Key: in.Key})
	return taken(out, false, err)
}
