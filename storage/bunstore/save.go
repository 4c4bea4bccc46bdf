package bunstore

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A row of a table, and what is done with it.
type row struct {
	*table
	verb   storage.Verb
	most   int64
	values []storage.Value // of a VerbDrop and a VerbAbsent those of the key
}

// first reports whether the row is a root that must not be there yet.
func (r row) first() bool { return r.values[len(r.table.key)].Int == 1 }

// inserts reports whether the row must not be there yet, or may not be.
func (r row) inserts() bool { return r.verb != storage.VerbSave || r.first() }

// A change is stored whole or not at all.
type change struct {
	guards  []row // must not be there
	firm    []row // may be refused: roots, rows that must be new, and those that are added within bounds; in the order in which they are locked
	rest    []row // may not, once the others are stored
	entries []row // whose keys must be new
}

// changeOf returns a change as the writers see it.
func (c *core) changeOf(s storage.Change) (to change, err error) {
	for _, r := range s.Rows {
		w := row{table: c.tableOf(r.Table), verb: r.Verb, most: r.Most}
		if w.values, err = r.Values(make([]storage.Value, 0, len(w.columns))); err != nil {
			return change{}, err
		}
		switch {
		case r.Verb == storage.VerbAbsent:
			to.guards = append(to.guards, w)
		case r.Verb == storage.VerbSave, r.Verb == storage.VerbAddWithin, r.Verb == storage.VerbInsert && r.Table.Parent == nil:
			to.firm = append(to.firm, w)
		default:
			to.rest = append(to.rest, w)
		}
	}
	to.sort()
	if len(to.rest) > 1 {
		to.rest = lastOfEach(to.rest)
	}
	to.entries = entryRows(s.Entries)
	return to, nil
}

// sort puts the firm rows in the order in which they are locked: the tables as the change names
// them, so that a change locks what several would in a transaction, one after the other; and those
// of one table by their keys.
func (c *change) sort() {
	var tables []*table
	for _, r := range c.firm {
		if !slices.Contains(tables, r.table) {
			tables = append(tables, r.table)
		}
	}
	slices.SortStableFunc(c.firm, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.turn(), b.turn()), cmp.Compare(slices.Index(tables, a.table), slices.Index(tables, b.table)), compareRows(a, b))
	})
}

// turn is when a row is written among those of its change: what others add to comes last, for the
// shortest time.
func (r row) turn() int {
	switch r.verb {
	case storage.VerbAdd:
		return 1
	case storage.VerbAddWithin:
		return 2
	}
	return 0
}

func entryRows(entries []journal.Entry) []row {
	if len(entries) == 0 {
		return nil
	}
	rows := make([]row, len(entries))
	for i, e := range entries {
		str := func(s string) storage.Value { return storage.Value{Kind: storage.KindText, Text: s} }
		raw := func(k storage.Kind, b []byte) storage.Value { return storage.Value{Kind: k, Bytes: b} }
		rows[i] = row{table: entryTable, verb: storage.VerbInsert, values: []storage.Value{
			str(e.Subject), str(e.Key), {Kind: storage.KindInt, Int: e.Seq}, str(e.Kind), instantValue(e.At), str(e.By),
			raw(storage.KindBytes, e.Input), raw(storage.KindJSON, e.Before), raw(storage.KindJSON, e.Result),
		}}
	}
	return rows
}

// keyed reports whether a row of the journal has a key, which must then be new.
func keyed(entry row) bool { return entry.values[1].Text != "" }

// Save implements [storage.Store].
func (u unit) Save(ctx context.Context, changes []storage.Change) ([]error, error) {
	if err := u.changing(ctx); err != nil {
		return nil, err
	}
	if len(changes) == 0 {
		return nil, nil
	}
	all := make([]change, len(changes))
	for i, c := range changes {
		var err error
		if all[i], err = u.changeOf(c); err != nil {
			return nil, u.fail(ctx, "save", err)
		}
	}
	errs := make([]error, len(all))
	err := u.learn(ctx)
	if err != nil {
		return nil, u.fail(ctx, "save", err)
	}
	if u.tx != nil && u.moved.Swap(false) {
		if err := u.beginEpoch(ctx); err != nil {
			return nil, u.fail(ctx, "save", err)
		}
	}
	if u.grammar == sqlite {
		err = u.saveInOne(ctx, all, errs)
	} else {
		err = u.certain(ctx, all, func() error { return u.saveByStatement(ctx, all, errs) })
	}
	if err != nil {
		return nil, u.fail(ctx, "save", err)
	}
	return errs, nil
}

