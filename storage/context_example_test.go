package storage_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scrmkit/scrmkit/storage"
	"github.com/scrmkit/scrmkit/storage/journal"
	"github.com/scrmkit/scrmkit/storage/memory"
)

// A GiftCard is a root: its version grows by one with each change.
type GiftCard struct {
	ID      string `json:"id"`
	Cents   int64  `json:"cents"`
	Version int64  `json:"-"`
}

var giftCards = storage.NewTable("gift_card", func(c *storage.Columns, g *GiftCard) {
	storage.Text(c, "card", &g.ID)
	c.Key()
	c.Version(&g.Version)
	c.State("state", 1, g)
})

// A Charge moves an amount onto a gift card or, below zero, off it.
type Charge struct {
	Card  string `json:"card"`
	Cents int64  `json:"cents"`
	Key   string `json:"-"` // names the charge: sent again, it gives the card as it was after the first
}

// KindCharge: an amount was moved; the subject is "gift-card/<card>".
const KindCharge journal.Kind[GiftCard] = "giftcard.charge"

var (
	errCents = errors.New("gift card: the amount is out of range")
	errShort = errors.New("gift card: the amount exceeds what remains")
)

// maxCents bounds what a card holds, and an amount.
const maxCents = 1_000_000

// apply does the charge. It may run twice with its key, and beside any other charge.
func (c Charge) apply(ctx context.Context, tx storage.Tx) (after GiftCard, err error) {
	if c.Cents < -maxCents || c.Cents > maxCents {
		return after, errCents
	}
	for range 10 {
		after, err = c.try(ctx, tx)
		if !errors.Is(err, journal.ErrConflict) && !errors.Is(err, journal.ErrDuplicate) {
			break
		}
	}
	return after, err
}

func (c Charge) try(ctx context.Context, tx storage.Tx) (GiftCard, error) {
	card := GiftCard{ID: c.Card}
	subject, input := journal.Subject("gift-card", c.Card), journal.Hash(string(KindCharge), c)
	looks := []storage.Look{{Reads: []storage.Read{giftCards.Get(&card)}, Subject: subject, Key: c.Key}}
	if err := tx.Load(ctx, looks); err != nil {
		return GiftCard{}, err
	}
	if done := looks[0].Entry; done != nil {
		var first GiftCard
		err := done.Replay(input, &first)
		return first, err
	}
	card.Cents += c.Cents
	card.Version++
	switch {
	case card.Cents < 0:
		return GiftCard{}, errShort
	case card.Cents > maxCents:
		return GiftCard{}, errCents
	}
	errs, err := tx.Save(ctx, []storage.Change{{
		Rows: []storage.Row{giftCards.Save(&card)},
		Entries: []journal.Entry{{
			Subject: subject, Seq: card.Version, Key: c.Key, Kind: string(KindCharge), At: journal.Instant(time.Now()),
			Input: input, Result: journal.JSON(card),
		}},
	}})
	if err != nil {
		return GiftCard{}, err
	}
	return card, errs[0]
}

// A context of a team's own. With a Schema of its tables, bunstore.Script writes the SQL that makes
// them and bunstore.Migrate runs it; storagetest.Mapping tests that rows come back as they were
// written.
func ExampleNewTable() {
	ctx := context.Background()
	db := memory.New()
	for _, c := range []Charge{
		{Card: "G1", Cents: 5000, Key: "sold"},
		{Card: "G1", Cents: -1800, Key: "lunch"},
		{Card: "G1", Cents: -1800, Key: "lunch"}, // the answer was lost
		{Card: "G1", Cents: -9900, Key: "dinner"},
	} {
		card, err := c.apply(ctx, db)
		fmt.Println(c.Key, card.Cents, err)
	}
	// Output:
	// sold 5000 <nil>
	// lunch 3200 <nil>
	// lunch 3200 <nil>
	// dinner 0 gift card: the amount exceeds what remains
}
