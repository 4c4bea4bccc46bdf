package notifier

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/scrm/notice"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/wechat/subscription"
)

// The kinds of facts.
const (
	PointsEarned   notice.Kind = "points.earned"   // points of a Currency came in, by an event, by hand or as the gift of a level
	PointsExpiring notice.Kind = "points.expiring" // points of a Currency end on one day: see Flow.Remind
	TierReached    notice.Kind = "tier.reached"    // the member has a higher level
	TierLost       notice.Kind = "tier.lost"       // the member has a lower level
	CardFull       notice.Kind = "card.full"       // a stamp card is full, and its coupon is there
	CouponIssued   notice.Kind = "coupon.issued"   // a coupon is there, also that of a full card
	ManagerBound   notice.Kind = "manager.bound"   // somebody has accepted the invitation of the member to manage a shop
)

// A fact is something that happened to a member, as the content of a notice has it. Fields that its
// kind does not have are empty.
type fact struct {
	Template subscription.TemplateID `json:"template"`           // that tells it
	Program  string                  `json:"program,omitempty"`  // of points or stamps
	Currency ids.Currency            `json:"currency,omitempty"` // of the points
	Name     string                  `json:"name,omitempty"`     // of the program, the coupon, the level or the manager
	Former   string                  `json:"former,omitempty"`   // name of the level before
	Shop     ids.Shop                `json:"shop,omitempty"`     // that is managed
	N        int64                   `json:"n,omitempty"`        // units of points
	Balance  int64                   `json:"balance,omitempty"`  // units that may be spent then
	Scale    int                     `json:"scale,omitempty"`    // decimals of points
	At       time.Time               `json:"at,omitzero"`        // when it happened
	End      time.Time               `json:"end,omitzero"`       // when it ends: not valid from then on; zero: never
	Zone     string                  `json:"zone,omitempty"`     // IANA name of the calendar of At and End
}

// notice returns the notice of a fact.
func (x fact) notice(m ids.Member, k notice.Kind, until time.Time, key ...any) notice.Notice {
	return notice.Notice{
		Member: m, Kind: k, Content: journal.JSON(x), Until: until, Key: journal.DerivedKey(string(k), key...),
	}
}

// earning are the kinds of entries by which points come in that are news to their member. What a
// return gives back, and what comes from another account of theirs, is not.
var earning = []journal.Kind[loyalty.Outcome]{loyalty.KindEarn, loyalty.KindAdjust, loyalty.KindExpire, loyalty.KindTier}

// A teller takes a fact of an entry, of whose facts of a kind which distinguishes it. Nothing of a
// program is in which, for a later version says it otherwise.
type teller func(m ids.Member, k notice.Kind, which any, x fact)

// about returns the notices of an entry.
func (f *Flow) about(ctx context.Context, r journal.Record) ([]notice.Notice, error) {
	var all []notice.Notice
	tell := func(m ids.Member, k notice.Kind, which any, x fact) {
		if t := f.templates.of(k, x.Program, x.Currency); t != nil {
			x.Template, x.At = t.ID, r.At
			all = append(all, x.notice(m, k, r.At.Add(t.wait()), r.Subject, r.Seq, which))
		}
	}
	if r.Archived() { // it is older than any news
		return nil, nil
	}
	_, ofPoints := loyalty.Tables.Kind(r.Kind)
	_, ofCards := stamps.Tables.Kind(r.Kind)
	var err error
	switch {
	case ofPoints && f.points != nil:
		err = f.aboutPoints(ctx, r, tell)
	case ofCards && f.cards != nil:
		err = f.aboutCards(ctx, r, tell)
	case r.Kind == string(shop.KindBind):
		var out shop.Outcome
		if out, err = shop.KindBind.Result(r.Entry); err == nil && out.Manager != nil && out.InvitedBy != "" {
			tell(ids.Member(out.InvitedBy), ManagerBound, nil, fact{Name: out.Manager.Name, Shop: out.Manager.Shop, Zone: "UTC"})
		}
	}
	if err != nil {
		return nil, fmt.Errorf("notifier: entry %d of %s: %w", r.Seq, r.Subject, err)
	}
	return all, nil
}

