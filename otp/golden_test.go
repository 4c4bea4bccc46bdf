package otp

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/golden"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

var goldenNow = time.Unix(1_800_000_000, 0).UTC()

func goldenEngine(s storage.Tx) *Engine {
	keys := []secret.Key{{ID: "k1", Secret: []byte("0123456789abcdef0123456789abcdef")}}
	e, err := New(s, keys, &Options{Now: func() time.Time { return goldenNow }})
	if err != nil {
		panic(err)
	}
	return e
}

func TestGoldenCommands(t *testing.T) {
	db := memory.New()
	mac := macs(goldenEngine(db).keys, db.TenantID(), "north", "123456")[0]
	f := golden.Open(t, "commands")
	f.Commands(golden.Engine{
		Store: db, New: func(s storage.Tx) any { return goldenEngine(s) },
		Commands: []golden.Command{
			{
				Kind: "otp.issue", Least: Issue{Scope: "north", Holder: "alice", Purpose: "stamp"}, Fill: golden.Fill{"ttl": int64(time.Minute)},
				Result: func() any { return Result{Issued: &Issued{Number: 1}} }, Err: ErrEnded,
			},
			{
				Kind: "otp.check", Least: Check{Scope: "north", Typist: "manager", Code: "123456"}, Untagged: true,
				Input:  func(c any) any { return []any{c.(Check).Scope, c.(Check).Typist, c.(Check).Purpose, mac} },
				Result: func() any { return Result{Claim: &Claim{}} },
			},
			{
				Kind: "otp.admit", Least: Admit{Scope: "north", Typist: "manager"},
				Result: func() any { return Result{Admit: &Admitted{}} },
			},
		},
	})
	v := golden.JSON("answer", Result{}, nil, "A command that an earlier release has done can't be answered when it comes again.")
	v.Whole = true
	f.Check(v)
}

func TestGoldenStates(t *testing.T) { golden.Open(t, "states").States(Tables) }

// What one release has sealed, and what it finds codes by, is good in another.
func TestGoldenSeals(t *testing.T) {
	db := memory.New()
	e, f := goldenEngine(db), golden.Open(t, "seals")
	k := e.keys[0]
	f.Line("mac of a code", hex.EncodeToString(mac(k, "", "north", "123456")), "Codes that customers hold are wrong.")
	f.Line("mac of a code in a tenant", hex.EncodeToString(mac(k, "acme", "north", "123456")), "Codes that customers hold are wrong.")
	code := Code{
		Scope: "north", MAC: mac(k, "", "north", "123456"), ID: []byte("0123456789abcdef"), Version: 2, Number: 1, KeyID: "k1", Digits: 6,
		Holder: "alice", Purpose: "stamp", Payload: []byte("payload"), Issued: goldenNow, Expires: goldenNow.Add(DefaultTTL),
		Reusable: goldenNow.Add(DefaultTTL + Quarantine),
	}
	sealed, err := hex.DecodeString(f.Once("digits of a code", func() string { return hex.EncodeToString(k.Seal([]byte("123456"), codeContext("", code))) }))
	if err == nil {
		_, err = e.keys.Open("k1", sealed, codeContext("", code))
	}
	if err != nil {
		t.Errorf("a code that an earlier release has issued can't be shown again: %v", err)
	}
	claim := Claim{Code: code, By: "manager", Expires: goldenNow.Add(ClaimTTL), Note: []byte("note")}
	opened, err := e.Open(f.Once("claim", func() string { return e.Seal(claim) }))
	if err != nil || string(journal.JSON(opened)) != string(journal.JSON(claim)) {
		t.Errorf("a claim that an earlier release has sealed is opened as %+v, with %v", opened, err)
	}
	f.Line("what a claim holds", string(journal.JSON(opened)), "Claims that are on their way are opened as others.")
}

// The journal tells of a code that was spent in the same words.
func TestGoldenSpend(t *testing.T) {
	claim := Claim{Code: Code{Scope: "north", Number: 7, Holder: "alice", Purpose: "stamp"}, By: "manager", Expires: goldenNow.Add(ClaimTTL)}
	spent, err := claim.spend("", goldenNow)
	if err != nil {
		t.Fatal(err)
	}
	f := golden.Open(t, "spend")
	f.Line("otp.spend", string(journal.JSON(spent.entries[0])), "The journal tells otherwise of codes that are spent.")
}
