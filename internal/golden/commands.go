package golden

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// A Command is one that an engine knows by its key.
type Command struct {
	Kind  string // of the journal's entry
	Name  string // that its lines begin with; "": Kind
	Least any    // with what it needs alone, and without its key
	// Method is that of the engine, where several take the command; "": the one that does.
	Method string
	Fill   Fill
	// Untagged says that it has no JSON, so that its fields have the names of Go.
	Untagged bool
	// Input returns what is hashed. Nil: the command itself.
	Input func(c any) any
	// Result returns what the journal keeps of the command. Nil: what the method returns.
	Result func() any
	// Apart says that fields exclude each other, so that the command with all of them is refused.
	Apart bool
	// Err is what the engine returns for a command that it knows again, but does not answer.
	Err error
}

// An Engine is one whose commands are pinned.
type Engine struct {
	// New returns the engine on a store, where what the commands need beside their own entry is.
	New      func(s storage.Tx) any
	Store    storage.Tx
	Commands []Command
	Results  []Result
	Without  []string // methods that take a key, and are tested otherwise
}

// A Result is what commands return, and the journal keeps.
type Result struct {
	Name string
	Of   any // the zero value
	Fill Fill
}

const (
	refused  = "A command that an earlier release has done is refused as journal.ErrKeyReused when it comes again."
	unread   = "A command that an earlier release has done can't be answered when it comes again, and the journal can't be read."
	goldenID = "golden" // key of the commands
)

// Commands pins the hash of each command of an engine, and each result. The engine itself must know
// a command of a pinned hash again, and answer it with the stored result.
//
// A method of the engine with a command that has a key, and that is not among the commands, is a
// failure; and so is a result that is not among the results.
func (f *File) Commands(e Engine) {
	f.t.Helper()
	methods := map[string]bool{}
	results := map[reflect.Type]any{}
	for _, r := range e.Results {
		results[reflect.TypeOf(r.Of)] = f.result(r)
	}
	for _, c := range e.Commands {
		method, ok := f.method(e, c)
		if !ok {
			continue
		}
		methods[method] = true
		f.command(e, c, method, results)
	}
	for i, typ := 0, reflect.TypeOf(e.New(e.Store)); i < typ.NumMethod(); i++ {
		m := typ.Method(i)
		if _, keyed := commandOf(m.Type); keyed && !methods[m.Name] && !slices.Contains(e.Without, m.Name) {
			f.t.Errorf("no command of %s.%s is pinned in %s", typ, m.Name, f.path)
		}
	}
}

// commandOf returns the parameter of a method that is a command with a key, or a list of those.
func commandOf(method reflect.Type) (command reflect.Type, ok bool) {
	for i := 1; i < method.NumIn(); i++ {
		p := method.In(i)
		if p.Kind() == reflect.Slice {
			p = p.Elem()
		}
		if p.Kind() != reflect.Struct {
			continue
		}
		if key, has := p.FieldByName("Key"); has && key.Type.Kind() == reflect.String {
			return method.In(i), true
		}
	}
	return nil, false
}

func (f *File) method(e Engine, c Command) (string, bool) {
	f.t.Helper()
	typ := reflect.TypeOf(e.New(e.Store))
	for i := range typ.NumMethod() {
		m := typ.Method(i)
		if p, keyed := commandOf(m.Type); keyed && p == reflect.TypeOf(c.Least) && (c.Method == "" || c.Method == m.Name) {
			return m.Name, true
		}
	}
	f.t.Errorf("%s: no method of %s takes a %T", c.Kind, typ, c.Least)
	return "", false
}

// result pins a result, and returns one with all fields.
func (f *File) result(r Result) (whole any) {
	f.t.Helper()
	v := JSON("result "+r.Name, r.Of, r.Fill, unread)
	v.Whole = true
	f.Check(v)
	cases := f.cases(v)
	return cases[len(cases)-1].value
}

// JSON returns Values with JSON as their text. It is read as journal.Entry.Replay reads it: a field
// that a later release adds is passed by.
func JSON(name string, least any, fill Fill, broken string) Values {
	return Values{
		Name: name, Least: least, Fill: fill, Broken: broken,
		Encode: func(v any) (string, error) { text, err := json.Marshal(v); return string(text), err },
		Decode: func(text string) (any, error) {
			v := reflect.New(reflect.TypeOf(least))
			err := json.Unmarshal([]byte(text), v.Interface())
			return v.Elem().Interface(), err
		},
	}
}

