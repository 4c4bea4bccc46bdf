package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"iter"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/refund"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/storage/journal"
)

type OfPoints struct {
	Program ids.Program `path:"program"`
}

type totalsInput struct {
	OfPoints
	At time.Time `query:"at" doc:"What has ended by then has lapsed; now, where it is missing"`
}

type OfAccount struct {
	OfPoints
	Member ids.Member `path:"member"`
}

func (in OfAccount) id() loyalty.AccountID {
	return loyalty.AccountID{Program: in.Program, Member: in.Member}
}

type OfPointsVersion struct {
	OfPoints
	Version int `path:"version" minimum:"1"`
}

type publishPointsInput struct {
	OfPointsVersion
	Body loyalty.Definition
}

type myLedgerInput struct {
	OfPoints
	Paged
}

type ledgerInput struct {
	OfAccount
	Paged
}

type earnInput struct {
	OfAccount
	Keyed
	Body loyalty.Event
}

type previewInput struct {
	OfAccount
	Body loyalty.Event
}

// Spending is what points are spent on.
type Spending struct {
	Currency ids.Currency `json:"currency,omitempty" doc:"The program's first where it is missing"`
	N        int64        `json:"n"`
	Reason   string       `json:"reason,omitempty"`
}

type redeemPointsInput struct {
	OfAccount
	Keyed
	Body struct {
		Spending
		UpTo bool `json:"upTo,omitempty" doc:"Where there are fewer, but some, takes those; the moves of the answer tell how many"`
	}
}

type verifyProgramInput struct {
	OfPoints
	Body struct {
		Kept *loyalty.Heads `json:"kept,omitempty" doc:"The answer of an earlier verification"`
	}
}

type activateInput struct {
	OfAccount
	Keyed
	Body struct {
		Of       string       `json:"of" doc:"The key under which they were earned"`
		Currency ids.Currency `json:"currency,omitempty"`
		N        int64        `json:"n,omitempty" doc:"0: all that is pending of it"`
		Reason   string       `json:"reason,omitempty"`
	}
}

type reserveInput struct {
	OfAccount
	Keyed
	Body struct {
		Currency ids.Currency `json:"currency,omitempty"`
		N        int64        `json:"n"`
		Until    time.Time    `json:"until"`
	}
}

type captureInput struct {
	OfAccount
	Keyed
	Body struct {
		Spending
		Hold string `json:"hold" doc:"The key of the hold"`
	}
}

type releaseInput struct {
	OfAccount
	Keyed
	Body struct {
		Currency ids.Currency `json:"currency,omitempty"`
		Hold     string       `json:"hold" doc:"The key of the hold"`
	}
}

type adjustPointsInput struct {
	OfAccount
	Keyed
	Body struct {
		Currency ids.Currency `json:"currency,omitempty"`
		N        int64        `json:"n" doc:"Points to give, or to take where negative"`
		To       time.Time    `json:"to,omitzero" doc:"The end of what is given; the program's where it is missing"`
		Reason   string       `json:"reason"`
	}
}

type refundInput struct {
	OfAccount
	Keyed
	Body struct {
		Of     string               `json:"of" doc:"The key under which it was earned"`
		Amount int64                `json:"amount,omitempty"`
		Lines  []loyalty.LineRefund `json:"lines,omitempty"`
		All    bool                 `json:"all,omitempty"`
		Reason string               `json:"reason,omitempty"`
	}
}

type refundOrderInput struct {
	OfAccount
	Keyed
	Body struct {
		Order    string               `json:"order" doc:"The key under which it gave points, stamps and vouchers"`
		Amount   int64                `json:"amount,omitempty"`
		Lines    []loyalty.LineRefund `json:"lines,omitempty"`
		All      bool                 `json:"all,omitempty"`
		Stamps   []refund.Stamps      `json:"stamps,omitempty" doc:"Of a part of the order: the stamps that go back with it"`
		Vouchers []reward.VoucherID   `json:"vouchers,omitempty" doc:"Of a part of the order: the vouchers that go back with it"`
		Reason   string               `json:"reason,omitempty"`
	}
}

type returnInput struct {
	OfAccount
	Keyed
	Body struct {
		Of     string `json:"of" doc:"The key under which it was spent"`
		N      int64  `json:"n,omitempty" doc:"0: all that is left"`
		Reason string `json:"reason,omitempty"`
	}
}

type tierInput struct {
	OfAccount
	Keyed
	Body struct {
		Level  ids.Level `json:"level"`
		Until  time.Time `json:"until,omitzero"`
		Reason string    `json:"reason,omitempty"`
	}
}

