package bunstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A shape is what the text of a Save in one statement depends on.
type shape struct {
	many    bool             // changes of one root each, as arrays; firm has the root
	firm    [maxFirm]firm    // rows of the one change
	groups  [maxGroups]group // guards first
	entries int              // rows of the journal
	keyed   bool             // one of them has a key
	within  bool             // a transaction that has other statements too
}

const (
	maxFirm   = 4
	maxGroups = 8
	maxLone   = 2  // rows of a group that are plain arguments
	arrayed   = -1 // the number of rows that are arrays
)

// A firm row of a shape.
type firm struct {
	table  *table
	verb   storage.Verb
	insert bool // the row, or one of many, must not be there yet
	update bool // or must be there
	place  bool // it takes a place in a unique index besides the key
}

// A group is rows of one table with which the same is done.
type group struct {
	table *table
	verb  storage.Verb
	own   bool // their keys begin with that of the root, which they are written without
	rows  int
}

// from is the first column of a row that is written.
func (g group) from(root *table) int {
	if g.own {
		return len(root.key)
	}
	return 0
}

// columns are those that are written.
func (g group) columns(root *table) []column {
	if g.verb == storage.VerbDrop || g.verb == storage.VerbAbsent {
		return g.table.key
	}
	return g.table.columns[g.from(root):]
}

// A plan is what one statement stores.
type plan struct {
	shape
	firm    []row      // of the one change, or the root of each
	groups  []numbered // as in the shape
	entries numbered
}

// numbered rows have the ordinals of their changes.
type numbered struct {
	rows []row
	of   []int64
}

func (n *numbered) add(r row, of int) {
	n.rows, n.of = append(n.rows, r), append(n.of, int64(of))
}

// fits reports whether a change may be stored in one statement. Within a transaction it must not
// fail, so there is at most one row that another transaction might insert at the same moment.
func (c change) fits(within bool) bool {
	inserts := 0
	for i, r := range c.firm {
		if r.inserts() {
			inserts++
		}
		for _, o := range c.firm[:i] { // one may take the place that another leaves
			if o.table == r.table && len(r.uniques) > 0 {
				return false
			}
		}
	}
	groups := map[group]bool{}
	for _, r := range slices.Concat(c.guards, c.rest) {
		groups[group{table: r.table, verb: r.verb}] = true
	}
	return len(c.firm) <= maxFirm && len(groups) <= maxGroups && !(within && inserts > 1)
}

// joins reports whether a change may be stored in one statement with others: it has one root, and
// other rows that are its children, must be new, or don't depend on what others write to them.
func (c change) joins() bool {
	t := c.together()
	if len(t.firm) != 1 || t.firm[0].verb != storage.VerbSave {
		return false
	}
	for _, r := range c.rest {
		if (r.verb == storage.VerbPut || r.verb == storage.VerbInsert) && !r.of(t.firm[0]) {
			return false
		}
	}
	return t.fits(false)
}

// root returns the one root of a change that joins others.
func (c change) root() row {
	return c.firm[slices.IndexFunc(c.firm, func(r row) bool { return r.verb == storage.VerbSave })]
}

// together returns a change as it is stored with others: a row that must be new beside its root may
// not be there, and is then written with the rest. The statement fails where another transaction
// writes it at the same moment.
func (c change) together() change {
	if len(c.firm) < 2 {
		return c
	}
	t := change{guards: slices.Clone(c.guards), rest: slices.Clone(c.rest), entries: c.entries}
	for _, r := range c.firm {
		if r.verb != storage.VerbInsert || len(r.uniques) > 0 {
			t.firm = append(t.firm, r)
			continue
		}
		t.guards = append(t.guards, row{table: r.table, verb: storage.VerbAbsent, values: r.values[:len(r.key)]})
		t.rest = append(t.rest, r)
	}
	return t
}

// claims are the keys that changes of one statement rule out: true where one of them writes a row
// with it.
type claims map[string]bool

// add adds those of a change, and returns whether no other change rules out what this one writes, or
// writes what this one rules out. Then the order in which they are stored does not matter.
func (k claims) add(c change) bool {
	type claim struct {
		key    string
		writes bool
	}
	var own []claim
	for _, rows := range [][]row{c.guards, c.firm} {
		for _, r := range rows {
			if r.verb != storage.VerbAbsent && r.verb != storage.VerbInsert {
				continue
			}
			key := []byte(r.name)
			for _, v := range r.values[:len(r.key)] {
				key = fmt.Appendf(key, " %d %q %q", v.Int, v.Text, v.Bytes)
			}
			mine := claim{string(key), r.verb == storage.VerbInsert}
			if written, claimed := k[mine.key]; claimed && (written || mine.writes) {
				return false
			}
			own = append(own, mine)
		}
	}
	for _, c := range own {
		k[c.key] = k[c.key] || c.writes
	}
	return true
}

// of reports whether the row is a child of that root.
func (r row) of(root row) bool {
	return r.def.Parent == root.def && root.def.Root && compareKeys(r.values, root.values, len(root.key)) == 0
}

// empty reports whether nothing is to be stored.
func (c change) empty() bool { return len(c.guards)+len(c.firm)+len(c.rest)+len(c.entries) == 0 }

