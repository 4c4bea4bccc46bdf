package authenticator

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
	const recoveryCode = "ABCDEFGHIJKLMNOPQRSTUVWX"
	db := memory.New()
	e := goldenEngine(db)
	input := func(code string) func(any) any {
		return func(any) any { return e.keys.inputs(db.TenantID(), "alice", code)[0] }
	}
	done := func() any { return Result{Outcome: Outcome{At: goldenNow}} }
	f := golden.Open(t, "commands")
	f.Commands(golden.Engine{
		Store: db, New: func(s storage.Tx) any { return goldenEngine(s) },
		Commands: []golden.Command{
			{Kind: "authenticator.enroll", Least: Enroll{Subject: "alice", Issuer: "scrmkit", Account: "alice"}, Result: done, Err: ErrEnded},
			{Kind: "authenticator.confirm", Least: Confirm{Subject: "alice", Code: "123456"}, Input: input("123456"), Result: done},
			{Kind: "authenticator.verify", Least: Verify{Subject: "alice", Code: "123456"}, Input: input("123456"), Result: done},
			{Kind: "authenticator.recover", Least: Recover{Subject: "alice", Code: recoveryCode}, Input: input(recoveryCode), Result: done},
			{Kind: "authenticator.renew", Least: Renew{Subject: "alice"}, Result: done},
			{Kind: "authenticator.disable", Least: Disable{Subject: "alice"}, Result: done},
			{Kind: "authenticator.remove", Least: Remove{Subject: "alice"}, Result: done},
		},
	})
	v := golden.JSON("answer", Result{}, nil, "A command that an earlier release has done can't be answered when it comes again.")
	v.Whole = true
	f.Check(v)
}

func TestGoldenStates(t *testing.T) {
	golden.Open(t, "states").States(Tables, golden.StateOf(subjects, "status", nil,
		func(s Status) holder { return holder{Status: s} }, func(h *holder) Status { return h.Status }))
}

// What one release has sealed opens in another.
func TestGoldenSeals(t *testing.T) {
	e, f := goldenEngine(memory.New()), golden.Open(t, "seals")
	for _, c := range []struct {
		use     use
		v, back any
	}{
		{active, standard(), new(TOTP)},
		{pending, standard(), new(TOTP)},
		{recovery, set{Key: []byte("0123456789abcdef0123456789abcdef"), MACs: [][]byte{{1}, {2}}}, new(set)},
	} {
		row := sealed{Subject: "alice", Use: c.use, KeyID: "k1"}
		text := f.Once("sealed "+string(c.use), func() string {
			e.keys.seal("acme", &row, 7, c.v)
			return hex.EncodeToString(row.Sealed)
		})
		var err error
		if row.Sealed, err = hex.DecodeString(text); err == nil {
			err = e.keys.open("acme", &row, 7, c.back)
		}
		if err != nil {
			t.Errorf("what an earlier release has sealed can't be opened: %v", err)
		}
		f.Line("what is in "+string(c.use), string(journal.JSON(c.back)), "Authenticators and recovery codes of users are lost.")
	}
	s := set{Key: []byte("0123456789abcdef0123456789abcdef")}
	f.Line("hash of a recovery code", hex.EncodeToString(s.mac("ABCDEFGHIJKLMNOPQRSTUVWX")), "Recovery codes that users hold are wrong.")
}
