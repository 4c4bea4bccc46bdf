package customer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/bulk"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// An Import is a customer who comes from another system. It proves nothing: whoever signs in with one
// of the identities is the customer, so import those alone that the other system had verified. What
// the customer has agreed to is noted by RecordConsent, with the time at which it was said.
type Import struct {
	Member      ids.Member  // id that the customer gets; that of their points, if there are any
	Created     time.Time   // since when they are a customer; zero: now
	Identities  []Linked    // to sign in with, 1 to MaxIdentities, none beside another of its kind; Time zero: now
	Profile     Profile     // as in PutProfile
	Preferences Preferences // as in PutPreferences
	By          string      // who did it, for the journal
	Key         string      // idempotency key; required
}

func (c Import) check() error {
	err := cmp.Or(valid.ID("member", c.Member), valid.Time("created", c.Created), valid.Between("identities", int64(len(c.Identities)), 1, MaxIdentities),
		c.Profile.check(), c.Preferences.check(), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
	for i, l := range c.Identities {
		field := fmt.Sprintf("identities[%d]", i)
		err = cmp.Or(err, l.check(field), valid.OptionalID(field+".way", l.Way), valid.Time(field+".time", l.Time))
		if err == nil && slices.ContainsFunc(c.Identities[:i], func(o Linked) bool { return o.beside(l.Identity) }) {
			err = &errs.InputError{Field: field, Reason: "is of a kind that is there before"}
		}
	}
	return err
}

// Import makes a customer. Errors: ErrMember, ErrTaken.
func (e *Engine) Import(ctx context.Context, c Import) (Outcome, error) {
	return e.do(ctx, e.importing(ctx, c))
}

func (e *Engine) importing(ctx context.Context, c Import) task {
	identities := make([]Identity, len(c.Identities))
	for i, l := range c.Identities {
		identities[i] = l.Identity
	}
	fields := Fields{}
	return task{
		kind: KindImport, member: c.Member, key: c.Key, by: c.By, identities: identities, opens: true,
		input: []any{c.Member, c.Created, c.Preferences, c.By}, private: []any{c.Identities, c.Profile},
		check: func() (err error) {
			if err = c.check(); err == nil && len(c.Profile.Custom) > 0 {
				fields, err = e.Fields(ctx)
			}
			if err != nil {
				return err
			}
			return fields.checkCustom(c.Profile.Custom)
		},
		decide: func(u *unit, now time.Time) error {
			created, err := valid.Past("created", c.Created, now)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(u.owned, func(o owned) bool { return o.owner != "" }) {
				return ErrTaken
			}
			u.customer = Customer{ID: c.Member, Created: created, Profile: c.Profile, Preferences: c.Preferences}
			for i, l := range c.Identities {
				if l.Time, err = valid.Past(fmt.Sprintf("identities[%d].time", i), l.Time, now); err != nil {
					return err
				}
				u.customer.Identities = append(u.customer.Identities, l)
			}
			return nil
		},
	}
}

// ImportAll runs imports, in any order and many in each write; each does what Engine.Import does with
// it. It can be stopped by ctx at any time. It goes on where it is run again with the same imports,
// or with those from Next on: what took effect is replayed by its key.
//
// It returns what it did though it ends with an error: that of the sequence, of the database, of ctx
// or, where nobody is told of refusals, of the first of them. An import that was under way then may
// have taken effect and not be counted.
func (e *Engine) ImportAll(ctx context.Context, imports iter.Seq2[Import, error], opts *storage.ImportOptions[Import]) (done storage.Imported, err error) {
	ctx, call := e.frame.Begin(ctx, string(KindImport), "")
	defer call.End(&err)
	o := *cmp.Or(opts, &storage.ImportOptions[Import]{})
	if e.frame.Bound {
		o.Workers = 1
	}
	return bulk.Import(ctx, "customer: import", imports, o, e.imports, func(out Outcome) (bool, error) { return out.Replayed, nil })
}

// imports runs a batch of imports in one write, and by themselves those that something else came
// before: another import of the batch, or another process.
func (e *Engine) imports(ctx context.Context, batch []Import) ([]Outcome, []error) {
	return bulk.Each(batch, func(c Import) (task, error) {
		t := e.importing(ctx, c)
		if err := t.check(); err != nil {
			return task{}, fmt.Errorf("%s: %w", t.kind, err)
		}
		return t, nil
	}, func(tasks []task) ([]Outcome, []error) {
		outs, errs := e.together(ctx, tasks)
		for i, err := range errs {
			switch {
			case errors.Is(err, journal.ErrConflict):
				outs[i], errs[i] = e.do(ctx, tasks[i])
			case err != nil:
				errs[i] = fmt.Errorf("%s: %w", tasks[i].kind, err)
			}
		}
		return outs, errs
	})
}

// together runs tasks in one write, once. journal.ErrConflict: something else came before a task.
func (e *Engine) together(ctx context.Context, tasks []task) ([]Outcome, []error) {
	outs, errs := make([]Outcome, len(tasks)), make([]error, len(tasks))
	lookups := make([]lookup, len(tasks))
	for i, t := range tasks {
		lookups[i] = t.lookup()
	}
	units, err := e.loadAll(ctx, lookups)
	now := e.frame.Now()
	var changes []storage.Change
	var of []int // which task each change is of
	seen := map[ids.Member]bool{}
	for i, t := range tasks {
		switch {
		case err != nil:
			errs[i] = err
			continue
		case seen[t.member]:
			errs[i] = journal.ErrConflict
			continue
		}
		seen[t.member] = true
		try := engine.Attempt[Result](e.command(t), now)
		r, entry, failed := e.decide(t, units[i], try)
		if outs[i], errs[i] = (Outcome{Member: r.Member, Version: r.Version, Replayed: try.Replayed}), failed; failed == nil && entry.Kind != "" {
			changes, of = append(changes, e.change(units[i], entry)), append(of, i)
		}
	}
	if len(changes) == 0 {
		return outs, errs
	}
	failed, err := e.frame.Store.Save(ctx, changes)
	for k, i := range of {
		switch {
		case err != nil:
			errs[i] = err
		case failed[k] != nil: // a conflict, or a key that was used meanwhile
			errs[i] = journal.ErrConflict
		}
	}
	return outs, errs
}
