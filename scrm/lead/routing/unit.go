package routing

import (
	"context"
	"slices"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/combine"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A unit is a line with what the commands at hand need and change of it.
type unit struct {
	line     Line
	visitors map[VisitorID]Visitor
	waiting  []Visitor // the oldest, of as many as are served at a time
	entries  map[string]*journal.Entry
	changed  []Visitor // in the order of their changes
	written  []journal.Entry
}

// visitor returns one whom a command names.
func (u *unit) visitor(id VisitorID) Visitor {
	v := u.visitors[id]
	v.ID = id
	return v
}

// drain serves those who wait, and ends the waiting of those who have waited for too long. changed
// reports whether something is to be stored of that.
func (u *unit) drain(r Roster, leads []Leads, version int64, now time.Time) (out Outcome, changed bool, err error) {
	if u.line.Version == 0 {
		return out, false, ErrUnknownLine
	}
	if version != 0 && (version != u.line.Version || len(u.written) > 0) {
		return out, false, ErrMoved
	}
	line, err := u.line.At(now)
	if err != nil {
		return out, false, err
	}
	line, freed := line.Observe(leads)
	line, sent, lapsed := line.Drain(u.waiting, r, now)
	u.line = line
	for _, v := range sent {
		u.put(v)
		out.Served = append(out.Served, Served{v.ID, v.N, v.Account})
	}
	for _, v := range lapsed {
		u.put(v)
		out.Lapsed = append(out.Lapsed, Served{Visitor: v.ID, N: v.N})
	}
	out.Line = line
	return out, freed || len(sent)+len(lapsed) > 0, nil
}

// put adds a visitor to the change. Those who wait stay the oldest: one who begins to is among them
// where all of them are.
func (u *unit) put(v Visitor) {
	u.changed = append(slices.DeleteFunc(slices.Clone(u.changed), func(o Visitor) bool { return o.ID == v.ID }), v)
	u.visitors[v.ID] = v
	u.waiting = slices.DeleteFunc(slices.Clone(u.waiting), func(w Visitor) bool { return w.ID == v.ID })
	if v.Waiting && int64(len(u.waiting)) == u.line.Waiting-1 {
		u.waiting = append(u.waiting, v)
	}
}

// A result is an outcome, and whether it is that of before.
type result struct {
	Outcome
	replayed bool
}

// work is combine.Work for the commands of an engine.
type work struct{ *Engine }

func (work) Subject(o op) string { return string(o.line) }

func (e work) Load(ctx context.Context, groups [][]op, _ bool) ([]*unit, error) {
	units := make([]*unit, len(groups))
	var looks []storage.Look
	var found []*visitorRow
	for i, group := range groups {
		u := &unit{visitors: map[VisitorID]Visitor{}, entries: map[string]*journal.Entry{}}
		u.line.ID = group[0].line
		units[i] = u
		l := storage.Look{Reads: []storage.Read{lines.Get(&u.line)}}
		for _, o := range group {
			for _, id := range o.visitors {
				if _, known := u.visitors[id]; id != "" && !known {
					v := &visitorRow{line: o.line, Visitor: Visitor{ID: id}}
					u.visitors[id] = v.Visitor
					l.Reads, found = append(l.Reads, visitors.Get(v)), append(found, v)
				}
			}
		}
		looks = append(looks, l)
		for _, o := range group {
			if o.key != "" {
				looks = append(looks, storage.Look{Subject: LineSubject(o.line), Key: o.key})
			}
		}
	}
	if err := e.frame.Store.Load(ctx, looks); err != nil {
		return nil, err
	}
	of := map[ids.Line]*unit{}
	for _, u := range units {
		of[u.line.ID] = u
	}
	for _, v := range found {
		of[v.line].visitors[v.ID] = v.Visitor
	}
	n := 0
	for i, u := range units {
		n++
		for _, o := range groups[i] {
			if o.key != "" {
				u.entries[o.key] = looks[n].Entry
				n++
			}
		}
		if u.line.Waiting == 0 || !slices.ContainsFunc(groups[i], func(o op) bool { return o.serves }) {
			continue
		}
		for v, err := range e.Waiting(ctx, u.line.ID, drained) {
			if err != nil {
				return nil, err
			}
			u.waiting = append(u.waiting, v)
		}
	}
	return units, nil
}

// Stale has what was refused after changes that are yet to be stored asked again.
func (w work) Stale(u *unit) bool { return w.Dirty(u) }

func (work) Dirty(u *unit) bool { return len(u.written) > 0 }

func (work) Decide(_ context.Context, u *unit, o op) (result, error) {
	if entry := u.entries[o.key]; entry != nil {
		r := result{replayed: true}
		err := entry.Replay(o.hash, &r.Line)
		return r, err
	}
	was := *u
	out, changed, err := o.decide(u, o.now)
	if err != nil || !changed {
		*u = was
		return result{Outcome: out}, err
	}
	u.line.Seq++
	out.Line = u.next()
	e := journal.Entry{Subject: LineSubject(o.line), Seq: u.line.Seq, Key: o.key, Kind: o.kind, At: o.now, By: o.by, Input: o.hash}
	if o.key == "" {
		e.Result = journal.JSON(out)
	} else {
		e.Result = journal.JSON(out.Line)
		u.entries[o.key] = &e
	}
	u.written = append(u.written, e)
	return result{Outcome: out}, nil
}

// next returns the line as it is to be stored.
func (u *unit) next() Line {
	line := u.line
	line.Version++
	return line
}

func (e work) Save(ctx context.Context, units []*unit) ([]error, error) {
	changes := make([]storage.Change, len(units))
	for i, u := range units {
		line := u.next()
		c := storage.Change{Rows: []storage.Row{lines.Save(&line)}, Entries: u.written}
		for _, v := range u.changed {
			c.Rows = append(c.Rows, visitors.Put(&visitorRow{line.ID, v}))
		}
		changes[i] = c
	}
	return e.frame.Store.Save(ctx, changes)
}

var _ combine.Work[op, *unit, result] = work{}
