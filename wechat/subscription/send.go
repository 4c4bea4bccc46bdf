package subscription

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/wechat"
)

// Send sends a message, once by its Key, and returns what is known of it. A Key that comes again
// gives what is known by then, whatever the rest of the message is. It asks WeChat, which may take
// wechat.Timeout, and so is called outside of transactions.
//
// Errors: ErrUnknownTemplate and ErrNoConsent, where WeChat was not asked; wechat.ErrRefused, where
// WeChat knows of no accept, after which the user has none left; ErrSettings; *HeldError, where it
// is unknown whether the message was sent; those of wechat.Client.Do; journal.ErrConflict and what
// the database said, after which the message was not sent and may be held. After all others but a
// HeldError its accept is given back, and the same Key may send it later.
func (e *Engine) Send(ctx context.Context, m Message) (r Receipt, err error) {
	ctx, call := e.frame.Begin(ctx, "subscription.send", "")
	defer call.End(&err)
	values, err := m.check(e.templates)
	if err == nil {
		r, err = e.look(ctx, m)
	}
	if err == nil && !r.Replayed {
		_, err = e.client.Token(ctx) // before anything is taken, for without a token nothing is sent
	}
	if err != nil {
		return Receipt{}, fmt.Errorf("subscription: send: %w", err)
	}
	try := rand.Text()
	if !r.Replayed {
		r, err = e.reserve(ctx, m, try)
	}
	if call.Replayed = r.Replayed; err != nil || r.Replayed {
		return r, err
	}
	id, err := e.ask(ctx, m, values)
	a := answer{Try: try, ID: id, Is: outcomeOf(err)}
	if lost := e.note(ctx, m, a); lost != nil {
		a.Is, err = silent, lost
	}
	if a.Is == silent {
		return Receipt{}, &HeldError{Message: r, Cause: err}
	}
	if err != nil {
		return Receipt{}, fmt.Errorf("subscription: send: %w", settings(err))
	}
	r.ID, r.Status = id, Sent
	return r, nil
}

// look returns what is known of the message, or why it can't be sent, without a change.
func (e *Engine) look(ctx context.Context, m Message) (Receipt, error) {
	c := e.consent(m.OpenID, m.Template)
	err := e.frame.Store.Load(ctx, []storage.Look{{Reads: append([]storage.Read{consents.Get(&c)}, c.read(m.Key)...)}})
	if err != nil {
		return Receipt{}, err
	}
	now := e.frame.Now()
	c.pass(now)
	if err := c.take(m.Key, "", now); err != errKnown {
		return Receipt{}, err
	}
	r := c.messages[m.Key].Receipt
	r.Replayed = true
	return r, nil
}

// reserve takes an accept for the message, or returns what is known of it.
func (e *Engine) reserve(ctx context.Context, m Message, try string) (Receipt, error) {
	known := false
	out, err := e.do(ctx, command{
		name: KindReserve, openID: m.OpenID, template: m.Template, key: journal.DerivedKey("reserve", try), input: m.Key, message: m.Key,
		apply: func(c *consent, now time.Time) error {
			err := c.take(m.Key, try, now)
			known = err == errKnown
			return err
		},
	})
	if err != nil {
		return Receipt{}, err
	}
	r := *out.Message
	r.Replayed = known
	return r, nil
}

// ask asks WeChat for the message, and returns its msgid.
func (e *Engine) ask(ctx context.Context, m Message, values map[string]string) (id string, err error) {
	ctx, cancel := context.WithTimeout(ctx, Lease/2)
	defer cancel()
	data := map[string]any{}
	for key, v := range values {
		data[key] = map[string]string{"value": v}
	}
	body := map[string]any{"touser": m.OpenID, "template_id": m.Template, "data": data}
	for name, v := range map[string]string{"page": m.Page, "miniprogram_state": string(m.Release), "lang": string(m.Lang)} {
		if v != "" {
			body[name] = v
		}
	}
	var got struct {
		ID msgid `json:"msgid"`
	}
	err = e.client.Do(ctx, wechat.Call{Path: "/cgi-bin/message/subscribe/send", Body: body}, &got)
	return string(got.ID), err
}

// A msgid is the number of a message. WeChat's documents do not have it, and events have it as
// text.
type msgid string

// UnmarshalJSON implements json.Unmarshaler.
func (m *msgid) UnmarshalJSON(text []byte) error {
	*m = msgid(strings.Trim(string(text), `"`))
	return nil
}

// outcomeOf returns what an error of asking says of the message.
func outcomeOf(err error) outcome {
	var refused *wechat.Error
	switch {
	case err == nil:
		return taken
	case errors.Is(err, wechat.ErrRefused):
		return declined
	case errors.As(err, &refused), errors.Is(err, wechat.ErrTokenInvalid):
		return returned
	}
	return silent
}

// settings has what WeChat says of the template and its page as ErrSettings.
func settings(err error) error {
	var refused *wechat.Error
	if errors.As(err, &refused) {
		switch refused.Code {
		case 40037, 41030, 47003:
			return fmt.Errorf("%w: %w", ErrSettings, err)
		}
	}
	return err
}

const (
	notes = 3                      // how often it is tried to note an answer
	pause = 100 * time.Millisecond // between the tries
)

// note notes an answer, though the caller gave up. Where that can't be done the message is held.
func (e *Engine) note(ctx context.Context, m Message, a answer) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), Lease/3)
	defer cancel()
	for i := range notes {
		if i > 0 {
			time.Sleep(pause)
		}
		_, err = e.do(ctx, command{
			name: KindAnswer, openID: m.OpenID, template: m.Template, key: journal.DerivedKey("answer", a.Try), input: a, message: m.Key,
			apply: func(c *consent, now time.Time) error { c.answer(a, now); return nil },
		})
		if err == nil {
			break
		}
	}
	return err
}
