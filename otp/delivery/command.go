package delivery

import (
	"cmp"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/decimal"
	"github.com/scrmkit/scrmkit/internal/valid"
)

// A Purpose is what a code allows: "signin". A code of one is no good for another.
type Purpose string

var (
	// ErrInvalidCode: there is no such code of the address for the purpose, or it has expired, died
	// or was proved before; or the claim is no longer good. It does not say which.
	ErrInvalidCode = errs.New(errs.Invalid, "delivery: the code is not valid; ask for a new one")
	// ErrPrefix: codes are not sent to numbers of that calling code. See Policy.Prefixes.
	ErrPrefix = errs.New(errs.Denied, "delivery: no codes are sent to numbers of that calling code")
	// ErrStopped: MaxMisses wrong codes in a row have stopped the address. Time does not help;
	// Engine.Admit does.
	ErrStopped = errs.New(errs.Denied, "delivery: too many wrong codes in a row have stopped the address; let it in again with Admit")
	// ErrNotStopped: no MaxMisses wrong codes in a row have stopped the address.
	ErrNotStopped = errs.New(errs.Conflict, "delivery: the address is not stopped, and takes codes")
	// ErrUnknownMessage: no message has the reference, or it was pruned.
	ErrUnknownMessage = errs.New(errs.NotFound, "delivery: no message has that reference")
)

// A Budget is what a ThrottledError is about.
type Budget string

const (
	BudgetPause   Budget = "pause"   // time between two codes of an address
	BudgetSends   Budget = "sends"   // MaxSends or MaxWrong of a verification
	BudgetAddress Budget = "address" // Policy.Address
	BudgetFrom    Budget = "from"    // Policy.From
	BudgetWrong   Budget = "wrong"   // Policy.Wrong
	BudgetTenant  Budget = "tenant"  // Policy.SMS or Policy.Mail
	BudgetPrefix  Budget = "prefix"  // one of Policy.Prefixes
)

// A ThrottledError refuses a code that is asked for, or leaves one unread that was typed, because
// there were too many before it. The same command is refused before RetryAfter has passed, and
// charged nothing.
type ThrottledError struct {
	RetryAfter time.Duration // how long to wait at least
	Budget     Budget        // which one is used up
}

// Error implements error.
func (e *ThrottledError) Error() string {
	what := "too many codes were asked for"
	if e.Budget == BudgetWrong {
		what = "too many wrong codes"
	}
	return fmt.Sprintf("delivery: %s; try again in %s", what, e.RetryAfter.Round(time.Second))
}

// Is reports whether target is errs.Exhausted.
func (e *ThrottledError) Is(target error) bool { return target == errs.Exhausted }

// Send asks for a code to be sent. What a key names is the address, purpose, template and language;
// From and Silent may differ where it comes again.
type Send struct {
	Address  Address `json:"-"`                  // where to
	Purpose  Purpose `json:"purpose"`            // what the code allows
	Template string  `json:"template"`           // of the message; its variables are "code" and "minutes"
	Language string  `json:"language,omitempty"` // of the message, as BCP 47 has it; "": the sender's first
	From     string  `json:"-"`                  // origin of the request, an IP address for instance; "": Policy.From bounds nothing
	// Silent does everything but send: it is for an address that the purpose has no use for, such
	// as one without an account. The answer and the work are those of any other, and no code is
	// right.
	Silent bool   `json:"-"`
	Key    string `json:"-"` // idempotency key; required
}

// Sent is the answer to a Send.
type Sent struct {
	Ref      string    `json:"ref"`     // of the message
	Expires  time.Time `json:"expires"` // the code is good before it
	Next     time.Time `json:"next"`    // from when on another one may be asked for, as things stand
	Left     int       `json:"left"`    // how many more may be sent in the verification
	Replayed bool      `json:"-"`       // the key was used before, and this is the first result
}

// TellWithin is how long after a Tell its message may be sent.
const TellWithin = 24 * time.Hour

// Tell tells an address something without a code, such as that it was unlinked from an account.
type Tell struct {
	Address  Address `json:"-"`                  // who is told
	Template string  `json:"template"`           // of the message, which has no variables
	Language string  `json:"language,omitempty"` // of the message, as BCP 47 has it; "": the sender's first
	Key      string  `json:"-"`                  // idempotency key; required
}

// Told is the answer to a Tell.
type Told struct {
	Ref      string `json:"ref"` // of the message
	Replayed bool   `json:"-"`   // the key was used before, and this is the first result
}

// An Attempt is a code that somebody typed, who says to have it from a message to the address.
type Attempt struct {
	Address Address // that the code was sent to
	Purpose Purpose // as Send had it
	Code    string  // as it was typed
	From    string  // origin of the request, an IP address for instance; "": Policy.Wrong bounds nothing
	Key     string  // idempotency key; required
}

// A Claim is the right to spend a code that was checked: a sealed text that nobody else can read or
// make, good in one tenant.
type Claim string

// Checked is the answer to a Check.
type Checked struct {
	Claim    Claim     `json:"-"`       // for Spend
	Expires  time.Time `json:"expires"` // the claim is good before it
	Replayed bool      `json:"-"`       // the key was used before, and this is the first result
}

// Verified is an address that was proved, and what for.
type Verified struct {
	Address  Address `json:"-"`       // whose messages somebody reads
	Purpose  Purpose `json:"purpose"` // what that allows
	Replayed bool    `json:"-"`       // the key was used before, and this is the first result
}

// Admit lets an address in again that MaxMisses wrong codes in a row have stopped. The budgets stay
// as they are.
type Admit struct {
	Address Address `json:"-"`            // address that is stopped
	By      string  `json:"by,omitempty"` // who lets it in
	Key     string  `json:"-"`            // idempotency key; required
}

// Admitted is the answer to an Admit.
type Admitted struct {
	Misses   int64 `json:"misses"` // wrong codes in a row that were forgotten
	Replayed bool  `json:"-"`      // the key was used before, and this is the first result
}

func (c Send) check() error {
	return cmp.Or(c.Address.check(), valid.ID("purpose", c.Purpose), valid.ID("template", c.Template), valid.OptionalID("language", c.Language),
		valid.Text("from", c.From), valid.ID("key", c.Key))
}

func (c Tell) check() error {
	return cmp.Or(c.Address.check(), valid.ID("template", c.Template), valid.OptionalID("language", c.Language), valid.ID("key", c.Key))
}

func (c Attempt) check() error {
	return cmp.Or(c.Address.check(), valid.ID("purpose", c.Purpose), valid.Text("from", c.From), valid.ID("key", c.Key))
}

func (c Admit) check() error {
	return cmp.Or(c.Address.check(), valid.Text("by", c.By), valid.ID("key", c.Key))
}

// Normalize returns the six digits of what a person typed: full-width digits (１２３) become plain,
// spaces and hyphens go. *errs.InputError: it has another character, or not six digits.
func Normalize(typed string) (string, error) { return decimal.Normalize(typed, codeLen, codeLen) }
