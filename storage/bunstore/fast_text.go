package bunstore

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/scrmkit/scrmkit/storage"
)

// fastText returns a Save in one statement of Postgres. It writes what the journal does not know
// and whose versions are the stored ones, and yields for each change that was not stored: its
// ordinal, whether a key was used, and whether a sum alone was out of its bounds. Postgres 15 runs
// what follows the roots from the last to the first, so sums stand first: others that add to the
// same rows wait for the shortest time. Nothing else rests on that order, which its manual leaves
// open.
func fastText(s shape) string {
	w := &fastWriter{shape: s, arg: 1}
	if s.many {
		return w.several()
	}
	return w.lone()
}

type fastWriter struct {
	shape
	arg int // the last argument that was used
}

const tenant = "$1::text"

// params takes the next arguments as the columns of a row.
func (w *fastWriter) params(columns []column) params {
	p := make(params, len(columns))
	for i, c := range columns {
		w.arg++
		p[i] = param{c.name, postgres.param(w.arg, c.kind)}
	}
	return p
}

// relation takes the next arguments as rows, t: as values where they are few, and else as arrays.
// Those of many changes have the ordinals of these, o.
func (w *fastWriter) relation(columns []column, rows int) string {
	if rows == arrayed {
		if w.many {
			columns = append([]column{{"o", integer}}, columns...)
		}
		return w.arrays(columns)
	}
	all := make([]string, rows)
	for i := range all {
		all[i] = "(" + w.params(columns).join("{val}", ", ") + ")"
	}
	return "(values " + strings.Join(all, ", ") + ") as t (" + names(columns) + ")"
}

// arrays takes the next arguments as columns of any number of rows, numbered by ord.
func (w *fastWriter) arrays(columns []column) string {
	arrays := make([]string, len(columns))
	for i, c := range columns {
		w.arg++
		arrays[i] = postgres.param(w.arg, c.kind) + "[]"
	}
	return unnest(arrays) + " as t (" + names(columns) + ", ord)"
}

// unnest returns the rows of the arrays, with their ordinals. To the planner the limit, which takes
// none away, makes a plan for any number of rows as cheap as one for the number at hand, and so it
// keeps the first: it would make one at each call that has fewer than ten rows.
func unnest(arrays []string) string {
	return "(select * from unnest(" + strings.Join(arrays, ", ") + ") with ordinality limit cardinality(" + arrays[0] + "))"
}

// there is the condition that a row with the key of the alias is in the table. Its limit leaves the
// planner no choice but to look it up by the key.
func there(t *table, alias, and string) string {
	same := make([]string, len(t.key))
	for i, c := range t.key {
		same[i] = "x." + c.name + " = " + alias + "." + c.name
	}
	return "(select 1 from " + postgres.name(t.name) + " as x where x.tenant = " + tenant + " and " + strings.Join(same, " and ") + and +
		" limit 1) is not null"
}

// A part of a statement that writes or guards a group of rows.
type part struct {
	group
	rows string // the relation of its rows
}

// parts takes the arguments of the groups and of the entries.
func (w *fastWriter) parts() (guards, rest []part, entries string) {
	root := w.firm[0].table
	for _, g := range w.groups {
		switch {
		case g.rows == 0:
		case g.verb == storage.VerbAbsent:
			guards = append(guards, part{g, w.relation(g.columns(root), g.rows)})
		default:
			rest = append(rest, part{g, w.relation(g.columns(root), g.rows)})
		}
	}
	if w.entries != 0 {
		entries = w.relation(entryTable.columns, w.entries)
	}
	return guards, rest, entries
}

// write returns what writes the rows of a part: those of the changes that are in w. The key of the
// root, where the rows are without it, is the text of those.
func (w *fastWriter) write(p part, root string) string {
	t, from, on := p.table, " from w, "+p.rows, ""
	if w.many {
		from, on = " from "+p.rows+" join w", " on w.at = t.o"
	}
	columns := columnsOf("t", p.columns(w.firm[0].table))
	if p.own {
		columns = root + ", " + columns
	}
	insert := w.into(t) + "select " + tenant + ", " + columns + from + on
	switch p.verb {
	case storage.VerbDrop:
		same := make([]string, len(t.key))
		for i, c := range t.key {
			same[i] = "c." + c.name + " = t." + c.name
		}
		if w.many {
			on = " and w.at = t.o"
		}
		return "delete from " + postgres.name(t.name) + " as c using w, " + p.rows + " where c.tenant = " + tenant + " and " +
			strings.Join(same, " and ") + on
	case storage.VerbKeep:
		return insert + " order by " + columnsOf("t", t.key) + " on conflict do nothing"
	case storage.VerbAdd:
		if w.many {
			var sums []string
			for _, c := range t.rest() {
				sums = append(sums, "sum(t."+c.name+")::bigint")
			}
			insert = w.into(t) + "select " + tenant + ", " + columnsOf("t", t.key) + ", " + strings.Join(sums, ", ") + from + on +
				" group by " + columnsOf("t", t.key)
		}
		// In the order of their keys, so that statements of the same moment take them in one order.
		return insert + " order by " + columnsOf("t", t.key) + t.adding(t.name)
	case storage.VerbPut:
		return insert + t.replacing()
	}
	return insert
}

