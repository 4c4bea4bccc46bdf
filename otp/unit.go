package otp

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// An op is an Issue or a Check at its time.
type op struct {
	scope   Scope
	subject string // of the journal
	key     string
	kind    string
	inputs  [][]byte // hashes of the command; a Check has one for each key that its digits may have been hashed with
	now     time.Time

	issue *Issue
	drawn map[int]string // of an issue: a candidate of each length
	check *Check
	macs  [][]byte // of a check
}

// answer is what the journal keeps of an op.
type answer struct {
	Issued *Issued `json:"issued,omitempty"`
	Claim  *Claim  `json:"claim,omitempty"`
	Reason string  `json:"reason,omitempty"` // of a refused check

	issued   Issued
	replayed bool
}

// A unit is a scope with the codes and typists that the ops at hand need.
type unit struct {
	scope   ScopeRow
	codes   map[string]Code // by MAC
	typists map[TypistID]TypistRow
	live    map[int]int64
	entries map[[2]string]journal.Entry // by subject and key

	changed struct {
		codes   map[string]bool
		typists map[TypistID]bool
	}
	written []journal.Entry
}

// work is combine.Work for the commands of an engine.
type work struct{ *Engine }

func (work) Subject(o *op) string { return string(o.scope) }

func (w work) Load(ctx context.Context, groups [][]*op, _ bool) ([]*unit, error) {
	var lookups []Lookup
	var owner []*unit
	units := make([]*unit, len(groups))
	for g, group := range groups {
		u := &unit{codes: map[string]Code{}, typists: map[TypistID]TypistRow{}, entries: map[[2]string]journal.Entry{}}
		u.changed.codes, u.changed.typists = map[string]bool{}, map[TypistID]bool{}
		units[g] = u
		for _, o := range group {
			lookups, owner = append(lookups, w.lookup(o)), append(owner, u)
		}
	}
	states, err := w.store.Load(ctx, lookups, groups[0][0].now)
	if err != nil {
		return nil, err
	}
	for i, s := range states {
		owner[i].add(lookups[i], s)
	}
	return units, nil
}

func (w work) lookup(o *op) Lookup {
	l := Lookup{Scope: o.scope, Entry: o.subject, Key: o.key, MACs: o.macs}
	if o.check != nil {
		l.Typist = o.check.Typist
		return l
	}
	l.Holder, l.Purpose = o.issue.Holder, o.issue.Purpose
	o.drawn = map[int]string{}
	for digits := minDigits; digits <= maxDigits; digits++ {
		o.drawn[digits] = draw(digits)
		l.MACs = append(l.MACs, w.keys.codes(o.scope, o.drawn[digits])...)
	}
	return l
}

func (u *unit) add(l Lookup, s State) {
	// Of several look-ups the oldest scope counts, so that what was read before another change meets a conflict.
	if u.scope.Scope == "" || s.Scope.Version < u.scope.Version {
		u.scope, u.live = s.Scope, s.Count
	}
	if l.Typist != "" {
		u.typists[l.Typist] = s.Typist
	}
	for _, c := range s.Codes {
		u.codes[string(c.MAC)] = c
	}
	for _, c := range s.Live {
		u.codes[string(c.MAC)] = c
	}
	if s.Record != nil {
		u.entries[[2]string{l.Entry, l.Key}] = *s.Record
	}
}

func (work) Stale(u *unit) bool { return len(u.written) > 0 }

func (work) Dirty(u *unit) bool { return len(u.written) > 0 }

func (w work) Decide(_ context.Context, u *unit, o *op) (answer, error) {
	if entry, ok := u.entries[[2]string{o.subject, o.key}]; ok {
		return w.replay(u, o, entry)
	}
	var a answer
	var err error
	if o.issue != nil {
		a, err = w.issue(u, o)
	} else {
		a, err = u.judge(o)
	}
	if err != nil {
		return answer{}, err
	}
	u.scope.Issued++
	entry := journal.Entry{
		Subject: o.subject, Seq: u.scope.Issued, Key: o.key, Kind: o.kind, At: o.now, Input: o.inputs[0], Result: journal.JSON(a),
	}
	if o.check != nil {
		entry.By = string(o.check.Typist)
	} else {
		entry.By = string(o.issue.Holder)
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
		if c.Number == a.Issued.Number && c.Holder == o.issue.Holder && c.Live(o.now) {
			digits, err := w.keys.open(c.KeyID, c.Sealed, sealContext(c))
			a.issued.Code = string(digits)
			return a, err
		}
	}
	return answer{}, ErrEnded
}

