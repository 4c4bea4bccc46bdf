package bunstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A gathering is what one statement reads for any number of Looks. Each of its rows of arguments,
// the relation l, has a place for one read of each slot, and for an entry of the journal.
type gathering struct {
	slots   []slot
	columns []column // of l
	entry   bool
}

// A slot is for one read of a Look, of those that differ in their values alone. A row of arguments
// has several slots for such reads, so that what most Looks read is one row.
type slot struct {
	shape string
	read  storage.Read // one of them
	begin int          // of the columns of its values in l
}

// maxAlike bounds the slots of a row for reads that differ in their values alone.
const maxAlike = 3

// A gathered row of arguments has the reads of its slots, nil where a slot is empty.
type gathered struct {
	entry *storage.Look // that the entry is for, or nil
	args  []storage.Value
	reads []*storage.Read
	rows  [][][]storage.Value // that each ReadAll found, with the values that order them
}

// Load implements [storage.Store].
func (u unit) Load(ctx context.Context, looks []storage.Look) error {
	if err := u.check(ctx); err != nil {
		return err
	}
	if u.replica && slices.ContainsFunc(looks, func(l storage.Look) bool { return l.Key != "" }) {
		return ErrReplica
	}
	err := u.once(ctx, func() error {
		g, rows := gather(looks)
		if len(rows) == 0 {
			return nil
		}
		args := make([][]storage.Value, len(rows))
		for i, r := range rows {
			args[i] = r.args
		}
		err := u.look(ctx, g.shape(), g.columns, args, g.text, func(found Rows, first int) error { return g.scan(found, rows[first:]) })
		for i := 0; i < len(rows) && err == nil; i++ {
			err = rows[i].take()
		}
		return err
	})
	if err != nil {
		return u.fail(ctx, "load", err)
	}
	return nil
}

// gather returns what is to be read, and the rows of arguments. The entry of a Look and the first
// read of each slot are in one row, the second reads in a later one, and so on, so that none is
// read before the root on a database that is asked row by row. Looks that differ share rows.
func gather(looks []storage.Look) (g gathering, rows []*gathered) {
	type place struct {
		shape string
		nth   int // of the slots for the shape
	}
	slots := map[place]int{}
	slotOf := make([][]int, len(looks))
	if len(looks) > 0 { // the others are mostly like it
		n := len(looks[0].Reads)
		g.slots, g.columns = make([]slot, 0, n), make([]column, 0, 4*n+2)
	}
	for i := range looks {
		l := &looks[i]
		l.Entry = nil
		g.entry = g.entry || l.Key != ""
		alike := map[string]int{}
		for _, r := range l.Reads {
			shape := shapeOfRead(r)
			p := place{shape, alike[shape] % maxAlike}
			alike[shape]++
			n, known := slots[p]
			if !known {
				n = len(g.slots)
				slots[p] = n
				g.slots = append(g.slots, slot{shape, r, len(g.columns)})
				columns, _ := given(r, nil)
				for k, c := range columns {
					g.columns = append(g.columns, column{"s" + strconv.Itoa(n) + "_" + strconv.Itoa(k), kinds[r.Table.Columns[c].Kind]})
				}
			}
			slotOf[i] = append(slotOf[i], n)
		}
	}
	g.columns = append(g.columns, column{"entry", text}, column{"key", text})
	free, entries := make([]int, len(g.slots)), 0 // the first rows that have room
	var values []storage.Value
	for i := range looks {
		l := &looks[i]
		begin := 0
		if l.Key != "" {
			begin = entries
		}
		for _, n := range slotOf[i] {
			begin = max(begin, free[n])
		}
		rowAt := func(at int) *gathered {
			for at >= len(rows) {
				rows = append(rows, &gathered{
					args:  slices.Repeat([]storage.Value{{Null: true}}, len(g.columns)),
					reads: make([]*storage.Read, len(g.slots)), rows: make([][][]storage.Value, len(g.slots)),
				})
			}
			return rows[at]
		}
		for k := range l.Reads {
			r, n := &l.Reads[k], slotOf[i][k]
			at := max(begin, free[n])
			free[n] = at + 1
			row := rowAt(at)
			row.reads[n] = r
			_, values = given(*r, values[:0])
			for c, v := range values {
				row.args[g.slots[n].begin+c] = v
			}
		}
		if l.Key != "" {
			row := rowAt(begin)
			row.entry = l
			row.args[len(row.args)-2] = storage.Value{Kind: storage.KindText, Text: l.Subject}
			row.args[len(row.args)-1] = storage.Value{Kind: storage.KindText, Text: l.Key}
			entries = begin + 1
		}
	}
	return g, rows
}

