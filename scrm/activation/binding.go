package activation

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/valid"
)

const (
	// Early is how long before its linking was reported an account may have been linked on its
	// platform: what it met then counts.
	Early = 10 * time.Minute
	// Offline is how long before it was linked again what an account met counts (补录), where it was
	// the same code's before, and no other's in between.
	Offline = 72 * time.Hour

	maxPeriods = 200 // of an account, the last ones
	maxEnds    = 128 // of a code, the last ones
)

// A Period is when a code had an account linked: in [From, To).
type Period struct {
	Code ids.Code  `json:"code"`        // code that had the account
	From time.Time `json:"from"`        // when it was linked
	To   time.Time `json:"to,omitzero"` // zero: it has
}

// A Binding is when which codes had an account linked, of the last two hundred times: periods in
// the order of their times, of which no two overlap.
type Binding []Period

// Of returns when events of the account are the code's. Each period begins earlier than it was
// reported, by Early, or by Offline after another period of the same code, but never within the
// period before. So no time is two codes'.
func (b Binding) Of(code ids.Code) (of []Period) {
	for i, p := range b {
		if p.Code != code {
			continue
		}
		var before Period
		allowed := Early
		if i > 0 {
			before = b[i-1]
		}
		if before.Code == code {
			allowed = Offline
		}
		p.From = latest(p.From.Add(-allowed), before.To)
		of = append(of, p)
	}
	return of
}

// Counts reports whether an event of the account at that time is the code's, as an agent of it
// says. What an administrator says counts whenever it was, and is not asked here.
func (b Binding) Counts(code ids.Code, at time.Time) bool {
	return slices.ContainsFunc(b.Of(code), func(p Period) bool { return p.has(at) })
}

func (p Period) has(at time.Time) bool {
	return !at.Before(p.From) && (p.To.IsZero() || at.Before(p.To))
}

// until returns the binding as it is where the account's last period has ended with its port. The
// port is settled.
func (b Binding) until(p Port) Binding {
	n := len(b) - 1
	if n < 0 || !b[n].To.IsZero() || p.State == Linked {
		return b
	}
	b = slices.Clone(b)
	b[n].To = latest(b[n].From, p.Left)
	return b
}

// linked returns the claim of an account that a port has linked, and that was at another one or the
// same until then. new is false where it was linked there already.
func (c Claim) linked(was, p Port, now time.Time) (next Claim, isNew bool) {
	if c.Port == p.ID && was.State == Linked {
		return c, false
	}
	was.Left = earliest(was.Left, now)
	if was.State == Linked {
		was.State, was.Left = LoggedOut, now
	}
	next, next.Periods = c, c.Periods.until(was)
	next.Port = p.ID
	if n := len(next.Periods) - 1; n >= 0 && next.Periods[n].Code == p.ID.Code && next.Periods[n].To.Equal(now) {
		next.Periods[n].To = time.Time{} // it goes on at another port
		return next, true
	}
	next.Periods = append(next.Periods[max(0, len(next.Periods)-maxPeriods+1):len(next.Periods):len(next.Periods)], Period{Code: p.ID.Code, From: now})
	return next, true
}

// An End is when a session ended that had ports in use.
type End struct {
	Session int64     `json:"session"` // Session.N
	At      time.Time `json:"at"`      // when it ended
}

// end notes when a session ended, now or by time alone before.
func (c *Code) end(s Session, now time.Time) {
	if s.Ports == 0 {
		return
	}
	at := earliest(now, s.Seen.Add(Idle))
	if e := c.Settings.Expires; !e.IsZero() && e.Before(at) {
		at = latest(e, s.Seen)
	}
	c.Ends = append(c.Ends[max(0, len(c.Ends)-maxEnds+1):len(c.Ends):len(c.Ends)], End{s.N, at})
}

// left returns when a port that is stored as linked was left by its session, which has ended. Where
// that is not known any more it is when the port last changed.
func (c Code) left(p Port) time.Time {
	if i := slices.IndexFunc(c.Ends, func(e End) bool { return e.Session == p.Session }); i >= 0 {
		return latest(c.Ends[i].At, p.Updated)
	}
	return p.Updated
}

// Bound is what is known of an account on its platform.
type Bound struct {
	Port    Port    // that it is for, as it is now; with number 0 there is none
	Binding Binding // when codes had it linked
}

// Bound returns what the session of a token has, at this moment, with what is known of an account
// of the platform. Errors: those of Check, and *errs.InputError.
func (e *Engine) Bound(ctx context.Context, token string, p ids.Platform, a ids.Account) (Access, Bound, error) {
	fail := func(err error) (Access, Bound, error) {
		return Access{}, Bound{}, fmt.Errorf("activation: bound: %w", err)
	}
	if err := cmp.Or(valid.ID("platform", p), valid.ID("account", a)); err != nil {
		return fail(err)
	}
	now := e.frame.Now()
	l, c, s, err := e.access(ctx, token, lookup{platform: p, account: a}, now)
	if err != nil {
		return fail(err)
	}
	port := l.claimed.Port.Settled(l.claimed.Code, now)
	return c.access(s), Bound{port, l.claim.Periods.until(port)}, nil
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
