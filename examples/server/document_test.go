package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"
	_ "github.com/oapi-codegen/runtime" // of the client that is generated
)

// document returns the OpenAPI document at a path, read and checked by a library that is not the server's.
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

// A client for Go is generated from the document, and compiles.
func TestGeneratedClientCompiles(t *testing.T) {
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
