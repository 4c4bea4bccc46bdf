package stamps

import (
	"fmt"
	"slices"

	"github.com/scrmkit/scrmkit/errs"
)

// earn returns the stamps that a visit, a purchase or a hand gives, before limits on time.
// Everything but a number given by hand is decided by the program and the purchase. Errors:
// *errs.InputError, ErrCurrency, ErrMinPurchase, ErrCategory, ErrNothing.
func (p *Program) earn(s State, a Add) (int64, []Step, error) {
	d := p.def.Card
	e, l := d.Earn, d.Limit
	switch {
	case e.Per == PerHand:
	case a.N > 1 || a.N < 0:
		return 0, nil, &errs.InputError{Field: "n", Reason: "is for a program that gives stamps by hand; leave it out"}
	case a.N == 1 && e.Per != PerVisit:
		return 0, nil, &errs.InputError{Field: "n", Reason: "is counted from the purchase in this program; leave it out"}
	}
	if err := p.minimum(a.Purchase); err != nil {
		return 0, nil, err
	}
	amount, items, counts := e.part(a.Purchase)
	if !counts {
		return 0, nil, ErrCategory
	}
	var units int64
	var why string
	switch e.Per {
	case PerVisit:
		units, why = 1, "a visit"
	case PerHand:
		units, why = a.N, "given by hand"
	case PerAmount:
		units, why = amount/e.Amount, fmt.Sprintf("every %d of %d %s", e.Amount, amount, e.Currency)
	case PerItem:
		units, why = items/max(1, e.Items), fmt.Sprintf("every %d of %d items", max(1, e.Items), items)
	case PerPurchase:
		if a.Purchase == nil {
			return 0, nil, ErrNothing
		}
		each := max(1, e.Purchases)
		bought := e.bought(s) + 1
		units, why = bought/each, fmt.Sprintf("purchase %d of %d", bought, each)
	}
	n := min(units, maxStamps) * max(1, e.Stamps)
	if n == 0 && e.Per != PerPurchase {
		return 0, nil, ErrNothing
	}
	steps := []Step{{"earn." + string(e.Per), n, why}}
	most := int64(maxStamps)
	if l.PerPurchase > 0 {
		most = min(most, l.PerPurchase)
	}
	if n > most {
		steps = append(steps, Step{"limit.perPurchase", most - n, fmt.Sprintf("%d at most", most)})
		n = most
	}
	return n, steps, nil
}

// minimum accepts a purchase of at least the smallest amount of its currency.
func (p *Program) minimum(purchase *Purchase) error {
	e, l := p.def.Card.Earn, p.def.Card.Limit
	var amount int64
	var currency string
	if purchase != nil {
		amount, currency = purchase.Amount, purchase.Currency
	}
	least := l.MinPurchase
	if len(l.Minimums) > 0 && currency != "" {
		var ok bool
		if least, ok = l.Minimums[currency]; !ok {
			return ErrCurrency
		}
	}
	switch {
	case currency != "" && e.Currency != "" && currency != e.Currency:
		return ErrCurrency
	case amount < least, len(l.Minimums) > 0 && currency == "":
		return ErrMinPurchase
	case amount > 0 && e.Currency != "" && currency == "":
		return ErrCurrency
	}
	return nil
}

// part returns the amount and the items of the purchase whose category counts, and whether any of
// it does.
func (e Earn) part(p *Purchase) (amount, items int64, counts bool) {
	restricted := len(e.Include) > 0 || len(e.Exclude) > 0
	if p == nil {
		return 0, 0, !restricted
	}
	if !restricted {
		return p.Amount, p.Items, true
	}
	amount, items = p.Amount, p.Items
	for _, l := range p.Lines {
		amount, items = amount-l.Amount, items-l.Items
	}
	// What the lines leave has no category. Where there is an amount, it decides whether they leave
	// anything.
	rest := len(p.Lines) == 0 || amount > 0 || p.Amount == 0 && items > 0
	if counts = rest && len(e.Include) == 0; !counts {
		amount, items = 0, 0
	}
	for _, l := range p.Lines {
		if e.counts(l.Category) {
			amount, items, counts = amount+l.Amount, items+l.Items, true
		}
	}
	return amount, items, counts
}

// counts reports whether a line of the category does.
func (e Earn) counts(category string) bool {
	return (len(e.Include) == 0 || slices.Contains(e.Include, category)) && !slices.Contains(e.Exclude, category)
}

// bought returns the purchases towards the next unit. Where another version asked for more of them,
// the next one makes it whole.
func (e Earn) bought(s State) int64 { return min(s.Bought, max(1, e.Purchases)-1) }

// paid is how many groups of units a card keeps.
const paid = 8

// count notes a purchase that gave n stamps.
func (m *move) count(e Earn, n int64) {
	s := &m.card.State
	if n == 0 {
		s.Bought = e.bought(*s) + 1
		return
	}
	unit := Paid{Before: s.Bought, Stamps: n, Units: 1}
	s.Bought = 0
	if last := len(s.Paid) - 1; last >= 0 && s.Paid[last].Before == unit.Before && s.Paid[last].Stamps == unit.Stamps {
		s.Paid[last].Units++
		return
	}
	if s.Paid = append(s.Paid, unit); len(s.Paid) > paid {
		s.Paid = s.Paid[1:]
	}
}

// discount takes one purchase out of those counted, whichever it was, and returns how many stamps
// go with it: those of the newest unit, where none is left beyond it. ErrTooFew: the unit is older
// than those that are kept.
func (m *move) discount() (stamps int64, err error) {
	s := &m.card.State
	if s.Bought > 0 {
		s.Bought--
		return 0, nil
	}
	last := len(s.Paid) - 1
	if last < 0 {
		return 0, ErrTooFew
	}
	unit := &s.Paid[last]
	s.Bought, stamps = unit.Before, unit.Stamps
	if unit.Units--; unit.Units == 0 {
		s.Paid = s.Paid[:last]
	}
	return stamps, nil
}

// shift takes the counted purchase of the record out of what limits on time count. Each that came
// after it stands one place further to the front of its unit.
func (m *move) shift(seq int64, e Earn) {
	s := &m.card.State
	if i := slices.IndexFunc(s.Recent, func(t Tick) bool { return t.Seq == seq }); i >= 0 {
		m.drop(i)
	}
	place := s.Bought
	for i := len(s.Recent) - 1; i >= 0 && s.Recent[i].Seq > seq; i-- {
		s.Recent[i].N = 0
		if place%max(1, e.Purchases) == 0 {
			s.Recent[i].N = max(1, e.Stamps)
		}
		place--
	}
}
