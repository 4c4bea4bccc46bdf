package dispatch

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Tx is the part of storage.Tx that an Engine needs.
type Tx interface{ Dispatch() Store }

// Options of an Engine. Nil, and each zero field, is a default.
type Options struct {
	Now func() time.Time // the clock; nil: time.Now

	// Hook is called as an operation begins, and what it returns as it ends. Nil: none.
	Hook func(ctx context.Context, op string) (context.Context, func(error))
}

// An Engine sends visitors to accounts. It is safe for concurrent use.
//
// Put has a key, which names it within its line; the other commands may be repeated as they are. Besides the errors that its comment
// lists, a command returns *InputError before anything was loaded, journal.ErrConflict where other changes came first twenty times
// in a row, and what the database said; after the last two it may be run again.
type Engine struct {
	store  Store
	opts   Options
	runner *combine.Runner[op, *unit, Outcome]
	bound  bool // to a unit of work
}

// New returns an engine on a store.
func New(s Store, opts *Options) *Engine {
	e := &Engine{store: s}
	if opts != nil {
		e.opts = *opts
	}
	if e.opts.Now == nil {
		e.opts.Now = time.Now
	}
	e.runner = combine.New(work{e})
	return e
}

// In returns a copy that is bound to a unit of work: what it does is committed or rolled back with tx.
func (e *Engine) In(tx Tx) *Engine {
	b := *e
	b.store, b.bound = tx.Dispatch(), true
	b.runner = combine.New(work{&b})
	return &b
}

// A Put makes a line, or gives it other settings. What accounts have taken stays, also of those that it has no more.
type Put struct {
	Line     LineID   `json:"line"`
	Settings Settings `json:"settings"`
	By       string   `json:"by,omitempty"`
	Key      string   `json:"-"`
}

// A Route sends a visitor who comes to an account, after those who wait.
type Route struct {
	Line    LineID
	Visitor VisitorID
	Online  []AccountID // the accounts that are online now
}

// A Drain sends those who wait to accounts, the oldest first.
type Drain struct {
	Line   LineID
	Online []AccountID // the accounts that are online now
}

// A Leave says that a visitor waits no more.
type Leave struct {
	Line    LineID
	Visitor VisitorID
}

// An Outcome is what a command came to.
type Outcome struct {
	Account AccountID `json:"account,omitempty"` // of Route: where the visitor is sent
	Waiting bool      `json:"waiting,omitempty"` // of Route: the visitor waits
	Ahead   int64     `json:"ahead,omitempty"`   // of Route: how many came before who wait, at most
	Sticky  bool      `json:"sticky,omitempty"`  // of Route: the visitor was sent there before
	Served  []Served  `json:"served,omitempty"`  // who waited, and were sent to an account by this command
	Line    Line      `json:"-"`                 // after it
}

// Served is a visitor who waited, and the account that they were sent to.
type Served struct {
	Visitor VisitorID `json:"-"`
	N       int64     `json:"n"` // of the visitor
	Account AccountID `json:"account"`
}

func (c Route) check() error {
	return cmp.Or(valid.ID("line", c.Line), valid.ID("visitor", c.Visitor), checkOnline(c.Online))
}

func (c Drain) check() error { return cmp.Or(valid.ID("line", c.Line), checkOnline(c.Online)) }

func (c Leave) check() error { return cmp.Or(valid.ID("line", c.Line), valid.ID("visitor", c.Visitor)) }

func checkOnline(online []AccountID) error {
	err := valid.Between("online", int64(len(online)), 0, 100*maxAccounts)
	for _, a := range online {
		err = cmp.Or(err, valid.ID("online", a))
	}
	return err
}

