package ticket

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/keyring"
	"github.com/scrmkit/scrmkit/internal/published"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Refresh is how long another process may go on with older templates after newer ones were
// published.
const Refresh = published.Refresh

// Options configures an Engine. Nil and zero fields mean the documented defaults.
type Options struct {
	Now    func() time.Time // the clock; nil: time.Now
	Logger *slog.Logger     // gets secrets that can't be opened; nil: discard
	Hook   storage.Hook     // of traces and metrics; nil: none
}

// An Engine takes pushes and decides on them. It is safe for concurrent use.
//
// Commands with a key are repeated with it without another effect, and are journal.ErrKeyReused
// where they differ; the others may be repeated as they are. Besides the errors that its comment
// lists, a command returns *errs.InputError before anything was loaded, journal.ErrConflict where
// other changes came first twenty times in a row, and what the database said; after the last two it
// may be run again.
type Engine struct {
	frame    engine.Frame
	keys     []secret.Key
	boxes    []keyring.Box // of the keys
	logger   *slog.Logger
	programs published.Programs[TemplatesID, Templates, *Program]
}

// New returns an engine on a store. The secrets of sites are sealed with the first key, and the
// others open those of before: a key may go once every secret that it sealed is retired. New
// returns an error if keys is empty, a key is too short, or two share an ID.
func New(s storage.Tx, keys []secret.Key, opts *Options) (*Engine, error) {
	if err := keyring.Check(keys); err != nil {
		return nil, fmt.Errorf("ticket: %w", err)
	}
	o := cmp.Or(opts, &Options{})
	e := &Engine{
		frame: engine.New(s, o.Now, o.Hook), keys: slices.Clone(keys), programs: newPrograms(),
		logger: cmp.Or(o.Logger, slog.New(slog.DiscardHandler)),
	}
	for _, k := range keys {
		e.boxes = append(e.boxes, keyring.NewBox(k.Secret, "ticket.v1 seal"))
	}
	return e, nil
}

// In returns a copy that is bound to a unit of work: what it does is committed or rolled back with
// tx.
func (e *Engine) In(tx storage.Tx) *Engine {
	b := *e
	b.frame = e.frame.In(tx)
	return &b
}

// PutSite makes or changes a site. Errors: those of Site.Put.
func (e *Engine) PutSite(ctx context.Context, c PutSite) (Site, error) {
	site, _, err := do(ctx, e, task[Site]{
		kind: KindPutSite, check: c.check, subject: c.Site.Subject(), key: c.Key, by: c.By, input: c, lookup: lookup{site: c.Site},
		decide: func(l loaded, _ time.Time) (update, Site, error) {
			next, err := l.site.Put(c.Settings, e.open(ctx, l.site))
			return update{site: &next}, next.public(), err
		},
	})
	return site, err
}

// AddSecret gives a site one more secret. Errors: those of Site.AddSecret, and *errs.InputError
// where the secret is not of the site's scheme.
func (e *Engine) AddSecret(ctx context.Context, c AddSecret) (Issued, error) {
	shown := ""
	inputs := []any{c}
	if c.Secret != "" {
		inputs = nil
		for _, k := range e.keys {
			inputs = append(inputs, []any{c, keyring.Sum(k.Secret, "ticket.v1 input", c.Secret)})
		}
	}
	out, replayed, err := do(ctx, e, task[Issued]{
		kind: KindAddSecret, check: c.check, subject: c.Site.Subject(), key: c.Key, by: c.By, input: inputs[0], others: inputs[1:],
		lookup: lookup{site: c.Site},
		decide: func(l loaded, now time.Time) (update, Issued, error) {
			shown = cmp.Or(c.Secret, newSecret(l.site.Settings.signing()))
			k := Secret{ID: rand.Text()[:8], Added: now, KeyID: e.keys[0].ID}
			k.Sealed = e.boxes[0].Seal([]byte(shown), c.Site.context(k.ID))
			next, err := l.site.AddSecret(k)
			if err == nil {
				_, err = next.Settings.signing().key(shown)
			}
			return update{site: &next}, Issued{ID: k.ID}, err
		},
	})
	if err == nil && !replayed {
		out.Secret = shown
	}
	return out, err
}

