package main

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"
	_ "github.com/oapi-codegen/runtime" // of the client that is generated

	"github.com/scrmkit/scrmkit/internal/race"
)

// document returns the OpenAPI document at a path, read and checked by a library that is not the
// server's.
func document(t *testing.T, path string) *openapi3.T {
	t.Helper()
	b := start(t, Config{})
	loader := openapi3.NewLoader()
	d, err := loader.LoadFromData([]byte(b.send("", "GET", path, "", nil).body))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDocumentIsValid(t *testing.T) {
	for _, path := range []string{"/openapi.json", "/openapi-3.0.json"} {
		t.Run(path, func(t *testing.T) { document(t, path) })
	}
}

func TestEveryOperationIsDescribed(t *testing.T) {
	left, ids := map[string]bool{}, map[string]string{}
	for _, s := range guide {
		for _, e := range s.entries {
			if left[e.operation] || ids[e.id] != "" || s.text == "" {
				t.Errorf("%s, %s: there twice, or its section has no text", e.operation, e.id)
			}
			left[e.operation], ids[e.id] = true, e.operation
		}
	}
	for path, item := range document(t, "/openapi.json").Paths.Map() {
		for method, o := range item.Operations() {
			name := method + " " + path
			if !left[name] || o.OperationID == "" || o.Description == "" || o.Summary == "" || len(o.Tags) != 1 {
				t.Errorf("the guide has no entry for %s", name)
			}
			delete(left, name)
			for _, p := range o.Parameters {
				if p.Value.Description == "" {
					t.Errorf("%s: parameter %s has no description", name, p.Value.Name)
				}
			}
			for _, status := range []int{404, 422, 429, 503} {
				if o.Responses.Status(status) == nil {
					t.Errorf("%s tells of no %d", name, status)
				}
			}
		}
	}
	for name := range left {
		t.Errorf("the guide has an entry for %s, which is no operation", name)
	}
}

// Every type of the engines with named texts as its values is in the document with all of them.
func TestEnumerationsAreWhole(t *testing.T) {
	declared := map[string][]any{}
	for _, e := range enumerations {
		dir := strings.TrimPrefix(e.of.PkgPath(), "github.com/scrmkit/scrmkit/")
		values := namedTexts(t, filepath.Join("../..", dir))[e.of.Name()]
		declared[dir+"."+e.of.Name()] = values
		if !sameSet(values, e.values) {
			t.Errorf("%s has the values %q, the document %q", e.of, values, e.values)
		}
	}
	for _, dir := range []string{"loyalty", "loyalty/reward", "stamps", "scrm/activation", "scrm/lead", "scrm/lead/routing", "scrm/ticket"} {
		for name := range namedTexts(t, filepath.Join("../..", dir)) {
			if _, ok := declared[dir+"."+name]; !ok {
				t.Errorf("%s.%s is no enumeration", dir, name)
			}
		}
	}
}

func sameSet(a, b []any) bool {
	in := func(all []any) map[any]bool {
		set := map[any]bool{}
		for _, v := range all {
			set[v] = true
		}
		return set
	}
	return len(a) == len(b) && maps.Equal(in(a), in(b))
}

// namedTexts returns the exported constants of a package that are texts of a type of its own, by
// the type.
func namedTexts(t *testing.T, dir string) map[string][]any {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v, %v", dir, files, err)
	}
	found := map[string][]any{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 || !spec.Names[0].IsExported() || strings.HasSuffix(name, "_test.go") {
				return true
			}
			of, ok := spec.Type.(*ast.Ident)
			text, isText := spec.Values[0].(*ast.BasicLit)
			if ok && isText && text.Kind == token.STRING && of.IsExported() {
				value, err := strconv.Unquote(text.Value)
				if err != nil {
					t.Fatal(err)
				}
				found[of.Name] = append(found[of.Name], value)
			}
			return true
		})
	}
	return found
}

// A client for Go is generated from the document, and compiles.
func TestGeneratedClientCompiles(t *testing.T) {
	race.Skip(t, "the client is built without it")
	d := document(t, "/openapi-3.0.json")
	code, err := codegen.Generate(d, codegen.Configuration{
		PackageName: "client", Generate: codegen.GenerateOptions{Client: true, Models: true},
		OutputOptions: codegen.OutputOptions{SkipPrune: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	here, err := filepath.Abs("client")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "client.go")
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(here, "client.go"): file}})
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(file, []byte(code), 0o600))
	must(os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600))
	out, err := exec.CommandContext(t.Context(), "go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "./client").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
