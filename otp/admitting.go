package otp

import "time"

// An admitting is an Admit.
type admitting struct{ Admit }

func (c admitting) party() Party { return Party{PartyTypist, string(c.Typist)} }

func (c admitting) lookup(work) lookup { return lookup{parties: []Party{c.party()}} }

func (c admitting) decide(_ work, u *unit, _ time.Time) (answer, error) {
	m := u.meters[c.party()]
	if m.Misses < MaxMisses {
		return answer{}, ErrNotStopped
	}
	admitted := Admitted{Misses: m.Misses}
	m.Misses = 0
	u.meter(m)
	return answer{Result: Result{Admit: &admitted}}, nil
}
