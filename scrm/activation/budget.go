package activation

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
)

// maxTried is how many devices of a code are kept an account of; the others have tried least.
const maxTried = 200

// A Budget is what is left of something that is spent one at a time and comes back with time. The
// zero Budget is whole.
type Budget struct {
	Whole time.Time `json:"whole,omitzero"` // when all of it is back
}

// spend takes one of what the rate gives. Where nothing is left it returns how long to wait for one.
// A clock that was ahead delays nobody longer than all of the budget takes to come back.
func (b Budget) spend(now time.Time, r Rate) (Budget, time.Duration) {
	most := now.Add(time.Duration(r.Burst) * r.Each)
	whole := latest(earliest(b.Whole, most), now).Add(r.Each)
	if whole.After(most) {
		return b, whole.Sub(most)
	}
	return Budget{whole}, 0
}

// A ThrottledError reports that the device has tried to sign in with the code too often, or that
// too many devices did that never had before. Devices that signed in before are not held up by
// others.
type ThrottledError struct {
	RetryAfter time.Duration // how long to wait at least
}

// Error implements error.
func (e *ThrottledError) Error() string {
	return fmt.Sprintf("activation: too many sign-ins with the code; try again in %s, and renew the code where it has leaked", e.RetryAfter)
}

// Is reports whether target is errs.Exhausted.
func (e *ThrottledError) Is(target error) bool { return target == errs.Exhausted }

// A Try is what a device has left of its sign-ins with a code.
type Try struct {
	Device DeviceID `json:"device"` // device that signs in
	Budget Budget   `json:"budget"` // what is left
}

// try charges a device that tries to sign in. Errors: *ThrottledError, and nothing is charged.
func (c Code) try(p Policy, d Device, now time.Time) (Code, error) {
	all := slices.DeleteFunc(slices.Clone(c.Tries), func(t Try) bool { return !t.Budget.Whole.After(now) })
	i := slices.IndexFunc(all, func(t Try) bool { return t.Device == d.ID })
	if i < 0 {
		i, all = len(all), append(all, Try{Device: d.ID})
	}
	own, wait := all[i].Budget.spend(now, p.Device)
	if wait == 0 && !d.known() {
		c.Strangers, wait = c.Strangers.spend(now, p.Strangers)
	}
	if wait > 0 {
		return c, &ThrottledError{wait}
	}
	all[i].Budget = own
	if len(all) > maxTried {
		least := slices.MinFunc(all, func(a, b Try) int { return a.Budget.Whole.Compare(b.Budget.Whole) })
		all = slices.DeleteFunc(all, func(t Try) bool { return t.Device == least.Device })
	}
	c.Tries = all
	return c, nil
}

// Settling is how long a session that is online may be without a port before it gives way where a
// code has as many as it may: signing in anew at the same device does not begin it anew.
const Settling = 10 * time.Minute

// A SessionsError reports ErrSessions: the code, or the agent at it, has as many sessions as it
// may, and each of them is at work.
type SessionsError struct {
	Sessions   int           // how many there are
	RetryAfter time.Duration // at the earliest: one may have been left by then
}

// Error implements error.
func (e *SessionsError) Error() string {
	return fmt.Sprintf("activation: all of %d sessions are online; end one, or try again in %s, and renew the code where it has leaked", e.Sessions, e.RetryAfter)
}

// Is reports whether target is errs.Exhausted or ErrSessions.
func (e *SessionsError) Is(target error) bool {
	return target == errs.Exhausted || target == ErrSessions
}

// admit returns the code with room for one more session, of the agent at a device that is there
// since then. Where there is none, one gives way: one that is not online, the longest not heard of
// first; or one that was Here for Settling and has no port; or else one of a device that came
// later, and of those without a port first, where there are some. Errors: *SessionsError.
func (c Code) admit(p Policy, agent AgentID, since, now time.Time) (Code, error) {
	of := func(s Session) bool { return s.Agent == agent }
	if len(slices.DeleteFunc(slices.Clone(c.Sessions), func(s Session) bool { return !of(s) })) < p.AgentSessions {
		if len(c.Sessions) < p.Sessions {
			return c, nil
		}
		of = func(Session) bool { return true }
	}
	var out *Session
	full := &SessionsError{}
	for i := range c.Sessions {
		s := &c.Sessions[i]
		if !of(*s) {
			continue
		}
		full.Sessions++
		wait := s.Seen.Add(Away).Sub(now)
		if s.Ports == 0 {
			wait = min(wait, s.Here.Add(Settling).Sub(now))
		}
		if full.RetryAfter == 0 || wait < full.RetryAfter {
			full.RetryAfter = wait
		}
		if s.yields(since, now) < 0 {
			continue
		}
		if out == nil || s.before(*out, since, now) < 0 {
			out = s
		}
	}
	if out == nil {
		return c, full
	}
	n := out.N
	return c.without(now, func(s Session) bool { return s.N == n }), nil
}

// yields returns how soon a session gives way to one of a device that is there since then: the
// lower the sooner, and never below 0.
func (s Session) yields(since, now time.Time) int {
	switch {
	case !s.Online(now):
		return 0
	case s.Ports == 0 && !now.Before(s.Here.Add(Settling)):
		return 1
	case s.Ports == 0 && s.Since.After(since):
		return 2
	case s.Since.After(since):
		return 3
	}
	return -1
}

// before compares which of two sessions gives way first.
func (s Session) before(o Session, since, now time.Time) int {
	if y := cmp.Compare(s.yields(since, now), o.yields(since, now)); y != 0 || s.Online(now) {
		return cmp.Or(y, o.Since.Compare(s.Since), cmp.Compare(s.N, o.N))
	}
	return cmp.Or(s.Seen.Compare(o.Seen), cmp.Compare(s.N, o.N))
}