// newSecret makes a secret as those of a scheme are.
func newSecret(s Signing) string {
	raw := make([]byte, 32)
	rand.Read(raw)
	switch s.Secret {
	case "whsec":
		return "whsec_" + base64.StdEncoding.EncodeToString(raw)
	case "base64":
		return base64.StdEncoding.EncodeToString(raw)
	}
	return hex.EncodeToString(raw)
}

// open returns the secrets of a site that can be opened.
func (e *Engine) open(ctx context.Context, s Site) (secrets []string) {
	for _, k := range s.Secrets {
		err := errors.New("the key is none of the engine's")
		if i := slices.IndexFunc(e.keys, func(key secret.Key) bool { return key.ID == k.KeyID }); i >= 0 {
			var plain []byte
			if plain, err = e.boxes[i].Open(k.Sealed, s.ID.context(k.ID)); err == nil {
				secrets = append(secrets, string(plain))
			}
		}
		if err != nil {
			e.logger.WarnContext(ctx, "ticket: a secret can't be opened", "site", s.ID, "secret", k.ID, "key", k.KeyID, "err", err)
		}
	}
	return secrets
}

// RetireSecret ends a secret of a site. Errors: those of Site.RetireSecret.
func (e *Engine) RetireSecret(ctx context.Context, c RetireSecret) (Site, error) {
	site, _, err := do(ctx, e, task[Site]{
		kind: KindRetireSecret, check: c.check, subject: c.Site.Subject(), key: c.Key, by: c.By, input: c, lookup: lookup{site: c.Site},
		decide: func(l loaded, _ time.Time) (update, Site, error) {
			next, err := l.site.RetireSecret(c.ID)
			return update{site: &next}, next.public(), err
		},
	})
	return site, err
}

// Publish puts a version of templates in force: the first one, or the one after the newest. It may
// run twice: the version that is in force already, unchanged, is no error. Errors:
// *errs.DefinitionError, ErrPublished, and one where the engine is bound to a unit of work.
func (e *Engine) Publish(ctx context.Context, d Templates) (*Program, error) {
	return e.programs.Publish(ctx, e.frame, d)
}

func newPrograms() published.Programs[TemplatesID, Templates, *Program] {
	return published.NewPrograms(published.Kind[TemplatesID, Templates, *Program]{
		Package: "ticket", Noun: "templates", Versions: templates, Compile: Compile, Definition: (*Program).Templates,
		Version: func(d Templates) (TemplatesID, int) { return d.ID, d.Version },
		Bound:   errors.New("ticket: templates are published outside of a transaction, for engines keep them in memory"),
		Unknown: ErrUnknownTemplates, Published: ErrPublished,
	})
}

// Receive stores a push as it came, where its signature is good; its templates are asked by
// Process. The same push again is answered with what its ticket is at. Of a site with
// Settings.Order the pushes of an order are one ticket: what a newer one says is read at once, by
// the rule that the ticket met. Errors: ErrTooLarge; ErrSignature, which an unknown site has too;
// those of Signing.Verify; ErrClosed; ErrOrders where the body of a site with Settings.Order is a
// list of several orders; and ErrBody where the site pushed another body under that id.
func (e *Engine) Receive(ctx context.Context, site SiteID, d Delivery) (Outcome, error) {
	c := engine.Command{Name: string(KindReceive), Check: func() error {
		if err := site.check(); err != nil || len(d.Body) <= MaxBody {
			return err
		}
		return ErrTooLarge
	}}
	out, replayed, err := engine.Do(ctx, e.frame, c, func(ctx context.Context, try *engine.Try[Outcome]) (out Outcome, err error) {
		l, err := load(ctx, e.frame.Store, lookup{site: site})
		if err != nil {
			return out, err
		}
		site := l.site
		push, err := site.Settings.signing().Verify(e.open(ctx, site), d, try.Now)
		if err == nil && site.Settings.Closed {
			err = ErrClosed
		}
		if err != nil {
			return out, err
		}
		id := ID{site.ID, push.Event}
		event, pushed, ordered, err := site.Settings.Order.of(push, d.Body, try.Now)
		if err != nil {
			return out, err
		}
		if ordered {
			id.Event = event
		}
		if l, err = load(ctx, e.frame.Store, lookup{ticket: id}); err != nil {
			return out, err
		}
		t, change := l.ticket, update{}
		switch {
		case t.Version == 0:
			t = Ticket{ID: id, State: Received, Received: try.Now, Updated: try.Now, Hash: push.Hash}
			if change.body = d.Body; ordered {
				pushed.N, t.Came = 1, 1
				t.Pushes = []Pushed{pushed}
			}
		case ordered && len(t.Pushes) > 0:
			var again, newest bool
			if t, pushed, again, newest, err = t.Add(pushed, try.Now); err == nil && newest {
				t, err = e.refreshed(ctx, site, t, d.Body)
			}
			if out = t.outcome(); err != nil || again {
				try.Replayed = again
				return out, err
			}
			change.body, change.push = d.Body, id.push(pushed).Event
		default:
			out = t.outcome()
			try.Replayed = true
			if !bytes.Equal(t.Hash, push.Hash) {
				return out, ErrBody
			}
			return out, nil
		}
		t.Version, t.Seq = l.ticket.Version+1, l.ticket.Seq+1
		out = t.outcome()
		change.ticket = &t
		change.entries = []journal.Entry{{Subject: id.Subject(), Seq: t.Seq, Kind: string(KindReceive), At: try.Now, Input: push.Hash, Result: journal.JSON(out)}}
		return out, change.save(ctx, e.frame.Store)
	})
	out.Replayed = replayed
	return out, err
}

