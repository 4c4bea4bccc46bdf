package bunstore

import "strings"

// A param is a column and the SQL of the value that it is to have.
type param struct{ column, value string }

type params []param

// join fills in {col} and {val} of the format for each, and joins them.
func (p params) join(format, sep string) string {
	parts := make([]string, len(p))
	for i, q := range p {
		parts[i] = strings.NewReplacer("{col}", q.column, "{val}", q.value).Replace(format)
	}
	return strings.Join(parts, sep)
}

// of returns the one of that column.
func (p params) of(column string) param {
	for _, q := range p {
		if q.column == column {
			return q
		}
	}
	panic("bunstore: no column " + column)
}

// names joins the names of the columns.
func names(columns []column) string {
	all := make([]string, len(columns))
	for i, c := range columns {
		all[i] = c.name
	}
	return strings.Join(all, ", ")
}

// columnsOf joins the names of the columns of an alias.
func columnsOf(alias string, columns []column) string {
	all := make([]string, len(columns))
	for i, c := range columns {
		all[i] = alias + "." + c.name
	}
	return strings.Join(all, ", ")
}
