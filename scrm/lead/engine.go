package lead

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/tenant"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Options configures an Engine. Nil and zero fields mean the documented defaults.
type Options struct {
	Now  func() time.Time // the clock; nil: time.Now
	Hook storage.Hook     // of traces and metrics; nil: none
}

// An Engine counts leads. It is safe for concurrent use.
//
// An event may be reported any number of times, by any number of processes: its outcome is what it
// comes to by all that is known now, and what it changes is stored at once with the names that it
// finds to be one contact's. The commands on jobs and owners have a key, which names them within
// their job or owner: repeated with it they change nothing, and are journal.ErrKeyReused where they
// differ. Besides the errors that its comment lists, an operation returns *errs.InputError,
// journal.ErrConflict where other changes came first twenty times in a row, and what the database
// said. Where it returns an error nothing was stored, but for one of the database or of ctx: then
// nothing is known, and it may be repeated.
type Engine struct {
	frame  engine.Frame
	shared *shared
	runner combine.Runner[op, result]
	loads  combine.Runner[JobID, *Job]
}

// shared is what the copies of an engine share.
type shared struct {
	jobs   tenant.Cache[JobID, *read[Job]] // those whose turn to be read again comes first are the oldest
	owners tenant.Cache[OwnerID, *read[Owner]]
	zones  interface {
		Get(name string) (*time.Location, bool)
		Add(name string, zone *time.Location) (full bool)
	}
	merged tenant.Cache[Identity, Identity] // who goes on, of identities that were one contact's
	known  tenant.Cache[Identity, struct{}] // contacts to look for before they are stored: they are there, as far as was seen
	wary   atomic.Int64                     // batches to come that look for all of their contacts
}

// read is what was stored at a time. It does not change.
type read[V any] struct {
	v     V
	at    time.Time
	used  atomic.Bool
	again atomic.Bool // somebody reads it again
}

// usable reports whether a caller may go by what was read. Half way to Refresh one of them may not,
// so that the others need not wait for another reading.
func (r *read[V]) usable(now time.Time) bool {
	if !r.used.Load() {
		r.used.Store(true)
	}
	age := now.Sub(r.at).Abs()
	return age < Refresh/2 || age < Refresh && r.again.Swap(true)
}

const (
	cached      = 50_000
	cachedZones = 1000
)

// New returns an engine on a store.
func New(s storage.Tx, opts *Options) *Engine {
	o := cmp.Or(opts, &Options{})
	e := &Engine{shared: &shared{
		jobs: tenant.NewCache[JobID, *read[Job]](cached), owners: tenant.NewCache[OwnerID, *read[Owner]](cached),
		merged: tenant.NewCache[Identity, Identity](cached), known: tenant.NewCache[Identity, struct{}](cached),
	}}
	e.shared.zones, _ = lru.New[string, *time.Location](cachedZones)
	return e.on(engine.New(s, o.Now, o.Hook))
}

// on returns a copy on another frame.
func (e *Engine) on(f engine.Frame) *Engine {
	b := *e
	b.frame = f
	b.runner, b.loads = combine.New(work{&b}), combine.New(loads{&b})
	return &b
}

// In returns a copy that is bound to a unit of work: what it does is committed or rolled back with
// tx, which is of the database and the tenant that the engine was made for.
func (e *Engine) In(tx storage.Tx) *Engine { return e.on(e.frame.In(tx)) }

// Preview returns a copy that decides and stores nothing (查重): what an event would come to. It
// imports nothing.
func (e *Engine) Preview() *Engine { return e.on(e.frame.Preview()) }

// An Observe reports an event of a contact in a job.
type Observe struct {
	Contact []Identity `json:"contact"`      // all names by which the platform knows the contact; more than one make them one contact
	Job     JobID      `json:"job"`          // job that is to count it
	Event   Event      `json:"event"`        // what happened
	By      string     `json:"by,omitempty"` // who did it, for the journal

	// Bound is, of an event that an agent reports, when the event's account was bound to the job:
	// one of any other time is Excluded, as Unbound. Nil: an administrator reports it, and it
	// counts whenever it was.
	Bound *Bound `json:"-"`
}

// A Bound is when an account was bound to a job (主号绑定): counting begins as it is, and ends with it.
type Bound struct {
	Periods []Period // in the order of their times; none: never
}

// A Period is [From, To).
type Period struct{ From, To time.Time } // a zero To: without end

// Counts reports whether an event of that time counts. Nil: any does.
func (b *Bound) Counts(at time.Time) bool {
	return b == nil || slices.ContainsFunc(b.Periods, func(p Period) bool {
		return !at.Before(p.From) && (p.To.IsZero() || at.Before(p.To))
	})
}

func (b *Bound) check() (err error) {
	if b == nil {
		return nil
	}
	for _, p := range b.Periods {
		err = cmp.Or(err, valid.Time("bound.from", p.From), valid.Time("bound.to", p.To))
	}
	return err
}