// issue makes a code of the digits that were drawn, and ends the holder's code for the same purpose. Where the digits are
// taken it makes a longer one, so that whoever asks for codes without end can't use up the short ones of all others.
func (w work) issue(u *unit, o *op) (answer, error) {
	c := o.issue
	live := make(map[int]int64, len(u.live)+1)
	for digits, n := range u.live {
		live[digits] = n
	}
	var replaced []Code
	for _, old := range u.codes {
		if old.Holder == c.Holder && old.Purpose == c.Purpose && old.Live(o.now) {
			live[old.Digits]--
			replaced = append(replaced, old.end(Replaced, "", o.now))
		}
	}
	digits := Digits(live)
	for digits != 0 && digits <= maxDigits && w.taken(u, o, digits) {
		digits++
	}
	switch {
	case digits == 0:
		return answer{}, ErrCrowded
	case digits > maxDigits:
		return answer{}, combine.ErrAgain
	}
	k := w.keys[0]
	ttl := c.TTL
	if ttl == 0 {
		ttl = DefaultTTL
	}
	expires := journal.Instant(o.now.Add(ttl))
	code := Code{
		Scope: c.Scope, MAC: k.code(c.Scope, o.drawn[digits]), Number: u.scope.Issued + 1, KeyID: k.id, Digits: digits,
		Holder: c.Holder, Purpose: c.Purpose, Payload: c.Payload, Issued: o.now, Expires: expires, Reusable: expires.Add(Quarantine),
	}
	code.Version = u.codes[string(code.MAC)].Version
	code.Sealed = k.Seal([]byte(o.drawn[digits]), sealContext(code))
	for _, old := range replaced {
		u.put(old)
	}
	u.put(code)
	live[digits]++
	u.live = live
	issued := Issued{Number: code.Number, Issued: code.Issued, Expires: code.Expires}
	a := answer{Issued: &issued, issued: issued}
	a.issued.Code = o.drawn[digits]
	return a, nil
}

// taken tells whether another code of that length has the digits that were drawn.
func (w work) taken(u *unit, o *op, digits int) bool {
	for _, mac := range w.keys.codes(o.scope, o.drawn[digits]) {
		if other, ok := u.codes[string(mac)]; ok && !other.free(o.now) {
			return true
		}
	}
	return false
}

// put stores a code with its next version.
func (u *unit) put(c Code) {
	c.Version++
	u.codes[string(c.MAC)] = c
	u.changed.codes[string(c.MAC)] = true
}

// judge charges an attempt where it is wrong, and claims the code where it is right.
func (u *unit) judge(o *op) (answer, error) {
	c := o.check
	typist := u.typists[c.Typist]
	typist.Scope, typist.Typist = c.Scope, c.Typist
	weight := Weight(u.live)
	scopeDebt, wait1 := PerScope().Charge(u.scope.Debt, o.now, weight)
	typistDebt, wait2 := PerTypist().Charge(typist.Debt, o.now, weight)
	if wait := max(wait1, wait2); wait > 0 {
		return answer{}, &ThrottledError{wait}
	}
	reason := Unknown
	var claim *Claim
	for _, mac := range o.macs {
		code, ok := u.codes[string(mac)]
		if !ok {
			continue
		}
		if reason = code.Refuse(c.Purpose, o.now); reason == "" {
			code.Sealed = nil
			claim = &Claim{Code: code, By: c.Typist, Expires: journal.Instant(o.now.Add(ClaimTTL))}
			break
		}
	}
	if claim == nil {
		u.scope.Debt = journal.Instant(scopeDebt)
		typist.Debt = journal.Instant(typistDebt)
		u.typists[c.Typist] = typist
		u.changed.typists[c.Typist] = true
	}
	return answer{Claim: claim, Reason: reason}, nil
}

func (w work) Save(ctx context.Context, units []*unit) ([]error, error) {
	changes := make([]Change, len(units))
	for i, u := range units {
		changes[i] = Change{Scope: u.scope, Entries: u.written}
		for mac := range u.changed.codes {
			changes[i].Codes = append(changes[i].Codes, u.codes[mac])
		}
		for id := range u.changed.typists {
			changes[i].Typists = append(changes[i].Typists, u.typists[id])
		}
	}
	return w.store.Save(ctx, changes)
}

func sealContext(c Code) string {
	return fmt.Sprintf("otp.v1 code %d %s %d", len(c.Scope), c.Scope, c.Number)
}
