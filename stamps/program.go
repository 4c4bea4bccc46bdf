package stamps

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/scrmkit/scrmkit/internal/valid"
)

// A Program is a definition that was checked. It is immutable and safe for concurrent use.
type Program struct {
	def     Definition
	rewards []Reward // of a card, in the order in which it comes to them
	zone    *time.Location
	zones   sync.Map // name to *time.Location: loading one reads a file
}

// Definition returns what the programme was compiled from. The caller must not change it.
func (p *Program) Definition() Definition { return p.def }

// A DefinitionError lists every mistake of a definition.
type DefinitionError struct{ Mistakes []Mistake }

// A Mistake says what is wrong at Path: "card.rewards[1].at".
type Mistake struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

func (e *DefinitionError) Error() string {
	var b strings.Builder
	b.WriteString("stamps: the definition has mistakes: ")
	for i, m := range e.Mistakes {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s %s", m.Path, m.Reason)
	}
	return b.String()
}

const (
	maxSize   = 1000
	maxStamps = 1000 // in one command
	maxAmount = 1_000_000_000_000
	maxDays   = 36_500
	maxStock  = 1_000_000_000
)

// Compile checks a definition. *DefinitionError: it has mistakes; all of them are told at once.
func Compile(d Definition) (*Program, error) {
	var c checker
	p := &Program{def: d}
	c.field(valid.ID("id", d.ID))
	c.field(valid.Text("name", d.Name))
	c.between("version", int64(d.Version), 1, 1_000_000)
	c.window("", d.From, d.To)
	c.shops("shops", d.Shops)
	zone, err := p.location(d.Zone)
	if d.Zone == "" || err != nil {
		c.add("zone", "is no IANA time zone of this machine")
	}
	p.zone = zone
	if d.Card == nil && d.Handout == nil {
		c.add("card", "and handout are both missing: the programme gives nothing")
	}
	if d.Card != nil {
		c.card(d.Card)
	}
	if d.Handout != nil {
		c.handout(d.Handout, d.Card)
	}
	if len(c.mistakes) > 0 {
		return nil, &DefinitionError{c.mistakes}
	}
	if d.Card != nil {
		p.rewards = slices.SortedFunc(slices.Values(d.Card.Rewards), func(a, b Reward) int { return cmp.Compare(a.At, b.At) })
	}
	return p, nil
}

// location returns a zone by its IANA name; "" is the programme's.
func (p *Program) location(name string) (*time.Location, error) {
	if name == "" {
		return p.zone, nil
	}
	if z, ok := p.zones.Load(name); ok {
		return z.(*time.Location), nil
	}
	z, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, &InputError{Field: "zone", Reason: "is no IANA time zone of this machine"}
	}
	p.zones.Store(name, z)
	return z, nil
}

type checker struct{ mistakes []Mistake }

func (c *checker) add(path, reason string) { c.mistakes = append(c.mistakes, Mistake{path, reason}) }

func (c *checker) field(err error) {
	if e, ok := err.(*valid.Error); ok {
		c.add(e.Field, e.Reason)
	}
}

func (c *checker) between(path string, n, from, to int64) { c.field(valid.Between(path, n, from, to)) }

func (c *checker) window(path string, from, to time.Time) {
	c.field(valid.Time(path+"from", from))
	c.field(valid.Time(path+"to", to))
	if !from.IsZero() && !to.IsZero() && !from.Before(to) {
		c.add(path+"to", "is not after from")
	}
}

func (c *checker) shops(path string, shops []ShopID) {
	for i, s := range shops {
		c.field(valid.ID(fmt.Sprintf("%s[%d]", path, i), s))
		if slices.Contains(shops[:i], s) {
			c.add(fmt.Sprintf("%s[%d]", path, i), "is there twice")
		}
	}
}

func (c *checker) oneOf(path, value string, values ...string) {
	if !slices.Contains(values, value) {
		c.add(path, "is none of "+strings.Join(values, ", "))
	}
}

