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

// MaxOpening is how many lots of a currency, and how many counts of metrics, an Import has.
const MaxOpening = 10_000

// An Import opens the account of a member who comes from another system, with what the member had
// there. It gives no gift and meets no rule: its points are those that it names, and what it counts
// for metrics earns nothing.
//
// What caps, milestones and remainders of rules have counted does not come along, and what was
// earned in the other system can't be refunded here, but by an Adjust.
type Import struct {
	Account AccountID      `json:"account"`           // member who comes; has no account yet
	Joined  time.Time      `json:"joined,omitzero"`   // since when it is a member; zero: now
	Active  time.Time      `json:"active,omitzero"`   // last earned or spent; zero: never
	Points  []Opening      `json:"points,omitempty"`  // by currency
	Metrics []OpeningCount `json:"metrics,omitempty"` // what metrics are to look back to, up to MaxOpening
	Tier    OpeningTier    `json:"tier,omitzero"`     // level; zero: the one that the metrics come to
	Reason  string         `json:"reason,omitempty"`  // why, for the journal
	By      string         `json:"by,omitempty"`      // who did it, for the journal
	Key     string         `json:"-"`                 // idempotency key; required
}

// An Opening is the points of one currency that a member comes with, and what became of all others,
// for the books.
type Opening struct {
	Currency ids.Currency `json:"currency,omitempty"` // "": the program's first
	Lots     []OpeningLot `json:"lots,omitempty"`     // points that are there
	Debt     int64        `json:"debt,omitempty"`     // points that are owed; Lots are pending then
	Redeemed int64        `json:"redeemed,omitempty"` // points that were spent before
	Expired  int64        `json:"expired,omitempty"`  // points that ended before
}

// An OpeningLot is points that came in together.
type OpeningLot struct {
	N      int64     `json:"n"`               // units
	Earned time.Time `json:"earned,omitzero"` // when they came in; zero: now
	From   time.Time `json:"from,omitzero"`   // when they may be spent; zero: now
	To     time.Time `json:"to,omitzero"`     // when they end; zero: by the program's rule, from Earned on, or from From where that is later than the end
}

// OpeningCount is what the metric of a member came to on a day.
type OpeningCount struct {
	Metric MetricID  `json:"metric"` // metric of the program
	At     time.Time `json:"at"`     // any time of the day
	N      int64     `json:"n"`      // what is counted, in units of the metric
}

// An OpeningTier is the level that a member comes with. Where the metrics come to it, it is one that
// was earned. Else it is one that was given by hand, and is kept without end if Until is zero and
// the program's levels last for as long as they are earned.
type OpeningTier struct {
	Level ids.Level `json:"level"`          // level of the program
	Since time.Time `json:"since,omitzero"` // when it was reached; zero: now, and of the lowest level Joined
	Until time.Time `json:"until,omitzero"` // until when it is kept; zero: by the program's rule, from Since on
}

func (c Import) check() error {
	err := cmp.Or(common(c.Account, c.By, c.Reason, c.Key), valid.Time("joined", c.Joined), valid.Time("active", c.Active),
		valid.Between("metrics", int64(len(c.Metrics)), 0, MaxOpening),
		valid.OptionalID("tier.level", c.Tier.Level), valid.Time("tier.since", c.Tier.Since), valid.Time("tier.until", c.Tier.Until))
	for i, o := range c.Points {
		field := fmt.Sprintf("points[%d]", i)
		again := slices.ContainsFunc(c.Points[:i], func(p Opening) bool { return p.Currency == o.Currency })
		err = cmp.Or(err, valid.OptionalID(field+".currency", o.Currency), valid.Between(field+".lots", int64(len(o.Lots)), 0, MaxOpening),
			valid.Between(field+".debt", o.Debt, 0, MaxPoints),
			valid.Between(field+".redeemed", o.Redeemed, 0, MaxPoints), valid.Between(field+".expired", o.Expired, 0, MaxPoints))
		if err == nil && again {
			err = &errs.InputError{Field: field + ".currency", Reason: "is there twice"}
		}
		for k, l := range o.Lots {
			field := fmt.Sprintf("%s.lots[%d]", field, k)
			err = cmp.Or(err, valid.Between(field+".n", l.N, 1, MaxPoints), valid.Time(field+".earned", l.Earned),
				valid.Time(field+".from", l.From), valid.Time(field+".to", l.To))
			if from, to := journal.Instant(l.From), journal.Instant(l.To); err == nil && !to.IsZero() && !from.Before(to) {
				err = &errs.InputError{Field: field + ".to", Reason: "is not after from"}
			}
		}
	}
	for i, m := range c.Metrics {
		field := fmt.Sprintf("metrics[%d]", i)
		err = cmp.Or(err, valid.ID(field+".metric", m.Metric), valid.Time(field+".at", m.At), valid.Between(field+".n", m.N, 1, MaxTally))
		if err == nil && m.At.IsZero() {
			err = &errs.InputError{Field: field + ".at", Reason: "is missing"}
		}
	}
	if err == nil && c.Tier.Level == "" && c.Tier != (OpeningTier{}) {
		err = &errs.InputError{Field: "tier.level", Reason: "is missing"}
	}
	return err
}

