package loyalty

import (
	"cmp"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A move is a wallet on its way from one state to another.
type move struct {
	w Wallet
	Movement
}

// begin lets time do to a copy of the wallet what it has done by now. Where there is a debt that is
// done in the order in which it happened: points that began and ended since have repaid it in
// between.
func begin(w Wallet, now time.Time) (m move) {
	at := latest(journal.Instant(now), w.At)
	m.w, m.At = w, at
	m.w.Lots = slices.Clone(w.Lots)
	m.w.Holds = slices.Clone(w.Holds)
	m.w.Ended = slices.Clone(w.Ended)
	if w.Debt > 0 {
		var times []time.Time
		for _, h := range w.Holds {
			times = append(times, h.Until)
		}
		for _, l := range w.Lots {
			times = append(times, l.From)
		}
		slices.SortFunc(times, time.Time.Compare)
		for _, t := range times {
			if t.After(w.At) && t.Before(at) {
				m.step(t)
			}
		}
	}
	m.step(at)
	m.w.At = at
	return m
}

// step releases, ends, begins and repays what is due at t.
func (m *move) step(t time.Time) {
	m.w.Holds = slices.DeleteFunc(m.w.Holds, func(h Hold) bool {
		due := !h.Until.After(t)
		if due {
			m.w.Lots = append(m.w.Lots, h.Lots...)
		}
		return due
	})
	left := m.w.Lots[:0]
	for _, l := range m.w.Lots {
		if l.ended(t) {
			m.Lapsed = append(m.Lapsed, l)
			m.remember(Lot{To: l.To, N: l.N, Since: l.Since})
			continue
		}
		if l.begun(t) {
			l.From = time.Time{}
		}
		left = append(left, l)
	}
	m.w.Lots = left
	m.join()
	if m.w.Debt > 0 {
		repaid, left := take(m.w.Lots, m.w.Debt, func(l Lot) bool { return l.begun(t) })
		m.w.Lots = left
		m.w.Debt -= Sum(repaid)
		m.Repaid += Sum(repaid)
	}
}

// remember keeps what lapsed, by its end.
func (m *move) remember(l Lot) {
	i, known := slices.BinarySearchFunc(m.w.Ended, l, func(a, b Lot) int {
		return cmp.Or(a.To.Compare(b.To), a.From.Compare(b.From), a.Since.Compare(b.Since))
	})
	if known {
		m.w.Ended[i].N += l.N
		return
	}
	m.w.Ended = slices.Insert(m.w.Ended, i, l)
}

// forget takes up to n points out of what lapsed of a lot that was credited, and returns how many
// there were.
func (m *move) forget(c Lot, n int64) (forgotten int64) {
	for i := range m.w.Ended {
		if e := &m.w.Ended[i]; e.ofLapsed(c) {
			some := min(n-forgotten, e.N)
			e.N -= some
			forgotten += some
		}
	}
	return forgotten
}

// ofLapsed reports whether a lot of Wallet.Ended may be points that were credited as c.
func (e Lot) ofLapsed(c Lot) bool {
	switch {
	case !e.From.IsZero() && c.Since.IsZero():
		return (c.To.IsZero() || c.To.After(e.From)) && (e.To.IsZero() || !c.To.IsZero() && !c.To.After(e.To))
	case c.Since.IsZero():
		return e.To.Equal(c.To)
	case !e.Since.IsZero():
		return !e.Since.After(latest(c.Since, c.From)) && e.Since.AddDate(1, 0, 0).After(c.Since) // a lot without end may stand for a year
	}
	return e.To.IsZero() || e.To.After(c.Since)
}

// fold makes one of what lapsed in a year, 100 days after.
func (m *move) fold() {
	old := m.w.Ended
	m.w.Ended = nil
	for _, l := range old {
		if l.N > 0 && !l.To.IsZero() && !l.To.After(m.At.Add(-remembered)) {
			year := l.To.Add(-time.Microsecond).Year()
			l = Lot{From: time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(year+1, 1, 1, 0, 0, 0, 0, time.UTC), N: l.N}
		}
		if l.N > 0 {
			m.remember(l)
		}
	}
}

// room reports whether the lots fit in the wallet.
func (m *move) room(lots []Lot) bool {
	left := MaxPoints - (m.w.Total() + m.w.Debt)
	for _, l := range lots {
		if l.N > left {
			return false
		}
		left -= l.N
	}
	return true
}

// join orders the lots, and makes one of those that begin and end together.
func (m *move) join() {
	slices.SortFunc(m.w.Lots, spending)
	joined := m.w.Lots[:0]
	for _, l := range m.w.Lots {
		if last := len(joined) - 1; last >= 0 && spending(joined[last], l) == 0 {
			joined[last].N += l.N
			continue
		}
		joined = append(joined, l)
	}
	m.w.Lots = joined
}

// spend takes points that may be spent out of the lots.
func (m *move) spend(n int64) ([]Lot, error) {
	if err := valid.Between("n", n, 1, MaxPoints); err != nil {
		return nil, err
	}
	begun := func(l Lot) bool { return l.begun(m.At) }
	taken, left := take(m.w.Lots, n, begun)
	if have := Sum(taken) - m.w.Debt; have < n {
		return nil, &InsufficientError{Have: have, Need: n}
	}
	m.w.Lots = left
	return taken, nil
}

func (m *move) hold(name string) int {
	return slices.IndexFunc(m.w.Holds, func(h Hold) bool { return h.Name == name })
}

func (m *move) end() (Wallet, Movement, error) {
	if len(m.w.Lots) == 0 {
		m.w.Lots = nil
	}
	if len(m.w.Holds) == 0 {
		m.w.Holds = nil
	}
	if len(m.w.Ended) > 0 {
		m.fold()
	}
	return m.w, m.Movement, nil
}

// take takes up to n points from those lots that may be taken from, in their order.
func take(lots []Lot, n int64, may func(Lot) bool) (taken, left []Lot) {
	for _, l := range lots {
		if some := min(n, l.N); some > 0 && may(l) {
			n -= some
			taken = append(taken, Lot{From: l.From, To: l.To, N: some, Since: l.Since})
			l.N -= some
		}
		if l.N > 0 {
			left = append(left, l)
		}
	}
	return taken, left
}
