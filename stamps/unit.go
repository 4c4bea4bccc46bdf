package stamps

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/internal/engine"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A command is one of the structs that an Engine runs.
type command interface {
	check() error
	kind() journal.Kind[Outcome] // of the journal's entry
	key() string
	lookup() lookup // without Entry and Key
	decide(u *unit, now time.Time) (Decision, error)
}

// An op is a command at its time.
type op struct {
	command
	now     time.Time
	subject string // of the journal's entry
	input   []byte // its hash
}

// A unit is a card, or a pair of them, with what the commands at hand need of it.
type unit struct {
	loaded  loaded
	peer    *loaded // of a Transfer
	stock   *stock  // of a Claim
	rules   Rules
	now     *Program
	coupons map[int64]Coupon
	records map[int64]Record
	newest  *Record         // what lookup.Record -1 found
	entries []journal.Entry // that were stored before
	change  change
	cached  bool
}

// stock numbers what a handout gives in one batch of claims. A number that turns out to be taken is
// a conflict.
type stock struct{ next int64 }

// work is combine.Work for the commands of an engine.
type work struct{ *Engine }

func (work) Subject(o op) string { return o.subject }

func subject(c command) string {
	l := c.lookup()
	switch c := c.(type) {
	case Claim:
		return journal.Subject("stamps-claim", string(c.Program), string(c.Member))
	default:
		return l.Card.subject()
	}
}

func (id CardID) subject() string {
	if id.Claim != 0 {
		return journal.Subject("stamps", string(id.Program), string(id.Member), fmt.Sprint(id.Claim))
	}
	return journal.Subject("stamps", string(id.Program), string(id.Member))
}

func (e work) Load(ctx context.Context, groups [][]op, fresh bool) ([]*unit, error) {
	units := make([]*unit, len(groups))
	var lookups []lookup
	var owner []*unit
	for g, group := range groups {
		if !fresh {
			if u := e.cached(group); u != nil {
				units[g] = u
				continue
			}
		}
		units[g] = &unit{coupons: map[int64]Coupon{}, records: map[int64]Record{}}
		for _, o := range group {
			l := o.lookup()
			l.Entry, l.Key = o.subject, o.key()
			lookups, owner = append(lookups, l), append(owner, units[g])
			if t, ok := o.command.(Transfer); ok {
				lookups = append(lookups, lookup{Card: t.To, Entry: t.To.subject(), Key: t.Key})
				owner = append(owner, units[g])
			}
			if c, ok := o.command.(Cancel); ok && c.Of != "" {
				lookups = append(lookups, lookup{Card: c.Card, Entry: o.subject, Key: c.Of})
				owner = append(owner, units[g])
			}
		}
	}
	if len(lookups) > 0 {
		found, err := load(ctx, e.frame.Store, lookups)
		if err != nil {
			return nil, err
		}
		for i, f := range found {
			owner[i].add(lookups[i], f)
		}
		if err := e.named(ctx, groups, units); err != nil {
			return nil, err
		}
	}
	for _, u := range units {
		if err := e.rules(ctx, u); err != nil && !errors.Is(err, ErrUnknownProgram) {
			return nil, err
		}
	}
	return units, e.stocks(ctx, groups, units)
}

// named loads the records of the Adds that cancels name by their keys, which a key does for ever.
func (e work) named(ctx context.Context, groups [][]op, units []*unit) error {
	var lookups []lookup
	var owner []*unit
	for g, group := range groups {
		for _, o := range group {
			if c, ok := o.command.(Cancel); ok && c.Of != "" {
				if seq := units[g].added(c.Of); seq != 0 {
					lookups, owner = append(lookups, lookup{Card: c.Card, Record: seq}), append(owner, units[g])
				}
			}
		}
	}
	if len(lookups) == 0 {
		return nil
	}
	found, err := load(ctx, e.frame.Store, lookups)
	for i, f := range found {
		owner[i].add(lookups[i], f)
	}
	return err
}

// stocks gives the claims of a program the number that comes next. The highest one is followed by
// the end of the stock only where no number below was left free, by a claim that met another's.
func (e work) stocks(ctx context.Context, groups [][]op, units []*unit) error {
	stocks := map[ProgramID]*stock{}
	for i, u := range units {
		claim, ok := groups[i][0].command.(Claim)
		if !ok || u.now == nil || u.now.def.Handout == nil {
			continue
		}
		s := stocks[claim.Program]
		if s == nil {
			s = &stock{next: u.loaded.Taken + 1}
			stocks[claim.Program] = s
			if most := u.now.def.Handout.Stock; s.next > most && !e.soldOut(claim.Program, most) {
				free, err := lowestFree(ctx, e.frame.Store, claim.Program, most)
				if err != nil {
					return err
				}
				if s.next = free; s.next > most && !e.frame.Bound {
					e.shared.sold.Add(e.frame.Tenant(), claim.Program, most)
				}
			}
		}
		u.stock = s
	}
	return nil
}

// soldOut reports whether a stock of that size was found to have no free number. None comes back.
func (e *Engine) soldOut(id ProgramID, most int64) bool {
	sold, ok := e.shared.sold.Get(e.frame.Tenant(), id)
	return ok && sold >= most
}

// cached returns the unit of a card that is in memory, for commands that need nothing else of it.
func (e *Engine) cached(group []op) *unit {
	if e.frame.Dry {
		return nil
	}
	for _, o := range group {
		if _, ok := o.command.(Add); !ok {
			return nil
		}
	}
	card, ok := e.shared.cards.Get(e.frame.Tenant(), group[0].lookup().Card)
	if !ok {
		return nil
	}
	return &unit{loaded: loaded{Card: card}, cached: true}
}