// Import decides on an Import. Errors: ErrAccountExists, ErrUnknownCurrency, ErrUnknownLevel,
// ErrOverflow, *errs.InputError.
func (p *Program) Import(a Account, c Import, now time.Time) (Decision, error) {
	if a.Version != 0 {
		return Decision{}, ErrAccountExists
	}
	d := p.begin(a, now)
	joined, err := valid.Past("joined", c.Joined, d.now)
	if err != nil {
		return Decision{}, err
	}
	d.Next.Joined = joined
	if !c.Active.IsZero() {
		if d.Next.Active, err = valid.Past("active", c.Active, d.now); err != nil {
			return Decision{}, err
		}
	}
	for i, m := range c.Metrics {
		if !slices.ContainsFunc(p.metrics, func(o *metric) bool { return o.ID == m.Metric }) {
			return Decision{}, &errs.InputError{Field: fmt.Sprintf("metrics[%d].metric", i), Reason: "is not in the program"}
		}
		at, err := valid.Past(fmt.Sprintf("metrics[%d].at", i), m.At, d.now)
		if err == nil {
			err = d.count(metricTally(m.Metric), m.N, at, p.keep[metricTally(m.Metric)])
		}
		if err != nil {
			return Decision{}, err
		}
	}
	since, err := valid.Past("tier.since", c.Tier.Since, d.now)
	if err == nil {
		err = d.comeWith(c.Tier, since)
	}
	for i := 0; err == nil && i < len(c.Points); i++ {
		err = d.bring(c.Points[i], fmt.Sprintf("points[%d]", i))
	}
	if err != nil {
		return Decision{}, err
	}
	d.redate(d.now)
	d.Reason = c.Reason
	return d.end(a)
}

// comeWith gives a new account the level that it comes with.
func (d *deed) comeWith(t OpeningTier, since time.Time) error {
	if d.p.def.Tiers == nil {
		if t.Level != "" {
			return ErrUnknownLevel
		}
		return nil
	}
	d.Next.Status.Since = d.Next.Joined
	is := 0
	if !d.p.def.Tiers.AtEnd {
		is = d.earned(d.now)
	}
	if t.Level == "" {
		d.put(is, d.now, d.valid(d.now))
		return nil
	}
	level, until := d.p.level(t.Level), journal.Instant(t.Until)
	if until.IsZero() {
		until = d.validFrom(since, d.now)
	}
	switch {
	case d.p.def.Tiers.Levels[level].ID != t.Level:
		return ErrUnknownLevel
	case !until.IsZero() && !until.After(d.now):
		return &errs.InputError{Field: "tier.until", Reason: "is not in the future"}
	case level < is:
		return &errs.InputError{Field: "tier.level", Reason: "is lower than the one that the metrics come to; leave it out"}
	case level == is:
		if level == 0 && !t.Since.IsZero() {
			d.Next.Status.Since = since
		}
		d.put(level, since, until)
		return nil
	}
	d.Next.Status.Hand = t.Level
	d.put(level, since, until)
	d.noteGiven(since, t.Level, until)
	return nil
}

// bring gives a new account the points of a currency that it comes with.
func (d *deed) bring(o Opening, field string) error {
	u, err := d.p.currency(o.Currency)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(d.Moves, func(m Move) bool { return m.Currency == u.ID }) {
		return &errs.InputError{Field: field + ".currency", Reason: "is there twice"}
	}
	lots := make([]Lot, len(o.Lots))
	for i, l := range o.Lots {
		field := fmt.Sprintf("%s.lots[%d]", field, i)
		earned, err := valid.Past(field+".earned", l.Earned, d.now)
		from := journal.Instant(l.From)
		switch {
		case err != nil:
			return err
		case !l.To.IsZero() && u.Inactive:
			return &errs.InputError{Field: field + ".to", Reason: "is not for points that end with inactivity"}
		case o.Debt > 0 && !from.After(d.now):
			return &errs.InputError{Field: field + ".from", Reason: "is not in the future, of a member who owes points"}
		case l.To.IsZero():
			if lots[i] = d.lot(u, l.N, earned, from); !lots[i].To.IsZero() && !from.Before(lots[i].To) {
				lots[i] = d.lot(u, l.N, from, from)
			}
		default:
			lots[i] = Lot{N: l.N, From: from, To: l.To}
		}
	}
	h := d.holding(u.ID)
	w, m, err := h.Wallet.Return(lots, d.now)
	if err != nil {
		return err
	}
	d.post(u.ID, w, m, func(m Movement) Totals {
		return Totals{Issued: Sum(m.Credited) + o.Redeemed + o.Expired, Redeemed: o.Redeemed, Expired: o.Expired}
	})
	if o.Debt == 0 {
		return nil
	}
	if w, m, err = w.Revoke(nil, o.Debt, BelowZero, d.now); err != nil {
		return err
	}
	d.post(u.ID, w, m, revoked)
	return nil
}
