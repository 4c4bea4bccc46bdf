package otp

import (
	"time"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// A checking is a Check with the MACs of its digits under every key.
type checking struct {
	Check
	macs [][]byte
}

func (c *checking) lookup(work) lookup {
	return lookup{macs: c.macs, parties: []Party{{PartyTypist, string(c.Typist)}}}
}

// decide claims the code where it is right, and charges the attempt where it is wrong. Where the
// budget has no room for a wrong guess the code is not looked at, so that the answer tells nothing
// of it.
func (c *checking) decide(w work, u *unit, now time.Time) (answer, error) {
	typist := u.meters[Party{PartyTypist, string(c.Typist)}]
	if typist.Misses >= MaxMisses {
		return answer{}, &StoppedError{c.Scope, c.Typist}
	}
	weight := Weight(u.live)
	scope, own := PerScope(), PerTypist()
	scopeDebt, scopeWait := scope.Charge(u.scope.Debt, now, weight)
	typistDebt, typistWait := own.Charge(typist.Debt, now, min(weight, maxWeight))
	if scopeWait > 0 || typistWait > 0 {
		u.settle(scope, now)
		u.settleMeter(own, typist, now)
		if typistWait > scopeWait {
			return answer{throttled: &ThrottledError{typistWait, PartyTypist}}, nil
		}
		return answer{throttled: &ThrottledError{scopeWait, PartyScope}}, nil
	}
	claim, reason, charged := judge(u.matches(c.macs), c.Check, now)
	switch {
	case claim != nil:
		claim.Tenant = w.frame.Tenant()
		if typist.Misses > 0 {
			typist.Misses = 0
			u.meter(typist)
		}
	case charged:
		u.scope.Debt = journal.Instant(scopeDebt)
		typist.Debt = journal.Instant(typistDebt)
		typist.Misses++
		u.meter(typist)
	}
	return answer{Result: Result{Claim: claim, Reason: reason}}, nil
}

// settle stores what a debt of the scope that a wrong clock wrote counts as, so that it ends in its
// time by the others.
func (u *unit) settle(b Budget, now time.Time) {
	if d := journal.Instant(b.settle(u.scope.Debt, now)); d.Before(u.scope.Debt) {
		u.scope.Debt, u.changed.scope = d, true
	}
}

// settleMeter is settle for a party.
func (u *unit) settleMeter(b Budget, m Meter, now time.Time) {
	if d := journal.Instant(b.settle(m.Debt, now)); d.Before(m.Debt) {
		m.Debt, u.changed.scope = d, true
		u.meter(m)
	}
}
