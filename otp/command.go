package otp

import (
	"cmp"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage"
)

const (
	// DefaultTTL is how long a code lives where Issue does not say.
	DefaultTTL = 180 * time.Second
	// MaxTTL is the longest that a code may live (OWASP ASVS 5.0, 6.5.5).
	MaxTTL = 600 * time.Second
	// Quarantine is how long after its end the digits of a code are issued to nobody else of its
	// scope.
	Quarantine = 10 * time.Minute
	// ClaimTTL is how long a claim may be spent. It may outlive its code by that much.
	ClaimTTL = 60 * time.Second
	// MaxMisses is how many wrong codes in a row stop a typist in a scope (NIST SP 800-63B-4,
	// 3.2.2: no more than 100 consecutive failed attempts, and then the authenticator is disabled).
	// A right code of another claim begins the count anew, as "consecutive" says; the budgets it
	// gives nothing back.
	MaxMisses = 100

	maxPayload = 4096
)

var (
	// ErrInvalidCode: the code is unknown, expired, used, of another scope or for another purpose,
	// or the claim is no longer good. It does not say which; the journal does.
	ErrInvalidCode = errs.New(errs.Invalid, "otp: the code is not valid; ask for a new one")
	// ErrEnded: the key names a code that has ended. Use a new key for a new code.
	ErrEnded = errs.New(errs.Conflict, "otp: the code that was issued with this key has ended; use a new key")
	// ErrNotStopped: no MaxMisses wrong codes in a row have stopped the typist.
	ErrNotStopped = errs.New(errs.Conflict, "otp: the typist is not stopped, and may type codes")
	// ErrCrowded: the scope has so many live codes that guesses could not be bounded. Cut the scope
	// in two.
	ErrCrowded = errs.New(errs.Exhausted, "otp: the scope has too many live codes; use smaller scopes")
)

// A ThrottledError refuses a command whose budget is used up: a code unread, because too many wrong
// ones came before, or a new code, because too many were asked for. The same command is refused
// before RetryAfter has passed, and charged nothing.
type ThrottledError struct {
	RetryAfter time.Duration // how long to wait at least
	Budget     PartyKind     // whose budget it is; PartyScope: that of all typists together
}

// Error implements error.
func (e *ThrottledError) Error() string {
	what := "too many wrong codes"
	if e.Budget == PartyHolder || e.Budget == PartyDevice {
		what = "too many codes were asked for"
	}
	return fmt.Sprintf("otp: %s; try again in %s", what, e.RetryAfter.Round(time.Second))
}

// Is reports whether target is errs.Exhausted.
func (e *ThrottledError) Is(target error) bool { return target == errs.Exhausted }

// A StoppedError refuses a code unread: the typist typed MaxMisses wrong ones in a row in the
// scope. Time does not help; Engine.Admit does.
type StoppedError struct {
	Scope  Scope    // scope in which the typist is stopped
	Typist TypistID // who is stopped
}

// Error implements error.
func (e *StoppedError) Error() string {
	return fmt.Sprintf("otp: %d wrong codes in a row stopped typist %s in %s; let the typist in again with Admit",
		MaxMisses, e.Typist, e.Scope)
}

// Is reports whether target is errs.Denied.
func (e *StoppedError) Is(target error) bool { return target == errs.Denied }

// Issue asks for a code for a holder. The holder's live code for the same purpose, if there is one,
// ends.
type Issue struct {
	Scope   Scope         `json:"scope"`             // where the code is to be typed
	Holder  HolderID      `json:"holder"`            // who shows the code
	Purpose Purpose       `json:"purpose"`           // what the code allows
	Payload []byte        `json:"payload,omitempty"` // up to 4096 bytes for whoever spends it
	TTL     time.Duration `json:"ttl,omitempty"`     // 0: DefaultTTL; at most MaxTTL
	Device  DeviceID      `json:"device,omitempty"`  // from which it is asked for; "": Policy.Device bounds nothing
	Key     string        `json:"-"`                 // idempotency key; required

	// With returns what else to read in the round trip that the codes take, and what is called once
	// it was read. It is asked each time anew. Nil: nothing.
	With func() (looks []storage.Look, read func()) `json:"-"`
}

