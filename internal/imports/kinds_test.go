package imports

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/internal/schemas"
)

// Every kind of entries is a constant of its own, with a comment, and in the schema of its context.
func TestKinds(t *testing.T) {
	declared, wrong := kinds(goFiles(t))
	for _, w := range wrong {
		t.Error(w)
	}
	missing := maps.Clone(declared)
	for _, s := range schemas.All {
		for _, k := range s.Kinds {
			if missing[k.String()] == "" {
				t.Errorf("the schema %s has %s twice, or another one has it, or it is no constant", s.Name, k)
			}
			delete(missing, k.String())
		}
	}
	for kind, at := range missing {
		if !strings.HasPrefix(at, "examples/") {
			t.Errorf("%s: no schema has %s", at, kind)
		}
	}
	if len(declared) < 100 {
		t.Errorf("%d kinds are declared: the constants are not found", len(declared))
	}
}

// Kinds are written by their constants alone.
func TestKindsAreConstants(t *testing.T) {
	files := goFiles(t)
	declared, _ := kinds(files)
	for _, w := range literals(files, slices.Sorted(maps.Keys(declared))) {
		t.Error(w)
	}
}

func TestKindsThatAreWrongAreFound(t *testing.T) {
	const source = `package mistaken

const (
	KindAdd   journal.Kind[Outcome] = "mistaken.add" // something was added
	KindDrop  journal.Kind[Outcome] = "mistaken.drop"
	KindAgain journal.Kind[Outcome] = "mistaken.add" // the same
	KindOf    journal.Kind[Outcome] = "mistaken." + name // unknown
	Count                           = 7
)

func add() error { return fmt.Errorf("mistaken.add: %w", do("mistaken.added", "mistaken.drop", 'a', "unmistaken.add", string(KindAdd))) }
`
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "mistaken.go", source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*ast.File{"mistaken.go": file}
	declared, wrong := kinds(files)
	if want := map[string]string{"mistaken.add": "mistaken.go: KindAdd", "mistaken.drop": "mistaken.go: KindDrop"}; !maps.Equal(declared, want) {
		t.Errorf("declared are %v", declared)
	}
	if want := []string{
		"mistaken.go: KindDrop has no comment", `mistaken.go: KindAgain is "mistaken.add", as mistaken.go: KindAdd`, "mistaken.go: KindOf is no single text",
	}; !slices.Equal(wrong, want) {
		t.Errorf("wrong are %q", wrong)
	}
	if got, want := literals(files, []string{"mistaken.add", "mistaken.drop"}), []string{
		`mistaken.go: "mistaken.add: %w" has the kind mistaken.add, which has a constant`,
		`mistaken.go: "mistaken.drop" has the kind mistaken.drop, which has a constant`,
	}; !slices.Equal(got, want) {
		t.Errorf("literals are %q", got)
	}
}

// goFiles returns the files of Go that are no tests, by their paths in the repository.
func goFiles(t *testing.T) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == "testdata" {
			return fs.SkipDir
		}
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		name, _ := filepath.Rel(root, path)
		files[filepath.ToSlash(name)] = file
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// kinds returns the constants of type journal.Kind by their values, and what is wrong with them.
func kinds(files map[string]*ast.File) (declared map[string]string, wrong []string) {
	declared = map[string]string{}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		for _, spec := range kindSpecs(files[path]) {
			name := path + ": " + spec.Names[0].Name
			value, ok := spec.Values[0].(*ast.BasicLit)
			if !ok {
				wrong = append(wrong, name+" is no single text")
				continue
			}
			kind, _ := strconv.Unquote(value.Value)
			if other, twice := declared[kind]; twice {
				wrong = append(wrong, name+" is "+value.Value+", as "+other)
				continue
			}
			if declared[kind] = name; spec.Comment == nil && spec.Doc == nil {
				wrong = append(wrong, name+" has no comment")
			}
		}
	}
	return declared, wrong
}

// kindSpecs returns the constants of type journal.Kind of a file.
func kindSpecs(file *ast.File) (all []*ast.ValueSpec) {
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, s := range g.Specs {
			spec := s.(*ast.ValueSpec)
			if x, ok := spec.Type.(*ast.IndexExpr); ok {
				if of, ok := x.X.(*ast.SelectorExpr); ok && of.Sel.Name == "Kind" {
					all = append(all, spec)
				}
			}
		}
	}
	return all
}

// literals returns the texts of files that have one of the kinds, beside those of the constants.
func literals(files map[string]*ast.File, kinds []string) (found []string) {
	for i := range kinds {
		kinds[i] = regexp.QuoteMeta(kinds[i])
	}
	any := regexp.MustCompile(`(?:^|[^\w.])(` + strings.Join(kinds, "|") + `)(?:$|\W)`)
	for _, path := range slices.Sorted(maps.Keys(files)) {
		specs := kindSpecs(files[path])
		ast.Inspect(files[path], func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && slices.Contains(specs, spec) {
				return false
			}
			if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING {
				value, _ := strconv.Unquote(text.Value)
				if kind := any.FindStringSubmatch(value); kind != nil {
					found = append(found, path+": "+text.Value+" has the kind "+kind[1]+", which has a constant")
				}
			}
			return true
		})
	}
	return found
}
