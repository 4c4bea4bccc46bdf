package loyalty

import (
	"encoding/hex"
	"encoding/json"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/golden"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

func TestGoldenCommands(t *testing.T) {
	db := memory.New()
	engine := func(s storage.Tx) any {
		return New(s, &Options{Now: func() time.Time { return time.Unix(1_800_000_000, 0) }})
	}
	d := Definition{ID: "club", Version: 1, Name: "Club", Zone: "Asia/Shanghai", Currencies: []Currency{{ID: "points", Name: "Points"}}}
	if _, err := New(db, nil).Publish(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	id, until := AccountID{"club", "alice"}, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	golden.Open(t, "commands").Commands(golden.Engine{
		Store: db, New: engine,
		Commands: []golden.Command{
			{Kind: "loyalty.earn", Least: Earn{Account: id}},
			{Kind: "loyalty.redeem", Least: Redeem{Account: id, N: 1}},
			{Kind: "loyalty.reserve", Least: Reserve{Account: id, N: 1, Until: until}},
			{Kind: "loyalty.capture", Least: Capture{Account: id, Hold: "hold", N: 1}},
			{Kind: "loyalty.release", Least: Release{Account: id, Hold: "hold"}},
			{Kind: "loyalty.activate", Least: Activate{Account: id, Of: "order"}},
			{Kind: "loyalty.adjust", Least: Adjust{Account: id, N: 1, Reason: "a gift"}},
			{Kind: "loyalty.transfer", Least: Transfer{Account: id, To: "bob", N: 1}},
			{Kind: "loyalty.refund", Least: Refund{Account: id, Of: "order", All: true}, Apart: true},
			{Kind: "loyalty.return", Least: Return{Account: id, Of: "order"}},
			{Kind: "loyalty.expire", Least: Expire{Account: id}},
			{Kind: "loyalty.tier", Least: SetTier{Account: id, Level: "gold"}},
			{Kind: "loyalty.import", Least: Import{Account: id}, Fill: golden.Fill{"points.lots.to": until}},
			{Kind: "loyalty.merge", Least: Merge{Account: id, To: "bob"}},
		},
		Results: []golden.Result{{Name: "outcome", Of: Outcome{}, Fill: golden.Fill{"command": json.RawMessage(`{"n":1}`)}}},
		Without: []string{"Forget", "ImportAll"}, // which hash no command of their own
	})
}

func TestGoldenStates(t *testing.T) {
	golden.Open(t, "states").States(Tables,
		golden.Definitions(programs.Table(), nil, Definition{}),
		golden.StateOf(accounts, "state", golden.Fill{"tally": Tally{7, []DayTotal{{20_000, 3}, {20_001, 4}}}}, func(a Account) accountRow { return accountRow{Account: a} }, func(r *accountRow) Account { return r.Account }),
		golden.StateOf(bookings, "state", nil, func(b Booking) Booking { return b }, func(b *Booking) Booking { return *b }),
	)
}

// What seals a ledger is compared with what later releases make of the same rows.
func TestGoldenSeals(t *testing.T) {
	const broken = "A ledger that an earlier release has written fails Verify."
	f := golden.Open(t, "seals")
	f.Check(golden.JSON("link", link{}, nil, broken))
	f.Check(golden.JSON("heads", Heads{}, nil, broken))
	id, at := AccountID{"club", "alice"}, time.Date(2026, 11, 27, 1, 2, 3, 4000, time.UTC)
	account := Account{ID: id, Version: 3, Seq: 2, Hash: []byte("hash"), Joined: at, At: at, Merged: "bob"}
	booking := Booking{Account: id, Key: "order", Changes: 1, At: at, Lines: []BookedLine{{ID: "a", Paid: 100, Items: 1}}}
	entry := journal.Entry{
		Subject: id.Subject(), Seq: 2, Key: "order", Kind: "loyalty.earn", At: at, By: "shop", Input: []byte("input"), Before: []byte(`{"n":1}`),
		Result: []byte(`{"n":2}`),
	}
	for name, digest := range map[string][]byte{
		"digest of an account": account.digest(), "digest of a booking": booking.digest(), "digest of an entry": digest(entry),
		"digest of a definition": Definition{ID: "club", Version: 1, Name: "Club", Zone: "Asia/Shanghai"}.digest(),
	} {
		f.Line(name, hex.EncodeToString(digest), broken)
	}
}
