package reward

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/scrmkit/scrmkit/internal/valid"
)

// A Discount is what a voucher takes off the lines of a cart that match, in one of four ways:
// BasisPoints, Amount, Free or Value. Of several, a line is reduced by the first that matches it,
// and by no other: one for each category, and one for the rest. It never takes off more than the
// lines come to.
//
// What it takes off is computed once for all lines together and rounded down to the minor unit. The
// lines share it by what each comes to, of free items by their prices, each rounded down, and what
// remains goes one minor unit a line to those that lost most by that (the method of the largest
// remainder), the dearer line first, then the lower id. So the shares of the lines add up to it.
type Discount struct {
	BasisPoints int64 `json:"basisPoints,omitempty"` // of what the lines come to, in hundredths of a percent: 2000 is 20 %
	Amount      int64 `json:"amount,omitempty"`      // minor units
	Free        int64 `json:"free,omitempty"`        // number of items, the cheapest that cost anything first
	Value       bool  `json:"value,omitempty"`       // what the voucher stands for: Reward.Value, or what a Table made of points

	Most        int64 `json:"most,omitempty"`        // that it takes off, minor units; 0: no bound
	MostOfOrder int64 `json:"mostOfOrder,omitempty"` // that it takes off, in hundredths of a percent of the whole cart, rounded down; 0: no bound
	Min         int64 `json:"min,omitempty"`         // what the lines must come to, minor units, for it to take anything off
	MinItems    int64 `json:"minItems,omitempty"`    // how many items the lines must have, for it to take anything off

	SKUs          []string `json:"skus,omitempty"`          // lines of one of these, or of one of Categories, match; both empty: all lines
	Categories    []string `json:"categories,omitempty"`    //
	NotSKUs       []string `json:"notSkus,omitempty"`       // lines of one of these don't match
	NotCategories []string `json:"notCategories,omitempty"` // lines of one of these don't match
}

// A Why says how a Discount came to what it took off.
type Why string

const (
	Gave          Why = "gave"                                     // all that it says
	CappedMost    Why = "limited by most"                          // no more than Discount.Most
	CappedOrder   Why = "limited by the share of the order"        // no more than Discount.MostOfOrder
	CappedLines   Why = "limited by what the lines come to"        // no more than the lines come to
	NoLine        Why = "no line matches"                          // nothing, as no line of the cart matches
	BelowMin      Why = "the lines come to less than min"          // nothing, as the lines come to less than Discount.Min
	BelowMinItems Why = "the lines have fewer items than minItems" // nothing, as the lines have fewer items than Discount.MinItems
)

// A Deduction is what a voucher takes off a cart. Its lines add up to its total, and so do its
// steps.
type Deduction struct {
	Total int64           `json:"total"`           // minor units
	Lines []DeductedLine  `json:"lines,omitempty"` // those that something is taken off, in the order of their ids
	Steps []DeductionStep `json:"steps,omitempty"` // what each discount of the reward did, in their order
}

// A DeductedLine is what is taken off a line.
type DeductedLine struct {
	ID    string `json:"id"`              // CartLine.ID
	N     int64  `json:"n"`               // minor units
	Items int64  `json:"items,omitempty"` // free ones
}

// A DeductionStep explains what one discount took off.
type DeductionStep struct {
	Discount int   `json:"discount"` // its place among those of the reward, from 0
	Of       int64 `json:"of"`       // what the lines that match come to, minor units
	N        int64 `json:"n"`        // what it took off
	Why      Why   `json:"why"`      // how it came to N
}

// Deduct returns what a voucher of that value takes off a cart. Errors: *errs.InputError,
// ErrUnknownReward, ErrCurrency.
func (c *Catalog) Deduct(id RewardID, value int64, cart Cart) (Deduction, error) {
	r, err := c.reward(id)
	if err == nil {
		err = cmp.Or((&cart).check(), valid.Between("value", value, 0, maxAmount))
	}
	if err != nil {
		return Deduction{}, err
	}
	return c.deduct(r, value, cart)
}

func (c *Catalog) deduct(r *Reward, value int64, cart Cart) (Deduction, error) {
	if cart.Currency != c.def.Money {
		return Deduction{}, ErrCurrency
	}
	var d Deduction
	lines, order := cart.sorted(), cart.Total()
	for i, x := range r.Discounts {
		var own []CartLine
		lines = slices.DeleteFunc(lines, func(l CartLine) bool {
			matches := x.matches(l)
			if matches {
				own = append(own, l)
			}
			return matches
		})
		step, shares := x.take(own, order, value)
		step.Discount = i
		d.Steps = append(d.Steps, step)
		d.Total += step.N
		for _, s := range shares {
			if s.N > 0 {
				d.Lines = append(d.Lines, s)
			}
		}
	}
	slices.SortFunc(d.Lines, func(a, b DeductedLine) int { return cmp.Compare(a.ID, b.ID) })
	return d, nil
}

// most returns the most value that points may pay of a cart, by the discount of the reward that
// takes off the value; all of it where there is none.
func (c *Catalog) most(r *Reward, cart *Cart) (int64, error) {
	i := slices.IndexFunc(r.Discounts, func(d Discount) bool { return d.Value })
	if cart == nil || i < 0 {
		return math.MaxInt64, nil
	}
	d, err := c.deduct(r, maxAmount, *cart)
	if err != nil {
		return 0, err
	}
	return d.Steps[i].N, nil
}

func (d Discount) matches(l CartLine) bool {
	in := func(skus, categories []string) bool {
		return l.SKU != "" && slices.Contains(skus, l.SKU) ||
			slices.ContainsFunc(l.Categories, func(c string) bool { return slices.Contains(categories, c) })
	}
	return (d.all() || in(d.SKUs, d.Categories)) && !in(d.NotSKUs, d.NotCategories)
}

