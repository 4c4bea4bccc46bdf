package golden

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Values are those of one type whose text is pinned.
type Values struct {
	Name  string // what the names of its lines begin with
	Least any    // with what a value needs alone
	Fill  Fill
	Whole bool // the value with all fields alone is pinned
	// Untagged says that fields have the names of Go. Key is none of them.
	Untagged bool
	Broken   string // what becomes of a user's data where a text changes
	// Encode returns the text of a value, of the type of Least.
	Encode func(v any) (string, error)
	// Decode returns the value of a text. Nil: it has none to give.
	Decode func(text string) (any, error)
	// Each tests the value of a line. Nil: nothing more is tested.
	Each func(line string, v any, text string)
}

// A Fill has values for fields where those that are made up are of no use: by the path of the
// field, by its last name or by its type, as in "purchase.currency", "currency" or "stamps.CardID".
// A field whose value is zero is left out.
type Fill map[string]any

// Check pins the texts of values, and tests that each pinned one is still read as a value with that
// text. A type with a field that has no name in JSON, or with a float, is a failure.
func (f *File) Check(v Values) {
	f.t.Helper()
	for _, c := range f.cases(v) {
		text, err := v.Encode(c.value)
		if err != nil {
			f.t.Errorf("%s: %v", c.name, err)
			continue
		}
		f.Line(c.name, text, v.Broken)
	}
	for _, name := range f.of(v.Name) {
		f.given[name] = true
		if v.Decode == nil {
			continue
		}
		value, err := v.Decode(f.lines[name])
		if err != nil {
			f.t.Errorf("%s can't be read any more: %v\n\t%s\n%s", name, err, f.lines[name], v.Broken)
			continue
		}
		if text, err := v.Encode(value); err != nil || text != f.lines[name] {
			f.t.Errorf("%s is read and written again as\n\t%s (%v)\nand is pinned in %s as\n\t%s\n%s", name, text, err, f.path, f.lines[name], v.Broken)
			continue
		}
		if v.Each != nil {
			v.Each(name, value, f.lines[name])
		}
	}
}

// A kase is a value with the name of its line.
type kase struct {
	name  string
	value any
}

// cases returns the least value, the ones with each field besides, and the one with all of them.
func (f *File) cases(v Values) []kase {
	f.t.Helper()
	least := reflect.ValueOf(v.Least)
	m := maker{fill: v.Fill, untagged: v.Untagged}
	fields := m.fields(least.Type(), "", "", nil)
	var all []kase
	whole := copied(least)
	n := 0
	for _, field := range fields {
		to := field.at(whole)
		if n++; !to.IsZero() {
			continue
		}
		if to.Set(field.value()); to.IsZero() {
			continue
		}
		if len(fields) == 1 || v.Whole {
			continue // the one with all is the same
		}
		one := copied(least)
		field.at(one).Set(field.value())
		all = append(all, kase{v.Name + " with " + field.path, one.Interface()})
	}
	if !v.Whole || n == 0 {
		all = slices.Insert(all, 0, kase{v.Name, v.Least})
	}
	if n > 0 && !reflect.DeepEqual(whole.Interface(), v.Least) {
		m.more(whole, "")
		all = append(all, kase{fmt.Sprintf("%s with all %d", v.Name, n), whole.Interface()})
	}
	slices.Sort(m.problems)
	for _, problem := range slices.Compact(m.problems) {
		f.t.Errorf("%s: %s", v.Name, problem)
	}
	return all
}

// copied returns a copy that shares nothing with v and can be set.
func copied(v reflect.Value) reflect.Value {
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				c.Field(i).Set(copied(v.Field(i)))
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			c.Set(reflect.New(v.Type().Elem()))
			c.Elem().Set(copied(v.Elem()))
		}
	case reflect.Slice:
		if !v.IsNil() {
			c.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				c.Index(i).Set(copied(v.Index(i)))
			}
		}
	}
	return c
}

// A field is one that has a value of its own, anywhere in another value.
type field struct {
	path  string
	at    func(root reflect.Value) reflect.Value // makes what is on the way to it
	value func() reflect.Value
}

// A maker finds fields and makes values for them up. A value follows from the field's path alone,
// so that no other field changes it.
type maker struct {
	fill     Fill
	untagged bool // fields have the names of Go
	problems []string
	within   []reflect.Type
}

var timeType = reflect.TypeFor[time.Time]()

// fields returns those of a type.
func (m *maker) fields(typ reflect.Type, path, name string, at func(reflect.Value) reflect.Value) []field {
	if at == nil {
		at = func(root reflect.Value) reflect.Value { return root }
	}
	if m.leaf(typ, path, name) {
		return []field{{path, at, func() reflect.Value { return m.value(typ, path, name, "") }}}
	}
	if slices.Contains(m.within, typ) {
		return nil // it holds itself
	}
	m.within = append(m.within, typ)
	defer func() { m.within = m.within[:len(m.within)-1] }()
	switch typ.Kind() {
	case reflect.Pointer:
		return m.fields(typ.Elem(), path, name, func(root reflect.Value) reflect.Value {
			p := at(root)
			if p.IsNil() {
				p.Set(reflect.New(typ.Elem()))
			}
			return p.Elem()
		})
	case reflect.Slice:
		return m.fields(typ.Elem(), path, name, func(root reflect.Value) reflect.Value {
			s := at(root)
			if s.Len() == 0 {
				s.Set(reflect.MakeSlice(typ, 1, 1))
			}
			return s.Index(0)
		})
	}
	var all []field
	for i := range typ.NumField() {
		sub, below, ok := m.named(typ, i, path)
		if ok {
			all = append(all, m.fields(typ.Field(i).Type, below, sub, func(root reflect.Value) reflect.Value { return at(root).Field(i) })...)
		}
	}
	return all
}