// command pins a command. A line has its hash, and what is hashed.
func (f *File) command(e Engine, c Command, method string, results map[reflect.Type]any) {
	f.t.Helper()
	input := func(v any) any {
		if c.Input == nil {
			return v
		}
		return c.Input(v)
	}
	result := reflect.ValueOf(e.New(e.Store)).MethodByName(method).Type().Out(0)
	stored, known := results[result]
	if c.Result != nil {
		stored, known = c.Result(), true
	}
	if !known {
		f.t.Errorf("%s: the result, a %s, is not pinned", c.Kind, result)
		return
	}
	values := Values{
		Name: cmp.Or(c.Name, c.Kind), Least: c.Least, Fill: c.Fill, Untagged: c.Untagged, Broken: refused,
		Encode: func(v any) (string, error) {
			in := input(v)
			return hex.EncodeToString(journal.Hash(c.Kind, in)) + " " + string(journal.JSON(in)), nil
		},
		Each: func(line string, v any, text string) {
			f.t.Helper()
			hash, _, _ := strings.Cut(text, " ")
			sum, err := hex.DecodeString(hash)
			if err != nil {
				f.t.Errorf("%s: %v", line, err)
				return
			}
			entry := journal.Entry{Input: sum, Kind: c.Kind, Result: journal.JSON(stored)}
			for _, again := range []any{v, elsewhere(v)} {
				f.replays(e, c, method, entry, line, again)
			}
		},
	}
	if c.Input == nil {
		values.Decode = func(text string) (any, error) {
			_, doc, _ := strings.Cut(text, " ")
			v := reflect.New(reflect.TypeOf(c.Least))
			err := strict([]byte(doc), v.Interface())
			return v.Elem().Interface(), err
		}
		f.Check(values)
		return
	}
	f.Check(values)
	for _, k := range f.cases(values) {
		values.Each(k.name, k.value, f.lines[k.name])
	}
}

// replays runs a command that is stored as done.
func (f *File) replays(e Engine, c Command, method string, entry journal.Entry, line string, v any) {
	f.t.Helper()
	command := copied(reflect.ValueOf(v))
	command.FieldByName("Key").SetString(goldenID)
	store := &answering{Tx: e.Store, entry: entry}
	out := reflect.ValueOf(e.New(store)).MethodByName(method).Call([]reflect.Value{reflect.ValueOf(context.Background()), command})
	err, _ := out[len(out)-1].Interface().(error)
	switch {
	case errors.Is(err, errs.Invalid) && !store.asked && line != cmp.Or(c.Name, c.Kind) && (c.Apart || !strings.Contains(line, " with all ")):
		return // a field alone that goes with others
	case !store.asked:
		f.t.Errorf("%s: the engine did not look for the key, with %v", line, err)
	case store.saved:
		f.t.Errorf("%s: the engine did the command again", line)
	case errors.Is(err, journal.ErrKeyReused):
		f.t.Errorf("%s: the engine gives %+v another hash. %s", line, v, refused)
	case c.Err != nil && errors.Is(err, c.Err), err == nil && c.Err == nil:
		if c.Result == nil && err == nil && string(journal.JSON(out[0].Interface())) != string(entry.Result) {
			f.t.Errorf("%s is answered with\n\t%s\ninstead of the stored\n\t%s\n%s", line, journal.JSON(out[0].Interface()), entry.Result, unread)
		}
	default:
		f.t.Errorf("%s comes again with %v", line, err)
	}
}

// answering is a store where the command was done.
type answering struct {
	storage.Tx
	entry        journal.Entry
	asked, saved bool
}

func (s *answering) Load(ctx context.Context, looks []storage.Look) error {
	err := s.Tx.Load(ctx, looks)
	for i := range looks {
		if l := &looks[i]; l.Key == goldenID {
			e := s.entry
			e.Subject, e.Key = l.Subject, l.Key
			l.Entry, s.asked = &e, true
		}
	}
	return err
}

func (s *answering) Save(context.Context, []storage.Change) ([]error, error) {
	s.saved = true
	return nil, fmt.Errorf("golden: nothing is to be stored")
}

// elsewhere returns a command with the same instants as another process has them: in another time
// zone, and finer than they are stored.
func elsewhere(v any) any {
	c := copied(reflect.ValueOf(v))
	move(c)
	return c.Interface()
}

var zone = time.FixedZone("UTC+8", 8*60*60)

func move(v reflect.Value) {
	switch {
	case v.Type() == timeType:
		if t := v.Interface().(time.Time); !t.IsZero() {
			v.Set(reflect.ValueOf(t.Add(999 * time.Nanosecond).In(zone)))
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				move(v.Field(i))
			}
		}
	case v.Kind() == reflect.Pointer && !v.IsNil():
		move(v.Elem())
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			move(v.Index(i))
		}
	}
}
