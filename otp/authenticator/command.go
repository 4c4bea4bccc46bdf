package authenticator

import (
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/errs"
)

// A Subject names whose second factor it is, with its kind where a service has several:
// "staff/kathy".
type Subject string

// RepeatWithin is how long a code that was accepted is accepted again with its key, so that a
// command may be sent again after a lost answer. After that the key and the code are good for
// nothing.
const RepeatWithin = time.Minute

var (
	// ErrInvalidCode: the code is wrong, or was used before. It does not say which; the journal
	// does.
	ErrInvalidCode = errs.New(errs.Invalid, "authenticator: the code is not valid; use another one")
	// ErrNotEnrolled: the subject has no authenticator.
	ErrNotEnrolled = errs.New(errs.NotFound, "authenticator: the subject has no authenticator; enroll one")
	// ErrNoEnrollment: no enrollment waits for its first code, or it has waited for ConfirmWithin.
	ErrNoEnrollment = errs.New(errs.NotFound, "authenticator: no enrollment waits for a code; enroll again")
	// ErrNoRecoveryCodes: the subject has no set of recovery codes.
	ErrNoRecoveryCodes = errs.New(errs.NotFound, "authenticator: the subject has no recovery codes; renew them")
	// ErrEnded: the key names an enrollment that no longer waits for its first code, so its secret
	// is not shown again. Use a new key for a new enrollment.
	ErrEnded = errs.New(errs.Conflict, "authenticator: the enrollment that was made with this key has ended; use a new key")
	// ErrDisabled: MaxFailures wrong codes in a row, or Engine.Disable, disabled the authenticator.
	ErrDisabled = errs.New(errs.Denied, "authenticator: the authenticator is disabled; enroll a new one")
)

// A ThrottledError refuses a code unread, because too many wrong ones came before. Nothing is
// stored of it: the same command may be sent again once RetryAfter has passed.
type ThrottledError struct {
	RetryAfter time.Duration // how long to wait at least
}

// Error implements error.
func (e *ThrottledError) Error() string {
	return fmt.Sprintf("authenticator: too many wrong codes; try again in %s", e.RetryAfter.Round(time.Second))
}

// Is reports whether target is errs.Exhausted.
func (e *ThrottledError) Is(target error) bool { return target == errs.Exhausted }

// Enroll asks for a new authenticator, which takes the place of the subject's old one once it is
// confirmed.
type Enroll struct {
	Subject Subject `json:"subject"`      // whose it is
	Issuer  string  `json:"issuer"`       // name of the service in the app, without a colon
	Account string  `json:"account"`      // name of the account in the app, without a colon: a login or a nickname
	By      string  `json:"by,omitempty"` // who enrolls, for the journal
	Key     string  `json:"-"`            // idempotency key within the subject; required
}

// An Enrollment is the answer to an Enroll. TOTP and URI are for the subject's eyes alone. A
// repeated command has them while the enrollment waits for its first code.
type Enrollment struct {
	TOTP    TOTP      `json:"-"`       // the secret and its parameters
	URI     string    `json:"-"`       // for the app, as a link or a QR code
	Expires time.Time `json:"expires"` // the first code is to come before that
	Outcome `json:"outcome"`
}

// Confirm has the first code of a new authenticator put it in the place of the old one.
type Confirm struct {
	Subject Subject `json:"subject"` // who enrolled
	Code    string  `json:"-"`       // as it was typed
	Key     string  `json:"-"`       // idempotency key within the subject; required
}

// Verify asks whether a code is that of the subject's authenticator.
type Verify struct {
	Subject Subject `json:"subject"` // whose code it is said to be
	Code    string  `json:"-"`       // as it was typed
	// Key is the idempotency key within the subject; required. It is the service's, a new one for
	// each code that is typed: whoever knows a key and its code is let in once more, within
	// RepeatWithin.
	Key string `json:"-"`
}

// Recover uses a recovery code in place of a code of the authenticator.
type Recover struct {
	Subject Subject `json:"subject"` // whose code it is said to be
	Code    string  `json:"-"`       // as it was typed
	Key     string  `json:"-"`       // idempotency key, as that of Verify; required
}

// Renew asks for a new set of recovery codes. The codes of the old set are good for nothing from
// then on.
type Renew struct {
	Subject Subject `json:"subject"`      // whose they are
	By      string  `json:"by,omitempty"` // who asks, for the journal
	Key     string  `json:"-"`            // idempotency key within the subject; required
}

// Renewed is the answer to a Renew.
type Renewed struct {
	// Codes are for the subject's eyes alone, to be kept on paper: RecoveryCodes of them, in groups
	// of four characters. A repeated command has none, for only their hashes are stored; where the
	// first answer was lost, renew them with a new key.
	Codes   []string `json:"-"`
	Outcome `json:"outcome"`
}

// Disable has an authenticator accept no code any more, for instance because the phone was stolen.
// Recovery codes stay good.
type Disable struct {
	Subject Subject `json:"subject"`      // whose it is
	By      string  `json:"by,omitempty"` // who disables it, for the journal
	Key     string  `json:"-"`            // idempotency key within the subject; required
}

// Remove deletes a subject's authenticators and recovery codes.
type Remove struct {
	Subject Subject `json:"subject"`      // whose they are
	By      string  `json:"by,omitempty"` // who removes them, for the journal
	Key     string  `json:"-"`            // idempotency key within the subject; required
}

// An Outcome is what a command came to.
type Outcome struct {
	At       time.Time `json:"at"`     // when the command ran
	Status   Status    `json:"status"` // after it
	Replayed bool      `json:"-"`      // the key was used before, and this is the first outcome
}
