package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/scrmkit/scrmkit/internal/pgtest"
)

func TestSecondStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	s, err := New(t.Context(), Config{SQLite: path})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{TB: t, Server: s}
	runWalkthrough(b)
	b.do(root, "DELETE", "/shops/sanlitun/managers/wx-li", "", 204)
	code := b.code(bob, `{"shop":"wangjing","purpose":"stamp","program":"coffee"}`)
	before := b.entries()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b.Server = start(t, Config{SQLite: path}).Server
	if after := b.entries(); !slices.Equal(before, after) {
		t.Errorf("the second start changed the journal from %d entries to %d", len(before), len(after))
	}
	b.do(li, "GET", "/shops/sanlitun/records", "", 403)
	b.do(kathy, "POST", "/shops/wangjing/codes", `{"code":"`+code+`"}`, 200)
	info, err := os.Stat(path + ".key")
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of the key: %v, %v", info, err)
	}
}

func TestPostgres(t *testing.T) {
	b := start(t, Config{Postgres: pgtest.DSN(t)})
	runWalkthrough(b)
	second := start(t, b.cfg)
	second.do(alice, "POST", "/me/codes", `{"shop":"wangjing","purpose":"stamp","program":"no\u0000ne"}`, 422)
	second.do(root, "GET", "/journal/no%00ne", "", 400)
	second.do(root, "GET", "/journal?cursor=nonsense", "", 422)
}

func TestLogTellsNoSecrets(t *testing.T) {
	var log bytes.Buffer
	b := start(t, Config{Log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	saved := runWalkthrough(b)
	b.do(kathy, "POST", "/shops/wangjing/codes", `{"code":123456}`, 422)
	for _, name := range []string{"CODE", "CLAIM", "TOKEN"} {
		if secret := saved[name]; secret == "" || strings.Contains(log.String(), secret) {
			t.Errorf("the log has the last %s, or there was none", name)
		}
	}
	if strings.Contains(log.String(), "demo-") || strings.Contains(log.String(), "alice") {
		t.Error("the log has a token or an id")
	}
	if !strings.Contains(log.String(), `"route":"/shops/{shop}/codes/preview","status":200`) {
		t.Errorf("the log has no line of the preview:\n%s", log.String())
	}
}

func TestProblemsTellNoSecrets(t *testing.T) {
	b := start(t, Config{})
	for _, body := range []string{`{"code":123456}`, `{"code":"123456","nope":1}`, `{"code":"123456"`, `{"code":"123456","n":"x"}`} {
		if res := b.send(kathy, "POST", "/shops/wangjing/codes", "k", strings.NewReader(body)); res.status < 400 || strings.Contains(res.body, "123456") {
			t.Errorf("%s is answered with %d %s", body, res.status, res.body)
		}
	}
}

func TestGracefulStop(t *testing.T) {
	b := start(t, Config{})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- b.Serve(ctx, ln) }()

	// The request is in flight once the server asks for the rest of it.
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /me/presses HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer %s\r\nIdempotency-Key: k\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", alice, len(press))
	in := bufio.NewReader(conn)
	if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q, %v", line, err)
	}
	if _, err := in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	stop()
	for {
		other, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			break // it takes no more
		}
		other.Close()
		runtime.Gosched()
	}
	io.WriteString(conn, press)
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 {
		t.Errorf("the request in flight is answered with %d", res.StatusCode)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestLimits(t *testing.T) {
	b := start(t, Config{InFlight: 1})
	b.slots <- struct{}{}
	if res := b.send(alice, "GET", "/me/cards", "", nil); res.status != 503 || res.header.Get("Retry-After") == "" {
		t.Errorf("one more than may be in flight: %d, Retry-After %q", res.status, res.header.Get("Retry-After"))
	}
	<-b.slots
	b.do(alice, "GET", "/me/cards", "", 200)
	b.cfg.Timeout = time.Nanosecond
	if res := b.send(alice, "GET", "/me/cards", "", nil); res.status != 503 || res.header.Get("Retry-After") == "" {
		t.Errorf("a request that is out of time: %d %s", res.status, res.body)
	}
	if res := b.send(alice, "POST", "/me/presses", "k", iotest.ErrReader(os.ErrDeadlineExceeded)); res.status != 408 {
		t.Errorf("a body that does not come: %d %s", res.status, res.body)
	}
	if res := b.send(alice, "POST", "/me/presses", "k", iotest.ErrReader(io.ErrUnexpectedEOF)); res.status != 400 {
		t.Errorf("a body that breaks off: %d %s", res.status, res.body)
	}
}

func TestPanicIsAProblem(t *testing.T) {
	b := start(t, Config{})
	b.mux.HandleFunc("GET /panic", func(http.ResponseWriter, *http.Request) { panic("secret detail") })
	if res := b.send("", "GET", "/panic", "", nil); res.status != 500 || strings.Contains(res.body, "secret") {
		t.Errorf("%d %s", res.status, res.body)
	}
}

func TestRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a ?#%.db")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-db", path, "-addr", "127.0.0.1:0"}, func(string) string { return "" }, in, io.Discard)
	}()
	walk := bufio.NewReader(out)
	line, err := walk.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, walk)
	_, url, _ := strings.Cut(strings.TrimSpace(line), " on ")
	res, err := http.Get(url + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 {
		t.Errorf("%s: %d", url, res.StatusCode)
	}
	http.DefaultClient.CloseIdleConnections()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	for _, wrong := range []map[string]string{{"SCRMKIT_OTP_KEY": "%"}, {"SCRMKIT_OTP_KEY": "c2hvcnQ="}, {"DATABASE_URL": "postgres://%"}} {
		if err := run(t.Context(), []string{"-db", path}, func(name string) string { return wrong[name] }, io.Discard, io.Discard); err == nil {
			t.Errorf("it starts with %v", wrong)
		}
	}
}

func TestPages(t *testing.T) {
	b := start(t, Config{})
	for path, want := range map[string]string{
		"/docs/": "swagger-ui", "/docs/swagger-ui-bundle.js": "SwaggerUI", "/openapi.json": `"openapi":"3.1.0"`,
	} {
		if res := b.send("", "GET", path, "", nil); res.status != 200 || !strings.Contains(res.body, want) {
			t.Errorf("%s: %d without %q", path, res.status, want)
		}
	}
	if res := b.send("", "GET", "/docs", "", nil); res.status/100 != 3 {
		t.Errorf("/docs: %d, want to be led to /docs/", res.status)
	}
	if res := b.send("", "GET", "/nope", "", nil); res.status != 404 {
		t.Errorf("/nope: %d, want 404", res.status)
	}
	if res := b.send(alice, "PATCH", "/me/cards", "", nil); res.status != 405 || res.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("PATCH /me/cards: %d, Allow %q", res.status, res.header.Get("Allow"))
	}
}
