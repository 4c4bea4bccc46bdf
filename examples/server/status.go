package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/refund"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/loyalty/till"
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

// A sentinel is an error of an engine as a caller meets it. Its name never changes: it is the last
// part of the problem's type, which a client may switch on.
type sentinel struct {
	name   string
	status int
	err    error
}

// sentinels are all of them. A caller is told their texts, without what they were wrapped in.
var sentinels = []sentinel{
	{"activation-signed-out", http.StatusUnauthorized, activation.ErrSignedOut},
	{"ticket-signature", http.StatusUnauthorized, ticket.ErrSignature},
	{"ticket-stale", http.StatusUnauthorized, ticket.ErrStale},
	{"dispatch-token", http.StatusUnauthorized, dispatch.ErrToken},
	{"dispatch-token-age", http.StatusUnauthorized, dispatch.ErrTokenAge},

	{"activation-disabled", http.StatusForbidden, activation.ErrDisabled},
	{"activation-expired", http.StatusForbidden, activation.ErrExpired},
	{"activation-device", http.StatusForbidden, activation.ErrDevice},
	{"activation-platform", http.StatusForbidden, activation.ErrPlatform},
	{"ticket-not-yours", http.StatusForbidden, ticket.ErrNotYours},
	{"office-account", http.StatusForbidden, office.ErrAccount},
	{"shop-not-manager", http.StatusForbidden, shop.ErrNotManager},
	{"counter-not-yours", http.StatusForbidden, counter.ErrNotYours},
	{"till-not-yours", http.StatusForbidden, till.ErrNotYours},
	{"stamps-other-shop", http.StatusForbidden, stamps.ErrOtherShop},
	{"stamps-absent", http.StatusForbidden, stamps.ErrAbsent},
	{"reward-level", http.StatusForbidden, reward.ErrLevel},

	{"stamps-unknown-program", http.StatusNotFound, stamps.ErrUnknownProgram},
	{"stamps-unknown-card", http.StatusNotFound, stamps.ErrUnknownCard},
	{"stamps-unknown-record", http.StatusNotFound, stamps.ErrUnknownRecord},
	{"stamps-unknown-coupon", http.StatusNotFound, stamps.ErrUnknownCoupon},
	{"shop-unknown-shop", http.StatusNotFound, shop.ErrUnknownShop},
	{"shop-unknown-stamp", http.StatusNotFound, shop.ErrUnknownStamp},
	{"loyalty-unknown-program", http.StatusNotFound, loyalty.ErrUnknownProgram},
	{"loyalty-unknown-account", http.StatusNotFound, loyalty.ErrUnknownAccount},
	{"loyalty-unknown-currency", http.StatusNotFound, loyalty.ErrUnknownCurrency},
	{"loyalty-unknown-level", http.StatusNotFound, loyalty.ErrUnknownLevel},
	{"refund-unknown-order", http.StatusNotFound, refund.ErrUnknownOrder},
	{"loyalty-unknown-booking", http.StatusNotFound, loyalty.ErrUnknownBooking},
	{"loyalty-unknown-line", http.StatusNotFound, loyalty.ErrUnknownLine},
	{"loyalty-unknown-hold", http.StatusNotFound, loyalty.ErrUnknownHold},
	{"reward-unknown-catalog", http.StatusNotFound, reward.ErrUnknownCatalog},
	{"reward-unknown-reward", http.StatusNotFound, reward.ErrUnknownReward},
	{"reward-unknown-voucher", http.StatusNotFound, reward.ErrUnknownVoucher},
	{"reward-unknown-order", http.StatusNotFound, reward.ErrUnknownOrder},
	{"activation-unknown-code", http.StatusNotFound, activation.ErrUnknownCode},
	{"activation-unknown-device", http.StatusNotFound, activation.ErrUnknownDevice},
	{"activation-unknown-pool", http.StatusNotFound, activation.ErrUnknownPool},
	{"activation-unknown-port", http.StatusNotFound, activation.ErrUnknownPort},
	{"lead-unknown-job", http.StatusNotFound, lead.ErrUnknownJob},
	{"dispatch-unknown-line", http.StatusNotFound, dispatch.ErrUnknownLine},
	{"ticket-unknown-site", http.StatusNotFound, ticket.ErrUnknownSite},
	{"ticket-unknown-ticket", http.StatusNotFound, ticket.ErrUnknownTicket},
	{"ticket-unknown-templates", http.StatusNotFound, ticket.ErrUnknownTemplates},
	{"ticket-unknown-secret", http.StatusNotFound, ticket.ErrUnknownSecret},

	{"ticket-too-large", http.StatusRequestEntityTooLarge, ticket.ErrTooLarge},

	{"otp-invalid-code", http.StatusUnprocessableEntity, otp.ErrInvalidCode},
	{"shop-press", http.StatusUnprocessableEntity, shop.ErrPress},
	{"shop-invitation", http.StatusUnprocessableEntity, shop.ErrInvitation},
	{"activation-invitation", http.StatusUnprocessableEntity, activation.ErrInvitation},
	{"journal-key-reused", http.StatusUnprocessableEntity, journal.ErrKeyReused},
	{"journal-cursor", http.StatusUnprocessableEntity, journal.ErrCursor},

	{"activation-sessions", http.StatusConflict, activation.ErrSessions},
	{"activation-port-state", http.StatusConflict, activation.ErrPortState},
	{"activation-linked", http.StatusConflict, activation.ErrLinked},
	{"activation-capacity", http.StatusConflict, activation.ErrCapacity},
	{"ticket-published", http.StatusConflict, ticket.ErrPublished},
	{"ticket-taken", http.StatusConflict, ticket.ErrTaken},
	{"ticket-state", http.StatusConflict, ticket.ErrState},
	{"ticket-secrets", http.StatusConflict, ticket.ErrSecrets},
	{"ticket-scheme", http.StatusConflict, ticket.ErrScheme},
	{"ticket-closed", http.StatusConflict, ticket.ErrClosed},
	{"ticket-body", http.StatusConflict, ticket.ErrBody},
	{"stamps-published", http.StatusConflict, stamps.ErrPublished},
	{"stamps-no-card", http.StatusConflict, stamps.ErrNoCard},
	{"stamps-no-handout", http.StatusConflict, stamps.ErrNoHandout},
	{"stamps-closed", http.StatusConflict, stamps.ErrClosed},
	{"stamps-shop", http.StatusConflict, stamps.ErrShop},
	{"stamps-currency", http.StatusConflict, stamps.ErrCurrency},
	{"stamps-min-purchase", http.StatusConflict, stamps.ErrMinPurchase},
	{"stamps-category", http.StatusConflict, stamps.ErrCategory},
	{"stamps-nothing", http.StatusConflict, stamps.ErrNothing},
	{"stamps-full", http.StatusConflict, stamps.ErrFull},
	{"stamps-order", http.StatusConflict, stamps.ErrOrder},
	{"stamps-too-few", http.StatusConflict, stamps.ErrTooFew},
	{"stamps-cancelled", http.StatusConflict, stamps.ErrCancelled},
	{"stamps-sold-out", http.StatusConflict, stamps.ErrSoldOut},
	{"stamps-member-limit", http.StatusConflict, stamps.ErrMemberLimit},
	{"stamps-redeemed", http.StatusConflict, stamps.ErrRedeemed},
	{"stamps-voided", http.StatusConflict, stamps.ErrVoided},
	{"stamps-lapsed", http.StatusConflict, stamps.ErrLapsed},
	{"stamps-not-redeemed", http.StatusConflict, stamps.ErrNotRedeemed},
	{"shop-closed", http.StatusConflict, shop.ErrClosed},
	{"shop-manages", http.StatusConflict, shop.ErrManages},
	{"shop-slots", http.StatusConflict, shop.ErrSlots},
	{"shop-shown-once", http.StatusConflict, shop.ErrShownOnce},
	{"shop-unsigned", http.StatusConflict, shop.ErrUnsigned},
	{"shop-stamp-bound", http.StatusConflict, shop.ErrStampBound},
	{"otp-ended", http.StatusConflict, otp.ErrEnded},
	{"otp-not-stopped", http.StatusConflict, otp.ErrNotStopped},
	{"loyalty-published", http.StatusConflict, loyalty.ErrPublished},
	{"loyalty-too-much", http.StatusConflict, loyalty.ErrTooMuch},
	{"loyalty-closed", http.StatusConflict, loyalty.ErrClosed},
	{"loyalty-money", http.StatusConflict, loyalty.ErrMoney},
	{"loyalty-merged", http.StatusConflict, loyalty.ErrMerged},
	{"loyalty-overflow", http.StatusConflict, loyalty.ErrOverflow},
	{"loyalty-held", http.StatusConflict, loyalty.ErrHeld},
	{"loyalty-holds", http.StatusConflict, loyalty.ErrHolds},
	{"reward-published", http.StatusConflict, reward.ErrPublished},
	{"reward-closed", http.StatusConflict, reward.ErrClosed},
	{"reward-price", http.StatusConflict, reward.ErrPrice},
	{"reward-too-few", http.StatusConflict, reward.ErrTooFew},
	{"reward-sold-out", http.StatusConflict, reward.ErrSoldOut},
	{"reward-member-limit", http.StatusConflict, reward.ErrMemberLimit},
	{"reward-merged", http.StatusConflict, reward.ErrMerged},
	{"reward-reserved", http.StatusConflict, reward.ErrReserved},
	{"reward-redeemed", http.StatusConflict, reward.ErrRedeemed},
	{"reward-voided", http.StatusConflict, reward.ErrVoided},
	{"reward-lapsed", http.StatusConflict, reward.ErrLapsed},
	{"reward-not-yet", http.StatusConflict, reward.ErrNotYet},
	{"reward-not-issued", http.StatusConflict, reward.ErrNotIssued},
	{"reward-not-redeemed", http.StatusConflict, reward.ErrNotRedeemed},
	{"reward-currency", http.StatusConflict, reward.ErrCurrency},
	{"reward-nothing", http.StatusConflict, reward.ErrNothing},
	{"reward-shop", http.StatusConflict, reward.ErrShop},
	{"stamps-refused", http.StatusConflict, stamps.ErrRefused},
	{"loyalty-refused", http.StatusConflict, loyalty.ErrRefused},
	{"reward-refused", http.StatusConflict, reward.ErrRefused},

	{"otp-crowded", http.StatusServiceUnavailable, otp.ErrCrowded},
	{"dispatch-moved", http.StatusServiceUnavailable, dispatch.ErrMoved},
	{"storage-retry", http.StatusServiceUnavailable, storage.ErrRetry},
	{"journal-conflict", http.StatusServiceUnavailable, journal.ErrConflict},
	{"journal-duplicate", http.StatusServiceUnavailable, journal.ErrDuplicate},
}