// maxIdentities is how many names an Observe has at most.
const maxIdentities = 16

func (c *Observe) check(now time.Time) error {
	err := cmp.Or(c.Job.check(), valid.OptionalID("by", c.By), valid.Between("contact", int64(len(c.Contact)), 1, maxIdentities), c.Event.check(now), c.Bound.check())
	if err != nil {
		return err
	}
	c.Contact = slices.Clone(c.Contact)
	for i, id := range c.Contact {
		n, err := id.normal()
		if err != nil {
			return err
		}
		if n.Platform != c.Job.Platform {
			return &errs.InputError{Field: "contact.platform", Reason: "is not that of the job"}
		}
		c.Contact[i] = n
	}
	slices.SortFunc(c.Contact, Identity.compare)
	c.Contact = slices.Compact(c.Contact)
	return nil
}

// Observe counts an event. One that an agent reports and that is Unbound leaves everything as it
// is: it is kept nowhere, makes no names one contact's, and is judged anew where it is reported
// again after the account was bound. Errors: those of Facts.Observe, ErrUnknownJob,
// journal.ErrKeyReused where the contact has a lead of the account in the job with the event's id,
// which is another event.
func (e *Engine) Observe(ctx context.Context, c Observe) (out Outcome, err error) {
	ctx, call := e.frame.Begin(ctx, string(KindObserve), "")
	defer call.End(&err)
	fail := func(err error) (Outcome, error) {
		return Outcome{}, fmt.Errorf("lead: observe in %s: %w", c.Job.Code, err)
	}
	now := e.frame.Now()
	if err := c.check(now); err != nil {
		return fail(err)
	}
	c.Event.At = journal.Instant(c.Event.At)
	facts, err := e.facts(ctx, c.Job, c.Event.At, now)
	if err != nil {
		return fail(err)
	}
	if !c.Bound.Counts(c.Event.At) {
		return Outcome{Verdict: Excluded, Reasons: []Reason{Unbound}}, nil
	}
	for names := c.Contact; ; {
		names = e.going(names)
		o := op{c, names, facts, now}
		r, err := engine.Together(ctx, e.frame, call, e.runner, o, len(names) > 1)
		var moved *mergedError
		if errors.As(err, &moved) {
			e.follow(names, moved.to)
			names = []Identity{moved.to}
			continue
		}
		if err != nil {
			return fail(err)
		}
		if !e.frame.Dry {
			e.follow(c.Contact, r.contact)
		}
		call.Replayed = r.Replayed
		return r.Outcome, nil
	}
}

// going returns under which names a contact goes on, each once, by what is known without a look.
func (e *Engine) going(names []Identity) []Identity {
	if e.shared.merged.Len() == 0 {
		return names
	}
	next := make([]Identity, len(names))
	for i, id := range names {
		for to, ok := id, true; ok; to, ok = e.shared.merged.Get(e.frame.Tenant(), to) {
			next[i] = to
		}
	}
	slices.SortFunc(next, Identity.compare)
	return slices.Compact(next)
}

// follow notes who goes on, outside of transactions, which may be rolled back.
func (e *Engine) follow(names []Identity, to Identity) {
	for _, id := range names {
		if id != to && !e.frame.Bound {
			e.shared.merged.Add(e.frame.Tenant(), id, to)
		}
	}
}

// mergedError: the contact was merged into another one.
type mergedError struct{ to Identity }

func (*mergedError) Error() string { return "lead: the contact was merged into another one" }

// facts returns what an event is judged by beside its contact.
func (e *Engine) facts(ctx context.Context, id JobID, at, now time.Time) (f Facts, err error) {
	j, err := e.job(ctx, id, now)
	if err != nil {
		return f, err
	}
	f.Job = j
	if j.at(at).Scope.Reach != ReachLinked {
		return f, nil
	}
	own, err := e.owner(ctx, j.Owner, now)
	if err != nil {
		return f, err
	}
	for _, c := range own.Consents {
		if !own.consents(c.With, at) || slices.Contains(f.Linked, c.With) {
			continue
		}
		other, err := e.owner(ctx, c.With, now)
		if err != nil {
			return f, err
		}
		if other.consents(own.ID, at) {
			f.Linked = append(f.Linked, c.With)
		}
	}
	slices.Sort(f.Linked)
	return f, nil
}

func (e *Engine) job(ctx context.Context, id JobID, now time.Time) (*Job, error) {
	if r, ok := e.shared.jobs.Peek(e.frame.Tenant(), id); ok && r.usable(now) {
		return &r.v, nil
	}
	load := e.loads.Do
	if e.frame.Bound {
		load = e.loads.Alone
	}
	j, _, err := load(ctx, id)
	return j, err
}

