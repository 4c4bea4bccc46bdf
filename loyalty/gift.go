package loyalty

import (
	"cmp"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/calendar"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A Gift is points that a member is given for reaching a level by what is counted; one who passes
// several levels at once gets the gift of each. A level that is kept or renewed gives nothing, nor
// does one that is given by hand, or that a new version of the program gives in place of one that it
// does not have.
//
// A gift counts for no metric, cap or milestone, and is not multiplied. It is pending and ends as
// points of its currency do that are earned as the level is reached. A wallet that has no room for
// it gets none. A refund after which the level would not have been reached takes the gift back, as
// it takes points back (Overdraft), even where the level stays (Downgrade): then the gift comes back
// once the level is earned again. This holds for as long as levels are kept and their windows look
// back, and for a year where they look back to all time.
//
// A version that adds a gift gives it to those who reach the level from then on, for the first time
// since, and not to those who have it.
type Gift struct {
	Currency ids.Currency `json:"currency,omitempty"` // "": the first one
	Points   int64        `json:"points"`             // units
	Again    bool         `json:"again,omitempty"`    // each time that the level is reached anew after it was lost; else once
}

// Gifted is what a member was given for reaching a level.
type Gifted struct {
	Level ids.Level `json:"level"`           // level that was reached
	N     int64     `json:"n,omitempty"`     // how many times
	Due   int64     `json:"due,omitempty"`   // how many were taken back while the level stayed, until it is earned again
	Given []Given   `json:"given,omitempty"` // those that may be taken back; the oldest first
}

// Given is one gift.
type Given struct {
	At       time.Time    `json:"at"`       // when the level was reached
	Currency ids.Currency `json:"currency"` // currency of the points
	Lots     []Lot        `json:"lots"`     // points that were given
}

// A height is a level that was reached.
type height struct {
	level int
	at    time.Time
}

// gives reports whether any level has a gift.
func (t *Tiers) gives() bool {
	return t != nil && slices.ContainsFunc(t.Levels, func(l Level) bool { return l.Gift != nil })
}

// reach gives what the levels give that were reached.
func (d *deed) reach(was, is int, at time.Time) {
	for level := was + 1; level <= is; level++ {
		if d.probe {
			d.heights = append(d.heights, height{level, at})
			continue
		}
		l := &d.p.def.Tiers.Levels[level]
		if l.Gift != nil && (l.Gift.Again || d.gifted(l.ID).N == 0) {
			d.giveGift(l, at, at)
		}
	}
}

// gifted returns what was given for a level.
func (d *deed) gifted(id ids.Level) Gifted {
	for _, g := range d.Next.Gifts {
		if g.Level == id {
			return g
		}
	}
	return Gifted{Level: id}
}

// noteGifted keeps what was given for a level.
func (d *deed) noteGifted(g Gifted) {
	all := slices.DeleteFunc(slices.Clone(d.Next.Gifts), func(o Gifted) bool { return o.Level == g.Level })
	if g.N > 0 || g.Due > 0 {
		all = append(all, g)
		slices.SortFunc(all, func(a, b Gifted) int { return cmp.Compare(a.Level, b.Level) })
	}
	d.Next.Gifts = all
	if len(all) == 0 {
		d.Next.Gifts = nil
	}
}

// giveGift gives what a level gives, that was reached at a time.
func (d *deed) giveGift(l *Level, reached, now time.Time) {
	u, err := d.p.currency(l.Gift.Currency)
	if err != nil {
		return
	}
	lot := d.lot(u, l.Gift.Points, reached, d.beginning(reached, u.Pending))
	lot.From, lot.To, lot.Since = journal.Instant(lot.From), journal.Instant(lot.To), journal.Instant(lot.Since)
	w, m, err := d.holding(u.ID).Wallet.Credit(lot, now)
	if err != nil {
		return // there is no room for it
	}
	d.post(u.ID, w, m, issued)
	d.redate(now)
	g := d.gifted(l.ID)
	oldest := d.firstDay()
	g.Given = slices.DeleteFunc(slices.Clone(g.Given), func(o Given) bool { return o.At.Before(oldest) })
	g.Given = append(g.Given, Given{reached, u.ID, []Lot{lot}})
	g.N, g.Due = g.N+1, max(0, g.Due-1)
	d.noteGifted(g)
	d.Steps = append(d.Steps, Step{Level: l.ID, Currency: u.ID, N: lot.N * million, Why: LevelReached})
}

// takeGift takes the last gift of a level back. stays says that the member keeps the level.
func (d *deed) takeGift(g Gifted, stays bool) error {
	last := g.Given[len(g.Given)-1]
	g.N, g.Given = g.N-1, slices.Clone(g.Given[:len(g.Given)-1])
	if len(g.Given) == 0 {
		g.Given = nil
	}
	if stays {
		g.Due++
	}
	u, err := d.p.currency(last.Currency)
	if err != nil {
		return err
	}
	w, m, err := d.holding(u.ID).Wallet.Revoke(last.Lots, Sum(last.Lots), cmp.Or(u.Overdraft, BelowZero), d.now)
	if err != nil {
		return err
	}
	d.post(u.ID, w, m, revoked)
	d.noteGifted(g)
	d.Steps = append(d.Steps, Step{Level: g.Level, Currency: u.ID, N: -(Sum(m.Taken) + m.Owed) * million, Why: LevelNotReached})
	return nil
}

// climbed returns the levels that are reached by what is counted now, since the first day from
// which that can be told.
func (d *deed) climbed() []height {
	if !d.p.def.Tiers.gives() {
		return nil
	}
	probe, _ := d.replay(d.Next.Joined)
	return probe.heights
}

// regift gives and takes back what is due after something was counted, or taken back, of a day
// before. was are the levels that were reached before that.
func (d *deed) regift(was []height) error {
	t := d.p.def.Tiers
	if !t.gives() {
		return nil
	}
	is, first := d.climbed(), d.firstDay()
	of := func(all []height, level int) (times []time.Time) {
		for _, h := range all {
			if h.level == level {
				times = append(times, latest(h.at, first))
			}
		}
		return times
	}
	for level := 1; level < len(t.Levels); level++ {
		if err := d.regiftLevel(level, first, len(of(was, level)), of(is, level)); err != nil {
			return err
		}
	}
	return nil
}

// regiftLevel does it for a level that was reached that many times since a day, and is at those
// times.
func (d *deed) regiftLevel(level int, first time.Time, was int, is []time.Time) error {
	l, g := &d.p.def.Tiers.Levels[level], d.gifted(d.p.def.Tiers.Levels[level].ID)
	recent := slices.IndexFunc(g.Given, func(o Given) bool { return !o.At.Before(first) })
	if recent < 0 {
		recent = len(g.Given)
	}
	have := len(g.Given) - recent
	most := have // of a level that has no gift any more, or gave its one before
	switch {
	case l.Gift == nil:
	case l.Gift.Again:
		most = have + len(is)
	case g.N == int64(have):
		most = max(have, 1)
	}
	due := have + len(is) - was
	if len(is) < was {
		due = min(have, len(is))
	}
	due = min(due, most)
	s := d.Next.Status
	for ; have > due; have-- {
		stays := !d.falls() && s.Hand == "" && d.p.level(s.Level) >= level
		if err := d.takeGift(d.gifted(l.ID), stays); err != nil {
			return err
		}
	}
	if g = d.gifted(l.ID); have > 0 {
		g.Given = slices.Clone(g.Given)
		for i := range min(have, len(is)) {
			g.Given[recent+i].At = is[i]
		}
		d.noteGifted(g)
	}
	for ; have < due; have++ {
		d.giveGift(l, is[min(have, len(is)-1)], d.now)
	}
	return nil
}

// falls reports whether refunds take levels.
func (d *deed) falls() bool { return d.p.def.Tiers.Downgrade == OnRefund || d.floats() }

// giftAgain gives what was taken back of levels that stayed, now that they are earned again.
func (d *deed) giftAgain(earned int, at time.Time) {
	if d.probe {
		return
	}
	for _, g := range d.Next.Gifts {
		level := d.p.level(g.Level)
		l := &d.p.def.Tiers.Levels[level]
		if g.Due > 0 && l.Gift != nil && level <= earned && l.ID == g.Level && (l.Gift.Again || g.N == 0) {
			d.giveGift(l, at, at)
		}
	}
}

// forgo drops what was to come again of levels that are lost now.
func (d *deed) forgo(level int) {
	if d.probe {
		return
	}
	for _, g := range d.Next.Gifts {
		if g.Due > 0 && d.p.level(g.Level) > level {
			g.Due = 0
			d.noteGifted(g)
		}
	}
}

// joinGifts adds what another account was given.
func (d *deed) joinGifts(others []Gifted) {
	for _, o := range others {
		g := d.gifted(o.Level)
		g.N, g.Due = g.N+o.N, g.Due+o.Due
		g.Given = slices.Concat(g.Given, o.Given)
		slices.SortStableFunc(g.Given, func(a, b Given) int { return a.At.Compare(b.At) })
		d.noteGifted(g)
	}
}

// beginning returns when points may be spent that come in for what happened then, and are pending
// for so many days.
func (d *deed) beginning(at time.Time, pending int) time.Time {
	if pending == 0 {
		return time.Time{}
	}
	year, month, day := at.In(d.p.zone).Date()
	return calendar.Midnight(year, month, day+pending, d.p.zone).UTC()
}