// Put makes or changes a line. Visitors who wait stay, whatever the queue may have. Its *InputError may also come later: those of
// Line.Put.
func (e *Engine) Put(ctx context.Context, c Put) (Line, error) {
	check := func() error {
		return cmp.Or(valid.ID("line", c.Line), c.Settings.check(), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
	}
	out, err := e.do(ctx, "dispatch.put", check, op{
		line: c.Line, key: c.Key, by: c.By, input: c,
		decide: func(u *unit, now time.Time) (Outcome, bool, error) {
			line, err := u.line.Put(c.Settings, now)
			u.line = line
			return Outcome{Line: line}, true, err
		},
	})
	return out.Line, err
}

// Route sends a visitor to an account, or has the visitor wait. Errors: ErrUnknownLine, *NoCapacityError. With the latter those
// who wait may have been served nevertheless.
func (e *Engine) Route(ctx context.Context, c Route) (Outcome, error) {
	var none error
	out, err := e.do(ctx, "dispatch.route", c.check, op{
		line: c.Line, visitor: c.Visitor, serves: true,
		decide: func(u *unit, now time.Time) (Outcome, bool, error) {
			none = nil
			served, err := u.drain(c.Online, now)
			if err != nil {
				return Outcome{}, false, err
			}
			v := u.visitor(c.Visitor)
			line, sent, changed, err := u.line.Route(v, c.Online, now)
			none = err
			u.line = line
			if changed {
				u.put(sent)
			}
			out := Outcome{Account: sent.Account, Waiting: sent.Waiting, Sticky: err == nil && !changed && !sent.Waiting, Served: served, Line: line}
			if sent.Waiting {
				out.Ahead = line.Waiting - 1
			}
			return out, changed || len(served) > 0, nil
		},
	})
	if err == nil && none != nil {
		return Outcome{Served: out.Served, Line: out.Line}, fmt.Errorf("dispatch.route: %w", none)
	}
	return out, err
}

// Drain sends those who wait to accounts, at most 100 at a time. ErrUnknownLine: there is no such line.
func (e *Engine) Drain(ctx context.Context, c Drain) (Outcome, error) {
	return e.do(ctx, "dispatch.drain", c.check, op{
		line: c.Line, serves: true,
		decide: func(u *unit, now time.Time) (Outcome, bool, error) {
			served, err := u.drain(c.Online, now)
			return Outcome{Served: served, Line: u.line}, len(served) > 0, err
		},
	})
}

// Leave ends a visitor's waiting. One who does not wait is no error. ErrUnknownLine: there is no such line.
func (e *Engine) Leave(ctx context.Context, c Leave) (Outcome, error) {
	return e.do(ctx, "dispatch.leave", c.check, op{
		line: c.Line, visitor: c.Visitor,
		decide: func(u *unit, now time.Time) (Outcome, bool, error) {
			v := u.visitor(c.Visitor)
			if u.line.Version == 0 {
				return Outcome{}, false, ErrUnknownLine
			}
			if !v.Waiting {
				return Outcome{Line: u.line}, false, nil
			}
			u.line.Waiting--
			v.Waiting = false
			u.put(v)
			return Outcome{Line: u.line}, true, nil
		},
	})
}

// Line returns a line as it is now. ErrUnknownLine: there is none.
func (e *Engine) Line(ctx context.Context, id LineID) (Line, error) {
	err := valid.ID("line", id)
	var l []Loaded
	if err == nil {
		l, err = e.store.Load(ctx, []Lookup{{Line: id}})
	}
	if err == nil && l[0].Line.Version == 0 {
		err = ErrUnknownLine
	}
	var line Line
	if err == nil {
		line, err = l[0].Line.At(e.now())
	}
	if err != nil {
		return Line{}, fmt.Errorf("dispatch: line: %w", err)
	}
	return line, nil
}

// Lines yields the lines as they are now, in the order of their ids.
func (e *Engine) Lines(ctx context.Context) iter.Seq2[Line, error] {
	now := e.now()
	return func(yield func(Line, error) bool) {
		for l, err := range e.store.Lines(ctx) {
			if err == nil {
				l, err = l.At(now)
			}
			if !yield(l, err) {
				return
			}
		}
	}
}

// Waiting yields at most limit visitors (0: all) of a line who wait, the oldest first.
func (e *Engine) Waiting(ctx context.Context, id LineID, limit int) iter.Seq2[Visitor, error] {
	if err := valid.ID("line", id); err != nil {
		return func(yield func(Visitor, error) bool) { yield(Visitor{}, fmt.Errorf("dispatch: waiting: %w", err)) }
	}
	return e.store.Waiting(ctx, id, limit)
}

func (e *Engine) now() time.Time { return journal.Instant(e.opts.Now()) }

func (e *Engine) do(ctx context.Context, kind string, check func() error, o op) (out Outcome, err error) {
	if e.opts.Hook != nil {
		var end func(error)
		ctx, end = e.opts.Hook(ctx, kind)
		defer func() { end(err) }()
	}
	if err := check(); err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", kind, err)
	}
	o.kind, o.now, o.hash = kind, e.now(), journal.Hash(kind, o.input)
	if e.bound {
		out, err = e.runner.Alone(ctx, o)
	} else {
		out, err = e.runner.Do(ctx, o)
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", kind, err)
	}
	return out, nil
}

// An op is a command on its way to its line.
type op struct {
	kind    string
	line    LineID
	visitor VisitorID
	serves  bool // those who wait
	key, by string
	input   any
	hash    []byte
	now     time.Time
	decide  func(u *unit, now time.Time) (out Outcome, changed bool, err error)
}

