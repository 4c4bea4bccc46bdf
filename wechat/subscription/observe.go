package subscription

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/wechat/callback"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
)

// A Report is what the front end says: wx.requestSubscribeMessage gave "accept" for a template.
// It counts until an event says so too, and so it is what there is where WeChat pushes no events.
// Whoever has the front end can make it up; WeChat refuses the message then.
type Report struct {
	OpenID   miniprogram.OpenID `json:"openid"`   // the user, by the session of the service
	Template TemplateID         `json:"template"` // one of the engine's
	Key      string             `json:"-"`        // idempotency key within user and template, which the front end may make; required
}

func (r Report) check(all catalog) error {
	if strings.HasPrefix(r.Key, journal.Derived) { // or a front end could use up the key of an event
		return &errs.InputError{Field: "key", Reason: "begins with " + journal.Derived}
	}
	return cmp.Or(valid.ID("template", r.Template), all.has(r.Template))
}

// Report notes a report, at the time at which it comes. Errors: ErrUnknownTemplate.
func (l *Ledger) Report(ctx context.Context, r Report) (Balance, error) {
	out, err := l.do(ctx, command{
		name: KindReport, openID: r.OpenID, template: r.Template, key: r.Key, input: r, check: r.check(l.templates),
		apply: func(c *consent, now time.Time) error { c.Balance.add(fact{Kind: reported, At: now}); return nil },
	})
	return out.Balance, err
}

// An observation is what an event says of one template.
type observation struct {
	Event    string    `json:"event"`
	At       time.Time `json:"at"`
	Accepted bool      `json:"accepted,omitempty"`
	Message  string    `json:"message,omitempty"` // msgid
	Code     string    `json:"code,omitempty"`
}

// Observe notes what an event of subscribe messages says: that a user accepted templates, turned
// them off in the settings, or what became of a message. It is nothing for any other push, so that
// a callback.Handler may give it each. The same event may come any number of times; a second one of
// the same user and template in one second is the same. *errs.InputError: the event is for another
// app.
func (l *Ledger) Observe(ctx context.Context, p callback.Push) error {
	all := p.Subscriptions()
	if len(all) == 0 {
		return nil
	}
	if err := cmp.Or(valid.RequiredTime("at", p.At), l.receives(p)); err != nil {
		return fmt.Errorf("%s: %w", KindObserve, err)
	}
	slices.SortFunc(all, func(a, b callback.Subscription) int { return cmp.Compare(a.Template, b.Template) }) // so that transactions lock in one order
	for _, s := range all {
		o := observation{p.Event, journal.Instant(p.At), s.Accepted, s.Message, s.Code}
		if !o.says() {
			continue
		}
		_, err := l.do(ctx, command{
			name: KindObserve, openID: miniprogram.OpenID(p.From), template: TemplateID(s.Template), key: journal.DerivedKey("event", o), input: o,
			check: cmp.Or(valid.OptionalID("message", s.Message), valid.OptionalID("code", s.Code)),
			apply: func(c *consent, _ time.Time) error { c.observe(o); return nil },
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// receives refuses a push for another app.
func (l *Ledger) receives(p callback.Push) error {
	if p.Receiver != l.app {
		return &errs.InputError{Field: "receiver", Reason: "is another app"}
	}
	return nil
}

// says reports whether an event changes anything: a question that was answered with no takes no
// accepts away, and settings that were turned on give none.
func (o observation) says() bool {
	switch o.Event {
	case callback.SubscribePopup:
		return o.Accepted
	case callback.SubscribeChange:
		return !o.Accepted
	}
	return o.Message != "" && o.Code != ""
}

// observe notes what an event says.
func (c *consent) observe(o observation) {
	switch o.Event {
	case callback.SubscribePopup:
		c.Balance.add(fact{Kind: accepted, At: o.At})
	case callback.SubscribeChange:
		c.Balance.add(fact{Kind: ended, At: o.At})
	case callback.SubscribeSent:
		c.Told = append(c.Told, told{o.Message, o.Code, o.At})
	}
}