// shapeOfRead tells reads apart whose statements differ.
func shapeOfRead(r storage.Read) string {
	if r.Kind == storage.ReadKey {
		return r.Table.Name
	}
	q := r.Query
	shape := fmt.Sprint(r.Table.Name, " ", q.Index.Name, " ", r.Kind, len(q.Prefix), q.From != nil, q.To != nil, len(q.After), q.Down, q.Limit)
	for _, c := range q.Where {
		shape += fmt.Sprint(" ", c.Column, len(c.In), c.Part != "")
	}
	return shape
}

// given returns the columns whose values a read gives, and the values, appended to those: in the
// order in which ranging.where takes them.
func given(r storage.Read, values []storage.Value) ([]int, []storage.Value) {
	if r.Kind == storage.ReadKey {
		return r.Table.Primary().Columns, r.Key(values)
	}
	q, order := r.Query, r.Query.Index.Order()
	columns := slices.Clone(order[:len(q.Prefix)])
	rest := order[len(q.Prefix):]
	values = append(values, q.Prefix...)
	for _, v := range []*storage.Value{q.From, q.To} {
		if v != nil {
			columns, values = append(columns, rest[0]), append(values, *v)
		}
	}
	columns, values = append(columns, rest[:len(q.After)]...), append(values, q.After...)
	for _, c := range q.Where {
		if c.Part != "" {
			columns, values = append(columns, c.Column), append(values, storage.Value{Kind: storage.KindText, Text: c.Part})
		}
		for _, v := range c.In {
			columns, values = append(columns, c.Column), append(values, v)
		}
	}
	return columns, values
}

// shape tells gatherings apart whose statements differ.
func (g gathering) shape() any {
	type shape struct{ slots string }
	all := make([]string, len(g.slots), len(g.slots)+1)
	for i, s := range g.slots {
		all[i] = s.shape
	}
	if g.entry {
		all = append(all, "entry")
	}
	return shape{strings.Join(all, "\n")}
}

// joined reports whether a slot finds at most one row, which is joined to those of the others.
func (s slot) joined() bool { return s.read.Kind != storage.ReadAll }

// selected are the columns that a slot reads. The rows of a ReadAll are put in order by the last of
// them, for the parts of a union come in any.
func (s slot) selected() []int {
	switch q := s.read.Query; s.read.Kind {
	case storage.ReadAll:
		return append(s.read.Table.Readable(), q.Index.Order()[len(q.Prefix):]...)
	case storage.ReadCount:
		return nil
	}
	return s.read.Table.Readable()
}

// text is the statement of a gathering: what is joined, and each of the other slots, as a union.
func (g gathering) text(l lookup) string {
	parts := []string{g.part(l, -1)}
	for n, s := range g.slots {
		if !s.joined() {
			parts = append(parts, g.part(l, n))
		}
	}
	if !l.many || len(parts) == 1 {
		return strings.Join(parts, " union all ")
	}
	return "with l as materialized (select * from " + l.source() + ") " + strings.Join(parts, " union all ")
}

