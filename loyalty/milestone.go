package loyalty

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"time"
)

// A Raise is milestones that one event brought.
type Raise struct {
	Day  int64 `json:"day"`            // of the event; days since 1 January 1970
	N    int64 `json:"n"`              // how many
	Lots []Lot `json:"lots,omitempty"` // points that were given for them
}

// maxRaises is how many raises are kept of a window: those before are of its first day.
const maxRaises = 16

// A prize is what an event gives for milestones of a rule.
type prize struct {
	*rule
	from  int64 // of the window
	times int64
	units int64
}

// milestones gives what the metrics came to, and have not come to before in their windows. It
// counts towards no metric.
func (g *earning) milestones() error {
	for _, r := range g.p.rules[g.e.kind()] {
		if r.metric == nil {
			continue
		}
		a := applied{rule: r, whole: r.lines == nil}
		why, err := g.applies(&a)
		if err != nil {
			return err
		}
		if why == "" && g.late {
			why = Late
		}
		if why != "" {
			g.explain(r, 0, why)
			continue
		}
		from := g.windowOf(r, g.day)
		reached := g.reached(r.ID, from)
		times := g.due(r, g.day) - reached.N
		if times <= 0 {
			g.explain(r, 0, TooLittle)
			continue
		}
		units, err := g.prizeOf(r, reached.N, reached.N+times)
		if err != nil {
			return err
		}
		reached.N += times
		g.prizes = append(g.prizes, prize{r, from, times, units})
		g.explain(r, units*million, Gave)
	}
	return nil
}

// windowOf returns the day on which the window of a milestone begins that a day is in. A window
// that rolls has no end after which milestones come again: 0.
func (d *deed) windowOf(r *rule, day int64) int64 {
	w := r.metric.window(d.Next.Joined)
	if w.rolls() {
		return 0
	}
	from, _, _ := w.around(day, d.p.zone)
	return from
}

// due returns how many milestones the metric comes to in the window of a day; of a window that
// rolls, in all those that a day is in.
func (d *deed) due(r *rule, day int64) int64 {
	w, t := r.metric.window(d.Next.Joined), d.Next.tally(metricTally(r.metric.ID))
	most := t.sum(w, day, d.p.zone)
	if from, to, ever := w.around(day, d.p.zone); !ever && w.rolls() {
		for _, o := range t.Days {
			if o.Day > day && o.Day-day < to-from+2 {
				most = max(most, t.sum(w, o.Day, d.p.zone))
			}
		}
	}
	return r.Give.milestones(most)
}

// milestones returns how many there are up to what a metric comes to.
func (g Give) milestones(n int64) int64 {
	each := max(1, g.Amount)
	first := cmp.Or(g.From, each)
	switch {
	case n < first:
		return 0
	case g.Once:
		return 1
	}
	return (n-first)/each + 1
}

// prizeOf returns what milestones give, after the first n up to the last. What the first n give is
// rounded together.
func (d *deed) prizeOf(r *rule, n, last int64) (int64, error) {
	unit := func(n int64) (uint64, error) {
		high, all := bits.Mul64(r.num, uint64(r.amount)) // num is for one of what is counted
		if high != 0 {
			return 0, ErrOverflow
		}
		exact := multiplied(uint64(n), all)
		units, ok := rounding(exact.high, exact.low, d.p.pots[r.pot].den, d.p.def.Currencies[r.currency].Round)
		if !ok {
			return 0, ErrOverflow
		}
		return units, nil
	}
	before, err := unit(n)
	if err != nil {
		return 0, err
	}
	after, err := unit(last)
	if err != nil || after-before > MaxEarned {
		return 0, ErrOverflow
	}
	return int64(after - before), nil
}

// reached returns the milestones of a rule in the window that begins on that day, for change.
func (d *deed) reached(id RuleID, from int64) *Reached {
	i, ok := slices.BinarySearchFunc(d.Next.Reached, Reached{Rule: id, From: from}, compareReached)
	if !ok {
		d.Next.Reached = slices.Insert(d.Next.Reached, i, Reached{Rule: id, From: from})
	}
	return &d.Next.Reached[i]
}

func compareReached(a, b Reached) int {
	return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.From, b.From))
}

// raise notes which points were given for milestones.
func (r *Reached) raise(day, times int64, lot Lot) {
	r.Raised = append(slices.Clone(r.Raised), Raise{Day: day, N: times, Lots: []Lot{lot}})
	if len(r.Raised) > maxRaises {
		r.Raised = r.Raised[1:]
	}
}

// lower takes milestones back, the last ones first, and returns the points that were given for them
// as far as they are known.
func (r *Reached) lower(times int64) (lots []Lot) {
	r.N -= times
	raised := slices.Clone(r.Raised)
	for times > 0 && len(raised) > 0 {
		last := &raised[len(raised)-1]
		some := min(times, last.N)
		times -= some
		gone, left := take(last.Lots, share(Sum(last.Lots), some, last.N), func(Lot) bool { return true })
		lots, last.Lots = append(lots, gone...), left
		if last.N -= some; last.N == 0 {
			raised = raised[:len(raised)-1]
		}
	}
	r.keep(raised)
	return lots
}

