package loyalty

import (
	"cmp"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/calendar"
)

// Past is a level as it was given, kept on or taken at a time. An account keeps those that an event
// that is reported late, or a refund, may change, and the one before them.
type Past struct {
	At     time.Time `json:"at"`              // from when on it was the level
	Status Status    `json:"status,omitzero"` // the level, and how long it was to be kept
	Given  ids.Level `json:"given,omitempty"` // by a SetTier, which Status need not be
	Until  time.Time `json:"until,omitzero"`  // SetTier.Until
}

// kept is how many days apart those are kept in which only Until differs.
const kept = 31

// note keeps the level as it is from that time on.
func (d *deed) note(at time.Time) { d.noteGiven(at, "", time.Time{}) }

// noteGiven keeps the level as it is from that time on, with the one that was given by hand.
func (d *deed) noteGiven(at time.Time, given ids.Level, until time.Time) {
	past := d.Next.Past
	is := Past{at, d.Next.Status, given, until}
	if n := len(past); n > 0 && given == "" && past[n-1].Status == is.Status {
		return
	}
	alike := func(p Past) bool {
		return p.Given == "" && p.Status.Level == is.Status.Level && p.Status.Hand == is.Status.Hand && p.Status.Since.Equal(is.Status.Since)
	}
	if n := len(past); n > 1 && given == "" && alike(past[n-1]) && alike(past[n-2]) && at.Sub(past[n-2].At) < kept*24*time.Hour {
		past = past[:n-1]
	}
	oldest := latest(d.now, at).AddDate(0, 0, -d.p.looks())
	for len(past) > 1 && past[1].At.Before(oldest) {
		past = past[1:]
	}
	d.Next.Past = append(slices.Clone(past), is)
}

// looks returns for how many days levels are decided anew.
func (p *Program) looks() int { return max(p.late(), p.horizon) + kept }

// firstDay returns when the first day began that is decided anew.
func (d *deed) firstDay() time.Time { return d.day(d.now.AddDate(0, 0, -d.p.looks()+kept)) }

// levelAt returns the level that the member had at a time, as far as that is kept.
func (d *deed) levelAt(at time.Time) ids.Level {
	if d.p.def.Tiers == nil || !at.Before(d.Next.Status.Since) {
		return d.Next.Status.Level
	}
	level := d.p.def.Tiers.Levels[0].ID
	for _, p := range d.Next.Past {
		if !p.At.After(at) {
			level = p.Status.Level
		}
	}
	return level
}

// horizonOf returns for how many days back a refund may take a level away, or its gift: for as long
// as one is kept, and its window.
func horizonOf(d Definition) int {
	t := d.Tiers
	if t == nil || !t.gives() && (t.Downgrade != OnRefund || t.Valid == (Validity{})) {
		return 0
	}
	within := func(n, most int) int { return min(max(0, n), most) }
	days := within(t.Valid.Days, maxDays) + 31*within(t.Valid.Months, maxMonths) + 366*within(t.Valid.Years, maxYears) +
		31*within(t.Valid.ExtraMonths, maxMonths) + within(t.Grace, 366)
	if t.Valid.RoundUp != "" || t.Valid.On != nil {
		days += 366
	}
	window := 0
	for _, m := range d.Metrics {
		w := m.Window
		if m.Joined {
			w = Window{Calendar: Year}
		}
		keep := w.Keep()
		if t.gives() && w == (Window{}) {
			keep = 366
		}
		window = max(window, within(keep, maxDays))
	}
	return min(days+window, maxDays)
}

