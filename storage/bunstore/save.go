package bunstore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// A row of a table, with a value a column: a string, an int64, a time.Time, a []byte or, as text, a json.RawMessage.
type row struct {
	table  *table
	values []any
}

// version is the one that the row is to have; the stored one must be one less, and there must be no row where that is 0.
func (r row) version() int64 { return r.values[len(r.table.key)].(int64) }

func (r row) key() []any { return r.values[:len(r.table.key)] }

// A change is stored whole or not at all.
type change struct {
	roots    []row // by compare-and-swap
	fresh    []row // without a version, and new
	children []row // new or other; by their tables and keys
	ended    []row // sessions, whose ports without an account are closed
	entries  []row // whose keys must be new
	counts   []row // that are added to, each within its bound
	sums     []row // whose numbers are added to those of the row that is there
	kept     []row // new, or not stored
	dropped  []row // by their keys alone
	guards   []row // by their keys alone: must not be there
}

func entryRows(entries []journal.Entry) []row {
	rows := make([]row, len(entries))
	for i, e := range entries {
		rows[i] = row{entryTable, []any{
			e.Subject, e.Key, e.Seq, e.Kind, e.At, e.By, e.Input, e.Before, e.Result,
		}}
	}
	return rows
}

// keyed reports whether a row of the journal has a key, which must then be new.
func keyed(entry row) bool { return entry.values[1] != "" }

// save stores each change by itself and returns an error a change, nil where it was stored.
func (u unit) save(ctx context.Context, op string, changes []change) ([]error, error) {
	if err := u.check(ctx); err != nil {
		return nil, err
	}
	if len(changes) == 0 {
		return nil, nil
	}
	for i := range changes {
		changes[i].children = lastOfEach(changes[i].children)
	}
	errs := make([]error, len(changes))
	var err error
	if u.grammar == sqlite {
		err = u.saveInOne(ctx, changes, errs)
	} else {
		err = u.saveByStatement(ctx, changes, errs)
	}
	if err != nil {
		return nil, u.fail(op, err)
	}
	return errs, nil
}

// saveInOne stores all changes in one transaction: without savepoints, as long as none of them is lost.
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

// saveByStatement stores the changes of one row with a version in one statement, and the others one by one.
func (u unit) saveByStatement(ctx context.Context, changes []change, errs []error) error {
	fast, slow := split(changes)
	if len(fast) > 0 {
		err := u.once(ctx, func() error { return u.saveFast(ctx, changes, fast, errs) })
		switch {
		case err == nil:
		case taken(err) && u.tx == nil:
			// A transaction of the same moment took a key or a number. Step by step it is told which change that meets.
			slow = append(slow, fast...)
		default:
			return err
		}
	}
	for _, i := range slow {
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
	if u.tx != nil {
		return u.hold(ctx, changes, errs)
	}
	return nil
}

// hold locks the rows of the changes that met a conflict until the transaction ends: who loses to another one loses once,
// however many want the same rows.
func (u unit) hold(ctx context.Context, changes []change, errs []error) error {
	var rows []row
	for i, c := range changes {
		if errors.Is(errs[i], journal.ErrConflict) {
			rows = append(rows, c.roots...)
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

// once runs fn, again where the database asks for it and no transaction of the caller's has to end first.
func (u unit) once(ctx context.Context, fn func() error) error {
	if u.tx != nil {
		return fn()
	}
	return u.again(ctx, fn)
}

// split returns which changes go into one statement, in the order of their keys so that statements of the same moment
// take their rows in one order, and which into none: those of several rows with versions, or of another table than the
// first, those with children whose keys do not begin with the root's, those that end sessions or add to counts, and those
// whose journal keys another one has.
func split(changes []change) (fast, slow []int) {
	type key struct{ subject, key any }
	used := make(map[key]bool, len(changes))
	var root *table
	for i, c := range changes {
		fits := len(c.roots) == 1 && len(c.fresh) == 0 && len(c.ended) == 0 && len(c.counts)+len(c.kept)+len(c.dropped)+len(c.guards) == 0 &&
			(root == nil || root == c.roots[0].table)
		for _, r := range c.sums {
			fits = fits && c.roots[0].table.sums == r.table
		}
		for _, r := range c.children {
			fits = fits && slices.Contains(c.roots[0].table.children, r.table) && compareValues(c.roots[0].key(), r.values) == 0
		}
		for _, e := range c.entries {
			if keyed(e) {
				k := key{e.values[0], e.values[1]}
				fits = fits && !used[k]
				used[k] = true
			}
		}
		if !fits {
			slow = append(slow, i)
			continue
		}
		root = c.roots[0].table
		fast = append(fast, i)
	}
	slices.SortFunc(fast, func(a, b int) int { return compareRows(changes[a].roots[0], changes[b].roots[0]) })
	return fast, slow
}

// lastOfEach returns the rows by their tables and keys, without those that a later one replaces.
func lastOfEach(rows []row) []row {
	if len(rows) < 2 {
		return rows
	}
	sorted := slices.Clone(rows)
	slices.SortStableFunc(sorted, compareRows)
	last := sorted[:0]
	for i, r := range sorted {
		if i+1 < len(sorted) && compareRows(r, sorted[i+1]) == 0 {
			continue
		}
		last = append(last, r)
	}
	return last
}

// compareRows orders rows by their tables and their keys.
func compareRows(a, b row) int {
	if a.table.name != b.table.name {
		return cmp.Compare(a.table.name, b.table.name)
	}
	return compareValues(a.key(), b.key())
}

func compareValues(a, b []any) int {
	for i, v := range a {
		var c int
		switch v := v.(type) {
		case string:
			c = cmp.Compare(v, b[i].(string))
		case int64:
			c = cmp.Compare(v, b[i].(int64))
		case []byte:
			c = bytes.Compare(v, b[i].([]byte))
		}
		if c != 0 {
			return c
		}
	}
	return 0
}