// refreshed returns a ticket that was decided on, as the body of its newest push says it.
func (e *Engine) refreshed(ctx context.Context, s Site, t Ticket, body []byte) (Ticket, error) {
	if t.State == Received {
		return t, nil
	}
	p, err := e.Program(ctx, cmp.Or(t.Templates, s.Settings.Templates), t.Decided)
	if errors.Is(err, ErrUnknownTemplates) {
		p, err = &Program{}, nil
	}
	if err != nil {
		return t, err
	}
	return p.Refresh(s, t, body), nil
}

// Process asks the templates of a ticket's site, as they are now, where the ticket is Received or
// Manual; others stay as they are, and so does one that was handed back until there are other
// templates. It may run again after the templates have changed, any number of times. It does not
// know codes and pools: who has them checks the target, as a desk does. ErrUnknownTicket: there
// is none.
func (e *Engine) Process(ctx context.Context, id ID) (Outcome, error) {
	c := engine.Command{Name: string(KindProcess), Check: id.check, Subject: id.Subject()}
	out, _, err := engine.Do(ctx, e.frame, c, func(ctx context.Context, try *engine.Try[Outcome]) (out Outcome, err error) {
		l, err := load(ctx, e.frame.Store, lookup{site: id.Site, ticket: id, body: true})
		if err == nil {
			err = l.ticket.known()
		}
		if err != nil {
			return out, err
		}
		out = l.ticket.outcome()
		if l.ticket.State != Received && l.ticket.State != Manual {
			return out, nil
		}
		if at := l.ticket.body(); at != id {
			of, err := load(ctx, e.frame.Store, lookup{ticket: at, body: true})
			if err != nil {
				return out, err
			}
			l.body = of.body
		}
		p, err := e.inForce(ctx, l.site.Settings.Templates, l.ticket)
		if err != nil || l.ticket.back(p.def) {
			return out, err
		}
		next := p.Decide(l.site, l.ticket, l.body, try.Now)
		out = next.outcome()
		next.Updated = l.ticket.Updated
		if bytes.Equal(journal.JSON(next), journal.JSON(l.ticket)) {
			return out, nil
		}
		next.Updated, next.Version, next.Seq = try.Now, l.ticket.Version+1, l.ticket.Seq+1
		change := update{ticket: &next, entries: []journal.Entry{{
			Subject: id.Subject(), Seq: next.Seq, Kind: string(KindProcess), At: try.Now,
			Input: l.ticket.Hash, Before: journal.JSON(l.ticket.outcome()), Result: journal.JSON(out),
		}}}
		return out, change.save(ctx, e.frame.Store)
	})
	return out, err
}

// inForce returns the templates to decide on a ticket: no older ones than those that decided
// before, and without rules where there are none.
func (e *Engine) inForce(ctx context.Context, id TemplatesID, t Ticket) (*Program, error) {
	p, err := e.Program(ctx, id, 0)
	if err == nil && t.Templates == id && p.def.Version < t.Decided {
		e.programs.Forget(e.frame, id)
		p, err = e.Program(ctx, id, 0)
	}
	if errors.Is(err, ErrUnknownTemplates) {
		return &Program{def: Templates{ID: id}}, nil
	}
	return p, err
}

