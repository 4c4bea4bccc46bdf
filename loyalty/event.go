package loyalty

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// The most that an event may have. What is more is an *errs.InputError.
const (
	MaxAmount = 1_000_000_000_000 // minor units: of a line, of all lines of a purchase together, and of a refund
	MaxItems  = 1_000_000         // Line.Quantity and Event.N
	MaxLines  = 2000              // of a purchase

	maxLabels = 32
)

// An Event is what a member earns points for.
type Event struct {
	Kind     string    `json:"kind,omitempty"`     // "sign-up", "review"; "": PurchaseEvent
	At       time.Time `json:"at,omitzero"`        // when it happened, not in the future; zero: now
	N        int64     `json:"n,omitempty"`        // of another event than a purchase: nights, kilometres; 0 is 1
	Purchase *Purchase `json:"purchase,omitempty"` // of a purchase
	Labels   []string  `json:"labels,omitempty"`   // of the member at that time: what conditions may ask for
	Channel  string    `json:"channel,omitempty"`  // where it happened, for conditions: "app", "shop"
	Shop     ids.Shop  `json:"shop,omitempty"`     // shop where it happened, for conditions
}

// A Purchase is an order that was paid. Its lines come to at most MaxAmount together, before
// discounts.
type Purchase struct {
	Currency string   `json:"currency"`         // ISO 4217
	Lines    []Line   `json:"lines"`            // at least one, at most MaxLines
	Labels   []string `json:"labels,omitempty"` // of the order, for conditions
}

// A Line is a position of a purchase. Amounts are minor units, of all its items together, from 0 to
// MaxAmount.
type Line struct {
	ID       string   `json:"id"`                 // within the purchase, for refunds
	Kind     LineKind `json:"kind,omitempty"`     // "": Item
	SKU      string   `json:"sku,omitempty"`      // article, for conditions
	Category string   `json:"category,omitempty"` // category of the article, for conditions
	Labels   []string `json:"labels,omitempty"`   // of the line, for conditions
	Quantity int64    `json:"quantity,omitempty"` // 0 is 1
	Gross    int64    `json:"gross"`              // price before discount
	Discount int64    `json:"discount,omitempty"` // taken off Gross, 0 to Gross
	Tax      int64    `json:"tax,omitempty"`      // in Gross less Discount
	Covered  int64    `json:"covered,omitempty"`  // that a gift card or points paid: it earns nothing
}

// LineKind says what a line is of.
type LineKind string

const (
	Item     LineKind = ""         // alone earns points
	Shipping LineKind = "shipping" // earns nothing
	Fee      LineKind = "fee"      // earns nothing
	GiftCard LineKind = "giftCard" // the sale of one
	Reward   LineKind = "reward"   // what points were spent for
)

func (e Event) kind() string {
	if e.Kind == "" {
		return PurchaseEvent
	}
	return e.Kind
}

// paid is what a refund of the line gives back.
func (l Line) paid() int64 { return l.Gross - l.Discount }

// earns is what of the line earns.
func (l Line) earns(b Basis) int64 {
	n := l.Gross
	if b != Gross {
		n -= l.Discount
	}
	if b == Untaxed {
		n -= l.Tax
	}
	return max(0, n-l.Covered)
}

func (l Line) items() int64 { return max(1, l.Quantity) }

func labels(field string, labels []string) error {
	if err := valid.Between(field, int64(len(labels)), 0, maxLabels); err != nil {
		return err
	}
	for i, l := range labels {
		if err := valid.ID(field, l); err != nil {
			return &errs.InputError{Field: fmt.Sprintf("%s[%d]", field, i), Reason: err.(*errs.InputError).Reason}
		}
	}
	return nil
}

// normal returns the event as it is decided on: its time stored, its lines in the order of their
// ids.
func (e Event) normal(now time.Time) (Event, error) {
	err := cmp.Or(
		valid.OptionalID("event.kind", e.Kind),
		valid.Time("event.at", e.At),
		valid.Between("event.n", e.N, 0, MaxItems),
		valid.OptionalID("event.channel", e.Channel),
		valid.OptionalID("event.shop", e.Shop),
		labels("event.labels", e.Labels),
	)
	switch purchase := e.kind() == PurchaseEvent; {
	case err != nil:
		return e, err
	case purchase && e.Purchase == nil:
		return e, &errs.InputError{Field: "event.purchase", Reason: "is missing"}
	case !purchase && e.Purchase != nil:
		return e, &errs.InputError{Field: "event.purchase", Reason: "is for events of kind purchase alone"}
	case purchase && e.N != 0:
		return e, &errs.InputError{Field: "event.n", Reason: "is not for a purchase"}
	}
	e.At = journal.Instant(e.At)
	if e.At.IsZero() {
		e.At = now
	}
	if e.At.After(now) {
		return e, &errs.InputError{Field: "event.at", Reason: "is in the future"}
	}
	e.N = max(1, e.N)
	if e.Purchase == nil {
		return e, nil
	}
	p := *e.Purchase
	if err := p.check(); err != nil {
		return e, err
	}
	if !slices.IsSortedFunc(p.Lines, compareLines) {
		p.Lines = slices.Clone(p.Lines)
		slices.SortFunc(p.Lines, compareLines)
	}
	for i := range p.Lines {
		if i > 0 && p.Lines[i-1].ID == p.Lines[i].ID {
			return e, &errs.InputError{Field: "event.purchase.lines", Reason: "has two lines of one id"}
		}
	}
	e.Purchase = &p
	return e, nil
}

func compareLines(a, b Line) int { return cmp.Compare(a.ID, b.ID) }

func (p *Purchase) check() error {
	err := cmp.Or(
		valid.Currency("event.purchase.currency", p.Currency),
		valid.Between("event.purchase.lines", int64(len(p.Lines)), 1, MaxLines),
		labels("event.purchase.labels", p.Labels),
	)
	total := int64(0)
	for i := range p.Lines {
		if err == nil {
			err = p.Lines[i].check(i)
		}
		total += p.Lines[i].Gross
		if err == nil && total > MaxAmount {
			err = &errs.InputError{Field: "event.purchase", Reason: "is more than an order can be"}
		}
	}
	return err
}

func (l *Line) check(i int) error {
	err := cmp.Or(
		valid.ID("id", l.ID),
		valid.OptionalID("sku", l.SKU),
		valid.OptionalID("category", l.Category),
		valid.Between("quantity", l.Quantity, 0, MaxItems),
		valid.Between("gross", l.Gross, 0, MaxAmount),
		valid.Between("discount", l.Discount, 0, l.Gross),
		valid.Between("tax", l.Tax, 0, l.Gross-l.Discount),
		valid.Between("covered", l.Covered, 0, l.Gross-l.Discount),
		labels("labels", l.Labels),
	)
	switch l.Kind {
	case Item, Shipping, Fee, GiftCard, Reward:
	default:
		err = cmp.Or(err, error(&errs.InputError{Field: "kind", Reason: "is none of shipping, fee, giftCard and reward"}))
	}
	if e, ok := err.(*errs.InputError); ok {
		return &errs.InputError{Field: fmt.Sprintf("event.purchase.lines[%d].%s", i, e.Field), Reason: e.Reason}
	}
	return nil
}
