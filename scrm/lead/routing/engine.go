package routing

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Options configures an Engine. Nil and zero fields mean the documented defaults.
type Options struct {
	Now func() time.Time // the clock; nil: time.Now

	// Keys sign the tokens of visitors: the first one signs them, and any verifies them. Without
	// keys, lines that ask for tokens take no visitors.
	Keys []secret.Key

	Hook storage.Hook // of traces and metrics; nil: none
}

// An Engine sends visitors to accounts. It is safe for concurrent use.
//
// Put has a key, which names it within its line; the other commands may be repeated as they are.
// Besides the errors that its comment lists, a command returns *errs.InputError before anything was
// loaded, journal.ErrConflict where other changes came first twenty times in a row, and what the
// database said; after the last two it may be run again.
type Engine struct {
	frame  engine.Frame
	keys   []secret.Key
	runner combine.Runner[op, result]
}

// New returns an engine on a store.
func New(s storage.Tx, opts *Options) *Engine {
	o := cmp.Or(opts, &Options{})
	e := &Engine{keys: o.Keys}
	return e.on(engine.New(s, o.Now, o.Hook))
}

// on returns a copy on another frame.
func (e *Engine) on(f engine.Frame) *Engine {
	b := *e
	b.frame = f
	b.runner = combine.New(work{&b})
	return &b
}

// In returns a copy that is bound to a unit of work: what it does is committed or rolled back with
// tx.
func (e *Engine) In(tx storage.Tx) *Engine { return e.on(e.frame.In(tx)) }

// A Put makes a line, or gives it other settings. What accounts have taken stays, also of those
// that it has no more.
type Put struct {
	Line     ids.Line `json:"line"`         // line to make or to change
	Settings Settings `json:"settings"`     // the settings that it is to have
	By       string   `json:"by,omitempty"` // who did it, for the journal
	Key      string   `json:"-"`            // idempotency key; required
}

// A Route sends a visitor who comes to an account, after those who wait.
type Route struct {
	Line    ids.Line    // line that the visitor comes by
	Visitor VisitorID   // who comes
	Token   string      // that Engine.Sign has made for the visitor; "": none
	Origin  string      // where the visitor comes from, such as a hash of an address; "": not known
	Order   bool        // an order that was pushed: it needs no token, is no newcomer, and counts for targets at once
	Online  []AccountID // the accounts that are online now
	Gone    []AccountID // accounts that take nobody, whatever the settings say: nobody would see who comes
	Leads   []Leads     // of the accounts whose leads are counted; with it, Version
	Version int64       // of the line as it was before Leads were read; 0: there are none
}

// A Drain sends those who wait to accounts, the oldest first.
type Drain struct {
	Line    ids.Line    // line whose visitors wait
	Online  []AccountID // the accounts that are online now
	Gone    []AccountID // as those of Route
	Leads   []Leads     // of the accounts whose leads are counted; with it, Version
	Version int64       // of the line as it was before Leads were read; 0: there are none
}

// A Leave says that a visitor waits no more.
type Leave struct {
	Line    ids.Line  // line in which the visitor waits
	Visitor VisitorID // who waits no more
}

// An Outcome is what a command came to.
type Outcome struct {
	Account AccountID `json:"account,omitempty"` // of Route: where the visitor is sent
	Waiting bool      `json:"waiting,omitempty"` // of Route: the visitor waits
	Ahead   int64     `json:"ahead,omitempty"`   // of Route: how many came before who wait, at most
	Sticky  bool      `json:"sticky,omitempty"`  // of Route: the visitor was sent there before
	Served  []Served  `json:"served,omitempty"`  // who waited, and were sent to an account by this command
	Lapsed  []Served  `json:"lapsed,omitempty"`  // who had waited for too long, and wait no more
	Line    Line      `json:"-"`                 // after it
}

