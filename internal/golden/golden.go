// Package golden pins what one release stores and a later one reads or compares: the hashes of
// commands, results, states, published definitions, tokens and MACs.
//
// A file of testdata/golden has a line for each case: its name, a colon, a space and its value.
// Lines are only added. Where a case is new
//
//	go test -run Golden -add ./stamps
//
// adds its line, and changes no other. A line that is no longer what the code gives, or that
// nothing gives any more, is a failure that says what it means to a user who upgrades. While
// nothing is released a line may be deleted by hand, and the commit says why.
//
// Cases are made by reflection, so that none is forgotten: of each value there is one with what it
// needs alone, one with each field besides, and one with all fields. The one with all fields has
// their number in its name: a field that is added gives new lines, and every older one is still
// read and written again, and must come out as it is.
package golden

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

var add = flag.Bool("add", false, "add the golden lines that are missing; none is ever changed")

// A T is a *testing.T.
type T interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// A File has pinned lines. It is read when it is opened, and written, with the lines that were
// added, at the end of the test.
type File struct {
	t     T
	path  string
	adds  bool
	lines map[string]string
	given map[string]bool // names that a case had
	added []string        // names, in their order
}

// Open reads testdata/golden/<name>.txt of the package that is tested.
func Open(t T, name string) *File {
	t.Helper()
	return open(t, filepath.Join("testdata", "golden", name+".txt"), *add)
}

func open(t T, path string, adds bool) *File {
	t.Helper()
	f := &File{t: t, path: path, adds: adds, lines: map[string]string{}, given: map[string]bool{}}
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatalf("%v", err)
	}
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		name, value, ok := strings.Cut(line, ": ")
		if _, twice := f.lines[name]; len(text) > 0 && (!ok || twice) {
			t.Fatalf("%s:%d: the line has no name and value, or its name is there twice", path, i+1)
		}
		if ok {
			f.lines[name] = value
		}
	}
	t.Cleanup(f.close)
	return f
}

// Line pins a value. broken says what becomes of a user's data where it is another one.
func (f *File) Line(name, value, broken string) {
	f.t.Helper()
	f.given[name] = true
	pinned, ok := f.lines[name]
	switch {
	case strings.Contains(name, ": ") || strings.Contains(name+value, "\n"):
		f.t.Fatalf("%q: %q is no line", name, value)
	case !ok:
		f.add(name, value)
	case pinned != value:
		f.t.Errorf("%s is\n\t%s\nand is pinned in %s as\n\t%s\n%s", name, value, f.path, pinned, broken)
	}
}

// Once pins what is another one each time that it is made: it returns the pinned value, which made
// gives once. The caller tests what the value is still good for.
func (f *File) Once(name string, made func() string) string {
	f.t.Helper()
	f.given[name] = true
	if _, ok := f.lines[name]; !ok {
		f.add(name, made())
	}
	return f.lines[name]
}

func (f *File) add(name, value string) {
	f.t.Helper()
	if !f.adds {
		f.t.Errorf("%s is not pinned in %s: add it with -add, where it is what it has to be for ever", name, f.path)
	}
	f.lines[name] = value
	f.added = append(f.added, name)
}

// of returns the lines of a kind of values, by their names.
func (f *File) of(kind string) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(f.lines)) {
		if name == kind || strings.HasPrefix(name, kind+" with ") {
			names = append(names, name)
		}
	}
	return names
}

func (f *File) close() {
	f.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(f.lines)) {
		if !f.given[name] {
			f.t.Errorf("%s is pinned in %s, and nothing gives it any more: what an earlier release stored as such can't be read", name, f.path)
		}
	}
	if len(f.added) == 0 || !f.adds {
		return
	}
	if err := f.write(); err != nil {
		f.t.Errorf("%v", err)
	}
}

// write adds the new lines to the end of the file.
func (f *File) write() error {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	for _, name := range f.added {
		if _, err := fmt.Fprintf(file, "%s: %s\n", name, f.lines[name]); err != nil {
			return err
		}
	}
	return file.Close()
}
