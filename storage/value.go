package storage

import (
	"bytes"
	"cmp"
	"fmt"
	"reflect"
	"time"
)

// A Kind is the type of a column.
type Kind uint8

// The kinds of columns.
const (
	KindText  Kind = iota // UTF-8
	KindInt               // 64 bits
	KindTime              // microseconds since 1970 in UTC; the zero time is NULL
	KindBytes             // no bytes and nil are the same
	KindJSON              // a text, in Value.Bytes
)

// A Value is what a row has in a column.
type Value struct {
	Kind  Kind   // which of the other fields counts
	Null  bool   // of a KindTime: the zero time
	Int   int64  // an integer, or microseconds
	Text  string // of a KindText
	Bytes []byte // of a KindBytes or KindJSON
}

// Time returns the time of a KindTime.
func (v Value) Time() time.Time {
	if v.Null {
		return time.Time{}
	}
	return time.UnixMicro(v.Int).UTC()
}

// Zero reports whether v is "", 0, the zero time or no bytes.
func (v Value) Zero() bool {
	if v.Kind == KindTime {
		return v.Null
	}
	return v.Int == 0 && v.Text == "" && len(v.Bytes) == 0
}

// Compare orders values of one kind: texts and bytes by their bytes, the zero time first.
func (v Value) Compare(w Value) int {
	switch {
	case v.Null != w.Null:
		if v.Null {
			return -1
		}
		return 1
	case v.Null:
		return 0
	}
	return cmp.Or(cmp.Compare(v.Int, w.Int), cmp.Compare(v.Text, w.Text), bytes.Compare(v.Bytes, w.Bytes))
}

func textValue(s string) Value  { return Value{Kind: KindText, Text: s} }
func intValue(n int64) Value    { return Value{Kind: KindInt, Int: n} }
func bytesValue(b []byte) Value { return Value{Kind: KindBytes, Bytes: b} }

func timeValue(t time.Time) Value {
	if t.IsZero() {
		return Value{Kind: KindTime, Null: true}
	}
	return Value{Kind: KindTime, Int: t.UnixMicro()}
}

// valueOf returns v, a text, an integer, a time or bytes, as a value.
func valueOf(v any) Value {
	switch v := v.(type) {
	case time.Time:
		return timeValue(v)
	case []byte:
		return bytesValue(v)
	}
	switch r := reflect.ValueOf(v); {
	case r.Kind() == reflect.String:
		return textValue(r.String())
	case r.CanInt():
		return intValue(r.Int())
	}
	panic(fmt.Sprintf("storage: a %T is no value of a column", v))
}

// as returns v as a value of the column.
func (c Column) as(v any) Value {
	value := valueOf(v)
	if value.Kind != c.Kind {
		panic(fmt.Sprintf("storage: a %T is given for the column %s", v, c.Name))
	}
	return value
}
