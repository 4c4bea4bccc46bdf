package delivery

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/internal/keyring"
)

// hash is the name of an address in the database of a tenant.
func hash(k keyring.Key, tenant string, a Address) []byte {
	return keyring.Sum(k.MAC, "address", tenant, a.folded())[:16]
}

// originOf is the name of an origin in the database of a tenant.
func originOf(k keyring.Key, tenant, from string) []byte {
	return keyring.Sum(k.MAC, "from", tenant, from)[:16]
}

// mac is what is stored of a code.
func mac(k keyring.Key, tenant string, p Purpose, a Address, code string) []byte {
	return keyring.Sum(k.MAC, "code", tenant, string(p), a.folded(), code)
}

// contents are what is sealed of a message.
type contents struct {
	Address Address `json:"address"`
	Code    string  `json:"code"`
}

// noteContext is what the contents of a message are of.
func noteContext(tenant, ref string) string {
	return fmt.Sprintf("otp/delivery.v1 message %d %s %s", len(tenant), tenant, ref)
}

// claimed is what a Claim holds.
type claimed struct {
	Hash    []byte    `json:"hash"` // of the recipient
	ID      []byte    `json:"id"`   // of the verification
	Purpose Purpose   `json:"purpose"`
	Address Address   `json:"address"`
	Expires time.Time `json:"expires"`
}

// claimContext is what a claim is of: one tenant.
func claimContext(tenant string) string {
	return fmt.Sprintf("otp/delivery.v1 claim %d %s", len(tenant), tenant)
}

func (e *Engine) seal(c claimed) Claim {
	text, err := json.Marshal(c)
	if err != nil {
		panic(fmt.Sprintf("delivery: a claim is no JSON: %v", err))
	}
	return Claim(e.keys.SealText(text, claimContext(e.frame.Tenant())))
}

// open returns what is in a claim that may be spent for a purpose. ErrInvalidCode: it is none of
// these keys and of this tenant, or for another purpose, past its end, or by a clock that is ahead
// by more than MaxSkew.
func (e *Engine) open(sealed Claim, p Purpose, now time.Time) (c claimed, err error) {
	text, err := e.keys.OpenText(string(sealed), claimContext(e.frame.Tenant()))
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil || c.Purpose != p || !now.Before(c.Expires) || early(c.Expires, now.Add(ClaimTTL)) {
		return claimed{}, ErrInvalidCode
	}
	return c, nil
}