func (e *Engine) owner(ctx context.Context, id OwnerID, now time.Time) (Owner, error) {
	if r, ok := e.shared.owners.Get(e.frame.Tenant(), id); ok && r.usable(now) {
		return r.v, nil
	}
	l, err := loadJob(ctx, e.frame.Store, jobLookup{owner: id})
	if err != nil {
		return Owner{}, err
	}
	l.owner.ID = id
	if !e.frame.Bound {
		e.shared.owners.Add(e.frame.Tenant(), id, &read[Owner]{v: l.owner, at: now})
	}
	return l.owner, nil
}

// resolve returns the contacts that go on under some names, each once: first those that are there,
// in the order of their identities.
func (e *Engine) resolve(ctx context.Context, names []Identity) (rows []Contact, err error) {
	for open := names; len(open) > 0; {
		found, err := load(ctx, e.frame.Store, open)
		if err != nil {
			return nil, err
		}
		open = nil
		for _, c := range found {
			switch {
			case c.MergedTo != nil:
				open = append(open, *c.MergedTo)
			case !slices.ContainsFunc(rows, func(o Contact) bool { return o.ID == c.ID }):
				rows = append(rows, c)
			}
		}
	}
	slices.SortFunc(rows, func(a, b Contact) int {
		return cmp.Or(cmp.Compare(min(b.Version, 1), min(a.Version, 1)), a.ID.compare(b.ID))
	})
	return rows, nil
}

// Put opens a job, or changes it. Errors: those of Job.Put.
func (e *Engine) Put(ctx context.Context, c Put) (Job, error) {
	return change(ctx, e, command{string(KindPut), c.check, jobLookup{job: c.Job, subject: c.Job.Subject(), key: c.Key}, c.By, c}, func(l loadedJob, now time.Time) (v Job, ch jobChange, err error) {
		v, err = l.job.Put(c, now)
		v.Seq++
		return v, jobChange{job: &v}, err
	})
}

// Reset begins a new day of a job, and returns when it begins. Errors: those of Job.Reset.
func (e *Engine) Reset(ctx context.Context, c Reset) (day time.Time, err error) {
	return change(ctx, e, command{string(KindReset), c.check, jobLookup{job: c.Job, subject: c.Job.Subject(), key: c.Key}, c.By, c}, func(l loadedJob, now time.Time) (day time.Time, ch jobChange, err error) {
		j, err := l.job.Reset(c, now)
		if err == nil {
			j.Seq++
			day = j.Resets[len(j.Resets)-1]
		}
		return day, jobChange{job: &j}, err
	})
}

// Link is an owner's consent to being compared with another. Errors: those of Owner.Link.
func (e *Engine) Link(ctx context.Context, c Link) (Owner, error) {
	return change(ctx, e, command{string(KindLink), c.check, jobLookup{owner: c.Owner, subject: c.Owner.Subject(), key: c.Key}, c.By, c}, func(l loadedJob, now time.Time) (v Owner, ch jobChange, err error) {
		v, err = l.owner.Link(c, now)
		v.Seq++
		return v, jobChange{owner: &v}, err
	})
}

// Unlink ends an owner's consent. Errors: those of Owner.Unlink.
func (e *Engine) Unlink(ctx context.Context, c Unlink) (Owner, error) {
	return change(ctx, e, command{string(KindUnlink), c.check, jobLookup{owner: c.Owner, subject: c.Owner.Subject(), key: c.Key}, c.By, c}, func(l loadedJob, now time.Time) (v Owner, ch jobChange, err error) {
		v, err = l.owner.Unlink(c, now)
		v.Seq++
		return v, jobChange{owner: &v}, err
	})
}

// A command is one on a job or an owner.
type command struct {
	kind   string
	check  func() error
	lookup jobLookup
	by     string
	input  any
}

func change[V any](
	ctx context.Context, e *Engine, c command, decide func(l loadedJob, now time.Time) (V, jobChange, error),
) (V, error) {
	run := engine.Command{Name: c.kind, Check: c.check, Subject: c.lookup.subject, Key: c.lookup.key, By: c.by, Input: c.input}
	v, _, err := engine.Do(ctx, e.frame, run, func(ctx context.Context, try *engine.Try[V]) (v V, err error) {
		found, err := loadJob(ctx, e.frame.Store, c.lookup)
		if err != nil {
			return v, err
		}
		if found.entry != nil {
			return try.Replay(found.entry)
		}
		v, ch, err := decide(found, try.Now)
		if err != nil || e.frame.Dry {
			return v, err
		}
		entry := try.Entry(0, v)
		if ch.job != nil {
			entry.Seq = ch.job.Seq
		} else {
			entry.Seq = ch.owner.Seq
		}
		ch.entries = []journal.Entry{entry}
		return v, ch.save(ctx, e.frame.Store)
	})
	if err == nil && !e.frame.Dry {
		e.shared.jobs.Remove(e.frame.Tenant(), c.lookup.job)
		e.shared.owners.Remove(e.frame.Tenant(), c.lookup.owner)
	}
	return v, err
}
