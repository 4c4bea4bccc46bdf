// Package message is the port through which a service sends a text message (短信) or a mail: a
// [Sender] takes one [Message] at a time, and says what came of it. The packages below it send by
// SMTP and by the HTTP APIs of vendors; the texts, and the templates that vendors have approved,
// are theirs.
//
// Nothing here stores or repeats. Whoever calls a Sender does so outside of transactions, and not
// again where the outcome is unknown: vendors do not recognize a message that they got before, and
// people do not like to get one twice.
package message

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/errs"
)

// A Channel is a way to reach somebody.
type Channel string

const (
	SMS  Channel = "sms"  // text message (短信); addresses are numbers in E.164
	Mail Channel = "mail" // electronic mail; addresses are those of mailboxes
)

// A Message is what is sent to one address.
type Message struct {
	Ref      string  // the service's own name of the message, new for each: at most 64 letters, digits, '-' and '_'
	Channel  Channel // way
	To       string  // address
	Template string  // what it says, by a name of the service's: "signin"
	Language string  // of the text, as BCP 47 has it; "": that of the sender's first text
	Vars     []Var   // what is filled in, in the order of the template
}

// A Var is a value that is filled in. It may be a secret.
type Var struct {
	Name  string // in the template
	Value string
}

// A Sender sends messages. It is safe for concurrent use, returns by the deadline of ctx and within
// a time of its own, and never sends one twice by itself.
type Sender interface {
	// Send hands a message over to whoever delivers it, and returns the id that it has there; "":
	// none. Sent is not received: that is told by receipts, where there are some, with the Ref.
	// What an error says of the message, KindOf tells.
	Send(ctx context.Context, m Message) (id string, err error)
}

// Kinds of errors. After any but ErrUnknown the message is not sent.
var (
	// ErrUnknown: it was not told in time whether the message is sent. Do not send it again; a
	// receipt may tell, or the user asks for another one.
	ErrUnknown = errs.New(errs.Internal, "message: whether it was sent is unknown")
	// ErrThrottled: too many messages, to the address or in all. Error.RetryAfter says when another
	// may be sent, where the vendor does.
	ErrThrottled = errs.New(errs.Exhausted, "message: too many messages")
	// ErrRefused: the address is on a list of those that want no messages.
	ErrRefused = errs.New(errs.Denied, "message: the recipient refuses messages")
	// ErrLater: the recipient is not to be disturbed now. Error.RetryAfter says for how long.
	ErrLater = errs.New(errs.TryAgain, "message: not now")
	// ErrAddress: there is no such address, or not for this sender: a number of a country that it
	// does not serve.
	ErrAddress = errs.New(errs.Invalid, "message: invalid address")
	// ErrInvalid: the message is not as the sender takes it. An *errs.InputError is of this kind.
	ErrInvalid = errs.New(errs.Invalid, "message: the sender refuses the message as invalid")
	// ErrSettings: the sender's own settings are at fault: credentials, signature, the address of
	// the server, or a template that has no text. A refusal whose code is not known here is of this
	// kind too, for whoever runs the service to look up.
	ErrSettings = errs.New(errs.Internal, "message: the sender's settings are refused")
	// ErrBalance: the account with the vendor is empty or closed.
	ErrBalance = errs.New(errs.Internal, "message: nothing is left on the vendor's account")
	// ErrUnavailable: the vendor could not be reached, or says that it has a fault and did nothing.
	ErrUnavailable = errs.New(errs.Internal, "message: vendor is unavailable")
)

// KindOf returns the kind of an error of a Sender; nil of nil. Where err has no kind or several, it
// is open whether the message is sent: ErrUnknown.
func KindOf(err error) (kind error) {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*errs.InputError](err); ok {
		kind = ErrInvalid
	}
	for _, k := range []error{
		ErrUnknown, ErrThrottled, ErrRefused, ErrLater, ErrAddress, ErrInvalid, ErrSettings, ErrBalance, ErrUnavailable,
	} {
		switch {
		case k == kind || !errors.Is(err, k):
		case kind != nil:
			return ErrUnknown
		default:
			kind = k
		}
	}
	return cmp.Or(kind, ErrUnknown)
}

// An Error is what became of a message that no vendor took. It has neither the address nor what was
// filled in.
type Error struct {
	Vendor     string        // name of the sender's: "aliyun"
	Code       string        // the vendor's own code, as it is; "": none
	RetryAfter time.Duration // how long to wait at least; 0: not told
	Kind       error         // one of the kinds of this package; nil: ErrUnknown
}

// Error implements error.
func (e *Error) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("%v (%s)", e.Unwrap(), e.Vendor)
	}
	return fmt.Sprintf("%v (%s: %s)", e.Unwrap(), e.Vendor, e.Code)
}

// Unwrap returns the kind.
func (e *Error) Unwrap() error {
	if e.Kind == nil {
		return ErrUnknown
	}
	return e.Kind
}

// Is reports whether target is the class of the kind.
func (e *Error) Is(target error) bool { return target == errs.ClassOf(e.Unwrap()) }
