package imports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every exported error of every package, variable or type, has exactly one class of package errs.
func TestErrorsHaveOneClass(t *testing.T) {
	for _, v := range unclassed(t, "", "./...") {
		t.Error(v)
	}
}

func TestErrorsWithoutOneClassAreFound(t *testing.T) {
	const source = `package mistaken

import (
	"errors"
	"fmt"

	"github.com/scrmkit/scrmkit/errs"
)

var (
	ErrNone  = errors.New("none")
	ErrOne   = errs.New(errs.NotFound, "one")
	ErrCase  = errs.New(errs.Denied, "a case of one", ErrOne)
	ErrTwo   = fmt.Errorf("%w: %w", ErrOne, errs.Invalid)
	ErrAlias = ErrNone
	ErrText  = "is no error"
	Lost     = ErrNone

	Gone error = &OneError{}
)

func made() error { return errors.New("made") }

var ErrMade = made()

type (
	NoneError struct{}
	OneError  struct{}
	TwoError  struct{}
	TextError struct{}
	Value     struct{}
	Same      = NoneError
	hidden    struct{}
)

func (*NoneError) Error() string { return "" }
func (*OneError) Error() string  { return "" }
func (*TwoError) Error() string  { return "" }
func (Value) Error() string      { return "" }
func (hidden) Error() string     { return "" }

func (*OneError) Is(target error) bool { return target == errs.Conflict }
func (*TwoError) Is(target error) bool { return target == errs.Conflict || target == errs.Exhausted }
`
	dir, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	file, overlay := filepath.Join(t.TempDir(), "mistaken.go"), filepath.Join(t.TempDir(), "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(dir, "mistaken", "mistaken.go"): file}})
	if err := errors.Join(err, os.WriteFile(file, []byte(source), 0o600), os.WriteFile(overlay, replace, 0o600)); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"mistaken.ErrAlias: classes []",
		"mistaken.ErrMade: classes []",
		"mistaken.ErrNone: classes []",
		"mistaken.ErrText: is no error",
		`mistaken.ErrTwo: classes ["invalid" "not found"]`,
		"mistaken.Lost: classes []",
		"mistaken.NoneError: classes []",
		"mistaken.Same: classes []",
		"mistaken.TextError: is no error",
		`mistaken.TwoError: classes ["conflict" "exhausted"]`,
		"mistaken.Value: classes []",
	}
	if got := unclassed(t, overlay, "./errs", "./mistaken"); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// unclassed returns which exported errors of the packages have no class or several. The errors are
// found in what the compiler knows of the packages, and asked in a program that is made of them.
func unclassed(t *testing.T, overlay string, patterns ...string) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "main.go")
	program, found := asking(exported(t, overlay, patterns))
	if err := os.WriteFile(path, program, 0o600); err != nil {
		t.Fatal(err)
	}
	out := command(t, "go", "run", "-overlay="+overlay, path)
	found = append(found, strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })...)
	slices.Sort(found)
	return found
}

// exported returns the packages that an embedder may import, as the compiler knows them.
func exported(t *testing.T, overlay string, patterns []string) []*types.Package {
	t.Helper()
	out := command(t, "go", append([]string{"list", "-overlay=" + overlay, "-export", "-deps", "-json=ImportPath,Name,Export"}, patterns...)...)
	var paths []string
	export := map[string]string{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct{ ImportPath, Name, Export string }
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		export[p.ImportPath] = p.Export
		if ours(p.ImportPath) && p.Name != "main" && !slices.Contains(strings.Split(p.ImportPath, "/"), "internal") {
			paths = append(paths, p.ImportPath)
		}
	}
	compiled := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) { return os.Open(export[path]) })
	var pkgs []*types.Package
	for _, path := range paths {
		p, err := compiled.Import(path)
		if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
	return pkgs
}

// asking returns a program that prints a line for each exported error of the packages that does not
// have exactly one class; and what is named like an error and is none.
func asking(pkgs []*types.Package) (program []byte, wrong []string) {
	var imports, classes, asks strings.Builder
	for i, p := range pkgs {
		before := asks.Len()
		for _, name := range p.Scope().Names() {
			o, full, quoted := p.Scope().Lookup(name), short(p.Path())+"."+name, fmt.Sprintf("p%d.%s", i, name)
			_, isType := o.(*types.TypeName)
			_, isConst := o.(*types.Const)
			_, isFunc := o.(*types.Func)
			switch expression := valueOf(o, quoted); {
			case !o.Exported(), isFunc, full == "errs.Class":
			case expression != "":
				fmt.Fprintf(&asks, "\task(%q, %s)\n", full, expression)
				if isConst && p.Path() == module+"/errs" {
					classes.WriteString(quoted + ", ")
				}
			case isType && strings.HasSuffix(name, "Error"), !isType && strings.HasPrefix(name, "Err"):
				wrong = append(wrong, full+": is no error")
			}
		}
		if asks.Len() > before {
			fmt.Fprintf(&imports, "\tp%d %q\n", i, p.Path())
		}
	}
	return fmt.Appendf(nil, `package main

import (
	"errors"
	"fmt"

	"github.com/scrmkit/scrmkit/errs"
%s)

func ask(name string, err error) {
	var found []errs.Class
	for _, c := range []errs.Class{%s} {
		if errors.Is(err, c) {
			found = append(found, c)
		}
	}
	if len(found) != 1 || errs.ClassOf(err) != found[0] {
		fmt.Printf("%%s: classes %%q\n", name, found)
	}
}

func main() {
%s}
`, &imports, &classes, &asks), wrong
}

// valueOf returns an expression for an error: of a variable or constant that is one, or of a type
// that is one by value or by pointer. "": it is none.
func valueOf(o types.Object, quoted string) string {
	failure := types.Universe.Lookup("error").Type().Underlying().(*types.Interface)
	_, isType := o.(*types.TypeName)
	switch value := types.Implements(o.Type(), failure); {
	case value && !isType:
		return quoted
	case value:
		return "*new(" + quoted + ")"
	case isType && types.Implements(types.NewPointer(o.Type()), failure):
		return "new(" + quoted + ")"
	}
	return ""
}

// command returns what a command prints, run at the root of the repository.
func command(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, &stderr)
	}
	return out
}
