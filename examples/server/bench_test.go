package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/otp"
)

// bench is a server of a test's own, and who calls it.
type bench struct {
	testing.TB
	*Server
	keys int
}

// start returns a server with the demo, on a fresh SQLite file or on what cfg says.
func start(t testing.TB, cfg Config) *bench {
	t.Helper()
	cfg.Demo = true
	return serve(t, cfg)
}

// serve returns a server as cfg says, on a fresh SQLite file where it names no database.
func serve(t testing.TB, cfg Config) *bench {
	t.Helper()
	if cfg.Secret == nil && cfg.Postgres != "" {
		cfg.Secret = []byte("a key that is 32 bytes or longer")
	}
	if cfg.SQLite == "" {
		cfg.SQLite = dbtest.SQLitePath(t)
	}
	s, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &bench{TB: t, Server: s}
}

// A response is what came back.
type response struct {
	status int
	header http.Header
	body   string
}

// field returns a field of the answer by its path: "outcome.card.count".
func (r response) field(path string) any {
	var v any
	if json.Unmarshal([]byte(r.body), &v) != nil {
		return nil
	}
	for name := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[name]
		case []any:
			var i int
			if _, err := fmt.Sscan(name, &i); err != nil || i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}

// send sends a request as it is; an empty token, key or body is left out.
func (b *bench) send(token, method, path, key string, body io.Reader) response {
	b.Helper()
	r := httptest.NewRequestWithContext(b.Context(), method, path, body)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	res := response{w.Code, w.Header(), w.Body.String()}
	if res.status >= 400 {
		b.checkProblem(method+" "+path, res)
	}
	return res
}

// hookSecret is what the websites of the tests sign with, as Shopify does.
const hookSecret = "hush-hush-hush-hush"

// push sends a body to the hook of a website, signed with a secret.
func (b *bench) push(site, secret, body string) response {
	b.Helper()
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(body))
	r := httptest.NewRequestWithContext(b.Context(), "POST", "/hooks/"+site, strings.NewReader(body))
	r.Header.Set("X-Shopify-Hmac-Sha256", base64.StdEncoding.EncodeToString(h.Sum(nil)))
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return response{w.Code, w.Header(), w.Body.String()}
}

func (b *bench) checkProblem(what string, res response) {
	b.Helper()
	if ct := res.header.Get("Content-Type"); ct != "application/problem+json" {
		b.Errorf("%s: %d has the content type %q", what, res.status, ct)
	}
	if got := res.field("status"); got != float64(res.status) {
		b.Errorf("%s: the problem says %v where the status is %d", what, got, res.status)
	}
}

// do sends a request with a key of its own and wants that status.
func (b *bench) do(token, method, path, body string, want int) response {
	b.Helper()
	b.keys++
	res := b.send(token, method, path, fmt.Sprintf("test-%d", b.keys), strings.NewReader(body))
	if res.status != want {
		b.Fatalf("%s %s %s: status %d, want %d: %s", method, path, body, res.status, want, res.body)
	}
	return res
}

// entries returns the names of all that the journal has, but for wrong codes.
func (b *bench) entries() []string {
	b.Helper()
	var names []string
	for r, err := range b.db.Journal().After(b.Context(), "", 0) {
		if err != nil {
			b.Fatal(err)
		}
		if r.Kind != string(otp.KindCheck) {
			names = append(names, fmt.Sprintf("%s %d %s", r.Subject, r.Seq, r.Key))
		}
	}
	slices.Sort(names)
	return names
}

const (
	alice = "demo-customer-alice"
	bob   = "demo-customer-bob"
	kathy = "demo-manager-kathy"
	li    = "demo-manager-li"
	wang  = "demo-visitor-wang"
	root  = "demo-admin"
)

// code asks for a code of a request.
func (b *bench) code(token, request string) string {
	b.Helper()
	return b.do(token, "POST", "/me/codes", request, 200).field("code").(string)
}