func (c *checker) card(d *CardDefinition) {
	c.between("card.size", d.Size, 1, maxSize)
	if len(d.Rewards) == 0 {
		c.add("card.rewards", "is empty")
	}
	ids, ats := map[string]bool{}, map[int64]bool{}
	for i, r := range d.Rewards {
		path := fmt.Sprintf("card.rewards[%d].", i)
		c.reward(path, r)
		c.between(path+"at", r.At, 1, max(1, d.Size))
		if ids[r.ID] {
			c.add(path+"id", "is there twice")
		}
		if ats[r.At] {
			c.add(path+"at", "has another reward")
		}
		ids[r.ID], ats[r.At] = true, true
	}
	c.earn(d.Earn, d.Limit)
	c.between("card.limit.minPurchase", d.Limit.MinPurchase, 0, maxAmount)
	c.between("card.limit.perPurchase", d.Limit.PerPurchase, 0, maxStamps)
	c.between("card.limit.perDay", d.Limit.PerDay, 0, maxStamps)
	c.between("card.limit.cooldown", d.Limit.Cooldown, 0, maxDays*24*60*60)
	if d.Limit.Rolling && d.Limit.PerDay == 0 {
		c.add("card.limit.rolling", "needs perDay")
	}
	c.oneOf("card.pastEnd", string(d.PastEnd), string(Carry), string(Stop), string(Count))
	c.oneOf("card.usedCoupon", string(d.UsedCoupon), string(Refuse), string(Owe))
	c.field(valid.Time("card.expiry.date", d.Expiry.Date))
	c.between("card.expiry.days", int64(d.Expiry.Days), 0, maxDays)
	c.between("card.expiry.months", int64(d.Expiry.Months), 0, maxDays/30)
	c.between("card.expiry.inactive", int64(d.Expiry.Inactive), 0, maxDays)
}

func (c *checker) earn(e Earn, l Limit) {
	c.oneOf("card.earn.per", string(e.Per), string(PerVisit), string(PerAmount), string(PerItem), string(PerHand))
	c.between("card.earn.stamps", e.Stamps, 0, maxStamps)
	c.between("card.earn.items", e.Items, 0, maxStamps)
	c.between("card.earn.amount", e.Amount, 0, maxAmount)
	switch {
	case e.Per == PerAmount && e.Amount == 0:
		c.add("card.earn.amount", "is missing")
	case e.Per != PerAmount && e.Amount != 0:
		c.add("card.earn.amount", "is for earn.per amount alone")
	case e.Per != PerItem && e.Items != 0:
		c.add("card.earn.items", "is for earn.per item alone")
	case e.Per == PerHand && e.Stamps != 0:
		c.add("card.earn.stamps", "is not for earn.per hand")
	}
	if needs := e.Amount != 0 || l.MinPurchase != 0; needs || e.Currency != "" {
		c.field(currency("card.earn.currency", e.Currency))
	}
}

func (c *checker) reward(path string, r Reward) {
	c.field(valid.ID(path+"id", r.ID))
	c.field(valid.Text(path+"name", r.Name))
	c.between(path+"coupon.days", int64(r.Coupon.Days), 0, maxDays)
	c.between(path+"coupon.months", int64(r.Coupon.Months), 0, maxDays/30)
	c.field(valid.Time(path+"coupon.until", r.Coupon.Until))
	c.shops(path+"shops", r.Shops)
}

func (c *checker) handout(h *Handout, card *CardDefinition) {
	c.reward("handout.reward.", h.Reward)
	if h.Reward.At != 0 {
		c.add("handout.reward.at", "is for the rewards of a card alone")
	}
	c.between("handout.stock", h.Stock, 1, maxStock)
	c.between("handout.perMember", h.PerMember, 0, maxStock)
	c.window("handout.", h.From, h.To)
	if card != nil && slices.ContainsFunc(card.Rewards, func(r Reward) bool { return r.ID == h.Reward.ID }) {
		c.add("handout.reward.id", "is that of a reward of the card")
	}
}

// currency accepts the form of ISO 4217: three capital letters.
func currency(field, code string) error {
	if len(code) != 3 || strings.ContainsFunc(code, func(r rune) bool { return r < 'A' || r > 'Z' }) {
		return &InputError{Field: field, Reason: "is not an ISO 4217 code like CNY"}
	}
	return nil
}
