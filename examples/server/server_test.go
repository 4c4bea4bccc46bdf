package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/scrmkit/scrmkit/internal/pgtest"
	"github.com/scrmkit/scrmkit/scrm/ticket"
)

func TestSecondStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	s, err := New(t.Context(), Config{SQLite: path, Demo: true})
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

func TestFilesAreTheUsersOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	b := start(t, Config{SQLite: path})
	b.code(bob, `{"shop":"wangjing","purpose":"stamp","program":"coffee"}`)
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) < 3 { // the file, its log and the key at least
		t.Fatal(files, err)
	}
	for _, name := range files {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestDemoListensToItsOwnMachineAlone(t *testing.T) {
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[2001:db8::1]:0"} {
		args := []string{"-demo", "-db", filepath.Join(t.TempDir(), "test.db"), "-addr", addr}
		if err := run(t.Context(), args, func(string) string { return "" }, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "-open") {
			t.Errorf("%s: %v", addr, err)
		}
	}
	for _, addr := range []string{"127.0.0.1:0", "localhost:0", "127.9.9.9:0"} {
		if err := onlyHere(addr); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
	for _, flags := range [][]string{{"-demo", "-open"}, nil} {
		ctx, stop := context.WithCancel(t.Context())
		args := append(flags, "-db", filepath.Join(t.TempDir(), "test.db"), "-addr", ":0")
		if err := run(ctx, args, func(string) string { return "" }, stopper(stop), io.Discard); err != nil {
			t.Errorf("%v: %v", flags, err)
		}
	}
}

// A stopper is told of whatever is written.
type stopper func()

func (s stopper) Write(b []byte) (int, error) {
	s()
	return len(b), nil
}

func TestRepeatedHeadersAndParameters(t *testing.T) {
	b := start(t, Config{})
	for _, name := range []string{"Idempotency-Key", "Authorization", "Content-Type"} {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/me/presses", strings.NewReader(press))
		r.Header = http.Header{"Authorization": {"Bearer " + alice}, "Idempotency-Key": {"k"}, "Content-Type": {"application/json"}}
		r.Header[name] = append(r.Header[name], r.Header[name][0])
		w := httptest.NewRecorder()
		b.ServeHTTP(w, r)
		if w.Code != 400 || !strings.Contains(w.Body.String(), name) {
			t.Errorf("%s twice: %d %s", name, w.Code, w.Body)
		}
	}
	b.do(root, "GET", "/jobs?platform=whatsapp&platform=line", "", 400)
	b.do(root, "GET", "/journal?limit=1&limit=2", "", 400)
	b.do(alice, "GET", "/me/cards?limit=1", "", 422)
}

// Each kind of thing that has versions is published, and read back.
func TestPublish(t *testing.T) {
	b := start(t, Config{})
	card := demoPrograms[0]
	card.Version = 2
	points := demoPoints
	points.Version = 2
	gifts := demoGifts
	gifts.Version = 2
	templates := ticket.Templates{ID: "orders", Version: 1, Rules: []ticket.Rule{{ID: "all", Action: ticket.Action{Pool: "ads"}}}}
	for path, definition := range map[string]any{
		"/programs/" + string(card.ID) + "/versions/2": card, "/points/" + string(points.ID) + "/versions/2": points,
		"/rewards/" + string(gifts.ID) + "/versions/2": gifts, "/templates/orders/versions/1": templates,
	} {
		text, err := json.Marshal(definition)
		if err != nil {
			t.Fatal(err)
		}
		published := b.do(root, "PUT", path, string(text), 200)
		again := b.do(root, "PUT", path, string(text), 200)
		read := b.do(root, "GET", path, "", 200)
		if published.body != read.body || again.body != read.body {
			t.Errorf("%s: published as %s, again as %s, read as %s", path, published.body, again.body, read.body)
		}
		b.do(root, "PUT", strings.Replace(path, "versions/", "versions/9", 1), string(text), 422)
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
	for _, name := range []string{"CODE", "CLAIM", "TOKEN", "LOGIN", "PRESS", "SCENE", "XIAOAI", "WEI"} {
		if secret := saved[name]; secret == "" || strings.Contains(log.String(), secret) {
			t.Errorf("the log has the last %s, or there was none", name)
		}
	}
	for _, text := range []string{"demo-", "alice", "13800138000", b.cfg.WeChat.Secret, b.cfg.WeChat.Token, b.cfg.WeChat.AESKey} {
		if strings.Contains(log.String(), text) {
			t.Errorf("the log has %s", text)
		}
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
	whole := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for _, wrong := range []map[string]string{
		{"SCRMKIT_OTP_KEY": "%"}, {"SCRMKIT_OTP_KEY": "c2hvcnQ="}, {"SCRMKIT_OTP_KEY": whole, "DATABASE_URL": "postgres://%"},
	} {
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
		res := b.send("", "GET", path, "", nil)
		if res.status != 200 || !strings.Contains(res.body, want) {
			t.Errorf("%s: %d without %q", path, res.status, want)
		}
		if policy := res.header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, closedPolicy) {
			t.Errorf("%s: policy %q", path, policy)
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
