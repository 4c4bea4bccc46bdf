package main

import (
	"bufio"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// The API of examples/server gives what the engine gives.
func TestServer(t *testing.T) {
	c := config{server: startServer(t) + "/", token: "demo-admin", callers: 8, twice: true}
	path := madeUpFile(t)
	sales := read(t, path)
	_, cash, want := expect(t, path)
	b := newServerBook(c, sales)
	defer b.close()
	results, err := runs(t.Context(), b, sales, c)
	if err != nil {
		t.Fatal(err)
	}
	first, second := results[0], results[1]
	if first.cash != cash || first.stamped != int(want.stamps) || first.replayed != 0 || first.refused != 0 || first.totals != want {
		t.Errorf("the first run: %+v; want %+v", first, want)
	}
	if second.replayed != int(want.stamps) || !first.replays(second) {
		t.Errorf("the second run is no replay of the first: %+v", second)
	}

	earlier := read(t, write(t, head+"2024/3/1,2024/3/1 10:15,card,TEST/4,1,Latte\r\n"))
	results, err = runs(t.Context(), b, earlier, c)
	if err != nil || results[0].refused != 1 || results[0].totals != want || !results[0].replays(results[1]) {
		t.Errorf("an earlier sale: %+v, %v; want it refused", results, err)
	}

	b.token = "demo-customer-alice"
	var answer *statusError
	if err := b.define(t.Context()); !errors.As(err, &answer) || answer.status != http.StatusForbidden {
		t.Errorf("a customer's token: %v; want 403", err)
	}
}

// startServer builds and starts examples/server on a fresh SQLite file, and returns its URL.
func startServer(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "server")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../server").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	cmd := exec.Command(program, "-demo", "-db", filepath.Join(dir, "server.db"), "-addr", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "DATABASE_URL=")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(cmd.Process.Signal(os.Interrupt), cmd.Wait()); err != nil {
			t.Error(err)
		}
	})
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if url := address.FindString(lines.Text()); url != "" {
			go func() {
				for lines.Scan() { // so that the server can go on writing
				}
			}()
			return url
		}
	}
	t.Fatal("the server printed no address")
	return ""
}
