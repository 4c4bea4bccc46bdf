package delivery

import (
	"fmt"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/scrm/message"
)

// A Policy says how long codes live and how many may be asked for. Zero fields are the documented
// defaults. All engines of a database should have the same.
type Policy struct {
	SMSLife  time.Duration `json:"smsLife,omitempty"`  // of a code that is sent by SMS, 1 to 10 minutes; 0: 10 minutes
	MailLife time.Duration `json:"mailLife,omitempty"` // of a code that is sent by mail, 1 minute to 24 hours; 0: 10 minutes

	Address Quota `json:"address,omitzero"` // codes of one address; zero: 20 in 24 hours
	From    Quota `json:"from,omitzero"`    // codes that are asked for from one origin; zero: 60 in an hour
	Wrong   Quota `json:"wrong,omitzero"`   // wrong codes from one origin; zero: 100 in an hour
	SMS     Quota `json:"sms,omitzero"`     // codes of a tenant by SMS; zero: 10,000 in 24 hours
	Mail    Quota `json:"mail,omitzero"`    // codes of a tenant by mail; zero: 10,000 in 24 hours

	// Prefixes are what the numbers that codes are sent to begin with, each with as many codes as a
	// tenant may send there. A quota with N 0 closes one: {"+1": {N: 100, Window: 24 * time.Hour},
	// "+1242": {}} leaves the Bahamas out. Of several the longest counts. Nil: "+86" alone, as SMS
	// has it. This and SMS are what bounds the bill where a machine asks for codes to numbers that
	// share in the fees (SMS pumping).
	Prefixes map[string]Quota `json:"prefixes,omitempty"`
}

// A Quota bounds how many there are in each window. Windows follow each other from midnight in UTC,
// so in any time as long as one there are at most twice as many. By the clocks of several processes
// it is the same.
type Quota struct {
	N      int64         `json:"n"`      // how many
	Window time.Duration `json:"window"` // 1 minute to 24 hours, which it divides; nanoseconds in JSON
}

// until returns when the window of a time ends.
func (q Quota) until(now time.Time) time.Time { return now.Truncate(q.Window).Add(q.Window) }

const (
	day      = 24 * time.Hour
	maxQuota = 1_000_000_000
)

func (q Quota) check(field string) error {
	switch {
	case q.N < 1 || q.N > maxQuota:
		return &errs.InputError{Field: field + ".n", Reason: fmt.Sprintf("is not between 1 and %d", maxQuota)}
	case q.Window < time.Minute || q.Window > day || day%q.Window != 0:
		return &errs.InputError{Field: field + ".window", Reason: "is not between 1m and 24h, or does not divide 24h"}
	}
	return nil
}

// complete returns the policy with its defaults filled in. *errs.InputError: a field is out of its
// bounds.
func (p Policy) complete() (Policy, error) {
	for _, life := range []struct {
		field string
		d     *time.Duration
		most  time.Duration
	}{{"policy.smsLife", &p.SMSLife, 10 * time.Minute}, {"policy.mailLife", &p.MailLife, day}} {
		if *life.d == 0 {
			*life.d = 10 * time.Minute
		}
		if *life.d < time.Minute || *life.d > life.most {
			return p, &errs.InputError{Field: life.field, Reason: fmt.Sprintf("is not between 1m and %s", life.most)}
		}
	}
	for _, quota := range []struct {
		field string
		q     *Quota
		or    Quota
	}{
		{"policy.address", &p.Address, Quota{20, day}},
		{"policy.from", &p.From, Quota{60, time.Hour}},
		{"policy.wrong", &p.Wrong, Quota{100, time.Hour}},
		{"policy.sms", &p.SMS, Quota{10_000, day}},
		{"policy.mail", &p.Mail, Quota{10_000, day}},
	} {
		if *quota.q == (Quota{}) {
			*quota.q = quota.or
		}
		if err := quota.q.check(quota.field); err != nil {
			return p, err
		}
	}
	if p.Prefixes == nil {
		p.Prefixes = map[string]Quota{"+86": p.SMS}
	}
	for prefix, q := range p.Prefixes {
		field := fmt.Sprintf("policy.prefixes[%q]", prefix)
		if digits, ok := strings.CutPrefix(prefix, "+"); !ok || digits == "" || len(digits) > 15 || !of(digits, numbers) {
			return p, &errs.InputError{Field: field, Reason: "is not a \"+\" and 1 to 15 digits"}
		}
		if q.N == 0 {
			continue
		}
		if err := q.check(field); err != nil {
			return p, err
		}
	}
	return p, nil
}

// life returns how long a code lives.
func (p Policy) life(c message.Channel) time.Duration {
	if c == message.SMS {
		return p.SMSLife
	}
	return p.MailLife
}

// prefix returns the longest of the prefixes that the number begins with. ErrPrefix: it is closed,
// or there is none.
func (p Policy) prefix(number Address) (string, Quota, error) {
	for n := len(number); n > 1; n-- {
		if q, ok := p.Prefixes[string(number[:n])]; ok && q.N > 0 {
			return string(number[:n]), q, nil
		} else if ok {
			break
		}
	}
	return "", Quota{}, ErrPrefix
}