// Issued is the answer to an Issue. Code is for the holder's eyes alone.
type Issued struct {
	Code     string    `json:"-"`       // the digits; a repeated command has them while the code lives
	Digits   int       `json:"digits"`  // length of Code; see Policy.MaxDigits
	Next     int       `json:"next"`    // length of the next code, as things stand; 0: ErrCrowded
	Number   int64     `json:"number"`  // how many codes the scope has issued; names this one there
	Issued   time.Time `json:"issued"`  // when it was made
	Expires  time.Time `json:"expires"` // good in [Issued, Expires)
	Replayed bool      `json:"-"`       // the key was used before, and this is the first result
}

// Check asks whose a code is and what for. Typist is who types it.
type Check struct {
	Scope   Scope    // where the code is typed
	Typist  TypistID // who types it
	Code    string   // as it was typed
	Purpose Purpose  // "": any. Another one than the code's is as wrong as other digits
	Key     string   // idempotency key; required
}

// A Claim is the right to spend a code that was checked, in the tenant where it was checked. It is
// a value of this process; Seal makes a text of it for the way to a device and back.
type Claim struct {
	Tenant   string    `json:"tenant,omitempty"` // where it was checked
	Code     Code      `json:"code"`             // Holder, Purpose and Payload are what the typist may be shown
	By       TypistID  `json:"by"`               // who typed the code
	Expires  time.Time `json:"expires"`          // end of the time in which it may be spent, ClaimTTL after the Check
	Note     []byte    `json:"note,omitempty"`   // what a caller of Seal wants to find again after Open; nothing reads it
	Replayed bool      `json:"-"`                // the key was used before, and this is the first result
}

// Admit lets a typist in again whom MaxMisses wrong codes in a row have stopped. The budgets stay
// as they are.
type Admit struct {
	Scope  Scope    `json:"scope"`        // scope in which the typist is stopped
	Typist TypistID `json:"typist"`       // who is let in again
	By     string   `json:"by,omitempty"` // who lets the typist in
	Key    string   `json:"-"`            // idempotency key; required
}

// Admitted is the answer to an Admit.
type Admitted struct {
	Misses   int64 `json:"misses"` // wrong codes in a row that were forgotten
	Replayed bool  `json:"-"`      // the key was used before, and this is the first result
}

func (c Issue) check() error {
	err := cmp.Or(valid.ID("scope", c.Scope), valid.ID("holder", c.Holder), valid.ID("purpose", c.Purpose),
		valid.OptionalID("device", c.Device), valid.ID("key", c.Key))
	switch {
	case err != nil:
	case len(c.Payload) > maxPayload:
		err = &errs.InputError{Field: "payload", Reason: fmt.Sprintf("is longer than %d bytes", maxPayload)}
	case c.TTL < 0 || c.TTL > MaxTTL || c.TTL != 0 && c.TTL < time.Second:
		err = &errs.InputError{Field: "ttl", Reason: fmt.Sprintf("is not between 1s and %s", MaxTTL)}
	}
	return err
}

// Validate returns an *errs.InputError where no Check of the kind can be right, and else nil.
// Engine.Check does it itself, before it reads anything; a caller that has more input of its own
// can refuse all of it first.
func (c Check) Validate() error {
	_, err := c.digits()
	return err
}

// digits returns what was typed, normalized.
func (c Check) digits() (string, error) {
	err := cmp.Or(valid.ID("scope", c.Scope), valid.ID("typist", c.Typist), valid.OptionalID("purpose", c.Purpose), valid.ID("key", c.Key))
	if err != nil {
		return "", err
	}
	return Normalize(c.Code)
}

func (c Admit) check() error {
	return cmp.Or(valid.ID("scope", c.Scope), valid.ID("typist", c.Typist), valid.Text("by", c.By), valid.ID("key", c.Key))
}
