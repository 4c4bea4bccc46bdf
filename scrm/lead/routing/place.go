package routing

import (
	"cmp"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// Leads are what an account has come to by who counts leads. Targets of a line count them: a
// visitor who was sent to the account takes a place of its target until a lead of the account is
// counted, which frees the place that was taken first, or until Settings.Hold has passed. So an
// account is sent no more than it has leads left to its target, while visitors who never write use
// nothing up.
//
// The figures are absolute, those of the time of the command: reported twice they are the same, and
// after a verdict changes they differ. An account without them counts its visitors.
type Leads struct {
	Account AccountID `json:"account"` // account of the line
	Day     time.Time `json:"day"`     // when the day began that Today is of, by who counts
	Today   int64     `json:"today"`   // leads that count, on that day
	Total   int64     `json:"total"`   // the same, altogether
}

// A Place is held by visitors who were sent to an account and are no leads yet.
type Place struct {
	Minute int64 `json:"m"` // since 1970, when the first of them was sent, or up to a tenth of Settings.Hold before
	N      int64 `json:"n"` // how many visitors
}

func (c Leads) check() error {
	err := cmp.Or(valid.ID("leads.account", c.Account), valid.Time("leads.day", c.Day),
		valid.Between("leads.today", c.Today, 0, maxLeads), valid.Between("leads.total", c.Total, 0, maxLeads))
	if err == nil && c.Day.IsZero() {
		err = &errs.InputError{Field: "leads.day", Reason: "is missing"}
	}
	return err
}

// maxLeads is more than targets are, so that a sum of them fits in 64 bits.
const maxLeads = 1 << 50

func (s Settings) holds() int64 { return int64(cmp.Or(s.Hold, DefaultHold)) }

// slot returns the minute of the places that are taken at a time: a tenth of Settings.Hold are one,
// so that a line stays small.
func (s Settings) slot(t time.Time) int64 {
	minute := t.Unix() / 60
	return minute - minute%max(1, s.holds()/10)
}

// held returns the places that are still held at a time.
func (s Settings) held(places []Place, now time.Time) []Place {
	minute := now.Unix() / 60
	return slices.DeleteFunc(slices.Clone(places), func(p Place) bool { return p.Minute+s.holds() <= minute })
}

// hold adds a place.
func (s Settings) hold(places []Place, now time.Time) []Place {
	places, slot := slices.Clone(places), s.slot(now)
	i, known := slices.BinarySearchFunc(places, slot, func(p Place, slot int64) int { return cmp.Compare(p.Minute, slot) })
	if !known {
		places = slices.Insert(places, i, Place{Minute: slot})
	}
	places[i].N++
	return places
}

// free gives back the place of a visitor who was sent before, where it is still held.
func (l *Line) free(v Visitor) {
	i, known := l.find(v.Account)
	if v.Sent.IsZero() || v.Order || !known {
		return
	}
	places := slices.Clone(l.Taken[i].Places)
	slot := l.Settings.slot(v.Sent)
	for k := range places {
		if places[k].Minute == slot {
			places[k].N--
		}
	}
	l.Taken[i].Places = slices.DeleteFunc(places, func(p Place) bool { return p.N == 0 })
}

// done returns how much of the targets of an account is used, of today's and of the total.
func (s Settings) done(t Taken) (today, total int64) {
	if s.Visitors || t.Leads == nil {
		return t.Today, t.Total
	}
	held := int64(0)
	for _, p := range t.Places {
		held += p.N
	}
	return t.Leads.Today + t.OrdersToday + held, t.Leads.Total + t.Orders + held
}

// Observe returns the line with the leads of its accounts as they are reported: each that is new
// since the last report frees the place that was taken first. freed reports whether one was. Leads
// of accounts that the line does not have are left out.
func (l Line) Observe(leads []Leads) (next Line, freed bool) {
	l.Taken = slices.Clone(l.Taken)
	for _, c := range leads {
		if !slices.ContainsFunc(l.Settings.Accounts, func(a Account) bool { return a.ID == c.Account }) {
			continue
		}
		i, known := l.find(c.Account)
		if !known {
			l.Taken = slices.Insert(l.Taken, i, Taken{Account: c.Account})
		}
		t := &l.Taken[i]
		if t.Leads != nil {
			more := c.Today
			if t.Leads.Day.Equal(c.Day) {
				more -= t.Leads.Today
			}
			freed = freed || more > 0 && len(t.Places) > 0
			t.Places = first(t.Places, more)
		}
		c.Day = c.Day.UTC().Truncate(time.Microsecond)
		t.Leads = &c
	}
	return l, freed
}

// first returns the places without the n that were taken first.
func first(places []Place, n int64) []Place {
	places = slices.Clone(places)
	for len(places) > 0 && n > 0 {
		k := min(n, places[0].N)
		n -= k
		if places[0].N -= k; places[0].N == 0 {
			places = places[1:]
		}
	}
	return places
}
