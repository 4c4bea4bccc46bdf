package till_test

import (
	"context"
	"fmt"
	"log"

	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
	"github.com/scrmkit/scrmkit/stamps/till"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// The customer asks for a code, the manager types it, sees who and what, and confirms; or the
// customer presses the physical stamp of the shop on the phone.
func Example() {
	ctx, db := context.Background(), memory.New()
	must := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	shops, cards := shop.New(db, nil), stamps.New(db, nil)
	codes, err := otp.New(db, []secret.Key{{ID: "2026-11", Secret: []byte("32 random bytes, kept in a vault")}}, nil)
	must(err)
	desk := till.New(db, shops, codes, cards, nil)

	_, err = cards.Publish(ctx, stamps.Definition{ID: "coffee", Version: 1, Zone: "Asia/Shanghai", Card: &stamps.CardDefinition{
		Size: 10, Rewards: []stamps.Reward{{ID: "cup", Name: "A free cup", At: 10}},
		Earn: stamps.Earn{Per: stamps.PerVisit}, PastEnd: stamps.Carry, UsedCoupon: stamps.Refuse,
	}})
	must(err)
	_, err = shops.Put(ctx, shop.Put{Shop: shop.Shop{ID: "wangjing", Name: "Wangjing", Zone: "Asia/Shanghai"}, Key: "open"})
	must(err)
	invited, err := shops.Invite(ctx, shop.Invite{Shop: "wangjing", Key: "invite-1"})
	must(err)
	_, err = shops.Bind(ctx, shop.Bind{Token: invited.Token, Identity: "kathy", Key: "scan-1"})
	must(err)
	_, err = shops.BindStamp(ctx, shop.BindStamp{Shop: "wangjing", Serial: "A1659391", Unsigned: true, Key: "stamp-1"})
	must(err)

	stamp := till.Request{Purpose: stamps.PurposeStamp, Member: "alice", Nickname: "Alice", Program: "coffee"}
	issued, err := desk.Ask(ctx, till.Ask{Shop: "wangjing", Request: stamp, Key: "tap-1"})
	must(err)
	seen, err := desk.Preview(ctx, till.Enter{Shop: "wangjing", Manager: "kathy", Code: issued.Code, Key: "entry-1"})
	must(err)
	fmt.Println("the manager sees:", seen.Request.Nickname, seen.Request.Purpose, seen.Effect.Card.Total)
	done, err := desk.Confirm(ctx, till.Confirm{Shop: "wangjing", Manager: "kathy", Claim: seen.Claim})
	must(err)
	fmt.Println("stamps:", done.Outcome.Card.Total, "by:", done.Outcome.Record.By)

	done, err = desk.Press(ctx, till.Press{Serial: "A1659391", Request: stamp, Key: "press-1"})
	must(err)
	fmt.Println("stamps:", done.Outcome.Card.Total, "at:", done.Outcome.Record.Shop)
	// Output:
	// the manager sees: Alice stamp 1
	// stamps: 1 by: kathy
	// stamps: 2 at: wangjing
}
