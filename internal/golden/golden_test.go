package golden

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// A recorder is a T that keeps what fails.
type recorder struct {
	failed []string
	ends   []func()
}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.failed = append(r.failed, fmt.Sprintf(format, args...))
}
func (r *recorder) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (r *recorder) Cleanup(f func())                  { r.ends = append(r.ends, f) }

// run returns what fails of a test with the file.
func run(path string, adds bool, test func(f *File)) []string {
	r := &recorder{}
	test(open(r, path, adds))
	for _, end := range r.ends {
		end()
	}
	return r.failed
}

func fails(t *testing.T, failed []string, with ...string) {
	t.Helper()
	all := strings.Join(failed, "\n")
	for _, w := range with {
		if !strings.Contains(all, w) {
			t.Errorf("nothing of %q is in what fails:\n%s", w, all)
		}
	}
	if len(with) == 0 && all != "" {
		t.Errorf("fails with\n%s", all)
	}
}

func TestLinesAreAddedAndNeverChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "golden", "a.txt")
	first := func(f *File) { f.Line("one", "1", "") }
	fails(t, run(path, false, first), "one is not pinned", "-add")
	fails(t, run(path, true, first))
	fails(t, run(path, false, first))
	both := func(f *File) { first(f); f.Line("two", "2", "") }
	fails(t, run(path, false, both), "two is not pinned")
	fails(t, run(path, true, both))
	other := func(f *File) { f.Line("one", "7", "Commands are refused."); f.Line("two", "2", "") }
	fails(t, run(path, true, other), "one is\n\t7\n", "as\n\t1\nCommands are refused.")
	fails(t, run(path, true, func(f *File) { f.Line("two", "2", "") }), "one is pinned in", "nothing gives it any more")
	if text, err := os.ReadFile(path); err != nil || string(text) != "one: 1\ntwo: 2\n" {
		t.Errorf("the file is %q, %v", text, err)
	}
}

func TestWhatIsRandomIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.txt")
	made := 0
	once := func(f *File) { f.Once("token", func() string { made++; return fmt.Sprint("token", made) }) }
	fails(t, run(path, false, once), "token is not pinned")
	fails(t, run(path, true, once))
	fails(t, run(path, true, once))
	if text, err := os.ReadFile(path); err != nil || string(text) != "token: token2\n" || made != 2 {
		t.Errorf("the file is %q, %v, after %d were made", text, err, made)
	}
}

type (
	part struct {
		A string `json:"a,omitempty"`
	}
	value1 struct {
		ID    string    `json:"id"`
		At    time.Time `json:"at,omitzero"`
		Parts []part    `json:"parts,omitempty"`
	}
	// value2 has a field more, which is left out where it is not used.
	value2 struct {
		ID    string    `json:"id"`
		New   string    `json:"new,omitempty"`
		At    time.Time `json:"at,omitzero"`
		Parts []part    `json:"parts,omitempty"`
	}
	// value3 has one that is not.
	value3 struct {
		ID    string    `json:"id"`
		At    time.Time `json:"at,omitzero"`
		Parts []part    `json:"parts,omitempty"`
		New   string    `json:"new"`
	}
	// value4 has another name for one.
	value4 struct {
		ID    string    `json:"id"`
		When  time.Time `json:"when,omitzero"`
		Parts []part    `json:"parts,omitempty"`
	}
	inexact struct {
		Rate float64 `json:"rate"`
		Name string
	}
)

func TestAFieldThatIsAddedChangesNoOlderText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.txt")
	check := func(least any) func(f *File) {
		return func(f *File) { f.Check(JSON("value", least, nil, "Rows can't be read.")) }
	}
	fails(t, run(path, true, check(value1{ID: "x"})))
	text, err := os.ReadFile(path)
	if want := `value: {"id":"x"}
value with at: {"id":"x","at":"2026-11-27T00:24:22.048136Z"}
value with parts.a: {"id":"x","parts":[{"a":"a"}]}
value with all 3: {"id":"x","at":"2026-11-27T00:24:22.048136Z","parts":[{"a":"a"},{"a":"a2"}]}
`; err != nil || string(text) != want {
		t.Errorf("the file is\n%swant\n%s%v", text, want, err)
	}
	fails(t, run(path, false, check(value2{ID: "x"})), "value with new is not pinned", "value with all 4 is not pinned")
	fails(t, run(path, false, check(value3{ID: "x"})), `value is`, `{"id":"x","new":""}`, "value with at is read and written again as", "Rows can't be read.")
	fails(t, run(path, false, check(value4{ID: "x"})), "value with at is read and written again as\n\t{\"id\":\"x\"}")
	fails(t, run(path, true, check(value2{ID: "x"})))
	fails(t, run(path, false, check(value2{ID: "x"})))
	fails(t, run(path, false, check(value1{ID: "x"})), "value with new is read and written again as")
}

