package bunstore

import (
	"strconv"
	"strings"
)

// fastText returns a Save in one statement of Postgres. It writes what the journal does not know
// and whose version is the stored one, and yields for each change that was not stored: its ordinal,
// whether a key was used. Postgres 15 runs what follows the roots from the last to the first, so
// sums stand first: others that add to the same rows wait for the shortest time. Nothing else rests
// on that order, which its manual leaves open.
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

// relation takes the next arguments as n rows.
func (w *fastWriter) relation(columns []column, n int) string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = "(" + w.params(columns).join("{val}", ", ") + ")"
	}
	return "(values " + strings.Join(rows, ", ") + ") as t (" + names(columns) + ")"
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

// lone is the statement for one change.
func (w *fastWriter) lone() string {
	root, columns := w.root, w.root.columns
	p := w.params(columns)
	var children strings.Builder
	for i, t := range root.children {
		if n := w.children[i]; n > 0 {
			children.WriteString(", k" + strconv.Itoa(i) + " as (" + w.into(t) + "select " + tenant + ", " +
				p[:len(root.key)].join("{val}", ", ") + ", t.* from w, " + w.relation(w.own(t), n) + replacing(t) + ")")
		}
	}
	used, unused, entries, isUsed := "", "true", "", "false"
	if w.entries > 0 {
		first := w.arg
		entries = ", j as (" + w.entry("select "+tenant+", t.*") + " from w, " +
			w.relation(entryTable.columns, w.entries) + ")"
		if w.keyed {
			keys := make([]string, w.entries)
			for i := range keys {
				n := first + i*len(entryTable.columns)
				keys[i] = "select 1 from " + postgres.name("journal_entry") + " as j where j.tenant = " + tenant +
					" and j.subject = " + postgres.param(n+1, text) + " and j.key = " + postgres.param(n+2, text) + " and j.key <> ''"
			}
			used = "d as materialized (" + strings.Join(keys, " union all ") + "), "
			unused, isUsed = "not exists (select 1 from d)", "exists (select 1 from d)"
		}
	}
	sums := ""
	if t := root.sums; w.sums > 0 {
		sums = ", s as (" + w.into(t) + "select " + tenant + ", t.* from w, " + w.relation(t.columns, w.sums) + w.adding(t) + ")"
	}
	var won string
	if w.insert {
		won = w.into(root) + "select " + tenant + ", " + p.join("{val}", ", ") + " where " + unused +
			postgres.missing(root, tenant, p) + " on conflict do nothing returning 1"
	} else {
		won = "update " + postgres.name(root.name) + " as c set " + p[len(root.key):].join("{col} = {val}", ", ") +
			" where c.tenant = " + tenant + " and " + p[:len(root.key)].join("c.{col} = {val}", " and ") +
			" and c.version = " + p[len(root.key)].value + " - 1 and " + unused + w.free(p) + " returning 1"
	}
	return "with " + used + "w as (" + won + ")" + sums + children.String() + entries +
		" select 1, " + isUsed + " where not exists (select 1 from w)"
}

// adding ends an insert of rows that are added to others: in the order of their keys, so that
// statements of the same moment take them in one order.
func (w *fastWriter) adding(t *table) string {
	return " order by " + columnsOf("t", t.key) + " on conflict " + postgres.sum(t)
}

// replacing ends an insert of children.
func replacing(t *table) string {
	if t.fresh {
		return ""
	}
	return " on conflict " + postgres.replace(t)
}

// own are the columns of a child that are not in the key of its root, with which its own begins.
func (w *fastWriter) own(t *table) []column { return t.columns[len(w.root.key):] }

