package activation

import (
	"cmp"
	"time"

	"github.com/scrmkit/scrmkit/internal/valid"
)

// A Policy bounds what whoever has a code in hand can do with it, of which there may be many where
// it has leaked. The zero Policy is the default. Wrong codes are charged to nobody: 130 random bits
// can't be guessed, and what a stranger could use up would keep out who knows the code.
type Policy struct {
	// Device bounds how often one device may try to sign in with a code, whether it succeeds or is
	// refused; zero: 20 times at once, and once each 30 seconds.
	Device Rate `json:"device,omitzero"`
	// Strangers bounds the tries of all devices that never signed in with the code before; zero: 100
	// at once, and one each minute.
	Strangers Rate `json:"strangers,omitzero"`
	// Sessions is how many sessions a code has at most; 0: 100.
	Sessions int `json:"sessions,omitempty"`
	// AgentSessions is how many of them are of one agent, or of nobody in particular, at most; 0: half
	// of Sessions.
	AgentSessions int `json:"agentSessions,omitempty"`
}

// A Rate is how often something may be done: Burst times at once, and once more each time that Each
// has passed.
type Rate struct {
	Burst int           `json:"burst"` // 1 to 10,000
	Each  time.Duration `json:"each"`  // 1 millisecond to 24 hours
}

func (r Rate) check(field string) error {
	return cmp.Or(valid.Between(field+".burst", int64(r.Burst), 1, 10_000),
		valid.Between(field+".each", int64(r.Each), int64(time.Millisecond), int64(24*time.Hour)))
}

// complete returns the policy with its defaults filled in.
func (p Policy) complete() Policy {
	p.Device = cmp.Or(p.Device, Rate{20, 30 * time.Second})
	p.Strangers = cmp.Or(p.Strangers, Rate{100, time.Minute})
	p.Sessions = cmp.Or(p.Sessions, 100)
	p.AgentSessions = cmp.Or(p.AgentSessions, max(1, p.Sessions/2))
	return p
}

// check reports what is out of bounds of a policy that is complete.
func (p Policy) check() error {
	return cmp.Or(p.Device.check("policy.device"), p.Strangers.check("policy.strangers"),
		valid.Between("policy.sessions", int64(p.Sessions), 1, maxSessions),
		valid.Between("policy.agentSessions", int64(p.AgentSessions), 1, int64(p.Sessions)))
}

// maxSessions bounds Policy.Sessions: they are a part of the row of their code.
const maxSessions = 1000
