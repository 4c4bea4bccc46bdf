package journal

import (
	"encoding"
	"encoding/json"
	"reflect"
	"sync"
	"time"
)

// Instants returns a command with its times as Instant gives them, wherever they are in it, so that
// one that comes again from a process in another time zone, or with times as they were stored, has
// the same JSON. What the command shares with others stays as it is.
func Instants(command any) any {
	if command == nil {
		return nil
	}
	v := reflect.ValueOf(command)
	if c, changed := instants(v); changed {
		return c.Interface()
	}
	return command
}

var (
	timeType      = reflect.TypeFor[time.Time]()
	marshaler     = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// instants returns the value with other times, or reports that it has none.
func instants(v reflect.Value) (c reflect.Value, changed bool) {
	typ := v.Type()
	if typ == timeType {
		t := v.Interface().(time.Time)
		if t.Location() == time.UTC && t.Nanosecond()%1000 == 0 {
			return v, false
		}
		return reflect.ValueOf(Instant(t)), true
	}
	may := timed(typ)
	if !may.have {
		return v, false
	}
	c = v
	set := func(at func(reflect.Value) reflect.Value, to reflect.Value) {
		if !changed {
			c, changed = reflect.New(typ).Elem(), true
			c.Set(v)
			if v.Kind() == reflect.Slice {
				c.Set(reflect.AppendSlice(reflect.MakeSlice(typ, 0, v.Len()), v))
			}
		}
		at(c).Set(to)
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, i := range may.fields {
			if to, other := instants(v.Field(i)); other {
				set(func(c reflect.Value) reflect.Value { return c.Field(i) }, to)
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if to, other := instants(v.Index(i)); other {
				set(func(c reflect.Value) reflect.Value { return c.Index(i) }, to)
			}
		}
	case reflect.Pointer:
		if v.IsNil() {
			break
		}
		if to, other := instants(v.Elem()); other {
			c, changed = reflect.New(typ.Elem()), true
			c.Elem().Set(to)
		}
	case reflect.Interface:
		if v.IsNil() {
			break
		}
		if to, other := instants(v.Elem()); other {
			set(func(c reflect.Value) reflect.Value { return c }, to)
		}
	case reflect.Map:
		m := reflect.MakeMapWithSize(typ, v.Len())
		for key, value := range v.Seq2() {
			to, other := instants(value)
			changed = changed || other
			m.SetMapIndex(key, to)
		}
		if changed {
			c = m
		}
	}
	return c, changed
}

// timedTypes are the timings of the types that were asked for.
var timedTypes sync.Map

// A timing is whether values of a type may have a time that their JSON shows, and of a struct in
// which fields.
type timing struct {
	have   bool
	fields []int
}

// timed returns the timing of a type. One that writes its own text has no times: it says itself what
// that is.
func timed(typ reflect.Type) *timing {
	if known, ok := timedTypes.Load(typ); ok {
		return known.(*timing)
	}
	t := &timing{have: search(typ, map[reflect.Type]bool{})}
	for i := 0; t.have && typ.Kind() == reflect.Struct && typ != timeType && i < typ.NumField(); i++ {
		if f := typ.Field(i); f.IsExported() && search(f.Type, map[reflect.Type]bool{}) {
			t.fields = append(t.fields, i)
		}
	}
	timedTypes.Store(typ, t)
	return t
}

func search(typ reflect.Type, seen map[reflect.Type]bool) bool {
	switch {
	case typ == timeType || typ.Kind() == reflect.Interface:
		return true
	case typ.Kind() == reflect.Pointer:
		return search(typ.Elem(), seen)
	case seen[typ] || typ.Implements(marshaler) || typ.Implements(textMarshaler):
		return false
	}
	seen[typ] = true
	switch typ.Kind() {
	case reflect.Struct:
		for i := range typ.NumField() {
			if f := typ.Field(i); f.IsExported() && search(f.Type, seen) {
				return true
			}
		}
	case reflect.Slice, reflect.Array, reflect.Map:
		return search(typ.Elem(), seen)
	}
	return false
}
