package stamps

import (
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/internal/golden"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

var goldenFill = golden.Fill{
	"stamps.CardID":   CardID{Program: "coffee", Member: "alice"},
	"stamps.CouponID": CouponID{CardID{Program: "coffee", Member: "alice"}, 2},
	"to":              CardID{Program: "coffee", Member: "bob"},
	"zone":            "Asia/Shanghai",
	"currency":        "CNY",
	"purchase.amount": int64(5000), "purchase.items": int64(1000),
}

func TestGoldenCommands(t *testing.T) {
	card, coupon := CardID{Program: "coffee", Member: "alice"}, CouponID{CardID{Program: "coffee", Member: "alice"}, 1}
	golden.Open(t, "commands").Commands(golden.Engine{
		Store: memory.New(),
		New: func(s storage.Tx) any {
			return New(s, &Options{Now: func() time.Time { return time.Unix(1_800_000_000, 0) }})
		},
		Commands: []golden.Command{
			{Kind: "stamps.add", Least: Add{Card: card}, Fill: goldenFill},
			{Kind: "stamps.cancel", Least: Cancel{Card: card}, Fill: goldenFill, Apart: true},
			{Kind: "stamps.adjust", Least: Adjust{Card: card, N: 1, Reason: "a gift"}, Fill: goldenFill},
			{Kind: "stamps.import", Least: Import{Card: card}, Fill: goldenFill},
			{Kind: "stamps.transfer", Least: Transfer{From: card, To: CardID{Program: "coffee", Member: "bob"}}, Fill: goldenFill},
			{Kind: "stamps.expire", Least: Expire{Card: card}, Fill: goldenFill},
			{Kind: "stamps.claim", Least: Claim{Program: "coffee", Member: "alice"}, Fill: goldenFill},
			{Kind: "stamps.redeem", Least: Redeem{Coupon: coupon}, Fill: goldenFill},
			{Kind: "stamps.undo", Least: Undo{Coupon: coupon}, Fill: goldenFill},
			{Kind: "stamps.void", Least: Void{Coupon: coupon, Reason: "a mistake"}, Fill: goldenFill},
		},
		Results: []golden.Result{{Name: "outcome", Of: Outcome{}, Fill: goldenFill}},
		Without: []string{"AddEach", "ImportAll"}, // their commands are those of Add and Import
	})
}

func TestGoldenStates(t *testing.T) {
	golden.Open(t, "states").States(Tables,
		golden.Definitions(programs.Table(), nil, Definition{}),
		golden.StateOf(cards, "state", nil, func(s State) Card { return Card{State: s} }, func(c *Card) State { return c.State }),
		golden.StateOf(records, "peer", goldenFill, func(id *CardID) Record { return Record{Peer: id} }, func(r *Record) *CardID { return r.Peer }),
		golden.StateOf(records, "purchase", goldenFill, func(p *Purchase) Record { return Record{Purchase: p} }, func(r *Record) *Purchase { return r.Purchase }),
	)
}