// ProcessAll processes the tickets of the query, which are Received or Manual, and returns how many
// went well: after new templates, or as the work behind Receive. A ticket that was handled
// meanwhile stays as it is. One that fails holds up no other: the error joins those of Process,
// each with its ticket. *errs.InputError: the query is invalid, and nothing was done.
func (e *Engine) ProcessAll(ctx context.Context, q Query) (n int, err error) {
	if q.State != Received && q.State != Manual {
		return 0, fmt.Errorf("ticket.processAll: %w", &errs.InputError{Field: "state", Reason: "is neither received nor manual"})
	}
	var failed []error
	for t, err := range e.Tickets(ctx, q) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("ticket.processAll: %w", err))
			break
		}
		if _, err := e.Process(ctx, t.ID); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", t.ID, err))
			continue
		}
		n++
	}
	return n, errors.Join(failed...)
}

// Assign gives a ticket to somebody. Errors: those of Ticket.Assign.
func (e *Engine) Assign(ctx context.Context, c Assign) (Outcome, error) {
	return e.onTicket(ctx, KindAssign, c.check, c.Ticket, c.Key, c.By, c, func(t Ticket, now time.Time) (Ticket, error) { return t.Assign(c, now) })
}

// Reject ends a ticket. Errors: those of Ticket.Reject.
func (e *Engine) Reject(ctx context.Context, c Reject) (Outcome, error) {
	return e.onTicket(ctx, KindReject, c.check, c.Ticket, c.Key, c.By, c, func(t Ticket, now time.Time) (Ticket, error) { return t.Reject(c, now) })
}

// Route stores where the ticket of a pool has gone. Errors: those of Ticket.Route.
func (e *Engine) Route(ctx context.Context, c Route) (Outcome, error) {
	return e.onTicket(ctx, KindRoute, c.check, c.Ticket, "", "", c, func(t Ticket, now time.Time) (Ticket, error) { return t.Route(c, now) })
}

func (e *Engine) onTicket(
	ctx context.Context, kind journal.Kind[Outcome], check func() error, id ID, key, by string, input any, decide func(Ticket, time.Time) (Ticket, error),
) (Outcome, error) {
	out, replayed, err := do(ctx, e, task[Outcome]{
		kind: kind, check: check, subject: id.Subject(), key: key, by: by, input: input, lookup: lookup{ticket: id},
		decide: func(l loaded, now time.Time) (update, Outcome, error) {
			next, err := decide(l.ticket, now)
			return update{ticket: &next}, next.outcome(), err
		},
	})
	out.Replayed = replayed
	return out, err
}

// A task is a command with what it is decided on.
type task[V any] struct {
	kind    journal.Kind[V]
	check   func() error
	subject string
	key     string
	by      string
	input   any
	others  []any // the same input, as it was hashed under other keys
	lookup  lookup
	decide  func(loaded, time.Time) (update, V, error)
}

// do runs a task, and reports whether it was done before.
func do[V any](ctx context.Context, e *Engine, t task[V]) (V, bool, error) {
	t.lookup.subject, t.lookup.key = t.subject, t.key
	c := engine.Command{Name: string(t.kind), Check: t.check, Subject: t.subject, Key: t.key, By: t.by, Input: t.input, Others: t.others}
	return engine.Do(ctx, e.frame, c, func(ctx context.Context, try *engine.Try[V]) (v V, err error) {
		l, err := load(ctx, e.frame.Store, t.lookup)
		if err != nil {
			return v, err
		}
		if l.entry != nil {
			return try.Replay(l.entry)
		}
		ch, v, err := t.decide(l, try.Now)
		if err != nil {
			return v, err
		}
		entry := try.Entry(0, v)
		if ch.site != nil {
			ch.site.Version, ch.site.Seq = ch.site.Version+1, ch.site.Seq+1
			entry.Seq, entry.Before = ch.site.Seq, journal.JSON(l.site.public())
		} else {
			ch.ticket.Version, ch.ticket.Seq = ch.ticket.Version+1, ch.ticket.Seq+1
			entry.Seq, entry.Before = ch.ticket.Seq, journal.JSON(l.ticket.outcome())
		}
		ch.entries = []journal.Entry{entry}
		return v, ch.save(ctx, e.frame.Store)
	})
}