func (u *unit) add(l lookup, f loaded) {
	if u.loaded.Card.ID != (CardID{}) && l.Card != u.loaded.Card.ID {
		u.peer = &f
		return
	}
	// Of several look-ups the oldest card counts, so that what was read before another change meets
	// a conflict.
	if u.loaded.Card.ID == (CardID{}) || f.Card.Version < u.loaded.Card.Version {
		u.loaded.Card = f.Card
	}
	u.loaded.Taken, u.loaded.Claimed = max(u.loaded.Taken, f.Taken), max(u.loaded.Claimed, f.Claimed)
	if f.Record != nil {
		u.records[f.Record.Seq] = *f.Record
		if l.Record == -1 {
			u.newest = f.Record
		}
	}
	for _, c := range f.Coupons {
		u.coupons[c.ID.N] = c
	}
	if f.Entry != nil {
		u.entries = append(u.entries, *f.Entry)
	}
}

// rules gives u the versions of the program that its rounds and coupons began with.
func (e *Engine) rules(ctx context.Context, u *unit) error {
	id := u.loaded.Card.ID.Program
	now, err := e.Program(ctx, id, 0)
	if err != nil {
		return err
	}
	var others []*Program
	need := func(version int) error {
		if version == now.def.Version || slices.ContainsFunc(others, func(p *Program) bool { return p.def.Version == version }) {
			return nil
		}
		p, err := e.Program(ctx, id, version)
		if err == nil {
			others = append(others, p)
		}
		return err
	}
	card := func(c *Card) (err error) {
		if c.Version > 0 {
			err = need(c.Began)
		}
		for i := 0; i < len(c.State.Done) && err == nil; i++ {
			err = need(c.State.Done[i].Version)
		}
		return err
	}
	err = card(&u.loaded.Card)
	if u.peer != nil && err == nil {
		err = card(&u.peer.Card)
	}
	for _, c := range u.coupons {
		if err == nil {
			err = need(c.Began)
		}
	}
	for _, r := range u.records {
		if err == nil && r.Began != 0 {
			err = need(r.Began)
		}
	}
	if err != nil {
		return err
	}
	u.now, u.rules = now, NewRules(now, others...)
	return nil
}

func (e work) Stale(u *unit) bool { return u.cached || e.Dirty(u) }

func (e work) Dirty(u *unit) bool { return len(u.change.Entries) > 0 && !e.frame.Dry }

func (e work) Decide(_ context.Context, u *unit, o op) (Outcome, error) {
	if entry := u.entry(o.key()); entry != nil {
		var out Outcome
		err := entry.Replay(o.input, &out)
		out.Replayed = true
		return out, err
	}
	if _, folds := o.command.(Add); !folds && len(u.change.Entries) > 0 {
		return Outcome{}, combine.ErrAgain // it needs records and coupons as they are stored
	}
	if u.peer != nil && u.peer.Entry != nil {
		if bytes.Equal(u.peer.Entry.Input, o.input) {
			return Outcome{}, combine.ErrAgain // it was stored between the reading of one card and of the other
		}
		return Outcome{}, journal.ErrKeyReused
	}
	if u.now == nil {
		return Outcome{}, ErrUnknownProgram
	}
	d, err := o.decide(u, o.now)
	if err != nil || len(d.Records) == 0 {
		return d.Outcome, err
	}
	u.take(o, o.subject, u.loaded.Card, &d)
	if d.also != nil {
		d.Peer = &d.also.Card
		u.take(o, d.also.Card.ID.subject(), u.peer.Card, d.also)
	}
	return d.Outcome, nil
}

// entry returns what the journal, or the change so far, has for the key.
func (u *unit) entry(key string) *journal.Entry {
	return engine.Find(key, u.entries, u.change.Entries)
}

// take adds a decision on one card to the change.
func (u *unit) take(o op, subject string, before Card, d *Decision) {
	ch := &u.change
	if i := slices.IndexFunc(ch.Cards, func(c Card) bool { return c.ID == d.Card.ID }); i >= 0 {
		d.Card.Version = ch.Cards[i].Version
		ch.Cards[i] = d.Card
	} else {
		ch.Cards = append(ch.Cards, d.Card)
	}
	entry := journal.Entry{
		Subject: subject, Seq: d.Record.Seq, Key: o.key(), Kind: string(o.kind()), At: o.now, By: d.Record.By, Input: o.input,
		Before: summary(before), Result: journal.JSON(&d.Outcome),
	}
	if d.Card.ID.Claim != 0 && before.ID.Claim == 0 {
		entry.Seq, entry.Before = d.Card.ID.Claim, nil
	}
	u.loaded.Card = d.Card
	ch.Records = append(ch.Records, d.Records...)
	ch.Coupons = append(ch.Coupons, d.Coupons...)
	ch.Entries = append(ch.Entries, entry)
}

func (e work) Save(ctx context.Context, units []*unit) ([]error, error) {
	changes := make([]storage.Change, len(units))
	for i, u := range units {
		changes[i] = u.change.stored()
	}
	errs, err := e.frame.Store.Save(ctx, changes)
	for i, u := range units {
		for _, c := range u.change.Cards {
			stored := !e.frame.Bound && err == nil && errs[i] == nil // and no rollback can follow
			e.shared.cards.Saved(e.frame.Tenant(), c.ID, c, stored && c.ID.Claim == 0)
		}
	}
	return errs, err
}

// summary is what the journal tells of a card before a change.
func summary(c Card) json.RawMessage {
	if c.Version == 0 {
		return nil
	}
	return journal.JSON(struct {
		Version int64 `json:"version"`
		Round   int64 `json:"round"`
		Count   int64 `json:"count"`
		Total   int64 `json:"total"`
	}{c.Version, c.Round, c.Count, c.Total})
}
