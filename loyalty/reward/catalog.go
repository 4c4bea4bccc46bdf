package reward

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/internal/calendar"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// A Catalog is a definition that was checked. It is immutable and safe for concurrent use.
type Catalog struct {
	def  Definition
	zone *time.Location
}

// Definition returns what the catalog was compiled from. The caller must not change it.
func (c *Catalog) Definition() Definition { return c.def }

const (
	// MaxPieces is how many pieces one command takes.
	MaxPieces = 100
	// MaxReserved is how many vouchers a member has reserved at once.
	MaxReserved = 100

	maxRewards = 10_000
	maxPoints  = 1_000_000_000_000
	maxAmount  = 1_000_000_000_000
	maxStock   = 1_000_000_000
	maxDays    = 36_525
	maxMonths  = 1200
)

// Compile checks a definition. *errs.DefinitionError: it has mistakes, all of which the error
// lists.
func Compile(d Definition) (*Catalog, error) {
	var c checker
	c.Field(valid.ID("id", d.ID))
	c.Field(valid.Text("name", d.Name))
	c.Field(valid.ID("program", d.Program))
	c.Between("version", int64(d.Version), 1, 1_000_000)
	zone := c.Zone("zone", d.Zone)
	c.money = d.Money != ""
	if c.money {
		c.Field(valid.Currency("money", d.Money))
	}
	if len(d.Prefix) > maxPrefix || strings.Trim(d.Prefix, alphabet) != "" {
		c.Add("prefix", fmt.Sprintf("is not up to %d of %s", maxPrefix, alphabet))
	}
	c.Between("rewards", int64(len(d.Rewards)), 1, maxRewards)
	seen := map[RewardID]bool{}
	for i, r := range d.Rewards {
		at := fmt.Sprintf("rewards[%d].", i)
		if seen[r.ID] {
			c.Add(at+"id", "is there twice")
		}
		seen[r.ID] = true
		c.reward(at, r)
	}
	if err := c.Err(); err != nil {
		return nil, fmt.Errorf("reward: %w", err)
	}
	return &Catalog{d, zone}, nil
}

type checker struct {
	valid.Checker
	money bool
}

func (c *checker) reward(at string, r Reward) {
	c.Field(valid.ID(at+"id", r.ID))
	c.Field(valid.Text(at+"name", r.Name))
	c.Field(valid.Text(at+"text", r.Text))
	c.Field(valid.Text(at+"image", r.Image))
	c.Field(valid.Text(at+"category", r.Category))
	c.Window(at, r.From, r.To)
	for i, l := range r.Levels {
		c.Field(valid.ID(fmt.Sprintf("%slevels[%d]", at, i), l))
	}
	for i, s := range r.Shops {
		c.Field(valid.ID(fmt.Sprintf("%sshops[%d]", at, i), s))
	}
	for i, p := range r.Prices {
		c.price(fmt.Sprintf("%sprices[%d].", at, i), p)
		if slices.Contains(r.Prices[:i], p) {
			c.Add(fmt.Sprintf("%sprices[%d]", at, i), "is there twice")
		}
	}
	if r.Table != nil {
		c.table(at+"table.", *r.Table)
		if len(r.Prices) > 0 || r.Value != 0 {
			c.Add(at+"table", "is in place of prices and value, and they are there")
		}
	}
	c.amount(at+"value", r.Value)
	c.discounts(at+"discounts", r)
	c.Between(at+"stock", r.Stock, 0, maxStock)
	c.limits(at+"limits", r.Limits)
	c.limits(at+"perMember", r.PerMember)
	c.Between(at+"valid.after", int64(r.Valid.After), 0, maxDays)
	c.Between(at+"valid.days", int64(r.Valid.Days), 0, maxDays)
	c.Between(at+"valid.months", int64(r.Valid.Months), 0, maxMonths)
	c.Field(valid.Time(at+"valid.until", r.Valid.Until))
	if r.Valid.After > r.Valid.Days && r.Valid.Days > 0 && r.Valid.Months == 0 {
		c.Add(at+"valid.after", "is more than days: the voucher would end before it begins")
	}
}

func (c *checker) price(at string, p Price) {
	c.Field(valid.OptionalID(at+"currency", p.Currency))
	c.Between(at+"points", p.Points, 0, maxPoints)
	c.amount(at+"money", p.Money)
	if p.Points == 0 && p.Money == 0 {
		c.Add(at+"points", "and money are both missing")
	}
}

