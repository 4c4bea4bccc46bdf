package routing

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// A Limit lets through N newcomers in Seconds, evenly, and as many as Burst at once (GCRA): in a
// time of t seconds at most Burst + N*t/Seconds. The zero Limit lets everybody through.
type Limit struct {
	N       int64 `json:"n,omitempty"`       // newcomers in Seconds
	Seconds int64 `json:"seconds,omitempty"` // length of the interval
	Burst   int64 `json:"burst,omitempty"`   // 0: N
}

// A LimitError reports a newcomer beyond a Limit: of the line or, with Origin, of where the
// newcomer comes from.
type LimitError struct {
	Line       ids.Line      // line that is limited
	Origin     bool          // the limit is that of an origin
	RetryAfter time.Duration // how long to wait at least
}

// Error implements error.
func (e *LimitError) Error() string {
	return fmt.Sprintf("routing: line %s takes no more newcomers now; try again in %s", e.Line, e.RetryAfter.Round(time.Second))
}

// Is reports whether target is errs.Exhausted.
func (e *LimitError) Is(target error) bool { return target == errs.Exhausted }

const (
	maxNewcomers = 1_000_000
	maxSeconds   = 7 * 24 * 60 * 60
)

func (m Limit) check(field string) error {
	if m == (Limit{}) {
		return nil
	}
	err := cmp.Or(valid.Between(field+".n", m.N, 1, maxNewcomers), valid.Between(field+".seconds", m.Seconds, 1, maxSeconds),
		valid.Between(field+".burst", m.Burst, 0, maxNewcomers))
	if err == nil && m.each() > maxBurst/time.Duration(m.burst()) {
		err = &errs.InputError{Field: field + ".burst", Reason: "takes longer than a year to come back"}
	}
	return err
}

// maxBurst is how long a burst may take to come back.
const maxBurst = 366 * 24 * time.Hour

// each is the time from one newcomer to the next, in whole microseconds.
func (m Limit) each() time.Duration {
	each := time.Duration(m.Seconds) * time.Second
	return (each/time.Duration(m.N) + time.Microsecond - 1).Truncate(time.Microsecond)
}

func (m Limit) burst() int64 { return cmp.Or(m.Burst, m.N) }

// take returns the debt after one more newcomer, or for how long none is let through. No debt lies
// further ahead than the burst, so that a clock that was ahead shuts nobody out for longer.
func (m Limit) take(debt, now time.Time) (next time.Time, wait time.Duration) {
	if m == (Limit{}) {
		return debt, 0
	}
	each := m.each()
	burst := each * time.Duration(m.burst())
	if last := now.Add(burst); debt.After(last) {
		debt = last
	}
	if debt.Before(now) {
		debt = now
	}
	if next = debt.Add(each); next.After(now.Add(burst)) {
		return debt, next.Sub(now.Add(burst))
	}
	return next, 0
}

// Admit decides on a newcomer, who uses some of the rates of the line and of the origin, which may
// have no id. Errors: *LimitError, and neither is used.
func (l Line) Admit(origin Visitor, now time.Time) (Line, Visitor, error) {
	debt, wait := l.Settings.Rate.take(l.Debt, now)
	if wait > 0 {
		return l, origin, &LimitError{Line: l.ID, RetryAfter: wait}
	}
	if origin.ID != "" {
		next, wait := l.Settings.OriginRate.take(origin.Debt, now)
		if wait > 0 {
			return l, origin, &LimitError{Line: l.ID, Origin: true, RetryAfter: wait}
		}
		origin.Debt = next
	}
	l.Debt = debt
	return l, origin, nil
}

// origins is what the names of origins begin with, among the visitors of a line.
const origins = "origin:"

// checkVisitor accepts the id of a visitor.
func checkVisitor(v VisitorID) error {
	err := valid.ID("visitor", v)
	if err == nil && strings.HasPrefix(string(v), origins) {
		err = &errs.InputError{Field: "visitor", Reason: "begins with " + origins + ", as origins alone do"}
	}
	return err
}