// part is the one of the union for that slot, or for what is joined where n is -1.
func (g gathering) part(l lookup, n int) string {
	alias := func(n int) string { return "t" + strconv.Itoa(n) }
	selected, from := "select l.ord, "+strconv.Itoa(n+1), " from "+l.source()
	if l.many && slices.ContainsFunc(g.slots, func(s slot) bool { return !s.joined() }) {
		from = " from l"
	}
	column := func(t int, c int) string {
		if shown := n < 0 && g.slots[t].joined() || t == n; !shown {
			return l.null(kinds[g.slots[t].read.Table.Columns[c].Kind])
		}
		return columnOf(g.slots[t].read.Table.Columns[c]).reading(alias(t))
	}
	for t, s := range g.slots {
		for _, c := range s.selected() {
			selected += ", " + column(t, c)
		}
		switch {
		case s.read.Kind != storage.ReadCount:
		case n < 0:
			selected += ", " + alias(t) + ".n"
		default:
			selected += ", " + l.null(integer)
		}
		switch {
		case n < 0 && s.read.Kind == storage.ReadKey:
			var same []string
			for k, c := range s.read.Table.Primary().Columns {
				same = append(same, alias(t)+"."+s.read.Table.Columns[c].Name+" = l."+g.columns[s.begin+k].name)
			}
			from += l.find(s.read.Table.Name, alias(t), strings.Join(same, " and "))
		case n < 0 && s.joined(), t == n:
			from += g.ranged(l, t, alias(t))
		}
	}
	if g.entry {
		if n >= 0 {
			return selected + ", " + l.nulls(entryTable.columns) + from
		}
		selected, from = selected+", "+entryColumns, from+l.entry()
	}
	return selected + from
}

// ranged joins the rows of a range, which are looked for once a row of l.
func (g gathering) ranged(l lookup, n int, alias string) string {
	s := g.slots[n]
	q, d := s.read.Query, s.read.Table
	next := s.begin
	r := ranging{l.grammar, "x", false, func(int, storage.Value) string {
		next++
		if l.many {
			return "l." + g.columns[next-1].name
		}
		return l.param(next+1, g.columns[next-1].kind)
	}}
	limit := " limit " + strconv.Itoa(q.Limit)
	rows := " from " + l.name(d.Name) + " as x where " + r.where(q, l.tenant())
	join, on := " join ", " on true"
	if l.many {
		join = " join lateral "
	}
	switch s.read.Kind {
	case storage.ReadCount:
		return join + "(select count(*) as n from (select 1" + rows + limit + ") as c) as " + alias + on
	case storage.ReadFirst:
		join = " left" + join
	}
	return join + "(select x.*" + rows + r.order(q) + limit + ") as " + alias + on
}

// scan takes a row that the statement found, for the rows of arguments from that one on.
func (g gathering) scan(found Rows, rows []*gathered) error {
	var ord, what int
	var e journal.Entry
	fields := append(make([]any, 0, 2+16*(len(g.slots)+1)), &ord, &what)
	counts, wants := make([]int64, len(g.slots)), make([]*wanting, len(g.slots))
	for t, s := range g.slots {
		if s.read.Kind == storage.ReadCount {
			fields = append(fields, intField(&counts[t]))
			continue
		}
		wants[t], fields = want(s.read.Table, s.selected(), fields)
	}
	if g.entry {
		fields = append(fields, entryFields(&e)...)
	}
	if err := found.Scan(fields...); err != nil {
		return err
	}
	row := rows[ord-1]
	if what > 0 {
		row.rows[what-1] = append(row.rows[what-1], wants[what-1].values)
		return nil
	}
	for t, r := range row.reads {
		switch {
		case r == nil:
		case r.Kind == storage.ReadCount:
			r.Counted(counts[t])
		case g.slots[t].joined() && wants[t].found:
			if err := r.Found(wants[t].values); err != nil {
				return err
			}
		}
	}
	if row.entry != nil && e.Key != "" {
		row.entry.Entry = &e
	}
	return nil
}

// take gives each ReadAll its rows, in their order.
func (row *gathered) take() error {
	for t, found := range row.rows {
		r := row.reads[t]
		if r == nil {
			continue
		}
		from := len(r.Table.Readable())
		slices.SortStableFunc(found, func(a, b []storage.Value) int {
			c := slices.CompareFunc(a[from:], b[from:], storage.Value.Compare)
			if r.Query.Down {
				return -c
			}
			return c
		})
		for _, values := range found {
			if err := r.Found(values[:from]); err != nil {
				return err
			}
		}
	}
	return nil
}
