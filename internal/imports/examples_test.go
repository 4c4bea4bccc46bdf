package imports

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// untaught are packages that have functions and methods which no example uses yet.
var untaught = []string{
	"errs", "loyalty", "loyalty/loyaltytest", "loyalty/redemption", "loyalty/refund", "loyalty/reward", "loyalty/till", "otp", "scrm/activation",
	"scrm/desk", "scrm/lead", "scrm/lead/routing", "scrm/phone", "scrm/ticket", "stamps", "stamps/shop", "stamps/till", "storage",
	"storage/bunstore", "storage/journal", "storage/storagetest",
}

// expected are methods that are called by what knows them: no example needs to.
var expected = []string{
	"Error", "Is", "Unwrap", "String", "LogValue", "Scan", "Value", "ServeHTTP",
	"MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText",
}

// Every function and method that an embedder may call is used in the code of an example.
func TestExamples(t *testing.T) {
	used, missing, count := shown(t), map[string][]string{}, 0
	for _, p := range exported(t, "", []string{"./..."}) {
		for _, f := range callable(p) {
			if !used[f] {
				missing[short(p.Path())] = append(missing[short(p.Path())], f)
				count++
			}
		}
	}
	t.Logf("no example uses %d functions", count)
	for path, names := range missing {
		if !slices.Contains(untaught, path) {
			t.Errorf("%s: no example uses\n\t%s", path, strings.Join(names, "\n\t"))
		}
	}
	for _, path := range untaught {
		if missing[path] == nil {
			t.Errorf("%s: examples use all of it; take it from the list", path)
		}
	}
}

// callable returns the exported functions of a package, and the methods of its exported types.
func callable(p *types.Package) (names []string) {
	for _, name := range p.Scope().Names() {
		switch o := p.Scope().Lookup(name).(type) {
		case *types.Func:
			if o.Exported() {
				names = append(names, o.FullName())
			}
		case *types.TypeName:
			named, ok := o.Type().(*types.Named)
			if !ok || !o.Exported() || o.IsAlias() {
				continue
			}
			for m := range named.Methods() {
				if m.Exported() && !slices.Contains(expected, m.Name()) {
					names = append(names, m.FullName())
				}
			}
		}
	}
	return names
}

// A teaching is files of a package that are compiled together, and those of them that teach: which
// have examples, or are of a program that is one.
type teaching struct {
	path       string
	files, all []*ast.File
}

// shown returns the functions that examples use.
func shown(t *testing.T) map[string]bool {
	t.Helper()
	fset := token.NewFileSet()
	teachings, paths := teachings(t, fset)
	export := map[string]string{}
	out := command(t, "go", append([]string{"list", "-export", "-deps", "-json=ImportPath,Export"}, paths...)...)
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct{ ImportPath, Export string }
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		export[p.ImportPath] = p.Export
	}
	compiled := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(export[path]) })
	used := map[string]bool{}
	for _, e := range teachings {
		info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
		conf := types.Config{Importer: compiled, Error: func(error) {}} // export_test.go has what is not known here
		_, _ = conf.Check(e.path, fset, e.all, info)
		for _, file := range e.files {
			ast.Inspect(file, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					if f, ok := info.Uses[id].(*types.Func); ok {
						used[f.Origin().FullName()] = true
					}
				}
				return true
			})
		}
	}
	return used
}

// teachings returns what teaches, and the packages that it imports.
func teachings(t *testing.T, fset *token.FileSet) (all []teaching, imports []string) {
	t.Helper()
	out := command(t, "go", "list", "-json=ImportPath,Name,Dir,GoFiles,TestGoFiles,XTestGoFiles", "./...", "./examples/...")
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath, Name, Dir              string
			GoFiles, TestGoFiles, XTestGoFiles []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for _, names := range [][]string{append(p.GoFiles, p.TestGoFiles...), p.XTestGoFiles} {
			e := teaching{path: p.ImportPath}
			for _, name := range names {
				file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
				if err != nil {
					t.Fatal(err)
				}
				if e.all = append(e.all, file); isExample(file) {
					e.files = append(e.files, file)
				}
			}
			if len(e.files) == 0 {
				continue
			}
			if p.Name == "main" {
				e.files = e.all
			}
			all = append(all, e)
			for _, file := range e.all {
				for _, spec := range file.Imports {
					imports = append(imports, strings.Trim(spec.Path.Value, `"`))
				}
			}
		}
	}
	slices.Sort(imports)
	return all, slices.Compact(imports)
}

// isExample reports whether a file has an example.
func isExample(file *ast.File) bool {
	return slices.ContainsFunc(file.Decls, func(d ast.Decl) bool {
		f, ok := d.(*ast.FuncDecl)
		return ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Example")
	})
}
