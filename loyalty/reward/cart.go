package reward

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/valid"
)

const (
	maxLines    = 2000
	maxQuantity = 1_000_000
	maxLabels   = 32
)

// A Cart is what a member is about to buy. What is computed of it does not depend on the order of
// its lines.
type Cart struct {
	Currency string     `json:"currency"` // ISO 4217; that of the catalog
	Lines    []CartLine `json:"lines"`    // at least one
}

// A CartLine is a position of a cart.
type CartLine struct {
	ID         string   `json:"id"`                   // within the cart
	SKU        string   `json:"sku,omitempty"`        // article, for discounts
	Categories []string `json:"categories,omitempty"` // categories of the article, for discounts
	Quantity   int64    `json:"quantity,omitempty"`   // 0 is 1
	Price      int64    `json:"price"`                // of one item, minor units
	Reduced    int64    `json:"reduced,omitempty"`    // by what the price of all items was reduced already, minor units
}

func (l CartLine) items() int64 { return max(1, l.Quantity) }

// left is what the line comes to, less what it was reduced by.
func (l CartLine) left() int64 { return l.items()*l.Price - l.Reduced }

// Total returns what the cart comes to, less what it was reduced by.
func (c Cart) Total() (sum int64) {
	for _, l := range c.Lines {
		sum += l.left()
	}
	return sum
}

// Validate returns an *errs.InputError for a cart that nothing can be taken off, and else nil. What
// takes a cart does it itself.
func (c Cart) Validate() error { return (&c).check() }

// check accepts nil too.
func (c *Cart) check() error {
	if c == nil {
		return nil
	}
	err := cmp.Or(valid.Currency("cart.currency", c.Currency), valid.Between("cart.lines", int64(len(c.Lines)), 1, maxLines))
	seen := map[string]bool{}
	var total int64
	for i, l := range c.Lines {
		if err != nil {
			return err
		}
		at := fmt.Sprintf("cart.lines[%d].", i)
		if err = l.check(at); err == nil && seen[l.ID] {
			err = &errs.InputError{Field: at + "id", Reason: "is there twice"}
		}
		seen[l.ID] = true
		if err == nil {
			err = valid.Between(at+"price", l.items()*l.Price, 0, maxAmount-total)
			total += l.items() * l.Price
		}
	}
	return err
}

func (l CartLine) check(at string) error {
	err := cmp.Or(
		valid.ID(at+"id", l.ID), valid.OptionalID(at+"sku", l.SKU),
		valid.Between(at+"categories", int64(len(l.Categories)), 0, maxLabels),
		valid.Between(at+"quantity", l.Quantity, 0, maxQuantity), valid.Between(at+"price", l.Price, 0, maxAmount),
	)
	for i, c := range l.Categories {
		err = cmp.Or(err, valid.ID(fmt.Sprintf("%scategories[%d]", at, i), c))
	}
	if err == nil {
		err = valid.Between(at+"reduced", l.Reduced, 0, l.items()*l.Price)
	}
	return err
}

// sorted returns the lines in the order of their ids.
func (c Cart) sorted() []CartLine {
	return slices.SortedFunc(slices.Values(c.Lines), func(a, b CartLine) int { return cmp.Compare(a.ID, b.ID) })
}
