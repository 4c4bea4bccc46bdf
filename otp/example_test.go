package otp_test

import (
	"context"
	"fmt"
	"log"

	"github.com/scrmkit/scrmkit/otp"
	"github.com/scrmkit/scrmkit/secret"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// The customer's phone shows a code, the manager of the shop types it, and it is spent in the
// transaction of what it allows. Check stands outside that, so that no rollback forgives a guess.
func Example() {
	ctx, db := context.Background(), memory.New()
	random := []byte("32 random bytes, kept in a vault") // from the configuration
	codes, err := otp.New(db, []secret.Key{{ID: "2026-11", Secret: random}}, nil)
	if err != nil {
		log.Fatal(err)
	}
	issued, err := codes.Issue(ctx, otp.Issue{Scope: "wangjing", Holder: "alice", Purpose: "stamp", Key: "tap-1"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("digits:", issued.Digits, "lives for:", issued.Expires.Sub(issued.Issued))

	wrong := "000000"
	if issued.Code == wrong {
		wrong = "111111"
	}
	_, err = codes.Check(ctx, otp.Check{Scope: "wangjing", Typist: "kathy", Code: wrong, Key: "entry-1"})
	fmt.Println(err)

	claim, err := codes.Check(ctx, otp.Check{Scope: "wangjing", Typist: "kathy", Code: issued.Code, Key: "entry-2"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("of:", claim.Code.Holder, "for:", claim.Code.Purpose)
	for range 2 {
		fmt.Println(db.InTx(ctx, func(ctx context.Context, tx storage.Tx) error {
			// What the code allows is done here, in the same transaction.
			return codes.In(tx).Spend(ctx, claim)
		}))
	}
	// Output:
	// digits: 6 lives for: 3m0s
	// otp: check in wangjing: otp: the code is not valid; ask for a new one
	// of: alice for: stamp
	// <nil>
	// otp: spend in wangjing: otp: the code is not valid; ask for a new one
}
