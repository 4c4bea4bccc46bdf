package delivery

import (
	"encoding/hex"
	"time"

	"github.com/scrmkit/scrmkit/internal/keyring"
	"github.com/scrmkit/scrmkit/scrm/message"
)

// A charge is one more of what a budget bounds.
type charge struct {
	budget Budget
	quota  Quota
	count  count // how many there are
}

func newCharge(b Budget, id string, q Quota, now time.Time) charge {
	return charge{b, q, count{Ends: q.until(now), Name: string(b) + "/" + id}}
}

// charges returns what a code is charged to. ErrPrefix: none is sent there.
func (p Policy) charges(k keyring.Key, tenant string, c Send, now time.Time) ([]charge, error) {
	channel := c.Address.Channel()
	all := []charge{newCharge(BudgetAddress, hex.EncodeToString(hash(k, tenant, c.Address)), p.Address, now)}
	if c.From != "" {
		all = append(all, newCharge(BudgetFrom, hex.EncodeToString(originOf(k, tenant, c.From)), p.From, now))
	}
	if channel == message.Mail {
		return append(all, newCharge(BudgetTenant, string(channel), p.Mail, now)), nil
	}
	prefix, q, err := p.prefix(c.Address)
	return append(all, newCharge(BudgetPrefix, prefix, q, now), newCharge(BudgetTenant, string(channel), p.SMS, now)), err
}

// attempt returns what a wrong code is charged to.
func (p Policy) attempt(k keyring.Key, tenant string, c Attempt, now time.Time) []charge {
	if c.From == "" {
		return nil
	}
	return []charge{newCharge(BudgetWrong, hex.EncodeToString(originOf(k, tenant, c.From)), p.Wrong, now)}
}

// full returns a *ThrottledError where a budget has no room for one more: of the one that has none
// for the longest time.
func full(charges []charge, now time.Time) error {
	var longest *ThrottledError
	for _, c := range charges {
		if wait := c.count.Ends.Sub(now); c.count.N >= c.quota.N && (longest == nil || wait > longest.RetryAfter) {
			longest = &ThrottledError{wait, c.budget}
		}
	}
	if longest == nil {
		return nil
	}
	return longest
}
