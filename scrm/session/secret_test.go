package session_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/scrm/session"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// TestNothingIsTold: no token, and no hash of one, stands in the journal, in what hooks are told,
// in an error or in the JSON of an answer.
func TestNothingIsTold(t *testing.T) {
	var told strings.Builder
	operations := 0
	hook := func(ctx context.Context, op *storage.Op) (context.Context, func(error)) {
		return ctx, func(err error) { operations++; fmt.Fprintf(&told, "%+v %v\n", *op, err) }
	}
	db, at := memory.New(), newClock()
	e, err := session.New(db, "customer", &session.Options{Now: at.now, Hook: hook, Policy: short})
	isError(t, "New", err, nil)
	var tokens []string
	tell := func(v any, err error) {
		text, broken := json.Marshal(v)
		fmt.Fprintln(&told, string(text), err, broken)
	}
	begin := func() string {
		s := start(t, e, "alice")
		tokens = append(tokens, s.Token)
		tell(s, nil)
		return s.Token
	}
	for range short.Sessions + 2 {
		begin()
	}
	token := begin()
	rotated, err := e.Rotate(ctx, token)
	tell(rotated, err)
	tokens = append(tokens, rotated.Token)
	for range 2 {
		at.pass(time.Minute)
		tell(e.Check(ctx, rotated.Token))
		tell(e.End(ctx, rotated.Token))
		tell(e.Rotate(ctx, token))
	}
	typed := session.TokenPrefix + "hunter2-and-then-some-more"
	tokens = append(tokens, typed)
	tell(e.Check(ctx, typed))
	tell(e.End(ctx, typed))
	tell(e.Rotate(ctx, typed))
	tell(e.Revoke(ctx, session.Revoke{Subject: "alice", ID: 1, Key: "1"}))
	tell(e.RevokeAll(ctx, session.RevokeAll{Subject: "alice", Key: "2"}))
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	tell(e.Check(stopped, token))
	tell(e.Rotate(stopped, token))

	all := records(t, db)
	tell(all, nil)
	for _, r := range all {
		fmt.Fprintf(&told, "%q %x\n", r.Input, r.Input)
	}
	kinds := map[string]bool{}
	for _, r := range all {
		kinds[r.Kind] = true
	}
	if len(kinds) != 4 || operations < 12 || len(all) != short.Sessions+2+1+1+1+1 {
		t.Errorf("%d records of %v, %d operations", len(all), kinds, operations)
	}
	for _, token := range tokens {
		body := strings.TrimPrefix(token, session.TokenPrefix)
		hash := session.HashToken("", "customer", token)
		for _, private := range []string{
			token, body, body[:8], hex.EncodeToString(hash), base64.StdEncoding.EncodeToString(hash), base64.RawURLEncoding.EncodeToString(hash),
			strings.Trim(fmt.Sprint(hash), "[]"), strings.Trim(fmt.Sprintf("%q", hash), `"`),
		} {
			if strings.Contains(told.String(), private) {
				t.Errorf("%q is told", private)
			}
		}
	}
}

// TestJournal: the audit trail of a subject says who signed in how, and who ended what.
func TestJournal(t *testing.T) {
	db := memory.New()
	e := open(t, db, "customer", short, newClock().now)
	a, b := start(t, e, "alice"), start(t, e, "alice")
	rotated, err := e.Rotate(ctx, a.Token)
	isError(t, "Rotate", err, nil)
	isError(t, "End", second(e.End(ctx, rotated.Token)), nil)
	isError(t, "Revoke", second(e.Revoke(ctx, session.Revoke{Subject: "alice", ID: b.Session.ID, By: "kathy", Key: "1"})), nil)
	isError(t, "RevokeAll", second(e.RevokeAll(ctx, session.RevokeAll{Subject: "alice", Key: "2"})), nil)
	var got strings.Builder
	for r, err := range db.Journal().Of(ctx, session.JournalSubject("customer", "alice")) {
		isError(t, "Of", err, nil)
		fmt.Fprintln(&got, r.Seq, r.Kind, r.By)
	}
	const want = "6 session.revokeAll alice\n5 session.revoke kathy\n4 session.end alice\n3 session.rotate alice\n2 session.start alice\n1 session.start alice\n"
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", &got, want)
	}
}