// named returns the name and path of a field of a struct. ok is false where it has no text.
func (m *maker) named(typ reflect.Type, i int, path string) (name, below string, ok bool) {
	f := typ.Field(i)
	tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	switch {
	case tag == "-" || !f.IsExported() && !f.Anonymous, m.untagged && path == "" && f.Name == "Key":
		return "", "", false
	case m.untagged && tag == "":
		tag = f.Name
	case f.Anonymous && !f.IsExported():
		m.problems = append(m.problems, fmt.Sprintf("%s embeds %s, whose times are hashed as they come; export it", typ, f.Name))
		return "", "", false
	case tag == "" && f.Anonymous:
		return "", path, true
	case tag == "":
		m.problems = append(m.problems, fmt.Sprintf("%s.%s has no name in JSON: its text changes with the name in Go; give it a tag", typ, f.Name))
		tag = f.Name
	}
	if path == "" {
		return tag, tag, true
	}
	return tag, path + "." + tag, true
}

// leaf reports whether a value of the type is made as a whole.
func (m *maker) leaf(typ reflect.Type, path, name string) bool {
	if _, ok := m.given(typ, path, name); ok || typ == timeType || hasText(typ) {
		return true
	}
	switch typ.Kind() {
	case reflect.Struct:
		return false
	case reflect.Pointer:
		return m.leaf(typ.Elem(), path, name)
	case reflect.Slice:
		return typ.Elem().Kind() == reflect.Uint8 || m.leaf(typ.Elem(), path, name)
	}
	return true
}

func hasText(typ reflect.Type) bool {
	p := reflect.PointerTo(typ)
	return typ.Kind() != reflect.Pointer && (p.Implements(reflect.TypeFor[json.Marshaler]()) || p.Implements(reflect.TypeFor[encoding.TextMarshaler]()))
}

func (m *maker) given(typ reflect.Type, path, name string) (reflect.Value, bool) {
	for _, key := range []string{path, name, typ.String()} {
		if v, ok := m.fill[key]; ok && key != "" {
			if r := reflect.ValueOf(v); r.Kind() == typ.Kind() && r.Type().ConvertibleTo(typ) {
				return r.Convert(typ), true
			}
		}
	}
	return reflect.Value{}, false
}

// at is the day that times are of.
var at = time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)

// value makes a value up. The suffix tells those of a list apart.
func (m *maker) value(typ reflect.Type, path, name, suffix string) reflect.Value {
	if v, ok := m.given(typ, path, name); ok {
		return v
	}
	h := fnv.New32a()
	h.Write([]byte(path + suffix))
	sum := int64(h.Sum32())
	v := reflect.New(typ).Elem()
	switch {
	case typ == timeType:
		v.Set(reflect.ValueOf(at.Add(time.Duration(sum%86_400_000_000) * time.Microsecond)))
		return v
	case hasText(typ) && typ.Kind() != reflect.String:
		m.problems = append(m.problems, fmt.Sprintf("%s: a %s writes its own text: fill it", path, typ))
		return v
	}
	switch typ.Kind() {
	case reflect.String:
		v.SetString(name + suffix)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(sum%90 + 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(sum%90 + 10))
	case reflect.Pointer:
		v.Set(reflect.New(typ.Elem()))
		v.Elem().Set(m.value(typ.Elem(), path, name, suffix))
	case reflect.Slice:
		if typ.Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(name + suffix))
			break
		}
		v.Set(reflect.Append(v, m.value(typ.Elem(), path, name, suffix+"1"), m.value(typ.Elem(), path, name, suffix+"2")))
	case reflect.Map:
		v.Set(reflect.MakeMap(typ))
		for _, s := range []string{"2", "1"} {
			v.SetMapIndex(m.value(typ.Key(), path, name, suffix+s), m.value(typ.Elem(), path, name, suffix+s))
		}
	case reflect.Struct:
		if slices.Contains(m.within, typ) {
			return v // it holds itself
		}
		m.within = append(m.within, typ)
		defer func() { m.within = m.within[:len(m.within)-1] }()
		for i := range typ.NumField() {
			if sub, below, ok := m.named(typ, i, path); ok {
				v.Field(i).Set(m.value(typ.Field(i).Type, below, sub, suffix))
			}
		}
	default:
		m.problems = append(m.problems, fmt.Sprintf("%s is a %s: fill it, or give it a type whose text is exact", path, typ))
	}
	return v
}

// more gives lists of structs a second element.
func (m *maker) more(v reflect.Value, path string) {
	switch {
	case v.Type() == timeType || hasText(v.Type()):
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if _, below, ok := m.named(v.Type(), i, path); ok {
				if _, given := m.fill[below]; !given {
					m.more(v.Field(i), below)
				}
			}
		}
	case v.Kind() == reflect.Pointer && !v.IsNil():
		m.more(v.Elem(), path)
	case v.Kind() == reflect.Slice && v.Len() == 1:
		m.more(v.Index(0), path)
		name := path[strings.LastIndexByte(path, '.')+1:]
		if !m.leaf(v.Type().Elem(), path, name) {
			v.Set(reflect.Append(v, m.value(v.Type().Elem(), path, name, "2")))
		}
	}
}

// strict reads JSON without a field that v has not.
func strict(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(v)
}
