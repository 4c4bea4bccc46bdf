// Package timetest tries a command with times that no command may have.
//
// A time that lies in another year in UTC than on its own clock, or whose zone is further than a
// day away, has no JSON: what hashes or stores it panics. So every command refuses it, by a typed
// error that names the field, before anything else is done.
package timetest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Bad returns times that no field of a command may have, by what is wrong with each. The zero time
// is not among them.
func Bad() map[string]time.Time {
	zone := func(offset time.Duration) *time.Location { return time.FixedZone("", int(offset/time.Second)) }
	return map[string]time.Time{
		"year -5":                        time.Date(-5, 1, 2, 3, 4, 5, 0, time.UTC),
		"year 0":                         time.Date(0, 1, 2, 3, 4, 5, 0, time.UTC),
		"year 1 a microsecond from zero": time.Time{}.Add(time.Microsecond),
		"year 10000":                     time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		"year 10000 of UTC alone":        time.Date(9999, 12, 31, 23, 0, 0, 0, zone(-12*time.Hour)),
		"year 10000 of its zone alone":   time.Date(10000, 1, 1, 0, 0, 0, 0, zone(time.Hour)),
		"year 300000":                    time.Date(300000, 1, 2, 3, 4, 5, 0, time.UTC),
		"the first of time.Unix":         time.Unix(-1<<62, 0),
		"the last of time.Unix":          time.Unix(1<<62, 0),
		"zone +30:00":                    time.Date(2026, 1, 2, 3, 4, 5, 0, zone(30*time.Hour)),
		"zone -30:00":                    time.Date(2026, 1, 2, 3, 4, 5, 0, zone(-30*time.Hour)),
		"zone +24:00":                    time.Date(2026, 1, 2, 3, 4, 5, 0, zone(24*time.Hour)),
		"zone -24:00":                    time.Date(2026, 1, 2, 3, 4, 5, 0, zone(-24*time.Hour)),
		"the zero time in zone +30:00":   time.Time{}.In(zone(30 * time.Hour)),
	}
}

// Refuses holds a command to refusing each of the [Bad] times in each of its fields of type
// time.Time, however deep: in structs, pointers, slices, arrays, maps and interfaces. What is empty
// there gets one element that is zero but for the time. Each must be a *errs.InputError whose Field
// names the field, or a *errs.DefinitionError with a mistake there; run must not panic, and what
// stored returns must stay as it was (nil: it is not looked at; [Records] is that of a journal).
//
// The zero time must be refused too, but in the fields named in optional, where it stands for a
// time that is not given: by their path, as in "Lines[0].At", or by their last name, as in "At".
// There it need not be refused, and must not panic.
//
// command itself must be accepted, as it is. After that each field has the first and the last time
// that a command may have, in several zones, and a key of its own in the field Key, if there is one:
// whether it is refused or not, it must not panic. run must deal with the command as a user's call
// does.
func Refuses[C any](t *testing.T, command C, run func(C) error, stored func() any, optional ...string) {
	t.Helper()
	if stored == nil {
		stored = func() any { return nil }
	}
	for _, problem := range problems(command, run, stored, optional) {
		t.Error(problem)
	}
}

