package stamps

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// A Program is a definition that was checked. It is immutable and safe for concurrent use.
type Program struct {
	def     Definition
	rewards []Reward // of a card, in the order in which it comes to them
	zone    *time.Location
	zones   sync.Map // name to *time.Location: loading one reads a file
}

// Definition returns what the program was compiled from. The caller must not change it.
func (p *Program) Definition() Definition { return p.def }

// MaxStamps is the largest number of stamps that one command gives, takes or moves, whatever the
// program says.
const MaxStamps = 1000

const (
	maxSize   = 1000
	maxStamps = MaxStamps
	maxLines  = 100 // of a purchase
	maxAmount = 1_000_000_000_000
	maxDays   = 36_500
	maxStock  = 1_000_000_000
)

// Compile checks a definition. *errs.DefinitionError: it has mistakes, all of which the error
// lists.
func Compile(d Definition) (*Program, error) {
	var c checker
	p := &Program{def: d}
	c.Field(valid.ID("id", d.ID))
	c.Field(valid.Text("name", d.Name))
	c.Between("version", int64(d.Version), 1, 1_000_000)
	c.Window("", d.From, d.To)
	c.shops("shops", d.Shops)
	p.zone = c.Zone("zone", d.Zone)
	if d.Card == nil && d.Handout == nil {
		c.Add("card", "and handout are both missing: the program gives nothing")
	}
	if d.Card != nil {
		c.card(d.Card)
	}
	if d.Handout != nil {
		c.handout(d.Handout, d.Card)
	}
	if err := c.Err(); err != nil {
		return nil, fmt.Errorf("stamps: %w", err)
	}
	if d.Card != nil {
		p.rewards = slices.SortedFunc(slices.Values(d.Card.Rewards), func(a, b Reward) int { return cmp.Compare(a.At, b.At) })
	}
	return p, nil
}

// location returns a zone by its IANA name; "" is the program's.
func (p *Program) location(name string) (*time.Location, error) {
	if name == "" {
		return p.zone, nil
	}
	if z, ok := p.zones.Load(name); ok {
		return z.(*time.Location), nil
	}
	z, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, &errs.InputError{Field: "zone", Reason: "is no IANA time zone of this machine"}
	}
	p.zones.Store(name, z)
	return z, nil
}

type checker struct{ valid.Checker }

func (c *checker) shops(path string, shops []ids.Shop) {
	for i, s := range shops {
		c.Field(valid.ID(fmt.Sprintf("%s[%d]", path, i), s))
		if slices.Contains(shops[:i], s) {
			c.Add(fmt.Sprintf("%s[%d]", path, i), "is there twice")
		}
	}
}

func (c *checker) card(d *CardDefinition) {
	c.Between("card.size", d.Size, 1, maxSize)
	if len(d.Rewards) == 0 {
		c.Add("card.rewards", "is empty")
	}
	seen, ats := map[string]bool{}, map[int64]bool{}
	for i, r := range d.Rewards {
		path := fmt.Sprintf("card.rewards[%d].", i)
		c.reward(path, r)
		c.Between(path+"at", r.At, 1, max(1, d.Size))
		if seen[r.ID] {
			c.Add(path+"id", "is there twice")
		}
		if ats[r.At] {
			c.Add(path+"at", "has another reward")
		}
		seen[r.ID], ats[r.At] = true, true
	}
	c.earn(d.Earn, d.Limit)
	c.Between("card.limit.minPurchase", d.Limit.MinPurchase, 0, maxAmount)
	c.Between("card.limit.perPurchase", d.Limit.PerPurchase, 0, maxStamps)
	c.Between("card.limit.perDay", d.Limit.PerDay, 0, maxStamps)
	c.Between("card.limit.cooldown", d.Limit.Cooldown, 0, maxDays*24*60*60)
	if d.Limit.Rolling && d.Limit.PerDay == 0 {
		c.Add("card.limit.rolling", "needs perDay")
	}
	c.OneOf("card.pastEnd", string(d.PastEnd), string(Carry), string(Stop), string(Count))
	c.OneOf("card.usedCoupon", string(d.UsedCoupon), string(Refuse), string(Owe))
	c.OneOf("card.cancelAt", cmp.Or(string(d.CancelAt), string(OwnShop)), string(OwnShop), string(AnyShop))
	c.Field(valid.Time("card.expiry.date", d.Expiry.Date))
	c.Between("card.expiry.days", int64(d.Expiry.Days), 0, maxDays)
	c.Between("card.expiry.months", int64(d.Expiry.Months), 0, maxDays/30)
	c.Between("card.expiry.inactive", int64(d.Expiry.Inactive), 0, maxDays)
}