// several is the statement for any number of changes. Each column is an array, so that one plan
// serves them all. The rows that are there are found one by one, with a limit, so that no plan
// reads all of a tenant's; the update looks at the version again.
func (w *fastWriter) several() string {
	root, columns := w.root, w.root.columns
	var b strings.Builder
	b.WriteString("with i as materialized (select * from " + w.arrays(columns) + ")")
	var children strings.Builder
	for i, t := range root.children {
		if w.children[i] > 0 {
			of := append([]column{{"o", integer}}, w.own(t)...)
			children.WriteString(", k" + strconv.Itoa(i) + " as (" + w.into(t) + "select " + tenant + ", " +
				columnsOf("w", root.key) + ", " + columnsOf("t", of[1:]) + " from " + w.arrays(of) +
				" join w on w.at = t.o" + replacing(t) + ")")
		}
	}
	used, unused, entries := "false", "true", ""
	if w.entries > 0 {
		e := w.arrays(append([]column{{"o", integer}}, entryTable.columns...))
		if w.keyed {
			b.WriteString(", e as materialized (select t.*, j.known from " + e +
				" left join lateral (select true as known from " + postgres.name("journal_entry") + " as j where j.tenant = " + tenant +
				" and j.subject = t.subject and j.key = t.key and j.key <> '' limit 1) as j on true)")
			used = "i.ord in (select o from e where known)"
			unused, e = "not "+used, "e as t"
		}
		entries = ", j as (" + w.entry("select "+tenant+", "+columnsOf("t", entryTable.columns)) + " from " + e + " where t.o in (select at from w))"
	}
	sums := ""
	if t := root.sums; w.sums > 0 {
		var total []string
		for _, c := range t.columns[len(t.key):] {
			total = append(total, "sum(t."+c.name+")::bigint")
		}
		sums = ", s as (" + w.into(t) + "select " + tenant + ", " + columnsOf("t", t.key) + ", " + strings.Join(total, ", ") + " from " +
			w.arrays(append([]column{{"o", integer}}, t.columns...)) + " join w on w.at = t.o group by " + columnsOf("t", t.key) +
			w.adding(t) + ")"
	}
	var h, in params
	for _, c := range columns {
		h, in = append(h, param{c.name, "h." + c.name}), append(in, param{c.name, "i." + c.name})
	}
	key := h[:len(root.key)]
	var stored []string
	if w.update {
		there := unused
		if w.insert {
			there = "i.version > 1 and " + unused
		}
		b.WriteString(", h as materialized (select i.*, c.place from i cross join lateral (select c.ctid as place from " +
			postgres.name(root.name) + " as c where c.tenant = " + tenant + " and " + key.join("c.{col} = i.{col}", " and ") +
			" and c.version = i.version - 1 limit 1) as c where " + there + ")" +
			", u as (update " + postgres.name(root.name) + " as c set " + h[len(root.key):].join("{col} = {val}", ", ") +
			" from h where c.ctid = h.place and c.version = h.version - 1" + w.free(h) +
			" returning h.ord as at, " + key.join("{val}", ", ") + ")")
		stored = append(stored, "select * from u")
	}
	if w.insert {
		b.WriteString(", n as (" + w.into(root) + "select " + tenant + ", " + names(columns) +
			" from i where version = 1 and " + unused + postgres.missing(root, tenant, in) + " on conflict do nothing returning " + names(root.key) + ")")
		stored = append(stored, "select i.ord as at, n.* from i join n on "+key.join("n.{col} = i.{col}", " and ")+" where i.version = 1")
	}
	b.WriteString(", w as (" + strings.Join(stored, " union all ") + ")")
	b.WriteString(sums + children.String() + entries)
	b.WriteString(" select i.ord, " + used + " from i where i.ord not in (select at from w)")
	return b.String()
}

func (w *fastWriter) into(t *table) string {
	return "insert into " + postgres.name(t.name) + " (tenant, " + names(t.columns) + ") "
}

// entry begins the insert of entries, which selects their tenant and columns of t.
func (w *fastWriter) entry(columns string) string {
	if !w.within {
		return w.into(entryTable) + columns
	}
	return strings.TrimSuffix(w.into(entryTable), ") ") + ", pos) " + columns + ", " + following(tenant, "t.subject")
}

func (w *fastWriter) free(p params) string {
	if !w.place {
		return ""
	}
	return postgres.free(w.root, tenant, p)
}
