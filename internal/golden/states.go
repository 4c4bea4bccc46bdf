package golden

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"

	"github.com/scrmkit/scrmkit/storage"
)

const lost = "Rows that an earlier release has stored can't be read, or lose what they have when they are written."

// A State is a column of JSON of a table.
type State struct {
	table  *storage.Def
	column string
	least  any
	fill   Fill
	write  func(v any) ([]storage.Value, error)
	read   func(values []storage.Value) (any, error)
}

// StateOf returns the column of a table that has an S: row returns a row that is zero but for it,
// and of the S of a row.
func StateOf[T, S any](table *storage.Table[T], column string, fill Fill, row func(S) T, of func(*T) S) State {
	var least S
	return State{
		table: table.Def(), column: column, least: least, fill: fill,
		write: func(v any) ([]storage.Value, error) {
			r := row(v.(S))
			return table.Put(&r).Values(nil)
		},
		read: func(values []storage.Value) (any, error) {
			var r T
			err := table.Get(&r).Found(values)
			return of(&r), err
		},
	}
}

// Definitions returns the column of the definitions D that are published in a table of
// internal/published.
func Definitions[T, D any](table *storage.Table[T], fill Fill, _ D) State {
	return StateOf(table, "definition", fill, func(d D) (row T) {
		reflect.ValueOf(&row).Elem().FieldByName("Definition").Set(reflect.ValueOf(d))
		return row
	}, func(row *T) D {
		return reflect.ValueOf(row).Elem().FieldByName("Definition").Interface().(D)
	})
}

// States pins the columns of JSON of a schema, none of which may be left out. Each state that is
// pinned is refused, as storage.ErrFormat, where it is of a newer format or has a field that this
// release does not know.
func (f *File) States(schema storage.Schema, states ...State) {
	f.t.Helper()
	pinned := map[string]bool{}
	for _, s := range states {
		pinned[s.name()] = true
		f.state(s)
	}
	for _, t := range schema.Tables {
		for _, c := range t.Def().Columns {
			if name := t.Def().Name + "." + c.Name; c.Kind == storage.KindJSON && !pinned[name] {
				f.t.Errorf("%s is not pinned in %s", name, f.path)
			}
		}
	}
}

func (s State) name() string { return s.table.Name + "." + s.column }

// at returns the place of the column among those that are written, or among those that are read.
func (s State) at(readable bool) int {
	n := 0
	for _, c := range s.table.Columns {
		if c.Name == s.column {
			return n
		}
		if !readable || !c.Derived {
			n++
		}
	}
	panic("golden: " + s.table.Name + " has no column " + s.column)
}

// decode reads a row that is zero but for the column.
func (s State) decode(doc []byte) (any, error) {
	zero, err := s.write(s.least)
	if err != nil {
		return nil, err
	}
	var values []storage.Value
	for _, c := range s.table.Readable() {
		values = append(values, zero[c])
	}
	values[s.at(true)].Bytes = doc
	return s.read(values)
}

func (f *File) state(s State) {
	f.t.Helper()
	f.Check(Values{
		Name: s.name(), Least: s.least, Fill: s.fill, Broken: lost,
		Encode: func(v any) (string, error) {
			values, err := s.write(v)
			if err != nil {
				return "", err
			}
			return string(values[s.at(false)].Bytes), nil
		},
		Decode: func(text string) (any, error) { return s.decode([]byte(text)) },
		Each: func(line string, _ any, text string) {
			f.t.Helper()
			for what, doc := range newer([]byte(text)) {
				if v, err := s.decode(doc); !errors.Is(err, storage.ErrFormat) {
					f.t.Errorf("%s: with %s it is read as %+v, with %v: what a newer release put there would be lost", line, what, v, err)
				}
			}
		},
	})
}

// newer returns what a newer release may make of a state, but for null and lists without an object.
func newer(doc []byte) map[string][]byte {
	all := map[string][]byte{}
	if rest, ok := bytes.CutPrefix(doc, []byte("{")); ok {
		all["a newer format"] = fmt.Appendf(nil, `{"$format":1000%s%s`, comma(rest), rest)
	}
	if i := bytes.IndexByte(doc, '{'); i >= 0 {
		rest := doc[i+1:]
		all["a field that is not known"] = fmt.Appendf(nil, `%s{"ofANewerRelease":true%s%s`, doc[:i], comma(rest), rest)
	}
	return all
}

func comma(rest []byte) string {
	if bytes.HasPrefix(rest, []byte("}")) {
		return ""
	}
	return ","
}
