package bunstore

import (
	"slices"
	"strings"

	"github.com/scrmkit/scrmkit/storage"
)

// A kind is the type of a column.
type kind uint8

const (
	text    kind = iota
	integer      // 64 bits
	instant      // timestamptz on Postgres, microseconds since 1970 on SQLite; the zero time is NULL
	binary
)

var kinds = [...]kind{
	storage.KindText: text, storage.KindInt: integer, storage.KindTime: instant, storage.KindBytes: binary, storage.KindJSON: text,
}

type column struct {
	name string
	kind kind
}

func columnOf(c storage.Column) column { return column{c.Name, kinds[c.Kind]} }

// A table as the writers see it. Its columns are tenant, those of the key, version where it has
// one, and the rest; a row has their values in this order, without the tenant.
type table struct {
	def     *storage.Def // nil: the journal
	name    string
	columns []column // those of a row
	key     []column // the first of them
	uniques []unique
}

// A unique is a unique index besides the key. A row is in it where the place column has a number
// above 0, a text or bytes.
type unique struct {
	columns []string
	place   column
}

// tableOf returns the table of a declared one. It is made once.
func (c *core) tableOf(d *storage.Def) *table {
	if t, ok := c.tables.Load(d); ok {
		return t.(*table)
	}
	t := &table{def: d, name: d.Name}
	for _, col := range d.Columns {
		t.columns = append(t.columns, columnOf(col))
	}
	t.key = t.columns[:d.Key:d.Key]
	for _, x := range d.Indexes {
		if x.Unique {
			t.uniques = append(t.uniques, uniqueOf(d, x))
		}
	}
	stored, _ := c.tables.LoadOrStore(d, t)
	return stored.(*table)
}

func uniqueOf(d *storage.Def, x *storage.IndexDef) (u unique) {
	if x.Sparse == nil || len(x.Sparse.In) > 0 || kinds[d.Columns[x.Sparse.Column].Kind] == instant {
		panic("bunstore: the unique index " + x.Name + " needs Only with a column alone, that is no time")
	}
	u.place = columnOf(d.Columns[x.Sparse.Column])
	for _, c := range x.Columns {
		u.columns = append(u.columns, d.Columns[c].Name)
	}
	return u
}

// rest are the columns after the key.
func (t *table) rest() []column { return t.columns[len(t.key):] }

// holds is the condition that the row of the alias has a place.
func (u unique) holds(alias string) string {
	name := alias + "." + u.place.name
	switch u.place.kind {
	case integer:
		return name + " > 0"
	case binary:
		return "length(" + name + ") > 0"
	}
	return name + " <> ''"
}

// none is the SQL of the value that takes no place.
func (u unique) none() string {
	if u.place.kind == integer {
		return "0"
	}
	return "''"
}

// takes reports whether the row is to have a place in a unique index besides the key.
func (r row) takes() bool {
	return slices.ContainsFunc(r.uniques, func(u unique) bool {
		v := r.values[slices.Index(r.columns, u.place)]
		return v.Int > 0 || v.Text != "" || len(v.Bytes) > 0
	})
}

var entryTable = func() *table {
	columns := []column{
		{"subject", text}, {"key", text}, {"seq", integer}, {"kind", text}, {"at", instant}, {"actor", text}, {"input", binary},
		{"before", text}, {"result", text},
	}
	return &table{name: "journal_entry", columns: columns, key: columns[:2]}
}()

// conflict is what an insert does with a row that is there: it takes its place, with that in each of
// the other columns.
func (t *table) conflict(value func(name string) string) string {
	var p params
	for _, c := range t.rest() {
		p = append(p, param{c.name, value(c.name)})
	}
	if len(p) == 0 {
		return " on conflict do nothing"
	}
	return " on conflict (tenant, " + names(t.key) + ") do update set " + p.join("{col} = {val}", ", ")
}

// replacing ends an insert of rows that take the place of others.
func (t *table) replacing() string {
	return t.conflict(func(name string) string { return "excluded." + name })
}

// adding ends an insert of rows that are added to others, of the alias.
func (t *table) adding(alias string) string {
	return t.conflict(func(name string) string { return alias + "." + name + " + excluded." + name })
}

// free is the condition that no other row has a place in a unique index that the row p is to have.
// Postgres raises an error where an update would violate it, and so aborts the transaction.
func (g grammar) free(t *table, tenant string, p params) string {
	var b strings.Builder
	for _, u := range t.uniques {
		var same params
		for _, name := range u.columns {
			same = append(same, p.of(name))
		}
		b.WriteString(" and not exists (select 1 from " + g.name(t.name) + " as x where x.tenant = " + tenant + " and " +
			same.join("x.{col} = {val}", " and ") + " and " + u.holds("x") +
			" and not (" + p[:len(t.key)].join("x.{col} = {val}", " and ") + "))")
	}
	return b.String()
}