// all reports whether lines match unless they are left out.
func (d Discount) all() bool { return len(d.SKUs)+len(d.Categories) == 0 }

// take returns what is taken off the lines that match, which are in the order of their ids.
func (d Discount) take(lines []CartLine, order, value int64) (DeductionStep, []DeductedLine) {
	var step DeductionStep
	var items int64
	shares, weights := make([]DeductedLine, len(lines)), make([]int64, len(lines))
	for i, l := range lines {
		shares[i].ID, weights[i] = l.ID, l.left()
		step.Of += l.left()
		items += l.items()
	}
	switch {
	case step.Of == 0:
		step.Why = NoLine
		return step, nil
	case step.Of < d.Min:
		step.Why = BelowMin
		return step, nil
	case items < d.MinItems:
		step.Why = BelowMinItems
		return step, nil
	}
	switch {
	case d.BasisPoints > 0:
		step.N = portion(step.Of, d.BasisPoints, whole)
	case d.Free > 0:
		step.N = free(lines, d.Free, shares, weights)
	case d.Value:
		step.N = value
	default:
		step.N = d.Amount
	}
	step.Why = Gave
	limit := func(most int64, why Why) {
		if step.N > most {
			step.N, step.Why = most, why
		}
	}
	limit(step.Of, CappedLines)
	if d.Most > 0 {
		limit(d.Most, CappedMost)
	}
	if d.MostOfOrder > 0 {
		limit(portion(order, d.MostOfOrder, whole), CappedOrder)
	}
	for i, n := range share(step.N, weights) {
		shares[i].N = n
	}
	return step, shares
}

// whole is 100 % in hundredths of a percent.
const whole = 10_000

// free weighs lines by what the cheapest items of them cost, and returns the sum.
func free(lines []CartLine, n int64, shares []DeductedLine, weights []int64) (sum int64) {
	order := make([]int, len(lines))
	for i := range order {
		order[i], weights[i] = i, 0
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := lines[a], lines[b]
		return cmp.Compare(x.left()*y.items(), y.left()*x.items())
	})
	for _, i := range order {
		l := lines[i]
		if some := min(n, l.items()); some > 0 && l.left() > 0 {
			shares[i].Items = some
			weights[i] = portion(l.left(), some, l.items())
			sum += weights[i]
			n -= some
		}
	}
	return sum
}

// portion returns n*part/of, rounded down. All are at least 0, and part is at most of.
func portion(n, part, of int64) int64 {
	hi, lo := bits.Mul64(uint64(n), uint64(part))
	q, _ := bits.Div64(hi, lo, uint64(of))
	return int64(q)
}

// share divides n, which is at most the sum of the weights, by them: the shares add up to n, and
// none is more than its weight.
func share(n int64, weights []int64) []int64 {
	var sum int64
	for _, w := range weights {
		sum += w
	}
	shares, order := make([]int64, len(weights)), make([]int, len(weights))
	if sum == 0 {
		return shares
	}
	lost, rest := make([]uint64, len(weights)), n
	for i, w := range weights {
		hi, lo := bits.Mul64(uint64(n), uint64(w))
		q, r := bits.Div64(hi, lo, uint64(sum))
		shares[i], lost[i], order[i] = int64(q), r, i
		rest -= int64(q)
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(lost[b], lost[a]), cmp.Compare(weights[b], weights[a]))
	})
	for _, i := range order[:rest] {
		shares[i]++
	}
	return shares
}

// discounts checks those of a reward.
func (c *checker) discounts(at string, r Reward) {
	c.Between(at, int64(len(r.Discounts)), 0, maxLabels)
	if len(r.Discounts) > 0 && !c.money {
		c.Add(at, "take money off, and the catalog has none")
	}
	for i, d := range r.Discounts {
		path := fmt.Sprintf("%s[%d]", at, i)
		c.discount(path+".", d)
		if d.Value && r.Value == 0 && r.Table == nil {
			c.Add(path+".value", "is true, and the reward has neither a value nor a table")
		}
		if d.Value && slices.ContainsFunc(r.Discounts[:i], func(o Discount) bool { return o.Value }) {
			c.Add(path+".value", "is true twice")
		}
		if slices.ContainsFunc(r.Discounts[:i], func(o Discount) bool { return o.all() && len(o.NotSKUs)+len(o.NotCategories) == 0 }) {
			c.Add(path, "is never reached: one before it is for all lines")
		}
	}
}

func (c *checker) discount(at string, d Discount) {
	ways := 0
	for _, set := range []bool{d.BasisPoints != 0, d.Amount != 0, d.Free != 0, d.Value} {
		if set {
			ways++
		}
	}
	if ways != 1 {
		c.Add(at+"basisPoints", "or amount, free or value is needed, and one of them")
	}
	c.Between(at+"basisPoints", d.BasisPoints, 0, whole)
	c.Between(at+"amount", d.Amount, 0, maxAmount)
	c.Between(at+"free", d.Free, 0, maxQuantity)
	c.Between(at+"most", d.Most, 0, maxAmount)
	c.Between(at+"mostOfOrder", d.MostOfOrder, 0, whole)
	c.Between(at+"min", d.Min, 0, maxAmount)
	c.Between(at+"minItems", d.MinItems, 0, maxQuantity)
	for _, list := range []struct {
		name string
		ids  []string
	}{{"skus", d.SKUs}, {"categories", d.Categories}, {"notSkus", d.NotSKUs}, {"notCategories", d.NotCategories}} {
		for i, id := range list.ids {
			c.Field(valid.ID(fmt.Sprintf("%s%s[%d]", at, list.name, i), id))
		}
	}
}
