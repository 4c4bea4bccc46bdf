package otp

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/internal/valid"
)

const (
	// DefaultTTL is how long a code lives where Issue does not say.
	DefaultTTL = 180 * time.Second
	// MaxTTL is the longest that a code may live (OWASP ASVS 5.0, 6.5.5).
	MaxTTL = 600 * time.Second
	// Quarantine is how long after its end the digits of a code are issued to nobody else of its scope.
	Quarantine = 10 * time.Minute
	// ClaimTTL is how long a claim may be spent. It may outlive its code by that much.
	ClaimTTL = 60 * time.Second

	maxPayload = 4096
)

var (
	// ErrInvalidCode: the code is unknown, expired, used, of another scope or for another purpose, or the claim is no
	// longer good. It does not tell which; the journal does.
	ErrInvalidCode = errors.New("otp: the code is not valid; ask for a new one")
	// ErrEnded: the key names a code that has ended. Use a new key for a new code.
	ErrEnded = errors.New("otp: the code that was issued with this key has ended; use a new key")
	// ErrCrowded: the scope has so many live codes that guesses could not be bounded. Cut the scope in two.
	ErrCrowded = errors.New("otp: the scope has too many live codes; use smaller scopes")
)

// A ThrottledError refuses a code unread: too many wrong ones came before. No attempt is charged before RetryAfter.
type ThrottledError struct{ RetryAfter time.Duration }

func (e *ThrottledError) Error() string {
	return fmt.Sprintf("otp: too many wrong codes; try again in %s", e.RetryAfter.Round(time.Second))
}

// Issue asks for a code for a holder. The holder's live code for the same purpose, if there is one, ends.
type Issue struct {
	Scope   Scope         `json:"scope"`
	Holder  HolderID      `json:"holder"`
	Purpose Purpose       `json:"purpose"`
	Payload []byte        `json:"payload,omitempty"` // up to 4096 bytes for whoever spends it
	TTL     time.Duration `json:"ttl,omitempty"`     // 0: DefaultTTL; at most MaxTTL
	Key     string        `json:"-"`
}

// Issued is the answer to an Issue. Code is for the holder's eyes alone.
type Issued struct {
	Code     string    `json:"-"`
	Number   int64     `json:"number"` // names the code within its scope
	Issued   time.Time `json:"issued"`
	Expires  time.Time `json:"expires"` // good in [Issued, Expires)
	Replayed bool      `json:"-"`       // the key was used before, and this is the first result
}

// Check asks whose a code is and what for. Typist is who types it.
type Check struct {
	Scope   Scope
	Typist  TypistID
	Code    string
	Purpose Purpose // "": any. Another one than the code's is as wrong as other digits
	Key     string
}

// A Claim is the right to spend a code that was checked. It is a value of this process; Seal makes a text of it for
// the way to a device and back.
type Claim struct {
	Code     Code      `json:"code"` // Holder, Purpose and Payload are what the typist may be shown
	By       TypistID  `json:"by"`
	Expires  time.Time `json:"expires"`
	Replayed bool      `json:"-"` // the key was used before, and this is the first result
}

func (c Issue) check() error {
	err := cmp.Or(valid.ID("scope", c.Scope), valid.ID("holder", c.Holder), valid.ID("purpose", c.Purpose), valid.ID("key", c.Key))
	switch {
	case err != nil:
	case len(c.Payload) > maxPayload:
		err = &InputError{Field: "payload", Reason: fmt.Sprintf("is longer than %d bytes", maxPayload)}
	case c.TTL < 0 || c.TTL > MaxTTL || c.TTL != 0 && c.TTL < time.Second:
		err = &InputError{Field: "ttl", Reason: fmt.Sprintf("is not between 1s and %s", MaxTTL)}
	}
	return err
}

func (c Check) check() error {
	return cmp.Or(valid.ID("scope", c.Scope), valid.ID("typist", c.Typist), valid.OptionalID("purpose", c.Purpose), valid.ID("key", c.Key))
}
