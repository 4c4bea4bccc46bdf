package otp

import (
	"encoding/json"
	"fmt"

	"github.com/scrmkit/scrmkit/internal/keyring"
)

// mac is the MAC of digits in a scope of a tenant.
func mac(k keyring.Key, tenant string, s Scope, digits string) []byte {
	return keyring.Sum(k.MAC, tenant, string(s), digits)[:16]
}

// macs are the MACs of digits under every key.
func macs(r keyring.Ring, tenant string, s Scope, digits string) [][]byte {
	all := make([][]byte, len(r))
	for i, k := range r {
		all[i] = mac(k, tenant, s, digits)
	}
	return all
}

// claimContext is what a sealed claim is of: one tenant.
func claimContext(tenant string) string {
	return fmt.Sprintf("otp.v1 claim %d %s", len(tenant), tenant)
}

// codeContext is what the sealed digits of a code are of.
func codeContext(tenant string, c Code) string {
	return fmt.Sprintf("otp.v1 code %d %s %d %s %d %x", len(tenant), tenant, len(c.Scope), c.Scope, c.Number, c.ID)
}

// Seal returns a claim as a text that nobody else can read or make, for the way to the typist's
// device and back. It opens in the tenant of the engine alone, which for one bound with In is that
// of the transaction.
func (e *Engine) Seal(c Claim) string {
	text, err := json.Marshal(c)
	if err != nil {
		panic(fmt.Sprintf("otp: a claim is no JSON: %v", err))
	}
	return e.keys.SealText(text, claimContext(e.frame.Tenant()))
}

// Open reads what Seal wrote. ErrInvalidCode: the text is no claim of these keys and of this
// tenant.
func (e *Engine) Open(sealed string) (Claim, error) {
	plain, err := e.keys.OpenText(sealed, claimContext(e.frame.Tenant()))
	if err != nil {
		return Claim{}, ErrInvalidCode
	}
	var c Claim
	if err := json.Unmarshal(plain, &c); err != nil {
		return Claim{}, ErrInvalidCode
	}
	return c, nil
}
