package loyalty

import (
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/internal/calendar"
)

// follows reports whether the ends of a currency's points follow the member: its last activity, or
// its level.
func (u *Currency) follows() bool { return u.Inactive || u.ByLevel }

// expiry returns the rule by which points of a currency end at the member's level.
func (d *deed) expiry(u *Currency) Expiry {
	if t := d.p.def.Tiers; t != nil {
		if e := t.Levels[d.p.level(d.Next.Status.Level)].Expiry[u.ID]; e != nil {
			return *e
		}
	}
	return u.Expiry
}

// lot returns points of a currency that come in for what happened then, and begin at from, which
// may be zero.
func (d *deed) lot(u *Currency, n int64, at, from time.Time) Lot {
	l := Lot{N: n, From: from}
	if u.Begun {
		at = latest(at, from)
	}
	if !u.follows() {
		l.To = d.expiry(u).End(at, d.p.zone)
		return l
	}
	l.Since = d.day(at)
	return d.ending(u, l)
}

// day returns when the day of a time began.
func (d *deed) day(at time.Time) time.Time {
	year, month, day := at.In(d.p.zone).Date()
	return calendar.Midnight(year, month, day, d.p.zone).UTC()
}

// ending returns a lot with the end that it has as the account is now. Where that comes before the lot
// begins, as a version before this one made it pending for longer, it counts from there, from now on.
func (d *deed) ending(u *Currency, l Lot) Lot {
	since := l.Since
	if u.Inactive {
		since = latest(since, d.Next.Active)
	}
	if since.IsZero() {
		return l // an end of its own
	}
	if l.To = d.expiry(u).End(since, d.p.zone); !l.To.IsZero() && !l.From.Before(l.To) {
		l.Since, l.To = l.From, d.expiry(u).End(l.From, d.p.zone)
	}
	return l
}

// dated returns a lot with the end that it has as the account is now.
func (d *deed) dated(u *Currency, l Lot, now time.Time) Lot {
	l = d.ending(u, l)
	switch {
	case u.Inactive && !l.Since.After(d.Next.Active):
		l.Since = time.Time{}
	case l.To.IsZero() && !l.Since.IsZero() && d.overdue(u, l, now):
		year := l.Since.In(d.p.zone).Year() // one lot a year of what has no end, and would have ended at any other level
		l.Since = calendar.Midnight(year, 1, 1, d.p.zone).UTC()
	}
	return l
}

// overdue reports whether a lot has ended at every level whose points end.
func (d *deed) overdue(u *Currency, l Lot, now time.Time) bool {
	ended := func(e Expiry) bool { return e.never() || !e.End(l.Since, d.p.zone).After(now) }
	for _, level := range d.p.def.Tiers.Levels {
		if e := level.Expiry[u.ID]; e != nil && !ended(*e) {
			return false
		}
	}
	return ended(u.Expiry)
}

// based returns lots that leave the account, each with what its end counts from.
func (d *deed) based(u *Currency, lots []Lot) []Lot {
	lots = slices.Clone(lots)
	for i := range lots {
		if u.Inactive && lots[i].Since.Before(d.Next.Active) {
			lots[i].Since = d.day(d.Next.Active)
		}
	}
	return lots
}

// rebase makes the ends of points independent of the account's own activity, so that they can go on
// in another one.
func (d *deed) rebase() {
	for i := range d.p.def.Currencies {
		u := &d.p.def.Currencies[i]
		for j := range d.Next.Holdings {
			if h := &d.Next.Holdings[j]; u.Inactive && h.Currency == u.ID {
				h.Wallet.Lots = d.based(u, h.Wallet.Lots)
				h.Wallet.Holds = slices.Clone(h.Wallet.Holds)
				for k, o := range h.Wallet.Holds {
					h.Wallet.Holds[k].Lots = d.based(u, o.Lots)
				}
			}
		}
	}
}

// redate gives the points whose ends follow the member the ends that they have from that time on.
func (d *deed) redate(at time.Time) {
	for i := range d.p.def.Currencies {
		u := &d.p.def.Currencies[i]
		for j := range d.Next.Holdings {
			if h := &d.Next.Holdings[j]; u.follows() && h.Currency == u.ID {
				w, m, changed := h.Wallet.redate(at, func(l Lot) Lot { return d.dated(u, l, at) })
				if h.Wallet = w; changed && len(m.Lapsed) > 0 {
					d.post(u.ID, w, m, nothing)
				}
			}
		}
	}
}

// acted notes that the member earned or spent at that time, which moves the end of what ends with
// inactivity. Of what has lapsed since, because it was not known yet, that comes back which would
// not have lapsed.
func (d *deed) acted(at time.Time) {
	was := d.Next.Active
	d.Next.Active = latest(was, at)
	d.revive(at, was)
	d.redate(d.now)
}

// revive gives back what lapsed for inactivity, and would not have had it been known that the
// member was active at a time, besides the last activity so far.
func (d *deed) revive(at, was time.Time) {
	for i := range d.p.def.Currencies {
		u := &d.p.def.Currencies[i]
		if !u.Inactive {
			continue
		}
		end := d.expiry(u).End(at, d.p.zone)
		lives := func(e Lot) (Lot, bool) {
			ok := e.From.IsZero() && at.Before(e.To) && (end.IsZero() || end.After(e.To)) && (was.Before(e.To) || end.IsZero() || end.After(was))
			return d.ending(u, Lot{N: e.N, Since: e.Since}), ok
		}
		for j := range d.Next.Holdings {
			h := &d.Next.Holdings[j]
			if h.Currency != u.ID || !at.Before(d.now) {
				continue
			}
			if w, m := h.Wallet.revive(d.now, lives); len(m.Credited) > 0 {
				d.post(u.ID, w, m, revived)
			}
		}
	}
}
