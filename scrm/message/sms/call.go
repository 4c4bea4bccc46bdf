package sms

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/scrmkit/scrmkit/internal/valid"
	"github.com/scrmkit/scrmkit/scrm/message"
)

// maxAnswer is how many bytes an answer may have: one of one message has less than 1 KB.
const maxAnswer = 64 << 10

// maxWait is how long Error.RetryAfter is at most.
const maxWait = 24 * time.Hour

// client returns an HTTP client that follows no redirects, for they would carry the credentials
// elsewhere. By itself it keeps no connection: a kept one may be closed by the vendor as the next
// message goes out, and then nobody knows whether that is sent.
func client(over http.RoundTripper) *http.Client {
	if over == nil {
		over = http.DefaultTransport
		if t, ok := over.(*http.Transport); ok {
			t = t.Clone()
			t.DisableKeepAlives = true
			over = t
		}
	}
	return &http.Client{
		Transport: over, Timeout: Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// post sends a request once, and returns the id of the message that the vendor took.
func (s *Sender) post(ctx context.Context, address string, body []byte) (id string, err error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("%w: %w", &message.Error{Vendor: s.vendor, Kind: message.ErrUnavailable}, err)
	}
	var asked, connected atomic.Bool
	trace := &httptrace.ClientTrace{
		GetConn: func(string) { asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	}
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return "", s.fail(message.ErrSettings, "the address can't be read")
	}
	// A POST is sent again by net/http only where nothing of it went out, and without GetBody not
	// then.
	r.GetBody = nil
	for name, values := range s.header {
		for _, v := range values {
			r.Header.Add(name, v)
		}
	}
	if s.sign != nil {
		if err := s.sign(r, body); err != nil {
			return "", s.fail(message.ErrSettings, "the request can't be signed")
		}
	}
	answer, err := s.http.Do(r)
	if err != nil {
		// Where there never was a connection, nothing went out. A RoundTripper that does not say
		// when it looks for one leaves it open.
		if asked.Load() && !connected.Load() {
			return "", s.broke(ctx, message.ErrUnavailable, "there is no connection")
		}
		return "", s.broke(ctx, message.ErrUnknown, "the connection failed")
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return "", s.broke(ctx, message.ErrUnknown, "the answer broke off")
	case len(said) > maxAnswer:
		return "", s.fail(message.ErrUnknown, "the answer is too long")
	}
	return s.outcome(answer, said)
}

// broke returns an error of that kind, which wraps that of the context where it has ended.
func (s *Sender) broke(ctx context.Context, kind error, why string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", &message.Error{Vendor: s.vendor, Kind: kind}, err)
	}
	return s.fail(kind, why)
}

// storable returns an id of a vendor's, or "" where it can't be one.
func storable(id string) string {
	if valid.ID("id", id) != nil {
		return ""
	}
	return id
}

// codes have nothing in them that could be a text.
var codes = regexp.MustCompile(`^[0-9A-Za-z._:-]{1,100}$`)

// outcome returns what an answer says.
func (s *Sender) outcome(r *http.Response, body []byte) (id string, err error) {
	a, err := s.read(body)
	wait := retryAfter(r.Header.Get("Retry-After"), r.Header.Get("Date"))
	switch {
	case err == nil && a.Code == "":
		return storable(a.ID), nil
	case err == nil && codes.MatchString(a.Code):
		return "", &message.Error{Vendor: s.vendor, Code: a.Code, RetryAfter: wait, Kind: s.kind(a.Code, r.StatusCode)}
	case r.StatusCode == http.StatusTooManyRequests:
		return "", &message.Error{Vendor: s.vendor, RetryAfter: wait, Kind: message.ErrThrottled}
	}
	return "", s.fail(message.ErrUnknown, fmt.Sprintf("the answer, of status %d, is not as documented", r.StatusCode))
}

// kind returns the kind of a vendor's code.
func (s *Sender) kind(code string, status int) error {
	for prefix := code; prefix != ""; {
		if kind := s.refusals[prefix]; kind != nil {
			return kind
		}
		prefix = prefix[:max(strings.LastIndexByte(prefix, '.'), 0)]
	}
	switch {
	case status == http.StatusTooManyRequests:
		return message.ErrThrottled
	case status >= 500:
		return message.ErrUnknown
	}
	return message.ErrSettings
}

// retryAfter reads a Retry-After of seconds or of a date, which is compared with that of the
// answer; 0: there is none.
func retryAfter(after, date string) time.Duration {
	wait := time.Duration(0)
	if n, err := strconv.ParseUint(after, 10, 31); err == nil {
		wait = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(after); err == nil {
		if now, err := http.ParseTime(date); err == nil {
			wait = at.Sub(now)
		}
	}
	return min(max(wait, 0), maxWait)
}

// errAnswer reports a body that is no answer of the API.
var errAnswer = errors.New("the answer is not as documented")
