package subscription

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
)

// Errors of messages.
var (
	// ErrNoConsent: the user has accepted no more messages of the template than were sent. Have the
	// front end ask with wx.requestSubscribeMessage.
	ErrNoConsent = errs.New(errs.Denied, "subscription: the user has not accepted another message; have the front end ask for it")
	// ErrUnknownTemplate: the engine has no such template.
	ErrUnknownTemplate = errs.New(errs.NotFound, "subscription: there is no such template")
	// ErrSettings: WeChat does not know the template, a page or a field of it as the service has it
	// (40037, 41030, 47003). Compare the templates with those of WeChat's console.
	ErrSettings = errs.New(errs.Internal, "subscription: WeChat has the template or the page otherwise; compare it with the console")
)

// A HeldError reports a message of which it is unknown whether WeChat sent it. It is not sent
// again: an event tells what became of it, or Reconcile leaves it at that. The Send that asked
// WeChat has a Cause; one that comes later with the Key, from whatever process, has none.
type HeldError struct {
	Message Receipt // the message
	Cause   error   // why the answer is unknown; nil: another call asked, or still does
}

// Error says which message it is.
func (e *HeldError) Error() string {
	text := fmt.Sprintf("subscription: it is unknown whether the message %s was sent; it is held, and not sent again", e.Message.Key)
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Is reports whether target is errs.Conflict.
func (e *HeldError) Is(target error) bool { return target == errs.Conflict }

// A Release is which release of the app a message opens.
type Release string

const (
	Formal    Release = "formal"    // the one that is published; the default
	Trial     Release = "trial"     // the one for those who try it out
	Developer Release = "developer" // the one of its developers
)

// A Lang is the language of what stands around the values.
type Lang string

const (
	Simplified  Lang = "zh_CN" // the default
	English     Lang = "en_US"
	HongKong    Lang = "zh_HK"
	Traditional Lang = "zh_TW"
)

// A Message is one that a user accepted.
type Message struct {
	OpenID   miniprogram.OpenID // the user
	Template TemplateID         // one of the engine's
	Values   map[string]string  // by the key of the field: all that the template has
	Page     string             // that it opens, as "pages/card/card?id=7"; "": none
	Release  Release            // "": Formal
	Lang     Lang               // "": Simplified
	Key      string             // idempotency key within user and template; required
}

// check returns the values as they are sent.
func (m Message) check(all catalog) (values map[string]string, err error) {
	if err := cmp.Or(
		valid.ID("openid", m.OpenID), valid.ID("template", m.Template), valid.ID("key", m.Key), valid.Text("page", m.Page),
		oneOf("release", m.Release, "", Formal, Trial, Developer), oneOf("lang", m.Lang, "", Simplified, English, HongKong, Traditional),
	); err != nil {
		return nil, err
	}
	if strings.HasPrefix(m.Page, "/") {
		return nil, &errs.InputError{Field: "page", Reason: "begins with '/'"}
	}
	if err := all.has(m.Template); err != nil {
		return nil, err
	}
	return all[m.Template].values(m.Values)
}

func oneOf[S ~string](field string, v S, all ...S) error {
	if !slices.Contains(all, v) {
		return &errs.InputError{Field: field, Reason: fmt.Sprintf("is none of %q", all[1:])}
	}
	return nil
}

// A Status is what is known of a message.
type Status string

const (
	Held    Status = "held"    // WeChat is being asked, or its answer is unknown
	Sent    Status = "sent"    // WeChat took it
	Arrived Status = "arrived" // by an event: the user has it
	Failed  Status = "failed"  // by an event: the user does not have it; its accept is given back
	Unknown Status = "unknown" // no event told what became of it: its accept stays spent
)

// A Receipt is what is known of a message that was sent, or may have been.
type Receipt struct {
	OpenID   miniprogram.OpenID `json:"openid"`         // the user
	Template TemplateID         `json:"template"`       // of the message
	Key      string             `json:"key"`            // of the message
	At       time.Time          `json:"at,omitzero"`    // when it took its accept, right before WeChat was asked
	ID       string             `json:"id,omitempty"`   // msgid of WeChat; "": it gave none
	Status   Status             `json:"status"`         // what is known
	Code     string             `json:"code,omitempty"` // of Failed: the ErrorCode of the event
	Replayed bool               `json:"-"`              // it was sent before, by the same Key
}