type giveInput struct {
	OfAccount
	Keyed
	Body struct {
		Spending
		To ids.Member `json:"to"`
	}
}

type mergeInput struct {
	OfAccount
	Keyed
	Body struct {
		To     ids.Member `json:"to"`
		Reason string     `json:"reason,omitempty"`
	}
}

// PointsView is an account as it is now.
type PointsView struct {
	Joined   time.Time                     `json:"joined"`
	Points   map[ids.Currency]PointsOfKind `json:"points" nullable:"false"`
	Status   loyalty.Status                `json:"status"`
	Next     ids.Level                     `json:"next,omitempty" doc:"The next level that can be earned"`
	Ways     []loyalty.Way                 `json:"ways,omitempty" doc:"What is missing to it; any of them suffices"`
	MergedTo ids.Member                    `json:"mergedTo,omitempty"`
}

// PointsOfKind are the points of one currency.
type PointsOfKind struct {
	loyalty.Balance
	Expiring []loyalty.Lot  `json:"expiring,omitempty" doc:"What ends when"`
	Holds    []loyalty.Hold `json:"holds,omitempty"`
}

func (s *Server) pointsRoutes(api huma.API) {
	const account = "/points/{program}/members/{member}"
	op(s, api, customer, http.MethodGet, "/me/points/{program}", "My points and my level", s.myPoints)
	op(s, api, customer, http.MethodGet, "/me/points/{program}/history", "What happened to my points, the newest first", s.myLedger)
	op(s, api, admin, http.MethodPut, "/points/{program}/versions/{version}", "Publish a version of a program of points", s.publishPoints)
	op(s, api, admin, http.MethodGet, "/points/{program}/versions/{version}", "A version of a program of points", s.pointsVersion)
	op(s, api, admin, http.MethodGet, "/points/{program}/totals", "The books of a program at an instant", s.pointsTotals)
	op(s, api, admin, http.MethodPost, "/points/{program}/verifications", "Check all ledgers of a program", s.verifyProgram)
	op(s, api, admin, http.MethodGet, account, "The points and the level of a member", s.account)
	op(s, api, admin, http.MethodGet, account+"/history", "What happened to them, the newest first", s.ledger)
	op(s, api, admin, http.MethodGet, account+"/verification", "Check that the ledger is as it was written", s.verify)
	op(s, api, admin, http.MethodPost, account+"/previews", "What an event would earn, and why", s.previewPoints)
	op(s, api, admin, http.MethodPost, account+"/events", "Earn for a purchase or another event", s.earn)
	op(s, api, admin, http.MethodPost, account+"/redemptions", "Spend points", s.redeemPoints)
	op(s, api, admin, http.MethodPost, account+"/holds", "Set points aside", s.reserve)
	op(s, api, admin, http.MethodPost, account+"/captures", "Spend points that were set aside", s.capture)
	op(s, api, admin, http.MethodPost, account+"/releases", "Give points back that were set aside", s.release)
	op(s, api, admin, http.MethodPost, account+"/activations", "Let pending points be spent now", s.activate)
	op(s, api, admin, http.MethodPost, account+"/adjustments", "Give or take points by hand", s.adjustPoints)
	op(s, api, admin, http.MethodPost, account+"/refunds", "Take back what a purchase earned that was sent back", s.refund)
	op(s, api, admin, http.MethodPost, account+"/orders/refunds", "Take back points, stamps and vouchers of an order", s.refundOrder)
	op(s, api, admin, http.MethodPost, account+"/returns", "Give points back that were spent", s.giveBack)
	op(s, api, admin, http.MethodPost, account+"/levels", "Give a level by hand", s.setTier)
	op(s, api, admin, http.MethodPost, account+"/gifts", "Give points to another member", s.give)
	op(s, api, admin, http.MethodPost, account+"/mergers", "Merge a member into another, who is the same person", s.merge)
}

// view returns an account as it is now.
func (s *Server) view(ctx context.Context, id loyalty.AccountID) (v PointsView, err error) {
	p, err := s.points.Program(ctx, id.Program, 0)
	if err != nil {
		return v, err
	}
	a, err := s.points.Account(ctx, id)
	if err != nil {
		return v, err
	}
	now := time.Now()
	a = p.At(a, now)
	v = PointsView{Joined: a.Joined, Points: map[ids.Currency]PointsOfKind{}, Status: a.Status, MergedTo: a.Merged}
	v.Next, v.Ways = p.Progress(a, now)
	for _, h := range a.Holdings {
		v.Points[h.Currency] = PointsOfKind{h.Wallet.Balance(now), h.Wallet.Expiring(now), h.Wallet.Holds}
	}
	return v, nil
}