// saveInOne stores all changes in one transaction: without savepoints, as long as none of them is
// lost.
func (u unit) saveInOne(ctx context.Context, changes []change, errs []error) error {
	if u.tx != nil {
		return u.saveSteps(ctx, changes, errs)
	}
	err := u.again(ctx, func() error {
		return u.begin(ctx, func(u unit) error {
			for _, c := range changes {
				if err := u.steps(ctx, c); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if lost(err) == nil {
		return err
	}
	return u.again(ctx, func() error {
		return u.begin(ctx, func(u unit) error { return u.saveSteps(ctx, changes, errs) })
	})
}

// saveSteps stores each change by itself in the transaction of the unit.
func (u unit) saveSteps(ctx context.Context, changes []change, errs []error) (err error) {
	for i, c := range changes {
		if errs[i], err = u.saveStep(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// saveByStatement stores the changes with as few statements as they allow: those of one root of a
// table together, and each of the others in one of its own.
func (u unit) saveByStatement(ctx context.Context, changes []change, errs []error) error {
	for _, some := range batches(changes) {
		if err := u.saveBatch(ctx, changes, some, errs); err != nil {
			return err
		}
	}
	if u.tx != nil {
		return u.hold(ctx, changes, errs)
	}
	return nil
}

// saveBatch stores some of the changes, each by itself: in one statement or, where that is not
// enough to tell why one is refused, step by step.
func (u unit) saveBatch(ctx context.Context, changes []change, some []int, errs []error) error {
	fits := true
	for _, i := range some {
		within := u.tx != nil // where nothing may fail
		fits = fits && changes[i].fits(within) && !(within && len(some) > 1 && len(changes[i].firm) > 1)
	}
	switch {
	case u.distributed() && u.tx == nil:
		return u.saveTogether(ctx, changes, some, errs)
	case u.distributed():
	case fits:
		err := u.once(ctx, func() error { return u.explained(ctx, u.saveFast(ctx, changes, some, errs), u.tx == nil) })
		if !undecided(err) || u.tx != nil {
			return err
		}
	}
	for _, i := range some {
		step := func(u unit) error { return u.saveSteps(ctx, changes[i:i+1], errs[i:i+1]) }
		var err error
		if u.tx != nil {
			err = step(u)
		} else {
			err = u.again(ctx, func() error { return u.begin(ctx, step) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// saveTogether stores some of the changes, which batches has put together, in one transaction, or
// where one of them is lost each in its own.
func (u unit) saveTogether(ctx context.Context, changes []change, some []int, errs []error) error {
	var all change
	for _, i := range some {
		all.guards = append(all.guards, changes[i].guards...)
		all.firm = append(all.firm, changes[i].firm...)
		all.rest = append(all.rest, changes[i].rest...)
		all.entries = append(all.entries, changes[i].entries...)
	}
	all.sort()
	all.rest = lastOfEach(all.rest)
	err := u.again(ctx, func() error {
		return u.begin(ctx, func(u unit) error { return u.steps(ctx, all) })
	})
	refused := lost(err)
	if refused == nil {
		for _, i := range some {
			errs[i] = nil
		}
		return err
	}
	if len(some) == 1 {
		errs[some[0]] = refused
		return nil
	}
	for n := range some {
		if err := u.saveTogether(ctx, changes, some[n:n+1], errs); err != nil {
			return err
		}
	}
	return nil
}

// undecided tells of a statement that met a transaction of the same moment, which took a key or a
// place that was free: step by step it is told which change that meets.
func undecided(err error) bool {
	const divisionByZero = "22012" // see fastWriter.lone
	return taken(err) || state(err) == divisionByZero
}

// hold locks the roots of the changes that met a conflict until the transaction ends: who loses to
// another one loses once, however many want the same rows.
func (u unit) hold(ctx context.Context, changes []change, errs []error) error {
	var rows []row
	for i, c := range changes {
		if errors.Is(errs[i], journal.ErrConflict) {
			for _, r := range c.firm {
				if r.verb == storage.VerbSave {
					rows = append(rows, r)
				}
			}
		}
	}
	slices.SortFunc(rows, compareRows)
	for _, r := range rows {
		if _, err := u.step(ctx, hold, r); err != nil {
			return err
		}
	}
	return nil
}

// lastOfEach returns the rows by their turns, tables and keys, without those that a later one
// replaces.
func lastOfEach(rows []row) []row {
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.turn(), b.turn()), compareRows(a, b)) })
	last := rows[:0]
	for i, r := range rows {
		if i+1 < len(rows) && r.verb == storage.VerbPut && compareRows(r, rows[i+1]) == 0 {
			continue
		}
		last = append(last, r)
	}
	return last
}

// compareRows orders rows by their tables and their keys.
func compareRows(a, b row) int {
	if a.table != b.table {
		return cmp.Compare(a.name, b.name)
	}
	return compareKeys(a.values, b.values, len(a.key))
}

// compareKeys orders rows by their first n values.
func compareKeys(a, b []storage.Value, n int) int {
	for i := range n {
		if c := a[i].Compare(b[i]); c != 0 {
			return c
		}
	}
	return 0
}
