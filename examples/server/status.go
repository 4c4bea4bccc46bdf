package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/refund"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/otp/delivery"
	"github.com/scrmkit/scrmkit/scrm/activation"
	customers "github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/scrm/desk"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/scrm/lead/routing"
	"github.com/scrmkit/scrmkit/scrm/session"
	"github.com/scrmkit/scrmkit/scrm/signin"
	"github.com/scrmkit/scrmkit/scrm/ticket"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
	stamptill "github.com/scrmkit/scrmkit/stamps/till"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
	"github.com/scrmkit/scrmkit/wechat/subscription"
)

// statusOf returns the status of an error by its class, whatever package it is of. Errors without
// a class are 500, as those of class Internal.
func statusOf(err error) int {
	switch errs.ClassOf(err) {
	case errs.NotFound:
		return http.StatusNotFound
	case errs.Invalid:
		return http.StatusUnprocessableEntity
	case errs.Denied:
		return http.StatusForbidden
	case errs.Conflict, errs.Exhausted, errs.OutOfTime:
		return http.StatusConflict
	case errs.TryAgain:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// A sentinel is an error of an engine as a caller meets it. Its name never changes: it is the last
// part of the problem's type, which a client may switch on.
type sentinel struct {
	name string
	err  error
}

// status returns that of the sentinel's class, or one that says more.
func (s sentinel) status() int {
	switch s.err {
	case activation.ErrSignedOut, session.ErrInvalid, ticket.ErrSignature, ticket.ErrStale, routing.ErrToken, routing.ErrTokenAge:
		return http.StatusUnauthorized
	case activation.ErrExpired:
		return http.StatusForbidden // as a code that was disabled
	case ticket.ErrTooLarge:
		return http.StatusRequestEntityTooLarge
	case journal.ErrKeyReused:
		return http.StatusUnprocessableEntity // draft-ietf-httpapi-idempotency-key-header, 2.7
	case otp.ErrCrowded:
		return http.StatusServiceUnavailable // codes end by themselves
	case wechat.ErrRateLimited:
		return http.StatusTooManyRequests
	case wechat.ErrUnavailable, wechat.ErrBusy:
		return http.StatusServiceUnavailable
	}
	return statusOf(s.err)
}

// sentinels are all that engines return; where an error matches two, the first counts. A caller is
// told its text, without what it was wrapped in.
var sentinels = []sentinel{
	{"activation-signed-out", activation.ErrSignedOut},
	{"session-invalid", session.ErrInvalid},
	{"ticket-signature", ticket.ErrSignature},
	{"ticket-stale", ticket.ErrStale},
	{"dispatch-token", routing.ErrToken},
	{"dispatch-token-age", routing.ErrTokenAge},

	{"activation-disabled", activation.ErrDisabled},
	{"activation-expired", activation.ErrExpired},
	{"activation-device", activation.ErrDevice},
	{"activation-platform", activation.ErrPlatform},
	{"ticket-not-yours", ticket.ErrNotYours},
	{"office-account", desk.ErrAccount},
	{"shop-not-manager", shop.ErrNotManager},
	{"counter-not-yours", stamptill.ErrNotYours},
	{"stamps-other-shop", stamps.ErrOtherShop},
	{"stamps-absent", stamps.ErrAbsent},
	{"reward-level", reward.ErrLevel},

	{"delivery-prefix", delivery.ErrPrefix},
	{"delivery-stopped", delivery.ErrStopped},
	{"customer-no-consent", customers.ErrNoConsent},
	{"customer-minor", customers.ErrMinor},
	{"message-no-consent", subscription.ErrNoConsent},
	{"wechat-refused", wechat.ErrRefused},
	{"wechat-blocked", wechat.ErrUserBlocked},

	{"stamps-unknown-program", stamps.ErrUnknownProgram},
	{"stamps-unknown-card", stamps.ErrUnknownCard},
	{"stamps-card-exists", stamps.ErrCardExists},
	{"stamps-unknown-record", stamps.ErrUnknownRecord},
	{"stamps-unknown-coupon", stamps.ErrUnknownCoupon},
	{"shop-unknown-shop", shop.ErrUnknownShop},
	{"shop-unknown-stamp", shop.ErrUnknownStamp},
	{"loyalty-unknown-program", loyalty.ErrUnknownProgram},
	{"loyalty-unknown-account", loyalty.ErrUnknownAccount},
	{"loyalty-unknown-currency", loyalty.ErrUnknownCurrency},
	{"loyalty-unknown-level", loyalty.ErrUnknownLevel},
	{"refund-unknown-order", refund.ErrUnknownOrder},
	{"loyalty-unknown-booking", loyalty.ErrUnknownBooking},
	{"loyalty-unknown-line", loyalty.ErrUnknownLine},
	{"loyalty-unknown-hold", loyalty.ErrUnknownHold},
	{"reward-unknown-catalog", reward.ErrUnknownCatalog},
	{"reward-unknown-reward", reward.ErrUnknownReward},
	{"reward-unknown-voucher", reward.ErrUnknownVoucher},
	{"reward-unknown-order", reward.ErrUnknownOrder},
	{"activation-unknown-code", activation.ErrUnknownCode},
	{"activation-unknown-device", activation.ErrUnknownDevice},
	{"activation-unknown-pool", activation.ErrUnknownPool},
	{"activation-unknown-port", activation.ErrUnknownPort},
	{"lead-unknown-job", lead.ErrUnknownJob},
	{"dispatch-unknown-line", routing.ErrUnknownLine},
	{"ticket-unknown-site", ticket.ErrUnknownSite},
	{"ticket-unknown-ticket", ticket.ErrUnknownTicket},
	{"ticket-unknown-templates", ticket.ErrUnknownTemplates},
	{"ticket-unknown-secret", ticket.ErrUnknownSecret},
	{"customer-unknown", customers.ErrUnknown},
	{"customer-not-linked", customers.ErrNotLinked},
	{"session-unknown", session.ErrUnknown},
	{"delivery-unknown-message", delivery.ErrUnknownMessage},
	{"message-unknown-template", subscription.ErrUnknownTemplate},

	{"ticket-too-large", ticket.ErrTooLarge},
	{"ticket-orders", ticket.ErrOrders},

	{"otp-invalid-code", otp.ErrInvalidCode},
	{"delivery-invalid-code", delivery.ErrInvalidCode},
	{"signin-nickname", signin.ErrNickname},
	{"wechat-code-invalid", wechat.ErrCodeInvalid},
	{"wechat-code-used", wechat.ErrCodeUsed},
	{"wechat-page", miniprogram.ErrPage},
	{"shop-press", shop.ErrPress},
	{"shop-invitation", shop.ErrInvitation},
	{"activation-invitation", activation.ErrInvitation},
	{"journal-key-reused", journal.ErrKeyReused},
	{"journal-archived", journal.ErrArchived},
	{"journal-cursor", journal.ErrCursor},

	{"customer-taken", customers.ErrTaken},
	{"customer-linked", customers.ErrLinked},
	{"customer-last", customers.ErrLast},
	{"customer-full", customers.ErrFull},
	{"customer-erased", customers.ErrErased},
	{"customer-changed", customers.ErrChanged},
	{"customer-fields", customers.ErrFields},
	{"customer-member", customers.ErrMember},
	{"delivery-not-stopped", delivery.ErrNotStopped},
	{"signin-no-openid", signin.ErrNoOpenID},
	{"wechat-session", miniprogram.ErrSession},
	{"wechat-visit", miniprogram.ErrVisit},
	{"activation-sessions", activation.ErrSessions},
	{"activation-port-state", activation.ErrPortState},
	{"activation-linked", activation.ErrLinked},
	{"activation-capacity", activation.ErrCapacity},
	{"ticket-published", ticket.ErrPublished},
	{"ticket-taken", ticket.ErrTaken},
	{"ticket-state", ticket.ErrState},
	{"ticket-secrets", ticket.ErrSecrets},
	{"ticket-scheme", ticket.ErrScheme},
	{"ticket-closed", ticket.ErrClosed},
	{"ticket-body", ticket.ErrBody},
	{"stamps-published", stamps.ErrPublished},
	{"stamps-no-card", stamps.ErrNoCard},
	{"stamps-no-handout", stamps.ErrNoHandout},
	{"stamps-closed", stamps.ErrClosed},
	{"stamps-shop", stamps.ErrShop},
	{"stamps-currency", stamps.ErrCurrency},
	{"stamps-min-purchase", stamps.ErrMinPurchase},
	{"stamps-category", stamps.ErrCategory},
	{"stamps-nothing", stamps.ErrNothing},
	{"stamps-full", stamps.ErrFull},
	{"stamps-order", stamps.ErrOrder},
	{"stamps-too-few", stamps.ErrTooFew},
	{"stamps-cancelled", stamps.ErrCancelled},
	{"stamps-sold-out", stamps.ErrSoldOut},
	{"stamps-member-limit", stamps.ErrMemberLimit},
	{"stamps-redeemed", stamps.ErrRedeemed},
	{"stamps-voided", stamps.ErrVoided},
	{"stamps-lapsed", stamps.ErrLapsed},
	{"stamps-not-redeemed", stamps.ErrNotRedeemed},
	{"shop-closed", shop.ErrClosed},
	{"shop-manages", shop.ErrManages},
	{"shop-slots", shop.ErrSlots},
	{"shop-shown-once", shop.ErrShownOnce},
	{"shop-unsigned", shop.ErrUnsigned},
	{"shop-stamp-bound", shop.ErrStampBound},
	{"otp-ended", otp.ErrEnded},
	{"otp-not-stopped", otp.ErrNotStopped},
	{"loyalty-published", loyalty.ErrPublished},
	{"loyalty-too-much", loyalty.ErrTooMuch},
	{"loyalty-closed", loyalty.ErrClosed},
	{"loyalty-money", loyalty.ErrCurrency},
	{"loyalty-account-exists", loyalty.ErrAccountExists},
	{"loyalty-merged", loyalty.ErrMerged},
	{"loyalty-overflow", loyalty.ErrOverflow},
	{"loyalty-held", loyalty.ErrHeld},
	{"loyalty-holds", loyalty.ErrHolds},
	{"reward-published", reward.ErrPublished},
	{"reward-closed", reward.ErrClosed},
	{"reward-price", reward.ErrPrice},
	{"reward-too-few", reward.ErrTooFew},
	{"reward-sold-out", reward.ErrSoldOut},
	{"reward-member-limit", reward.ErrMemberLimit},
	{"reward-merged", reward.ErrMerged},
	{"reward-reserved", reward.ErrReserved},
	{"reward-redeemed", reward.ErrRedeemed},
	{"reward-voided", reward.ErrVoided},
	{"reward-lapsed", reward.ErrLapsed},
	{"reward-not-yet", reward.ErrNotYet},
	{"reward-not-issued", reward.ErrNotIssued},
	{"reward-not-redeemed", reward.ErrNotRedeemed},
	{"reward-currency", reward.ErrCurrency},
	{"reward-nothing", reward.ErrNothing},
	{"reward-shop", reward.ErrShop},
	{"reward-code-taken", reward.ErrCodeTaken},

	{"otp-crowded", otp.ErrCrowded},
	{"wechat-rate-limited", wechat.ErrRateLimited},
	{"wechat-unavailable", wechat.ErrUnavailable},
	{"wechat-busy", wechat.ErrBusy},
	{"dispatch-moved", routing.ErrMoved},
	{"storage-retry", storage.ErrRetry},
	{"journal-conflict", journal.ErrConflict},
	{"journal-duplicate", journal.ErrDuplicate},
}

// status is the one place where an error of the engines becomes an HTTP status: with the text that
// the caller is told, and the headers that belong to it. What it does not know is 500, and nobody
// is told more.
func status(err error) (p *huma.ErrorModel, header http.Header) {
	var (
		input      *errs.InputError
		definition *errs.DefinitionError
		limit      *stamps.LimitError
		used       *stamps.UsedError
		throttled  *otp.ThrottledError
		asked      *delivery.ThrottledError
		stopped    *otp.StoppedError
		condition  *loyalty.ConditionError
		few        *loyalty.InsufficientError
		tampered   *loyalty.TamperedError
		ports      *activation.CapacityError
		tries      *activation.ThrottledError
		sessions   *activation.SessionsError
		full       *routing.NoCapacityError
		newcomers  *routing.LimitError
		target     *desk.TargetError
	)
	switch {
	case errors.As(err, &input):
		p = explained("invalid-input", input)
		p.Errors = []*huma.ErrorDetail{{Location: input.Field, Message: input.Reason}}
	case errors.As(err, &definition):
		p = problem("invalid-definition", statusOf(definition), "the definition has mistakes")
		for _, m := range definition.Mistakes {
			p.Errors = append(p.Errors, &huma.ErrorDetail{Location: m.Path, Message: m.Reason})
		}
	case errors.As(err, &condition):
		p = explained("loyalty-condition", condition)
	case errors.As(err, &limit):
		p, header = throttling("stamps-limit", limit, limit.RetryAfter)
	case errors.As(err, &throttled):
		p, header = throttling("otp-throttled", throttled, throttled.RetryAfter)
	case errors.As(err, &asked):
		p, header = throttling("delivery-throttled", asked, asked.RetryAfter)
	case errors.As(err, &newcomers):
		p, header = throttling("dispatch-limit", newcomers, newcomers.RetryAfter)
	case errors.As(err, &target):
		p = explained("office-target", target)
	case errors.As(err, &stopped):
		p = explained("otp-stopped", stopped)
	case errors.As(err, &tries):
		p, header = throttling("activation-throttled", tries, tries.RetryAfter)
	case errors.As(err, &sessions):
		p, header = explained("activation-sessions", sessions), retryAfter(sessions.RetryAfter)
	case errors.As(err, &used):
		p = explained("stamps-used", used)
	case errors.As(err, &few):
		p = explained("loyalty-insufficient", few)
	case errors.As(err, &tampered): // what Verify was asked to find
		p = problem("loyalty-tampered", http.StatusConflict, tampered.Error())
	case errors.As(err, &ports):
		p = explained("activation-ports", ports)
	case errors.As(err, &full):
		p = explained("dispatch-full", full)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		p = problem("timeout", http.StatusServiceUnavailable, "the request took too long; send it again with its key")
	default:
		p = problem("", statusOf(err), "")
		for _, known := range sentinels {
			if errors.Is(err, known.err) {
				p = problem(known.name, known.status(), known.err.Error())
				break
			}
		}
	}
	if p.Status == http.StatusServiceUnavailable {
		header = retryAfter(time.Second)
	}
	return p, header
}

// explained returns the problem of an error whose text is for the caller, with the status of its
// class.
func explained(name string, err error) *huma.ErrorModel {
	return problem(name, statusOf(err), err.Error())
}

// throttling returns the problem of an error that ends by itself, and its headers.
func throttling(name string, err error, after time.Duration) (*huma.ErrorModel, http.Header) {
	return problem(name, http.StatusTooManyRequests, err.Error()), retryAfter(after)
}
