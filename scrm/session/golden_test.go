package session

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/golden"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func goldenEngine(s storage.Tx) *Engine {
	e, err := New(s, "customer", &Options{Now: func() time.Time { return time.Unix(1_800_000_000, 0) }})
	if err != nil {
		panic(err)
	}
	return e
}

func TestGoldenCommands(t *testing.T) {
	golden.Open(t, "commands").Commands(golden.Engine{
		Store: memory.New(), New: func(s storage.Tx) any { return goldenEngine(s) },
		Commands: []golden.Command{
			{Kind: "session.revoke", Least: Revoke{Subject: "alice", ID: 1}, Result: func() any { return Result{} }},
			{Kind: "session.revokeAll", Least: RevokeAll{Subject: "alice"}, Result: func() any { return Result{} }},
		},
		Results: []golden.Result{{Name: "result", Of: Result{}}},
	})
}

func TestGoldenStates(t *testing.T) { golden.Open(t, "states").States(Tables) }

// A token that one release gave is good in another.
func TestGoldenTokens(t *testing.T) {
	f := golden.Open(t, "tokens")
	token := f.Once("token", newToken)
	if !wellFormed(token) {
		t.Error("a token that an earlier release gave is refused")
	}
	f.Line("hash of a token", hex.EncodeToString(hashToken("", "customer", token)), "Everybody is signed out.")
	f.Line("hash of a token in a tenant", hex.EncodeToString(hashToken("acme", "customer", token)), "Everybody is signed out.")
	f.Line("subject of the journal", JournalSubject("customer", "alice"), "The audit trail of a subject breaks off.")
}

// The journal tells in the same words of commands whose keys are random.
func TestGoldenJournal(t *testing.T) {
	db := memory.New()
	e := goldenEngine(db)
	s, err := e.Start(t.Context(), Start{Subject: "alice", Way: "sms", Device: "phone"})
	if err == nil {
		s, err = e.Rotate(t.Context(), s.Token)
	}
	if err == nil {
		_, err = e.End(t.Context(), s.Token)
	}
	if err != nil {
		t.Fatal(err)
	}
	f := golden.Open(t, "journal")
	for r, err := range db.Journal().Of(t.Context(), JournalSubject("customer", "alice")) {
		if err != nil {
			t.Fatal(err)
		}
		r.Key = ""
		f.Line(r.Kind, string(journal.JSON(r.Entry)), "The journal tells otherwise of sessions.")
	}
}