func (c *checker) table(at string, t Table) {
	c.Field(valid.OptionalID(at+"currency", t.Currency))
	c.Between(at+"min", t.Min, 0, maxPoints)
	c.Between(at+"steps", int64(len(t.Steps)), 1, 100)
	for i, s := range t.Steps {
		step := fmt.Sprintf("%ssteps[%d].", at, i)
		c.Between(step+"points", s.Points, 1, maxPoints)
		c.Between(step+"value", s.Value, 1, maxAmount)
		c.Between(step+"most", s.Most, 0, maxPoints)
		if slices.ContainsFunc(t.Steps[:i], func(o Step) bool { return o.Points == s.Points }) {
			c.Add(step+"points", "is there twice")
		}
		c.amount(step+"value", s.Value)
		// The most that fits must stay an amount: a value a point, times the most points.
		if s.Points > 0 && s.Value/s.Points > maxAmount/maxPoints*1000 {
			c.Add(step+"value", "is more than 1000 minor units a point")
		}
	}
}

func (c *checker) amount(path string, n int64) {
	c.Between(path, n, 0, maxAmount)
	if n != 0 && !c.money {
		c.Add(path, "is money, and the catalog has none")
	}
}

func (c *checker) limits(at string, limits []Limit) {
	for i, l := range limits {
		path := fmt.Sprintf("%s[%d].", at, i)
		c.Between(path+"n", l.N, 1, maxStock)
		c.OneOf(path+"per", string(l.Per), string(Day), string(Week), string(Month), string(Year), string(Ever))
		if slices.ContainsFunc(limits[:i], func(o Limit) bool { return o.Per == l.Per }) {
			c.Add(path+"per", "is there twice")
		}
	}
}

// reward returns the reward of that id.
func (c *Catalog) reward(id RewardID) (*Reward, error) {
	for i := range c.def.Rewards {
		if r := &c.def.Rewards[i]; r.ID == id {
			return r, nil
		}
	}
	return nil, ErrUnknownReward
}

// A Fit is how often a step of a table was taken.
type Fit struct {
	Step
	Times int64 `json:"times"` // how often it was taken
}

// Fit returns what the table makes of a number of points: the steps that are taken, the points that
// this takes and the value that it comes to. Points that come to no step are left.
func (t Table) Fit(points int64) (fits []Fit, taken, value int64) {
	return t.Pay(points, math.MaxInt64)
}

// Pay returns what Fit does, for a value of at most so much: what is left of an order, or of the
// share of it that points may pay.
func (t Table) Pay(points, most int64) (fits []Fit, taken, value int64) {
	if points < t.Min {
		return nil, 0, 0
	}
	steps := slices.SortedFunc(slices.Values(t.Steps), func(a, b Step) int { return cmp.Compare(b.Points, a.Points) })
	for _, s := range steps {
		n := min((points-taken)/s.Points, (most-value)/s.Value)
		if s.Most > 0 {
			n = min(n, s.Most)
		}
		if n > 0 {
			fits = append(fits, Fit{s, n})
			taken, value = taken+n*s.Points, value+n*s.Value
		}
	}
	return fits, taken, value
}

// window returns when a voucher may be redeemed that is issued at that time.
func (c *Catalog) window(v Validity, issued time.Time) (from, to time.Time) {
	year, month, day := issued.In(c.zone).Date()
	if v.After > 0 {
		from = calendar.Midnight(year, month, day+v.After, c.zone).UTC()
	}
	if v.Days > 0 || v.Months > 0 {
		y, m, d := calendar.Later(year, month, day, v.Months)
		to = calendar.Midnight(y, m, d+v.Days+1, c.zone).UTC()
	}
	if until := v.Until; !until.IsZero() && (to.IsZero() || until.Before(to)) {
		to = until.UTC()
	}
	return from, to
}

// in returns the name of the period at that time.
func (c *Catalog) in(p Period, at time.Time) string {
	at = at.In(c.zone)
	switch p {
	case Day:
		return at.Format("2006-01-02")
	case Week:
		year, week := at.ISOWeek()
		return fmt.Sprintf("%04d-W%02d", year, week)
	case Month:
		return at.Format("2006-01")
	case Year:
		return at.Format("2006")
	}
	return string(Ever)
}

// periods returns the names of all periods at that time.
func (c *Catalog) periods(at time.Time) []string {
	return []string{c.in(Day, at), c.in(Week, at), c.in(Month, at), c.in(Year, at), c.in(Ever, at)}
}

// bounds returns how many pieces may be taken in which period, the stock among them.
func (c *Catalog) bounds(r *Reward, at time.Time) []Bound {
	bounds := bounds(c, r.ID, r.Limits, at)
	if r.Stock > 0 {
		bounds[0].Most = min(bounds[0].Most, r.Stock)
	}
	return bounds
}

// bounds returns what the limits allow, and a bound for ever at first, whether or not there is a
// limit.
func bounds(c *Catalog, id RewardID, limits []Limit, at time.Time) []Bound {
	all := []Bound{{Count{Reward: id, In: string(Ever)}, math.MaxInt64}}
	for _, l := range limits {
		if l.Per == Ever {
			all[0].Most = l.N
		} else {
			all = append(all, Bound{Count{Reward: id, In: c.in(l.Per, at)}, l.N})
		}
	}
	return all
}