func problems[C any](command C, run func(C) error, stored func() any, optional []string) (found []string) {
	report := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	fields := times(reflect.TypeFor[C](), reflect.ValueOf(&command).Elem(), "", 0)
	if len(fields) == 0 {
		report("%T has no field of type time.Time", command)
	}
	// try reports whether the command is refused.
	try := func(f field, name string, at time.Time) bool {
		c := clone(reflect.ValueOf(&command).Elem())
		f.set(c, reflect.ValueOf(at))
		before := stored()
		stack, err := call(run, c.Interface().(C))
		switch {
		case stack != "":
			report("%s: %s: panics with %v\n%s", f.path, name, err, stack)
		case err == nil:
			return false
		case !f.named(err):
			report("%s: %s: the error %q, a %T, is no *errs.InputError that names the field", f.path, name, err, err)
		}
		if !reflect.DeepEqual(before, stored()) {
			report("%s: %s: something was stored", f.path, name)
		}
		return true
	}
	bad := Bad()
	for _, f := range fields {
		mayBeZero := slices.Contains(optional, f.path) || slices.Contains(optional, f.name())
		for _, name := range slices.Sorted(maps.Keys(bad)) {
			if !try(f, name, bad[name]) && !(mayBeZero && bad[name].IsZero()) {
				report("%s: %s is accepted", f.path, name)
			}
		}
		if !try(f, "the zero time", time.Time{}) && !mayBeZero {
			report("%s: the zero time is accepted", f.path)
		}
	}
	if stack, err := call(run, command); err != nil {
		report("the command as it was given is not accepted: %v\n%s", err, stack)
	}
	keys := 0
	for _, f := range fields {
		edges := edges()
		for _, name := range slices.Sorted(maps.Keys(edges)) {
			c := clone(reflect.ValueOf(&command).Elem())
			f.set(c, reflect.ValueOf(edges[name]))
			if key := reflect.Indirect(c); key.Kind() == reflect.Struct {
				if key = key.FieldByName("Key"); key.IsValid() && key.Kind() == reflect.String {
					keys++
					key.SetString(fmt.Sprint("edge-", keys))
				}
			}
			if stack, err := call(run, c.Interface().(C)); stack != "" {
				report("%s: %s: panics with %v\n%s", f.path, name, err, stack)
			}
		}
	}
	return found
}

// edges returns the first and the last times that a field of a command may have.
func edges() map[string]time.Time {
	first, last := time.Unix(0, 0), time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
	return map[string]time.Time{
		"the first time": first.UTC(), "the first time, in zone -23:59": first.In(time.FixedZone("", -86340)),
		"the last time": last, "the last time, in zone -23:59": last.In(time.FixedZone("", -86340)),
	}
}

// Records returns what stored of [Refuses] is for a journal: its records.
func Records(t *testing.T, s journal.Store) func() any {
	return func() any {
		t.Helper()
		var all []journal.Record
		for r, err := range s.After(t.Context(), "", 0) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, r)
		}
		return all
	}
}

// call runs the command, and returns the stack where it panics.
func call[C any](run func(C) error, c C) (stack string, err error) {
	defer func() {
		if p := recover(); p != nil {
			stack, err = string(debug.Stack()), fmt.Errorf("%v", p)
		}
	}()
	return "", run(c)
}

// A field is a place in a command that has a time.
type field struct {
	path   string
	names  []string // in Go and in JSON, of the last field of a struct on the way to it
	madeUp bool     // something on the way to it is not in the command
	set    func(command, at reflect.Value)
}

func (f field) name() string {
	if len(f.names) == 0 {
		return f.path
	}
	return f.names[0]
}

// named reports whether the error is typed and names the field: by its name in Go or JSON or, where
// what is around it is made up, any.
func (f field) named(err error) bool {
	named := func(path string) bool {
		return path != "" && (f.madeUp || len(f.names) == 0 || slices.ContainsFunc(f.names, func(name string) bool {
			return strings.Contains(strings.ToLower(path), strings.ToLower(name))
		}))
	}
	if e, ok := errors.AsType[*errs.InputError](err); ok {
		return named(e.Field)
	}
	d, ok := errors.AsType[*errs.DefinitionError](err)
	return ok && slices.ContainsFunc(d.Mistakes, func(m errs.Mistake) bool { return named(m.Path) })
}

var timeType = reflect.TypeFor[time.Time]()

// deepest is where the search in types that hold themselves ends.
const deepest = 12

