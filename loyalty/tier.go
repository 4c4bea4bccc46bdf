package loyalty

import (
	"slices"
	"sort"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/calendar"
)

// level returns the index of a level; an unknown one counts as the lowest.
func (p *Program) level(id ids.Level) int {
	if p.def.Tiers == nil {
		return 0
	}
	return max(0, slices.IndexFunc(p.def.Tiers.Levels, func(l Level) bool { return l.ID == id }))
}

// earned returns the highest level that the metrics come to at that time.
func (d *deed) earned(at time.Time) int {
	levels := d.p.def.Tiers.Levels
	for i := len(levels) - 1; i > 0; i-- {
		if slices.ContainsFunc(levels[i].Needs, func(n Need) bool { return d.meets(n, at) }) {
			return i
		}
	}
	return 0
}

func (d *deed) meets(n Need, at time.Time) bool {
	for id, least := range n {
		if d.have(id, at) < least {
			return false
		}
	}
	return true
}

// have returns what a metric comes to at that time.
func (d *deed) have(id MetricID, at time.Time) int64 {
	i := slices.IndexFunc(d.p.metrics, func(m *metric) bool { return m.ID == id })
	return d.Next.tally(metricTally(id)).Sum(d.p.metrics[i].window(d.Next.Joined), at, d.p.zone)
}

// pass lets time do to the level what it has done between the last change and now: validities and
// windows that ended, in their order.
func (d *deed) pass(now time.Time) {
	t := d.p.def.Tiers
	if t == nil {
		d.Next.Status = Status{}
		return
	}
	s := &d.Next.Status
	if s.Level == "" {
		s.Level, s.Since = t.Levels[0].ID, d.Next.Joined
	}
	if t.Levels[d.p.level(s.Level)].ID != s.Level { // a version before this one had it
		*s = Status{Level: t.Levels[0].ID, Since: now}
		d.note(now)
		if is := d.earned(now); is > 0 && !t.AtEnd {
			d.put(is, now, d.valid(now)) // without its gift
		}
	}
	if !t.AtEnd && d.earned(d.Next.At) > d.p.level(s.Level) { // a version before this one had no such level, or asked for more
		d.rise(d.Next.At)
	}
	for quiet := false; ; {
		ends, window, sinks := d.ends(), time.Time{}, time.Time{}
		if !quiet {
			window = d.windowEnd()
		}
		if d.floats() && !t.AtEnd && d.deserved(now) < d.p.level(s.Level) {
			sinks = d.sinks(d.Next.At)
		}
		first := func(t time.Time, others ...time.Time) bool {
			return !t.IsZero() && !t.After(now) && !slices.ContainsFunc(others, func(o time.Time) bool { return !o.IsZero() && o.Before(t) })
		}
		switch {
		case first(ends, window, sinks):
			d.expireLevel(ends)
			d.Next.At = latest(d.Next.At, ends)
		case first(window, sinks):
			d.turnWindow(window)
			d.Next.At = window
			quiet = d.empty(window)
		case first(sinks):
			d.float(sinks)
			d.Next.At = sinks
		default:
			if d.floats() && !t.AtEnd {
				d.float(now)
			}
			return
		}
	}
}

