package customer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/published"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Options configures an Engine. Nil and zero fields mean the documented defaults.
type Options struct {
	Now  func() time.Time // the clock; nil: time.Now
	Hook storage.Hook     // of traces and metrics; nil: none

	// PlainText has the engine go without keys, and read what was stored without. With keys too it
	// seals what it writes, and Reseal the rest.
	PlainText bool
}

// An Engine runs commands on customers. It is safe for concurrent use.
//
// Every command but SignIn has a key, which names it within its customer: repeated with it a
// command changes nothing and gives its first answer, and is journal.ErrKeyReused where it differs.
// Besides the errors that its comment lists, a command returns ErrUnknown and ErrErased,
// *errs.InputError before anything was loaded, ErrKeyGone, journal.ErrConflict where other changes
// came first twenty times in a row, and what the database said; after the last two it may be run
// again with its key.
type Engine struct {
	frame  engine.Frame
	ring   ring
	fields published.Programs[fieldsID, Fields, Fields]
}

// Refresh is how long another process may go on with an older version of the custom fields after
// Publish.
const Refresh = published.Refresh

// New returns an engine on a store. The first key seals what is stored and all of them read it. To
// rotate, put the new key last in every process, then first in every process, and run Reseal; after
// that the other keys may go. Two engines that share no key would give one identity to two
// customers. New returns an error if a key is too short or two share an ID, and if there are none,
// unless Options.PlainText says that plain text is wanted.
func New(s storage.Tx, keys []secret.Key, opts *Options) (*Engine, error) {
	o := cmp.Or(opts, &Options{})
	r, err := newRing(keys, o.PlainText)
	if err != nil {
		return nil, fmt.Errorf("customer: %w", err)
	}
	return &Engine{engine.New(s, o.Now, o.Hook), r, newFields()}, nil
}

// In returns a copy that is bound to a unit of work: what it does is committed or rolled back with
// tx.
func (e *Engine) In(tx storage.Tx) *Engine {
	b := *e
	b.frame = e.frame.In(tx)
	return &b
}

var errNoFields = errs.New(errs.NotFound, "customer: no custom fields are defined")

func newFields() published.Programs[fieldsID, Fields, Fields] {
	return published.NewPrograms(published.Kind[fieldsID, Fields, Fields]{
		Package: "customer", Noun: "fields", Versions: fieldVersions,
		Version:    func(f Fields) (fieldsID, int) { return theFields, f.Version },
		Compile:    func(f Fields) (Fields, error) { return f, f.check() },
		Definition: func(f Fields) Fields { return f },
		Follows:    Fields.follows,
		Bound:      errors.New("customer: fields are published outside of a transaction, for engines keep them in memory"),
		Unknown:    errNoFields, Published: ErrFields,
	})
}

// Publish puts a version of the custom fields in force: the first one, or the one after the newest.
// It may run twice: the version that is in force already, unchanged, is no error. Errors:
// *errs.DefinitionError, ErrFields, and one where the engine is bound to a unit of work.
func (e *Engine) Publish(ctx context.Context, f Fields) error {
	_, err := e.fields.Publish(ctx, e.frame, f)
	return err
}

// Fields returns the custom fields in force. Version 0: none are defined.
func (e *Engine) Fields(ctx context.Context) (Fields, error) {
	f, err := e.fields.Get(ctx, e.frame, theFields, 0)
	if errors.Is(err, errNoFields) {
		return Fields{}, nil
	}
	return f, err
}

// Get returns a customer. ErrUnknown: there is none; of one who was erased the profile is empty.
func (e *Engine) Get(ctx context.Context, id ids.Member) (Customer, error) {
	if err := valid.ID("member", id); err != nil {
		return Customer{}, fmt.Errorf("customer: get: %w", err)
	}
	u, err := e.load(ctx, lookup{member: id})
	if err == nil && u.customer.Version == 0 {
		err = ErrUnknown
	}
	if err != nil {
		return Customer{}, fmt.Errorf("customer: get %s: %w", id, err)
	}
	return u.customer, nil
}

