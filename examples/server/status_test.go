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

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/loyalty/reward"
	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/ticket"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
)

// Every error that the engines declare has a name.
func TestStatusKnowsEveryError(t *testing.T) {
	text, err := os.ReadFile("status.go")
	if err != nil {
		t.Fatal(err)
	}
	switched := strings.ReplaceAll(string(text), "customers.", "customer.") // the program has a role of that name
	declared := regexp.MustCompile(`(?m)^\s*(?:var )?(Err\w+)\s+=`)
	outside := map[string]bool{
		"storage.ErrOutsideTx":     true, // a mistake of this program's: 500
		"storage.ErrFormat":        true, // the release is too old: 500
		"storage.ErrBound":         true, // the contexts say what is short
		"customer.ErrKeyGone":      true, // the key is another: 500
		"wechat.ErrTokenInvalid":   true, // WeChat's console has the app otherwise: 500
		"wechat.ErrIPNotAllowed":   true,
		"wechat.ErrBadSecret":      true,
		"subscription.ErrSettings": true,
		"loyalty.ErrRefused":       true, // those that are returned are cases of it
		"reward.ErrRefused":        true,
		"stamps.ErrRefused":        true,
	}
	for _, dir := range []string{"loyalty", "loyalty/redemption", "loyalty/refund", "loyalty/reward", "loyalty/till", "otp", "stamps", "stamps/shop", "stamps/till", "storage", "storage/journal",
		"scrm/activation", "scrm/lead", "scrm/lead/routing", "scrm/desk", "scrm/ticket",
		"otp/delivery", "scrm/customer", "scrm/session", "scrm/signin", "wechat", "wechat/miniprogram", "wechat/subscription"} {
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
		name   string
		retry  string
	}{
		{&errs.InputError{Field: "n", Reason: "is 0"}, 422, "invalid-input", ""},
		{&errs.DefinitionError{Mistakes: []errs.Mistake{{Path: "zone", Reason: "is missing"}}}, 422, "invalid-definition", ""},
		{&stamps.LimitError{Limit: "cooldown", RetryAfter: 1500 * time.Millisecond}, 429, "stamps-limit", "2"},
		{&otp.ThrottledError{RetryAfter: time.Minute}, 429, "otp-throttled", "60"},
		{&otp.StoppedError{Scope: "wangjing", Typist: "wx-kathy"}, 403, "otp-stopped", ""},
		{&activation.ThrottledError{RetryAfter: time.Second}, 429, "activation-throttled", "1"},
		{&activation.SessionsError{Sessions: 100, RetryAfter: time.Minute}, 409, "activation-sessions", "60"},
		{&stamps.UsedError{}, 409, "stamps-used", ""},
		{&loyalty.InsufficientError{Have: 1, Need: 2}, 409, "loyalty-insufficient", ""},
		{&loyalty.ConditionError{Of: "rule x", Err: errors.New("divides by zero")}, 422, "loyalty-condition", ""},
		{&loyalty.TamperedError{Seq: 3}, 409, "loyalty-tampered", ""},
		{loyalty.ErrUnknownBooking, 404, "loyalty-unknown-booking", ""},
		{loyalty.ErrTooMuch, 409, "loyalty-too-much", ""},
		{otp.ErrInvalidCode, 422, "otp-invalid-code", ""},
		{stamps.ErrUnknownCard, 404, "stamps-unknown-card", ""},
		{stamps.ErrFull, 409, "stamps-full", ""},
		{storage.ErrRetry, 503, "storage-retry", "1"},
		{otp.ErrCrowded, 503, "otp-crowded", "1"},
		{journal.ErrConflict, 503, "journal-conflict", "1"},
		{journal.ErrKeyReused, 422, "journal-key-reused", ""},
		{activation.ErrSignedOut, 401, "activation-signed-out", ""},
		{activation.ErrExpired, 403, "activation-expired", ""},
		{reward.ErrLapsed, 409, "reward-lapsed", ""},
		{ticket.ErrTooLarge, 413, "ticket-too-large", ""},
		{storage.ErrOutsideTx, 500, "internal-server-error", ""},
		{errs.New(errs.NotFound, "secret detail of an engine that is new"), 404, "not-found", ""},
		{errs.New(errs.Denied, "secret detail", stamps.ErrRefused), 403, "forbidden", ""},
		{errs.New(errs.TryAgain, "secret detail"), 503, "service-unavailable", "1"},
		{errors.New("secret detail"), 500, "internal-server-error", ""},
	} {
		p, header := status(fmt.Errorf("wrapped: secret detail: %w", c.err))
		if p.Status != c.status || p.Type != typePrefix+c.name || header.Get("Retry-After") != c.retry {
			t.Errorf("%v: %d %s with Retry-After %q, want %d %s with %q", c.err, p.Status, p.Type, header.Get("Retry-After"), c.status, c.name, c.retry)
		}
		if strings.Contains(p.Detail, "secret") {
			t.Errorf("%v: the caller is told %q", c.err, p.Detail)
		}
	}
}

// An error is told by its own name and not by that of another that it matches as well.
func TestEverySentinelHasAName(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range sentinels {
		if seen[s.name] {
			t.Errorf("two errors are named %s", s.name)
		}
		seen[s.name] = true
		if p, _ := status(s.err); p.Type != typePrefix+s.name || p.Status != s.status() || p.Detail != s.err.Error() {
			t.Errorf("%s is told as %d %s", s.name, p.Status, p.Type)
		}
	}
}
