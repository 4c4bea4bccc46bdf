package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage"
)

// Every error that the engines declare has its place in the switch.
func TestStatusKnowsEveryError(t *testing.T) {
	text, err := os.ReadFile("status.go")
	if err != nil {
		t.Fatal(err)
	}
	switched := string(text)
	declared := regexp.MustCompile(`(?m)^\s*(?:var )?(Err\w+)\s+=`)
	outside := map[string]bool{"storage.ErrOutsideTx": true} // a mistake of this program's: 500
	for _, dir := range []string{"loyalty", "loyalty/exchange", "loyalty/reward", "otp", "stamps", "stamps/shop", "stamps/counter", "storage", "storage/journal",
		"scrm/activation", "scrm/lead", "scrm/lead/dispatch", "scrm/office", "scrm/ticket"} {
		files, err := filepath.Glob(filepath.Join("../..", dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", dir, files, err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range declared.FindAllStringSubmatch(string(source), -1) {
				name := filepath.Base(dir) + "." + m[1]
				if strings.HasSuffix(file, "_test.go") || outside[name] {
					continue
				}
				if !regexp.MustCompile(regexp.QuoteMeta(name) + `\b`).MatchString(switched) {
					t.Errorf("status does not know %s", name)
				}
			}
		}
	}
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		retry  string
	}{
		{&stamps.InputError{Field: "n", Reason: "is 0"}, 422, ""},
		{&stamps.DefinitionError{Mistakes: []stamps.Mistake{{Path: "zone", Reason: "is missing"}}}, 422, ""},
		{&stamps.LimitError{Limit: "cooldown", RetryAfter: 1500 * time.Millisecond}, 429, "2"},
		{&otp.ThrottledError{RetryAfter: time.Minute}, 429, "60"},
		{&stamps.UsedError{}, 409, ""},
		{&loyalty.InsufficientError{Have: 1, Need: 2}, 409, ""},
		{&loyalty.ConditionError{Of: "rule x", Err: errors.New("divides by zero")}, 422, ""},
		{&loyalty.TamperedError{Seq: 3}, 409, ""},
		{loyalty.ErrUnknownBooking, 404, ""},
		{loyalty.ErrTooMuch, 409, ""},
		{otp.ErrInvalidCode, 422, ""},
		{stamps.ErrUnknownCard, 404, ""},
		{stamps.ErrFull, 409, ""},
		{storage.ErrRetry, 503, "1"},
		{errors.New("secret detail"), 500, ""},
	} {
		p, header := status(fmt.Errorf("wrapped: secret detail: %w", c.err))
		if p.Status != c.status || header.Get("Retry-After") != c.retry {
			t.Errorf("%v: %d with Retry-After %q, want %d with %q", c.err, p.Status, header.Get("Retry-After"), c.status, c.retry)
		}
		if strings.Contains(p.Detail, "secret") {
			t.Errorf("%v: the caller is told %q", c.err, p.Detail)
		}
	}
}