// batches returns which changes go into one statement together: each list in the order of keys, so
// that statements of the same moment take their rows in one order.
func batches(changes []change) (all [][]int) {
	type key struct{ subject, key string }
	used := make(map[key]bool, len(changes))
	together, groups, claimed := map[*table]int{}, map[*table]map[group]bool{}, claims{}
	var alone [][]int
	for i, c := range changes {
		if c.empty() {
			continue
		}
		joins := c.joins()
		for _, e := range c.entries {
			if keyed(e) {
				k := key{e.values[0].Text, e.values[1].Text}
				joins = joins && !used[k]
				used[k] = true
			}
		}
		if !joins || !claimed.add(c) {
			alone = append(alone, []int{i})
			continue
		}
		c = c.together()
		root := c.firm[0].table
		n, known := together[root]
		if !known {
			n = len(all)
			together[root], groups[root] = n, map[group]bool{}
			all = append(all, nil)
		}
		for _, r := range slices.Concat(c.guards, c.rest) {
			groups[root][group{table: r.table, verb: r.verb}] = true
		}
		all[n] = append(all[n], i)
	}
	for root, n := range together {
		if len(groups[root]) > maxGroups {
			for _, i := range all[n] {
				alone = append(alone, []int{i})
			}
			all[n] = nil
		}
		slices.SortFunc(all[n], func(a, b int) int { return compareRows(changes[a].root(), changes[b].root()) })
	}
	all = append(all, alone...)
	return slices.DeleteFunc(all, func(some []int) bool { return len(some) == 0 })
}

// planOf returns the plan of some of the changes.
func planOf(changes []change, some []int) (p plan) {
	p.many = len(some) > 1
	for n, i := range some {
		c := changes[i]
		if p.many {
			c = c.together()
		}
		for k, r := range c.firm {
			if p.many {
				k = 0
			}
			f := &p.shape.firm[k]
			f.table, f.verb = r.table, r.verb
			f.insert, f.update, f.place = f.insert || r.inserts(), f.update || !r.inserts(), f.place || r.takes()
			p.firm = append(p.firm, r)
		}
		for _, rows := range [][]row{c.guards, c.rest} {
			for _, r := range rows {
				g := p.group(r, len(c.firm) == 1 && (r.verb == storage.VerbPut || r.verb == storage.VerbInsert) && r.of(c.firm[0]))
				p.groups[g].add(r, n+1)
			}
		}
		for _, e := range c.entries {
			p.keyed = p.keyed || keyed(e)
			p.entries.add(e, n+1)
		}
	}
	rows := func(n int) int {
		if p.many && n > 0 || n > maxLone {
			return arrayed
		}
		return n
	}
	for i, g := range p.groups {
		p.shape.groups[i].rows = rows(len(g.rows))
	}
	p.shape.entries = rows(len(p.entries.rows))
	return p
}

// group returns the number of the group of a row.
func (p *plan) group(r row, own bool) int {
	for i := range p.groups {
		if g := &p.shape.groups[i]; g.table == r.table && g.verb == r.verb {
			g.own = g.own && own
			return i
		}
	}
	p.shape.groups[len(p.groups)] = group{table: r.table, verb: r.verb, own: own}
	p.groups = append(p.groups, numbered{})
	return len(p.groups) - 1
}

// saveFast stores some of the changes, each by itself, in one statement.
func (u unit) saveFast(ctx context.Context, changes []change, some []int, errs []error) error {
	for _, i := range some {
		errs[i] = nil
	}
	p := planOf(changes, some)
	p.within = u.tx != nil
	statement := u.statement(p.shape, func() string { return fastText(p.shape) })
	return u.query(ctx, statement, len(some), u.planArgs(p), func(rows Rows) error {
		var ord int
		var used, bound bool
		if err := rows.Scan(&ord, &used, &bound); err != nil {
			return err
		}
		err := journal.ErrConflict
		switch {
		case used:
			err = journal.ErrDuplicate
		case bound:
			err = storage.ErrBound
		}
		errs[some[ord-1]] = err
		return nil
	})
}

// planArgs returns the arguments of the statement, in the order in which fastWriter takes them.
func (u unit) planArgs(p plan) []any {
	w := argWriter{grammar: u.grammar, args: append(make([]any, 0, 64), u.tenant)}
	grow := size(p.entries.rows)
	for _, g := range p.groups {
		grow += size(g.rows)
	}
	if p.many {
		w.text.Grow(grow + size(p.firm))
		w.columns(p.firm, 0, len(p.firm[0].columns))
	} else {
		for _, r := range p.firm {
			if w.values(r.values); r.verb == storage.VerbAddWithin {
				w.args = append(w.args, r.most)
			}
		}
	}
	root := p.shape.firm[0].table
	for i, g := range p.groups {
		of := p.shape.groups[i]
		first := of.from(root)
		w.numbered(g, of.rows, p.many, first, first+len(of.columns(root)))
	}
	w.numbered(p.entries, p.shape.entries, p.many, 0, len(entryTable.columns))
	return w.all()
}

// numbered adds the columns from first to last of rows: as values where they are few, and else as
// arrays, with the ordinals of their changes where those are many.
func (w *argWriter) numbered(n numbered, rows int, many bool, first, last int) {
	if rows != arrayed {
		for _, r := range n.rows {
			w.values(r.values[first:last])
		}
		return
	}
	if many {
		w.numbers(n.of)
	}
	w.columns(n.rows, first, last)
}
