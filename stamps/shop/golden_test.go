package shop

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

func goldenEngine(s storage.Tx) *Engine {
	return New(s, &Options{
		Now:       func() time.Time { return time.Unix(1_800_000_000, 0) },
		PressKeys: []secret.Key{{ID: "k1", Secret: []byte("0123456789abcdef0123456789abcdef")}},
	})
}

func TestGoldenCommands(t *testing.T) {
	db := memory.New()
	hash := goldenEngine(db).hashToken("token")
	invitation := Invitation{Hash: hash, Shop: "north", Expires: time.Unix(1_900_000_000, 0), Version: 1}
	if _, err := db.Save(t.Context(), []storage.Change{{Rows: []storage.Row{invitations.Save(&invitation)}}}); err != nil {
		t.Fatal(err)
	}
	golden.Open(t, "commands").Commands(golden.Engine{
		Store: db, New: func(s storage.Tx) any { return goldenEngine(s) },
		Commands: []golden.Command{
			{Kind: "shop.put", Least: Put{Shop: Shop{ID: "north", Zone: "Asia/Shanghai"}}, Fill: golden.Fill{
				"shop.version": int64(0), "shop.from": time.Unix(1_790_000_000, 0).UTC(), "shop.to": time.Unix(1_890_000_000, 0).UTC(),
			}},
			{Kind: "shop.unbind", Least: Unbind{Shop: "north", Identity: "alice"}},
			{
				Kind: "shop.invite", Least: Invite{Shop: "north"}, Err: ErrShownOnce,
				Result: func() any { return Outcome{} },
			},
			{
				Kind: "shop.bind", Least: Bind{Token: "token", Identity: "alice"}, Untagged: true,
				Input: func(c any) any { return []any{hash, c.(Bind).Identity, c.(Bind).Name} },
			},
			{Kind: "shop.withdraw", Least: Withdraw{Shop: "north"}},
			{Kind: "shop.bindStamp", Least: BindStamp{Shop: "north", Serial: "A1"}, Fill: golden.Fill{"aliases": []Serial{"B2", "C3"}}},
			{Kind: "shop.unbindStamps", Least: UnbindStamps{Shop: "north"}, Fill: golden.Fill{"serial": "A1"}},
		},
		Results: []golden.Result{{Name: "outcome", Of: Outcome{}}},
		Without: []string{"Pressed"}, // TestGoldenPress
	})
}

func TestGoldenStates(t *testing.T) { golden.Open(t, "states").States(Tables) }

// A press that was certified by one release is used up by another, once.
func TestGoldenPress(t *testing.T) {
	db := memory.New()
	e, f := goldenEngine(db), golden.Open(t, "tokens")
	f.Line("hash of an invitation", hex.EncodeToString(e.hashToken("token")), "Invitations that were sent are not known.")
	f.Line("id of an invitation", string(Invitation{Hash: e.hashToken("token")}.ID()), "Invitations that were sent can't be withdrawn by their id.")
	_, err := e.Put(t.Context(), Put{Shop: Shop{ID: "north", Zone: "Asia/Shanghai"}, Key: "1"})
	if err == nil {
		_, err = e.BindStamp(t.Context(), BindStamp{Shop: "north", Serial: "A1", Key: "2"})
	}
	if err != nil {
		t.Fatal(err)
	}
	token := f.Once("token of a press", func() string {
		token, err := e.Certify(t.Context(), "A1")
		if err != nil {
			t.Fatal(err)
		}
		return token
	})
	opened, err := e.open(token)
	if err != nil {
		t.Fatalf("a press that an earlier release has certified is refused: %v", err)
	}
	f.Line("what a token holds", string(journal.JSON(opened)), "Presses that were certified are refused.")
	if _, err := e.Pressed(t.Context(), Press{Token: token, Member: "alice", Key: "3"}); err != nil {
		t.Fatalf("a press that an earlier release has certified is refused: %v", err)
	}
	for r, err := range db.Journal().Of(t.Context(), journal.Subject("shop-press", hex.EncodeToString(opened.Nonce))) {
		if err != nil {
			t.Fatal(err)
		}
		f.Line("shop.press", hex.EncodeToString(r.Input)+" "+r.Key, "A press that was used up is refused when its command comes again.")
	}
}