// relevel decides anew which level the member has had since just before a time, when something was
// counted or taken back. told says that an event came to it, which never takes a level, and moves
// its end to where it had been at once; an earlier one only where levels go with refunds, for else
// what was returned since may have given it. Else a refund came, which never gives a level, and
// takes one where the program says so.
func (d *deed) relevel(from time.Time, told bool) {
	t := d.p.def.Tiers
	if t == nil {
		return
	}
	probe, before := d.replay(from)
	was, is := d.p.level(d.Next.Status.Level), d.p.level(probe.Next.Status.Level)
	if t.Rollover {
		for _, m := range d.p.metrics {
			for _, name := range []string{metricTally(m.ID), rolledTally(m.ID)} {
				if d.p.needs(m.ID) {
					d.setTally(name, probe.Next.tally(name))
				}
			}
		}
	}
	longer := laterEnd(probe.Next.Status.Until, d.Next.Status.Until) || probe.Next.Status.Until.IsZero() && !d.Next.Status.Until.IsZero()
	earlier := probe.Next.Status.Since.Before(d.day(d.Next.Status.Since))
	switch {
	case told && (is > was || is == was && (longer || earlier || t.Downgrade == OnRefund) && is > 0):
	case !told && (t.Downgrade == OnRefund || d.floats()) && is <= was:
	default:
		return
	}
	old, next := slices.Clone(d.Next.Past), probe.Next.Status
	for i := range probe.Next.Past {
		p := &probe.Next.Past[i]
		p.Status.Since = d.sinceOf(old, p.Status, from, told)
	}
	if next.Since = d.sinceOf(old, next, from, told); is == was && told && !earlier {
		next.Since = d.Next.Status.Since
	}
	d.Next.Status.Hand = next.Hand
	d.keeps = !d.fell(probe, before)
	d.put(is, d.now, next.Until)
	d.keeps = false
	d.Next.Status = next
	d.Next.Past = slices.Concat(old[:before], probe.Next.Past)
}

// fell reports whether the member fell from a level in a replay, while it was higher in fact.
func (d *deed) fell(probe *deed, before int) bool {
	was := 0
	if before > 0 {
		was = d.p.level(d.Next.Past[before-1].Status.Level)
	}
	for _, p := range probe.Next.Past {
		is := d.p.level(p.Status.Level)
		if is < was && d.p.level(d.levelAt(p.At)) > is {
			return true
		}
		was = is
	}
	return false
}

// sinceOf returns since when a level is had that is decided anew by the day: as it was before,
// where it was of the same day.
func (d *deed) sinceOf(old []Past, s Status, from time.Time, told bool) time.Time {
	for _, p := range old {
		if p.Status.Level == s.Level && d.day(p.Status.Since).Equal(d.day(s.Since)) {
			return p.Status.Since
		}
	}
	if told && d.day(from).Equal(d.day(s.Since)) {
		return from
	}
	return s.Since
}

// pastBefore returns how many of them were before a time.
func pastBefore(past []Past, at time.Time) int {
	n := slices.IndexFunc(past, func(p Past) bool { return !p.At.Before(at) })
	if n < 0 {
		return len(past)
	}
	return n
}

// A day of a replay is what metrics counted on it.
type dayCounts struct {
	day    int64
	counts []Count
}

// replay goes through the days since the day of a time again, on an account that has nothing but
// its metrics and its level as they were before it. It returns how many of the levels in Past were
// before it too.
func (d *deed) replay(from time.Time) (probe *deed, before int) {
	from = latest(d.day(from), d.firstDay())
	probe = &deed{p: d.p, now: d.now, probe: true}
	n := &probe.Next
	n.ID, n.Joined, n.Version = d.Next.ID, d.Next.Joined, 1
	n.At = d.Next.Joined
	if from.Before(n.At) {
		n.At = from
	}
	n.Status = Status{Level: d.p.def.Tiers.Levels[0].ID, Since: n.Joined}
	before = pastBefore(d.Next.Past, from)
	if before > 0 {
		last := d.Next.Past[before-1]
		n.At, n.Status = last.At, last.Status
	}
	first := dayOf(n.At.In(d.p.zone).Date())
	days := d.rewind(n, first)
	hand := slices.DeleteFunc(slices.Clone(d.Next.Past[before:]), func(p Past) bool { return p.Given == "" })
	for _, day := range days {
		year, month, date := time.Unix(day.day*secondsOfDay, 0).UTC().Date()
		at := latest(calendar.Midnight(year, month, date, d.p.zone).UTC(), n.At)
		for len(hand) > 0 && hand[0].At.Before(at) {
			probe.repeat(hand[0])
			hand = hand[1:]
		}
		probe.pass(at)
		probe.Next.At = latest(probe.Next.At, at)
		for _, c := range day.counts {
			_ = probe.count(c.Tally, c.N, noonOf(day.day, d.p.zone), d.p.keep[c.Tally]) // it was counted before, so it fits
		}
		probe.rise(at)
	}
	for _, p := range hand {
		probe.repeat(p)
	}
	probe.pass(d.now)
	return probe, before
}

