package session

import (
	"cmp"
	"time"

	"github.com/scrmkit/scrmkit/internal/valid"
)

// The defaults of a Policy. They are for customers: 30 days are what NIST SP 800-63B has for AAL1.
const (
	DefaultLifetime = 30 * 24 * time.Hour
	DefaultIdle     = 7 * 24 * time.Hour
	DefaultSessions = 10
)

// A Policy bounds sessions. The zero Policy is the default. For staff who sign in with two factors
// (AAL2), NIST SP 800-63B has a Lifetime of 24 hours and an Idle of 1 hour.
//
// It holds for every session of the realm, those from before among them: a shorter one ends them at
// once, and a longer one also prolongs those that had lapsed and were not pruned.
type Policy struct {
	// Lifetime is how long a session lasts, whether it is used or not: 1 minute to 10 years; 0:
	// DefaultLifetime.
	Lifetime time.Duration `json:"lifetime,omitempty"`
	// Idle is how long a session lasts without use: 1 minute to Lifetime; 0: DefaultIdle, or
	// Lifetime where that is shorter. A use is written if a tenth of Idle has passed since the one
	// before, so a session lapses between 9/10 of Idle and Idle after its last use.
	Idle time.Duration `json:"idle,omitempty"`
	// Sessions is how many sessions a subject has at most: 1 to 100; 0: DefaultSessions. With one
	// more, the one idle longest gives way.
	Sessions int `json:"sessions,omitempty"`
}

const (
	shortest    = time.Minute
	longest     = 10 * 365 * 24 * time.Hour
	maxSessions = 100 // they are loaded at once
)

// complete returns the policy with its defaults filled in.
func (p Policy) complete() Policy {
	p.Lifetime = cmp.Or(p.Lifetime, DefaultLifetime)
	p.Idle = cmp.Or(p.Idle, min(DefaultIdle, p.Lifetime))
	p.Sessions = cmp.Or(p.Sessions, DefaultSessions)
	return p
}

// check reports what is out of bounds of a policy that is complete.
func (p Policy) check() error {
	return cmp.Or(
		valid.Between("policy.lifetime", int64(p.Lifetime), int64(shortest), int64(longest)),
		valid.Between("policy.idle", int64(p.Idle), int64(shortest), int64(p.Lifetime)),
		valid.Between("policy.sessions", int64(p.Sessions), 1, maxSessions))
}

// expires returns the end of a session that is not used any more.
func (p Policy) expires(s stored) time.Time {
	absolute, idle := s.Started.Add(p.Lifetime), s.Seen.Add(p.Idle)
	if absolute.Before(idle) {
		return absolute
	}
	return idle
}

// live reports whether a session is not over at that time. The zero one is.
func (p Policy) live(s stored, now time.Time) bool {
	return s.Ended.IsZero() && now.Before(p.expires(s))
}

// due reports whether a use at that time is to be written.
func (p Policy) due(s stored, now time.Time) bool { return !now.Before(s.Seen.Add(p.Idle / 10)) }

// public returns the session as it is shown.
func (p Policy) public(s stored) Session {
	s.Session.Expires = p.expires(s)
	return s.Session
}

// publicEach returns the sessions as they are shown.
func (p Policy) publicEach(all []stored) (shown []Session) {
	for _, s := range all {
		shown = append(shown, p.public(s))
	}
	return shown
}