func TestTextsThatAreNotExactAreFound(t *testing.T) {
	fails(t, run(filepath.Join(t.TempDir(), "a.txt"), true, func(f *File) { f.Check(JSON("value", inexact{}, nil, "")) }),
		"rate is a float64", "golden.inexact.Name has no name in JSON")
}

type (
	act struct {
		ID  string    `json:"id"`
		At  time.Time `json:"at,omitzero"`
		Key string    `json:"-"`
	}
	stay struct {
		Key string `json:"-"`
	}
	done struct {
		N int `json:"n"`
	}
	engine struct {
		s    storage.Tx
		hash func(act) []byte
	}
)

func (e engine) Act(ctx context.Context, c act) (out done, err error) {
	looks := []storage.Look{{Subject: "s", Key: c.Key}}
	if err := e.s.Load(ctx, looks); err != nil {
		return out, err
	}
	if entry := looks[0].Entry; entry != nil {
		return out, entry.Replay(e.hash(c), &out)
	}
	_, err = e.s.Save(ctx, nil)
	return out, err
}

func (e engine) Stay(context.Context, stay) error { return nil }

func TestAnEngineKnowsPinnedCommandsAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.txt")
	commands := func(hash func(act) []byte, results []Result, without ...string) func(f *File) {
		return func(f *File) {
			f.Commands(Engine{
				Store: memory.New(), New: func(s storage.Tx) any { return engine{s, hash} }, Results: results, Without: without,
				Commands: []Command{{Kind: "act", Least: act{ID: "x"}}},
			})
		}
	}
	own, results := func(c act) []byte { return journal.Hash("act", c) }, []Result{{Name: "done", Of: done{}}}
	fails(t, run(path, true, commands(own, results, "Stay")))
	fails(t, run(path, false, commands(own, results, "Stay")))
	fails(t, run(path, false, commands(own, results)), "no command of golden.engine.Stay is pinned")
	fails(t, run(path, false, commands(own, nil, "Stay")), "the result, a golden.done, is not pinned")
	fails(t, run(path, false, commands(func(c act) []byte { return journal.Hash("acted", c) }, results, "Stay")), "the engine gives", "another hash", refused)
	zoned := func(c act) []byte { text, _ := json.Marshal(c); return journal.HashJSON("act", text) }
	fails(t, run(path, false, commands(zoned, results, "Stay")), "act with at: the engine gives", "+0800")
}

type row struct {
	ID    string
	State state
	List  []part
}

type state struct {
	N int `json:"n,omitempty"`
}

var rows = storage.NewTable("row", func(c *storage.Columns, r *row) {
	storage.Text(c, "id", &r.ID)
	c.Key()
	storage.Derived(c, "n", func() int64 { return int64(r.State.N) })
	c.State("state", 1, &r.State)
	c.State("list", 1, &r.List)
})

func TestStatesOfEveryColumnArePinned(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.txt")
	state := StateOf(rows, "state", nil, func(s state) row { return row{State: s} }, func(r *row) state { return r.State })
	list := StateOf(rows, "list", nil, func(l []part) row { return row{List: l} }, func(r *row) []part { return r.List })
	schema := storage.Schema{Tables: []storage.Declared{rows}}
	fails(t, run(path, true, func(f *File) { f.States(schema, state, list) }))
	fails(t, run(path, false, func(f *File) { f.States(schema, state, list) }))
	fails(t, run(path, false, func(f *File) { f.States(schema, state) }), "row.list is not pinned", "row.list with all 1 is pinned in")
}
