package main

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/scrm/lead/dispatch"
	"github.com/scrmkit/scrmkit/scrm/office"
	"github.com/scrmkit/scrmkit/scrm/ticket"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/counter"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// errOtherShop: a manager deals with a coupon that is not his shop's.
var errOtherShop = errors.New("the coupon is another shop's")

// status is the one place where an error of the engines becomes an HTTP status: with the text that the caller is told,
// and the headers that belong to it. What it does not know is 500, and nobody is told more.
func status(err error) (p *huma.ErrorModel, header http.Header) {
	var (
		input      *stamps.InputError
		definition *stamps.DefinitionError
		limit      *stamps.LimitError
		used       *stamps.UsedError
		throttled  *otp.ThrottledError
		condition  *loyalty.ConditionError
		few        *loyalty.InsufficientError
		tampered   *loyalty.TamperedError
		ports      *activation.CapacityError
		full       *dispatch.NoCapacityError
	)
	is := func(targets ...error) bool {
		for _, target := range targets {
			if errors.Is(err, target) {
				err = target // without what it was wrapped in
				return true
			}
		}
		return false
	}
	switch {
	case errors.As(err, &input):
		p = problem(http.StatusUnprocessableEntity, input.Error())
		p.Errors = []*huma.ErrorDetail{{Location: input.Field, Message: input.Reason}}
	case errors.As(err, &definition):
		p = problem(http.StatusUnprocessableEntity, "the definition has mistakes")
		for _, m := range definition.Mistakes {
			p.Errors = append(p.Errors, &huma.ErrorDetail{Location: m.Path, Message: m.Reason})
		}
	case errors.As(err, &condition):
		p = problem(http.StatusUnprocessableEntity, condition.Error())
	case is(otp.ErrInvalidCode, shop.ErrInvitation, activation.ErrInvitation, journal.ErrKeyReused, journal.ErrCursor):
		p = problem(http.StatusUnprocessableEntity, err.Error())

	case errors.As(err, &limit):
		p, header = problem(http.StatusTooManyRequests, limit.Error()), retryAfter(limit.RetryAfter)
	case errors.As(err, &throttled):
		p, header = problem(http.StatusTooManyRequests, throttled.Error()), retryAfter(throttled.RetryAfter)

	case is(activation.ErrSignedOut, ticket.ErrSignature, ticket.ErrStale):
		p = problem(http.StatusUnauthorized, err.Error())
	case is(ticket.ErrTooLarge):
		p = problem(http.StatusRequestEntityTooLarge, err.Error())

	case is(activation.ErrDisabled, activation.ErrExpired, activation.ErrDevice, activation.ErrPlatform, office.ErrAccount):
		p = problem(http.StatusForbidden, err.Error())
	case is(shop.ErrNotManager, counter.ErrNotYours, errOtherShop, reward.ErrLevel):
		p = problem(http.StatusForbidden, err.Error())

	case is(stamps.ErrUnknownProgram, stamps.ErrUnknownCard, stamps.ErrUnknownRecord, stamps.ErrUnknownCoupon,
		shop.ErrUnknownShop, shop.ErrUnknownStamp, loyalty.ErrUnknownProgram, loyalty.ErrUnknownAccount, loyalty.ErrUnknownCurrency,
		loyalty.ErrUnknownLevel, loyalty.ErrUnknownBooking, loyalty.ErrUnknownLine, loyalty.ErrUnknownHold,
		reward.ErrUnknownCatalog, reward.ErrUnknownReward, reward.ErrUnknownVoucher, reward.ErrUnknownOrder,
		activation.ErrUnknownCode, activation.ErrUnknownDevice, activation.ErrUnknownPool, activation.ErrUnknownPort, lead.ErrUnknownJob,
		dispatch.ErrUnknownLine, ticket.ErrUnknownSite, ticket.ErrUnknownTicket, ticket.ErrUnknownTemplates, ticket.ErrUnknownSecret):
		p = problem(http.StatusNotFound, err.Error())

	case errors.As(err, &used):
		p = problem(http.StatusConflict, used.Error())
	case errors.As(err, &few):
		p = problem(http.StatusConflict, few.Error())
	case errors.As(err, &tampered):
		p = problem(http.StatusConflict, tampered.Error())
	case errors.As(err, &ports):
		p = problem(http.StatusConflict, ports.Error())
	case errors.As(err, &full):
		p = problem(http.StatusConflict, full.Error())
	case is(activation.ErrSessions, activation.ErrPortState, activation.ErrLinked, activation.ErrCapacity, ticket.ErrPublished, ticket.ErrState, ticket.ErrSecrets, ticket.ErrScheme,
		ticket.ErrClosed, ticket.ErrBody):
		p = problem(http.StatusConflict, err.Error())
	case is(stamps.ErrPublished, stamps.ErrNoCard, stamps.ErrNoHandout, stamps.ErrClosed, stamps.ErrShop, stamps.ErrCurrency,
		stamps.ErrMinPurchase, stamps.ErrNothing, stamps.ErrFull, stamps.ErrOrder, stamps.ErrTooFew, stamps.ErrCancelled,
		stamps.ErrSoldOut, stamps.ErrMemberLimit, stamps.ErrRedeemed, stamps.ErrVoided, stamps.ErrLapsed, stamps.ErrNotRedeemed,
		shop.ErrClosed, shop.ErrManages, shop.ErrSlots, shop.ErrShownOnce, shop.ErrStampBound,
		otp.ErrEnded, stamps.ErrRefused, loyalty.ErrPublished, loyalty.ErrTooMuch, loyalty.ErrClosed, loyalty.ErrMoney, loyalty.ErrMerged,
		loyalty.ErrOverflow, loyalty.ErrHeld, loyalty.ErrHolds, loyalty.ErrRefused,
		reward.ErrPublished, reward.ErrClosed, reward.ErrPrice, reward.ErrTooFew, reward.ErrSoldOut, reward.ErrMemberLimit, reward.ErrReserved,
		reward.ErrRedeemed, reward.ErrVoided, reward.ErrLapsed, reward.ErrNotYet, reward.ErrNotIssued, reward.ErrNotRedeemed, reward.ErrShop,
		reward.ErrRefused):
		p = problem(http.StatusConflict, err.Error())

	case is(otp.ErrCrowded, storage.ErrRetry, journal.ErrConflict, journal.ErrDuplicate):
		p, header = problem(http.StatusServiceUnavailable, err.Error()), retryAfter(time.Second)
	case is(context.DeadlineExceeded, context.Canceled):
		p, header = problem(http.StatusServiceUnavailable, "the request took too long; send it again with its key"), retryAfter(time.Second)

	default:
		p = problem(http.StatusInternalServerError, "")
	}
	return p, header
}

// problem returns a problem of RFC 9457.
func problem(status int, detail string) *huma.ErrorModel {
	return &huma.ErrorModel{Title: http.StatusText(status), Status: status, Detail: detail}
}

// mute takes what the caller sent out of a problem, for it may be a code or a token.
func mute(_ huma.Context, _ string, v any) (any, error) {
	if p, ok := v.(*huma.ErrorModel); ok {
		for _, e := range p.Errors {
			e.Value = nil
		}
	}
	return v, nil
}

func writeProblem(w http.ResponseWriter, p *huma.ErrorModel, header http.Header) {
	for name, values := range header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // as for any answer
}

// retryAfter is in whole seconds, rounded up.
func retryAfter(d time.Duration) http.Header {
	return http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(d.Seconds())))}}
}