// A unit is a line with what the commands at hand need and change of it.
type unit struct {
	line     Line
	visitors map[VisitorID]Visitor
	waiting  []Visitor // the oldest, of as many as are served at a time
	entries  map[string]*journal.Entry
	change   Change
}

// visitor returns one whom a command names.
func (u *unit) visitor(id VisitorID) Visitor {
	v := u.visitors[id]
	v.ID = id
	return v
}

// drain serves those who wait.
func (u *unit) drain(online []AccountID, now time.Time) (served []Served, err error) {
	if u.line.Version == 0 {
		return nil, ErrUnknownLine
	}
	line, err := u.line.At(now)
	if err != nil {
		return nil, err
	}
	line, sent := line.Drain(u.waiting, online, now)
	u.line, u.waiting = line, u.waiting[len(sent):]
	for _, v := range sent {
		u.put(v)
		served = append(served, Served{v.ID, v.N, v.Account})
	}
	return served, nil
}

// put adds a visitor to the change. Those who wait stay the oldest: one who begins to is among them where all of them are.
func (u *unit) put(v Visitor) {
	u.change.Visitors = append(slices.DeleteFunc(slices.Clone(u.change.Visitors), func(o Visitor) bool { return o.ID == v.ID }), v)
	u.visitors[v.ID] = v
	u.waiting = slices.DeleteFunc(slices.Clone(u.waiting), func(w Visitor) bool { return w.ID == v.ID })
	if v.Waiting && int64(len(u.waiting)) == u.line.Waiting-1 {
		u.waiting = append(u.waiting, v)
	}
}

// work is combine.Work for the commands of an engine.
type work struct{ *Engine }

func (work) Subject(o op) string { return string(o.line) }

func (e work) Load(ctx context.Context, groups [][]op, _ bool) ([]*unit, error) {
	var lookups []Lookup
	first := make([]int, len(groups)+1)
	for i, group := range groups {
		l := Lookup{Line: group[0].line}
		var keys []Lookup
		for _, o := range group {
			if o.visitor != "" && !slices.Contains(l.Visitors, o.visitor) {
				l.Visitors = append(l.Visitors, o.visitor)
			}
			if o.key != "" {
				keys = append(keys, Lookup{Line: o.line, Key: o.key})
			}
		}
		lookups = append(append(lookups, l), keys...)
		first[i+1] = len(lookups)
	}
	found, err := e.store.Load(ctx, lookups)
	if err != nil {
		return nil, err
	}
	units := make([]*unit, len(groups))
	for i := range groups {
		f := found[first[i]]
		u := &unit{line: f.Line, visitors: map[VisitorID]Visitor{}, entries: map[string]*journal.Entry{}}
		for _, v := range f.Visitors {
			u.visitors[v.ID] = v
		}
		for n := first[i] + 1; n < first[i+1]; n++ {
			u.entries[lookups[n].Key] = found[n].Entry
		}
		if f.Line.Waiting > 0 && slices.ContainsFunc(groups[i], func(o op) bool { return o.serves }) {
			for v, err := range e.store.Waiting(ctx, f.Line.ID, drained) {
				if err != nil {
					return nil, err
				}
				u.waiting = append(u.waiting, v)
			}
		}
		units[i] = u
	}
	return units, nil
}

func (work) Stale(*unit) bool { return false }

func (work) Dirty(u *unit) bool { return len(u.change.Entries) > 0 }

func (work) Decide(_ context.Context, u *unit, o op) (out Outcome, err error) {
	if entry := u.entries[o.key]; entry != nil {
		return out, entry.Replay(o.hash, &out.Line)
	}
	was := *u
	out, changed, err := o.decide(u, o.now)
	if err != nil || !changed {
		*u = was
		return out, err
	}
	u.line.ID = o.line
	u.line.Seq++
	u.change.Line = u.line
	u.change.Line.Version++
	out.Line = u.change.Line
	e := journal.Entry{Subject: o.line.Subject(), Seq: u.line.Seq, Key: o.key, Kind: o.kind, At: o.now, By: o.by, Input: o.hash}
	if o.key == "" {
		e.Result = journal.JSON(out)
	} else {
		e.Result = journal.JSON(out.Line)
		u.entries[o.key] = &e
	}
	u.change.Entries = append(u.change.Entries, e)
	return out, nil
}

func (e work) Save(ctx context.Context, units []*unit) ([]error, error) {
	changes := make([]Change, len(units))
	for i, u := range units {
		changes[i] = u.change
	}
	return e.store.Save(ctx, changes)
}

var _ combine.Work[op, *unit, Outcome] = work{}
