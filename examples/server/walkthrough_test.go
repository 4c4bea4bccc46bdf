package main

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// runWalkthrough sends what the walk-through's lines send, and returns what they saved.
func runWalkthrough(b *bench) map[string]string {
	b.Helper()
	saved := map[string]string{"RUN": "walk"}
	expand := func(s string) string {
		return variable.ReplaceAllStringFunc(s, func(name string) string { return saved[name[1:]] })
	}
	for _, c := range callers {
		saved[c[0]] = c[1]
	}
	for i, s := range b.walk() {
		for n := range max(1, s.times) {
			saved["I"] = fmt.Sprint(n + 1)
			res := b.send(saved[s.as], s.method, expand(s.path), expand(s.key(i)), strings.NewReader(expand(s.body)))
			if res.status != s.status {
				b.Fatalf("step %d, %s: status %d, want %d: %s", i+1, s.line(i), res.status, s.status, res.body)
			}
			if name, field, ok := strings.Cut(s.save, "="); ok {
				found := regexp.MustCompile(`.*"` + field + `":"([^"]*)"`).FindStringSubmatch(res.body)
				if found == nil {
					b.Fatalf("step %d: no %s in %s", i+1, field, res.body)
				}
				saved[name] = found[1]
			}
		}
	}
	return saved
}

func TestWalkthrough(t *testing.T) {
	b := start(t, Config{})
	runWalkthrough(b)
	if got := b.do(alice, "GET", "/me/cards/coffee", "", 200).field("round"); got != 1.0 {
		t.Errorf("alice has %v full cards, want 1", got)
	}
	if got := b.do(alice, "GET", "/me/coupons", "", 200).field("items.1.state"); got != "redeemed" {
		t.Errorf("the free cup is %v, want redeemed", got)
	}
}

func TestWalkthroughInShell(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil && os.Getenv("CI") == "true" {
		t.Fatal("curl is not installed")
	} else if err != nil {
		t.Skip("curl is not installed")
	}
	b := start(t, Config{})
	web := httptest.NewServer(b)
	defer web.Close()
	var script bytes.Buffer
	b.greet(&script, web.URL)
	shell := exec.CommandContext(t.Context(), "sh")
	shell.Stdin = &script
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	problems := 0
	for _, s := range b.walk() {
		if s.status >= 400 {
			problems++
		}
	}
	if got := bytes.Count(out, []byte(`{"type":`)); got != problems {
		t.Errorf("the shell shows %d problems, want %d:\n%s", got, problems, out)
	}
	if !bytes.Contains(out, []byte(`"state":"redeemed"`)) {
		t.Errorf("no coupon was redeemed:\n%s", out)
	}
}
