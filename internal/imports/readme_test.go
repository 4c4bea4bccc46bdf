package imports

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestReadme holds that every Go block of README.md stands, line by line, in a test file (a
// compiled Example) or in a program under examples. Indentation does not count.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		example := strings.HasPrefix(path, filepath.Join(root, "examples")+string(filepath.Separator))
		if strings.HasSuffix(path, "_test.go") || example && strings.HasSuffix(path, ".go") {
			text, err := os.ReadFile(path)
			files = append(files, string(text))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range unquoted(string(readme), files) {
		t.Errorf("this block of README.md is in no Example and no example program:\n%s", block)
	}
}

// unquoted returns the Go blocks of a text that none of the files holds.
func unquoted(text string, files []string) []string {
	files = slices.Clone(files)
	for i := range files {
		files[i] = "\n" + flush(files[i])
	}
	return slices.DeleteFunc(goBlocks(text), func(block string) bool {
		return slices.ContainsFunc(files, func(file string) bool { return strings.Contains(file, "\n"+flush(block)) })
	})
}

// goBlocks returns the fenced blocks of a Markdown text whose language is Go.
func goBlocks(text string) []string {
	var blocks []string
	in, isGo := false, false
	for line := range strings.Lines(text) {
		fence, ok := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case ok && in:
			in, isGo = false, false
		case ok:
			in, isGo = true, fence == "go"
			if isGo {
				blocks = append(blocks, "")
			}
		case isGo:
			blocks[len(blocks)-1] += line
		}
	}
	return blocks
}

// flush returns a text without indentation, and without the space at the end of its lines.
func flush(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimSpace(line))
		b.WriteByte('\n')
	}
	return b.String()
}

func TestUnquoted(t *testing.T) {
	text := "# Title\n```go\nif ok {\n\tstamp()\n}\n```\nand\n```sh\ngo test\n```\n\n```go\nspend()\n```\n"
	for _, tt := range []struct {
		name, file string
		want       []string
	}{
		{"both", "func Example() {\n\tif ok {\n\t\tstamp()\n\t}\n\tspend()\n}\n", nil},
		{"other code between", "if ok {\nlog()\nstamp()\n}\nspend()\n", []string{"if ok {\n\tstamp()\n}\n"}},
		{"part of a line", "if ok {\nstamp()\n}\ncodes.spend()\n", []string{"spend()\n"}},
		{"commented out", "if ok {\nstamp()\n}\n// spend()\n", []string{"spend()\n"}},
	} {
		if got := unquoted(text, []string{tt.file}); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