// turns returns when time next changes the level, or what is counted for it, if no command comes
// before; zero: never.
func (d *deed) turns() time.Time {
	t := d.p.def.Tiers
	if t == nil || d.Next.Merged != "" {
		return time.Time{}
	}
	next := d.ends()
	if d.floats() && !t.AtEnd {
		if at := d.sinks(d.now); next.IsZero() || !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	probe := deed{p: d.p, probe: true, Decision: Decision{Next: d.Next}}
	probe.Next.Tallies, probe.Next.Holdings = slices.Clone(d.Next.Tallies), slices.Clone(d.Next.Holdings)
	for end := probe.windowEnd(); !end.IsZero() && (next.IsZero() || end.Before(next)); end = probe.windowEnd() {
		probe.turnWindow(end)
		if probe.rolled || probe.Next.Status != d.Next.Status {
			return end
		}
		if probe.empty(end) {
			break
		}
		probe.Next.At = end
	}
	return next
}

// sinks returns when, from a time on, a level that lasts as long as it is earned is another one if
// nothing more is counted: then, or as a day begins; zero: never. What windows hold grows less day
// by day.
func (d *deed) sinks(from time.Time) time.Time {
	year, month, day := from.In(d.p.zone).Date()
	begin := func(days int) time.Time {
		return latest(from, calendar.Midnight(year, month, day+days, d.p.zone).UTC())
	}
	is := d.p.level(d.Next.Status.Level)
	horizon := 1
	for _, m := range d.p.metrics {
		horizon = max(horizon, m.window(d.Next.Joined).Keep()+2)
	}
	n := sort.Search(horizon, func(n int) bool { return d.deserved(begin(n)) != is })
	if n == horizon {
		return time.Time{}
	}
	return begin(n)
}

// floats reports whether a level lasts as long as it is earned.
func (d *deed) floats() bool {
	t := d.p.def.Tiers
	return t.Valid == Validity{} && t.Downgrade != Never
}

// ends returns when the level ends, its grace included; zero: it does not, or later than a time can
// be stored.
func (d *deed) ends() time.Time {
	s, t := d.Next.Status, d.p.def.Tiers
	if s.Until.IsZero() || t.Grace == 0 {
		return s.Until
	}
	year, month, day := s.Until.In(d.p.zone).Date()
	end := calendar.Midnight(year, month, day+t.Grace, d.p.zone).UTC()
	if end.Year() > 9999 {
		return time.Time{}
	}
	return end
}

// windowEnd returns when the next window ends at whose end something is to be done; zero: none.
func (d *deed) windowEnd() (next time.Time) {
	if t := d.p.def.Tiers; !t.AtEnd && !t.Rollover {
		return next
	}
	for _, m := range d.p.metrics {
		end := m.window(d.Next.Joined).End(d.Next.At, d.p.zone)
		if !end.IsZero() && (next.IsZero() || end.Before(next)) {
			next = end
		}
	}
	return next
}

// expireLevel decides at the end of a validity and its grace what the level is from then on.
func (d *deed) expireLevel(at time.Time) {
	s, t := &d.Next.Status, d.p.def.Tiers
	before := s.Until.Add(-time.Microsecond)
	was := d.p.level(s.Level)
	is := d.earned(before)
	if t.Grace > 0 {
		is = max(is, d.earned(at))
	}
	if t.Downgrade == Never && s.Hand == "" {
		is = max(is, was)
	}
	s.Hand = ""
	if is < was && t.ByOne {
		one := was - 1
		for one > is && t.Levels[one].Manual {
			one--
		}
		is = one
	}
	d.set(is, at, d.validFrom(before, at))
}

// validFrom returns how long a level is kept that was earned then, and is given at a later time.
func (d *deed) validFrom(earned, at time.Time) time.Time {
	until := d.valid(earned)
	if !until.After(at) {
		until = d.valid(at)
	}
	return until
}

// set makes that the level, since at where it is another one, and gives the gifts of those that it
// reaches by what is counted.
func (d *deed) set(level int, at, until time.Time) {
	was := d.p.level(d.Next.Status.Level)
	d.put(level, at, until)
	if d.Next.Status.Hand == "" {
		d.reach(was, level, at)
	}
}

// put makes that the level, and gives nothing for it.
func (d *deed) put(level int, at, until time.Time) {
	s, t := &d.Next.Status, d.p.def.Tiers
	was := d.p.level(s.Level)
	s.Until = until
	if level == 0 {
		s.Until = time.Time{}
	}
	if level == was {
		d.note(at)
		return
	}
	s.Level, s.Since = t.Levels[level].ID, at
	if level < was {
		d.forgo(level)
		for _, id := range t.Lose {
			if d.keeps {
				break
			}
			w, m := d.holding(id).Wallet.lapse(at)
			d.post(id, w, m, nothing)
		}
	}
	d.redate(at)
	d.note(at)
}

// until returns until when the level is valid if nothing more happens: the validity that it was
// given, and those that what is counted will still give it again at the end of that. Zero: without
// end. A grace comes after it.
func (d *deed) until() time.Time {
	s := d.Next.Status
	if s.Until.IsZero() || d.Next.Merged != "" {
		return s.Until
	}
	probe := deed{p: d.p, now: d.now, probe: true, Decision: Decision{Next: d.Next}}
	probe.Next.Tallies, probe.Next.Holdings = slices.Clone(d.Next.Tallies), nil
	horizon := s.Until.AddDate(0, 0, d.p.longest())
	for until := s.Until; ; {
		probe.pass(probe.ends())
		switch next := probe.Next.Status; {
		case next.Level != s.Level || !next.Until.IsZero() && !next.Until.After(until):
			return until
		case next.Until.IsZero() || until.After(horizon):
			return time.Time{} // what is counted for all time gives it again and again
		default:
			until = next.Until
		}
	}
}

// longest returns how many days after it was counted anything can count for a level, with the
// rollovers of a century.
func (p *Program) longest() (days int) {
	for _, m := range p.metrics {
		days = max(days, m.window(time.Unix(0, 0)).Keep()+2)
	}
	if p.def.Tiers.Rollover {
		days += maxDays
	}
	return days
}

// valid returns how long a level is kept that was earned then; zero: without end.
func (d *deed) valid(earned time.Time) time.Time {
	t := d.p.def.Tiers
	if t.Downgrade == Never || t.Valid == (Validity{}) {
		return time.Time{}
	}
	year, month, day := t.Valid.End(earned, d.p.zone).In(d.p.zone).Date()
	year, month, day = calendar.Later(year, month, day, t.Valid.ExtraMonths)
	return calendar.Midnight(year, month, day, d.p.zone).UTC()
}

// turnWindow does what is due as windows end: levels that are given at the end, and what rolls
// over.
func (d *deed) turnWindow(at time.Time) {
	s, t := &d.Next.Status, d.p.def.Tiers
	before := at.Add(-time.Microsecond)
	if is, was := d.earned(before), d.p.level(s.Level); t.AtEnd && (is > was || is < was && d.floats()) {
		d.climb(is, at, d.validFrom(before, at))
	}
	if t.AtEnd {
		d.giftAgain(d.earned(before), at)
	}
	if !t.Rollover {
		return
	}
	needed := Need{} // of each metric, by the needs that are met
	for _, n := range t.Levels[d.p.level(s.Level)].Needs {
		if d.meets(n, before) {
			for id, least := range n {
				needed[id] = max(needed[id], least)
			}
		}
	}
	for _, id := range sorted(needed) {
		i := slices.IndexFunc(d.p.metrics, func(m *metric) bool { return m.ID == id })
		if !d.p.metrics[i].window(d.Next.Joined).End(before, d.p.zone).Equal(at) {
			continue
		}
		if surplus := d.have(id, before) - needed[id]; surplus > 0 {
			_ = d.count(metricTally(id), surplus, at, d.p.keep[metricTally(id)]) // it was counted before, so it fits
			_ = d.count(rolledTally(id), surplus, at, d.p.keep[rolledTally(id)])
			d.rolled = true
		}
	}
}

// empty reports whether the windows that ended then had nothing in them, and those that follow have
// nothing either: neither those of a calendar, nor those that look some days or months back, of
// which less is left at the end of a later window.
func (d *deed) empty(at time.Time) bool {
	return !slices.ContainsFunc(d.p.metrics, func(m *metric) bool {
		w := m.window(d.Next.Joined)
		t := d.Next.tally(metricTally(m.ID))
		return w != (Window{}) && (t.Sum(w, at.Add(-time.Microsecond), d.p.zone) != 0 || t.Sum(w, at, d.p.zone) != 0)
	})
}

// climb makes that the level, or the one that was given by hand where that is higher.
func (d *deed) climb(level int, at, until time.Time) {
	s := &d.Next.Status
	if hand := d.p.level(s.Hand); s.Hand != "" && hand >= level {
		level, until = hand, s.Until
	} else {
		s.Hand = ""
	}
	d.set(level, at, until)
}

// deserved returns the level that is earned at that time, or the one that was given by hand where
// that is higher.
func (d *deed) deserved(at time.Time) int {
	return max(d.earned(at), d.p.level(d.Next.Status.Hand))
}

// float makes the level what is earned at that time.
func (d *deed) float(at time.Time) {
	if is := d.earned(at); is != d.p.level(d.Next.Status.Level) {
		d.climb(is, at, time.Time{})
	}
}

// rise gives the level that is earned at that time, where levels are given at once. What is earned
// again in a window with an end is valid anew.
func (d *deed) rise(at time.Time) {
	t := d.p.def.Tiers
	if t == nil || t.AtEnd {
		return
	}
	s := &d.Next.Status
	is, was := d.earned(at), d.p.level(s.Level)
	switch {
	case is > was:
		s.Hand = ""
		d.set(is, at, d.valid(at))
	case is == was && !s.Until.IsZero() && d.closes(is, at):
		s.Until = latest(s.Until, d.valid(at))
		d.note(at)
	}
	d.giftAgain(is, at)
}

// closes reports whether a level is earned at that time by metrics whose windows have an end.
func (d *deed) closes(level int, at time.Time) bool {
	return slices.ContainsFunc(d.p.def.Tiers.Levels[level].Needs, func(n Need) bool {
		for id := range n {
			i := slices.IndexFunc(d.p.metrics, func(m *metric) bool { return m.ID == id })
			if d.p.metrics[i].window(d.Next.Joined).End(at, d.p.zone).IsZero() {
				return false
			}
		}
		return d.meets(n, at)
	})
}

// A Way is what is missing to a level: all of it.
type Way []Missing

// Missing is what a metric has to come to.
type Missing struct {
	Metric MetricID  `json:"metric"`      // metric that the need names
	Have   int64     `json:"have"`        // what it comes to
	Need   int64     `json:"need"`        // what it has to come to
	By     time.Time `json:"by,omitzero"` // the end of its window, when it begins anew; zero: the window rolls, or is all time
}

// Progress returns the next level that can be earned, and the ways to it, any of which suffices.
// "": there is none.
func (p *Program) Progress(a Account, now time.Time) (ids.Level, []Way) {
	d := p.begin(a, now)
	if p.def.Tiers == nil {
		return "", nil
	}
	levels := p.def.Tiers.Levels
	for i := p.level(d.Next.Status.Level) + 1; i < len(levels); i++ {
		if levels[i].Manual {
			continue
		}
		var ways []Way
		for _, n := range levels[i].Needs {
			var way Way
			for _, id := range sorted(n) {
				m := p.metrics[slices.IndexFunc(p.metrics, func(m *metric) bool { return m.ID == id })]
				end := m.window(d.Next.Joined).End(d.now, p.zone)
				way = append(way, Missing{id, d.have(id, d.now), n[id], end})
			}
			ways = append(ways, way)
		}
		return levels[i].ID, ways
	}
	return "", nil
}

// At returns the account as time has left it by then, level and all.
func (p *Program) At(a Account, now time.Time) Account {
	d := p.begin(a, now)
	for i := range d.Next.Holdings {
		h := &d.Next.Holdings[i]
		w, m := h.Wallet.Expire(d.now)
		h.Wallet, h.Totals.Expired = w, h.Totals.Expired+Sum(m.Lapsed)
	}
	d.Next.Turns = d.turns()
	return d.Next
}

// Until returns when the member loses the level if nothing more happens: the end of its validity,
// or of those that what is counted by then will still give it again; a grace comes after it. Zero:
// as long as it is earned, or never. It is what Outcome.Status says.
func (p *Program) Until(a Account, now time.Time) time.Time {
	d := p.begin(a, now)
	return d.until()
}

// Expiring returns what ends when, the next first. What never ends is left out.
func (w Wallet) Expiring(now time.Time) []Lot {
	after, _ := w.Expire(now)
	return slices.DeleteFunc(after.Lots, func(l Lot) bool { return l.To.IsZero() })
}