// outcomes yields what the entries of a ledger tell: of archived ones their numbers and times.
func outcomes(entries iter.Seq2[journal.Entry, error]) iter.Seq2[loyalty.Outcome, error] {
	return func(yield func(loyalty.Outcome, error) bool) {
		for e, err := range entries {
			var out loyalty.Outcome
			switch {
			case err != nil:
			case e.Archived():
				out.Seq, out.At = e.Seq, e.At
			default:
				err = json.Unmarshal(e.Result, &out)
			}
			if !yield(out, err) {
				return
			}
		}
	}
}

func (s *Server) myPoints(ctx context.Context, in *OfPoints) (*reply[PointsView], error) {
	return found(s.view(ctx, loyalty.AccountID{Program: in.Program, Member: ids.Member(caller(ctx).name)}))
}

func (s *Server) myLedger(ctx context.Context, in *myLedgerInput) (*reply[list[loyalty.Outcome]], error) {
	id := loyalty.AccountID{Program: in.Program, Member: ids.Member(caller(ctx).name)}
	return listed(without(outcomes(s.points.Ledger(ctx, id)), func(o *loyalty.Outcome) { o.Command = nil }), in.Limit)
}

func (s *Server) publishPoints(ctx context.Context, in *publishPointsInput) (*reply[loyalty.Definition], error) {
	if in.Body.ID != in.Program || in.Body.Version != in.Version {
		return nil, &errs.InputError{Field: "id", Reason: "and version are not those of the address"}
	}
	p, err := s.points.Publish(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	return found(p.Definition(), nil)
}

func (s *Server) pointsVersion(ctx context.Context, in *OfPointsVersion) (*reply[loyalty.Definition], error) {
	p, err := s.points.Program(ctx, in.Program, in.Version)
	if err != nil {
		return nil, err
	}
	return found(p.Definition(), nil)
}

func (s *Server) pointsTotals(ctx context.Context, in *totalsInput) (*reply[map[ids.Currency]loyalty.Position], error) {
	at := in.At
	if at.IsZero() {
		at = time.Now()
	}
	return found(s.points.TotalsAt(ctx, in.Program, at))
}

func (s *Server) account(ctx context.Context, in *OfAccount) (*reply[PointsView], error) {
	return found(s.view(ctx, in.id()))
}

func (s *Server) ledger(ctx context.Context, in *ledgerInput) (*reply[list[loyalty.Outcome]], error) {
	return listed(outcomes(s.points.Ledger(ctx, in.id())), in.Limit)
}

func (s *Server) verify(ctx context.Context, in *OfAccount) (*done, error) {
	if err := s.points.Verify(ctx, in.id()); err != nil {
		return nil, err
	}
	return &done{}, nil
}

func (s *Server) verifyProgram(ctx context.Context, in *verifyProgramInput) (*reply[loyalty.Heads], error) {
	terms, err := s.points.Terms(ctx, in.Program)
	if err != nil {
		return nil, err
	}
	heads := loyalty.Heads{Terms: terms, Members: []loyalty.Head{}}
	q := loyalty.VerifyQuery{Program: in.Program}
	if kept := in.Body.Kept; kept != nil {
		q.Terms, q.Kept = kept.Terms, kept.All()
	}
	for head, err := range s.points.VerifyProgram(ctx, q) {
		if err != nil {
			return nil, err
		}
		heads.Members = append(heads.Members, head)
	}
	return found(heads, nil)
}

// told is the reply to a command on points.
func told(out loyalty.Outcome, err error) (*reply[loyalty.Outcome], error) {
	return answered(out, out.Replayed, err)
}

func (s *Server) previewPoints(ctx context.Context, in *previewInput) (*reply[loyalty.Outcome], error) {
	return told(s.points.Preview().Earn(ctx, loyalty.Earn{Account: in.id(), Event: in.Body, Key: rand.Text()}))
}

func (s *Server) earn(ctx context.Context, in *earnInput) (*reply[loyalty.Outcome], error) {
	return told(s.points.Earn(ctx, loyalty.Earn{Account: in.id(), Event: in.Body, By: caller(ctx).name, Key: in.Key}))
}

func (s *Server) redeemPoints(ctx context.Context, in *redeemPointsInput) (*reply[loyalty.Outcome], error) {
	return told(s.points.Redeem(ctx, loyalty.Redeem{
		Account: in.id(), Currency: in.Body.Currency, N: in.Body.N, UpTo: in.Body.UpTo, Reason: in.Body.Reason,
		By: caller(ctx).name, Key: in.Key,
	}))
}

func (s *Server) activate(ctx context.Context, in *activateInput) (*reply[loyalty.Outcome], error) {
	return told(s.points.Activate(ctx, loyalty.Activate{
		Account: in.id(), Of: in.Body.Of, Currency: in.Body.Currency, N: in.Body.N, Reason: in.Body.Reason, By: caller(ctx).name, Key: in.Key,
	}))
}

func (s *Server) reserve(ctx context.Context, in *reserveInput) (*reply[loyalty.Outcome], error) {
	return told(s.points.Reserve(ctx, loyalty.Reserve{
		Account: in.id(), Currency: in.Body.Currency, N: in.Body.N, Until: in.Body.Until, By: caller(ctx).name, Key: in.Key,
	}))
}

func (s *Server) capture(ctx context.Context, in *captureInput) (*reply[loyalty.Outcome], error) {
	return told(s.points.Capture(ctx, loyalty.Capture{
		Account: in.id(), Currency: in.Body.Currency, Hold: in.Body.Hold, N: in.Body.N, Reason: in.Body.Reason, By: caller(ctx).name,
		Key: in.Key,
	}))
}

func (s *Server) release(ctx context.Context, in *releaseInput) (*reply[loyalty.Outcome], error) {
	return told(s.points.Release(ctx, loyalty.Release{
		Account: in.id(), Currency: in.Body.Currency, Hold: in.Body.Hold, By: caller(ctx).name, Key: in.Key,
	}))
}

func (s *Server) adjustPoints(ctx context.Context, in *adjustPointsInput) (*reply[loyalty.Outcome], error) {
	return told(s.points.Adjust(ctx, loyalty.Adjust{
		Account: in.id(), Currency: in.Body.Currency, N: in.Body.N, To: in.Body.To, Reason: in.Body.Reason, By: caller(ctx).name, Key: in.Key,
	}))
}

func (s *Server) refund(ctx context.Context, in *refundInput) (*reply[loyalty.Outcome], error) {
	return told(s.points.Refund(ctx, loyalty.Refund{
		Account: in.id(), Of: in.Body.Of, Amount: in.Body.Amount, Lines: in.Body.Lines, All: in.Body.All,
		Reason: in.Body.Reason, By: caller(ctx).name, Key: in.Key,
	}))
}

func (s *Server) refundOrder(ctx context.Context, in *refundOrderInput) (*reply[refund.Result], error) {
	b := in.Body
	r, err := refund.New(s.db, s.points, s.rewards, s.cards, nil).Refund(ctx, refund.Refund{
		Account: in.id(), Order: b.Order, Amount: b.Amount, Lines: b.Lines, All: b.All, Stamps: b.Stamps, Vouchers: b.Vouchers,
		Reason: b.Reason, By: caller(ctx).name, Key: in.Key,
	})
	for i := range r.Vouchers {
		r.Vouchers[i].Voucher = view(r.Vouchers[i].Voucher, false).Voucher
	}
	return answered(r, r.Replayed, err)
}

func (s *Server) giveBack(ctx context.Context, in *returnInput) (*reply[loyalty.Outcome], error) {
	return told(s.points.Return(ctx, loyalty.Return{
		Account: in.id(), Of: in.Body.Of, N: in.Body.N, Reason: in.Body.Reason, By: caller(ctx).name, Key: in.Key,
	}))
}

func (s *Server) setTier(ctx context.Context, in *tierInput) (*reply[loyalty.Outcome], error) {
	return told(s.points.SetTier(ctx, loyalty.SetTier{
		Account: in.id(), Level: in.Body.Level, Until: in.Body.Until, Reason: in.Body.Reason, By: caller(ctx).name, Key: in.Key,
	}))
}

func (s *Server) give(ctx context.Context, in *giveInput) (*reply[loyalty.Outcome], error) {
	return told(s.points.Transfer(ctx, loyalty.Transfer{
		Account: in.id(), To: in.Body.To, Currency: in.Body.Currency, N: in.Body.N, Reason: in.Body.Reason, By: caller(ctx).name, Key: in.Key,
	}))
}

func (s *Server) merge(ctx context.Context, in *mergeInput) (*reply[loyalty.Outcome], error) {
	return told(s.redemption.Merge(ctx, loyalty.Merge{
		Account: in.id(), To: in.Body.To, Reason: in.Body.Reason, By: caller(ctx).name, Key: in.Key,
	}))
}
