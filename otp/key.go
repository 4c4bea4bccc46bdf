package otp

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/scrmkit/scrmkit/internal/keyring"
	"github.com/scrmkit/scrmkit/secret"
)

type key struct {
	id  string
	mac []byte
	keyring.Box
}

type ring []key

func newRing(keys []secret.Key) (ring, error) {
	if err := keyring.Check(keys); err != nil {
		return nil, fmt.Errorf("otp: %w", err)
	}
	var r ring
	for _, k := range keys {
		r = append(r, key{k.ID, keyring.Sum(k.Secret, "otp.v1 code"), keyring.NewBox(k.Secret, "otp.v1 seal")})
	}
	return r, nil
}

// code is the MAC of digits in a scope of a tenant.
func (k key) code(tenant string, s Scope, digits string) []byte {
	return keyring.Sum(k.mac, tenant, string(s), digits)[:16]
}

// codes are the MACs of digits under every key.
func (r ring) codes(tenant string, s Scope, digits string) [][]byte {
	macs := make([][]byte, len(r))
	for i, k := range r {
		macs[i] = k.code(tenant, s, digits)
	}
	return macs
}

func (r ring) open(id string, sealed []byte, context string) ([]byte, error) {
	for _, k := range r {
		if k.id == id {
			return k.Open(sealed, context)
		}
	}
	return nil, errors.New("otp: sealed by a key that is gone")
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
	k := e.keys[0]
	return k.id + "." + base64.RawURLEncoding.EncodeToString(k.Seal(text, claimContext(e.frame.Tenant())))
}

// Open reads what Seal wrote. ErrInvalidCode: the text is no claim of these keys and of this
// tenant.
func (e *Engine) Open(sealed string) (Claim, error) {
	id, text, _ := strings.Cut(sealed, ".")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return Claim{}, ErrInvalidCode
	}
	plain, err := e.keys.open(id, raw, claimContext(e.frame.Tenant()))
	if err != nil {
		return Claim{}, ErrInvalidCode
	}
	var c Claim
	if err := json.Unmarshal(plain, &c); err != nil {
		return Claim{}, ErrInvalidCode
	}
	return c, nil
}