// keep notes which raises are left.
func (r *Reached) keep(raised []Raise) {
	if r.Raised = raised; len(raised) == 0 {
		r.Raised = nil
	}
}

// unraise takes the milestones back that a purchase brought by a rule that the program does not
// have any more, once all of it came back, and returns the points that are left of them.
func (d *deed) unraise(b *Booking, part *Portion) (lots []Lot) {
	if d.p.milestone(part.Rule) != nil || !b.isBack() {
		return nil
	}
	day := dayOf(b.At.In(d.p.zone).Date())
	for i := range d.Next.Reached {
		r := &d.Next.Reached[i]
		n := slices.IndexFunc(r.Raised, func(o Raise) bool {
			return o.Day == day && Sum(o.Lots) > 0 && Sum(o.Lots) <= part.N && part.Lots[0].like(o.Lots[0])
		})
		if r.Rule == part.Rule && n >= 0 {
			lots = r.Raised[n].Lots
			r.N -= r.Raised[n].N
			r.keep(slices.Delete(slices.Clone(r.Raised), n, n+1))
			return lots
		}
	}
	return nil
}

// forgetReached drops the milestones of windows that no event can be in any more, and those of
// none.
func (d *deed) forgetReached() {
	today := dayOf(d.now.In(d.p.zone).Date())
	d.Next.Reached = slices.DeleteFunc(d.Next.Reached, func(r Reached) bool {
		if r.N == 0 {
			return true
		}
		rule := d.p.milestone(r.Rule)
		if rule == nil || r.From == 0 {
			return false
		}
		_, to, ever := rule.metric.window(d.Next.Joined).around(r.From, d.p.zone)
		return !ever && to+int64(d.p.late()) < today-int64(d.p.horizon)
	})
	if len(d.Next.Reached) == 0 {
		d.Next.Reached = nil
	}
}

// milestone returns a rule of milestones; nil: the program has none of that id.
func (p *Program) milestone(id RuleID) *rule {
	for _, rules := range p.rules {
		for _, r := range rules {
			if r.ID == id && r.metric != nil {
				return r
			}
		}
	}
	return nil
}

// exact returns the first day whose window is kept in full, of a metric whose window rolls.
func (d *deed) exact(m *metric) int64 {
	name := metricTally(m.ID)
	days := d.Next.tally(name).Days
	if len(days) == 0 {
		return math.MaxInt64
	}
	return days[len(days)-1].Day - int64(d.p.keep[name]) + int64(m.window(d.Next.Joined).Keep()) + 1
}

// come returns how many milestones of a rule the metric comes to in the window of a day; of a
// window that rolls, in all windows that are kept.
func (d *deed) come(r *rule, day int64) int64 {
	w := r.metric.window(d.Next.Joined)
	if _, _, ever := w.around(day, d.p.zone); ever || !w.rolls() {
		return d.due(r, day)
	}
	from := d.exact(r.metric)
	most := int64(0)
	for _, o := range d.Next.tally(metricTally(r.metric.ID)).Days {
		if o.Day >= from {
			most = max(most, d.due(r, o.Day))
		}
	}
	return most
}

// dues returns how many milestones each entry of Reached comes to that a day counts for, -1 where
// it does not, and the first days from which that is known.
func (d *deed) dues(day int64) (dues, firsts []int64) {
	dues, firsts = make([]int64, len(d.Next.Reached)), make([]int64, len(d.Next.Reached))
	for i, o := range d.Next.Reached {
		dues[i] = -1
		if r := d.p.milestone(o.Rule); r != nil && d.windowOf(r, day) == o.From {
			dues[i], firsts[i] = d.come(r, day), d.exact(r.metric)
		}
	}
	return dues, firsts
}

// unprize takes back what was given for milestones that the metrics do not come to any more, after
// something of a day was taken out of them. dues is what they came to before, and firsts the days
// from which that is known.
func (d *deed) unprize(day int64, dues, firsts []int64) error {
	for i, was := range dues {
		if was < 0 {
			continue
		}
		o := &d.Next.Reached[i]
		r := d.p.milestone(o.Rule)
		is, least := d.come(r, day), int64(0)
		if w := r.metric.window(d.Next.Joined); w.rolls() && w != (Window{}) {
			least = o.N
			for _, raise := range o.Raised {
				if raise.Day >= firsts[i] {
					least -= raise.N
				}
			}
		}
		times := o.N - max(least, min(o.N, is), o.N-max(0, was-is))
		if times <= 0 {
			continue
		}
		units, err := d.prizeOf(r, o.N-times, o.N)
		if err != nil {
			return err
		}
		lots := o.lower(times)
		if units == 0 {
			continue
		}
		u := &d.p.def.Currencies[r.currency]
		w, m, err := d.holding(u.ID).Wallet.Revoke(lots, units, cmp.Or(u.Overdraft, BelowZero), d.now)
		if err != nil {
			return err
		}
		d.post(u.ID, w, m, revoked)
	}
	return nil
}

// lateDay reports whether an event of a day is told later than the program takes it in its place.
func (p *Program) lateDay(day int64, now time.Time) bool {
	return dayOf(now.In(p.zone).Date())-day > int64(p.late())
}
