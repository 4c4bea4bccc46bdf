package main

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/refund"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/scrm/activation"
	customers "github.com/scrmkit/scrmkit/scrm/customer"
	"github.com/scrmkit/scrmkit/scrm/lead"
	"github.com/scrmkit/scrmkit/scrm/lead/routing"
	"github.com/scrmkit/scrmkit/scrm/ticket"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
)

// enumerations are the types of the engines that have no other values than these. The document
// lists the values, and a request with another one is refused before it reaches an engine.
var enumerations = []enumeration{
	enumOf(loyalty.Net, loyalty.Gross, loyalty.Untaxed),
	enumOf(loyalty.Down, loyalty.HalfUp, loyalty.HalfEven, loyalty.Up),
	enumOf(loyalty.PerEvent, loyalty.PerMoney, loyalty.PerItem, loyalty.PerMilestone),
	enumOf(loyalty.Fraction, loyalty.Whole, loyalty.Carry),
	enumOf(loyalty.PerOne, loyalty.Ever, loyalty.Day, loyalty.Month, loyalty.Quarter, loyalty.Half, loyalty.Year, loyalty.Week),
	enumOf(loyalty.CountPoints, loyalty.CountMoney, loyalty.CountPurchases, loyalty.CountItems, loyalty.CountEvents),
	enumOf(loyalty.Never, loyalty.AtEnd, loyalty.OnRefund),
	enumOf(loyalty.Gave, loyalty.Multiplied, loyalty.Capped, loyalty.Rounded, loyalty.OutsideTime, loyalty.NotMet, loyalty.NoLine, loyalty.BelowMinimum, loyalty.Stopped, loyalty.Excluded, loyalty.GroupGives, loyalty.TooLittle, loyalty.Late, loyalty.LevelReached, loyalty.LevelNotReached),
	enumOf(loyalty.UsePoints, loyalty.UseTimes, loyalty.UseCarry),
	enumOf(loyalty.Item, loyalty.Shipping, loyalty.Fee, loyalty.GiftCard, loyalty.Reward),
	enumOf(loyalty.PendingOnly, loyalty.WithinBalance, loyalty.BelowZero),
	enumOf(reward.Day, reward.Week, reward.Month, reward.Year, reward.Ever),
	enumOf(reward.Reserved, reward.Issued, reward.Redeemed, reward.Lapsed, reward.Cancelled, reward.Returned, reward.Voided),
	enumOf(refund.TakenBack, refund.KeptPart, refund.KeptUsed, refund.KeptEnded, refund.KeptCounted),
	enumOf(reward.Gave, reward.CappedMost, reward.CappedOrder, reward.CappedLines, reward.NoLine, reward.BelowMin, reward.BelowMinItems),
	enumOf(stamps.PurposeStamp, stamps.PurposeCancel, stamps.PurposeAdjust, stamps.PurposeImport, stamps.PurposeTransfer, stamps.PurposeExpire, stamps.PurposeClaim, stamps.PurposeRedeem, stamps.PurposeUndo, stamps.PurposeVoid),
	enumOf(stamps.Issued, stamps.Redeemed, stamps.Voided, stamps.Lapsed),
	enumOf(stamps.PerVisit, stamps.PerAmount, stamps.PerItem, stamps.PerHand, stamps.PerPurchase),
	enumOf(stamps.OwnShop, stamps.AnyShop),
	enumOf(stamps.Carry, stamps.Stop, stamps.Count),
	enumOf(stamps.Refuse, stamps.Owe),
	enumOf(activation.Enabled, activation.Disabled, activation.Expired, activation.Deleted),
	enumOf(activation.Unlinked, activation.Pending, activation.Linked, activation.LoggedOut, activation.Banned, activation.Closed),
	enumOf(lead.Added, lead.AddedLead, lead.InFile, lead.Had, lead.Unread),
	enumOf(lead.CountInbound, lead.CountFriends, lead.CountConversation),
	enumOf(lead.ReachJob, lead.ReachCodes, lead.ReachGroup, lead.ReachOwner, lead.ReachLinked),
	enumOf(lead.Inbound, lead.Outbound, lead.Friend, lead.Conversation),
	enumOf(lead.NewLead, lead.Duplicate, lead.Uncertain, lead.Excluded, lead.Moved),
	enumOf(lead.First, lead.InJob, lead.InCodes, lead.InGroup, lead.InOwner, lead.InLinked, lead.InLibrary, lead.AgeUnknown, lead.Began, lead.NotCounted, lead.TooEarly, lead.TooLate, lead.Unbound, lead.NotFirst),
	enumOf(routing.Closed, routing.Offline, routing.Full, routing.Behind),
	enumOf(ticket.Received, ticket.Pending, ticket.Assigned, ticket.Manual, ticket.Rejected, ticket.Done),
	enumOf(ticket.NoTemplate, ticket.BadPhone, ticket.NoCapacity, ticket.Unreadable, ticket.CodeUnknown, ticket.CodeDisabled, ticket.CodeExpired, ticket.CodeDeleted, ticket.AccountGone, ticket.PoolUnknown, ticket.HandedBack),
	enumOf(ticket.StandardWebhooks, ticket.Shopify, ticket.WooCommerce, ticket.Typeform, ticket.GitHub, ticket.LINE, ticket.JotForm, ticket.Custom),
	enumOf(ticket.Hex, ticket.Base64, ticket.Base64URL),
	enumOf(customers.Female, customers.Male, customers.Other),
	enumOf(customers.Plain, customers.Separate, customers.Guardian, customers.Guidance),
	enumOf(miniprogram.Quick, miniprogram.Realtime),
}

// An enumeration is a type with its values, and the type that stands for it in the document.
type enumeration struct {
	of, alias reflect.Type
	values    []any
}

func enumOf[T ~string](values ...T) enumeration {
	e := enumeration{of: reflect.TypeFor[T](), alias: reflect.TypeFor[enum[T]]()}
	for _, v := range values {
		e.values = append(e.values, string(v))
	}
	return e
}

// An enum stands for T in the document.
type enum[T ~string] string

// Schema implements [huma.SchemaProvider].
func (enum[T]) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for _, e := range enumerations {
		if e.of == reflect.TypeFor[T]() {
			s.Enum = e.values
		}
	}
	return s
}
