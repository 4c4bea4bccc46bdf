package bunstore

import (
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun/dialect"

	"github.com/scrmkit/scrmkit/storage"
)

// Script returns the first file of a schema, which makes its tables with their indexes and is kept as
// migrations/postgres/0001_tables.up.sql or migrations/sqlite/0001_tables.up.sql. It panics for a
// dialect other than SQLite and Postgres.
func Script(d dialect.Name, s storage.Schema) string {
	g, ok := grammars[d]
	if !ok {
		panic("bunstore: dialect " + d.String() + " is neither SQLite nor Postgres")
	}
	var b strings.Builder
	b.WriteString("-- +goose Up\n")
	if g == postgres {
		b.WriteString(createSchema + ";\n")
	}
	b.WriteString(g.prologue())
	for _, t := range s.Tables {
		b.WriteString("\n")
		g.create(&b, t.Def())
	}
	b.WriteString("\n")
	f := newFile(g, fileID{s.Name, 1}, "tables", b.String())
	return f.text + f.record(g)
}

func (g grammar) create(b *strings.Builder, d *storage.Def) {
	ordered := indexed(d)
	b.WriteString("create table " + g.name(d.Name) + " (\n")
	define := func(name string, k kind, ordered, nullable bool) {
		b.WriteString("\t" + name + " " + g.typeOf(k))
		if g == postgres && k == text && ordered {
			b.WriteString(` collate "C"`)
		}
		if !nullable {
			b.WriteString(" not null")
		}
		b.WriteString(",\n")
	}
	define("tenant", text, true, false)
	for i, c := range d.Columns {
		define(c.Name, kinds[c.Kind], slices.Contains(ordered, i), c.Kind == storage.KindTime && !always(d, i))
	}
	b.WriteString("\tprimary key (tenant, " + nameList(d, d.Primary().Order()) + ")\n)")
	if g == postgres && d.Fill > 0 {
		fmt.Fprintf(b, " with (fillfactor = %d)", d.Fill)
	}
	b.WriteString(";\n")
	for _, x := range d.Indexes {
		create, tenant, where := "create index ", "(tenant || '')", ""
		if x.Unique {
			create, tenant = "create unique index ", "tenant"
		}
		if x.Sparse != nil {
			where = " where " + sparse("", d, x.Sparse)
		}
		b.WriteString(create + x.Name + " on " + g.name(d.Name) + " (" + tenant + ", " + nameList(d, x.Order()) + ")" + where + ";\n")
	}
}

// always reports whether an index that has every row orders them by the column, which is never NULL
// then: databases differ in where NULL stands.
func always(d *storage.Def, column int) bool {
	return slices.ContainsFunc(append([]*storage.IndexDef{d.Primary()}, d.Indexes...), func(x *storage.IndexDef) bool {
		return x.Sparse == nil && slices.Contains(x.Order(), column)
	})
}

// indexed returns the columns that an index orders rows by or the condition of one names, whose
// texts are compared by their bytes.
func indexed(d *storage.Def) (columns []int) {
	for _, x := range append([]*storage.IndexDef{d.Primary()}, d.Indexes...) {
		columns = append(columns, x.Order()...)
		if x.Sparse != nil {
			columns = append(columns, x.Sparse.Column)
		}
	}
	return columns
}

func nameList(d *storage.Def, columns []int) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = d.Columns[c].Name
	}
	return strings.Join(names, ", ")
}
