package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/scrmkit/scrmkit/storage/journal"
)

// The longest bodies of requests, in bytes: of most, and of what websites and WeChat push, files
// that are imported and heads of ledgers.
const (
	maxBody     = 64 << 10
	maxLongBody = 1 << 20
)

// requestKey is the key of a request's id in its context.
type requestKey struct{}

// ServeHTTP is what happens to every request: an id, a place among those in flight, an end, and a
// line in the log, which tells the pattern of the route and not the ids in it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	id := rand.Text()
	a := &answer{ResponseWriter: w}
	a.Header().Set("X-Request-Id", id)
	a.Header().Set("X-Content-Type-Options", "nosniff")
	a.Header().Set("Cache-Control", "no-store")
	a.Header().Set("Content-Security-Policy", "default-src 'none'; "+closedPolicy)
	defer func() {
		if p := recover(); p != nil {
			s.cfg.Log.Error("panic", "request", id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			if a.status == 0 {
				writeProblem(a, problem("", http.StatusInternalServerError, ""), nil)
			}
		}
		_, route, _ := strings.Cut(r.Pattern, " ")
		s.cfg.Log.Info("request", "method", r.Method, "route", route, "status", a.status,
			"microseconds", time.Since(began).Microseconds(), "request", id)
	}()
	if status, detail := admit(r); status != 0 {
		writeProblem(a, problem("", status, detail), nil)
		return
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		writeProblem(a, problem("", http.StatusServiceUnavailable, "too many requests are in flight"), retryAfter(time.Second))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.Timeout)
	defer cancel()
	r = r.WithContext(context.WithValue(ctx, requestKey{}, id))
	if _, pattern := s.mux.Handler(r); pattern == "" {
		s.unrouted(a, r)
		return
	}
	s.mux.ServeHTTP(a, r)
}

// admit reads the body into memory, so that a slow sender holds no place, and refuses what no route
// could take.
func admit(r *http.Request) (status int, detail string) {
	query, err := url.QueryUnescape(r.URL.RawQuery)
	if err != nil || !printable(r.URL.Path) || !printable(query) || !printable(r.Header.Get("Idempotency-Key")) {
		return http.StatusBadRequest, "the address or the key has a control character or is not UTF-8"
	}
	for _, name := range []string{"Authorization", "Content-Type", "Idempotency-Key"} {
		if len(r.Header.Values(name)) > 1 {
			return http.StatusBadRequest, "the request has more than one " + name + " header"
		}
	}
	if !ownKey(r.Header) {
		return http.StatusBadRequest, "the key begins with " + journal.Derived + "; use another one"
	}
	limit, pushed := longest(r.URL.Path), strings.HasPrefix(r.URL.Path, "/hooks/")
	if r.ContentLength > limit {
		return http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is longer than %d bytes", limit)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	var slow net.Error
	switch {
	case errors.As(err, &slow) && slow.Timeout():
		return http.StatusRequestTimeout, "the body did not come in time"
	case err != nil:
		return http.StatusBadRequest, "the body can't be read"
	case int64(len(body)) > limit:
		return http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is longer than %d bytes", limit)
	case !pushed && !utf8.Valid(body): // what was pushed is stored as it came
		return http.StatusBadRequest, "the body is not UTF-8"
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return 0, ""
}

// longest returns how many bytes the body of a request for a path may have.
func longest(path string) int64 {
	if path == "/library/files" || path == callbackPath || strings.HasSuffix(path, "/verifications") || strings.HasPrefix(path, "/hooks/") {
		return maxLongBody
	}
	return maxBody
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// unrouted answers as the mux would (404, or 405 with Allow), with a problem.
func (s *Server) unrouted(w http.ResponseWriter, r *http.Request) {
	m := &muted{header: http.Header{}}
	s.mux.ServeHTTP(m, r)
	header := http.Header{}
	if allow := m.header.Get("Allow"); allow != "" {
		header.Set("Allow", allow)
	}
	writeProblem(w, problem("", m.status, ""), header)
}

// An answer remembers its status.
type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write reports no error: where the caller has gone there is nobody to tell.
func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	_, _ = a.ResponseWriter.Write(b)
	return len(b), nil
}

// A muted answer is one that nobody gets.
type muted struct {
	header http.Header
	status int
}

func (m *muted) Header() http.Header         { return m.header }
func (m *muted) WriteHeader(status int)      { m.status = status }
func (m *muted) Write(b []byte) (int, error) { return len(b), nil }
