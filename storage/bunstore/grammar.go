package bunstore

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A grammar is what the SQL of the two databases differs in.
type grammar uint8

const (
	postgres grammar = iota
	sqlite
)

// name returns the name of a table.
func (g grammar) name(table string) string {
	if g == postgres {
		return "scrmkit." + table
	}
	return table
}

// typeOf returns the type of a column.
func (g grammar) typeOf(k kind) string {
	if g == sqlite {
		return [...]string{text: "text", integer: "integer", instant: "integer", binary: "blob"}[k]
	}
	return [...]string{text: "text", integer: "bigint", instant: "timestamptz", binary: "bytea"}[k]
}

// locking ends a selection of rows that the same statement deletes: one that somebody is changing is
// none of them, for it may be moved out of their range.
func (g grammar) locking() string {
	if g == postgres {
		return " for update skip locked"
	}
	return ""
}

// listed is the condition that a row of the alias is the tenant's, for an index that begins with
// tenant || ”.
func (g grammar) listed(alias, tenant string) string {
	return g.plainly(alias, tenant) + g.indexed(alias, tenant)
}

func (g grammar) indexed(alias, tenant string) string {
	return "(" + alias + ".tenant || '') = " + tenant
}

// plainly begins a condition on an expression of the tenant. By the plain one a distributed database
// knows which node to ask. In another collation than the column's it is of no use to an index, so
// that none is taken for it which begins with the plain tenant.
func (g grammar) plainly(alias, tenant string) string {
	if g == sqlite {
		return ""
	}
	return alias + ".tenant = " + tenant + ` collate "default" and `
}

// param returns the n-th argument of a statement, as a value of the kind.
func (g grammar) param(n int, k kind) string {
	if g == sqlite {
		return "?" + strconv.Itoa(n)
	}
	return "$" + strconv.Itoa(n) + "::" + g.typeOf(k)
}

var (
	microsOf = regexp.MustCompile(`\bmicros\((\w+\.\w+)\)`)
	hexOf    = regexp.MustCompile(`\bhexed\((\w+\.\w+)\)`)
)

// readable returns a text in which each micros(column) and hexed(column) is replaced by what a
// timeField and a binaryField read. Postgres writes timestamptz and bytea as DateStyle and
// bytea_output say, and no driver reads every form. The expressions are immutable: Citus takes no
// others after RETURNING.
func (g grammar) readable(text string) string {
	micros, digits := "(extract(epoch from $1 at time zone 'UTC') * 1000000)::bigint", "encode($1, 'hex')"
	if g == sqlite {
		micros, digits = "$1", "$1"
	}
	return hexOf.ReplaceAllString(microsOf.ReplaceAllString(text, micros), digits)
}

// reading is the column of an alias as a field of its kind reads it.
func (c column) reading(alias string) string {
	name := alias + "." + c.name
	switch c.kind {
	case instant:
		return "micros(" + name + ")"
	case binary:
		return "hexed(" + name + ")"
	}
	return name
}

// readingOf joins the columns of an alias as their fields read them.
func readingOf(alias string, columns []column) string {
	all := make([]string, len(columns))
	for i, c := range columns {
		all[i] = c.reading(alias)
	}
	return strings.Join(all, ", ")
}

// null is the SQL of a value that is not there, of the type that one is read as.
func (g grammar) null(k kind) string {
	switch {
	case g == sqlite:
		return "null"
	case k == instant:
		k = integer
	case k == binary:
		k = text
	}
	return "null::" + g.typeOf(k)
}

// nulls stand for the columns.
func (g grammar) nulls(columns []column) string {
	all := make([]string, len(columns))
	for i, c := range columns {
		all[i] = g.null(c.kind)
	}
	return strings.Join(all, ", ")
}

// A field reads one column; NULL is the zero value.
type field func(src any) error

// Scan implements sql.Scanner.
func (f field) Scan(src any) error { return f(src) }

func mismatch(src any, want string) error {
	return fmt.Errorf("a column has %T where %s is expected", src, want)
}

func textField[S ~string](p *S) field {
	return func(src any) error {
		switch src := src.(type) {
		case nil:
			*p = ""
		case string:
			*p = S(src)
		case []byte:
			*p = S(src)
		default:
			return mismatch(src, "a text")
		}
		return nil
	}
}

func intField[N ~int | ~int64](p *N) field {
	return func(src any) error {
		switch src := src.(type) {
		case nil:
			*p = 0
		case int64:
			*p = N(src)
		default:
			return mismatch(src, "an integer")
		}
		return nil
	}
}

// timeField reads microseconds since 1970.
func timeField(p *time.Time) field {
	return func(src any) error {
		switch src := src.(type) {
		case nil:
			*p = time.Time{}
		case int64:
			*p = time.UnixMicro(src).UTC()
		default:
			return mismatch(src, "a time as micros(column) reads it")
		}
		return nil
	}
}

// bytesField reads no bytes as nil.
func bytesField[B ~[]byte](p *B) field {
	return func(src any) error {
		*p = nil
		switch src := src.(type) {
		case nil:
		case []byte:
			*p = append(*p, src...)
		case string:
			*p = append(*p, src...)
		default:
			return mismatch(src, "bytes")
		}
		return nil
	}
}

// binaryField reads bytes, and digits of them where they are a text; no bytes as nil.
func binaryField(p *[]byte) field {
	return func(src any) (err error) {
		text, ok := src.(string)
		if !ok {
			return bytesField(p)(src)
		}
		*p, err = hex.DecodeString(text)
		if len(*p) == 0 {
			*p = nil
		}
		return err
	}
}
