package subscription

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/wechat"
	"github.com/scrmkit/scrmkit/wechat/miniprogram"
)

// Options configures an Engine. Nil and zero fields mean the documented defaults.
type Options struct {
	Now  func() time.Time // the clock; nil: time.Now
	Hook storage.Hook     // of traces and metrics; nil: none
}

// An Engine is a Ledger that sends messages. It is safe for concurrent use. Send asks WeChat, and
// so is no part of a transaction; the other commands may be, by the Ledger that In returns.
type Engine struct {
	Ledger
	client *wechat.Client
}

// A Ledger keeps what users accepted, for one app. It is safe for concurrent use.
//
// A command that is repeated with its key changes nothing. Besides the errors that its comment
// lists it returns *errs.InputError, journal.ErrConflict where other changes came first twenty
// times in a row, and what the database said; after the last two it may be run again with its key.
type Ledger struct {
	frame     engine.Frame
	app       string
	templates catalog
	consents  engine.Roots[consent, Result]
}

// New returns an engine on a store, which has the tables of this package, for the templates that it
// sends. *errs.DefinitionError: a template has a mistake.
func New(s storage.Tx, client *wechat.Client, templates []Template, opts *Options) (*Engine, error) {
	all, err := newCatalog(templates)
	if err != nil {
		return nil, fmt.Errorf("subscription: %w", err)
	}
	o := cmp.Or(opts, &Options{})
	f := engine.New(s, o.Now, o.Hook)
	return &Engine{Ledger{f, client.App(), all, engine.NewRoots[consent, Result](f, kind)}, client}, nil
}

// In returns the ledger bound to a unit of work, of any tenant of the database: what it does is
// committed or rolled back with tx.
func (l *Ledger) In(tx storage.Tx) *Ledger {
	return &Ledger{l.frame.In(tx), l.app, l.templates, l.consents.In(tx)}
}

// App returns the AppID of the app whose messages the ledger counts.
func (l *Ledger) App() string { return l.app }

// Template returns the template with an id; false: the engine does not have it.
func (l *Ledger) Template(id TemplateID) (Template, bool) {
	t, ok := l.templates[id]
	t.Fields = slices.Clone(t.Fields)
	return t, ok
}

// A Balance is how many messages of a template a user may be sent.
type Balance struct {
	Left int64 `json:"left"` // accepts that no message has taken
	Held int64 `json:"held"` // messages that are held, whose accepts are not among those
}

// balance returns the balance of a consent.
func (c consent) balance() (b Balance) {
	b.Left = c.Balance.left()
	for _, s := range c.Sends {
		if !s.Sent {
			b.Held++
		}
	}
	return b
}

// A command changes one consent.
type command struct {
	name     journal.Kind[Result]
	openID   miniprogram.OpenID
	template TemplateID
	key      string
	input    any
	check    error
	message  string // key of the message that it is about; "": none
	apply    func(c *consent, now time.Time) error
}

// do runs a command. Where apply says errKnown nothing changes, and the result is what is known of
// the message.
func (l *Ledger) do(ctx context.Context, c command) (Result, error) {
	r, _, err := l.consents.Do(ctx, engine.On[consent, Result]{
		Command: engine.Command{
			Name: string(c.name), Subject: journal.Subject("subscription", l.app, string(c.openID), string(c.template)), Key: c.key, Input: c.input,
			Check: func() error {
				return cmp.Or(c.check, valid.ID("openid", c.openID), valid.ID("template", c.template), valid.ID("key", c.key))
			},
		},
		New: func() consent { return l.consent(c.openID, c.template) },
		Reads: func(k *consent) []storage.Read {
			if c.message == "" {
				return nil
			}
			return k.read(c.message)
		},
		Do: func(k *consent, now time.Time) (r Result, err error) {
			k.own()
			k.pass(now)
			if err := c.apply(k, now); err == nil {
				k.match(now)
				k.Seq++
			} else if err != errKnown {
				return Result{}, err
			}
			r.Balance = k.balance()
			if c.message != "" {
				r.Message = &k.messages[c.message].Receipt
			}
			return r, nil
		},
	})
	return r, err
}

func (l *Ledger) consent(openID miniprogram.OpenID, t TemplateID) consent {
	return consent{OpenID: openID, App: l.app, Template: t, messages: map[string]*message{}, changed: map[string]bool{}}
}

// Balance returns how many messages of a template a user may be sent.
func (l *Ledger) Balance(ctx context.Context, user miniprogram.OpenID, t TemplateID) (b Balance, err error) {
	ctx, call := l.frame.Begin(ctx, "subscription.balance", "")
	defer call.End(&err)
	c := l.consent(user, t)
	if err = cmp.Or(valid.ID("openid", user), valid.ID("template", t)); err == nil {
		err = l.frame.Store.Load(ctx, []storage.Look{{Reads: []storage.Read{consents.Get(&c)}}})
	}
	if err != nil {
		return Balance{}, fmt.Errorf("subscription.balance: %w", err)
	}
	c.pass(l.frame.Now())
	return c.balance(), nil
}