// Find returns the customer that an identity belongs to. ErrUnknown: it belongs to nobody.
func (e *Engine) Find(ctx context.Context, i Identity) (ids.Member, error) {
	if err := i.check("identity"); err != nil {
		return "", fmt.Errorf("customer: find: %w", err)
	}
	u, err := e.load(ctx, lookup{identities: []Identity{i}})
	if err == nil && u.owned[0].owner == "" {
		err = ErrUnknown
	}
	if err != nil {
		return "", fmt.Errorf("customer: find: %w", err)
	}
	return u.owned[0].owner, nil
}

// A task is a command on one customer with what it decides.
type task struct {
	kind       journal.Kind[Result]
	check      func() error
	member     ids.Member
	key, by    string
	input      any        // that the journal may have a hash of
	private    any        // the rest of the input, of which it has a hash by a key
	identities []Identity // whose owners are loaded
	opens      bool       // there is no such customer yet
	decide     func(u *unit, now time.Time) error
}

// command returns a task as engine.Do takes it.
func (e *Engine) command(t task) engine.Command {
	c := engine.Command{
		Name: string(t.kind), Check: t.check, Subject: journal.Subject("customer", string(t.member)), Key: t.key, By: t.by, Input: t.input,
	}
	if t.private != nil {
		for i, k := range e.ring {
			input := []any{t.input, k.digest(e.frame.Tenant(), journal.Instants(t.private))}
			if i == 0 {
				c.Input = input
			}
			c.Others = append(c.Others, input)
		}
	}
	return c
}

func (t task) lookup() lookup {
	return lookup{member: t.member, key: t.key, identities: t.identities}
}

// decide runs a task on what was loaded for it. The entry has no Kind where there is nothing to store.
func (e *Engine) decide(t task, u *unit, try *engine.Try[Result]) (r Result, entry journal.Entry, err error) {
	if u.entry != nil {
		r, err = try.Replay(u.entry)
		return r, entry, err
	}
	switch {
	case !t.opens:
		err = u.customer.known()
	case u.customer.Version > 0:
		err = ErrMember
	}
	if err == nil {
		err = t.decide(u, try.Now)
	}
	if err != nil {
		return r, entry, err
	}
	r = e.result(u)
	entry = try.Entry(r.Version, r)
	entry.Before = u.before
	return r, entry, nil
}

// do runs a task.
func (e *Engine) do(ctx context.Context, t task) (Outcome, error) {
	stored, replayed, err := engine.Do(ctx, e.frame, e.command(t), func(ctx context.Context, try *engine.Try[Result]) (Result, error) {
		u, err := e.load(ctx, t.lookup())
		if err != nil {
			return Result{}, err
		}
		r, entry, err := e.decide(t, u, try)
		if err == nil && entry.Kind != "" {
			err = e.save(ctx, u, entry)
		}
		return r, err
	})
	if err != nil {
		return Outcome{}, err
	}
	out := Outcome{Member: stored.Member, Version: stored.Version, Replayed: replayed}
	if stored.Former != nil {
		out.Former = new(Identity)
		if err := e.ring.open(stored.KeyID, stored.Former, e.sealedIn("former", stored.Member, ""), out.Former); err != nil {
			return Outcome{}, fmt.Errorf("%s: %w", t.kind, err)
		}
	}
	return out, nil
}

func (e *Engine) result(u *unit) Result {
	r := Result{Member: u.customer.ID, Version: u.customer.Version + 1}
	if u.former != nil {
		r.KeyID = e.ring[0].id
		r.Former = e.ring[0].seal(journal.JSON(u.former), e.sealedIn("former", r.Member, ""))
	}
	return r
}

// sealedIn is where something sealed is: nothing opens it elsewhere.
func (e *Engine) sealedIn(what string, member ids.Member, of string) string {
	tenant := e.frame.Tenant()
	return fmt.Sprintf("%s %d %s %d %s %s", what, len(tenant), tenant, len(member), member, of)
}
