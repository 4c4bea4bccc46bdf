package otp

import (
	"bytes"
	"context"
	"time"

	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// An op is a command at its time.
type op struct {
	command
	scope   Scope
	subject string // of the journal
	key     string
	kind    string
	by      string
	inputs  [][]byte // hashes of the command; a Check has one for each key that its digits may have been hashed with
	now     time.Time
	refused error // of a Check in Use: why it may not be tried
	with    with  // what else is read with the op
}

// A with returns what else a load reads, and what is called once it was read. It may be nil.
type with func() (looks []storage.Look, read func())

// A command is one of issuing, checking, admitting.
type command interface {
	// lookup returns what the command needs of its scope.
	lookup(w work) lookup
	// decide runs the command on its scope. On an error the unit is as it was before.
	decide(w work, u *unit, now time.Time) (answer, error)
}

// answer is what an op comes to.
type answer struct {
	Result

	issued    Issued
	throttled *ThrottledError // nothing took effect, and nothing is kept of it
	replayed  bool
}

// claim returns the claim of a check, or why there is none.
func (a answer) claim() (*Claim, error) {
	switch {
	case a.throttled != nil:
		return nil, a.throttled
	case a.Claim == nil:
		return nil, ErrInvalidCode
	}
	a.Claim.Replayed = a.replayed
	return a.Claim, nil
}

// A unit is a scope with the codes and meters that the ops at hand need.
type unit struct {
	scope   ScopeRow
	codes   map[string]Code // by MAC
	meters  map[Party]Meter
	live    map[int]int64
	entries map[[2]string]journal.Entry // by subject and key

	changed struct {
		codes  map[string]bool
		meters map[Party]bool
		scope  bool // without an entry
	}
	written []journal.Entry
}

func newUnit() *unit {
	u := &unit{codes: map[string]Code{}, meters: map[Party]Meter{}, entries: map[[2]string]journal.Entry{}}
	u.changed.codes, u.changed.meters = map[string]bool{}, map[Party]bool{}
	return u
}

// work is combine.Work for the commands of an engine.
type work struct {
	*Engine
	with with // what else each load reads
}

func (work) Subject(o *op) string { return string(o.scope) }

func (w work) Load(ctx context.Context, groups [][]*op, _ bool) ([]*unit, error) {
	var lookups []lookup
	var owner []*unit
	var others []storage.Look
	var read []func()
	also := func(with with) {
		if with != nil {
			looks, done := with()
			others, read = append(others, looks...), append(read, done)
		}
	}
	units := make([]*unit, len(groups))
	also(w.with)
	for g, group := range groups {
		units[g] = newUnit()
		for _, o := range group {
			l := o.lookup(w)
			l.scope, l.entry, l.key = o.scope, o.subject, o.key
			lookups, owner = append(lookups, l), append(owner, units[g])
			also(o.with)
		}
	}
	states, err := load(ctx, w.frame.Store, lookups, others, groups[0][0].now)
	if err != nil {
		return nil, err
	}
	for _, done := range read {
		done()
	}
	for i, s := range states {
		owner[i].add(lookups[i], s)
	}
	return units, nil
}

func (u *unit) add(l lookup, s state) {
	// Of several look-ups the oldest scope counts, so that what was read before another change
	// meets a conflict.
	if u.scope.Scope == "" || s.scope.Version < u.scope.Version {
		u.scope, u.live = s.scope, s.count
	}
	for _, m := range s.meters {
		u.meters[m.Party] = m
	}
	for _, c := range s.codes {
		u.codes[string(c.MAC)] = c
	}
	for _, c := range s.live {
		u.codes[string(c.MAC)] = c
	}
	if s.record != nil {
		u.entries[[2]string{l.entry, l.key}] = *s.record
	}
}

func (w work) Stale(u *unit) bool { return w.Dirty(u) }

func (work) Dirty(u *unit) bool { return len(u.written) > 0 || u.changed.scope }

func (w work) Decide(_ context.Context, u *unit, o *op) (answer, error) {
	if o.refused != nil {
		return answer{}, o.refused
	}
	if entry, ok := u.entries[[2]string{o.subject, o.key}]; ok {
		return w.replay(u, o, entry)
	}
	a, err := o.decide(w, u, o.now)
	if err != nil || a.throttled != nil {
		return a, err
	}
	u.scope.Seq++
	entry := journal.Entry{
		Subject: o.subject, Seq: u.scope.Seq, Key: o.key, Kind: o.kind, At: o.now, By: o.by, Input: o.inputs[0], Result: journal.JSON(a.Result),
	}
	u.entries[[2]string{o.subject, o.key}] = entry
	u.written = append(u.written, entry)
	return a, nil
}

// replay gives the first answer of a key, with the code as long as it lives.
func (w work) replay(u *unit, o *op, entry journal.Entry) (answer, error) {
	var a answer
	err := journal.ErrKeyReused
	for _, input := range o.inputs {
		if bytes.Equal(entry.Input, input) {
			err = entry.Replay(input, &a)
		}
	}
	if err != nil {
		return answer{}, err
	}
	a.replayed = true
	if a.Issued == nil {
		return a, nil
	}
	a.issued = *a.Issued
	a.issued.Replayed = true
	for _, c := range u.codes {
		if c.Number == a.Issued.Number && c.Live(o.now) {
			digits, err := w.keys.Open(c.KeyID, c.Sealed, codeContext(w.frame.Tenant(), c))
			a.issued.Code = string(digits)
			return a, err
		}
	}
	return answer{}, ErrEnded
}

// put stores a code with its next version.
func (u *unit) put(c Code) {
	u.codes[string(c.MAC)] = c
	u.changed.codes[string(c.MAC)] = true
}

// meter stores a meter.
func (u *unit) meter(m Meter) {
	u.meters[m.Party] = m
	u.changed.meters[m.Party] = true
}

func (w work) Save(ctx context.Context, units []*unit) ([]error, error) {
	changes := make([]storage.Change, len(units))
	for i, u := range units {
		scope := u.scope
		scope.Version++
		c := storage.Change{Rows: []storage.Row{scopes.Save(&scope)}, Entries: u.written}
		for mac := range u.changed.codes {
			code := u.codes[mac]
			c.Rows = append(c.Rows, codes.Put(&code))
		}
		for party := range u.changed.meters {
			meter := u.meters[party]
			c.Rows = append(c.Rows, meters.Put(&meter))
		}
		changes[i] = c
	}
	return w.frame.Store.Save(ctx, changes)
}

var _ combine.Work[*op, *unit, answer] = work{}

// matches returns the codes that have one of the MACs.
func (u *unit) matches(macs [][]byte) []Code {
	var found []Code
	for _, mac := range macs {
		if c, ok := u.codes[string(mac)]; ok {
			found = append(found, c)
		}
	}
	return found
}