// repeat gives a level by hand as it was given.
func (d *deed) repeat(p Past) {
	d.pass(p.At)
	d.Next.At = latest(d.Next.At, p.At)
	d.setByHand(d.p.level(p.Given), p.At, p.Until)
}

// setByHand gives a level by hand, or the one that is earned where that is higher.
func (d *deed) setByHand(level int, at, until time.Time) {
	given := d.p.def.Tiers.Levels[level].ID
	earned := d.valid(at)
	if d.Next.Status.Hand == "" {
		earned = cmp.Or(d.Next.Status.Until, earned)
	}
	d.Next.Status.Hand = given
	if is := d.earned(at); is > level && !d.p.def.Tiers.AtEnd {
		d.Next.Status.Hand = ""
		d.set(is, at, earned)
	} else {
		d.set(level, at, until)
	}
	d.noteGiven(at, given, until)
}

// rewind gives an account the metrics as they were on a day, and returns what they counted on that
// day and since, by the day, without what rolled over since.
func (d *deed) rewind(n *Account, first int64) []dayCounts {
	var days []dayCounts
	for _, m := range d.p.metrics {
		name := metricTally(m.ID)
		own := d.tallyOf(name)
		if own == nil {
			continue
		}
		if !d.p.needs(m.ID) {
			continue // no level depends on it
		}
		t, rolled := own.Tally, d.Next.tally(rolledTally(m.ID))
		was := Tally{Total: t.Total}
		for _, o := range t.Days {
			if o.Day < first {
				was.Days = append(was.Days, o)
				continue
			}
			was.Total -= o.N
			count := Count{Tally: name, N: o.N}
			if o.Day > first {
				count.N -= rolled.on(o.Day)
			}
			i, known := slices.BinarySearchFunc(days, o.Day, func(a dayCounts, day int64) int { return cmp.Compare(a.day, day) })
			if !known {
				days = slices.Insert(days, i, dayCounts{day: o.Day})
			}
			if count.N != 0 {
				days[i].counts = append(days[i].counts, count)
			}
		}
		n.Tallies = append(n.Tallies, NamedTally{name, was})
		for _, o := range rolled.Days {
			if o.Day > first {
				rolled = rolled.takeBack(o.N, o.Day)
			}
		}
		if rolled.Total != 0 || rolled.Days != nil {
			n.Tallies = append(n.Tallies, NamedTally{rolledTally(m.ID), rolled})
		}
	}
	slices.SortFunc(n.Tallies, func(a, b NamedTally) int { return cmp.Compare(a.Name, b.Name) })
	return days
}

// needs reports whether a level depends on a metric.
func (p *Program) needs(id MetricID) bool {
	return slices.ContainsFunc(p.def.Tiers.Levels, func(l Level) bool {
		return slices.ContainsFunc(l.Needs, func(n Need) bool { return n[id] > 0 })
	})
}

// joinedAt moves the joining of a member to an event that was told late. Windows by the day of
// joining move with it, and what milestones are counted for.
func (d *deed) joinedAt(at time.Time) {
	d.Next.Joined = at
	for i := range d.Next.Reached {
		if r := d.p.milestone(d.Next.Reached[i].Rule); r != nil && r.metric.Joined {
			d.Next.Reached[i].From = d.windowOf(r, d.Next.Reached[i].From)
		}
	}
	slices.SortFunc(d.Next.Reached, compareReached)
}
