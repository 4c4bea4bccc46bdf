package otp

import (
	"crypto/rand"
	"maps"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/internal/decimal"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// An issuing is an Issue with a candidate of each length.
type issuing struct {
	Issue
	drawn map[int]string
}

// parties are those whose budget the code is charged to.
func (c Issue) parties() []Party {
	all := []Party{{PartyHolder, string(c.Holder)}}
	if c.Device != "" {
		all = append(all, Party{PartyDevice, string(c.Device)})
	}
	return all
}

func (c *issuing) lookup(w work) lookup {
	l := lookup{holder: c.Holder, purpose: c.Purpose, parties: c.parties()}
	c.drawn = map[int]string{}
	for digits := minDigits; digits <= w.policy.MaxDigits; digits++ {
		c.drawn[digits] = decimal.Draw(digits)
		l.macs = append(l.macs, macs(w.keys, w.frame.Tenant(), c.Scope, c.drawn[digits])...)
	}
	return l
}

// decide charges and makes a code of the digits that were drawn, and ends the holder's code for the
// same purpose. Where the digits are taken it makes a longer one, so that whoever asks for codes
// without end can't use up the short ones of all others.
func (c *issuing) decide(w work, u *unit, now time.Time) (answer, error) {
	meters, throttled := c.charge(w.policy, u.meters, now)
	if throttled != nil {
		for _, party := range c.parties() {
			u.settleMeter(w.policy.of(party), u.meters[party], now)
		}
		return answer{throttled: throttled}, nil
	}
	live := maps.Clone(u.live)
	if live == nil {
		live = map[int]int64{}
	}
	var replaced []Code
	for _, old := range u.codes {
		if old.Holder == c.Holder && old.Purpose == c.Purpose && old.Live(now) {
			live[old.Digits]--
			old = old.end(Replaced, "", now)
			old.Version++
			replaced = append(replaced, old)
		}
	}
	digits := w.policy.Digits(live)
	if digits == 0 {
		return answer{}, ErrCrowded
	}
	for digits <= w.policy.MaxDigits && c.taken(w, u, digits, now) {
		digits++
	}
	if digits > w.policy.MaxDigits {
		return answer{}, combine.ErrAgain
	}
	code := c.code(w, u, digits, now)
	for _, old := range replaced {
		u.put(old)
	}
	u.put(code)
	for _, m := range meters {
		u.meter(m)
	}
	live[digits]++
	u.live = live
	u.scope.Issued = code.Number
	issued := Issued{
		Digits: digits, Next: w.policy.Digits(live), Number: code.Number, Issued: code.Issued, Expires: code.Expires,
	}
	a := answer{Result: Result{Issued: &issued}, issued: issued}
	a.issued.Code = c.drawn[digits]
	return a, nil
}

// charge returns the meters after the code, or who has used up what a party may ask for.
func (c Issue) charge(p Policy, meters map[Party]Meter, now time.Time) ([]Meter, *ThrottledError) {
	var charged []Meter
	var throttled *ThrottledError
	for _, party := range c.parties() {
		m := meters[party]
		after, wait := p.of(party).Charge(m.Debt, now, 1)
		if wait > 0 && (throttled == nil || wait > throttled.RetryAfter) {
			throttled = &ThrottledError{wait, party.Kind}
		}
		m.Debt = journal.Instant(after)
		charged = append(charged, m)
	}
	return charged, throttled
}

// taken reports whether another code of that length has the digits that were drawn.
func (c *issuing) taken(w work, u *unit, digits int, now time.Time) bool {
	found := u.matches(macs(w.keys, w.frame.Tenant(), c.Scope, c.drawn[digits]))
	return slices.ContainsFunc(found, func(other Code) bool { return !other.free(now) })
}

// code returns the code of the digits that were drawn in that length.
func (c *issuing) code(w work, u *unit, digits int, now time.Time) Code {
	tenant, k := w.frame.Tenant(), w.keys[0]
	ttl := c.TTL
	if ttl == 0 {
		ttl = DefaultTTL
	}
	expires := journal.Instant(now.Add(ttl))
	code := Code{
		Scope: c.Scope, MAC: mac(k, tenant, c.Scope, c.drawn[digits]), ID: make([]byte, 16), Number: u.scope.Issued + 1,
		KeyID: k.ID, Digits: digits, Holder: c.Holder, Purpose: c.Purpose, Payload: c.Payload,
		Issued: now, Expires: expires, Reusable: expires.Add(Quarantine),
	}
	rand.Read(code.ID)
	code.Version = 2 * code.Number
	code.Sealed = k.Seal([]byte(c.drawn[digits]), codeContext(tenant, code))
	return code
}
