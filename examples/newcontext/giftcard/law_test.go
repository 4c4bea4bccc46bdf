package giftcard_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/scrmkit/scrmkit/errs"
	"github.com/scrmkit/scrmkit/examples/newcontext/giftcard"
	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// TestLaws draws histories: the balance of each card is the sum of its entries and never below
// zero, no charge is refunded beyond what it took, what is refused leaves no trace, and a replay
// returns what the command returned first and changes nothing.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		db := memory.New()
		e := giftcard.New(db, &giftcard.Options{Now: clock})
		ctx := t.Context()
		type done struct {
			run   func() (giftcard.Outcome, error)
			first giftcard.Outcome
		}
		var all []done
		left := map[string]int64{} // of each charge
		records := func() int { return len(must(storage.Collect(db.Journal().After(ctx, "", 0)))) }
		cards := []giftcard.CardID{"A", "B"}
		amounts := rapid.SampledFrom([]int64{1, 2, 7, 30, 100, math.MaxInt64})
		for n := range rapid.IntRange(1, 30).Draw(t, "commands") {
			card, minor := rapid.SampledFrom(cards).Draw(t, "card"), amounts.Draw(t, "amount")
			c := charge(card, fmt.Sprint("k", n), minor)
			c.Amount.Currency = rapid.SampledFrom([]string{"CNY", "CNY", "CNY", "USD"}).Draw(t, "currency")
			of := fmt.Sprint("k", rapid.IntRange(0, n).Draw(t, "of"))
			var run func() (giftcard.Outcome, error)
			kind := rapid.SampledFrom([]string{"issue", "charge", "charge", "refund", "refund"}).Draw(t, "kind")
			switch kind {
			case "issue":
				run = func() (giftcard.Outcome, error) { return e.Issue(ctx, giftcard.Issue(c)) }
			case "charge":
				run = func() (giftcard.Outcome, error) { return e.Charge(ctx, c) }
			case "refund":
				run = func() (giftcard.Outcome, error) { return e.Refund(ctx, giftcard.Refund{Command: c.Command, Of: of}) }
			}
			before := records()
			out, err := run()
			if err != nil {
				if !errs.Refused(err) || records() != before || out != (giftcard.Outcome{}) {
					t.Fatalf("%s: %v with %+v", kind, err, out)
				}
				continue
			}
			if records() != before+1 || out.Replayed {
				t.Fatalf("%s: %+v", kind, out)
			}
			all = append(all, done{run, out})
			switch kind {
			case "charge":
				left[string(card)+c.Key] = -out.Moved
			case "refund":
				if left[string(card)+of] -= out.Moved; left[string(card)+of] < 0 {
					t.Fatalf("the refunds of %s exceed it by %d", of, -left[string(card)+of])
				}
			}
		}
		before := records()
		for _, d := range all {
			d.first.Replayed = true
			if again, err := d.run(); err != nil || again != d.first {
				t.Fatalf("replayed is %+v, %v; first was %+v", again, err, d.first)
			}
		}
		if records() != before {
			t.Fatal("a replay was stored")
		}
		for _, id := range cards {
			switch card, err := e.Card(ctx, id); {
			case errors.Is(err, giftcard.ErrUnknownCard):
			case err != nil:
				t.Fatal(err)
			default:
				sum(t, db, card)
			}
		}
	})
}
