package loyalty_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/loyalty"
)

// A nightly job verifies a program against the heads of the night before, and keeps those of this
// one outside of the database.
func ExampleEngine_VerifyProgram() {
	ctx := context.Background()
	points := started(ctx)
	for _, member := range []ids.Member{"alice", "bob"} {
		_, err := points.Adjust(ctx, loyalty.Adjust{Account: loyalty.AccountID{Program: "club", Member: member}, N: 100, Reason: "welcome", Key: "welcome"})
		fatal(err)
	}
	night := func(kept loyalty.Heads) (heads loyalty.Heads) {
		var err error
		heads.Terms, err = points.Terms(ctx, "club")
		fatal(err)
		for head, err := range points.VerifyProgram(ctx, loyalty.VerifyQuery{Program: "club", Terms: kept.Terms, Kept: kept.All()}) {
			var tampered *loyalty.TamperedError
			switch {
			case errors.As(err, &tampered):
				fmt.Println(tampered) // and it goes on
			case err != nil:
				fmt.Println("to go on later, after the last member:", err)
			default:
				heads.Members = append(heads.Members, head)
			}
		}
		return heads
	}
	first := night(loyalty.Heads{})
	fmt.Println(first.Version, len(first.Members))

	first.Members[1].Seq, first.Members[1].Hash = 2, []byte("of an entry that the database has lost")
	night(first)
	// Output:
	// 1 2
	// loyalty: ledger of bob in club, entry 2: is not in the history whose head was kept at entry 2
}

// A verification that is stopped goes on where it was, with the digest of the heads that it has seen:
// 32 bytes to print or to sign.
func ExampleDigest() {
	ctx := context.Background()
	points := started(ctx)
	for _, member := range []ids.Member{"alice", "bob", "carol"} {
		_, err := points.Earn(ctx, loyalty.Earn{
			Account: loyalty.AccountID{Program: "club", Member: member}, Event: bought(time.Now(), 60_000), Key: "order-1",
		})
		fatal(err)
	}
	terms, err := points.Terms(ctx, "club")
	fatal(err)
	whole := loyalty.NewDigest(terms)
	for head, err := range points.VerifyProgram(ctx, loyalty.VerifyQuery{Program: "club"}) {
		fatal(err)
		whole.Add(head)
	}

	var last ids.Member
	var state []byte
	digest := loyalty.NewDigest(terms)
	for head, err := range points.VerifyProgram(ctx, loyalty.VerifyQuery{Program: "club"}) {
		fatal(err)
		digest.Add(head)
		last = head.Member
		state, err = digest.MarshalBinary()
		fatal(err)
		break // the process is stopped
	}

	var rest loyalty.Digest
	fatal(rest.UnmarshalBinary(state))
	for head, err := range points.VerifyProgram(ctx, loyalty.VerifyQuery{Program: "club", After: last}) {
		fatal(err)
		fmt.Println(head.Member, head.Seq)
		rest.Add(head)
	}
	fmt.Println(len(rest.Sum()), bytes.Equal(rest.Sum(), whole.Sum()))
	// Output:
	// bob 1
	// carol 1
	// 32 true
}