func (c *checker) earn(e Earn, l Limit) {
	c.OneOf("card.earn.per", string(e.Per), string(PerVisit), string(PerAmount), string(PerItem), string(PerHand),
		string(PerPurchase))
	c.Between("card.earn.stamps", e.Stamps, 0, maxStamps)
	c.Between("card.earn.items", e.Items, 0, maxStamps)
	c.Between("card.earn.amount", e.Amount, 0, maxAmount)
	c.Between("card.earn.purchases", e.Purchases, 0, maxStamps)
	c.categories("card.earn.include", e.Include, nil, e.Per)
	c.categories("card.earn.exclude", e.Exclude, e.Include, e.Per)
	switch {
	case e.Per == PerAmount && e.Amount == 0:
		c.Add("card.earn.amount", "is missing")
	case e.Per != PerAmount && e.Amount != 0:
		c.Add("card.earn.amount", "is for earn.per amount alone")
	case e.Per != PerItem && e.Items != 0:
		c.Add("card.earn.items", "is for earn.per item alone")
	case e.Per == PerHand && e.Stamps != 0:
		c.Add("card.earn.stamps", "is not for earn.per hand")
	}
	if e.Per == PerPurchase {
		// A unit of purchases is given whole or not at all, so that each of them can be taken back.
		c.fits("card.limit.perPurchase", l.PerPurchase, e)
		c.fits("card.limit.perDay", l.PerDay, e)
	} else if e.Purchases != 0 {
		c.Add("card.earn.purchases", "is for earn.per purchase alone")
	}
	for _, currency := range slices.Sorted(maps.Keys(l.Minimums)) {
		path := "card.limit.minimums[" + currency + "]"
		c.Field(valid.Currency(path, currency))
		c.Between(path, l.Minimums[currency], 1, maxAmount)
	}
	if len(l.Minimums) > 0 && (l.MinPurchase != 0 || e.Per == PerAmount) {
		c.Add("card.limit.minimums", "is not for earn.per amount, nor beside minPurchase")
	}
	if needs := e.Amount != 0 || l.MinPurchase != 0; needs || e.Currency != "" {
		c.Field(valid.Currency("card.earn.currency", e.Currency))
	}
}

// fits accepts a limit that leaves room for a unit of purchases.
func (c *checker) fits(path string, most int64, e Earn) {
	if most != 0 && most < max(1, e.Stamps) {
		c.Add(path, "is less than earn.stamps, so that no purchase would give any")
	}
}

// categories accepts a list of names, each once, and none of the others.
func (c *checker) categories(path string, list, others []string, per Per) {
	for i, category := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		c.Field(valid.ID(at, category))
		if slices.Contains(list[:i], category) {
			c.Add(at, "is there twice")
		}
		if slices.Contains(others, category) {
			c.Add(at, "is included too")
		}
	}
	if len(list) > 0 && per == PerHand {
		c.Add(path, "is not for earn.per hand")
	}
}

func (c *checker) reward(path string, r Reward) {
	c.Field(valid.ID(path+"id", r.ID))
	c.Field(valid.Text(path+"name", r.Name))
	c.Between(path+"coupon.days", int64(r.Coupon.Days), 0, maxDays)
	c.Between(path+"coupon.months", int64(r.Coupon.Months), 0, maxDays/30)
	c.Field(valid.Time(path+"coupon.until", r.Coupon.Until))
	c.shops(path+"shops", r.Shops)
}

func (c *checker) handout(h *Handout, card *CardDefinition) {
	c.reward("handout.reward.", h.Reward)
	if h.Reward.At != 0 {
		c.Add("handout.reward.at", "is for the rewards of a card alone")
	}
	c.Between("handout.stock", h.Stock, 1, maxStock)
	c.Between("handout.perMember", h.PerMember, 0, maxStock)
	c.Window("handout.", h.From, h.To)
	if card != nil && slices.ContainsFunc(card.Rewards, func(r Reward) bool { return r.ID == h.Reward.ID }) {
		c.Add("handout.reward.id", "is that of a reward of the card")
	}
}
