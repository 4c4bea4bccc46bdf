package stamps_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/internal/dbtest"
	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// Many cards share a write, and one that can't be swept keeps no other one waiting, wherever it comes.
func TestSweepOfMany(t *testing.T) {
	const n = 150
	db, now := &dbtest.Poisoned{Tx: memory.New()}, time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	cards := stamps.New(db, &stamps.Options{Now: func() time.Time { return now }, Cards: 1})
	d := coffee(1)
	d.Card.Expiry.Days, d.Card.Rewards[0].Coupon.Days = 10, 5
	if _, err := cards.Publish(ctx, d); err != nil {
		t.Fatal(err)
	}
	card := func(i int) stamps.CardID {
		return stamps.CardID{Program: "coffee", Member: ids.Member(fmt.Sprintf("m%03d", i))}
	}
	subject := func(i int) string { return journal.Subject("stamps", "coffee", string(card(i).Member)) }
	for i := range n {
		if _, err := cards.Add(ctx, stamps.Add{Card: card(i), N: 12, Key: "k"}); err != nil { // two coupons, and two stamps
			t.Fatal(err)
		}
	}
	now = now.AddDate(0, 1, 0)
	db.Subjects, db.Writes = []string{subject(0), subject(1), subject(77)}, 0
	if swept, err := cards.Sweep(ctx, 10); swept != 20 || !errors.Is(err, dbtest.ErrPoison) {
		t.Error(swept, err)
	}
	swept, err := cards.Sweep(ctx, 1_000)
	if swept != 3*(n-3)-20 || !errors.Is(err, dbtest.ErrPoison) {
		t.Error(swept, err)
	}
	if db.Writes > n/3 { // batches in which some fail are halved
		t.Errorf("%d writes for %d cards", db.Writes, n)
	}
	db.Subjects = nil
	if swept, err := cards.Sweep(ctx, 0); swept != 0 || err != nil {
		t.Error(swept, err)
	}
	if swept, err := cards.Sweep(ctx, 1_000); swept != 9 || err != nil {
		t.Error(swept, err)
	}
}