// Served is a visitor who waited, and the account that they were sent to, "" for none.
type Served struct {
	Visitor VisitorID `json:"-"`                 // who waited
	N       int64     `json:"n"`                 // of the visitor
	Account AccountID `json:"account,omitempty"` // where the visitor was sent; "": the wait is over without one
}

func (c Route) check() error {
	err := cmp.Or(valid.ID("line", c.Line), checkVisitor(c.Visitor), valid.OptionalID("origin", c.Origin),
		valid.Between("origin", int64(len(c.Origin)), 0, valid.MaxID-int64(len(origins))))
	return cmp.Or(err, checkRoster(c.Online, c.Gone, c.Leads, c.Version))
}

func (c Drain) check() error {
	return cmp.Or(valid.ID("line", c.Line), checkRoster(c.Online, c.Gone, c.Leads, c.Version))
}

func checkRoster(online, gone []AccountID, leads []Leads, version int64) error {
	err := cmp.Or(checkAccounts("online", online), checkAccounts("gone", gone), valid.Between("leads", int64(len(leads)), 0, maxAccounts),
		valid.Between("version", version, 0, 1<<62))
	for _, c := range leads {
		err = cmp.Or(err, c.check())
	}
	return err
}

func (c Leave) check() error { return cmp.Or(valid.ID("line", c.Line), checkVisitor(c.Visitor)) }

func checkAccounts(field string, accounts []AccountID) error {
	err := valid.Between(field, int64(len(accounts)), 0, 100*maxAccounts)
	for _, a := range accounts {
		err = cmp.Or(err, valid.ID(field, a))
	}
	return err
}

// Put makes or changes a line. Visitors who wait stay, whatever the queue may have. Its
// *errs.InputError may also come later: those of Line.Put.
func (e *Engine) Put(ctx context.Context, c Put) (Line, error) {
	check := func() error {
		return cmp.Or(valid.ID("line", c.Line), c.Settings.check(), valid.OptionalID("by", c.By), valid.ID("key", c.Key))
	}
	out, err := e.do(ctx, string(KindPut), check, op{
		line: c.Line, key: c.Key, by: c.By, input: c,
		decide: func(u *unit, now time.Time) (Outcome, bool, error) {
			line, err := u.line.Put(c.Settings, now)
			u.line = line
			return Outcome{Line: line}, true, err
		},
	})
	return out.Line, err
}

// Route sends a visitor to an account, or has the visitor wait. Errors: ErrUnknownLine, ErrMoved,
// ErrToken, ErrTokenAge, *LimitError, *NoCapacityError. With the last two those who wait may have
// been served nevertheless.
func (e *Engine) Route(ctx context.Context, c Route) (Outcome, error) {
	var issued time.Time
	if c.Token != "" {
		v, at, err := e.visitor(c.Line, c.Token)
		if err == nil && c.Visitor != "" && c.Visitor != v {
			err = ErrToken
		}
		if err != nil {
			return Outcome{}, fmt.Errorf("%s: %w", KindRoute, err)
		}
		c.Visitor, issued = v, at
	}
	var origin VisitorID
	if c.Origin != "" && !c.Order {
		origin = VisitorID(origins + c.Origin)
	}
	var none error
	out, err := e.do(ctx, string(KindRoute), c.check, op{
		line: c.Line, visitors: []VisitorID{c.Visitor, origin}, serves: true,
		decide: func(u *unit, now time.Time) (Outcome, bool, error) {
			none = nil
			r := Roster{Online: c.Online, Gone: c.Gone}
			out, drained, err := u.drain(r, c.Leads, c.Version, now)
			if err == nil && !c.Order {
				err = u.line.Settings.accepts(issued, now)
			}
			if err != nil {
				return Outcome{}, false, err
			}
			v := u.visitor(c.Visitor)
			if v.N == 0 {
				v.Order = c.Order
			}
			admitted, from := u.line, u.visitor(origin)
			if v.N == 0 && !v.Order {
				admitted, from, none = u.line.Admit(from, now)
			}
			changed := false
			if none == nil {
				var line Line
				line, v, changed, none = admitted.Route(v, r, now)
				if changed {
					if u.line = line; origin != "" && !from.Debt.Equal(u.visitor(origin).Debt) {
						u.put(from)
					}
					u.put(v)
				}
			}
			out.Account, out.Waiting, out.Sticky, out.Line = v.Account, v.Waiting, none == nil && !changed && !v.Waiting, u.line
			if v.Waiting {
				out.Ahead = u.line.Waiting - 1
			}
			return out, changed || drained, nil
		},
	})
	if err == nil && none != nil {
		return Outcome{Served: out.Served, Lapsed: out.Lapsed, Line: out.Line}, fmt.Errorf("%s: %w", KindRoute, none)
	}
	return out, err
}

