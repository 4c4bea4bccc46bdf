// Package encode writes JSON without reflection, for what is written with every change.
package encode

import (
	"encoding/json"
	"strconv"
	"time"
)

// JSON is a text that is being written: what encoding/json would write of the same values.
type JSON []byte

// Open begins an object.
func (t *JSON) Open() { *t = append(*t, '{') }

// Close ends an object.
func (t *JSON) Close() { *t = append(*t, '}') }

// next begins another item.
func (t *JSON) next() {
	if last := (*t)[len(*t)-1]; last != '{' && last != '[' {
		*t = append(*t, ',')
	}
}

// Key begins a field, whose name needs no escape.
func (t *JSON) Key(name string) {
	t.next()
	*t = append(append(append(*t, '"'), name...), `":`...)
}

// Raw writes a field whose value is JSON.
func (t *JSON) Raw(name string, value []byte) {
	t.Key(name)
	*t = append(*t, value...)
}

// True writes a field that is true, and nothing where it is not.
func (t *JSON) True(name string, v bool) {
	if v {
		t.Key(name)
		*t = append(*t, "true"...)
	}
}

// Int writes a field.
func (t *JSON) Int(name string, n int64) {
	t.Key(name)
	*t = strconv.AppendInt(*t, n, 10)
}

// IntIf writes a field, and nothing for 0.
func (t *JSON) IntIf(name string, n int64) {
	if n != 0 {
		t.Int(name, n)
	}
}

// Time writes a field. It panics where the time has no JSON.
func (t *JSON) Time(name string, at time.Time) {
	t.Key(name)
	*t = append(*t, '"')
	b, err := at.AppendText(*t)
	if err != nil {
		panic("encode: " + err.Error())
	}
	*t = append(b, '"')
}

// TimeIf writes a field, and nothing for the zero time.
func (t *JSON) TimeIf(name string, at time.Time) {
	if !at.IsZero() {
		t.Time(name, at)
	}
}

// String writes a field.
func (t *JSON) String(name, s string) {
	t.Key(name)
	t.text(s)
}

// StringIf writes a field, and nothing for "".
func (t *JSON) StringIf(name, s string) {
	if s != "" {
		t.String(name, s)
	}
}

func (t *JSON) text(s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			text, _ := json.Marshal(s)
			*t = append(*t, text...)
			return
		}
	}
	*t = append(append(append(*t, '"'), s...), '"')
}

// Ints writes a field.
func (t *JSON) Ints(name string, all []int64) {
	t.Key(name)
	*t = append(*t, '[')
	for _, n := range all {
		t.next()
		*t = strconv.AppendInt(*t, n, 10)
	}
	*t = append(*t, ']')
}

// Strings writes a field: null for nil.
func Strings[S ~string](t *JSON, name string, all []S) {
	if all == nil {
		t.Raw(name, []byte("null"))
		return
	}
	t.Key(name)
	*t = append(*t, '[')
	for _, s := range all {
		t.next()
		t.text(string(s))
	}
	*t = append(*t, ']')
}

// StringsIf writes a field, and nothing where there are none.
func StringsIf[S ~string](t *JSON, name string, all []S) {
	if len(all) > 0 {
		Strings(t, name, all)
	}
}

// Objects writes a field, and nothing where there are none.
func Objects[V any](t *JSON, name string, all []V, write func(*JSON, *V)) {
	if len(all) == 0 {
		return
	}
	t.Key(name)
	*t = append(*t, '[')
	for i := range all {
		t.next()
		t.Open()
		write(t, &all[i])
		t.Close()
	}
	*t = append(*t, ']')
}
