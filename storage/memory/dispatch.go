package memory

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/scrmkit/scrmkit/scrm/lead/dispatch"
	"github.com/scrmkit/scrmkit/storage/journal"
)

type dispatchStore struct{ unit }

// Load implements [dispatch.Store].
func (s dispatchStore) Load(ctx context.Context, lookups []dispatch.Lookup) ([]dispatch.Loaded, error) {
	found := make([]dispatch.Loaded, len(lookups))
	err := s.do(ctx, func(t *tables) error {
		for i, l := range lookups {
			f := &found[i]
			f.Line = cloneLine(t.lines[l.Line])
			f.Line.ID = l.Line
			for _, id := range l.Visitors {
				v := t.lineVisitors[l.Line][id]
				v.ID = id
				f.Visitors = append(f.Visitors, v)
			}
			if l.Key != "" {
				f.Entry = t.entry(l.Line.Subject(), l.Key)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Save implements [dispatch.Store].
func (s dispatchStore) Save(ctx context.Context, changes []dispatch.Change) ([]error, error) {
	return saveEach(ctx, s.unit, changes, func(t *tables, c dispatch.Change) error {
		switch {
		case t.used(c.Entries):
			return journal.ErrDuplicate
		case t.lines[c.Line.ID].Version != c.Line.Version-1:
			return journal.ErrConflict
		}
		put(t, t.lines, c.Line.ID, cloneLine(c.Line))
		for _, v := range c.Visitors {
			v.Came, v.Sent, v.Debt = journal.Instant(v.Came), journal.Instant(v.Sent), journal.Instant(v.Debt)
			put(t, within(t.lineVisitors, c.Line.ID), v.ID, v)
		}
		t.record(c.Entries)
		return nil
	})
}

// Lines implements [dispatch.Store].
func (s dispatchStore) Lines(ctx context.Context) iter.Seq2[dispatch.Line, error] {
	return yieldAll(ctx, s.unit, func(t *tables) ([]dispatch.Line, error) {
		var found []dispatch.Line
		for _, l := range t.lines {
			found = append(found, cloneLine(l))
		}
		slices.SortFunc(found, func(a, b dispatch.Line) int { return cmp.Compare(a.ID, b.ID) })
		return found, nil
	})
}

// Waiting implements [dispatch.Store].
func (s dispatchStore) Waiting(ctx context.Context, id dispatch.LineID, limit int) iter.Seq2[dispatch.Visitor, error] {
	return yieldAll(ctx, s.unit, func(t *tables) ([]dispatch.Visitor, error) {
		var found []dispatch.Visitor
		for _, v := range t.lineVisitors[id] {
			if v.Waiting && v.N > 0 {
				found = append(found, v)
			}
		}
		slices.SortFunc(found, func(a, b dispatch.Visitor) int { return cmp.Compare(a.N, b.N) })
		return first(found, limit), nil
	})
}

func cloneLine(l dispatch.Line) dispatch.Line {
	l.Settings.Accounts, l.Taken, l.Today = slices.Clone(l.Settings.Accounts), slices.Clone(l.Taken), journal.Instant(l.Today)
	l.Debt = journal.Instant(l.Debt)
	for i := range l.Taken {
		t := &l.Taken[i]
		if t.Places = slices.Clone(t.Places); t.Leads != nil {
			leads := *t.Leads
			leads.Day = journal.Instant(leads.Day)
			t.Leads = &leads
		}
	}
	return l
}