// writes returns the parts that write groups: sums first.
func (w *fastWriter) writes(rest []part, root string) string {
	var b strings.Builder
	for _, sums := range []bool{true, false} {
		for i, p := range rest {
			if (p.verb == storage.VerbAdd) == sums {
				b.WriteString(", k" + strconv.Itoa(i) + " as (" + w.write(p, root) + ")")
			}
		}
	}
	return b.String()
}

// lone is the statement for one change. Where several rows may be refused, those that are there are
// locked first, in their order, and then it is known which can be written; those that are to be new
// are written first, for another transaction may insert the same at this moment. Where that comes
// between two of them, the statement fails with a division by zero.
func (w *fastWriter) lone() string {
	var own []params
	n := 0
	for ; n < maxFirm && w.firm[n].table != nil; n++ {
		p := w.params(w.firm[n].table.columns)
		if w.firm[n].verb == storage.VerbAddWithin {
			p = append(p, w.params([]column{{"most", integer}})...)
		}
		own = append(own, p)
	}
	guards, rest, entries := w.parts()
	var before []string // parts that stand before those that write
	may, used := []string{}, "false"
	if w.keyed {
		before = append(before, "d as materialized (select 1 from "+entries+" where "+there(entryTable, "t", " and x.key <> ''")+")")
		used = "exists (select 1 from d)"
		may = append(may, "not "+used)
	}
	for i, g := range guards {
		guard := fmt.Sprint("g", i)
		before = append(before, guard+" as materialized (select 1 from "+g.rows+" where "+there(g.table, "t", "")+")")
		may = append(may, "not exists (select 1 from "+guard+")")
	}
	var bounds []string
	for i, p := range own {
		lock, ok := w.lock(i, n, p)
		if lock != "" {
			before = append(before, lock)
		}
		switch {
		case ok == "":
		case w.firm[i].verb == storage.VerbAddWithin:
			bounds = append(bounds, ok)
		default:
			may = append(may, ok)
		}
	}
	bound := "false"
	if len(bounds) > 0 {
		bound = strings.Join(append(append([]string{}, may...), "not ("+strings.Join(bounds, " and ")+")"), " and ")
		may = append(may, bounds...)
	}
	if len(may) == 0 {
		may = []string{"true"}
	}
	first, last, condition := "", "", strings.Join(may, " and ")
	for _, inserts := range []bool{true, false} {
		for i, p := range own {
			if f := w.firm[i]; f.insert == inserts {
				last = "w" + strconv.Itoa(i)
				first = cmp.Or(first, last)
				before = append(before, last+" as ("+firmly(f, p, condition)+")")
				condition = "exists (select 1 from " + last + ")"
			}
		}
	}
	key := ""
	if n == 0 {
		before = append(before, "w as materialized (select 1 where "+condition+")")
	} else {
		before = append(before, "w as materialized (select 1 from "+last+")")
		key = own[0][:len(w.firm[0].table.key)].join("{val}", ", ")
	}
	text := "with " + strings.Join(before, ", ") + w.writes(rest, key)
	if w.entries != 0 {
		text += ", j as (" + w.entry("select "+tenant+", "+columnsOf("t", entryTable.columns)) + " from w, " + entries + ")"
	}
	if n > 1 {
		bound = "case when exists (select 1 from " + first + ") then 1 / (select count(*) from w) = 1 else " + bound + " end"
	}
	return text + " select 1, " + used + ", " + bound + " where not exists (select 1 from w)"
}

// lock returns a part that locks one of n firm rows, if it does, and the condition that it may be
// written; "": that is left to what writes it.
func (w *fastWriter) lock(i, n int, p params) (lock, may string) {
	f := w.firm[i]
	t, name := f.table, "l"+strconv.Itoa(i)
	key := p[:len(t.key)]
	row := postgres.name(t.name) + " as c where c.tenant = " + tenant + " and " + key.join("c.{col} = {val}", " and ")
	switch {
	case f.verb == storage.VerbAddWithin:
		sum := p[len(t.key)]
		return name + " as materialized (select c." + sum.column + " as n from " + row + " for no key update)",
			"coalesce((select n from " + name + "), 0) + " + sum.value + " between 0 and " + p.of("most").value
	case f.insert:
		// An insert waits for who changes a row that is in its way.
		return "", "(select 1 from " + row + " limit 1) is null" + free(f, p)
	case n == 1:
		return "", ""
	}
	return name + " as materialized (select 1 from " + row + " and c.version = " + p[len(t.key)].value + " - 1" + free(f, p) +
		" for no key update)", "exists (select 1 from " + name + ")"
}

