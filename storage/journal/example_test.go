package journal_test

import (
	"context"
	"fmt"
	"log"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// A relay follows the journal: it keeps the cursor of the last record that it dealt with, and goes
// on from there after a restart. The history of one account is an audit trail.
func Example() {
	ctx, db := context.Background(), memory.New()
	must := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	points := loyalty.New(db, nil)
	_, err := points.Publish(ctx, loyalty.Definition{ID: "club", Version: 1, Zone: "UTC", Currencies: []loyalty.Currency{{ID: "points"}}})
	must(err)
	alice := loyalty.AccountID{Program: "club", Member: "alice"}
	_, err = points.Adjust(ctx, loyalty.Adjust{Account: alice, N: 100, Reason: "welcome", By: "kathy", Key: "welcome"})
	must(err)

	var cursor journal.Cursor // of the first record; a relay stores it with what it did
	follow := func() {
		for record, err := range db.Journal().After(ctx, cursor, 100) {
			must(err)
			fmt.Println("relay:", record.Kind, record.Subject, record.Key)
			cursor = record.Cursor
		}
	}
	follow()
	_, err = points.Redeem(ctx, loyalty.Redeem{Account: alice, N: 30, By: "li", Key: "order-1"})
	must(err)
	follow()

	for record, err := range db.Journal().Of(ctx, journal.Subject("loyalty", "club", "alice")) {
		must(err)
		fmt.Println("audit:", record.Seq, record.Kind, record.By)
	}
	// Output:
	// relay: loyalty.adjust loyalty/club/alice welcome
	// relay: loyalty.redeem loyalty/club/alice order-1
	// audit: 2 loyalty.redeem li
	// audit: 1 loyalty.adjust kathy
}

// A handler of entries takes the ids from the subject: of a card, the program and the member.
func ExampleParseSubject() {
	subject := journal.Subject("stamps", "coffee", "alice/bob")
	ids, ok := journal.ParseSubject("stamps", subject)
	fmt.Println(subject, ids, ok)
	_, ok = journal.ParseSubject("stamps", "shop/wangjing")
	fmt.Println(ok)
	// Output:
	// stamps/coffee/alice%2Fbob [coffee alice/bob] true
	// false
}