// times returns the places of a value of the type that have a time. What v, which may be invalid,
// lacks is made up.
func times(typ reflect.Type, v reflect.Value, path string, depth int) (found []field) {
	below := func(
		typ reflect.Type, v reflect.Value, at string, names []string, madeUp bool, enter func(parent reflect.Value, fn func(reflect.Value)),
	) {
		for _, f := range times(typ, v, path+at, depth+1) {
			if f.names == nil {
				f.names = names
			}
			f.madeUp = f.madeUp || madeUp
			set := f.set
			f.set = func(parent, to reflect.Value) { enter(parent, func(child reflect.Value) { set(child, to) }) }
			found = append(found, f)
		}
	}
	switch {
	case depth > deepest:
		return nil
	case typ == timeType:
		return []field{{path: cmp.Or(path, "the command"), set: func(v, to reflect.Value) { v.Set(to) }}}
	case typ.ConvertibleTo(timeType) && typ.Kind() == reflect.Struct:
		return []field{{path: cmp.Or(path, "the command"), set: func(v, to reflect.Value) { v.Set(to.Convert(typ)) }}}
	}
	has := v.IsValid()
	switch typ.Kind() {
	case reflect.Struct:
		for i := range typ.NumField() {
			f := typ.Field(i)
			if !f.IsExported() {
				continue
			}
			var child reflect.Value
			if has {
				child = v.Field(i)
			}
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			names := []string{f.Name}
			if name != "" && name != "-" {
				names = append(names, name)
			}
			at := f.Name
			if path != "" {
				at = "." + at
			}
			below(f.Type, child, at, names, false, func(parent reflect.Value, fn func(reflect.Value)) { fn(parent.Field(i)) })
		}
	case reflect.Pointer:
		var child reflect.Value
		if has = has && !v.IsNil(); has {
			child = v.Elem()
		}
		if !has && depth > deepest/2 {
			return nil
		}
		below(typ.Elem(), child, "", nil, !has && typ.Elem() != timeType, func(parent reflect.Value, fn func(reflect.Value)) {
			if parent.IsNil() {
				parent.Set(reflect.New(typ.Elem()))
			}
			fn(parent.Elem())
		})
	case reflect.Interface:
		if has = has && !v.IsNil(); has {
			dynamic := v.Elem().Type()
			below(dynamic, v.Elem(), "", nil, false, func(parent reflect.Value, fn func(reflect.Value)) {
				c := reflect.New(dynamic).Elem()
				c.Set(parent.Elem())
				fn(c)
				parent.Set(c)
			})
		}
	case reflect.Slice, reflect.Array:
		if typ.Kind() == reflect.Slice && (!has || v.Len() == 0) {
			if depth > deepest/2 {
				return nil
			}
			below(typ.Elem(), reflect.Value{}, "[0]", nil, true, func(parent reflect.Value, fn func(reflect.Value)) {
				parent.Set(reflect.MakeSlice(typ, 1, 1))
				fn(parent.Index(0))
			})
			break
		}
		if !has {
			v = reflect.New(typ).Elem()
		}
		for i := range v.Len() {
			below(typ.Elem(), v.Index(i), fmt.Sprintf("[%d]", i), nil, false,
				func(parent reflect.Value, fn func(reflect.Value)) { fn(parent.Index(i)) })
		}
	case reflect.Map:
		put := func(key reflect.Value) func(reflect.Value, func(reflect.Value)) {
			return func(parent reflect.Value, fn func(reflect.Value)) {
				c := reflect.New(typ.Elem()).Elem()
				if old := parent.MapIndex(key); old.IsValid() {
					c.Set(old)
				}
				fn(c)
				if parent.IsNil() {
					parent.Set(reflect.MakeMap(typ))
				}
				parent.SetMapIndex(key, c)
			}
		}
		if !has || v.Len() == 0 {
			if depth > deepest/2 {
				return nil
			}
			below(typ.Elem(), reflect.Value{}, "[zero]", nil, true, put(reflect.New(typ.Key()).Elem()))
			break
		}
		for _, key := range v.MapKeys() {
			below(typ.Elem(), v.MapIndex(key), fmt.Sprintf("[%v]", key), nil, false, put(key))
		}
	}
	return found
}

// clone returns a copy that shares nothing with v but what its unexported fields lead to. It can be
// set.
func clone(v reflect.Value) reflect.Value {
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	if v.Type() == timeType {
		return c
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				c.Field(i).Set(clone(v.Field(i)))
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			c.Set(reflect.New(v.Type().Elem()))
			c.Elem().Set(clone(v.Elem()))
		}
	case reflect.Interface:
		if !v.IsNil() {
			c.Set(clone(v.Elem()))
		}
	case reflect.Slice:
		if !v.IsNil() {
			c.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				c.Index(i).Set(clone(v.Index(i)))
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			c.Index(i).Set(clone(v.Index(i)))
		}
	case reflect.Map:
		if !v.IsNil() {
			c.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
			for _, key := range v.MapKeys() {
				c.SetMapIndex(key, clone(v.MapIndex(key)))
			}
		}
	}
	return c
}