// firmly returns what writes a firm row where the condition holds.
func firmly(f firm, p params, condition string) string {
	t := f.table
	key := p[:len(t.key)]
	switch {
	case f.verb == storage.VerbAddWithin:
		return postgres.countText(t, p, "select "+tenant+", "+p[:len(t.columns)].join("{val}", ", ")+" where "+condition)
	case f.insert:
		return "insert into " + postgres.name(t.name) + " (tenant, " + p.join("{col}", ", ") + ") select " + tenant + ", " +
			p.join("{val}", ", ") + " where " + condition + " on conflict do nothing returning 1"
	}
	return "update " + postgres.name(t.name) + " as c set " + p[len(t.key):].join("{col} = {val}", ", ") + " where c.tenant = " + tenant +
		" and " + key.join("c.{col} = {val}", " and ") + " and c.version = " + p[len(t.key)].value + " - 1 and " + condition +
		free(f, p) + " returning 1"
}

// free is the condition that nobody has the place that a row takes.
func free(f firm, p params) string {
	if !f.place {
		return ""
	}
	return postgres.free(f.table, tenant, p)
}

// several is the statement for any number of changes of one root each. Each column is an array, so
// that one plan serves them all. The rows that are there are found one by one, with a limit, so that
// no plan reads all of a tenant's; the update looks at the version again. So are those that must not
// be there: an insert waits for who changes a row that is in its way, and two that insert some rows
// and change others may wait for each other.
func (w *fastWriter) several() string {
	f := w.firm[0]
	root, columns := f.table, f.table.columns
	var b strings.Builder
	b.WriteString("with i as materialized (select * from " + w.arrays(columns) + ")")
	guards, rest, entries := w.parts()
	may, used := "true", "false"
	if w.keyed {
		b.WriteString(", d as materialized (select t.o from " + entries + " where " + there(entryTable, "t", " and x.key <> ''") + ")")
		used = "i.ord in (select o from d)"
		may = "not " + used
	}
	for n, g := range guards {
		guard := "g" + strconv.Itoa(n)
		b.WriteString(", " + guard + " as materialized (select t.o from " + g.rows + " where " + there(g.table, "t", "") + ")")
		may += " and i.ord not in (select o from " + guard + ")"
	}
	var h params
	for _, c := range columns {
		h = append(h, param{c.name, "h." + c.name})
	}
	key := h[:len(root.key)]
	var stored []string
	if f.update {
		condition := may
		if f.insert {
			condition = "i.version > 1 and " + may
		}
		b.WriteString(", h as materialized (select i.*, c.place from i cross join lateral (select c.ctid as place from " +
			postgres.name(root.name) + " as c where c.tenant = " + tenant + " and " + key.join("c.{col} = i.{col}", " and ") +
			" and c.version = i.version - 1 limit 1) as c where " + condition + ")" +
			", u as (update " + postgres.name(root.name) + " as c set " + h[len(root.key):].join("{col} = {val}", ", ") +
			" from h where c.ctid = h.place and c.version = h.version - 1" + free(f, h) +
			" returning h.ord as at, " + key.join("{val}", ", ") + ")")
		stored = append(stored, "select * from u")
	}
	if f.insert {
		b.WriteString(", n as (" + w.into(root) + "select " + tenant + ", " + names(columns) + " from i where version = 1 and " + may +
			" and not (" + there(root, "i", "") + ") on conflict do nothing returning " + names(root.key) + ")")
		stored = append(stored, "select i.ord as at, "+columnsOf("i", root.key)+" from i where i.version = 1 and "+
			among("("+columnsOf("i", root.key)+")", "n"))
	}
	b.WriteString(", w as (" + strings.Join(stored, " union all ") + ")" + w.writes(rest, columnsOf("w", root.key)))
	if w.entries != 0 {
		b.WriteString(", j as (" + w.entry("select "+tenant+", "+columnsOf("t", entryTable.columns)) + " from " + entries + " where " + among("t.o", "(select at from w) as w") + ")")
	}
	b.WriteString(" select i.ord, " + used + ", false from i where i.ord not in (select at from w)")
	return b.String()
}

// among is the condition that values are among the rows of a relation. Its form leaves the planner
// no choice but to hash those: it takes what a statement has just written for one row, and would
// compare each with each.
func among(values, rows string) string {
	return "(" + values + " in (select * from " + rows + ")) is true"
}

func (w *fastWriter) into(t *table) string {
	return "insert into " + postgres.name(t.name) + " (tenant, " + names(t.columns) + ") "
}

// entry begins the insert of entries, which selects their tenant and columns of t.
func (w *fastWriter) entry(columns string) string {
	pos := ownPos
	if w.within {
		pos = following(tenant, "t.subject")
	}
	return strings.TrimSuffix(w.into(entryTable), ") ") + ", pos) " + columns + ", " + pos
}