func (f *Flow) aboutPoints(ctx context.Context, r journal.Record, tell teller) error {
	kind := journal.Kind[loyalty.Outcome](r.Kind)
	out, err := kind.Result(r.Entry)
	if err != nil || out.Account.Member == "" || len(out.Moves) == 0 && out.Tier == nil {
		return err
	}
	p, err := f.points.Program(ctx, out.Account.Program, 0)
	if err != nil {
		return err
	}
	d := p.Definition()
	base := fact{Program: string(d.ID), Name: d.Name, Zone: d.Zone}
	for _, m := range out.Moves {
		i := slices.IndexFunc(d.Currencies, func(c loyalty.Currency) bool { return c.ID == m.Currency })
		if n := out.Earned(m.Currency); n > 0 && i >= 0 && slices.Contains(earning, kind) {
			x := base
			x.Currency, x.Scale, x.N, x.Balance = m.Currency, d.Currencies[i].Scale, n, m.Balance.Available
			tell(out.Account.Member, PointsEarned, m.Currency, x)
		}
	}
	if out.Tier == nil || d.Tiers == nil {
		return nil
	}
	rank := func(id ids.Level) int {
		return slices.IndexFunc(d.Tiers.Levels, func(l loyalty.Level) bool { return l.ID == id })
	}
	name := func(i int, id ids.Level) string {
		if i >= 0 && d.Tiers.Levels[i].Name != "" {
			return d.Tiers.Levels[i].Name
		}
		return string(id)
	}
	from, to, k := rank(out.Tier.From), rank(out.Tier.To), TierReached
	if to < from {
		k = TierLost
	}
	x := base
	x.Name, x.Former, x.End = name(to, out.Tier.To), name(from, out.Tier.From), out.Status.Until
	tell(out.Account.Member, k, nil, x)
	return nil
}

func (f *Flow) aboutCards(ctx context.Context, r journal.Record, tell teller) error {
	out, err := journal.Kind[stamps.Outcome](r.Kind).Result(r.Entry)
	if err != nil {
		return err
	}
	for _, c := range out.Issued() {
		p, err := f.cards.Program(ctx, c.ID.Card.Program, c.Began)
		if err != nil {
			return err
		}
		d := p.Definition()
		x := fact{Program: string(d.ID), Name: c.Name, End: c.Expires, Zone: d.Zone}
		if full(d, c) {
			tell(c.ID.Card.Member, CardFull, c.ID.N, x)
		}
		tell(c.ID.Card.Member, CouponIssued, c.ID.N, x)
	}
	return nil
}

// full reports whether a coupon is that of a full card.
func full(d stamps.Definition, c stamps.Coupon) bool {
	return c.Pos > 0 && d.Card != nil && slices.ContainsFunc(d.Card.Rewards, func(r stamps.Reward) bool {
		return r.ID == c.Reward && r.At == d.Card.Size
	})
}

// ending returns what of a member's points ends within a time, by the last day on which it may be
// spent, the next first.
func ending(a loyalty.Account, d loyalty.Definition, id ids.Currency, now, before time.Time) (all []fact) {
	i := slices.IndexFunc(d.Currencies, func(c loyalty.Currency) bool { return c.ID == id })
	if i < 0 {
		return nil
	}
	w, zone := a.Wallet(id), calendar(d.Zone)
	for _, lot := range w.Expiring(now) {
		if !lot.To.Before(before) {
			break
		}
		x := fact{
			Program: string(d.ID), Currency: id, Name: d.Name, Scale: d.Currencies[i].Scale, N: lot.N,
			Balance: w.Balance(now).Available, At: now, End: lot.To, Zone: d.Zone,
		}
		if last := len(all) - 1; last >= 0 && lastDay(all[last].End, zone) == lastDay(x.End, zone) {
			all[last].N, all[last].End = all[last].N+x.N, x.End
			continue
		}
		all = append(all, x)
	}
	return all
}

// lastDay returns the last day of what ends at a time.
func lastDay(end time.Time, zone *time.Location) string {
	return end.Add(-time.Microsecond).In(zone).Format(time.DateOnly)
}

// calendar returns the zone of a program, which has checked it; UTC where this machine lacks it.
func calendar(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return zone
}
