package relay_test

import (
	"context"
	"fmt"
	"iter"
	"log"
	"time"

	"github.com/scrmkit/scrmkit/loyalty"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
	"github.com/scrmkit/scrmkit/storage/relay"
)

// club returns points of a tenant with a member who has some.
func club(db storage.DB) *loyalty.Engine {
	ctx, points := context.Background(), loyalty.New(db, nil)
	_, err := points.Publish(ctx, loyalty.Definition{ID: "club", Version: 1, Zone: "UTC", Currencies: []loyalty.Currency{{ID: "points"}}})
	must(err)
	_, err = points.Adjust(ctx, loyalty.Adjust{
		Account: loyalty.AccountID{Program: "club", Member: "alice"}, N: 100, Reason: "welcome", By: "kathy", Key: "welcome",
	})
	must(err)
	return points
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// A service tells its CRM what members have. It runs the relay in each of its processes, of which
// one at a time reads.
func ExampleRelay_Run() {
	ctx, stop := context.WithCancel(context.Background())
	db := memory.New()
	points := club(db)
	told := make(chan string)
	r, err := relay.New(db, "crm", func(_ context.Context, tenant string, r journal.Record) error {
		switch r.Kind {
		case string(loyalty.KindEarn), string(loyalty.KindAdjust), string(loyalty.KindRedeem):
			out, err := journal.Kind[loyalty.Outcome](r.Kind).Result(r.Entry)
			if err != nil {
				return err
			}
			for _, m := range out.Moves {
				// a queue that takes each ID once
				told <- fmt.Sprint(relay.ID(tenant, r.Entry), ": ", m.Balance.Available, " ", m.Currency, " of ", out.Account.Member)
			}
		case string(loyalty.KindTier):
			out, err := loyalty.KindTier.Result(r.Entry)
			if err != nil {
				return err
			}
			told <- fmt.Sprint(relay.ID(tenant, r.Entry), ": level ", out.Status.Level, " of ", out.Account.Member)
		}
		return nil // of nothing else does the CRM hear
	}, nil)
	must(err)
	done := make(chan error)
	go func() { done <- r.Run(ctx, func(err error) { log.Print(err) }) }()
	fmt.Println(<-told)

	_, err = points.Redeem(ctx, loyalty.Redeem{Account: loyalty.AccountID{Program: "club", Member: "alice"}, N: 30, Key: "order-1"})
	must(err)
	r.Wake() // or it looks by itself a moment later
	fmt.Println(<-told)
	stop()
	fmt.Println(<-done)
	// Output:
	// /loyalty%2Fclub%2Falice/1/welcome: 100 points of alice
	// /loyalty%2Fclub%2Falice/2/order-1: 70 points of alice
	// context canceled
}

// What can't be handed over is put aside, where a person looks at it.
func ExampleRelay_Dead() {
	ctx, db := context.Background(), memory.New()
	club(db)
	known := false
	r, err := relay.New(db, "crm", func(_ context.Context, _ string, r journal.Record) error {
		if !known {
			return fmt.Errorf("the CRM has no such member: %w", relay.ErrPoison)
		}
		return nil
	}, nil)
	must(err)
	turn, err := r.Step(ctx)
	must(err)
	fmt.Println("put aside:", turn.Dead)
	needs, err := r.Needs(ctx)
	must(err)
	fmt.Println("to be kept for it:", needs.Subjects)
	for letter, err := range r.Dead(ctx) {
		must(err)
		fmt.Println(letter.Subject, letter.Seq, letter.Fault)
		if known = true; letter.Tries > 5 {
			must(r.Forget(ctx, letter))
			continue
		}
		must(r.Resend(ctx, letter))
	}
	status, err := r.Status(ctx)
	must(err)
	fmt.Println("waiting:", status.Waiting, "lag:", status.Lag)
	must(r.Release(ctx)) // a worker that calls Step ends
	// Output:
	// put aside: 1
	// to be kept for it: [loyalty/club/alice]
	// loyalty/club/alice 1 the CRM has no such member: relay: the entry can't be handed over
	// waiting: 0 lag: 0s
}

// A service with many tenants runs a relay of each, also of those that come later.
func ExampleAll() {
	ctx, stop := context.WithCancel(context.Background())
	db := memory.New()
	for _, tenant := range []string{"acme", "umbrella"} {
		club(db.Tenant(tenant))
	}
	told := make(chan string, 2)
	relays := func(ctx context.Context) iter.Seq2[*relay.Relay, error] {
		return func(yield func(*relay.Relay, error) bool) {
			for tenant, err := range db.Tenants(ctx) {
				var r *relay.Relay
				if err == nil {
					r, err = relay.New(db.Tenant(tenant), "crm", func(_ context.Context, tenant string, _ journal.Record) error {
						told <- tenant
						return nil
					}, nil)
				}
				if !yield(r, err) {
					return
				}
			}
		}
	}
	done := make(chan error)
	go func() { done <- relay.All(ctx, time.Minute, relays, nil) }()
	fmt.Println(<-told)
	fmt.Println(<-told)
	stop()
	fmt.Println(<-done)
	// Unordered output:
	// acme
	// umbrella
	// context canceled
}