// status is the one place where an error of the engines becomes an HTTP status: with the text that
// the caller is told, and the headers that belong to it. What it does not know is 500, and nobody
// is told more.
func status(err error) (p *huma.ErrorModel, header http.Header) {
	var (
		input      *stamps.InputError
		definition *stamps.DefinitionError
		limit      *stamps.LimitError
		used       *stamps.UsedError
		throttled  *otp.ThrottledError
		stopped    *otp.StoppedError
		condition  *loyalty.ConditionError
		few        *loyalty.InsufficientError
		tampered   *loyalty.TamperedError
		ports      *activation.CapacityError
		tries      *activation.ThrottledError
		sessions   *activation.SessionsError
		full       *dispatch.NoCapacityError
		newcomers  *dispatch.LimitError
		target     *office.TargetError
	)
	switch {
	case errors.As(err, &input):
		p = problem("invalid-input", http.StatusUnprocessableEntity, input.Error())
		p.Errors = []*huma.ErrorDetail{{Location: input.Field, Message: input.Reason}}
	case errors.As(err, &definition):
		p = problem("invalid-definition", http.StatusUnprocessableEntity, "the definition has mistakes")
		for _, m := range definition.Mistakes {
			p.Errors = append(p.Errors, &huma.ErrorDetail{Location: m.Path, Message: m.Reason})
		}
	case errors.As(err, &condition):
		p = problem("loyalty-condition", http.StatusUnprocessableEntity, condition.Error())
	case errors.As(err, &limit):
		p, header = problem("stamps-limit", http.StatusTooManyRequests, limit.Error()), retryAfter(limit.RetryAfter)
	case errors.As(err, &throttled):
		p, header = problem("otp-throttled", http.StatusTooManyRequests, throttled.Error()), retryAfter(throttled.RetryAfter)
	case errors.As(err, &newcomers):
		p, header = problem("dispatch-limit", http.StatusTooManyRequests, newcomers.Error()), retryAfter(newcomers.RetryAfter)
	case errors.As(err, &target):
		p = problem("office-target", http.StatusConflict, target.Error())
	case errors.As(err, &stopped):
		p = problem("otp-stopped", http.StatusForbidden, stopped.Error())
	case errors.As(err, &tries):
		p, header = problem("activation-throttled", http.StatusTooManyRequests, tries.Error()), retryAfter(tries.RetryAfter)
	case errors.As(err, &sessions):
		p, header = problem("activation-sessions", http.StatusConflict, sessions.Error()), retryAfter(sessions.RetryAfter)
	case errors.As(err, &used):
		p = problem("stamps-used", http.StatusConflict, used.Error())
	case errors.As(err, &few):
		p = problem("loyalty-insufficient", http.StatusConflict, few.Error())
	case errors.As(err, &tampered):
		p = problem("loyalty-tampered", http.StatusConflict, tampered.Error())
	case errors.As(err, &ports):
		p = problem("activation-ports", http.StatusConflict, ports.Error())
	case errors.As(err, &full):
		p = problem("dispatch-full", http.StatusConflict, full.Error())
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		p = problem("timeout", http.StatusServiceUnavailable, "the request took too long; send it again with its key")
	default:
		p = problem("", http.StatusInternalServerError, "")
		for _, known := range sentinels {
			if errors.Is(err, known.err) {
				p = problem(known.name, known.status, known.err.Error())
				break
			}
		}
	}
	if p.Status == http.StatusServiceUnavailable {
		header = retryAfter(time.Second)
	}
	return p, header
}
