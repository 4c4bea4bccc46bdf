package bunstore

import (
	"encoding/json"
	"fmt"
	"strconv"
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

// param returns the n-th argument of a statement, as a value of the kind.
func (g grammar) param(n int, k kind) string {
	if g == sqlite {
		return "?" + strconv.Itoa(n)
	}
	return "$" + strconv.Itoa(n) + "::" + g.typeOf(k)
}

// bind returns v as an argument.
func (g grammar) bind(v any) any {
	switch v := v.(type) {
	case time.Time:
		switch {
		case v.IsZero():
			return nil
		case g == sqlite:
			return v.UnixMicro()
		}
		return v.UTC().Truncate(time.Microsecond)
	case []byte:
		if v == nil {
			return []byte{}
		}
	case json.RawMessage:
		return string(v)
	}
	return v
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

func timeField(p *time.Time) field {
	return func(src any) error {
		switch src := src.(type) {
		case nil:
			*p = time.Time{}
		case time.Time:
			*p = src.UTC()
		case int64:
			*p = time.UnixMicro(src).UTC()
		default:
			return mismatch(src, "a time")
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

// jsonField leaves p as it is where the column is empty.
func jsonField(p any) field {
	return func(src any) error {
		var doc []byte
		if err := bytesField(&doc)(src); err != nil || len(doc) == 0 {
			return err
		}
		return json.Unmarshal(doc, p)
	}
}