// Drain sends those who wait to accounts, at most 100 at a time. Errors: ErrUnknownLine, ErrMoved.
func (e *Engine) Drain(ctx context.Context, c Drain) (Outcome, error) {
	return e.do(ctx, string(KindDrain), c.check, op{
		line: c.Line, serves: true,
		decide: func(u *unit, now time.Time) (Outcome, bool, error) {
			return u.drain(Roster{Online: c.Online, Gone: c.Gone}, c.Leads, c.Version, now)
		},
	})
}

// Leave ends a visitor's waiting. One who does not wait is no error. ErrUnknownLine: there is no
// such line.
func (e *Engine) Leave(ctx context.Context, c Leave) (Outcome, error) {
	return e.do(ctx, string(KindLeave), c.check, op{
		line: c.Line, visitors: []VisitorID{c.Visitor},
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
func (e *Engine) Line(ctx context.Context, id ids.Line) (Line, error) {
	err := valid.ID("line", id)
	line := Line{ID: id}
	if err == nil {
		err = e.frame.Store.Load(ctx, []storage.Look{{Reads: []storage.Read{lines.Get(&line)}}})
	}
	if err == nil && line.Version == 0 {
		err = ErrUnknownLine
	}
	if err == nil {
		line, err = line.At(e.frame.Now())
	}
	if err != nil {
		return Line{}, fmt.Errorf("routing: line: %w", err)
	}
	return line, nil
}

// Lines yields the lines as they are now, in the order of their ids.
func (e *Engine) Lines(ctx context.Context) iter.Seq2[Line, error] {
	now := e.frame.Now()
	return func(yield func(Line, error) bool) {
		for l, err := range storage.List(ctx, e.frame.Store, byID, storage.Range{}) {
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
func (e *Engine) Waiting(ctx context.Context, id ids.Line, limit int) iter.Seq2[Visitor, error] {
	if err := valid.ID("line", id); err != nil {
		return engine.Failed[Visitor](fmt.Errorf("routing: waiting: %w", err))
	}
	return func(yield func(Visitor, error) bool) {
		for v, err := range storage.List(ctx, e.frame.Store, byPlace, storage.Range{Prefix: []any{id}, Limit: limit}) {
			if !yield(v.Visitor, err) {
				return
			}
		}
	}
}

func (e *Engine) do(ctx context.Context, kind string, check func() error, o op) (out Outcome, err error) {
	ctx, call := e.frame.Begin(ctx, kind, LineSubject(o.line))
	defer call.End(&err)
	if err := check(); err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", kind, err)
	}
	o.kind, o.now, o.hash = kind, e.frame.Now(), journal.Hash(kind, o.input)
	r, err := engine.Together(ctx, e.frame, call, e.runner, o, false)
	if err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", kind, err)
	}
	call.Replayed = r.replayed
	return r.Outcome, nil
}

// An op is a command on its way to its line.
type op struct {
	kind     string
	line     ids.Line
	visitors []VisitorID // "": none
	serves   bool        // those who wait
	key, by  string
	input    any
	hash     []byte
	now      time.Time
	decide   func(u *unit, now time.Time) (out Outcome, changed bool, err error)
}
